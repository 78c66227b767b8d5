//go:build goexperiment.simd && amd64

package encoding

import "simd/archsimd"

// The AVX2 kernels hold half a row of a packed block in a register and read
// first the lower lanes of all rows, then the upper ones. Otherwise they work
// like those for AVX-512.

const halfRow = lanePairs / 2

func loadHalf(src []uint64) archsimd.Uint32x8 {
	return archsimd.LoadUint64x4((*[halfRow]uint64)(src)).AsUint32x8()
}

func unpack32AVX2(dst *[BlockLen]uint32, src []uint64, w uint) {
	if w == 0 {
		clear(dst[:])
		return
	}
	unpackHalf(dst[:], src, w)
	unpackHalf(dst[8:], src[halfRow:], w)
	archsimd.ClearAVXUpperBits()
}

func unpackHalf(dst []uint32, src []uint64, w uint) {
	mask := archsimd.BroadcastUint32x8(lowMask(w))
	rest := loadHalf(src)
	left := uint(32)
	for s := range slots32 {
		v := rest
		if left >= w {
			rest = rest.ShiftAllRight(uint64(w))
			left -= w
		} else {
			src = src[lanePairs:]
			rest = loadHalf(src)
			v = v.Or(rest.ShiftAllLeft(uint64(left)))
			rest = rest.ShiftAllRight(uint64(w - left))
			left += 32 - w
		}
		v.And(mask).Store((*[8]uint32)(dst[s*16:]))
	}
}

func matchRange32AVX2(dst *[blockWords]uint64, src []uint64, w uint, lo, hi uint32) {
	hi = min(hi, lowMask(w))
	*dst = [blockWords]uint64{}
	switch {
	case lo > hi:
		return
	case w == 0:
		fillBlock(dst)
		return
	}
	matchHalf(dst, src, w, lo, hi, 0)
	matchHalf(dst, src[halfRow:], w, lo, hi, 8)
	archsimd.ClearAVXUpperBits()
}

// matchHalf adds the results of eight lanes, whose bits lie at offset at of a
// row's sixteen. AVX2 compares signed numbers only, so all are shifted by 2^31.
func matchHalf(dst *[blockWords]uint64, src []uint64, w uint, lo, hi uint32, at uint) {
	const sign = 1 << 31
	mask, flip := archsimd.BroadcastUint32x8(lowMask(w)), archsimd.BroadcastUint32x8(sign)
	least, most := archsimd.BroadcastInt32x8(int32(lo^sign)), archsimd.BroadcastInt32x8(int32(hi^sign))
	rest := loadHalf(src)
	left := uint(32)
	for s := range uint(slots32) {
		v := rest
		if left >= w {
			rest = rest.ShiftAllRight(uint64(w))
			left -= w
		} else {
			src = src[lanePairs:]
			rest = loadHalf(src)
			v = v.Or(rest.ShiftAllLeft(uint64(left)))
			rest = rest.ShiftAllRight(uint64(w - left))
			left += 32 - w
		}
		x := v.And(mask).Xor(flip).AsInt32x8()
		out := x.Greater(most).Or(least.Greater(x))
		dst[s>>2] |= uint64(^out.ToBits()) << (s&3*16 + at)
	}
}

func unpack64AVX2(dst *[BlockLen]uint64, src []uint64, w uint) {
	if w == 0 {
		clear(dst[:])
		return
	}
	unpackHalf64(dst[:], src, w)
	unpackHalf64(dst[4:], src[4:], w)
	archsimd.ClearAVXUpperBits()
}

func unpackHalf64(dst, src []uint64, w uint) {
	mask := archsimd.BroadcastUint64x4(lowMask64(w))
	rest := archsimd.LoadUint64x4((*[4]uint64)(src))
	left := uint(64)
	for s := range slots64 {
		v := rest
		if left >= w {
			rest = rest.ShiftAllRight(uint64(w))
			left -= w
		} else {
			src = src[lanes64:]
			rest = archsimd.LoadUint64x4((*[4]uint64)(src))
			v = v.Or(rest.ShiftAllLeft(uint64(left)))
			rest = rest.ShiftAllRight(uint64(w - left))
			left += 64 - w
		}
		v.And(mask).Store((*[4]uint64)(dst[s*lanes64:]))
	}
}
