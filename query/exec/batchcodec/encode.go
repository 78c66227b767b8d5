package batchcodec

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// encodeVector makes Arrow data of a flat vector. Fixed-width values are shared,
// not copied.
func encodeVector(v *column.Vector, t arrow.DataType) (arrow.ArrayData, error) {
	buffers := []*memory.Buffer{validity(v)}
	var children []arrow.ArrayData
	switch v.Kind() {
	case schema.KindBytes, schema.KindList:
		offsets, err := rebase(v)
		if err != nil {
			return nil, err
		}
		buffers = append(buffers, buffer(arrow.Int32Traits.CastToBytes(offsets)))
		if v.Kind() == schema.KindBytes {
			buffers = append(buffers, buffer(v.Data[v.Offsets[0]:v.Offsets[v.N]]))
			break
		}
		elems := v.Elems.Slice(int(v.Offsets[0]), int(v.Offsets[v.N])).Flatten()
		child, err := encodeVector(elems, t.(*arrow.ListType).Elem())
		if err != nil {
			return nil, err
		}
		children = append(children, child)
	default:
		buffers = append(buffers, buffer(fixedBytes(v)))
	}
	return array.NewData(t, v.N, buffers, children, nullCount(v), 0), nil
}

func buffer(b []byte) *memory.Buffer { return memory.NewBufferBytes(b) }

func nullCount(v *column.Vector) int {
	if !v.HasNulls() {
		return 0
	}
	return kernel.CountRange(v.Nulls, 0, v.N)
}

// validity returns Arrow's bitmap of values that are not NULL, nil when none
// is.
func validity(v *column.Vector) *memory.Buffer {
	if !v.HasNulls() {
		return nil
	}
	valid := column.NewBitmap(v.N)
	copy(valid, v.Nulls)
	kernel.Not(valid, v.N)
	return buffer(arrow.Uint64Traits.CastToBytes(valid))
}

// rebase returns the offsets from zero, as int32.
func rebase(v *column.Vector) ([]int32, error) {
	first := v.Offsets[0]
	if v.Offsets[v.N]-first > math.MaxInt32 {
		return nil, fmt.Errorf("%w: a column of %d bytes or elements", ErrTooLarge, v.Offsets[v.N]-first)
	}
	out := make([]int32, v.N+1)
	for i, o := range v.Offsets[:v.N+1] {
		out[i] = int32(o - first)
	}
	return out, nil
}

// fixedBytes returns the values of a fixed-width kind as Arrow lays them out.
func fixedBytes(v *column.Vector) []byte {
	switch v.Kind() {
	case schema.KindBool:
		bits := column.NewBitmap(v.N)
		kernel.PackBools(v.Bools[:v.N], bits)
		return arrow.Uint64Traits.CastToBytes(bits)
	case schema.KindInt32:
		return arrow.Int32Traits.CastToBytes(v.Int32s[:v.N])
	case schema.KindInt64:
		return arrow.Int64Traits.CastToBytes(v.Int64s[:v.N])
	case schema.KindFloat32:
		return arrow.Float32Traits.CastToBytes(v.Float32s[:v.N])
	case schema.KindFloat64:
		return arrow.Float64Traits.CastToBytes(v.Float64s[:v.N])
	case schema.KindDecimal:
		return decimalsToBytes(v.Decimals[:v.N])
	}
	return intervalsToBytes(v.Intervals[:v.N])
}

func decimalsToBytes(vals []column.Decimal) []byte {
	out := make([]byte, 0, len(vals)*decimalBytes)
	for _, d := range vals {
		out = binary.LittleEndian.AppendUint64(out, d.Coef.Lo)
		out = binary.LittleEndian.AppendUint64(out, uint64(d.Coef.Hi))
		out = append(out, d.Scale)
	}
	return out
}

func intervalsToBytes(vals []column.Interval) []byte {
	out := make([]byte, 0, len(vals)*intervalBytes)
	for _, iv := range vals {
		out = binary.LittleEndian.AppendUint32(out, uint32(iv.Months))
		out = binary.LittleEndian.AppendUint32(out, uint32(iv.Days))
		out = binary.LittleEndian.AppendUint64(out, uint64(iv.Micros))
	}
	return out
}
