//go:build !goexperiment.simd || !amd64

package kernel

import "github.com/alluviumdb/alluvium/internal/column"

// Wide reports whether kernels use vector instructions.
func Wide() bool { return false }

// Without vector instructions the plain loops do all of it.

func andWide(_, _ []uint64) int                    { return 0 }
func orWide(_, _ []uint64) int                     { return 0 }
func andNotWide(_, _ []uint64) int                 { return 0 }
func setScaledWide(_, _ []uint32, _, _ uint32) int { return 0 }
func addScaledWide(_, _ []uint32, _, _ uint32) int { return 0 }

func matchInt32Wide(_ []int32, _, _ int32, _ column.Bitmap) int       { return 0 }
func matchInt64Wide(_ []int64, _, _ int64, _ column.Bitmap) int       { return 0 }
func matchFloat32Wide(_ []float32, _, _ float32, _ column.Bitmap) int { return 0 }
func matchFloat64Wide(_ []float64, _, _ float64, _ column.Bitmap) int { return 0 }
func matchIDRangeWide(_ []uint32, _, _ uint32, _ column.Bitmap) int   { return 0 }
func matchIDBitsWide(_ []uint32, _, _ column.Bitmap) int              { return 0 }

func selectIDsWide(_ []uint32, _, _ uint32, dst []uint32) ([]uint32, int) { return dst, 0 }

func setTableWide(_, _, _ []uint32) int                   { return 0 }
func addTableWide(_, _, _ []uint32) int                   { return 0 }
func gather64Wide(_ []uint64, _ []uint32, _ []uint64) int { return 0 }
func widenInt32Wide(_ []int64, _ []int32) int             { return 0 }
func addInt64Wide(_, _, _ []int64) (int, bool)            { return 0, false }
func subInt64Wide(_, _, _ []int64) (int, bool)            { return 0, false }
func mulInt64Wide(_, _, _ []int64) (int, bool)            { return 0, false }
