package kernel

import (
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Gather fills dst (reset to src's type) with the rows of src that pos names,
// NULLs included. It serves both to decode dictionary ids (src holds the
// values) and to pick selected rows.
func Gather(src *column.Vector, pos []uint32, dst *column.Vector) {
	dst.Reset(src.Type)
	if src.Const {
		dst.Append(src.Value(0))
		dst.N, dst.Const = len(pos), true
		return
	}
	switch src.Kind() {
	case schema.KindBool:
		dst.Bools = gather(dst, src.Bools, pos, dst.Bools)
	case schema.KindInt32:
		dst.Int32s = gather(dst, src.Int32s, pos, dst.Int32s)
	case schema.KindInt64:
		dst.Int64s = gather(dst, src.Int64s, pos, dst.Int64s)
	case schema.KindFloat32:
		dst.Float32s = gather(dst, src.Float32s, pos, dst.Float32s)
	case schema.KindFloat64:
		dst.Float64s = gather(dst, src.Float64s, pos, dst.Float64s)
	case schema.KindDecimal:
		dst.Decimals = gather(dst, src.Decimals, pos, dst.Decimals)
	case schema.KindInterval:
		dst.Intervals = gather(dst, src.Intervals, pos, dst.Intervals)
	case schema.KindBytes:
		gatherBytes(src, pos, dst)
	default:
		for _, p := range pos {
			dst.AppendFrom(src, int(p))
		}
		return
	}
	if src.HasNulls() {
		gatherNulls(src.Nulls, pos, dst)
	}
}

func gather[T any](v *column.Vector, src []T, pos []uint32, dst []T) []T {
	n := len(pos)
	v.N = n
	if cap(dst) < n {
		dst = make([]T, n)
	}
	dst = dst[:n]
	for i := gatherSmall(dst, src, pos); i < n; i++ {
		dst[i] = src[pos[i]]
	}
	return dst
}

// gatherSmall gathers from a table that vector registers hold, as small
// dictionaries are, and returns the number of rows done.
func gatherSmall[T any](dst, src []T, pos []uint32) int {
	switch s := any(src).(type) {
	case []int32:
		return setTableWide(words32(any(dst).([]int32)), pos, words32(s))
	case []float32:
		return setTableWide(words32(any(dst).([]float32)), pos, words32(s))
	case []int64:
		return gather64Wide(words64(any(dst).([]int64)), pos, words64(s))
	case []float64:
		return gather64Wide(words64(any(dst).([]float64)), pos, words64(s))
	}
	return 0
}

// words32 returns the same memory as words.
func words32[T int32 | float32](v []T) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

// words64 returns the same memory as words.
func words64[T int64 | float64](v []T) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

func gatherBytes(src *column.Vector, pos []uint32, dst *column.Vector) {
	data, offs := dst.Data, dst.Offsets
	for _, p := range pos {
		data = append(data, src.Data[src.Offsets[p]:src.Offsets[p+1]]...)
		offs = append(offs, uint32(len(data)))
	}
	dst.Data, dst.Offsets, dst.N = data, offs, len(pos)
}

func gatherNulls(nulls column.Bitmap, pos []uint32, dst *column.Vector) {
	for i, p := range pos {
		if nulls.Get(int(p)) {
			dst.SetNull(i)
		}
	}
}

// Concat appends all rows of src to dst, which has the same kind.
func Concat(dst, src *column.Vector) {
	if src.Const || src.Kind() == schema.KindList {
		for i := range src.N {
			dst.AppendFrom(src, i)
		}
		return
	}
	at := dst.N
	switch src.Kind() {
	case schema.KindBool:
		dst.Bools = append(dst.Bools, src.Bools[:src.N]...)
	case schema.KindInt32:
		dst.Int32s = append(dst.Int32s, src.Int32s[:src.N]...)
	case schema.KindInt64:
		dst.Int64s = append(dst.Int64s, src.Int64s[:src.N]...)
	case schema.KindFloat32:
		dst.Float32s = append(dst.Float32s, src.Float32s[:src.N]...)
	case schema.KindFloat64:
		dst.Float64s = append(dst.Float64s, src.Float64s[:src.N]...)
	case schema.KindDecimal:
		dst.Decimals = append(dst.Decimals, src.Decimals[:src.N]...)
	case schema.KindInterval:
		dst.Intervals = append(dst.Intervals, src.Intervals[:src.N]...)
	case schema.KindBytes:
		concatBytes(dst, src)
	}
	dst.N = at + src.N
	if src.HasNulls() {
		for i := FirstSet(src.Nulls, 0); i >= 0 && i < src.N; i = FirstSet(src.Nulls, i+1) {
			dst.SetNull(at + i)
		}
	}
}

func concatBytes(dst, src *column.Vector) {
	from := src.Offsets[0]
	shift := uint32(len(dst.Data)) - from
	dst.Data = append(dst.Data, src.Data[from:src.Offsets[src.N]]...)
	for _, o := range src.Offsets[1 : src.N+1] {
		dst.Offsets = append(dst.Offsets, o+shift)
	}
}

// SetScaled sets dst[i] to ids[i]·stride + base: SetTable where the table is
// such a line.
func SetScaled(dst, ids []uint32, stride, base uint32) {
	dst = dst[:len(ids)]
	for i := setScaledWide(dst, ids, stride, base); i < len(ids); i++ {
		dst[i] = ids[i]*stride + base
	}
}

// AddScaled adds ids[i]·stride + base to dst[i].
func AddScaled(dst, ids []uint32, stride, base uint32) {
	dst = dst[:len(ids)]
	for i := addScaledWide(dst, ids, stride, base); i < len(ids); i++ {
		dst[i] += ids[i]*stride + base
	}
}

// AddTable adds table[ids[i]] to dst[i]: one column of a mixed-radix group
// number, with the stride multiplied into the table.
func AddTable(dst, ids, table []uint32) {
	dst = dst[:len(ids)]
	for i := addTableWide(dst, ids, table); i < len(ids); i++ {
		dst[i] += table[ids[i]]
	}
}

// SetTable sets dst[i] to table[ids[i]].
func SetTable(dst, ids, table []uint32) {
	dst = dst[:len(ids)]
	for i := setTableWide(dst, ids, table); i < len(ids); i++ {
		dst[i] = table[ids[i]]
	}
}
