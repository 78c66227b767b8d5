package index

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// find returns the documents of a range as a query does.
func find(t *testing.T, x *Range, keys []int64, r segment.ValueRange, lo, hi int64) []uint32 {
	t.Helper()
	s := x.Span(r)
	var out []uint32
	for i := range (s.End - s.First) * x.Blocks() {
		b, block := s.First+i/x.Blocks(), i%x.Blocks()
		full := b >= s.FullFirst && b < s.FullEnd
		for _, at := range x.Docs(block, b, b+1) {
			d := uint32(block)*segment.BlockRows + uint32(at)
			in := keys[d] >= lo && keys[d] <= hi
			if full && !in {
				t.Fatalf("document %d with %d is in a whole bucket of [%d, %d]", d, keys[d], lo, hi)
			}
			if in {
				out = append(out, d)
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestRangeIndexFinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	shapes := map[string]func(i int) int64{
		"spread":  func(int) int64 { return rng.Int64() - rng.Int64() },
		"few":     func(int) int64 { return int64(rng.IntN(5)) },
		"skewed":  func(int) int64 { return int64(rng.ExpFloat64() * rng.ExpFloat64() * 10) },
		"rising":  func(i int) int64 { return int64(i) },
		"extreme": func(int) int64 { return []int64{math.MinInt64, 0, math.MaxInt64}[rng.IntN(3)] },
	}
	for name, value := range shapes {
		for _, n := range []int{1, 100, 20_000, 150_000} {
			keys := make([]int64, n)
			for i := range keys {
				keys[i] = value(i)
			}
			null := func(d uint32) bool { return d%7 == 3 }
			buf := AppendRange(nil, keys, null)
			x, err := OpenRange(encoding.AlignedCopy(buf), uint32(n), false)
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				lo, hi := keys[rng.IntN(n)], keys[rng.IntN(n)]
				lo, hi = min(lo, hi), max(lo, hi)
				var want []uint32
				for d, k := range keys {
					if k >= lo && k <= hi && !null(uint32(d)) {
						want = append(want, uint32(d))
					}
				}
				if got := find(t, x, keys, segment.ValueRange{LoInt: lo, HiInt: hi}, lo, hi); !slices.Equal(got, want) {
					t.Fatalf("%s, %d rows, [%d, %d]: %d documents, want %d", name, n, lo, hi, len(got), len(want))
				}
			}
		}
	}
}

func TestFloatKeyKeepsOrder(t *testing.T) {
	ascending := []float64{math.Inf(-1), -math.MaxFloat64, -1, -math.SmallestNonzeroFloat64, 0,
		math.SmallestNonzeroFloat64, 1, math.MaxFloat64, math.Inf(1), math.NaN()}
	for i := 1; i < len(ascending); i++ {
		if FloatKey(ascending[i-1]) >= FloatKey(ascending[i]) {
			t.Errorf("%g and %g", ascending[i-1], ascending[i])
		}
	}
	if FloatKey(math.Copysign(0, -1)) != FloatKey(0) {
		t.Error("-0 differs from 0")
	}
}

func FuzzRange(f *testing.F) {
	f.Add(AppendRange(nil, []int64{5, 3, 3, 900, -4}, nil), int64(3), int64(900))
	f.Fuzz(func(t *testing.T, buf []byte, lo, hi int64) {
		x, err := OpenRange(encoding.AlignedCopy(buf), 5, false)
		if err != nil {
			if !errors.Is(err, segment.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		s := x.Span(segment.ValueRange{LoInt: lo, HiInt: hi})
		docs := x.Docs(0, s.First, s.End)
		if len(docs) != x.Count(s.First, s.End) || len(docs) > 0 && slices.Max(docs) > 4 {
			t.Fatalf("documents %v", docs)
		}
	})
}
