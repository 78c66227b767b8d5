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

// twins runs f with the vector kernels on and off and compares what it leaves
// in the words that it returns.
func twins[T comparable](t *testing.T, name string, f func() []T) {
	t.Helper()
	before := wide
	defer func() { wide = before }()
	wide = true
	got := f()
	wide = false
	if want := f(); !slices.Equal(got, want) {
		t.Fatalf("%s: %v, want %v", name, got, want)
	}
}

// dirty returns a bitmap for n bits whose words are not clear.
func dirty(n int) column.Bitmap {
	b := make(column.Bitmap, column.Words(n))
	for i := range b {
		b[i] = 0xdeadbeef
	}
	return b
}

// checkMatchTwins compares the range filters over the bits of v.
func checkMatchTwins(t *testing.T, v []int64, lo, hi int64) {
	t.Helper()
	n := len(v)
	v32, f32, f64 := make([]int32, n), make([]float32, n), make([]float64, n)
	for i, x := range v {
		v32[i] = int32(x)
		f32[i], f64[i] = math.Float32frombits(uint32(x)), math.Float64frombits(uint64(x))
	}
	match := func(name string, f func(dst column.Bitmap)) {
		t.Helper()
		twins(t, fmt.Sprintf("%s of %d in %d..%d", name, n, lo, hi), func() []uint64 {
			dst := dirty(n)
			f(dst)
			return dst
		})
	}
	match("int64", func(dst column.Bitmap) { MatchInt64(v, lo, hi, dst) })
	match("int32", func(dst column.Bitmap) { MatchInt32(v32, int32(lo), int32(hi), dst) })
	match("float64", func(dst column.Bitmap) {
		MatchFloat64(f64, math.Float64frombits(uint64(lo)), math.Float64frombits(uint64(hi)), dst)
	})
	match("float32", func(dst column.Bitmap) {
		MatchFloat32(f32, math.Float32frombits(uint32(lo)), math.Float32frombits(uint32(hi)), dst)
	})
}

// checkIDTwins compares what is done with ids below limit.
func checkIDTwins(t *testing.T, raw []uint32, limit int, lo, hi uint32, table []uint32) {
	t.Helper()
	ids := make([]uint32, len(raw))
	for i, x := range raw {
		ids[i] = x % uint32(limit)
	}
	set := make(column.Bitmap, column.Words(limit))
	for i := range set {
		set[i] = uint64(table[i]) * 0x9e3779b97f4a7c15
	}
	twins(t, "ids in range", func() []uint64 {
		dst := dirty(len(ids))
		MatchIDRange(ids, lo, hi, dst)
		return dst
	})
	twins(t, "ids in set", func() []uint64 {
		dst := dirty(len(ids))
		MatchIDBits(ids, set, dst)
		return dst
	})
	twins(t, "select", func() []uint32 { return SelectIDs(ids, lo, hi, []uint32{1, 2, 3}) })
	table = table[:limit]
	twins(t, "set table", func() []uint32 {
		dst := make([]uint32, len(ids))
		SetTable(dst, ids, table)
		return dst
	})
	twins(t, "add table", func() []uint32 {
		dst := slices.Clone(raw)
		AddTable(dst, ids, table)
		return dst
	})
	wide64 := make([]int64, limit)
	for i := range wide64 {
		wide64[i] = int64(table[i])<<32 | int64(i)
	}
	var v column.Vector
	twins(t, "gather", func() []int64 { return gather(&v, wide64, ids, nil) })
}

// checkArithTwins compares sums, differences and products, also with one
// operand for all rows.
func checkArithTwins(t *testing.T, a, b []int64) {
	t.Helper()
	ops := map[string]func(dst, a, b []int64) bool{"add": AddInt64, "sub": SubInt64, "mul": MulInt64}
	for name, op := range ops {
		run := func(a, b []int64, n int) {
			t.Helper()
			twins(t, name, func() []int64 {
				dst := make([]int64, n+1)
				if op(dst[:n], a, b) {
					dst[n] = 1
				}
				return dst
			})
		}
		run(a, b, len(a))
		if len(a) > 0 {
			run(a[:1], b, len(a))
			run(a, b[:1], len(a))
		}
	}
	v32 := make([]int32, len(a))
	for i, x := range a {
		v32[i] = int32(x)
	}
	twins(t, "widen", func() []int64 {
		dst := make([]int64, len(a))
		WidenInt32(dst, v32)
		return dst
	})
}

