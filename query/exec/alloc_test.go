//go:build !race

package exec

import (
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/plan"
)

// TestSteadyStateDoesNotAllocate runs the same morsel of a sealed segment again
// and again: once buffers and groups exist, a scan must not allocate.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	g := newGen(99)
	segs := store(t, g.storedTable(), "a", g.table(20_000))
	filter := &plan.And{Args: []plan.Expr{
		call(compareFunc(">=", schema.Int32), ref(colInt), konst(column.IntValue(schema.Int32, -5))),
		call(compareFunc("<>", schema.Text), ref(colText), konst(column.TextValue("t01"))),
		call(compareFunc("<", schema.Timestamp), ref(colTime), konst(column.IntValue(schema.Timestamp, 30))),
	}}
	f := func(name string, leaf *plan.Leaf) {
		t.Helper()
		leaf.Cols, leaf.Filter, leaf.Limit = leafCols(), filter, max(leaf.Limit, -1)
		q := newQuery(New(Config{Workers: -1}), testContext(), leaf, Options{})
		q.op = q.newOperator(nil)
		if err := q.planSegments(segs[1:]); err != nil {
			t.Fatal(err)
		}
		if err := q.op.prepare(q); err != nil {
			t.Fatal(err)
		}
		w, err := newWorker(q)
		if err != nil {
			t.Fatal(err)
		}
		morsels, _ := q.morsels(q.segs)
		run := func() {
			if err := w.do(&morsels[0]); err != nil {
				t.Fatal(err)
			}
		}
		run()
		if n := testing.AllocsPerRun(10, run); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	sums := []plan.AggCall{aggOf(t, "count"), aggOf(t, "sum", ref(colInt)), aggOf(t, "avg", ref(colMoney)), aggOf(t, "max", ref(colTime))}
	f("aggregate", &plan.Leaf{Aggregate: true, Aggs: sums})
	f("dense group-by", &plan.Leaf{Aggregate: true, Aggs: sums, GroupBy: []plan.Expr{ref(colText), ref(colBool)}})
	f("hash group-by", &plan.Leaf{Aggregate: true, Aggs: sums, GroupBy: []plan.Expr{ref(colTime), ref(colLong)}})
	f("group-by of many texts", &plan.Leaf{Aggregate: true, Aggs: sums, GroupBy: []plan.Expr{ref(colName)}})
	f("top-n", &plan.Leaf{Output: []plan.Expr{ref(colName)}, OrderBy: []plan.SortKey{{Expr: ref(colTime)}}, Limit: 10})
}
