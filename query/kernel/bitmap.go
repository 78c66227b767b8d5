// Package kernel holds the innermost loops of the query engine: typed loops
// over blocks of values, ids and bitmaps. It knows column.Bitmap and plain
// slices; it knows nothing of segments, plans, types or NULL rules beyond the
// three-valued helpers of this file.
//
// Hot kernels are reached through function variables, so that a build with
// vector instructions can put a faster twin in their place; the plain twin
// stays as the reference.
package kernel

import (
	"math/bits"

	"github.com/alluviumdb/alluvium/internal/column"
)

// And intersects dst with src, which has at least as many words.
func And(dst, src column.Bitmap) {
	src = src[:len(dst)]
	for i := andWide(dst, src); i < len(dst); i++ {
		dst[i] &= src[i]
	}
}

// Or adds src to dst, which has at least as many words.
func Or(dst, src column.Bitmap) {
	dst = dst[:len(src)]
	for i := orWide(dst, src); i < len(dst); i++ {
		dst[i] |= src[i]
	}
}

// AndNot removes src from dst; words that src lacks count as empty.
func AndNot(dst, src column.Bitmap) {
	n := min(len(dst), len(src))
	dst, src = dst[:n], src[:n]
	for i := andNotWide(dst, src); i < len(dst); i++ {
		dst[i] &^= src[i]
	}
}

// Not complements the first n bits of dst and clears the rest.
func Not(dst column.Bitmap, n int) {
	for i := range dst {
		dst[i] = ^dst[i]
	}
	Trim(dst, n)
}

// Trim clears the bits of dst at and beyond n.
func Trim(dst column.Bitmap, n int) {
	w := n >> 6
	if w >= len(dst) {
		return
	}
	dst[w] &= 1<<(uint(n)&63) - 1
	clear(dst[w+1:])
}

// Positions appends base plus the positions of the set bits to dst.
var Positions = positions

func positions(b column.Bitmap, base uint32, dst []uint32) []uint32 { return b.Positions(base, dst) }

// PackBools sets bit i of dst where b[i] holds and clears the other bits.
func PackBools(b []bool, dst column.Bitmap) {
	clear(dst)
	full := len(b) &^ 63
	for i := 0; i < full; i += 64 {
		var w uint64
		for j, x := range b[i : i+64 : i+64] {
			w |= b2u(x) << uint(j)
		}
		dst[i>>6] = w
	}
	for i := full; i < len(b); i++ {
		dst[i>>6] |= b2u(b[i]) << (uint(i) & 63)
	}
}

// UnpackBools sets dst[i] to bit i of src.
func UnpackBools(src column.Bitmap, dst []bool) {
	for i := range dst {
		dst[i] = src[i>>6]>>(uint(i)&63)&1 != 0
	}
}

// b2u is 1 for true; the compiler makes it one instruction.
func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// CopyBits copies n bits of src from bit position from on to dst and clears
// the rest of dst. Positions beyond src count as clear.
func CopyBits(dst, src column.Bitmap, from, n int) {
	shift, w := uint(from)&63, from>>6
	for i := range dst {
		dst[i] = word(src, w+i) >> shift
		if shift != 0 {
			dst[i] |= word(src, w+i+1) << (64 - shift)
		}
	}
	Trim(dst, n)
}

func word(b column.Bitmap, i int) uint64 {
	if i < len(b) {
		return b[i]
	}
	return 0
}

// CountRange returns the number of set bits in [from, to).
func CountRange(b column.Bitmap, from, to int) int {
	n := 0
	for i := from >> 6; i<<6 < to && i < len(b); i++ {
		w := b[i]
		if lo := from - i<<6; lo > 0 {
			w &= ^uint64(0) << uint(lo)
		}
		if hi := to - i<<6; hi < 64 {
			w &= 1<<uint(hi) - 1
		}
		n += bits.OnesCount64(w)
	}
	return n
}

// FirstSet returns the position of the first set bit at or after from, or -1.
func FirstSet(b column.Bitmap, from int) int {
	i := from >> 6
	if i >= len(b) {
		return -1
	}
	w := b[i] >> (uint(from) & 63) << (uint(from) & 63)
	for w == 0 {
		if i++; i >= len(b) {
			return -1
		}
		w = b[i]
	}
	return i<<6 + bits.TrailingZeros64(w)
}

// AndTruth folds another argument into a three-valued conjunction: t and null
// are the bitmaps of TRUE and NULL so far, t2 and null2 those of the argument.
// FALSE wins over NULL.
func AndTruth(t, null, t2, null2 column.Bitmap) {
	for i := range t {
		possible := (t[i] | null[i]) & (t2[i] | null2[i])
		t[i] &= t2[i]
		null[i] = possible &^ t[i]
	}
}

// OrTruth folds another argument into a three-valued disjunction. TRUE wins
// over NULL.
func OrTruth(t, null, t2, null2 column.Bitmap) {
	for i := range t {
		t[i] |= t2[i]
		null[i] = (null[i] | null2[i]) &^ t[i]
	}
}

// NotTruth negates n three-valued rows: NULL stays NULL.
func NotTruth(t, null column.Bitmap, n int) {
	for i := range t {
		t[i] = ^(t[i] | null[i])
	}
	Trim(t, n)
}

// SetRange sets the bits from..to-1.
func SetRange(b column.Bitmap, from, to int) {
	for i := from; i < to; {
		if i&63 == 0 && i+64 <= to {
			b[i>>6] = ^uint64(0)
			i += 64
			continue
		}
		b.Set(i)
		i++
	}
}

// SetBits sets the bits with the given numbers.
func SetBits(b column.Bitmap, numbers []uint32) {
	for _, n := range numbers {
		b[n>>6] |= 1 << (n & 63)
	}
}
