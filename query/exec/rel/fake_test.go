package rel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/sql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testCatalog has two virtual tables and a stored one:
//
//	a(id int4, name text, grp int4)  10 rows, grp NULL in the last
//	b(id int4, aid int4, x float8)   20 rows
//	events(k int8, v int4)           stored, rows from testLeaves
type testCatalog struct{ rels map[string]*plan.Relation }

func newTestCatalog() *testCatalog {
	c := &testCatalog{rels: map[string]*plan.Relation{}}
	c.virtual("a", []string{"id", "name", "grp"}, []schema.Type{schema.Int32, schema.Text, schema.Int32}, 10, func(i int) []column.Value {
		grp := column.IntValue(schema.Int32, int64(i%3))
		if i == 9 {
			grp = column.NullValue(schema.Int32)
		}
		return []column.Value{column.IntValue(schema.Int32, int64(i)), column.TextValue(fmt.Sprintf("n%d", i)), grp}
	})
	c.virtual("b", []string{"id", "aid", "x"}, []schema.Type{schema.Int32, schema.Int32, schema.Float64}, 20, func(i int) []column.Value {
		return []column.Value{column.IntValue(schema.Int32, int64(i)), column.IntValue(schema.Int32, int64(i/2*2)),
			column.FloatValue(schema.Float64, float64(i)/2)}
	})
	events := &schema.Schema{Name: "events", Fields: []schema.Field{
		{ID: 1, Name: "k", Type: schema.Int64}, {ID: 2, Name: "v", Type: schema.Int32}}}
	c.rels["events"] = &plan.Relation{OID: 99, Table: &schema.Table{ID: 1, Name: "events", Type: schema.Realtime, Schema: events,
		Config: &schema.TableConfig{}}}
	return c
}

func (c *testCatalog) virtual(name string, cols []string, types []schema.Type, n int, row func(int) []column.Value) {
	v := &plan.Virtual{Schema: "public", Name: name, OID: 1}
	b := &column.Batch{N: n}
	for i, col := range cols {
		v.Cols = append(v.Cols, plan.OutCol{Name: col, Type: types[i]})
		b.Cols = append(b.Cols, column.New(types[i], n))
	}
	for i := range n {
		for k, x := range row(i) {
			b.Cols[k].Append(x)
		}
	}
	v.Scan = func(*fn.Context, []int) (*column.Batch, error) { return b, nil }
	c.rels[name] = &plan.Relation{OID: 1, Virtual: v}
}

func (c *testCatalog) Relation(_ context.Context, _, name string, _ bool) (*plan.Relation, error) {
	return c.rels[strings.ToLower(name)], nil
}
func (c *testCatalog) RelationNames() []string { return nil }

// testLeaves runs leaves over 100 rows (k = i % 4, v = i) in batches of 7,
// row by row and without partial aggregation: one group per batch and key.
type testLeaves struct {
	block chan struct{} // when set, RunLeaf waits for the end of the context
	fail  error
	ran   int
}

func (l *testLeaves) RunLeaf(ctx *fn.Context, leaf *plan.Leaf, emit func(*column.Batch) error) error {
	l.ran++
	if l.fail != nil {
		return l.fail
	}
	if l.block != nil {
		<-ctx.Done()
		return ctx.Err()
	}
	for from := 0; from < 100; from += 7 {
		b := &column.Batch{}
		for _, c := range leaf.Cols {
			b.Cols = append(b.Cols, column.New(c.Type, 7))
		}
		for i := from; i < min(from+7, 100); i++ {
			for k, c := range leaf.Cols {
				x := int64(i)
				if c.Name == "k" {
					x = int64(i % 4)
				}
				b.Cols[k].Append(column.IntValue(c.Type, x))
			}
			b.N++
		}
		out, err := runLeafBatch(ctx, leaf, b)
		if err != nil {
			return err
		}
		if err := emit(out); err != nil {
			return err
		}
	}
	return nil
}

// runLeafBatch filters one batch and computes output or partial groups.
func runLeafBatch(ctx *fn.Context, leaf *plan.Leaf, b *column.Batch) (*column.Batch, error) {
	if leaf.Filter != nil {
		p, err := eval.Compile(leaf.Filter, nil)
		if err != nil {
			return nil, err
		}
		bits := column.NewBitmap(b.N)
		if err := p.Filter(ctx, b, nil, bits); err != nil {
			return nil, err
		}
		g := gatherer{}
		b = g.take(b, bits.Positions(0, nil))
	}
	exprs := leaf.Output
	if leaf.Aggregate {
		exprs = leaf.GroupBy
	}
	progs, err := eval.CompileAll(exprs, nil)
	if err != nil {
		return nil, err
	}
	vecs, err := evalAll(ctx, progs, b)
	if err != nil {
		return nil, err
	}
	out := &column.Batch{N: b.N}
	for _, v := range vecs {
		own := column.New(v.Type, b.N)
		appendAll(own, v)
		out.Cols = append(out.Cols, own)
	}
	if !leaf.Aggregate {
		return out, nil
	}
	return out, addStates(ctx, leaf, b, out)
}

// addStates adds the state columns: every row is a group of its own, or all
// are one without group columns.
func addStates(ctx *fn.Context, leaf *plan.Leaf, b, out *column.Batch) error {
	n := b.N
	if len(leaf.GroupBy) == 0 {
		n = 1
		out.N = 1
	}
	groups := make([]uint32, b.N)
	for i := range groups {
		groups[i] = uint32(min(i, n-1))
		if n == 1 {
			groups[i] = 0
		}
	}
	for _, a := range leaf.Aggs {
		progs, err := eval.CompileAll(a.Args, nil)
		if err != nil {
			return err
		}
		args, err := evalAll(ctx, progs, b)
		if err != nil {
			return err
		}
		acc := a.Spec.New()
		acc.Grow(n)
		if b.N > 0 {
			if err := acc.Update(groups, b.N, args); err != nil {
				return err
			}
		}
		var dst []*column.Vector
		for _, t := range a.Spec.StateTypes() {
			dst = append(dst, column.New(t, n))
		}
		if err := acc.State(0, n, dst); err != nil {
			return err
		}
		out.Cols = append(out.Cols, dst...)
	}
	return nil
}

func testContext() *fn.Context {
	return &fn.Context{Context: context.Background(), NowMicros: 1, User: "admin"}
}

func bind(ctx *fn.Context, text string) (plan.Node, error) {
	stmts, err := sql.Parse(text, false)
	if err != nil {
		return nil, err
	}
	q, err := plan.Prepare(ctx, &stmts[0], plan.Options{Catalog: newTestCatalog()})
	if err != nil {
		return nil, err
	}
	return q.Bind(ctx, nil)
}

// result runs a statement and prints its rows: cells divided by spaces, rows
// by commas; an error as its SQLSTATE.
func result(ctx *fn.Context, text string, env Env) string {
	root, err := bind(ctx, text)
	if err != nil {
		return "plan: " + errorText(err)
	}
	rows, err := Run(ctx, root, env)
	if err != nil {
		return errorText(err)
	}
	defer rows.Close()
	var out []string
	for {
		b, err := rows.Next()
		if err != nil {
			return errorText(err)
		}
		if b == nil {
			return strings.Join(out, ",")
		}
		for i := range b.N {
			var cells []string
			for _, v := range b.Cols {
				text := "null"
				if !v.IsNull(i) {
					text = string(fn.FormatText(nil, ctx, v, i))
				}
				cells = append(cells, text)
			}
			out = append(out, strings.Join(cells, " "))
		}
	}
}

func errorText(err error) string {
	var e *sqlerr.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return err.Error()
}
