//go:build goexperiment.simd && amd64

package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"simd/archsimd"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
)

// checkBitmapTwins compares the bitmap kernels.
func checkBitmapTwins(t *testing.T, a, b column.Bitmap, base uint32) {
	t.Helper()
	ops := []struct {
		name  string
		wide  func(dst, src []uint64) int
		plain func(x, y uint64) uint64
	}{
		{"and", andAVX512, func(x, y uint64) uint64 { return x & y }},
		{"or", orAVX512, func(x, y uint64) uint64 { return x | y }},
		{"and not", andNotAVX512, func(x, y uint64) uint64 { return x &^ y }},
	}
	for _, op := range ops {
		got := slices.Clone(a)
		done := op.wide(got, b)
		if done < len(a)-7 || done > len(a) {
			t.Fatalf("%s: %d of %d words", op.name, done, len(a))
		}
		for i := range a {
			want := a[i]
			if i < done {
				want = op.plain(a[i], b[i])
			}
			if got[i] != want {
				t.Fatalf("%s: word %d of %d is %x, want %x", op.name, i, len(a), got[i], want)
			}
		}
	}
	before := []uint32{7, 8, 9}
	if got, want := positionsAVX512(a, base, before[:2]), positions(a, base, []uint32{7, 8}); !slices.Equal(got, want) {
		t.Fatalf("positions of %x: %v, want %v", a, got, want)
	}
}

// checkScaled compares the kernels that scale ids.
func checkScaled(t *testing.T, ids, before []uint32, stride, base uint32) {
	t.Helper()
	set, add := slices.Clone(before), slices.Clone(before)
	n := setScaledAVX512(set, ids, stride, base)
	if m := addScaledAVX512(add, ids, stride, base); m != n || n > len(ids) || n < len(ids)-15 {
		t.Fatalf("%d and %d of %d ids", n, m, len(ids))
	}
	for i, x := range before {
		wantSet, wantAdd := x, x
		if i < n {
			wantSet, wantAdd = ids[i]*stride+base, x+ids[i]*stride+base
		}
		if set[i] != wantSet || add[i] != wantAdd {
			t.Fatalf("%d·%d+%d onto %d: %d and %d", ids[i], stride, base, x, set[i], add[i])
		}
	}
}

func checkIntTwins(t *testing.T, v []int64, nulls column.Bitmap) {
	t.Helper()
	v32 := make([]int32, len(v))
	for i, x := range v {
		v32[i] = int32(x)
	}
	equal := func(name string, got, want any) {
		t.Helper()
		if got != want {
			t.Fatalf("%s of %d values: %v, want %v", name, len(v), got, want)
		}
	}
	equal("sum of int32", sumInt32AVX512(v32), sumInt32(v32))
	equal("sum of int64", sumInt64AVX512(v), sumInt64(v))
	s32, n := sumInt32ExceptAVX512(v32, nulls)
	want32, wantN := sumInt32Except(v32, nulls)
	equal("sum of int32 but NULL", s32, want32)
	equal("count of int32 but NULL", n, wantN)
	s64, n := sumInt64ExceptAVX512(v, nulls)
	want64, _ := sumInt64Except(v, nulls)
	equal("sum of int64 but NULL", s64, want64)
	equal("count of int64 but NULL", n, wantN)
	if len(v) == 0 {
		return
	}
	lo32, hi32 := minMaxInt32AVX512(v32)
	wantLo32, wantHi32 := minMax(v32)
	equal("least int32", lo32, wantLo32)
	equal("greatest int32", hi32, wantHi32)
	lo, hi := minMaxInt64AVX512(v)
	wantLo, wantHi := minMax(v)
	equal("least int64", lo, wantLo)
	equal("greatest int64", hi, wantHi)
}

// checkFloatSum compares sums, which may differ by rounding.
func checkFloatSum(t *testing.T, v []float64) {
	t.Helper()
	size := 0.0
	for _, x := range v {
		size += math.Abs(x)
	}
	got, want := sumFloat64AVX512(v), sumFloat64(v)
	if math.Abs(got-want) > size*1e-12 {
		t.Fatalf("sum of %d floats: %v, want %v", len(v), got, want)
	}
}

