package kernel

import (
	"math"
	"math/bits"
)

// selectDigit is the number of bits that one pass of a radix selection looks at.
const selectDigit = 11

// SelectUint64 returns the k-th smallest of v, counted from 0, and leaves v as it
// is. It is a radix selection from the highest differing bits down: each pass
// counts digits and goes on with a copy of the values of the one digit that
// holds the k-th, so that it takes about two passes over v whatever its order.
func SelectUint64(v []uint64, k int) uint64 {
	for {
		lo, hi := MinMaxUint64(v)
		if lo == hi {
			return lo
		}
		shift := uint(max(bits.Len64(hi-lo)-selectDigit, 0))
		v, k = selectDigitOf(v, lo, shift, k)
	}
}

// MinMaxUint64 returns the least and the greatest of v, which is not empty.
func MinMaxUint64(v []uint64) (lo, hi uint64) {
	lo, hi = v[0], v[0]
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}

// selectDigitOf returns the values with the same digit (x-lo)>>shift as the k-th
// smallest, and what k is among them.
func selectDigitOf(v []uint64, lo uint64, shift uint, k int) ([]uint64, int) {
	var counts [1 << selectDigit]int
	for _, x := range v {
		counts[(x-lo)>>(shift&63)&(1<<selectDigit-1)]++
	}
	digit := 0
	for k >= counts[digit] {
		k -= counts[digit]
		digit++
	}
	out := make([]uint64, counts[digit]+1) // one more, for writing before asking
	n, from, span := 0, lo+uint64(digit)<<shift, uint64(1)<<shift
	for _, x := range v {
		out[n] = x
		if x-from < span {
			n++
		}
	}
	return out[:n], k
}

// NextUint64 returns the k-th smallest of v where x is the one before.
func NextUint64(v []uint64, x uint64, k int) uint64 {
	upTo, next := 0, uint64(math.MaxUint64)
	for _, y := range v {
		if y <= x {
			upTo++
		} else {
			next = min(next, y)
		}
	}
	if upTo > k {
		return x
	}
	return next
}
