package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestPairSetShapes inserts words that lie close together, far apart, and
// first the one and then the other.
func TestPairSetShapes(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	f := func(name string, blocked bool, words ...func() uint64) {
		t.Helper()
		var s PairSet
		seen := map[[2]uint64]bool{}
		for _, next := range words {
			for range 20_000 {
				p := [2]uint64{r.Uint64N(3), next()}
				if s.Insert(uint32(p[0]), p[1]) == seen[p] {
					t.Fatalf("%s: Insert of %v told the wrong thing", name, p)
				}
				seen[p] = true
			}
		}
		if (s.blocks != nil) != blocked {
			t.Errorf("%s: blocks: %v", name, s.blocks != nil)
		}
		n := 0
		s.Each(func(g uint32, w uint64) {
			n++
			if !seen[[2]uint64{uint64(g), w}] {
				t.Fatalf("%s: (%d, %d) was not inserted", name, g, w)
			}
		})
		if n != len(seen) || s.Len() != n {
			t.Errorf("%s: %d pairs, Len %d, want %d", name, n, s.Len(), len(seen))
		}
	}
	close := func() uint64 { return r.Uint64N(30_000) - 10_000 } // some are negative numbers
	far := r.Uint64
	f("close", true, close)
	f("far", false, far)
	f("close, then far", false, close, far, far)
	f("far, then close", false, far, close)
}

func BenchmarkPairSet(b *testing.B) {
	r := rand.New(rand.NewPCG(33, 34))
	for _, limit := range []uint64{1 << 10, 1 << 17, 1 << 22, 1 << 62} {
		words := make([]uint64, 1<<18)
		for i := range words {
			words[i] = r.Uint64N(limit)
		}
		b.Run(fmt.Sprintf("below=%d", limit), func(b *testing.B) {
			for b.Loop() {
				var s PairSet
				for _, w := range words {
					s.Insert(0, w)
				}
				b.ReportMetric(float64(s.Bytes())/float64(s.Len()), "B/pair")
			}
			b.ReportMetric(float64(len(words))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
