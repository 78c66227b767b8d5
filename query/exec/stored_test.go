package exec

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/startree"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
	"github.com/alluviumdb/alluvium/segment/mutable"
)

// storedTable is a table of tableTypes with random indexing.
func (g *gen) storedTable() *schema.Table {
	s := &schema.Schema{Name: "t", Version: 1}
	cfg := &schema.TableConfig{}
	for c, t := range tableTypes {
		name := fmt.Sprintf("c%d", c)
		s.Fields = append(s.Fields, schema.Field{ID: uint32(c + 1), Name: name, Type: t})
		if schema.CheckRange(s.Fields[c].Type, true) == nil && g.chance(0.3) {
			cfg.Indexing.Range = append(cfg.Indexing.Range, name)
		}
		g.randomBloom(&schema.Table{Config: cfg}, &s.Fields[c])
		switch {
		case c == colList && g.chance(0.5):
			cfg.Indexing.Inverted = append(cfg.Indexing.Inverted, name)
		case g.chance(0.3):
			cfg.Indexing.NoDictionary = append(cfg.Indexing.NoDictionary, name)
		case g.chance(0.5):
			cfg.Indexing.Inverted = append(cfg.Indexing.Inverted, name)
		}
	}
	if g.chance(0.5) {
		cfg.Indexing.SortedColumn = "c0"
	}
	return &schema.Table{ID: 1, Name: "t", Type: schema.Realtime, Schema: s, Config: cfg}
}

// store returns the rows as a consuming segment and as the sealed one built
// from it.
func store(t testing.TB, table *schema.Table, name string, rows [][]column.Value) []segment.Segment {
	t.Helper()
	m, err := mutable.New(mutable.Config{Name: name, Table: table})
	if err != nil {
		t.Fatal(err)
	}
	b := &column.Batch{N: len(rows)}
	for c, typ := range tableTypes {
		v := column.New(typ, len(rows))
		for _, row := range rows {
			v.Append(row[c])
		}
		b.Cols = append(b.Cols, v)
	}
	if err := m.Append(b); err != nil {
		t.Fatal(err)
	}
	if err := m.Commit(mutable.Commit{NextOffset: "x", Records: uint64(len(rows))}); err != nil {
		t.Fatal(err)
	}
	view := m.Snapshot()
	fsys := vfs.NewMem()
	if _, err := build.Segment(context.Background(), fsys, name, view, build.Config{Table: table, StarTrees: startree.Compiler{}}); err != nil {
		t.Fatal(err)
	}
	sealed, err := immutable.Open(fsys, name, immutable.Options{VerifyAll: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sealed.Release)
	t.Cleanup(view.Release)
	return []segment.Segment{view, sealed}
}

// storeSealed returns the rows as a sealed segment.
func storeSealed(t testing.TB, table *schema.Table, name string, rows [][]column.Value) segment.Segment {
	t.Helper()
	return store(t, table, name, rows)[1]
}

// TestStoredSegments runs the same leaves over consuming and sealed segments of
// random tables and compares them with the naive evaluator.
func TestStoredSegments(t *testing.T) {
	seen := map[segment.Encoding]bool{}
	for seed := range *seeds {
		g := newGen(uint64(seed) + 5000)
		rows := g.table(tableSize(g, seed))
		g.shape(rows)
		table := g.storedTable()
		if seed == 1 { // chance alone may leave sorted columns out
			withoutNulls(rows, colInt)
			table.Config.Indexing = schema.IndexingConfig{SortedColumn: "c0", NoDictionary: []string{"c1", "c2"}}
		}
		half := len(rows) / 2
		first, second := store(t, table, "a", rows[:half]), store(t, table, "b", rows[half:])
		noteEncodings(seen, first[1], second[1])
		ways := map[string][]segment.Segment{
			"consuming": {first[0], second[0]}, "sealed": {first[1], second[1]}, "mixed": {first[1], second[0]},
		}
		for q := range 6 {
			leaf := &plan.Leaf{Cols: leafCols(), Filter: g.filter(), Aggregate: true, Limit: -1}
			for range g.r.IntN(3) {
				leaf.GroupBy = append(leaf.GroupBy, g.key())
			}
			for range 1 + g.r.IntN(3) {
				leaf.Aggs = append(leaf.Aggs, g.aggregation())
			}
			want, err := naiveAggregate(leaf, rows)
			if err != nil {
				t.Fatal(err)
			}
			for way, segs := range ways {
				compareTexts(t, fmt.Sprintf("seed %d query %d %s (%s)", seed, q, way, leafText(leaf)), merged(t, eager(), leaf, segs), want)
				compareTexts(t, fmt.Sprintf("seed %d query %d %s merging (%s)", seed, q, way, leafText(leaf)), merged(t, merging(), leaf, segs), want)
			}
		}
		checkStoredTopN(t, g, rows, ways)
	}
	checkEncodings(t, seen)
}

func checkStoredTopN(t *testing.T, g *gen, rows [][]column.Value, ways map[string][]segment.Segment) {
	t.Helper()
	leaf := &plan.Leaf{Cols: leafCols(), Filter: g.filter(), Limit: 40}
	leaf.OrderBy = []plan.SortKey{{Expr: ref(colLong), Desc: g.chance(0.5)}, {Expr: ref(colName)}}
	leaf.Output = []plan.Expr{ref(colLong), ref(colName)}
	passed, err := naiveRows(leaf, rows)
	if err != nil {
		t.Fatal(err)
	}
	out := naiveOutput(t, leaf.Output, passed)
	slices.SortStableFunc(out, func(a, b []column.Value) int { return naiveOrder(leaf.OrderBy, a, b) })
	want := texts(out[:min(len(out), 40)])
	for way, segs := range ways {
		batches, _, err := runLeaf(t, eager(), leaf, segs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		compareTexts(t, way+" top-n", texts(batchRowsOf(batches)), want)
	}
}
