package kernel

import "math/bits"

// selectDigit is the number of bits that one pass of a radix selection looks at.
const selectDigit = 11

// SelectUint64 returns the k-th smallest of v, counted from 0, and disturbs the
// order of v. It is a radix selection from the highest differing bits down: each
// pass counts digits and keeps the values of the one digit that holds the k-th,
// so that it takes about two passes over v whatever its order.
func SelectUint64(v []uint64, k int) uint64 {
	for len(v) > 1 {
		lo, hi := v[0], v[0]
		for _, x := range v {
			lo, hi = min(lo, x), max(hi, x)
		}
		if lo == hi {
			return lo
		}
		shift := uint(max(bits.Len64(hi-lo)-selectDigit, 0))
		v, k = selectDigitOf(v, lo, shift, k)
	}
	return v[0]
}

// selectDigitOf keeps, at the beginning of v, the values with the same digit
// (x-lo)>>shift as the k-th smallest, and returns them with what k is among them.
func selectDigitOf(v []uint64, lo uint64, shift uint, k int) ([]uint64, int) {
	var counts [1 << selectDigit]int
	for _, x := range v {
		counts[(x-lo)>>shift&(1<<selectDigit-1)]++
	}
	digit := 0
	for k >= counts[digit] {
		k -= counts[digit]
		digit++
	}
	n := 0
	for _, x := range v {
		v[n] = x
		if (x-lo)>>shift == uint64(digit) {
			n++
		}
	}
	return v[:n], k
}
