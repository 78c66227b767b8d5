package exec

import (
	"fmt"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/plan"
)

// TestDependentKeys groups by columns and by expressions over them, in every
// order, and compares with an evaluator that goes row by row.
func TestDependentKeys(t *testing.T) {
	for seed := range uint64(5) {
		g := newGen(seed + 70)
		table := g.table(1500)
		segs := g.segments(table, 3)
		for col, typ := range tableTypes[:colList] {
			keys := []plan.Expr{ref(col), call(compareFunc("<", typ), ref(col), konst(g.value(col, 0))), ref(0)}
			if typ == schema.Text {
				keys = append(keys, call(lengthFunc, ref(col)))
			}
			g.r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
			leaf := &plan.Leaf{Cols: leafCols(), Aggregate: true, Limit: -1, GroupBy: keys, Aggs: []plan.AggCall{aggOf(t, "count")}}
			want, err := naiveAggregate(leaf, table)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(want)
			compareTexts(t, fmt.Sprintf("seed %d column %d", seed, col), merged(t, eager(), leaf, segs), want)
		}
	}
}

func TestWhatFollowsIsNoKey(t *testing.T) {
	f := func(want int, groupBy ...plan.Expr) {
		t.Helper()
		op := &aggregate{q: newQuery(New(Config{}), testContext(), &plan.Leaf{Cols: leafCols()}, Options{})}
		op.splitKeys(groupBy)
		if len(op.keys) != want || len(op.outs) != len(groupBy) {
			t.Errorf("%d keys for %d columns, want %d", len(op.keys), len(op.outs), want)
		}
	}
	text := slices.Index(tableTypes, schema.Text)
	double := slices.Index(tableTypes, schema.Float64)
	f(1, ref(text), call(lengthFunc, ref(text)))
	f(1, call(lengthFunc, ref(text)), ref(text))
	f(1, call(lengthFunc, ref(text)))
	f(1, ref(text), ref(text))
	// Equal floats need not be the same.
	f(2, ref(double), call(compareFunc("<", schema.Float64), ref(double), ref(double)))
}
