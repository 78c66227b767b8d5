package encoding

import (
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// Raw reads values as they lie in memory.
type Raw[T Number] struct{ values []T }

var (
	_ Fixed[int32]   = (*Raw[int32])(nil)
	_ Fixed[float64] = (*Raw[float64])(nil)
)

// NewRaw returns a reader of n values.
func NewRaw[T Number](buf []byte, n int) (*Raw[T], error) {
	var t T
	if len(buf) != n*int(unsafe.Sizeof(t)) {
		return nil, segment.Corruptf("%d raw values in %d bytes", n, len(buf))
	}
	return &Raw[T]{values: View[T](buf)}, nil
}

// Read implements Fixed.
func (r *Raw[T]) Read(from uint32, dst []T) { copy(dst, r.values[from:][:len(dst)]) }

// Gather implements Fixed.
func (r *Raw[T]) Gather(docs []uint32, dst []T) {
	dst = dst[:len(docs)]
	for i, doc := range docs {
		dst[i] = r.values[doc]
	}
}

// Match implements Fixed.
func (r *Raw[T]) Match(from uint32, n int, lo, hi T, dst column.Bitmap) {
	MatchRange(r.values[from:][:n], lo, hi, dst)
}

// MatchRange sets bit i of dst when lo <= v[i] <= hi and clears it otherwise;
// NaN is above all numbers.
func MatchRange[T Number](v []T, lo, hi T, dst column.Bitmap) {
	full := len(v) / 64
	if lo != lo || hi != hi {
		for i := range full {
			dst[i] = rangeBitsNaN(v[i*64:i*64+64], lo, hi)
		}
	} else {
		matchWords(v[:full*64], lo, hi, dst[:full])
	}
	if rest := v[full*64:]; len(rest) > 0 {
		mask := uint64(1)<<uint(len(rest)) - 1
		dst[full] = dst[full]&^mask | rangeBits(rest, lo, hi)
	}
}

func matchWords[T Number](v []T, lo, hi T, dst []uint64) {
	switch v := any(v).(type) {
	case []int32:
		matchInt32s(v, int32(lo), int32(hi), dst)
	case []int64:
		matchInt64s(v, int64(lo), int64(hi), dst)
	case []float32:
		matchFloat32s(v, float32(lo), float32(hi), dst)
	case []float64:
		matchFloat64s(v, float64(lo), float64(hi), dst)
	}
}

func matchWordsPlain[T Number](v []T, lo, hi T, dst []uint64) {
	for i := range dst {
		dst[i] = rangeBits(v[i*64:i*64+64], lo, hi)
	}
}

func rangeBits[T Number](v []T, lo, hi T) (word uint64) {
	if lo != lo || hi != hi {
		return rangeBitsNaN(v, lo, hi)
	}
	for i, x := range v {
		var a, b uint64
		if x >= lo {
			a = 1
		}
		if x <= hi {
			b = 1
		}
		word |= a & b << (uint(i) & 63)
	}
	return word
}

// rangeBitsNaN handles bounds that are NaN.
func rangeBitsNaN[T Number](v []T, lo, hi T) (word uint64) {
	for i, x := range v {
		isNaN := x != x
		if (x >= lo || isNaN) && (hi != hi || x <= hi) {
			word |= 1 << uint(i)
		}
	}
	return word
}

// SizeRaw returns the number of bytes that AppendRaw would append.
func SizeRaw[T Number](v []T) int {
	var t T
	return len(v) * int(unsafe.Sizeof(t))
}

// AppendRaw appends values as they lie in memory.
func AppendRaw[T Number](dst []byte, v []T) []byte {
	if len(v) == 0 {
		return dst
	}
	return append(dst, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), SizeRaw(v))...)
}
