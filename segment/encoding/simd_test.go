//go:build goexperiment.simd && amd64

package encoding

import (
	"fmt"
	"math/rand/v2"
	"simd/archsimd"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
)

// kernelSet is one choice of all kernels of a block.
type kernelSet struct {
	name         string
	unpack32     func(*[BlockLen]uint32, []uint64, uint)
	unpack64     func(*[BlockLen]uint64, []uint64, uint)
	matchRange32 func(*[blockWords]uint64, []uint64, uint, uint32, uint32)
	matchSet32   func(*[blockWords]uint64, *[BlockLen]uint32, column.Bitmap)
	matchUints   func(*[blockWords]uint64, *[BlockLen]uint64, uint64, uint64)
}

var plainKernels = kernelSet{"plain", unpack32Plain, unpack64Plain, matchRange32Plain, matchSet32Plain, matchUintsPlain}

// vectorKernels returns the sets that this processor runs.
func vectorKernels() []kernelSet {
	var sets []kernelSet
	if archsimd.X86.AVX2() {
		sets = append(sets, kernelSet{"avx2", unpack32AVX2, unpack64AVX2, matchRange32AVX2, matchSet32Plain, matchUintsPlain})
	}
	if archsimd.X86.AVX512() {
		sets = append(sets, kernelSet{"avx512", unpack32AVX512, unpack64AVX512, matchRange32AVX512, matchSet32AVX512, matchUintsAVX512})
	}
	return sets
}

func randomWords(rng *rand.Rand, n int) []uint64 {
	v := make([]uint64, n)
	for i := range v {
		v[i] = rng.Uint64()
	}
	return v
}

// checkBlock compares all kernels on the words of a block.
func checkBlock(t *testing.T, k kernelSet, words []uint64, w uint, lo, hi uint64, set column.Bitmap) {
	t.Helper()
	var v, want [BlockLen]uint64
	k.unpack64(&v, words[:8*w], w)
	unpack64Plain(&want, words[:8*w], w)
	if v != want {
		t.Fatalf("%s: unpack64 of %d bits differs", k.name, w)
	}
	checkMatch(t, k.name+": matchUints", func(dst *[blockWords]uint64) { k.matchUints(dst, &v, lo, hi) },
		func(dst *[blockWords]uint64) { matchUintsPlain(dst, &v, lo, hi) })
	if w > 32 {
		return
	}
	var v32, want32 [BlockLen]uint32
	k.unpack32(&v32, words[:8*w], w)
	unpack32Plain(&want32, words[:8*w], w)
	if v32 != want32 {
		t.Fatalf("%s: unpack32 of %d bits differs", k.name, w)
	}
	name := fmt.Sprintf("%s: %d bits in [%d, %d]: ", k.name, w, uint32(lo), uint32(hi))
	checkMatch(t, name+"matchRange32",
		func(dst *[blockWords]uint64) { k.matchRange32(dst, words[:8*w], w, uint32(lo), uint32(hi)) },
		func(dst *[blockWords]uint64) { matchRange32Plain(dst, words[:8*w], w, uint32(lo), uint32(hi)) })
	checkMatch(t, name+"matchSet32",
		func(dst *[blockWords]uint64) { k.matchSet32(dst, &v32, set) },
		func(dst *[blockWords]uint64) { matchSet32Plain(dst, &v32, set) })
}

// checkMatch compares two bitmaps, which begin with other bits.
func checkMatch(t *testing.T, name string, twin, plain func(*[blockWords]uint64)) {
	t.Helper()
	var got, want [blockWords]uint64
	fillBlock(&got)
	twin(&got)
	plain(&want)
	if got != want {
		t.Fatalf("%s differs:\n%x\n%x", name, got, want)
	}
}

func TestVectorKernelsEqualPlain(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, k := range vectorKernels() {
		for w := uint(0); w <= 64; w++ {
			words := randomWords(rng, 8*64)
			top := lowMask64(w)
			bounds := []uint64{0, 1, top, top - 1, top + 1, 1 << 31, 1<<31 - 1, ^uint64(0), rng.Uint64() & top, rng.Uint64() & top}
			for _, lo := range bounds {
				for _, hi := range bounds {
					set := column.Bitmap(randomWords(rng, rng.IntN(40)))
					checkBlock(t, k, words, w, lo, hi, set)
				}
			}
		}
	}
}

func FuzzVectorKernels(f *testing.F) {
	f.Add(uint64(1), uint8(11), uint64(3), uint64(700), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add(uint64(2), uint8(32), uint64(1<<31), uint64(1<<32-1), []byte{})
	f.Add(uint64(3), uint8(45), uint64(0), uint64(1<<44), make([]byte, 200))
	f.Fuzz(func(t *testing.T, seed uint64, w uint8, lo, hi uint64, set []byte) {
		words := randomWords(rand.New(rand.NewPCG(seed, 0)), 8*64)
		bits := column.Bitmap(View[uint64](AlignedCopy(set)))
		for _, k := range vectorKernels() {
			checkBlock(t, k, words, uint(w%65), lo, hi, bits)
		}
	})
}

func BenchmarkKernel(b *testing.B) {
	rng := rand.New(rand.NewPCG(13, 14))
	words := randomWords(rng, 8*64)
	set := column.Bitmap(randomWords(rng, 16))
	var v32 [BlockLen]uint32
	var v64 [BlockLen]uint64
	var bits [blockWords]uint64
	unpack32Plain(&v32, words, 10)
	run := func(name, kernel string, f func()) {
		b.Run(name+"/"+kernel, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			reportRows(b, BlockLen)
		})
	}
	sets := append([]kernelSet{plainKernels}, vectorKernels()...)
	for _, w := range []uint{1, 4, 8, 11, 17, 24, 32} {
		for _, k := range sets {
			run(fmt.Sprintf("unpack32/w=%d", w), k.name, func() { k.unpack32(&v32, words, w) })
		}
	}
	for _, w := range []uint{4, 11, 17, 24} {
		for _, k := range sets {
			run(fmt.Sprintf("matchRange32/w=%d", w), k.name, func() { k.matchRange32(&bits, words, w, 3, 1<<(w-1)) })
		}
	}
	for _, k := range sets {
		unpack32Plain(&v32, words, 10)
		run("matchSet32", k.name, func() { k.matchSet32(&bits, &v32, set) })
	}
	for _, k := range sets {
		run("unpack64/w=41", k.name, func() { k.unpack64(&v64, words, 41) })
		run("matchUints", k.name, func() { k.matchUints(&bits, &v64, 5, 1<<40) })
	}
}
