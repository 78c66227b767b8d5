package encoding

import (
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func randomBitmap(rng *rand.Rand, limit int) *roaring.Bitmap {
	b := roaring.New()
	for range rng.IntN(2000) {
		b.Add(uint32(rng.IntN(limit)))
	}
	if rng.IntN(2) == 0 {
		lo := rng.IntN(limit)
		b.AddRange(uint64(lo), uint64(min(limit, lo+rng.IntN(200_000))))
	}
	if rng.IntN(3) == 0 {
		for i := 0; i < min(limit, 1<<16); i += 3 {
			b.Add(uint32(i))
		}
	}
	if rng.IntN(2) == 0 {
		b.RunOptimize()
	}
	return b
}

func TestOpenBitmap(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for range 200 {
		b := randomBitmap(rng, 1+rng.IntN(1<<20))
		buf, err := AppendBitmap(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		limit := uint32(1)
		if !b.IsEmpty() {
			limit = b.Maximum() + 1
		}
		got, err := OpenBitmap(buf, limit)
		if err != nil || !got.Equals(b) {
			t.Fatalf("bitmap of %d values: %v", b.GetCardinality(), err)
		}
		if _, err := OpenBitmap(buf, limit-1); err == nil && !b.IsEmpty() {
			t.Fatal("value beyond the limit accepted")
		}
		if _, err := OpenBitmap(buf[:len(buf)-1], limit); err == nil {
			t.Fatal("truncated bitmap accepted")
		}
	}
}

func TestNullsOfRange(t *testing.T) {
	b := roaring.BitmapOf(3, 64, 65, 1000, 70000)
	v := column.New(schema.Int32, 0)
	v.Resize(1000)
	SetNulls(b, 10, 991, v, 0)
	want := roaring.BitmapOf(54, 55, 990)
	for i := range v.N {
		if v.IsNull(i) != want.ContainsInt(i) {
			t.Errorf("row %d: NULL is %v", i, v.IsNull(i))
		}
	}
	v.Resize(3)
	GatherNulls(b, []uint32{64, 66, 70000}, v)
	if !v.IsNull(0) || v.IsNull(1) || !v.IsNull(2) {
		t.Errorf("gathered NULLs are %b", v.Nulls)
	}
}

// FuzzOpenBitmap checks that whatever is accepted is a sound bitmap to the
// library as well.
func FuzzOpenBitmap(f *testing.F) {
	rng := rand.New(rand.NewPCG(17, 18))
	for range 5 {
		b, _ := AppendBitmap(nil, randomBitmap(rng, 200_000))
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, buf []byte) {
		b, err := OpenBitmap(buf, 1<<20)
		if err != nil {
			return
		}
		n, prev := uint64(0), int64(-1)
		for it := b.Iterator(); it.HasNext(); n++ {
			x := int64(it.Next())
			if x <= prev || x >= 1<<20 {
				t.Fatalf("value %d after %d", x, prev)
			}
			prev = x
		}
		if n != b.GetCardinality() {
			t.Fatalf("%d values, cardinality %d", n, b.GetCardinality())
		}
	})
}
