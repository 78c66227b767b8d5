//go:build goexperiment.simd && amd64

package encoding

import (
	"math"
	"math/rand/v2"
	"simd/archsimd"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
)

// checkMatchWords compares a kernel with the plain one over all pairs of bounds.
func checkMatchWords[T Number](t *testing.T, v, bounds []T, f func(v []T, lo, hi T, dst []uint64)) {
	t.Helper()
	v = v[:len(v)/64*64]
	got, want := column.NewBitmap(len(v)), column.NewBitmap(len(v))
	for _, lo := range bounds {
		for _, hi := range bounds {
			got.SetAll(len(v))
			f(v, lo, hi, got)
			matchWordsPlain(v, lo, hi, want)
			if !slices.Equal(got, want) {
				t.Fatalf("%T: %d values in [%v, %v] differ", v, len(v), lo, hi)
			}
		}
	}
}

func checkAddBase[T Integer](t *testing.T, src []uint32, base T, f func(dst []T, src []uint32, base T)) {
	t.Helper()
	got, want := make([]T, len(src)), make([]T, len(src))
	f(got, src, base)
	addBasePlain(want, src, base)
	if !slices.Equal(got, want) {
		t.Fatalf("%T: %d values beyond %d differ", got, len(src), base)
	}
}

// floatsOf fills a slice with floats of all kinds.
func floatsOf[T float32 | float64](rng *rand.Rand, n int) []T {
	special := []T{0, T(math.Copysign(0, -1)), T(math.NaN()), T(math.Inf(1)), T(math.Inf(-1)), 1, -1}
	v := make([]T, n)
	for i := range v {
		v[i] = T(rng.NormFloat64())
		if rng.IntN(4) == 0 {
			v[i] = special[rng.IntN(len(special))]
		}
	}
	return v
}

func TestVectorValueKernelsEqualPlain(t *testing.T) {
	if !archsimd.X86.AVX512() {
		t.Log("this processor has no AVX-512: nothing to compare")
		return
	}
	rng := rand.New(rand.NewPCG(15, 16))
	for n := range 200 {
		src := randomIDs(rng, n, 32)
		checkAddBase(t, src, int32(rng.Uint32()), addBase32AVX512)
		checkAddBase(t, src, int64(rng.Uint64()), addBase64AVX512)
	}
	for shape := range 5 {
		i32, i64 := randomInts[int32](rng, 320, shape), randomInts[int64](rng, 320, shape)
		checkMatchWords(t, i32, append([]int32{math.MinInt32, -1, 0, math.MaxInt32}, i32[:4]...), matchInt32sAVX512)
		checkMatchWords(t, i64, append([]int64{math.MinInt64, -1, 0, math.MaxInt64}, i64[:4]...), matchInt64sAVX512)
	}
	inf := math.Inf(1)
	checkMatchWords(t, floatsOf[float32](rng, 1280), []float32{float32(-inf), -0.5, 0, 1, float32(inf)}, matchFloat32sAVX512)
	checkMatchWords(t, floatsOf[float64](rng, 1280), []float64{-inf, -0.5, 0, 1, inf}, matchFloat64sAVX512)
}

func FuzzVectorValueKernels(f *testing.F) {
	f.Add(make([]byte, 512), int64(-5), int64(5))
	f.Add(make([]byte, 1111), int64(math.MinInt64), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, b []byte, lo, hi int64) {
		if !archsimd.X86.AVX512() {
			return
		}
		b = AlignedCopy(b)
		checkAddBase(t, View[uint32](b), int32(lo), addBase32AVX512)
		checkAddBase(t, View[uint32](b), hi, addBase64AVX512)
		checkMatchWords(t, View[int32](b), []int32{int32(lo), int32(hi)}, matchInt32sAVX512)
		checkMatchWords(t, View[int64](b), []int64{lo, hi}, matchInt64sAVX512)
		checkMatchWords(t, View[float32](b), []float32{float32(lo), float32(hi)}, matchFloat32sAVX512)
		checkMatchWords(t, View[float64](b), []float64{float64(lo), float64(hi)}, matchFloat64sAVX512)
	})
}

