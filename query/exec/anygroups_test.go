package exec

import (
	"fmt"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/query/plan"
)

// TestAnyGroups demands of a LIMIT without ORDER BY enough groups, each of them
// complete.
func TestAnyGroups(t *testing.T) {
	for seed := range uint64(6) {
		g := newGen(seed + 500)
		table := g.table(4000)
		segs := g.segments(table, 3)
		for _, keys := range [][]int{{colLong}, {colName}, {colLong, colName}, {colLong, colFloat, colTime}, {colInt, colName}} {
			leaf := &plan.Leaf{Cols: leafCols(), Filter: g.filter(), Aggregate: true, Limit: -1,
				Aggs: []plan.AggCall{aggOf(t, "count"), aggOf(t, "max", ref(colInt)), aggOf(t, "sum", ref(colLong))}}
			for _, k := range keys {
				leaf.GroupBy = append(leaf.GroupBy, ref(k))
			}
			all := merged(t, eager(), leaf, segs)
			for _, limit := range []int64{1, 10, 300} {
				got := finished(t, eager(), leaf, segs, &plan.Wanted{Limit: limit})
				what := fmt.Sprintf("seed %d keys %v limit %d", seed, keys, limit)
				if len(got) < min(int(limit), len(all)) {
					t.Errorf("%s: %d groups of %d", what, len(got), len(all))
				}
				for _, row := range got {
					if !slices.Contains(all, row) {
						t.Errorf("%s: group %s is not complete", what, row)
					}
				}
			}
		}
	}
}
