package encoding

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
)

// TestBitmapsWithoutTheLibrary sets bits and lists values.
func TestBitmapsWithoutTheLibrary(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for range 200 {
		b := randomBitmap(rng, 1+rng.IntN(1<<19))
		buf, err := AppendBitmap(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		want := b.ToArray()
		got, err := AppendValues(buf, []uint32{7})
		if err != nil || !slices.Equal(got[1:], want) {
			t.Fatalf("%d values, want %d, %v", len(got)-1, len(want), err)
		}
		bits := column.NewBitmap(1 << 20)
		if err := SetBitmap(buf, bits); err != nil || !slices.Equal(bits.Positions(0, []uint32{}), want) {
			t.Fatalf("%d bits, want %d, %v", bits.Count(), len(want), err)
		}
	}
}
