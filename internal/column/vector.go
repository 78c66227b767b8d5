// Package column holds typed vectors with null bitmaps: what ingestion
// produces, segments store and queries work on. It imports only
// internal/schema.
//
// A Vector has one storage kind; loops switch on the kind once per block and
// then run over a typed slice. Nothing here is an interface per value.
package column

import (
	"fmt"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// Vector is a column of N values of one type. Only the slices of its kind are
// used. Values at NULL positions are zero values and must not be relied on.
//
// A Vector does not own the memory it points to unless its maker says so;
// readers treat it as read-only. It is not safe for concurrent writes.
type Vector struct {
	Type schema.Type
	N    int
	// Nulls has a bit per row, set for NULL; nil means that no row is NULL.
	Nulls Bitmap
	// Const marks a vector whose N rows all equal row 0; its slices then have
	// one element (and Nulls at most one bit). See Value and Flatten.
	Const bool

	Bools     []bool     // KindBool
	Int32s    []int32    // KindInt32
	Int64s    []int64    // KindInt64
	Float32s  []float32  // KindFloat32
	Float64s  []float64  // KindFloat64
	Decimals  []Decimal  // KindDecimal
	Intervals []Interval // KindInterval

	// KindBytes: value i is Data[Offsets[i]:Offsets[i+1]], len(Offsets) = N+1
	// (2 for Const). Offsets[0] need not be 0.
	Offsets []uint32
	Data    []byte

	// KindList: list i is elements Offsets[i]..Offsets[i+1] of Elems.
	Elems *Vector
}

// New returns an empty vector of type t with room for capacity rows.
func New(t schema.Type, capacity int) *Vector {
	v := &Vector{Type: t}
	v.Reset(t)
	switch t.Kind() {
	case schema.KindBool:
		v.Bools = make([]bool, 0, capacity)
	case schema.KindInt32:
		v.Int32s = make([]int32, 0, capacity)
	case schema.KindInt64:
		v.Int64s = make([]int64, 0, capacity)
	case schema.KindFloat32:
		v.Float32s = make([]float32, 0, capacity)
	case schema.KindFloat64:
		v.Float64s = make([]float64, 0, capacity)
	case schema.KindDecimal:
		v.Decimals = make([]Decimal, 0, capacity)
	case schema.KindInterval:
		v.Intervals = make([]Interval, 0, capacity)
	case schema.KindBytes, schema.KindList:
		v.Offsets = append(make([]uint32, 0, capacity+1), 0)
	}
	return v
}

// Kind returns the storage kind of the vector's type.
func (v *Vector) Kind() schema.Kind { return v.Type.Kind() }

// Reset makes v an empty vector of type t and keeps its memory.
func (v *Vector) Reset(t schema.Type) {
	v.Type, v.N, v.Const = t, 0, false
	v.Nulls = v.Nulls[:0]
	v.Bools, v.Int32s, v.Int64s = v.Bools[:0], v.Int32s[:0], v.Int64s[:0]
	v.Float32s, v.Float64s = v.Float32s[:0], v.Float64s[:0]
	v.Decimals, v.Intervals = v.Decimals[:0], v.Intervals[:0]
	v.Offsets, v.Data = v.Offsets[:0], v.Data[:0]
	switch t.Kind() {
	case schema.KindBytes:
		v.Offsets = append(v.Offsets, 0)
	case schema.KindList:
		v.Offsets = append(v.Offsets, 0)
		if v.Elems == nil {
			v.Elems = &Vector{}
		}
		v.Elems.Reset(t.Elem())
	}
}

// Resize sets the length to n rows for a fixed-width kind, growing its slice;
// contents beyond the old length are undefined, NULLs are dropped. It panics
// for bytes and lists, whose values are appended.
func (v *Vector) Resize(n int) {
	v.N, v.Const, v.Nulls = n, false, v.Nulls[:0]
	switch v.Kind() {
	case schema.KindBool:
		v.Bools = grow(v.Bools, n)
	case schema.KindInt32:
		v.Int32s = grow(v.Int32s, n)
	case schema.KindInt64:
		v.Int64s = grow(v.Int64s, n)
	case schema.KindFloat32:
		v.Float32s = grow(v.Float32s, n)
	case schema.KindFloat64:
		v.Float64s = grow(v.Float64s, n)
	case schema.KindDecimal:
		v.Decimals = grow(v.Decimals, n)
	case schema.KindInterval:
		v.Intervals = grow(v.Intervals, n)
	default:
		panic("column: Resize of a variable-length vector")
	}
}

func grow[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return append(s[:cap(s)], make([]T, n-cap(s))...)
}

// MemoryBytes returns the memory of the vector's arrays, their spare room included.
func (v *Vector) MemoryBytes() int64 {
	n := int64(cap(v.Nulls))*8 + int64(cap(v.Bools)) + int64(cap(v.Int32s)+cap(v.Float32s)+cap(v.Offsets))*4 +
		int64(cap(v.Int64s)+cap(v.Float64s))*8 + int64(cap(v.Decimals))*24 + int64(cap(v.Intervals))*16 + int64(cap(v.Data))
	if v.Elems != nil {
		n += v.Elems.MemoryBytes()
	}
	return n
}

// HasNulls reports whether any row is NULL.
func (v *Vector) HasNulls() bool { return v.Nulls.Any() }

// IsNull reports whether row i is NULL.
func (v *Vector) IsNull(i int) bool {
	if v.Const {
		i = 0
	}
	return v.Nulls.Get(i)
}

// SetNull marks row i (< N) as NULL.
func (v *Vector) SetNull(i int) {
	for len(v.Nulls) < Words(v.N) {
		v.Nulls = append(v.Nulls, 0)
	}
	v.Nulls.Set(i)
}

// Bytes returns the bytes of row i of a KindBytes vector, without copying.
func (v *Vector) Bytes(i int) []byte {
	if v.Const {
		i = 0
	}
	return v.Data[v.Offsets[i]:v.Offsets[i+1]:v.Offsets[i+1]]
}

// AppendNull appends a NULL row.
func (v *Vector) AppendNull() {
	switch v.Kind() {
	case schema.KindBool:
		v.Bools = append(v.Bools, false)
	case schema.KindInt32:
		v.Int32s = append(v.Int32s, 0)
	case schema.KindInt64:
		v.Int64s = append(v.Int64s, 0)
	case schema.KindFloat32:
		v.Float32s = append(v.Float32s, 0)
	case schema.KindFloat64:
		v.Float64s = append(v.Float64s, 0)
	case schema.KindDecimal:
		v.Decimals = append(v.Decimals, Decimal{})
	case schema.KindInterval:
		v.Intervals = append(v.Intervals, Interval{})
	case schema.KindBytes:
		v.Offsets = append(v.Offsets, uint32(len(v.Data)))
	case schema.KindList:
		v.Offsets = append(v.Offsets, uint32(v.Elems.N))
	}
	v.N++
	v.SetNull(v.N - 1)
}

// AppendBytes appends a row to a KindBytes vector.
func (v *Vector) AppendBytes(b []byte) {
	v.Data = append(v.Data, b...)
	v.Offsets = append(v.Offsets, uint32(len(v.Data)))
	v.N++
}

// AppendString appends a row to a KindBytes vector.
func (v *Vector) AppendString(s string) {
	v.Data = append(v.Data, s...)
	v.Offsets = append(v.Offsets, uint32(len(v.Data)))
	v.N++
}

// Append appends a value, which must be of the vector's kind or NULL.
func (v *Vector) Append(x Value) {
	if x.Null {
		v.AppendNull()
		return
	}
	switch v.Kind() {
	case schema.KindBool:
		v.Bools = append(v.Bools, x.I != 0)
	case schema.KindInt32:
		v.Int32s = append(v.Int32s, int32(x.I))
	case schema.KindInt64:
		v.Int64s = append(v.Int64s, x.I)
	case schema.KindFloat32:
		v.Float32s = append(v.Float32s, float32(x.F))
	case schema.KindFloat64:
		v.Float64s = append(v.Float64s, x.F)
	case schema.KindDecimal:
		v.Decimals = append(v.Decimals, x.D)
	case schema.KindInterval:
		v.Intervals = append(v.Intervals, x.Iv)
	case schema.KindBytes:
		v.AppendBytes(x.B)
		return
	case schema.KindList:
		for i := range x.List.N {
			v.Elems.Append(x.List.Value(i))
		}
		v.Offsets = append(v.Offsets, uint32(v.Elems.N))
	default:
		panic(fmt.Sprintf("column: append to %v vector", v.Kind()))
	}
	v.N++
}

// AppendFrom appends row i of src, which has the same kind.
func (v *Vector) AppendFrom(src *Vector, i int) { v.Append(src.Value(i)) }

// Value returns row i. Bytes and lists share the vector's memory.
func (v *Vector) Value(i int) Value {
	if v.Const {
		i = 0
	}
	x := Value{Type: v.Type}
	if v.Nulls.Get(i) {
		x.Null = true
		return x
	}
	switch v.Kind() {
	case schema.KindBool:
		if v.Bools[i] {
			x.I = 1
		}
	case schema.KindInt32:
		x.I = int64(v.Int32s[i])
	case schema.KindInt64:
		x.I = v.Int64s[i]
	case schema.KindFloat32:
		x.F = float64(v.Float32s[i])
	case schema.KindFloat64:
		x.F = v.Float64s[i]
	case schema.KindDecimal:
		x.D = v.Decimals[i]
	case schema.KindInterval:
		x.Iv = v.Intervals[i]
	case schema.KindBytes:
		x.B = v.Bytes(i)
	case schema.KindList:
		x.List = v.Elems.Slice(int(v.Offsets[i]), int(v.Offsets[i+1]))
	}
	return x
}

// NewConst returns a vector of n rows that all equal x.
func NewConst(x Value, n int) *Vector {
	v := New(x.Type, 1)
	v.Append(x)
	v.N, v.Const = n, true
	return v
}

// Flatten returns v, or for a Const vector a copy with N separate rows.
func (v *Vector) Flatten() *Vector {
	if !v.Const {
		return v
	}
	out := New(v.Type, v.N)
	x := v.Value(0)
	for range v.N {
		out.Append(x)
	}
	return out
}

// Slice returns rows from..to as a vector that shares v's memory (its null
// bitmap is copied when from is not a multiple of 64).
func (v *Vector) Slice(from, to int) *Vector {
	out := *v
	out.N = to - from
	if v.Const {
		return &out
	}
	switch v.Kind() {
	case schema.KindBool:
		out.Bools = v.Bools[from:to]
	case schema.KindInt32:
		out.Int32s = v.Int32s[from:to]
	case schema.KindInt64:
		out.Int64s = v.Int64s[from:to]
	case schema.KindFloat32:
		out.Float32s = v.Float32s[from:to]
	case schema.KindFloat64:
		out.Float64s = v.Float64s[from:to]
	case schema.KindDecimal:
		out.Decimals = v.Decimals[from:to]
	case schema.KindInterval:
		out.Intervals = v.Intervals[from:to]
	case schema.KindBytes, schema.KindList:
		out.Offsets = v.Offsets[from : to+1]
	}
	out.Nulls = sliceBits(v.Nulls, from, to)
	return &out
}

func sliceBits(b Bitmap, from, to int) Bitmap {
	if !b.Any() {
		return nil
	}
	out := NewBitmap(to - from)
	for i := from; i < to; i++ {
		if b.Get(i) {
			out.Set(i - from)
		}
	}
	if !out.Any() {
		return nil
	}
	return out
}
