package immutable

import (
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/mutable"
)

// TestConsumingSegmentSealsToSameBytes seals random rows from a consuming
// segment and writes them from batches: the files must be the same.
func TestConsumingSegmentSealsToSameBytes(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 5))
		rows := 3000
		if seed == 3 {
			rows = 80_000 // more than one block
		}
		tb := randomTable(rng, rows)
		m, err := mutable.New(mutable.Config{Table: tb.cfg.Table, FirstSeq: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range tb.batches(rng) {
			if err := m.Append(b); err != nil {
				t.Fatal(err)
			}
			if err := m.Commit(mutable.Commit{}); err != nil {
				t.Fatal(err)
			}
		}
		fs := vfs.NewMem()
		want := tb.build(t, rng, fs, "batches")
		view := m.Snapshot()
		got, err := build.Segment(ctx, fs, "sealed", view, tb.cfg)
		view.Release()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got.CRC != want.CRC || got.Metadata.RowSum != want.Metadata.RowSum {
			t.Fatalf("seed %d: sealed segment of %d bytes, %d from batches", seed, got.Bytes, want.Bytes)
		}
	}
}
