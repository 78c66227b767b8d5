//go:build goexperiment.simd && amd64

package encoding

import (
	"os"
	"simd/archsimd"
)

// init puts the fastest kernels that the processor runs in place of the plain
// ones. The environment variable ALLUVIUM_SIMD lowers the choice: "off" keeps
// the plain kernels, "avx2" does without AVX-512.
func init() {
	switch limit := os.Getenv("ALLUVIUM_SIMD"); {
	case limit == "off":
	case limit != "avx2" && archsimd.X86.AVX512():
		useAVX512()
	case archsimd.X86.AVX2():
		useAVX2()
	}
}

func useAVX512() {
	unpack32, unpack64 = unpack32AVX512, unpack64AVX512
	matchRange32, matchSet32, matchUints = matchRange32AVX512, matchSet32AVX512, matchUintsAVX512
	wideAdd = true
	matchInt32s, matchInt64s = matchInt32sAVX512, matchInt64sAVX512
	matchFloat32s, matchFloat64s = matchFloat32sAVX512, matchFloat64sAVX512
	denseGather = denseGatherSIMD
	expandRuns32, expandRuns64 = expandRuns32AVX512, expandRuns64AVX512
	if archsimd.X86.AVX512VBMI2() {
		spreadRunBits = spreadRunBitsVBMI2
	}
}

func useAVX2() {
	unpack32, unpack64 = unpack32AVX2, unpack64AVX2
	matchRange32 = matchRange32AVX2
	denseGather = denseGatherSIMD
}

// wideAdd tells that addBase32 and addBase64 use AVX-512. They are no variables
// because then the slices of all callers would escape.
var wideAdd bool

// addBase32 sets dst[i] to base + src[i].
func addBase32(dst []int32, src []uint32, base int32) {
	if wideAdd {
		addBase32AVX512(dst, src, base)
		return
	}
	addBasePlain(dst, src, base)
}

// addBase64 sets dst[i] to base + src[i].
func addBase64(dst []int64, src []uint32, base int64) {
	if wideAdd {
		addBase64AVX512(dst, src, base)
		return
	}
	addBasePlain(dst, src, base)
}

// unscaleWide sets dst[i] to src[i]·up·down for a multiple of eight values and
// returns their number.
func unscaleWide(dst []float64, src []int64, up, down float64) int {
	if !wideAdd {
		return 0
	}
	return unscaleAVX512(dst, src, up, down)
}
