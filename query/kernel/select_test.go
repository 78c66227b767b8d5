package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSelectUint64(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	fill := map[string]func(i int) uint64{
		"any":       func(int) uint64 { return r.Uint64() },
		"few":       func(int) uint64 { return r.Uint64N(3) },
		"equal":     func(int) uint64 { return 7 },
		"ascending": func(i int) uint64 { return uint64(i) },
		"skewed":    func(int) uint64 { return 1 << r.UintN(64) },
		"extremes":  func(i int) uint64 { return []uint64{0, math.MaxUint64}[i%2] },
	}
	for name, f := range fill {
		for _, n := range []int{1, 2, 3, 100, 5000} {
			v := make([]uint64, n)
			for i := range v {
				v[i] = f(i)
			}
			sorted := slices.Sorted(slices.Values(v))
			for _, k := range []int{0, n / 3, n / 2, n - 1} {
				if got := SelectUint64([][]uint64{v[:n/3], v[n/3:]}, k); got != sorted[k] {
					t.Errorf("%s: value %d of %d is %d, want %d", name, k, n, got, sorted[k])
				}
				if k > 0 {
					if got := NextUint64([][]uint64{v[:n/3], v[n/3:]}, sorted[k-1], k); got != sorted[k] {
						t.Errorf("%s: value %d of %d after %d is %d, want %d", name, k, n, sorted[k-1], got, sorted[k])
					}
				}
			}
		}
	}
}

func BenchmarkSelectUint64(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	v := make([]uint64, 1<<20)
	for i := range v {
		v[i] = r.Uint64N(1 << 23)
	}
	for b.Loop() {
		SelectUint64([][]uint64{v}, len(v)*95/100)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(v)), "ns/value")
}
