//go:build !goexperiment.simd || !amd64

package kernel

// Wide reports whether kernels use vector instructions.
func Wide() bool { return false }

// Without vector instructions the plain loops do all of it.

func andWide(_, _ []uint64) int                    { return 0 }
func orWide(_, _ []uint64) int                     { return 0 }
func andNotWide(_, _ []uint64) int                 { return 0 }
func setScaledWide(_, _ []uint32, _, _ uint32) int { return 0 }
func addScaledWide(_, _ []uint32, _, _ uint32) int { return 0 }
