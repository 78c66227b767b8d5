//go:build goexperiment.simd && amd64

package kernel

import (
	"os"
	"simd/archsimd"

	"github.com/alluviumdb/alluvium/internal/column"
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

func matchInt32Wide(v []int32, lo, hi int32, dst column.Bitmap) int {
	if !wide {
		return 0
	}
	return matchInt32AVX512(v, lo, hi, dst)
}

func matchInt64Wide(v []int64, lo, hi int64, dst column.Bitmap) int {
	if !wide {
		return 0
	}
	return matchInt64AVX512(v, lo, hi, dst)
}

func matchFloat32Wide(v []float32, lo, hi float32, dst column.Bitmap) int {
	if !wide || lo != lo {
		return 0
	}
	return matchFloat32AVX512(v, lo, hi, dst)
}

func matchFloat64Wide(v []float64, lo, hi float64, dst column.Bitmap) int {
	if !wide || lo != lo {
		return 0
	}
	return matchFloat64AVX512(v, lo, hi, dst)
}

func matchIDRangeWide(ids []uint32, lo, hi uint32, dst column.Bitmap) int {
	if !wide {
		return 0
	}
	return matchIDRangeAVX512(ids, lo, hi, dst)
}

func matchIDBitsWide(ids []uint32, set, dst column.Bitmap) int {
	if !wide {
		return 0
	}
	return matchIDBitsAVX512(ids, set, dst)
}

func selectIDsWide(ids []uint32, lo, hi uint32, dst []uint32) ([]uint32, int) {
	if !wide {
		return dst, 0
	}
	return selectIDsAVX512(ids, lo, hi, dst)
}

func setTableWide(dst, ids, table []uint32) int {
	if !wide {
		return 0
	}
	return setTableAVX512(dst, ids, table)
}

func addTableWide(dst, ids, table []uint32) int {
	if !wide {
		return 0
	}
	return addTableAVX512(dst, ids, table)
}

func gather64Wide(dst []uint64, ids []uint32, table []uint64) int {
	if !wide {
		return 0
	}
	return gather64AVX512(dst, ids, table)
}

func widenInt32Wide(dst []int64, src []int32) int {
	if !wide {
		return 0
	}
	return widenInt32AVX512(dst, src)
}

func addInt64Wide(dst, a, b []int64) (int, bool) {
	if !wide {
		return 0, false
	}
	return addInt64AVX512(dst, a, b)
}

func subInt64Wide(dst, a, b []int64) (int, bool) {
	if !wide {
		return 0, false
	}
	return subInt64AVX512(dst, a, b)
}

func mulInt64Wide(dst, a, b []int64) (int, bool) {
	if !wide {
		return 0, false
	}
	return mulInt64AVX512(dst, a, b)
}
