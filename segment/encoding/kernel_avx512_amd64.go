//go:build goexperiment.simd && amd64

package encoding

import (
	"simd/archsimd"

	"github.com/alluviumdb/alluvium/internal/column"
)

// The AVX-512 kernels hold a row of a packed block in one register. Reading
// the lanes' streams they keep the rest of the current row, shifted so that
// the next value begins at bit 0, and the number of bits left in it.

func loadRow(src []uint64) archsimd.Uint32x16 {
	return archsimd.LoadUint64x8((*[lanePairs]uint64)(src)).AsUint32x16()
}

func unpack32AVX512(dst *[BlockLen]uint32, src []uint64, w uint) {
	if w == 0 {
		clear(dst[:])
		return
	}
	mask := archsimd.BroadcastUint32x16(lowMask(w))
	rest := loadRow(src)
	src = src[lanePairs:]
	left := uint(32)
	for s := range slots32 {
		v := rest
		if left >= w {
			rest = rest.ShiftAllRight(uint64(w))
			left -= w
		} else {
			rest = loadRow(src)
			src = src[lanePairs:]
			v = v.Or(rest.ShiftAllLeft(uint64(left)))
			rest = rest.ShiftAllRight(uint64(w - left))
			left += 32 - w
		}
		v.And(mask).Store((*[16]uint32)(dst[s*16:]))
	}
	archsimd.ClearAVXUpperBits()
}

func matchRange32AVX512(dst *[blockWords]uint64, src []uint64, w uint, lo, hi uint32) {
	switch hi = min(hi, lowMask(w)); {
	case lo > hi:
		*dst = [blockWords]uint64{}
		return
	case w == 0:
		fillBlock(dst)
		return
	}
	mask := archsimd.BroadcastUint32x16(lowMask(w))
	least, span := archsimd.BroadcastUint32x16(lo), archsimd.BroadcastUint32x16(hi-lo)
	rest := loadRow(src)
	src = src[lanePairs:]
	left := uint(32)
	for i := range dst {
		var word uint64
		for range 4 {
			v := rest
			if left >= w {
				rest = rest.ShiftAllRight(uint64(w))
				left -= w
			} else {
				rest = loadRow(src)
				src = src[lanePairs:]
				v = v.Or(rest.ShiftAllLeft(uint64(left)))
				rest = rest.ShiftAllRight(uint64(w - left))
				left += 32 - w
			}
			word = word>>16 | uint64(v.And(mask).Sub(least).LessEqual(span).ToBits())<<48
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
}

// setTableBits is the size of the sets that two registers hold.
const setTableBits = 1024

// matchSet32AVX512 looks ids up in registers while the set is small; there is
// no gain over plain lookups in memory for larger ones.
func matchSet32AVX512(dst *[blockWords]uint64, src *[BlockLen]uint32, set column.Bitmap) {
	if len(set) > setTableBits/64 {
		matchSet32Plain(dst, src, set)
		return
	}
	var table [setTableBits / 64]uint64
	copy(table[:], set)
	low, high := loadRow(table[:]), loadRow(table[lanePairs:])
	one, limit := archsimd.BroadcastUint32x16(1), archsimd.BroadcastUint32x16(setTableBits)
	for i := range dst {
		var word uint64
		for j := range 4 {
			v := archsimd.LoadUint32x16((*[16]uint32)(src[i*64+j*16:]))
			bit := low.ConcatPermute(high, v.ShiftAllRight(5)).RotateRight(v).And(one)
			in := bit.Equal(one).And(v.Less(limit))
			word |= uint64(in.ToBits()) << (j * 16)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
}

func unpack64AVX512(dst *[BlockLen]uint64, src []uint64, w uint) {
	if w == 0 {
		clear(dst[:])
		return
	}
	mask := archsimd.BroadcastUint64x8(lowMask64(w))
	rest := archsimd.LoadUint64x8((*[lanes64]uint64)(src))
	src = src[lanes64:]
	left := uint(64)
	for s := range slots64 {
		v := rest
		if left >= w {
			rest = rest.ShiftAllRight(uint64(w))
			left -= w
		} else {
			rest = archsimd.LoadUint64x8((*[lanes64]uint64)(src))
			src = src[lanes64:]
			v = v.Or(rest.ShiftAllLeft(uint64(left)))
			rest = rest.ShiftAllRight(uint64(w - left))
			left += 64 - w
		}
		v.And(mask).Store((*[lanes64]uint64)(dst[s*lanes64:]))
	}
	archsimd.ClearAVXUpperBits()
}

func matchUintsAVX512(dst *[blockWords]uint64, v *[BlockLen]uint64, lo, hi uint64) {
	least, span := archsimd.BroadcastUint64x8(lo), archsimd.BroadcastUint64x8(hi-lo)
	for i := range dst {
		var word uint64
		for j := range 8 {
			x := archsimd.LoadUint64x8((*[lanes64]uint64)(v[i*64+j*8:]))
			word |= uint64(x.Sub(least).LessEqual(span).ToBits()) << (j * 8)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
}
