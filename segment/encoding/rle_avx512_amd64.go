//go:build goexperiment.simd && amd64

package encoding

import (
	"math/bits"
	"simd/archsimd"
)

// prefixCounts has, for each byte of starts, how many of its bits up to and
// including each of the eight are set, one count per byte. A register is loaded
// from two entries, of which the lower half counts.
var prefixCounts = func() (t [257]uint64) {
	for b := range 256 {
		n := uint64(0)
		for i := range 8 {
			n += uint64(b>>i) & 1
			t[b] |= n << (8 * i)
		}
	}
	return t
}()

func loadCounts(m uint64) archsimd.Uint8x16 {
	return archsimd.LoadUint64x2((*[2]uint64)(prefixCounts[m&0xff:])).AsUint8x16()
}

// expandRuns32AVX512 looks up the runs of eight rows among the values that they
// can be. It reads runPad values beyond the last run.
func expandRuns32AVX512(dst, vals []uint32, starts *[blockWords]uint64, lo int) {
	if lo != 0 || len(dst) != BlockLen {
		expandRunsPlain(dst, vals, starts, lo)
		return
	}
	run := 0
	for i, w := range starts {
		out := (*[64]uint32)(dst[i*64:])
		for j := range 8 {
			at := loadCounts(w).ExtendLo8ToUint32()
			from := (*[16]uint32)(vals[run:])
			a, b := archsimd.LoadUint32x8((*[8]uint32)(from[:8])), archsimd.LoadUint32x8((*[8]uint32)(from[8:]))
			a.ConcatPermute(b, at).Store((*[8]uint32)(out[j*8:]))
			run += bits.OnesCount8(uint8(w))
			w >>= 8
		}
	}
	archsimd.ClearAVXUpperBits()
}

// expandRuns64AVX512 is expandRuns32AVX512 for wide values.
func expandRuns64AVX512(dst, vals []uint64, starts *[blockWords]uint64, lo int) {
	if lo != 0 || len(dst) != BlockLen {
		expandRunsPlain(dst, vals, starts, lo)
		return
	}
	run := 0
	for i, w := range starts {
		out := (*[64]uint64)(dst[i*64:])
		for j := range 8 {
			at := loadCounts(w).ExtendLo8ToUint64()
			from := (*[16]uint64)(vals[run:])
			a, b := archsimd.LoadUint64x8((*[8]uint64)(from[:8])), archsimd.LoadUint64x8((*[8]uint64)(from[8:]))
			a.ConcatPermute(b, at).Store((*[8]uint64)(out[j*8:]))
			run += bits.OnesCount8(uint8(w))
			w >>= 8
		}
	}
	archsimd.ClearAVXUpperBits()
}

// spreadRunBitsVBMI2 takes for each word the bits of the runs that begin in it,
// moves their changes to the rows of the starts, and adds these up modulo two.
func spreadRunBitsVBMI2(dst, starts *[blockWords]uint64, runs []uint64, at int) {
	on := runs[at>>6] >> (uint(at) & 63) & 1
	zero := archsimd.Int8x64{}
	for i, w := range starts {
		n := uint(bits.OnesCount64(w))
		if n == 0 {
			dst[i] = -on
			continue
		}
		mine := bitsFrom(runs, at+1)
		changes := mine ^ (mine<<1 | on)
		moved := archsimd.Mask8x64FromBits(changes).ToInt8x64().Expand(archsimd.Mask8x64FromBits(w))
		x := moved.Less(zero).ToBits()
		x ^= x << 1
		x ^= x << 2
		x ^= x << 4
		x ^= x << 8
		x ^= x << 16
		x ^= x << 32
		dst[i] = x ^ -on
		on = mine >> (n - 1) & 1
		at += int(n)
	}
	archsimd.ClearAVXUpperBits()
}

// bitsFrom returns 64 bits from bit at on; those beyond the end are zero.
func bitsFrom(v []uint64, at int) uint64 {
	i, shift := at>>6, uint(at)&63
	if i >= len(v) {
		return 0
	}
	x := v[i] >> shift
	if shift != 0 && i+1 < len(v) {
		x |= v[i+1] << (64 - shift)
	}
	return x
}
