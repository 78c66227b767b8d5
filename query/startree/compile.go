// Package startree binds the aggregations that a table's config wants in
// star-trees, and gives each aggregation, configured or asked, the key by which
// queries find it in a tree. It knows SQL expressions and aggregations; it does
// not know how trees are built, stored or searched.
package startree

import (
	"context"
	"errors"
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/sql"
	"github.com/alluviumdb/alluvium/segment"
)

// Compiler implements segment.StarTreeCompiler.
type Compiler struct{}

var _ segment.StarTreeCompiler = Compiler{}

// CompileStarTreeMetric implements segment.StarTreeCompiler.
func (Compiler) CompileStarTreeMetric(t *schema.Table, m *schema.StarTreeMetric) (segment.StarTreeMetric, error) {
	c, err := compile(t, m)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Check returns an error for each aggregation of the table's star-trees that
// does not exist, does not take its column, or has no states to be merged.
func Check(t *schema.Table) error {
	if t.Config == nil {
		return nil
	}
	var errs []error
	for i := range t.Config.Indexing.StarTrees {
		metrics := t.Config.Indexing.StarTrees[i].Metrics
		for k := range metrics {
			if _, err := compile(t, &metrics[k]); err != nil {
				errs = append(errs, fmt.Errorf("tableIndexConfig.starTreeIndexConfigs[%d]: %s: %w", i, metrics[k].String(), err))
			}
		}
	}
	return errors.Join(errs...)
}

// metric is a bound aggregation.
type metric struct {
	call *plan.AggCall
	cols []plan.LeafCol
	key  string
	// progs computes the arguments that are no bare columns.
	progs []*eval.Program
	ctx   *fn.Context
	in    column.Batch
	args  []*column.Vector
}

// compile plans the aggregation as a query over the whole table: what comes out
// is what queries will ask.
func compile(t *schema.Table, m *schema.StarTreeMetric) (*metric, error) {
	stmts, err := sql.Parse("SELECT "+m.String()+" FROM t", false)
	if err != nil {
		return nil, err
	}
	ctx := &fn.Context{Context: context.Background()}
	if len(stmts) != 1 {
		return nil, errNotOne
	}
	q, err := plan.Prepare(ctx, &stmts[0], plan.Options{Catalog: oneTable{t}})
	if err != nil {
		return nil, err
	}
	node, err := q.Bind(ctx, nil)
	if err != nil {
		return nil, err
	}
	leaf := leafOf(node)
	if leaf == nil || !leaf.Aggregate || len(leaf.Aggs) != 1 || leaf.Filter != nil || len(leaf.GroupBy) > 0 {
		return nil, errNotOne
	}
	c := &metric{call: &leaf.Aggs[0], cols: leaf.Cols, ctx: ctx}
	return c, c.prepare()
}

var (
	errNotOne   = errors.New("is not one aggregation of the table's rows")
	errNoStates = errors.New("its result depends on the order of the rows, so states cannot be merged")
	errNoKey    = errors.New("a star-tree takes columns, constants, numeric casts and functions whose result never changes")
)

func (c *metric) prepare() error {
	if c.call.Spec.OrderSensitive() || len(c.call.OrderBy) > 0 {
		return errNoStates
	}
	key, ok := Key(c.call, c.cols)
	if !ok {
		return errNoKey
	}
	c.key, c.args = key, make([]*column.Vector, len(c.call.Args))
	for _, e := range c.call.Args {
		p, err := eval.Compile(e, nil)
		if err != nil {
			return err
		}
		c.progs = append(c.progs, p)
	}
	return nil
}

// leafOf returns the only leaf below a node, nil if there is no such.
func leafOf(n plan.Node) *plan.Leaf {
	for {
		if l, ok := n.(*plan.Leaf); ok {
			return l
		}
		in := n.Inputs()
		if len(in) != 1 {
			return nil
		}
		n = in[0]
	}
}

// Key implements segment.StarTreeMetric.
func (c *metric) Key() string { return c.key }

// Columns implements segment.StarTreeMetric.
func (c *metric) Columns() []uint32 {
	var out []uint32
	for i := range c.cols {
		out = append(out, c.cols[i].ID)
	}
	return out
}

// Args implements segment.StarTreeMetric.
func (c *metric) Args(n int, cols []*column.Vector) ([]*column.Vector, error) {
	c.in.N, c.in.Cols = n, cols
	for i, p := range c.progs {
		if ref, ok := c.call.Args[i].(*plan.ColRef); ok {
			c.args[i] = cols[ref.Index]
			continue
		}
		v, err := p.Eval(c.ctx, &c.in, nil)
		if err != nil {
			return nil, err
		}
		c.args[i] = v
	}
	return c.args, nil
}

// StateTypes implements segment.StarTreeMetric.
func (c *metric) StateTypes() []schema.Type { return c.call.Spec.StateTypes() }

// New implements segment.StarTreeMetric.
func (c *metric) New() segment.StarTreeAccumulator { return c.call.Spec.New() }

// oneTable is a catalog in which every name is the same table.
type oneTable struct{ t *schema.Table }

// Relation implements plan.Catalog.
func (c oneTable) Relation(context.Context, string, string, bool) (*plan.Relation, error) {
	return &plan.Relation{Table: c.t}, nil
}

// RelationNames implements plan.Catalog.
func (oneTable) RelationNames() []string { return nil }
