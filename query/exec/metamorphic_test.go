package exec

import (
	"context"
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/reduce"
	"github.com/alluviumdb/alluvium/segment"
)

var seeds = flag.Int("seeds", 5, "random tables per metamorphic test")

// eager is an engine that uses helpers for the smallest leaf.
func eager() *Engine {
	e := New(Config{Workers: 3})
	e.inlineWork = 0
	return e
}

// merging is an eager engine that numbers all values by merging dictionaries.
func merging() *Engine {
	e := eager()
	e.forceMerges = true
	return e
}

func testContext() *fn.Context { return &fn.Context{Context: context.Background()} }

// runLeaf runs a leaf and returns its batches. It checks that emit is never
// called concurrently.
func runLeaf(t *testing.T, e *Engine, leaf *plan.Leaf, segs []segment.Segment, opt Options) ([]*column.Batch, Stats, error) {
	t.Helper()
	var out []*column.Batch
	var inside atomic.Bool
	stats, err := e.RunLeaf(testContext(), leaf, segs, opt, func(b *column.Batch) error {
		if !inside.CompareAndSwap(false, true) {
			t.Error("emit was called concurrently")
		}
		defer inside.Store(false)
		for i, v := range b.Cols {
			if v.N != b.N {
				t.Errorf("column %d has %d of %d rows", i, v.N, b.N)
			}
		}
		out = append(out, b)
		return nil
	})
	return out, stats, err
}

// batchRowsOf returns the rows of batches as values.
func batchRowsOf(batches []*column.Batch) [][]column.Value {
	var out [][]column.Value
	for _, b := range batches {
		for i := range b.N {
			var row []column.Value
			for _, v := range b.Cols {
				row = append(row, v.Value(i))
			}
			out = append(out, row)
		}
	}
	return out
}

func texts(rows [][]column.Value) []string {
	var out []string
	for _, r := range rows {
		out = append(out, showRow(r))
	}
	return out
}

func groupTypes(leaf *plan.Leaf) []schema.Type {
	var out []schema.Type
	for _, e := range leaf.GroupBy {
		out = append(out, e.Type())
	}
	return out
}

// merged runs an aggregating leaf, merges its batches and returns the groups
// as text, sorted.
func merged(t *testing.T, e *Engine, leaf *plan.Leaf, segs []segment.Segment) []string {
	t.Helper()
	return mergedWith(t, e, leaf, segs, Options{Trace: true})
}

func mergedWith(t *testing.T, e *Engine, leaf *plan.Leaf, segs []segment.Segment, opt Options) []string {
	t.Helper()
	batches, _, err := runLeaf(t, e, leaf, segs, opt)
	if err != nil {
		t.Fatalf("RunLeaf: %v", err)
	}
	m := reduce.NewMerger(len(leaf.GroupBy), groupTypes(leaf), leaf.Aggs)
	for _, b := range batches {
		if err := m.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	b, err := m.Finish()
	if err != nil {
		t.Fatal(err)
	}
	out := texts(batchRowsOf([]*column.Batch{b}))
	slices.Sort(out)
	compareNear(t, "finished groups", finished(t, e, leaf, segs, &plan.Wanted{Limit: -1}), out)
	return out
}

// finished runs an aggregating leaf that finishes its groups and returns those
// that it gives as text, sorted.
func finished(t *testing.T, e *Engine, leaf *plan.Leaf, segs []segment.Segment, want *plan.Wanted) []string {
	t.Helper()
	batches, _, err := runLeaf(t, e, leaf, segs, Options{Wanted: want})
	if err != nil {
		t.Fatalf("RunLeaf: %v", err)
	}
	out := texts(batchRowsOf(batches))
	slices.Sort(out)
	return out
}

func compareTexts(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		g, w := "-", "-"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if !sameText(g, w) {
			t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
			t.Fatalf("row %d:\n got %s\nwant %s", i, g, w)
		}
	}
}

// sameText compares the texts of two rows. Sums of doubles depend on the order
// of the rows, so that fractions may differ in their last digits.
func sameText(got, want string) bool {
	gs, ws := strings.Split(got, " | "), strings.Split(want, " | ")
	return slices.EqualFunc(gs, ws, func(g, w string) bool {
		if g == w || !strings.HasPrefix(g, floatMark) && !strings.HasPrefix(w, floatMark) {
			return g == w
		}
		x, errX := strconv.ParseFloat(strings.TrimPrefix(g, floatMark), 64)
		y, errY := strconv.ParseFloat(strings.TrimPrefix(w, floatMark), 64)
		return errX == nil && errY == nil && math.Abs(x-y) <= 1e-11*math.Max(math.Abs(x), math.Abs(y))
	})
}

// sizes are the row counts of the random tables: mostly small, now and then
// more than one block.
func tableSize(g *gen, seed int) int {
	if seed%20 == 0 {
		return 66_000 + g.r.IntN(4000)
	}
	return g.r.IntN(6000)
}

