package kernel

import (
	"math"
	"math/bits"
)

// selectDigit is the number of bits that one pass of a radix selection looks at.
const selectDigit = 11

// SelectUint64 returns the k-th smallest of the values of all parts, counted from
// 0, and leaves them as they are. It is a radix selection from the highest
// differing bits down: each pass counts digits and goes on with a copy of the
// values of the one digit that holds the k-th, so that it takes about two passes
// over the values whatever their order.
func SelectUint64(parts [][]uint64, k int) uint64 {
	for {
		lo, hi := minMaxUint64(parts)
		if lo == hi {
			return lo
		}
		shift := uint(max(bits.Len64(hi-lo)-selectDigit, 0))
		parts, k = selectDigitOf(parts, lo, shift, k)
	}
}

func minMaxUint64(parts [][]uint64) (lo, hi uint64) {
	lo = math.MaxUint64
	for _, v := range parts {
		for _, x := range v {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	return lo, hi
}

// selectDigitOf returns the values with the same digit (x-lo)>>shift as the k-th
// smallest, and what k is among them.
func selectDigitOf(parts [][]uint64, lo uint64, shift uint, k int) ([][]uint64, int) {
	var counts [1 << selectDigit]int
	for _, v := range parts {
		for _, x := range v {
			counts[(x-lo)>>(shift&63)&(1<<selectDigit-1)]++
		}
	}
	digit := 0
	for k >= counts[digit] {
		k -= counts[digit]
		digit++
	}
	out := make([]uint64, counts[digit]+1) // one more, for writing before asking
	n, from, span := 0, lo+uint64(digit)<<shift, uint64(1)<<shift
	for _, v := range parts {
		for _, x := range v {
			out[n] = x
			if x-from < span {
				n++
			}
		}
	}
	return [][]uint64{out[:n]}, k
}

// NextUint64 returns the k-th smallest of the values of all parts where x is the
// one before.
func NextUint64(parts [][]uint64, x uint64, k int) uint64 {
	upTo, next := 0, uint64(math.MaxUint64)
	for _, v := range parts {
		for _, y := range v {
			if y <= x {
				upTo++
			} else {
				next = min(next, y)
			}
		}
	}
	if upTo > k {
		return x
	}
	return next
}
