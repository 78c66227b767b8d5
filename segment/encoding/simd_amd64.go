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
	denseGather = denseGatherSIMD
}

func useAVX2() {
	unpack32, unpack64 = unpack32AVX2, unpack64AVX2
	matchRange32 = matchRange32AVX2
	denseGather = denseGatherSIMD
}
