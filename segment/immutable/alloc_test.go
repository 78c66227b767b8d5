package immutable

import (
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
)

// TestReadsDoNotAllocate guards the steady state of scans: with warm pools and
// a reused vector nothing is allocated.
func TestReadsDoNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 12))
	mem := vfs.NewMem()
	tb := smallTable(rng, 5000)
	tb.build(t, rng, mem, "seg")
	s, err := Open(mem, "seg", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	ids, bits := make([]uint32, 4096), column.NewBitmap(4096)
	set := segment.IDSet{Bits: column.NewBitmap(64)}
	for _, f := range tb.cfg.Table.Schema.Fields {
		var c segment.Column
		if c, err = s.Column(f.ID); err != nil {
			t.Fatal(err)
		}
		var v column.Vector
		docs := []uint32{1, 5, 800, 801, 4999}
		n := testing.AllocsPerRun(50, func() {
			if err := c.Read(70, 4096, &v); err != nil {
				t.Fatal(err)
			}
			if _, err := c.MatchRange(70, 4096, segment.ValueRange{HiInt: 9, HiFloat: 9}, bits); err != nil {
				t.Fatal(err)
			}
			if c.Dictionary() != nil {
				c.ReadIDs(70, ids)
				c.GatherIDs(docs, ids)
				c.MatchIDs(70, 4096, set, bits)
				c.MatchIDs(70, 4096, segment.IDSet{Lo: 1, Hi: 4}, bits)
			}
		})
		if n > 0.5 && !raceEnabled {
			t.Errorf("column %s: %v allocations", f.Name, n)
		}
	}
}
