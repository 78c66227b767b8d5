package exec

import (
	"fmt"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// TestCountsOfSortedValues groups by a sorted column and by an expression over
// it, where rows are counted without reading them.
func TestCountsOfSortedValues(t *testing.T) {
	g := newGen(12)
	table := g.storedTable()
	table.Config.Indexing = schema.IndexingConfig{SortedColumn: "c0", Inverted: []string{"c3"}}
	rows := g.table(67_000)
	for i, row := range rows {
		row[colInt] = column.IntValue(schema.Int32, int64(i*g.r.IntN(3))%50)
		row[colText] = column.TextValue(fmt.Sprint("t", i%3))
	}
	segs := []segment.Segment{storeSealed(t, table, "a", rows[:66_000]), storeSealed(t, table, "b", rows[66_000:])}
	f := func(name string, key, filter plan.Expr, alone bool) {
		t.Helper()
		leaf := &plan.Leaf{Cols: leafCols(), Filter: filter, Aggregate: true, Limit: -1, GroupBy: []plan.Expr{key}, Aggs: []plan.AggCall{aggOf(t, "count")}}
		if !alone {
			leaf.Aggs = append(leaf.Aggs, aggOf(t, "max", ref(colInt)))
		}
		want, err := naiveAggregate(leaf, rows)
		if err != nil {
			t.Fatal(err)
		}
		compareTexts(t, name, merged(t, eager(), leaf, segs), want)
		_, st, err := runLeaf(t, New(Config{Workers: -1}), leaf, segs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if unread := st.EntriesScannedPostFilter == 0; unread != alone {
			t.Errorf("%s: %d entries read", name, st.EntriesScannedPostFilter)
		}
		passed, err := naiveRows(leaf, rows)
		if err != nil || int(st.DocsScanned) != len(passed) {
			t.Errorf("%s: %d rows scanned, want %d, %v", name, st.DocsScanned, len(passed), err)
		}
	}
	same := call(compareFunc("=", schema.Text), ref(colText), konst(column.TextValue("t1")))
	f("all", ref(colInt), nil, true)
	f("filtered", ref(colInt), same, true)
	f("more than rows", ref(colInt), same, false)
	f("expression", call(compareFunc("<", schema.Int32), ref(colInt), konst(column.IntValue(schema.Int32, 20))), same, true)
}
