//go:build !goexperiment.simd || !amd64

package encoding

// addBase32 sets dst[i] to base + src[i].
func addBase32(dst []int32, src []uint32, base int32) { addBasePlain(dst, src, base) }

// addBase64 sets dst[i] to base + src[i].
func addBase64(dst []int64, src []uint32, base int64) { addBasePlain(dst, src, base) }

func unscaleWide(_ []float64, _ []int64, _, _ float64) int { return 0 }
