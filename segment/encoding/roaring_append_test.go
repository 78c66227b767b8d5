package encoding

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

// TestAppendSorted compares with the library: containers of every kind and
// mixtures of them, with and without offsets.
func TestAppendSorted(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	pick := func(from, n, stride uint32) (docs []uint32) {
		for d := from; d < from+n; d++ {
			if stride == 1 || rng.Uint32N(stride) == 0 {
				docs = append(docs, d)
			}
		}
		return docs
	}
	f := func(docs []uint32) {
		t.Helper()
		m := roaring.New()
		m.AddMany(docs)
		m.RunOptimize()
		want, err := AppendBitmap([]byte("x"), m)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendSorted([]byte("x"), docs); !bytes.Equal(got, want) {
			t.Errorf("%d documents: %d bytes, the library has %d", len(docs), len(got), len(want))
		}
	}
	f([]uint32{0})
	f([]uint32{1<<32 - 1})
	f([]uint32{3, 70000, 1 << 20, 1 << 31})
	f(pick(0, 65536, 1))
	f(pick(65000, 2000, 1))
	for _, stride := range []uint32{1, 2, 3, 15, 16, 17, 1000} {
		f(append([]uint32{7}, pick(100, 600_000, stride)...))
	}
	for range 200 {
		var docs []uint32
		at := uint32(0)
		for range 1 + rng.IntN(9) {
			part := pick(at, 1+rng.Uint32N(90_000), 1+rng.Uint32N(40))
			docs = append(docs, part...)
			at += 100_000 + rng.Uint32N(60_000)
		}
		if len(docs) > 0 {
			f(docs)
		}
	}
}
