//go:build goexperiment.simd && amd64

package kernel

import "simd/archsimd"

func load16(v []uint32) archsimd.Uint32x16 { return archsimd.LoadUint32x16((*[16]uint32)(v)) }

func setScaledAVX512(dst, ids []uint32, stride, base uint32) int {
	n := len(ids) &^ 15
	s, b := archsimd.BroadcastUint32x16(stride), archsimd.BroadcastUint32x16(base)
	for i := 0; i < n; i += 16 {
		load16(ids[i:]).Mul(s).Add(b).Store((*[16]uint32)(dst[i:]))
	}
	archsimd.ClearAVXUpperBits()
	return n
}

func addScaledAVX512(dst, ids []uint32, stride, base uint32) int {
	n := len(ids) &^ 15
	s, b := archsimd.BroadcastUint32x16(stride), archsimd.BroadcastUint32x16(base)
	for i := 0; i < n; i += 16 {
		load16(ids[i:]).Mul(s).Add(b).Add(load16(dst[i:])).Store((*[16]uint32)(dst[i:]))
	}
	archsimd.ClearAVXUpperBits()
	return n
}
