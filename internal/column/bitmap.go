package column

import "math/bits"

// Bitmap is a dense set of row positions, 64 per word, least significant bit
// first. As the Nulls of a Vector a set bit means NULL; as a selection a set
// bit means that the row is wanted. Bits at and beyond the length are zero.
type Bitmap []uint64

// Words returns the number of 64-bit words that n bits need.
func Words(n int) int { return (n + 63) >> 6 }

// NewBitmap returns an empty bitmap for n bits.
func NewBitmap(n int) Bitmap { return make(Bitmap, Words(n)) }

// Get reports whether bit i is set; positions beyond the words are not set.
func (b Bitmap) Get(i int) bool {
	w := i >> 6
	return w < len(b) && b[w]>>(uint(i)&63)&1 != 0
}

// Set sets bit i, which must lie within the words.
func (b Bitmap) Set(i int) { b[i>>6] |= 1 << (uint(i) & 63) }

// Clear clears bit i, which must lie within the words.
func (b Bitmap) Clear(i int) { b[i>>6] &^= 1 << (uint(i) & 63) }

// Count returns the number of set bits.
func (b Bitmap) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// Any reports whether a bit is set.
func (b Bitmap) Any() bool {
	for _, w := range b {
		if w != 0 {
			return true
		}
	}
	return false
}

// SetAll sets the first n bits and clears the rest.
func (b Bitmap) SetAll(n int) {
	full := n >> 6
	for i := range b {
		switch {
		case i < full:
			b[i] = ^uint64(0)
		case i == full && n&63 != 0:
			b[i] = 1<<(uint(n)&63) - 1
		default:
			b[i] = 0
		}
	}
}

// Reset clears all bits.
func (b Bitmap) Reset() { clear(b) }

// Positions appends the positions of the set bits, plus base, to dst.
func (b Bitmap) Positions(base uint32, dst []uint32) []uint32 {
	for wi, w := range b {
		for w != 0 {
			dst = append(dst, base+uint32(wi<<6+bits.TrailingZeros64(w)))
			w &= w - 1
		}
	}
	return dst
}
