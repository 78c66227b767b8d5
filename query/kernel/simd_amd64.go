//go:build goexperiment.simd && amd64

package kernel

import (
	"os"
	"simd/archsimd"
)

// wide tells that the AVX-512 kernels are in use.
var wide bool

// Wide reports whether kernels use vector instructions.
func Wide() bool { return wide }

// init puts the AVX-512 kernels in place of the plain ones where the processor
// runs them, unless the environment variable ALLUVIUM_SIMD says "off" or
// "avx2".
func init() {
	limit := os.Getenv("ALLUVIUM_SIMD")
	if limit == "off" || limit == "avx2" || !archsimd.X86.AVX512() {
		return
	}
	wide = true
	Positions = positionsAVX512
	SumInt32, SumInt64, SumFloat64 = sumInt32AVX512, sumInt64AVX512, sumFloat64AVX512
	SumInt32Except, SumInt64Except = sumInt32ExceptAVX512, sumInt64ExceptAVX512
	MinMaxInt32, MinMaxInt64 = minMaxInt32AVX512, minMaxInt64AVX512
}

// The wide functions do a multiple of what a register holds and return how
// many elements that is. They are no variables because then the slices of all
// callers would escape.

func andWide(dst, src []uint64) int {
	if !wide {
		return 0
	}
	return andAVX512(dst, src)
}

func orWide(dst, src []uint64) int {
	if !wide {
		return 0
	}
	return orAVX512(dst, src)
}

func andNotWide(dst, src []uint64) int {
	if !wide {
		return 0
	}
	return andNotAVX512(dst, src)
}

func setScaledWide(dst, ids []uint32, stride, base uint32) int {
	if !wide {
		return 0
	}
	return setScaledAVX512(dst, ids, stride, base)
}

func addScaledWide(dst, ids []uint32, stride, base uint32) int {
	if !wide {
		return 0
	}
	return addScaledAVX512(dst, ids, stride, base)
}