func TestVectorKernelsEqualPlain(t *testing.T) {
	if !archsimd.X86.AVX512() {
		t.Log("this processor has no AVX-512: nothing to compare")
		return
	}
	r := rand.New(rand.NewPCG(21, 22))
	for n := range 300 {
		a, b := randomBits(r, n), randomBits(r, n)
		checkBitmapTwins(t, a, b, r.Uint32()>>8)
		ids, before := make([]uint32, n), make([]uint32, n)
		for i := range ids {
			ids[i], before[i] = r.Uint32(), r.Uint32()
		}
		checkScaled(t, ids, before, r.Uint32(), r.Uint32())
		v, floats := make([]int64, n), make([]float64, n)
		for i := range v {
			v[i] = int64(r.Uint64()) >> r.IntN(60)
			floats[i] = r.NormFloat64()
		}
		checkIntTwins(t, v, a)
		checkIntTwins(t, v, a[:len(a)/2])
		checkFloatSum(t, floats)
	}
	extremes := slices.Repeat([]int64{math.MaxInt64, math.MaxInt64, math.MinInt64, -1}, 100)
	checkIntTwins(t, extremes, nil)
	checkIntTwins(t, extremes[:97], column.Bitmap{0x1111})
}

func FuzzVectorKernels(f *testing.F) {
	f.Add(make([]byte, 100), uint32(3))
	f.Add(slices.Repeat([]byte{255, 0, 1, 128, 7}, 333), uint32(1<<31))
	f.Fuzz(func(t *testing.T, b []byte, base uint32) {
		if !archsimd.X86.AVX512() {
			return
		}
		v := make([]int64, len(b)/8)
		words := make(column.Bitmap, len(v))
		for i := range v {
			words[i] = binary.LittleEndian.Uint64(b[i*8:])
			v[i] = int64(words[i])
		}
		half := len(words) / 2
		checkBitmapTwins(t, words[:half], words[half:], base)
		checkIntTwins(t, v, words)
	})
}

func BenchmarkKernel(b *testing.B) {
	if !archsimd.X86.AVX512() {
		return
	}
	const n = 4096
	r := rand.New(rand.NewPCG(23, 24))
	v32, v64, f64 := make([]int32, n), make([]int64, n), make([]float64, n)
	for i := range n {
		v64[i] = int64(r.Uint64() >> 34)
		v32[i], f64[i] = int32(v64[i]), float64(v64[i])
	}
	half, none, bits := column.NewBitmap(n), column.NewBitmap(n), column.NewBitmap(n)
	for i := range half {
		half[i] = r.Uint64()
	}
	run := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
	run("sumInt32/plain", func() { sumInt32(v32) })
	run("sumInt32/avx512", func() { sumInt32AVX512(v32) })
	run("sumInt64/plain", func() { sumInt64(v64) })
	run("sumInt64/avx512", func() { sumInt64AVX512(v64) })
	run("sumFloat64/plain", func() { sumFloat64(f64) })
	run("sumFloat64/avx512", func() { sumFloat64AVX512(f64) })
	run("sumInt32Except/plain", func() { sumInt32Except(v32, half) })
	run("sumInt32Except/avx512", func() { sumInt32ExceptAVX512(v32, half) })
	run("sumInt64Except/plain", func() { sumInt64Except(v64, half) })
	run("sumInt64Except/avx512", func() { sumInt64ExceptAVX512(v64, half) })
	run("minMaxInt64/plain", func() { minMax(v64) })
	run("minMaxInt64/avx512", func() { minMaxInt64AVX512(v64) })
	run("and/plain", func() {
		for i, w := range half {
			bits[i] &= w
		}
	})
	run("and/avx512", func() { andAVX512(bits, half) })
	pos := make([]uint32, 0, n+16)
	for _, step := range []int{2, 4, 8, 16, 64, 256} {
		some := slices.Clone(none)
		for i := range n {
			if r.IntN(step) == 0 {
				some.Set(i)
			}
		}
		run(fmt.Sprintf("positions/1of%d/plain", step), func() { positions(some, 0, pos) })
		run(fmt.Sprintf("positions/1of%d/avx512", step), func() { positionsAVX512(some, 0, pos) })
	}
}
