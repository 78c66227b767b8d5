package mutable

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// rawWriter keeps the values of the open block of a column without dictionary.
type rawWriter interface {
	// append adds rows [from, from+n) of v.
	append(v *column.Vector, from, n int)
	// values returns a reader that covers all rows so far. It is the same
	// object as long as that one serves.
	values() values
	// close returns a reader of the full block in its final form with its
	// memory, and begins the next block.
	close() (values, int64)
	// zone returns the bounds of the open block, nil when the kind has none.
	zone() *zone
	heldBytes() int64
	// packedBytes is the size of the open block in a sealed segment.
	packedBytes() int64
}

// initialRows is the capacity of the first open block of a segment. It doubles
// when it is full, so that small tables stay small.
const initialRows = 1024

// grow makes room for n more elements in an array of at most limit: like
// append, but doubling from initialRows.
func grow[T any](s []T, n, limit int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	want := max(initialRows, 2*cap(s))
	for want < len(s)+n {
		want *= 2
	}
	next := make([]T, len(s), min(want, max(limit, len(s)+n)))
	copy(next, s)
	return next
}

// fixedValues are values of a fixed width as they lie in memory.
type fixedValues[T any] struct {
	vals []T
	slot func(*column.Vector) *[]T
}

func (f *fixedValues[T]) read(from, n int, dst *column.Vector) {
	s := f.slot(dst)
	*s = append(*s, f.vals[from:from+n]...)
	dst.N += n
}

func (f *fixedValues[T]) gather(docs []uint32, base uint32, dst *column.Vector) {
	s := f.slot(dst)
	for _, doc := range docs {
		*s = append(*s, f.vals[doc-base])
	}
	dst.N += len(docs)
}

func (f *fixedValues[T]) match(uint32, int, segment.ValueRange, column.Bitmap) bool { return false }

// numberValues are fixedValues with an order.
type numberValues[T encoding.Number] struct{ fixedValues[T] }

func (f *numberValues[T]) match(from uint32, n int, r segment.ValueRange, dst column.Bitmap) bool {
	lo, hi, some := rangeOf[T](r)
	if !some {
		clearPrefix(dst, n)
		return true
	}
	encoding.MatchRange(f.vals[from:][:n], lo, hi, dst)
	return true
}

// clearPrefix clears the first n bits.
func clearPrefix(dst column.Bitmap, n int) {
	clear(dst[:n>>6])
	if n&63 != 0 {
		dst[n>>6] &^= prefixMask(n & 63)
	}
}

// rangeOf returns the bounds of a range in the column's kind; some is false
// when no value of the kind lies in it.
func rangeOf[T encoding.Number](r segment.ValueRange) (lo, hi T, some bool) {
	switch any(lo).(type) {
	case int32:
		if r.LoInt > math.MaxInt32 || r.HiInt < math.MinInt32 {
			return 0, 0, false
		}
		return T(max(r.LoInt, math.MinInt32)), T(min(r.HiInt, math.MaxInt32)), true
	case int64:
		return T(r.LoInt), T(r.HiInt), true
	case float32:
		l, h := narrow(r.LoFloat, r.HiFloat)
		return T(l), T(h), true
	}
	return T(r.LoFloat), T(r.HiFloat), true
}

// narrow rounds bounds inwards to float32, so that a float32 lies between them
// exactly if it lies between the wider ones.
func narrow(lo, hi float64) (float32, float32) {
	l, h := float32(lo), float32(hi)
	if float64(l) < lo {
		l = math.Nextafter32(l, float32(math.Inf(1)))
	}
	if float64(h) > hi {
		h = math.Nextafter32(h, float32(math.Inf(-1)))
	}
	return l, h
}
