package exec

import (
	"fmt"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// shape changes random rows so that a build finds more to save than in values
// without a pattern: runs of equal neighbours, a column that follows from
// another one, times that ascend, and decimals among the floats.
func (g *gen) shape(rows [][]column.Value) {
	for _, c := range []int{colInt, colText, colMoney, colReal, colDate, colName} {
		if g.chance(0.4) {
			g.repeat(rows, c)
		}
	}
	if g.chance(0.5) {
		withoutNulls(rows, colInt)
	}
	if g.chance(0.6) {
		g.follow(rows)
	}
	if g.chance(0.7) {
		at := int64(0)
		for _, row := range rows {
			at += int64(g.r.IntN(40))
			row[colTime] = column.IntValue(tableTypes[colTime], 1_700_000_000_000_000+at)
		}
	}
	if g.chance(0.6) {
		for _, row := range rows {
			if !row[colFloat].Null && !g.chance(0.01) {
				row[colFloat].F = float64(g.r.IntN(100_000)) / 100
			}
		}
	}
}

// withoutNulls puts a number in the place of NULLs, which sorted columns cannot
// have.
func withoutNulls(rows [][]column.Value, c int) {
	for _, row := range rows {
		if row[c].Null {
			row[c] = column.IntValue(tableTypes[c], 7)
		}
	}
}

// repeat makes most rows equal the one before in one column.
func (g *gen) repeat(rows [][]column.Value, c int) {
	for i := 1; i < len(rows); i++ {
		if !g.chance(0.15) {
			rows[i][c] = rows[i-1][c]
		}
	}
}

// follow makes the names a function of the long numbers.
func (g *gen) follow(rows [][]column.Value) {
	for _, row := range rows {
		k := g.r.IntN(300)
		row[colLong] = column.IntValue(tableTypes[colLong], int64(k)*1_000_000_007)
		row[colName] = column.BytesValue(tableTypes[colName], fmt.Appendf(nil, "name-%d", k*7%299))
	}
}

// checkEncodings demands that builds have chosen these encodings. (Whether times
// become deltas depends on the sort column.)
func checkEncodings(t *testing.T, seen map[segment.Encoding]bool) {
	t.Helper()
	for _, e := range []segment.Encoding{
		segment.EncodingDict, segment.EncodingSortedRuns, segment.EncodingRaw, segment.EncodingFOR,
		segment.EncodingChunked, segment.EncodingRLE, segment.EncodingALP, segment.EncodingDerived,
	} {
		if !seen[e] {
			t.Errorf("no random table has a column of encoding %d", e)
		}
	}
}

func noteEncodings(seen map[segment.Encoding]bool, segs ...segment.Segment) {
	for _, s := range segs {
		for i := range s.Metadata().Columns {
			seen[s.Metadata().Columns[i].Encoding] = true
		}
	}
}

// TestSelectiveQueriesNumberNoDictionary checks that queries for few rows of a
// column of many values do not number its values for later queries.
func TestSelectiveQueriesNumberNoDictionary(t *testing.T) {
	const n = 30_000
	var segs []segment.Segment
	table := &schema.Table{ID: 1, Name: "t", Schema: &schema.Schema{Name: "t", Version: 1}, Config: &schema.TableConfig{
		Indexing: schema.IndexingConfig{Dictionary: []string{fmt.Sprintf("c%d", colName)}},
	}}
	for c, typ := range tableTypes {
		table.Schema.Fields = append(table.Schema.Fields, schema.Field{ID: uint32(c + 1), Name: fmt.Sprintf("c%d", c), Type: typ})
	}
	for k := range 2 {
		rows := make([][]column.Value, n)
		for i := range rows {
			rows[i] = make([]column.Value, len(tableTypes))
			for c, typ := range tableTypes {
				rows[i][c] = column.NullValue(typ)
			}
			rows[i][colName] = column.BytesValue(tableTypes[colName], fmt.Appendf(nil, "key %07d", i*2+k))
			rows[i][colInt] = column.IntValue(tableTypes[colInt], int64(i))
		}
		segs = append(segs, storeSealed(t, table, fmt.Sprint(k), rows))
	}
	count, _, err := agg.Resolve("count", nil, false, fn.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	f := func(filter plan.Expr, groups int) *Engine {
		t.Helper()
		e := eager()
		leaf := &plan.Leaf{Cols: leafCols(), Filter: filter, Aggregate: true, Limit: -1, GroupBy: []plan.Expr{ref(colName)}, Aggs: []plan.AggCall{{Spec: count}}}
		batches, _, err := runLeaf(t, e, leaf, segs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(batchRowsOf(batches)); got != groups {
			t.Errorf("%d groups, want %d", got, groups)
		}
		return e
	}
	numbered := func(e *Engine) (n int) {
		for _, d := range e.domains.byKey {
			n += len(d.tables)
		}
		return n
	}
	key := konst(column.BytesValue(tableTypes[colName], []byte("key 0004242")))
	if n := numbered(f(call(compareFunc("=", tableTypes[colName]), ref(colName), key), 1)); n != 0 {
		t.Errorf("a query for one key numbered %d dictionaries", n)
	}
	few := call(compareFunc("<", tableTypes[colInt]), ref(colInt), konst(column.IntValue(tableTypes[colInt], 50)))
	if n := numbered(f(few, 100)); n != 0 {
		t.Errorf("a query for few rows numbered %d dictionaries", n)
	}
	if n := numbered(f(nil, 2*n)); n != 2 {
		t.Errorf("a query for all rows numbered %d dictionaries", n)
	}
}
