package rel

import (
	"context"
	"errors"
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// operator is a running node. open may be called again after the rows are
// read or given up: a subquery is run many times. A batch that next returns is
// valid until the following call; nil is the end.
type operator interface {
	open() error
	next() (*column.Batch, error)
	close()
}

// pusher is an operator that would need a goroutine to be pulled; who reads it
// to its end pushes instead. The receiver keeps the batches.
type pusher interface {
	push(emit func(*column.Batch) error) error
}

// query is what the operators of one execution share. It is used by one
// goroutine.
type query struct {
	ctx  *fn.Context
	stop context.CancelFunc
	env  Env
	mem  budget
	ctes map[*plan.CTE]*cteState
}

// check reports that the query was cancelled.
func (q *query) check() error {
	err := q.ctx.Err()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout: %w", err)
	}
	return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request: %w", err)
}

// Run starts a plan, whose parameters are bound.
func Run(ctx *fn.Context, root plan.Node, env Env) (Rows, error) {
	inner, stop := context.WithCancel(ctx.Context)
	own := *ctx
	own.Context = inner
	q := &query{ctx: &own, stop: stop, env: env, mem: budget{limit: env.MemoryLimit}, ctes: map[*plan.CTE]*cteState{}}
	b := builder{q: q}
	op, err := b.build(root)
	if err == nil {
		err = op.open()
	}
	if err != nil {
		if op != nil {
			op.close()
		}
		stop()
		return nil, err
	}
	return &rows{q: q, op: op, cols: root.Columns()}, nil
}

// rows is the result of a plan.
type rows struct {
	q    *query
	op   operator
	cols []plan.OutCol
	done bool
}

func (r *rows) Columns() []plan.OutCol { return r.cols }

func (r *rows) Next() (*column.Batch, error) {
	for !r.done {
		if err := r.q.check(); err != nil {
			return nil, err
		}
		b, err := r.op.next()
		if err != nil || b != nil && b.N > 0 {
			return b, err
		}
		r.done = b == nil
	}
	return nil, nil
}

func (r *rows) Close() {
	r.done = true
	r.q.stop()
	r.op.close()
}

// builder makes operators of nodes. sub is the running subquery or lateral
// side that they belong to, nil for the statement itself.
type builder struct {
	q   *query
	sub *subplan
}

func (b *builder) hooks() *hooks {
	return &hooks{q: b.q, sub: b.sub, subs: map[*plan.Subquery]*subquery{}}
}

func (b *builder) compile(e plan.Expr) (*eval.Program, error) {
	if e == nil {
		return nil, nil
	}
	return eval.Compile(e, b.hooks())
}

func (b *builder) compileAll(exprs []plan.Expr) ([]*eval.Program, error) {
	return eval.CompileAll(exprs, b.hooks())
}

// build makes the operator of a node and counts its rows when asked.
func (b *builder) build(n plan.Node) (operator, error) {
	op, err := b.operator(n)
	if err != nil || b.q.env.OnDone == nil {
		return op, err
	}
	return &counted{operator: op, node: n, q: b.q}, nil
}

func (b *builder) operator(n plan.Node) (operator, error) {
	switch n := n.(type) {
	case *plan.Leaf:
		return b.leaf(n), nil
	case *plan.MergeAgg:
		return b.mergeAgg(n)
	case *plan.Aggregate:
		return b.aggregate(n)
	case *plan.Filter:
		return b.filter(n)
	case *plan.Project:
		return b.project(n)
	case *plan.Sort:
		return b.sort(n)
	case *plan.Limit:
		return b.limit(n)
	case *plan.Distinct:
		return b.distinct(n)
	case *plan.Join:
		return b.join(n)
	case *plan.SetOp:
		return b.setOp(n)
	case *plan.Values:
		return b.values(n)
	case *plan.VirtualScan:
		return b.virtualScan(n)
	case *plan.FunctionScan:
		return b.functionScan(n)
	case *plan.CTEScan:
		return b.cteScan(n)
	case *plan.Window:
		return b.window(n)
	}
	return nil, fmt.Errorf("rel: unknown node %T", n)
}

// drain reads an opened operator to its end. emit may keep the batch only if
// it copies it, unless owned is true.
func drain(q *query, op operator, emit func(b *column.Batch, owned bool) error) error {
	if p, ok := op.(pusher); ok {
		return p.push(func(b *column.Batch) error { return emit(b, true) })
	}
	for {
		if err := q.check(); err != nil {
			return err
		}
		b, err := op.next()
		if err != nil || b == nil {
			return err
		}
		if b.N == 0 {
			continue
		}
		if err := emit(b, false); err != nil {
			return err
		}
	}
}

// counted tells Env.OnDone what an operator gave.
type counted struct {
	operator
	node  plan.Node
	q     *query
	stats Stats
	told  bool
}

func (c *counted) next() (*column.Batch, error) {
	b, err := c.operator.next()
	if b != nil {
		c.stats.Rows += int64(b.N)
		c.stats.Batches++
	}
	return b, err
}

// pushGroups implements groupPusher if the operator does.
func (c *counted) pushGroups(want *plan.Wanted, emit func(b *column.Batch, finished bool) error) error {
	count := func(b *column.Batch, finished bool) error {
		c.stats.Rows += int64(b.N)
		c.stats.Batches++
		return emit(b, finished)
	}
	if p, ok := c.operator.(groupPusher); ok {
		return p.pushGroups(want, count)
	}
	return drain(c.q, c.operator, func(b *column.Batch, _ bool) error { return count(b, false) })
}

func (c *counted) close() {
	c.operator.close()
	if !c.told {
		c.told = true
		c.q.env.OnDone(c.node, c.stats)
	}
}
