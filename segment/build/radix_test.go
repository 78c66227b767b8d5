package build

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// TestSortedOrderOfTexts compares with sorting by comparison: prefixes of each
// other, zero bytes, long common parts, equal texts.
func TestSortedOrderOfTexts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	long := bytes.Repeat([]byte("http://a.example/"), 12)
	for _, n := range []int{0, 1, 2, 50, 700, 5000} {
		v := column.New(schema.Text, 0)
		for range n {
			b := slices.Clone(long[:rng.IntN(3)*rng.IntN(len(long)/2)])
			for range rng.IntN(12) {
				b = append(b, "\x00\x01ab\xff"[rng.IntN(5)])
			}
			v.AppendBytes(b)
		}
		checkOrder(t, v, func(a, b uint32) int { return bytes.Compare(v.Bytes(int(a)), v.Bytes(int(b))) })
	}
}

func TestSortedOrderOfNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 300, 4000} {
		for _, most := range []int64{1, 40, 1 << 20, 1<<63 - 1} {
			v := &column.Vector{Type: schema.Int64, N: n}
			for range n {
				v.Int64s = append(v.Int64s, rng.Int64N(most)-most/2)
			}
			checkOrder(t, v, func(a, b uint32) int { return cmp.Compare(v.Int64s[a], v.Int64s[b]) })
		}
	}
}

// checkOrder wants the stable order by compare.
func checkOrder(t *testing.T, v *column.Vector, compare func(a, b uint32) int) {
	t.Helper()
	want := make([]uint32, v.N)
	for i := range want {
		want[i] = uint32(i)
	}
	slices.SortStableFunc(want, compare)
	if got := sortedOrder(v); !slices.Equal(got, want) {
		t.Errorf("%d rows of %v: wrong order", v.N, v.Type)
	}
}
