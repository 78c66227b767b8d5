package exec

import (
	"fmt"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// TestTopNReadsTheBestSegmentsFirst counts the segments that are not planned.
func TestTopNReadsTheBestSegmentsFirst(t *testing.T) {
	g := newGen(4)
	table := g.storedTable()
	var all [][]column.Value
	var segs []segment.Segment
	for k := range 8 {
		rows := g.table(100)
		for i, row := range rows {
			row[colTime] = column.IntValue(schema.Timestamp, int64(1000*k+i/2))
			row[colInt] = column.IntValue(schema.Int32, int64(i%10))
		}
		if k == 3 { // its NULLs come first or last
			rows[0][colTime] = column.NullValue(schema.Timestamp)
		}
		all = append(all, rows...)
		segs = append(segs, store(t, table, fmt.Sprint("s", k), rows)[k%2])
	}
	f := func(key int64, desc, nullsFirst bool, limit, wantRead int64) {
		t.Helper()
		leaf := &plan.Leaf{Cols: leafCols(), Limit: limit, Output: []plan.Expr{ref(colTime), ref(colInt)}}
		leaf.Filter = call(compareFunc("=", schema.Int32), ref(colInt), konst(column.IntValue(schema.Int32, key)))
		leaf.OrderBy = []plan.SortKey{{Expr: ref(colTime), Desc: desc, NullsFirst: nullsFirst}}
		passed, err := naiveRows(leaf, all)
		if err != nil {
			t.Fatal(err)
		}
		out := naiveOutput(t, leaf.Output, passed)
		slices.SortStableFunc(out, func(a, b []column.Value) int { return naiveOrder(leaf.OrderBy, a, b) })
		batches, st, err := runLeaf(t, New(Config{Workers: -1}), leaf, segs, Options{Trace: true, Settings: map[string]string{"result_cache": "off"}})
		if err != nil {
			t.Fatal(err)
		}
		compareTexts(t, fmt.Sprint("limit ", limit), texts(batchRowsOf(batches)), texts(out[:min(len(out), int(limit))]))
		if st.SegmentsQueried != 8 || int64(st.SegmentsProcessed) != wantRead || st.TotalDocs != 800 {
			t.Errorf("limit %d: %d of %d segments read, want %d", limit, st.SegmentsProcessed, st.SegmentsQueried, wantRead)
		}
		beaten := 0
		for _, s := range st.Segments {
			beaten += b2int(s.Method == "pruned by order")
		}
		if key < 10 && int64(beaten) != 8-wantRead {
			t.Errorf("limit %d: %d segments pruned by order", limit, beaten)
		}
	}
	// Segment 3 may hold NULL, so it is always read, and first.
	f(5, true, false, 1, 3)
	f(5, true, true, 1, 3)
	f(5, false, false, 1, 3)
	f(5, true, false, 25, 5)
	f(5, true, false, 80, 8)
	f(5, true, false, 1000, 8)
	f(77, true, false, 1, 0)
}

func b2int(b bool) int { return int(b2i(b)) }