func TestAggregateMetamorphic(t *testing.T) {
	for seed := range *seeds {
		g := newGen(uint64(seed))
		table := g.table(tableSize(g, seed))
		segs := g.segments(table, 1+g.r.IntN(3))
		for q := range 6 {
			leaf := &plan.Leaf{Cols: leafCols(), Filter: g.filter(), Aggregate: true, Limit: -1}
			for range g.r.IntN(4) {
				leaf.GroupBy = append(leaf.GroupBy, g.key())
			}
			for range g.r.IntN(4) {
				leaf.Aggs = append(leaf.Aggs, g.aggregation())
			}
			want, err := naiveAggregate(leaf, table)
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("seed %d query %d (%s)", seed, q, leafText(leaf))
			compareTexts(t, what, merged(t, New(Config{Workers: -1}), leaf, segs), want)
			compareTexts(t, what+" parallel", merged(t, eager(), leaf, segs), want)
			compareTexts(t, what+" merging", merged(t, merging(), leaf, segs), want)
		}
	}
}

func leafText(l *plan.Leaf) string {
	var b strings.Builder
	for _, a := range l.Aggs {
		fmt.Fprintf(&b, "%s(%v) ", a.Spec.Name, a.Spec.Args)
	}
	if l.Filter != nil {
		fmt.Fprintf(&b, "where %s", plan.ExprString(l.Filter))
	}
	for _, k := range l.GroupBy {
		fmt.Fprintf(&b, " by %s", plan.ExprString(k))
	}
	return b.String()
}

func TestRowsMetamorphic(t *testing.T) {
	for seed := range *seeds {
		g := newGen(uint64(seed) + 1000)
		table := g.table(tableSize(g, seed))
		segs := g.segments(table, 1+g.r.IntN(3))
		for range 4 {
			leaf := &plan.Leaf{Cols: leafCols(), Filter: g.filter(), Limit: -1}
			for c := range tableTypes {
				if g.chance(0.5) {
					leaf.Output = append(leaf.Output, ref(c))
				}
			}
			leaf.Output = append(leaf.Output, g.key())
			rows, err := naiveRows(leaf, table)
			if err != nil {
				t.Fatal(err)
			}
			want := texts(naiveOutput(t, leaf.Output, rows))
			slices.Sort(want)
			what := fmt.Sprintf("seed %d %s", seed, leafText(leaf))
			for _, e := range []*Engine{New(Config{Workers: -1}), eager()} {
				batches, _, err := runLeaf(t, e, leaf, segs, Options{})
				if err != nil {
					t.Fatal(err)
				}
				got := texts(batchRowsOf(batches))
				slices.Sort(got)
				compareTexts(t, what, got, want)
			}
			checkLimit(t, leaf, segs, want)
		}
	}
}

// checkLimit runs the leaf with a limit: any rows will do, but as many as there
// are.
func checkLimit(t *testing.T, leaf *plan.Leaf, segs []segment.Segment, all []string) {
	t.Helper()
	for _, limit := range []int64{0, 3, 5000} {
		cut := *leaf
		cut.Limit = limit
		batches, _, err := runLeaf(t, eager(), &cut, segs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := texts(batchRowsOf(batches))
		if len(got) != min(int(limit), len(all)) {
			t.Fatalf("limit %d of %d rows gave %d", limit, len(all), len(got))
		}
		for _, row := range got {
			if _, ok := slices.BinarySearch(all, row); !ok {
				t.Fatalf("row %s is not in the table", row)
			}
		}
	}
}

func naiveOutput(t *testing.T, exprs []plan.Expr, rows [][]column.Value) [][]column.Value {
	t.Helper()
	var out [][]column.Value
	for _, row := range rows {
		var o []column.Value
		for _, e := range exprs {
			v, err := naiveEval(e, row)
			if err != nil {
				t.Fatal(err)
			}
			o = append(o, v)
		}
		out = append(out, o)
	}
	return out
}

func TestTopNMetamorphic(t *testing.T) {
	for seed := range *seeds {
		g := newGen(uint64(seed) + 2000)
		table := g.table(tableSize(g, seed))
		segs := g.segments(table, 1+g.r.IntN(3))
		for range 4 {
			leaf := &plan.Leaf{Cols: leafCols(), Filter: g.filter(), Limit: int64(g.r.IntN(50))}
			if g.chance(0.1) {
				leaf.Limit = 100_000
			}
			for range 1 + g.r.IntN(3) {
				k := plan.SortKey{Expr: g.key(), Desc: g.chance(0.5), NullsFirst: g.chance(0.5)}
				leaf.OrderBy = append(leaf.OrderBy, k)
				leaf.Output = append(leaf.Output, k.Expr)
			}
			rows, err := naiveRows(leaf, table)
			if err != nil {
				t.Fatal(err)
			}
			out := naiveOutput(t, leaf.Output, rows)
			slices.SortStableFunc(out, func(a, b []column.Value) int { return naiveOrder(leaf.OrderBy, a, b) })
			want := texts(out[:min(len(out), int(leaf.Limit))])
			for _, e := range []*Engine{New(Config{Workers: -1}), eager()} {
				batches, _, err := runLeaf(t, e, leaf, segs, Options{})
				if err != nil {
					t.Fatal(err)
				}
				compareTexts(t, fmt.Sprintf("seed %d %s", seed, leafText(leaf)), texts(batchRowsOf(batches)), want)
			}
		}
	}
}

func naiveOrder(keys []plan.SortKey, a, b []column.Value) int {
	for i, k := range keys {
		x, y := a[i], b[i]
		if x.Null || y.Null {
			if x.Null != y.Null {
				if x.Null == k.NullsFirst {
					return -1
				}
				return 1
			}
			continue
		}
		c := naiveCompare(x, y)
		if k.Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
