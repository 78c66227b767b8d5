package plan

import (
	"math"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// codeInvalidOffset is the SQLSTATE of a negative OFFSET.
const codeInvalidOffset = "2201X"

// finisher copies a plan and finishes its expressions: it substitutes
// parameters, folds, normalises conditions, and moves limits down. The plan
// that it reads stays as it is.
type finisher struct {
	z      normalizer
	params []column.Value
	bound  bool // params are the values of one execution
	ctes   map[*CTE]*CTE
	subs   map[*Subquery]*Subquery
	err    error
}

// bind is Query.Bind.
func (q *Query) bind(ctx *fn.Context, params []column.Value) (Node, error) {
	if len(params) != len(q.ParamTypes) {
		return nil, sqlerr.New(sqlerr.ProtocolViolation, "bind message supplies %d parameters, but the statement requires %d",
			len(params), len(q.ParamTypes))
	}
	if !q.dynamic {
		return q.Root, nil
	}
	f := finisher{z: normalizer{ctx: ctx, dialect: ctx.Dialect, stable: true}, params: params, bound: true}
	return f.node(q.Root)
}

// expr finishes a scalar expression.
func (f *finisher) expr(e Expr) Expr { return f.z.expr(f.values(e)) }

// values substitutes parameters and copies the plans of subqueries.
func (f *finisher) values(e Expr) Expr {
	return rewrite(e, func(x Expr) Expr {
		switch x := x.(type) {
		case *Param:
			if f.bound {
				return f.param(x)
			}
		case *Subquery:
			return f.subquery(x)
		}
		return x
	})
}

func (f *finisher) param(p *Param) Expr {
	v := f.params[p.N-1]
	switch {
	case v.Null:
		v = column.NullValue(p.Typ)
	case v.Type.Kind() != p.Typ.Kind() || v.Type.Kind() == schema.KindInt64 && v.Type.Scale != p.Typ.Scale:
		out, err := fn.CastValue(f.z.ctx, v, p.Typ)
		if err != nil && f.err == nil {
			f.err = err
		}
		v = out
	}
	v.Type = p.Typ
	return &Const{Value: v}
}

func (f *finisher) subquery(s *Subquery) Expr {
	if done := f.subs[s]; done != nil {
		return done
	}
	c := *s
	n, err := f.node(s.Plan)
	if err != nil {
		if f.err == nil {
			f.err = err
		}
		return nullExpr
	}
	c.Plan = n
	if s.Arg != nil {
		c.Arg = f.values(s.Arg)
	}
	if f.subs == nil {
		f.subs = map[*Subquery]*Subquery{}
	}
	f.subs[s] = &c
	return &c
}

// node copies an operator and what is below it.
func (f *finisher) node(n Node) (Node, error) {
	out := copyNode(n)
	eachNodeExpr(out, f.expr)
	f.conditions(out)
	if f.err != nil {
		return nil, f.err
	}
	if f.bound {
		if err := f.bindParams(out); err != nil {
			return nil, err
		}
	}
	if err := f.inputs(out); err != nil {
		return nil, err
	}
	switch x := out.(type) {
	case *Filter:
		if x.Cond == nil {
			return x.Input, nil
		}
		wantHaving(x, f.z.dialect)
	case *MergeAgg:
		if l, ok := x.Input.(*Leaf); ok {
			x.Aggs = l.Aggs
		}
	case *Limit:
		if err := checkLimit(x); err != nil {
			return nil, err
		}
		pushLimit(x, f.z.dialect)
	}
	return out, nil
}

// conditions simplifies the conditions of an operator, where only true counts.
func (f *finisher) conditions(n Node) {
	switch n := n.(type) {
	case *Filter:
		n.Cond = f.z.onlyTrueOrNil(n.Cond)
	case *VirtualScan:
		n.Filter = f.z.onlyTrueOrNil(n.Filter)
	case *Join:
		n.Residual = f.z.onlyTrueOrNil(n.Residual)
	case *Leaf:
		n.Filter = f.z.onlyTrueOrNil(n.Filter)
		for i := range n.Aggs {
			n.Aggs[i].Filter = f.z.onlyTrueOrNil(n.Aggs[i].Filter)
		}
	case *Aggregate:
		for i := range n.Aggs {
			n.Aggs[i].Filter = f.z.onlyTrueOrNil(n.Aggs[i].Filter)
		}
	}
}

func (z *normalizer) onlyTrueOrNil(e Expr) Expr {
	if e == nil {
		return nil
	}
	if e = z.onlyTrue(e); isTrue(e) {
		return nil
	}
	return e
}

func (f *finisher) inputs(n Node) error {
	one := func(in *Node) error {
		x, err := f.node(*in)
		*in = x
		return err
	}
	switch n := n.(type) {
	case *MergeAgg:
		return one(&n.Input)
	case *Aggregate:
		return one(&n.Input)
	case *Filter:
		return one(&n.Input)
	case *Project:
		return one(&n.Input)
	case *Sort:
		return one(&n.Input)
	case *Limit:
		return one(&n.Input)
	case *Distinct:
		return one(&n.Input)
	case *Window:
		return one(&n.Input)
	case *Join:
		if err := one(&n.Left); err != nil {
			return err
		}
		return one(&n.Right)
	case *SetOp:
		if err := one(&n.Left); err != nil {
			return err
		}
		return one(&n.Right)
	case *CTEScan:
		c, err := f.cte(n.CTE)
		n.CTE = c
		return err
	}
	return nil
}

// cte copies a common table expression once for all its scans.
func (f *finisher) cte(c *CTE) (*CTE, error) {
	if done := f.ctes[c]; done != nil {
		return done, nil
	}
	if f.ctes == nil {
		f.ctes = map[*CTE]*CTE{}
	}
	out := *c
	f.ctes[c] = &out
	var err error
	for _, part := range []*Node{&out.Plan, &out.Base, &out.Step} {
		if *part == nil {
			continue
		}
		if *part, err = f.node(*part); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

// copyNode copies an operator and the slices of its expressions.
func copyNode(n Node) Node {
	switch n := n.(type) {
	case *Leaf:
		c := *n
		c.Output, c.GroupBy, c.OrderBy = slices.Clone(n.Output), slices.Clone(n.GroupBy), slices.Clone(n.OrderBy)
		c.Aggs = copyAggs(n.Aggs)
		return &c
	case *MergeAgg:
		c := *n
		c.Wanted = wantAll()
		return &c
	case *Aggregate:
		c := *n
		c.GroupBy, c.Aggs = slices.Clone(n.GroupBy), copyAggs(n.Aggs)
		return &c
	case *Filter:
		c := *n
		return &c
	case *Project:
		c := *n
		c.Exprs = slices.Clone(n.Exprs)
		return &c
	case *Sort:
		c := *n
		c.Keys = slices.Clone(n.Keys)
		return &c
	case *Limit:
		c := *n
		return &c
	case *Distinct:
		c := *n
		c.On = slices.Clone(n.On)
		return &c
	case *Join:
		c := *n
		c.LeftKeys, c.RightKeys = slices.Clone(n.LeftKeys), slices.Clone(n.RightKeys)
		return &c
	case *SetOp:
		c := *n
		return &c
	case *Values:
		c := *n
		c.Rows = make([][]Expr, len(n.Rows))
		for i, r := range n.Rows {
			c.Rows[i] = slices.Clone(r)
		}
		return &c
	case *VirtualScan:
		c := *n
		return &c
	case *FunctionScan:
		c := *n
		call := *n.Call
		call.Args = slices.Clone(n.Call.Args)
		c.Call = &call
		return &c
	case *CTEScan:
		c := *n
		return &c
	case *Window:
		c := *n
		c.Calls = slices.Clone(n.Calls)
		for i := range c.Calls {
			w := &c.Calls[i]
			if w.Agg != nil {
				w.Agg = &copyAggs([]AggCall{*w.Agg})[0]
			}
			w.PartitionBy, w.OrderBy = slices.Clone(w.PartitionBy), slices.Clone(w.OrderBy)
		}
		return &c
	}
	return n
}

func copyAggs(aggs []AggCall) []AggCall {
	out := slices.Clone(aggs)
	for i := range out {
		out[i].Args, out[i].Params, out[i].OrderBy = slices.Clone(out[i].Args), slices.Clone(out[i].Params), slices.Clone(out[i].OrderBy)
	}
	return out
}

// pushLimit tells the operators below a LIMIT how many rows are wanted.
func pushLimit(l *Limit, d fn.Dialect) {
	n, ok := wanted(l)
	if !ok {
		return
	}
	below := l.Input
	for {
		p, isProject := below.(*Project)
		if !isProject || slices.ContainsFunc(p.Exprs, isSetCall) {
			break
		}
		below = p.Input
	}
	switch x := below.(type) {
	case *Sort:
		x.Limit = n
		if leaf, ok := x.Input.(*Leaf); ok && !leaf.Aggregate {
			leaf.Limit, leaf.OrderBy = n, nil
			for _, k := range x.Keys {
				k.Expr = overLeaf(leaf, k.Expr)
				leaf.OrderBy = append(leaf.OrderBy, k)
			}
			return
		}
		wantFirst(x.Input, x.Keys, n, d)
	case *Leaf:
		if !x.Aggregate {
			x.Limit = n
		}
	case *Filter, *MergeAgg:
		wantFirst(x, []SortKey{}, n, d)
	}
}

func isSetCall(e Expr) bool {
	c, ok := e.(*Call)
	return ok && c.Fn.Set
}

// wanted is the number of rows that a LIMIT reads; ok is false if that is
// unknown or unlimited.
func wanted(l *Limit) (int64, bool) {
	count, ok := constInt(l.Count)
	if !ok || count < 0 {
		return 0, false
	}
	if l.Offset == nil {
		return count, true
	}
	offset, ok := constInt(l.Offset)
	if !ok || offset < 0 || count > math.MaxInt64-offset {
		return 0, false
	}
	return count + offset, true
}

func constInt(e Expr) (int64, bool) {
	c, ok := e.(*Const)
	if !ok || c.Value.Null {
		return 0, false
	}
	return c.Value.I, true
}

// checkLimit refuses negative counts and drops those that are NULL.
func checkLimit(l *Limit) error {
	if v, ok := constInt(l.Count); ok && v < 0 {
		return sqlerr.New(sqlerr.InvalidRowCountInLimit, "LIMIT must not be negative")
	}
	if v, ok := constInt(l.Offset); ok && v < 0 {
		return sqlerr.New(codeInvalidOffset, "OFFSET must not be negative")
	}
	l.Count, l.Offset = notNull(l.Count), notNull(l.Offset)
	return nil
}

// notNull returns nil for a NULL constant.
func notNull(e Expr) Expr {
	if c, ok := e.(*Const); ok && c.Value.Null {
		return nil
	}
	return e
}
