package exec

import (
	"fmt"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// randomBloom gives a column a Bloom filter now and then.
func (g *gen) randomBloom(table *schema.Table, f *schema.Field) {
	if schema.CheckBloom(f.Type) != nil || !g.chance(0.4) {
		return
	}
	ix := &table.Config.Indexing
	if ix.Bloom == nil {
		ix.Bloom = map[string]schema.BloomConfig{}
	}
	ix.Bloom[f.Name] = schema.BloomConfig{FPP: []float64{0, 0.5, 0.01}[g.r.IntN(3)], MaxBytes: g.r.IntN(2) * 64}
}

// TestBloomPrunes asks for values that lie within the bounds of a segment and
// that it lacks.
func TestBloomPrunes(t *testing.T) {
	g := newGen(1)
	table := g.storedTable()
	table.Config.Indexing = schema.IndexingConfig{
		NoDictionary: []string{"c1"},
		Bloom:        map[string]schema.BloomConfig{"c1": {FPP: 1e-6}, "c8": {FPP: 1e-6}, "c2": {FPP: 1e-6}},
	}
	rows := g.table(2000)
	for _, row := range rows {
		for _, c := range []int{colLong, colName, colFloat} {
			for row[c].Null || row[c].F != row[c].F {
				row[c] = g.value(c, 0)
			}
		}
	}
	sealed := store(t, table, "a", rows)[1]
	f := func(filter plan.Expr, pruned bool) {
		t.Helper()
		leaf := &plan.Leaf{Cols: leafCols(), Filter: filter, Limit: -1, Output: []plan.Expr{ref(colLong)}}
		_, stats, err := runLeaf(t, eager(), leaf, []segment.Segment{sealed}, Options{Trace: true})
		if err != nil {
			t.Fatal(err)
		}
		method := stats.Segments[0].Method
		if got := method == "pruned by bloom filter"; got != pruned || stats.SegmentsPruned == 1 != pruned {
			t.Errorf("%s: %s", plan.ExprString(filter), method)
		}
	}
	eq := func(c int, v column.Value) plan.Expr { return call(compareFunc("=", tableTypes[c]), ref(c), konst(v)) }
	long := func(x int64) column.Value { return column.IntValue(schema.Int64, x) }
	name := func(s string) column.Value { return column.TextValue(s) }
	in := func(c int, negated bool, values ...column.Value) plan.Expr {
		list := column.New(tableTypes[c], 0)
		for _, v := range values {
			list.Append(v)
		}
		return &plan.In{Arg: ref(c), List: list, Negated: negated}
	}
	has, lacks := rows[0][colLong], long(1_000_000_007+5)
	f(eq(colLong, lacks), true)
	f(eq(colLong, has), false)
	f(eq(colName, name("name-5x")), true)
	f(eq(colName, rows[1][colName]), false)
	f(eq(colFloat, column.FloatValue(schema.Float64, 0.125)), true)
	f(eq(colFloat, rows[2][colFloat]), false)
	f(in(colLong, false, lacks, long(1_000_000_007+6)), true)
	f(in(colLong, false, lacks, has), false)
	f(in(colLong, true, lacks), false)
	f(&plan.Not{Arg: eq(colLong, lacks)}, false)
	f(&plan.And{Args: []plan.Expr{eq(colName, rows[1][colName]), eq(colLong, lacks)}}, true)
	f(&plan.Or{Args: []plan.Expr{eq(colName, name("name-5x")), eq(colLong, lacks)}}, true)
	f(&plan.Or{Args: []plan.Expr{eq(colName, rows[1][colName]), eq(colLong, lacks)}}, false)
	f(call(compareFunc("<", schema.Int64), ref(colLong), konst(lacks)), false)
}

// BenchmarkBloomPruning is a look-up of an absent key in many segments.
func BenchmarkBloomPruning(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g := newGen(1)
			table := g.storedTable()
			table.Config.Indexing = schema.IndexingConfig{Bloom: map[string]schema.BloomConfig{"c8": {FPP: 1e-6}}}
			sealed := storeSealed(b, table, "a", g.table(10_000))
			segs := make([]segment.Segment, n)
			for i := range segs {
				segs[i] = sealed
			}
			leaf := &plan.Leaf{Cols: leafCols(), Limit: -1, Output: []plan.Expr{ref(colLong)},
				Filter: call(compareFunc("=", schema.Text), ref(colName), konst(column.TextValue("name-5x")))}
			e := New(Config{Workers: -1})
			for b.Loop() {
				if _, err := e.RunLeaf(testContext(), leaf, segs, Options{}, func(*column.Batch) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