func TestMatchKernelsEqualPlain(t *testing.T) {
	if !archsimd.X86.AVX512() {
		t.Log("this processor has no AVX-512: nothing to compare")
		return
	}
	r := rand.New(rand.NewPCG(31, 32))
	for n := range 300 {
		v, w, ids := make([]int64, n), make([]int64, n), make([]uint32, n)
		for i := range v {
			v[i], w[i], ids[i] = int64(r.Uint64())>>r.IntN(60), int64(r.Uint64())>>r.IntN(60), r.Uint32()
		}
		lo, hi := int64(r.Uint64())>>r.IntN(60), int64(r.Uint64())>>r.IntN(60)
		checkMatchTwins(t, v, min(lo, hi), max(lo, hi))
		checkMatchTwins(t, v, lo, int64(math.Float64bits(math.NaN())))
		checkMatchTwins(t, v, int64(math.Float64bits(math.NaN())), hi)
		limit := 1 + r.IntN(1+r.IntN(1200))
		table := make([]uint32, limit)
		for i := range table {
			table[i] = r.Uint32()
		}
		from := r.Uint32N(uint32(limit))
		checkIDTwins(t, ids, limit, from, from+r.Uint32N(uint32(limit)), table)
		checkArithTwins(t, v, w)
	}
	checkArithTwins(t, slices.Repeat([]int64{1 << 31, -1 << 31, math.MinInt64, 3}, 5), slices.Repeat([]int64{1, -1, math.MaxInt64, 1 << 62}, 5))
}

func FuzzMatchKernels(f *testing.F) {
	f.Add(make([]byte, 700), int64(-3), int64(5), uint16(40))
	f.Add(slices.Repeat([]byte{255, 0, 1, 128, 7, 127}, 333), int64(math.MinInt64), int64(0x7ff8000000000000), uint16(1000))
	f.Fuzz(func(t *testing.T, b []byte, lo, hi int64, limit uint16) {
		if !archsimd.X86.AVX512() {
			return
		}
		v, ids := make([]int64, len(b)/8), make([]uint32, len(b)/8)
		for i := range v {
			v[i] = int64(binary.LittleEndian.Uint64(b[i*8:]))
			ids[i] = uint32(v[i])
		}
		checkMatchTwins(t, v, lo, hi)
		checkArithTwins(t, v, append(slices.Clone(v[len(v)/2:]), v[:len(v)/2]...))
		n := int(limit)%2000 + 1
		table := make([]uint32, n)
		for i := range table {
			table[i] = uint32(i) * uint32(lo|1)
		}
		checkIDTwins(t, ids, n, uint32(lo)%uint32(n), uint32(hi), table)
	})
}

func BenchmarkMatchKernel(b *testing.B) {
	if !archsimd.X86.AVX512() {
		return
	}
	const n = 4096
	r := rand.New(rand.NewPCG(33, 34))
	v32, v64, f64, ids, codes := make([]int32, n), make([]int64, n), make([]float64, n), make([]uint32, n), make([]uint32, n)
	for i := range n {
		v64[i] = int64(r.Uint64() >> 34)
		v32[i], f64[i], ids[i] = int32(v64[i]), float64(v64[i]), r.Uint32N(30)
	}
	out64, bits, pos := make([]int64, n), column.NewBitmap(n), make([]uint32, 0, n+16)
	set, table, table64 := column.Bitmap{0x123456789abcdef}, make([]uint32, 30), make([]int64, 30)
	var vec column.Vector
	run := func(name string, f func()) {
		for _, on := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/wide=%v", name, on), func(b *testing.B) {
				before := wide
				defer func() { wide = before }()
				wide = on
				for b.Loop() {
					f()
				}
				b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
			})
		}
	}
	run("matchInt32", func() { MatchInt32(v32, 1000, 1<<29, bits) })
	run("matchInt64", func() { MatchInt64(v64, 1000, 1<<29, bits) })
	run("matchFloat64", func() { MatchFloat64(f64, 1000, 1<<29, bits) })
	run("matchIDRange", func() { MatchIDRange(ids, 3, 11, bits) })
	run("matchIDBits", func() { MatchIDBits(ids, set, bits) })
	run("selectIDs", func() { SelectIDs(ids, 3, 11, pos) })
	run("setTable30", func() { SetTable(codes, ids, table) })
	run("addTable30", func() { AddTable(codes, ids, table) })
	run("gather30x64", func() { out64 = gather(&vec, table64, ids, out64) })
	run("addInt64", func() { AddInt64(out64, v64, v64) })
	run("mulInt64", func() { MulInt64(out64, v64, v64) })
	run("widenInt32", func() { WidenInt32(out64, v32) })
}
