package build

import (
	"fmt"
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

func pick[T any](v []T, order []uint32) []T {
	out := make([]T, len(order))
	for i, from := range order {
		out[i] = v[from]
	}
	return out
}

// gatherRows returns rows order[0], order[1], … of v.
func gatherRows(v *column.Vector, order []uint32) *column.Vector {
	out := &column.Vector{Type: v.Type, N: len(order)}
	switch v.Kind() {
	case schema.KindBool:
		out.Bools = pick(v.Bools, order)
	case schema.KindInt32:
		out.Int32s = pick(v.Int32s, order)
	case schema.KindInt64:
		out.Int64s = pick(v.Int64s, order)
	case schema.KindFloat32:
		out.Float32s = pick(v.Float32s, order)
	case schema.KindFloat64:
		out.Float64s = pick(v.Float64s, order)
	case schema.KindDecimal:
		out.Decimals = pick(v.Decimals, order)
	case schema.KindInterval:
		out.Intervals = pick(v.Intervals, order)
	case schema.KindBytes:
		gatherBytes(out, v, order)
	case schema.KindList:
		out = column.New(v.Type, len(order))
		for _, i := range order {
			appendElems(out, v, int(i), int(i)+1)
		}
	}
	return out
}

// gatherBytes fills out with texts of v.
func gatherBytes(out, v *column.Vector, order []uint32) {
	size := uint32(0)
	out.Offsets = make([]uint32, len(order)+1)
	for i, from := range order {
		size += v.Offsets[from+1] - v.Offsets[from]
		out.Offsets[i+1] = size
	}
	out.Data = make([]byte, size)
	for i, from := range order {
		copy(out.Data[out.Offsets[i]:], v.Data[v.Offsets[from]:v.Offsets[from+1]])
	}
}

// appendElems appends lists [lo, hi) of src to dst.
func appendElems(dst, src *column.Vector, lo, hi int) {
	for i := lo; i < hi; i++ {
		for j := src.Offsets[i]; j < src.Offsets[i+1]; j++ {
			dst.Elems.AppendFrom(src.Elems, int(j))
		}
		dst.Offsets = append(dst.Offsets, uint32(dst.Elems.N))
		dst.N++
	}
}

// appendRows appends the rows of src (not Const) to dst, with NULL rows empty.
// dst's Nulls are left alone. It fails when bytes or elements outgrow the
// 32-bit offsets of a vector.
func appendRows(dst, src *column.Vector) error {
	n := src.N
	switch src.Kind() {
	case schema.KindBool:
		dst.Bools = append(dst.Bools, src.Bools[:n]...)
	case schema.KindInt32:
		dst.Int32s = append(dst.Int32s, src.Int32s[:n]...)
	case schema.KindInt64:
		dst.Int64s = append(dst.Int64s, src.Int64s[:n]...)
	case schema.KindFloat32:
		dst.Float32s = append(dst.Float32s, src.Float32s[:n]...)
	case schema.KindFloat64:
		dst.Float64s = append(dst.Float64s, src.Float64s[:n]...)
	case schema.KindDecimal:
		dst.Decimals = append(dst.Decimals, src.Decimals[:n]...)
	case schema.KindInterval:
		dst.Intervals = append(dst.Intervals, src.Intervals[:n]...)
	case schema.KindBytes:
		return appendByteRows(dst, src)
	case schema.KindList:
		return appendListRows(dst, src)
	default:
		return fmt.Errorf("build: cannot store %v", src.Type)
	}
	dst.N += n
	return nil
}

func appendByteRows(dst, src *column.Vector) error {
	size := uint64(len(dst.Data)) + uint64(src.Offsets[src.N]-src.Offsets[0])
	if size > math.MaxUint32 {
		return segment.Unsupportedf("more than 4 GiB of text in one column of a segment")
	}
	for i := range src.N {
		if src.Nulls.Get(i) {
			dst.AppendBytes(nil)
		} else {
			dst.AppendBytes(src.Bytes(i))
		}
	}
	return nil
}

func appendListRows(dst, src *column.Vector) error {
	for i := range src.N {
		if src.Nulls.Get(i) {
			dst.Offsets = append(dst.Offsets, uint32(dst.Elems.N))
			dst.N++
			continue
		}
		count := uint64(src.Offsets[i+1] - src.Offsets[i])
		if uint64(dst.Elems.N)+count > math.MaxUint32 {
			return segment.Unsupportedf("more than 2^32 elements in one column of a segment")
		}
		appendElems(dst, src, i, i+1)
	}
	return nil
}

// convert returns v as type t, widening int32 to int64 and float32 to float64;
// types that share a kind are relabelled.
func convert(v *column.Vector, t schema.Type) (*column.Vector, error) {
	from, to := v.Kind(), t.Kind()
	switch {
	case from == to && (from != schema.KindList || v.Type.Elem().Kind() == t.Elem().Kind()) && sameScale(v.Type, t):
		out := *v
		out.Type = t
		return &out, nil
	case from == schema.KindInt32 && to == schema.KindInt64 && t.ID == schema.TypeInt64:
		out := &column.Vector{Type: t, N: v.N, Nulls: v.Nulls, Int64s: make([]int64, v.N)}
		for i, x := range v.Int32s[:v.N] {
			out.Int64s[i] = int64(x)
		}
		return out, nil
	case from == schema.KindFloat32 && to == schema.KindFloat64:
		out := &column.Vector{Type: t, N: v.N, Nulls: v.Nulls, Float64s: make([]float64, v.N)}
		for i, x := range v.Float32s[:v.N] {
			out.Float64s[i] = float64(x)
		}
		return out, nil
	}
	return nil, segment.Unsupportedf("rewriting %v as %v", v.Type, t)
}

// sameScale reports whether numbers of both types have the same unit.
func sameScale(a, b schema.Type) bool {
	scaled := func(t schema.Type) bool { return t.ID == schema.TypeNumeric && t.Elem().Kind() == schema.KindInt64 }
	return !scaled(a) && !scaled(b) || a.Scale == b.Scale && scaled(a) == scaled(b)
}
