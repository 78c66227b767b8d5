package exec

import (
	"fmt"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// treeDims are the columns from which random trees take their dimensions: such
// that have few values, NULLs among them.
var treeDims = []int{colInt, colText, colBool, colTime, colMoney, colDate, colReal, colFloat}

// treeFuncs are the aggregations of random trees.
var treeFuncs = []string{"SUM", "AVG", "MIN", "MAX", "COUNT", "DISTINCTCOUNT", "STDDEV_POP", "PERCENTILE_CONT", "APPROX_COUNT_DISTINCT"}

// starTrees adds random star-trees to a table.
func (g *gen) starTrees(table *schema.Table) {
	ix := &table.Config.Indexing
	for range 1 + g.r.IntN(3) {
		c := schema.StarTreeConfig{MaxLeaf: []int{1, 5, 100, 10_000}[g.r.IntN(4)]}
		dims := slices.Clone(treeDims)
		g.r.Shuffle(len(dims), func(i, j int) { dims[i], dims[j] = dims[j], dims[i] })
		for _, d := range dims[:1+g.r.IntN(5)] {
			name := fmt.Sprintf("c%d", d)
			ix.NoDictionary = slices.DeleteFunc(ix.NoDictionary, func(n string) bool { return n == name })
			c.Dimensions = append(c.Dimensions, name)
			if g.chance(0.2) {
				c.SkipStar = append(c.SkipStar, name)
			}
		}
		for range 1 + g.r.IntN(4) {
			m := schema.StarTreeMetric{Function: treeFuncs[g.r.IntN(len(treeFuncs))], Column: fmt.Sprintf("c%d", g.r.IntN(colList))}
			if m.Function == "PERCENTILE_CONT" {
				m = schema.StarTreeMetric{Function: "SUM", Expression: "c1 + 5"}
			}
			if _, _, err := agg.Resolve(m.Function, []schema.Type{typeOf(m.Column)}, false, fn.Postgres); err == nil {
				c.Metrics = append(c.Metrics, m)
			}
		}
		ix.StarTrees = append(ix.StarTrees, c)
	}
	ix.DefaultStarTree = g.chance(0.3)
}

// typeOf returns the type of a column by name, bigint for an expression.
func typeOf(name string) schema.Type {
	for c, t := range tableTypes {
		if name == fmt.Sprintf("c%d", c) {
			return t
		}
	}
	return schema.Int64
}

// treeLeaf returns a random aggregation that mostly keeps to a tree's
// dimensions and metrics.
func (g *gen) treeLeaf(table *schema.Table) *plan.Leaf {
	trees := table.Config.Indexing.StarTrees
	t := trees[g.r.IntN(len(trees))]
	has := func(e plan.Expr) bool {
		for _, c := range columnsOf(e) {
			if !slices.Contains(t.Dimensions, fmt.Sprintf("c%d", c)) {
				return false
			}
		}
		return true
	}
	until := func(make func() plan.Expr) plan.Expr {
		for range 200 {
			if e := make(); has(e) {
				return e
			}
		}
		return ref(colInt)
	}
	leaf := &plan.Leaf{Cols: leafCols(), Aggregate: true, Limit: -1}
	if g.chance(0.7) {
		depth := g.r.IntN(3)
		if e := until(func() plan.Expr { return g.condition(depth) }); e.Type() == schema.Bool {
			leaf.Filter = e
		}
	}
	for range g.r.IntN(3) {
		leaf.GroupBy = append(leaf.GroupBy, until(g.key))
	}
	for range 1 + g.r.IntN(3) {
		leaf.Aggs = append(leaf.Aggs, g.treeAggregation(t, has))
	}
	return leaf
}

func (g *gen) treeAggregation(t schema.StarTreeConfig, has func(plan.Expr) bool) plan.AggCall {
	if len(t.Metrics) == 0 || g.chance(0.3) {
		return g.aggregation()
	}
	m := t.Metrics[g.r.IntN(len(t.Metrics))]
	arg := plan.Expr(call(addFunc, ref(colLong), konst(column.IntValue(schema.Int64, 5))))
	if m.Column != "" {
		var c int
		fmt.Sscanf(m.Column, "c%d", &c)
		arg = ref(c)
	}
	name := m.Function
	if g.chance(0.2) {
		name = "COUNT"
	}
	spec, _, err := agg.Resolve(name, []schema.Type{arg.Type()}, false, fn.Postgres)
	if err != nil || !slices.Contains([]string{"sum", "avg", "min", "max", "count"}, spec.Name) {
		return g.aggregation()
	}
	out := plan.AggCall{Spec: spec, Args: []plan.Expr{arg}}
	if f := g.condition(0); g.chance(0.2) && has(f) {
		out.Filter = f
	}
	return out
}

// TestStarTreeMetamorphic compares answers from random star-trees with those
// from rows and with the naive evaluator's.
func TestStarTreeMetamorphic(t *testing.T) {
	used := 0
	for seed := range 2 * *seeds {
		g := newGen(uint64(seed) + 7000)
		rows := g.table(1 + g.r.IntN(6000))
		table := g.storedTable()
		g.starTrees(table)
		half := len(rows) / 2
		first, second := store(t, table, "a", rows[:half]), store(t, table, "b", rows[half:])
		force := eager()
		force.forceTrees = true
		for q := range 12 {
			leaf := g.treeLeaf(table)
			want, err := naiveAggregate(leaf, rows)
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("seed %d query %d (%s)", seed, q, leafText(leaf))
			compareTexts(t, what+" sealed", merged(t, force, leaf, []segment.Segment{first[1], second[1]}), want)
			compareTexts(t, what+" mixed", merged(t, force, leaf, []segment.Segment{first[0], second[1]}), want)
			compareTexts(t, what+" by cost", merged(t, eager(), leaf, []segment.Segment{first[1], second[1]}), want)
			used += treesUsed(t, force, leaf, second[1], nil)
			if n := treesUsed(t, force, leaf, second[1], map[string]string{"star_tree": "off"}); n > 0 {
				t.Errorf("%s: a star-tree was used against the setting", what)
			}
		}
	}
	if used < 2**seeds {
		t.Errorf("only %d leaves were answered by a star-tree", used)
	}
}

// treesUsed returns the number of segments that a star-tree answered.
func treesUsed(t *testing.T, e *Engine, leaf *plan.Leaf, seg segment.Segment, settings map[string]string) int {
	t.Helper()
	_, st, err := runLeaf(t, e, leaf, []segment.Segment{seg}, Options{Trace: true, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range st.Segments {
		if st.Segments[i].StarTree != "" {
			n++
		}
	}
	return n
}

// mergedFromRows is merged without star-trees.
func mergedFromRows(t *testing.T, e *Engine, leaf *plan.Leaf, seg segment.Segment) []string {
	t.Helper()
	return mergedWith(t, e, leaf, []segment.Segment{seg}, Options{Settings: map[string]string{"star_tree": "off"}})
}
