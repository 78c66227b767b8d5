//go:build goexperiment.simd && amd64

package encoding

import "simd/archsimd"

// The kernels for plain values. Whole numbers lie in a range when their
// distance from its lower end, as an unsigned number, is at most its length.

func addBase32AVX512(dst []int32, src []uint32, base int32) {
	b := archsimd.BroadcastInt32x16(base)
	for len(dst) >= 16 {
		archsimd.LoadUint32x16((*[16]uint32)(src)).AsInt32x16().Add(b).Store((*[16]int32)(dst))
		dst, src = dst[16:], src[16:]
	}
	archsimd.ClearAVXUpperBits()
	addBasePlain(dst, src, base)
}

func addBase64AVX512(dst []int64, src []uint32, base int64) {
	b := archsimd.BroadcastInt64x8(base)
	for len(dst) >= 8 {
		archsimd.LoadUint32x8((*[8]uint32)(src)).ExtendToUint64().AsInt64x8().Add(b).Store((*[8]int64)(dst))
		dst, src = dst[8:], src[8:]
	}
	archsimd.ClearAVXUpperBits()
	addBasePlain(dst, src, base)
}

func matchInt32sAVX512(v []int32, lo, hi int32, dst []uint64) {
	if lo > hi {
		clear(dst)
		return
	}
	least, span := archsimd.BroadcastInt32x16(lo), archsimd.BroadcastUint32x16(uint32(hi)-uint32(lo))
	for i := range dst {
		var word uint64
		part := (*[64]int32)(v[i*64:])
		for j := range 4 {
			x := archsimd.LoadInt32x16((*[16]int32)(part[j*16:])).Sub(least).AsUint32x16()
			word |= uint64(x.LessEqual(span).ToBits()) << (j * 16)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
}

func matchInt64sAVX512(v []int64, lo, hi int64, dst []uint64) {
	if lo > hi {
		clear(dst)
		return
	}
	least, span := archsimd.BroadcastInt64x8(lo), archsimd.BroadcastUint64x8(uint64(hi)-uint64(lo))
	for i := range dst {
		var word uint64
		part := (*[64]int64)(v[i*64:])
		for j := range 8 {
			x := archsimd.LoadInt64x8((*[8]int64)(part[j*8:])).Sub(least).AsUint64x8()
			word |= uint64(x.LessEqual(span).ToBits()) << (j * 8)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
}

func matchFloat32sAVX512(v []float32, lo, hi float32, dst []uint64) {
	least, most := archsimd.BroadcastFloat32x16(lo), archsimd.BroadcastFloat32x16(hi)
	for i := range dst {
		var word uint64
		part := (*[64]float32)(v[i*64:])
		for j := range 4 {
			x := archsimd.LoadFloat32x16((*[16]float32)(part[j*16:]))
			word |= uint64(x.GreaterEqual(least).ToBits()&x.LessEqual(most).ToBits()) << (j * 16)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
}

func matchFloat64sAVX512(v []float64, lo, hi float64, dst []uint64) {
	least, most := archsimd.BroadcastFloat64x8(lo), archsimd.BroadcastFloat64x8(hi)
	for i := range dst {
		var word uint64
		part := (*[64]float64)(v[i*64:])
		for j := range 8 {
			x := archsimd.LoadFloat64x8((*[8]float64)(part[j*8:]))
			word |= uint64(x.GreaterEqual(least).ToBits()&x.LessEqual(most).ToBits()) << (j * 8)
		}
		dst[i] = word
	}
	archsimd.ClearAVXUpperBits()
}

// unscaleAVX512 rounds as the plain loop does: one conversion, two products.
func unscaleAVX512(dst []float64, src []int64, up, down float64) int {
	u, d := archsimd.BroadcastFloat64x8(up), archsimd.BroadcastFloat64x8(down)
	n := len(dst) &^ 7
	for i := 0; i < n; i += 8 {
		x := archsimd.LoadInt64x8((*[8]int64)(src[i:])).ConvertToFloat64()
		x.Mul(u).Mul(d).Store((*[8]float64)(dst[i:]))
	}
	archsimd.ClearAVXUpperBits()
	return n
}
