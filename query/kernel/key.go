package kernel

import (
	"encoding/binary"
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// WordKey returns a number that is equal exactly for equal values of a kind of
// at most 64 bits; ok is false for wider kinds. Row i must not be NULL.
func WordKey(v *column.Vector, i int) (int64, bool) {
	switch v.Kind() {
	case schema.KindBool:
		if v.Bools[i] {
			return 1, true
		}
		return 0, true
	case schema.KindInt32:
		return int64(v.Int32s[i]), true
	case schema.KindInt64:
		return v.Int64s[i], true
	case schema.KindFloat32:
		return FloatKey(float64(v.Float32s[i])), true
	case schema.KindFloat64:
		return FloatKey(v.Float64s[i]), true
	}
	return 0, false
}

// FloatKey maps a float to bits that are equal for equal values: -0 is 0 and
// all NaN are one.
func FloatKey(f float64) int64 {
	switch {
	case f == 0:
		f = 0
	case f != f:
		f = math.NaN()
	}
	return int64(math.Float64bits(f))
}

// AppendKey appends bytes that are equal exactly for equal values of one kind
// (NULL equals NULL), for hashing and grouping: numerics without trailing
// zeros, floats with one zero and one NaN, intervals by their length. The
// encoding is self-delimiting, so the keys of several columns may follow each
// other.
func AppendKey(dst []byte, v *column.Vector, i int) []byte {
	if v.Const {
		i = 0
	}
	if v.Nulls.Get(i) {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	if k, ok := WordKey(v, i); ok {
		return binary.LittleEndian.AppendUint64(dst, uint64(k))
	}
	switch v.Kind() {
	case schema.KindBytes:
		b := v.Bytes(i)
		dst = binary.AppendUvarint(dst, uint64(len(b)))
		return append(dst, b...)
	case schema.KindDecimal:
		return appendDecimalKey(dst, v.Decimals[i])
	case schema.KindInterval:
		hi, lo := IntervalSpan(v.Intervals[i])
		dst = binary.LittleEndian.AppendUint64(dst, uint64(hi))
		return binary.LittleEndian.AppendUint64(dst, lo)
	case schema.KindList:
		from, to := int(v.Offsets[i]), int(v.Offsets[i+1])
		dst = binary.AppendUvarint(dst, uint64(to-from))
		for j := from; j < to; j++ {
			dst = AppendKey(dst, v.Elems, j)
		}
	}
	return dst
}

func appendDecimalKey(dst []byte, d column.Decimal) []byte {
	d = Canonical(d)
	dst = append(dst, d.Scale)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(d.Coef.Hi))
	return binary.LittleEndian.AppendUint64(dst, d.Coef.Lo)
}

// FloatOfKey is the inverse of FloatKey.
func FloatOfKey(k int64) float64 { return math.Float64frombits(uint64(k)) }
