package exec

import (
	"fmt"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/reduce"
)

// groupCounts returns a leaf that counts rows per value of a column of a random
// table, with the sum of its first integer column.
func groupCounts(t *testing.T, col int) *plan.Leaf {
	return &plan.Leaf{Cols: leafCols(), Aggregate: true, Limit: -1, GroupBy: []plan.Expr{ref(col)},
		Aggs: []plan.AggCall{aggOf(t, "count"), aggOf(t, "max", ref(0))}}
}

// TestWantedGroups compares the groups that are given with the first of all
// groups that a condition holds for.
func TestWantedGroups(t *testing.T) {
	for seed := range uint64(6) {
		g := newGen(seed)
		rows := g.table(3000)
		segs := g.segments(rows, 3)
		for col := range colList {
			leaf := groupCounts(t, col)
			batches, _, err := runLeaf(t, eager(), leaf, segs, Options{Wanted: &plan.Wanted{Limit: -1}})
			if err != nil {
				t.Fatal(err)
			}
			all := reduce.Concat(batches)
			for key := range 3 {
				for _, limit := range []int64{0, 1, 7, 50} {
					want := randomWanted(g, all, key, limit)
					checkWanted(t, fmt.Sprintf("seed %d column %d key %d limit %d", seed, col, key, limit), all, want,
						finished(t, eager(), leaf, segs, want))
				}
			}
		}
	}
}

// randomWanted asks for the first groups by a column of all, sometimes of those
// with more than one row.
func randomWanted(g *gen, all *column.Batch, key int, limit int64) *plan.Wanted {
	w := &plan.Wanted{Limit: limit, OrderBy: []plan.SortKey{
		{Expr: &plan.ColRef{Index: key, Typ: all.Cols[key].Type}, Desc: g.chance(0.5), NullsFirst: g.chance(0.5)}}}
	if g.chance(0.5) {
		count := &plan.ColRef{Index: 1, Typ: schema.Int64}
		w.Having = call(compareFunc(">", schema.Int64), count, konst(column.IntValue(schema.Int64, 1)))
	}
	return w
}

// checkWanted demands that got holds only groups that the condition is true
// for, and the first of them.
func checkWanted(t *testing.T, what string, all *column.Batch, want *plan.Wanted, got []string) {
	t.Helper()
	var keep []uint32
	for i := range all.N {
		if want.Having == nil || all.Cols[1].Int64s[i] > 1 {
			keep = append(keep, uint32(i))
		}
	}
	kept := reduce.Take(all, keep)
	ok := texts(batchRowsOf([]*column.Batch{kept}))
	for _, row := range got {
		if !slices.Contains(ok, row) {
			t.Fatalf("%s: group %s was given", what, row)
		}
	}
	k := want.OrderBy[0]
	first := reduce.Sort(kept, []reduce.SortKey{{Col: k.Expr.(*plan.ColRef).Index, Desc: k.Desc, NullsFirst: k.NullsFirst}}, want.Limit)
	if len(got) < first.N {
		t.Fatalf("%s: %d groups were given, want at least %d", what, len(got), first.N)
	}
	for i, row := range texts(batchRowsOf([]*column.Batch{first})) {
		if slices.Contains(got, row) {
			continue
		}
		if at := k.Expr.(*plan.ColRef).Index; show(first.Cols[at].Value(i)) != show(first.Cols[at].Value(first.N-1)) {
			t.Fatalf("%s: group %s is missing", what, row)
		}
	}
}

// TestWantedWithoutKeys demands that the one group is given whatever is wanted.
func TestWantedWithoutKeys(t *testing.T) {
	leaf := &plan.Leaf{Cols: twoCols, Aggregate: true, Limit: -1, Aggs: []plan.AggCall{aggOf(t, "count")}}
	never := konst(column.BoolValue(false))
	got := finished(t, New(Config{}), leaf, nil, &plan.Wanted{Having: never, Limit: 0})
	if !slices.Equal(got, []string{"0"}) {
		t.Errorf("got %v", got)
	}
}
