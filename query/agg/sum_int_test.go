package agg

import (
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// TestIntSumNearOverflow adds values of all magnitudes, so that sums are added
// unchecked at first, then checked, and then leave 64 bits.
func TestIntSumNearOverflow(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	const groups = 3
	for range 20 {
		a := newIntSum(&Spec{Args: []schema.Type{schema.Int64}}, false)
		a.Grow(groups)
		var want [groups]column.Int128
		for step := range 60 {
			v := column.New(schema.Int64, 0)
			gids := make([]uint32, 50)
			for i := range gids {
				x := int64(r.Uint64()) >> max(0, 60-step) >> r.IntN(3)
				gids[i] = uint32(r.IntN(groups))
				v.Append(column.IntValue(schema.Int64, x))
				want[gids[i]] = want[gids[i]].AddInt64(x)
			}
			if err := a.Update(gids, len(gids), []*column.Vector{v}); err != nil {
				t.Fatal(err)
			}
			for g, w := range want {
				if got := a.total(g); got != w {
					t.Fatalf("step %d: group %d is %v, want %v", step, g, got, w)
				}
			}
		}
	}
}
