package encoding

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

func randomIDs(rng *rand.Rand, n int, w uint) []uint32 {
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = rng.Uint32() & lowMask(w)
	}
	return ids
}

// aligned returns b where readers expect it.
func aligned(b []byte) []byte { return AlignedCopy(b) }

func randomSet(rng *rand.Rand, w uint) segment.IDSet {
	a, b := rng.Uint32()&lowMask(w), rng.Uint32()&lowMask(w)
	switch rng.IntN(6) {
	case 0:
		return segment.IDSet{Lo: 1, Hi: 0}
	case 1:
		return segment.IDSet{Lo: 0, Hi: ^uint32(0)}
	case 2, 3:
		bits := column.NewBitmap(1 << min(w, 12))
		for i := range bits {
			bits[i] = rng.Uint64()
		}
		return segment.IDSet{Bits: bits}
	}
	return segment.IDSet{Lo: min(a, b), Hi: max(a, b)}
}

// checkIDs compares every way to read ids with the ids themselves.
func checkIDs(t *testing.T, rng *rand.Rand, r IDs, ids []uint32, w uint) {
	t.Helper()
	for range 8 {
		from := rng.IntN(len(ids))
		n := rng.IntN(len(ids)-from) + 1
		if rng.IntN(2) == 0 {
			from = from / 512 * 512
			n = len(ids) - from
		}
		got := make([]uint32, n)
		r.Read(uint32(from), got)
		if !slices.Equal(got, ids[from:from+n]) {
			t.Fatalf("w=%d: Read(%d, %d) differs", w, from, n)
		}
		set := randomSet(rng, w)
		bits := column.NewBitmap(n)
		for i := range bits {
			bits[i] = rng.Uint64()
		}
		r.Match(uint32(from), n, set, bits)
		for i := range n {
			if bits.Get(i) != set.Contains(ids[from+i]) {
				t.Fatalf("w=%d: Match(%d, %d) is wrong at %d", w, from, n, i)
			}
		}
	}
	for _, step := range []int{3, 50, 700} {
		docs := someDocs(rng, len(ids), step)
		got := make([]uint32, len(docs))
		r.Gather(docs, got)
		for i, d := range docs {
			if got[i] != ids[d] {
				t.Fatalf("w=%d: Gather of %d gives %d, want %d", w, d, got[i], ids[d])
			}
		}
	}
}

func TestPackedEqualsIDs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for w := uint(0); w <= 32; w++ {
		for _, n := range []int{1, 511, 512, 513, 3000} {
			ids := randomIDs(rng, n, w)
			p, err := NewPacked(aligned(AppendPacked(nil, ids, w)), n, w, 1<<w)
			if err != nil {
				t.Fatal(err)
			}
			checkIDs(t, rng, p, ids, w)
		}
	}
}

func TestPackedRefusesIDsBeyondDictionary(t *testing.T) {
	ids := []uint32{1, 2, 6, 3}
	buf := aligned(AppendPacked(nil, ids, 3))
	if _, err := NewPacked(buf, 4, 3, 7); err != nil {
		t.Error(err)
	}
	if _, err := NewPacked(buf, 4, 3, 6); err == nil {
		t.Error("id 6 of 6 accepted")
	}
	if _, err := NewPacked(buf[:64], 4, 3, 7); err == nil {
		t.Error("short buffer accepted")
	}
}

func TestRunsEqualIDs(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		card := rng.IntN(50) + 1
		var ids []uint32
		for id := range card {
			for range rng.IntN(60) + 1 {
				ids = append(ids, uint32(id))
			}
		}
		r, err := NewRuns(aligned(AppendRuns(nil, ids, card)), len(ids), card)
		if err != nil {
			t.Fatal(err)
		}
		checkIDs(t, rng, r, ids, 6)
		lo := uint32(rng.IntN(card))
		hi := lo + uint32(rng.IntN(card-int(lo)))
		start, end := r.Range(lo, hi)
		for i, id := range ids {
			if in := id >= lo && id <= hi; in != (uint32(i) >= start && uint32(i) < end) {
				t.Fatalf("Range(%d, %d) = [%d, %d): document %d has id %d", lo, hi, start, end, i, id)
			}
		}
	}
}

func TestConstIDs(t *testing.T) {
	checkIDs(t, rand.New(rand.NewPCG(5, 6)), ConstIDs{}, make([]uint32, 700), 1)
}

func FuzzNewRuns(f *testing.F) {
	f.Add(AppendRuns(nil, []uint32{0, 0, 1, 2, 2}, 3), 5, 3)
	f.Fuzz(func(t *testing.T, b []byte, n, card int) {
		if n < 1 || n > 1<<20 {
			return
		}
		r, err := NewRuns(aligned(b), n, card)
		if err != nil {
			return
		}
		ids := make([]uint32, n)
		r.Read(0, ids)
		for i, id := range ids {
			if int(id) >= card || i > 0 && id < ids[i-1] {
				t.Fatal("id out of order")
			}
		}
	})
}
