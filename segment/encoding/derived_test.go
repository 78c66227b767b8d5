package encoding

import (
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

func TestDerivedIDs(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 62))
	for _, card := range []int{1, 7, 256, 257, 3000, 70_000} {
		baseCard := card + rng.IntN(card)
		table := make([]uint32, baseCard)
		for i := range table {
			table[i] = rng.Uint32N(uint32(card))
		}
		if card == 3000 { // the same ids
			table = table[:card]
			for i := range table {
				table[i] = uint32(i)
			}
		}
		base := runsOf(rng, 3000, len(table), 2)
		ids := make([]uint32, len(base))
		for i, id := range base {
			ids[i] = table[id]
		}
		w := Width(len(table))
		p, err := NewPacked(aligned(AppendPacked(nil, base, w)), len(base), w, len(table))
		if err != nil {
			t.Fatal(err)
		}
		buf := aligned(AppendDerived(nil, 77, table, card))
		if id, err := DerivedBase(buf); id != 77 || err != nil {
			t.Errorf("base %d, %v", id, err)
		}
		d, err := NewDerived(buf, p, len(table), card)
		if err != nil {
			t.Fatal(err)
		}
		checkIDs(t, rng, d, ids, Width(card))
		if card == 3000 && d != IDs(p) {
			t.Error("equal ids are read through a table")
		}
		if _, err := NewDerived(buf, p, len(table)+1, card); err == nil {
			t.Error("a base with more ids accepted")
		}
		if _, err := NewDerived(buf[:32], p, len(table), card); err == nil {
			t.Error("short buffer accepted")
		}
	}
	if _, err := NewDerived(aligned(AppendDerived(nil, 1, []uint32{0, 2, 1}, 3)), ConstIDs{}, 3, 2); err == nil {
		t.Error("id 2 of 2 accepted")
	}
}

func FuzzDerivedIDs(f *testing.F) {
	f.Add(AppendDerived(nil, 1, []uint32{2, 0, 1, 1}, 3), uint8(4), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, baseCard, card uint8) {
		d, err := NewDerived(aligned(b), ConstIDs{}, int(baseCard), int(card))
		if err != nil || baseCard == 0 {
			return
		}
		ids, bits := make([]uint32, 600), column.NewBitmap(600)
		d.Read(0, ids)
		d.Match(0, 600, segment.IDSet{Lo: 1, Hi: 2}, bits)
		for i, id := range ids {
			if id >= uint32(card) || bits.Get(i) != (id == 1 || id == 2) {
				t.Fatalf("id %d of %d, matched %v", id, card, bits.Get(i))
			}
		}
	})
}
