//go:build goexperiment.simd && amd64

package kernel

import (
	"math/bits"
	"simd/archsimd"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
)

// The match functions write whole words of dst, for 64 values each, and return
// the number of values done.

func matchInt32AVX512(v []int32, lo, hi int32, dst column.Bitmap) int {
	least, span := archsimd.BroadcastInt32x16(lo), archsimd.BroadcastUint32x16(uint32(hi)-uint32(lo))
	n := len(v) / 64
	for i := range dst[:n] {
		var word uint64
		part := (*[64]int32)(v[i*64:])
		for j := range 4 {
			x := archsimd.LoadInt32x16((*[16]int32)(part[j*16:])).Sub(least).AsUint32x16()
			word |= uint64(x.LessEqual(span).ToBits()) << (j * 16)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
	return n * 64
}

func matchInt64AVX512(v []int64, lo, hi int64, dst column.Bitmap) int {
	least, span := archsimd.BroadcastInt64x8(lo), archsimd.BroadcastUint64x8(uint64(hi)-uint64(lo))
	n := len(v) / 64
	for i := range dst[:n] {
		var word uint64
		part := (*[64]int64)(v[i*64:])
		for j := range 8 {
			x := archsimd.LoadInt64x8((*[8]int64)(part[j*8:])).Sub(least).AsUint64x8()
			word |= uint64(x.LessEqual(span).ToBits()) << (j * 8)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
	return n * 64
}

// matchFloat32AVX512 has a number as lo. Not being below lo takes in NaN, which
// is above all; a number as hi leaves it out again.
func matchFloat32AVX512(v []float32, lo, hi float32, dst column.Bitmap) int {
	least, most := archsimd.BroadcastFloat32x16(lo), archsimd.BroadcastFloat32x16(hi)
	var all uint16
	if hi != hi {
		all = 1<<16 - 1
	}
	n := len(v) / 64
	for i := range dst[:n] {
		var word uint64
		part := (*[64]float32)(v[i*64:])
		for j := range 4 {
			x := archsimd.LoadFloat32x16((*[16]float32)(part[j*16:]))
			word |= uint64(^x.Less(least).ToBits()&(x.LessEqual(most).ToBits()|all)) << (j * 16)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
	return n * 64
}

// matchFloat64AVX512 does what matchFloat32AVX512 does.
func matchFloat64AVX512(v []float64, lo, hi float64, dst column.Bitmap) int {
	least, most := archsimd.BroadcastFloat64x8(lo), archsimd.BroadcastFloat64x8(hi)
	var all uint8
	if hi != hi {
		all = 1<<8 - 1
	}
	n := len(v) / 64
	for i := range dst[:n] {
		var word uint64
		part := (*[64]float64)(v[i*64:])
		for j := range 8 {
			x := archsimd.LoadFloat64x8((*[8]float64)(part[j*8:]))
			word |= uint64(^x.Less(least).ToBits()&(x.LessEqual(most).ToBits()|all)) << (j * 8)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
	return n * 64
}

func matchIDRangeAVX512(ids []uint32, lo, hi uint32, dst column.Bitmap) int {
	least, span := archsimd.BroadcastUint32x16(lo), archsimd.BroadcastUint32x16(hi-lo)
	n := len(ids) / 64
	for i := range dst[:n] {
		var word uint64
		for j := range 4 {
			x := load16(ids[i*64+j*16:]).Sub(least)
			word |= uint64(x.LessEqual(span).ToBits()) << (j * 16)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
	return n * 64
}

// setTableWords is the size of the sets that two registers hold.
const setTableWords = 16

// matchIDBitsAVX512 looks ids up in registers and does nothing for larger sets.
func matchIDBitsAVX512(ids []uint32, set, dst column.Bitmap) int {
	if len(set) > setTableWords {
		return 0
	}
	var table [setTableWords]uint64
	copy(table[:], set)
	low, high := load8(table[:]).AsUint32x16(), load8(table[8:]).AsUint32x16()
	one := archsimd.BroadcastUint32x16(1)
	n := len(ids) / 64
	for i := range dst[:n] {
		var word uint64
		for j := range 4 {
			v := load16(ids[i*64+j*16:])
			bit := low.ConcatPermute(high, v.ShiftAllRight(5)).RotateRight(v).And(one)
			word |= uint64(bit.Equal(one).ToBits()) << (j * 16)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
	return n * 64
}

// selectIDsAVX512 compresses the positions of sixteen ids at a time and returns
// the number of ids done.
func selectIDsAVX512(ids []uint32, lo, hi uint32, dst []uint32) ([]uint32, int) {
	n := len(ids) &^ 15
	dst = slices.Grow(dst, n+16)
	out, at := dst[:cap(dst)], len(dst)
	least, span := archsimd.BroadcastUint32x16(lo), archsimd.BroadcastUint32x16(hi-lo)
	pos, step := archsimd.LoadUint32x16(&iota16), archsimd.BroadcastUint32x16(16)
	for i := 0; i < n; i += 16 {
		in := load16(ids[i:]).Sub(least).LessEqual(span)
		pos.Compress(in).Store((*[16]uint32)(out[at:]))
		at += bits.OnesCount16(in.ToBits())
		pos = pos.Add(step)
	}
	archsimd.ClearAVXUpperBits()
	return out[:at], n
}
