package index

import (
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

func bloomOf(t *testing.T, hashes []uint64, fpp float64, limit int) *Bloom {
	t.Helper()
	x, err := OpenBloom(AppendBloom(nil, hashes, BloomSize(len(hashes), fpp, limit)))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestBloomLetsItsValuesPass(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, fpp := range []float64{0.2, 0.05, 0.01, 0.001} {
		hashes := make([]uint64, 20_000)
		for i := range hashes {
			hashes[i] = rng.Uint64()
		}
		x := bloomOf(t, hashes, fpp, 0)
		for _, h := range hashes {
			if !x.MayContain(h) {
				t.Fatal("a value is missing")
			}
		}
		passed := 0
		const probes = 100_000
		for range probes {
			if x.MayContain(rng.Uint64()) {
				passed++
			}
		}
		if share := float64(passed) / probes; share > 2*fpp || share < fpp/3 {
			t.Errorf("%.4f of absent values pass, not %.4f", share, fpp)
		}
	}
}

func TestBloomSize(t *testing.T) {
	f := func(n int, fpp float64, limit, want int) {
		t.Helper()
		if got := BloomSize(n, fpp, limit); got != want {
			t.Errorf("%d values, %g, limit %d: %d bytes, want %d", n, fpp, limit, got, want)
		}
	}
	f(0, 0.05, 0, 32)
	f(1, 0.05, 0, 32)
	f(1000, 0.05, 0, 864)
	f(1000, 0.05, 100, 96)
	f(1000, 0.05, 1, 32)
	f(1<<31, 1e-12, 0, maxBloomBlocks*bloomBlock)
}

// TestBloomGolden guards the bytes of the format: hash, block and bits.
func TestBloomGolden(t *testing.T) {
	v := column.New(schema.Text, 0)
	v.AppendString("AT")
	v.AppendString("CH")
	hashes := make([]uint64, 2)
	segment.ValueHashes(v, hashes)
	for i, h := range hashes {
		if h != segment.ValueHash(v.Value(i)) {
			t.Errorf("hash of value %d alone differs", i)
		}
	}
	const want = "0050000000022000004000020001000208010000100001000000050000002200"
	if got := hex.EncodeToString(AppendBloom(nil, hashes, bloomBlock)); got != want {
		t.Errorf("bytes %s", got)
	}
}

func TestOpenBloomRefuses(t *testing.T) {
	for _, n := range []int{0, 1, 31, 33} {
		if _, err := OpenBloom(make([]byte, n)); !errors.Is(err, segment.ErrCorrupt) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func FuzzBloom(f *testing.F) {
	f.Add([]byte("some bytes of a filter, 32 of it"), uint64(7))
	f.Fuzz(func(t *testing.T, buf []byte, h uint64) {
		x, err := OpenBloom(buf)
		if err != nil {
			return
		}
		before := x.MayContain(h)
		grown, err := OpenBloom(AppendBloom(nil, []uint64{h}, len(buf)))
		if err != nil || !grown.MayContain(h) {
			t.Fatalf("a value is missing (%v, %v before)", err, before)
		}
	})
}

func BenchmarkBloomMayContain(b *testing.B) {
	hashes := make([]uint64, 1<<20)
	for i := range hashes {
		hashes[i] = rand.Uint64()
	}
	x, err := OpenBloom(AppendBloom(nil, hashes, BloomSize(len(hashes), 0.05, 0)))
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		x.MayContain(hashes[i&(1<<20-1)])
		i++
	}
}