func BenchmarkValueKernel(b *testing.B) {
	rng := rand.New(rand.NewPCG(17, 18))
	src := randomIDs(rng, BlockLen, 17)
	i32, i64 := make([]int32, BlockLen), make([]int64, BlockLen)
	f32, f64 := floatsOf[float32](rng, BlockLen), floatsOf[float64](rng, BlockLen)
	bits := column.NewBitmap(BlockLen)
	run := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			reportRows(b, BlockLen)
		})
	}
	run("addBase32/plain", func() { addBasePlain(i32, src, 7) })
	run("addBase64/plain", func() { addBasePlain(i64, src, 7) })
	run("matchInt32s/plain", func() { matchWordsPlain(i32, 9, 1<<16, bits) })
	run("matchInt64s/plain", func() { matchWordsPlain(i64, 9, 1<<16, bits) })
	run("matchFloat32s/plain", func() { matchWordsPlain(f32, 0.25, 0.75, bits) })
	run("matchFloat64s/plain", func() { matchWordsPlain(f64, 0.25, 0.75, bits) })
	if !archsimd.X86.AVX512() {
		return
	}
	run("addBase32/avx512", func() { addBase32AVX512(i32, src, 7) })
	run("addBase64/avx512", func() { addBase64AVX512(i64, src, 7) })
	run("matchInt32s/avx512", func() { matchInt32sAVX512(i32, 9, 1<<16, bits) })
	run("matchInt64s/avx512", func() { matchInt64sAVX512(i64, 9, 1<<16, bits) })
	run("matchFloat32s/avx512", func() { matchFloat32sAVX512(f32, 0.25, 0.75, bits) })
	run("matchFloat64s/avx512", func() { matchFloat64sAVX512(f64, 0.25, 0.75, bits) })
}

func checkRunTwins(t *testing.T, starts *[blockWords]uint64, runs []uint64, at int, vals []uint32) {
	t.Helper()
	starts[0] &^= 1
	var got32, want32 [BlockLen]uint32
	var got64, want64 [BlockLen]uint64
	wide := make([]uint64, len(vals))
	for i, x := range vals {
		wide[i] = uint64(x) << 20
	}
	expandRuns32AVX512(got32[:], vals, starts, 0)
	expandRunsPlain(want32[:], vals, starts, 0)
	expandRuns64AVX512(got64[:], wide, starts, 0)
	expandRunsPlain(want64[:], wide, starts, 0)
	if got32 != want32 || got64 != want64 {
		t.Fatalf("runs that begin at %x are expanded wrongly", starts)
	}
	var got, want [blockWords]uint64
	if archsimd.X86.AVX512VBMI2() {
		spreadRunBitsVBMI2(&got, starts, runs, at)
		spreadRunBitsPlain(&want, starts, runs, at)
		if got != want {
			t.Fatalf("bits %x of runs that begin at %x: %x, want %x", runs, starts, got, want)
		}
	}
}

func TestRunKernelsEqualPlain(t *testing.T) {
	if !archsimd.X86.AVX512() {
		t.Log("this processor has no AVX-512: nothing to compare")
		return
	}
	rng := rand.New(rand.NewPCG(17, 18))
	vals := make([]uint32, BlockLen+runPad)
	for i := range vals {
		vals[i] = rng.Uint32()
	}
	for range 500 {
		var starts [blockWords]uint64
		runs := make([]uint64, 20)
		for i := range starts {
			starts[i] = rng.Uint64() >> rng.IntN(64) & rng.Uint64()
			if rng.IntN(4) == 0 {
				starts[i] = ^uint64(0)
			}
		}
		for i := range runs {
			runs[i] = rng.Uint64()
		}
		checkRunTwins(t, &starts, runs, rng.IntN(500), vals)
	}
}
