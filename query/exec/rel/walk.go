package rel

import (
	"slices"

	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// walker finds what the plan of a subquery takes from outside of it.
type walker struct {
	refs      []outerKey // each once; depth counts from the plan itself
	recursive []*plan.CTE
	volatile  bool
	seen      []*plan.CTE
}

// node walks a plan; level is 1 for the plan itself and rises with each
// subquery or lateral side inside it.
func (w *walker) node(n plan.Node, level int) {
	if n == nil {
		return
	}
	eachExpr(n, func(e plan.Expr) { w.expr(e, level) })
	switch n := n.(type) {
	case *plan.Join:
		w.node(n.Left, level)
		if n.Lateral {
			w.node(n.Right, level+1)
		} else {
			w.node(n.Right, level)
		}
		return
	case *plan.CTEScan:
		w.cte(n.CTE, level)
		return
	}
	for _, in := range n.Inputs() {
		w.node(in, level)
	}
}

func (w *walker) cte(c *plan.CTE, level int) {
	if slices.Contains(w.seen, c) {
		return
	}
	w.seen = append(w.seen, c)
	if !c.Recursive {
		w.node(c.Plan, level)
		return
	}
	w.recursive = append(w.recursive, c)
	w.node(c.Base, level)
	w.node(c.Step, level)
}

func (w *walker) expr(e plan.Expr, level int) {
	switch e := e.(type) {
	case *plan.OuterRef:
		if k := (outerKey{e.Depth - level + 1, e.Index}); k.depth >= 1 && !slices.Contains(w.refs, k) {
			w.refs = append(w.refs, k)
		}
	case *plan.Call:
		w.volatile = w.volatile || e.Fn.Volatility == fn.Volatile
	case *plan.Subquery:
		w.node(e.Plan, level+1)
	}
	eachChild(e, func(c plan.Expr) { w.expr(c, level) })
}

// eachExpr calls f for the expressions of a node itself.
func eachExpr(n plan.Node, f func(plan.Expr)) {
	one := func(e plan.Expr) {
		if e != nil {
			f(e)
		}
	}
	list := func(l []plan.Expr) {
		for _, e := range l {
			one(e)
		}
	}
	keys := func(l []plan.SortKey) {
		for _, k := range l {
			one(k.Expr)
		}
	}
	aggs := func(l []plan.AggCall) {
		for i := range l {
			list(l[i].Args)
			one(l[i].Filter)
			keys(l[i].OrderBy)
		}
	}
	switch n := n.(type) {
	case *plan.Leaf:
		one(n.Filter)
		list(n.Output)
		keys(n.OrderBy)
		list(n.GroupBy)
		aggs(n.Aggs)
	case *plan.Aggregate:
		list(n.GroupBy)
		aggs(n.Aggs)
	case *plan.Filter:
		one(n.Cond)
	case *plan.Project:
		list(n.Exprs)
	case *plan.Sort:
		keys(n.Keys)
	case *plan.Limit:
		one(n.Offset)
		one(n.Count)
	case *plan.Distinct:
		list(n.On)
	case *plan.Join:
		list(n.LeftKeys)
		list(n.RightKeys)
		one(n.Residual)
	case *plan.Values:
		for _, r := range n.Rows {
			list(r)
		}
	case *plan.VirtualScan:
		one(n.Filter)
	case *plan.FunctionScan:
		one(n.Call)
	case *plan.Window:
		for _, c := range n.Calls {
			if c.Agg != nil {
				aggs([]plan.AggCall{*c.Agg})
			}
			list(c.PartitionBy)
			keys(c.OrderBy)
		}
	}
}

// eachChild calls f for the arguments of an expression, without the plans of
// subqueries.
func eachChild(e plan.Expr, f func(plan.Expr)) {
	mapChildren(e, func(c plan.Expr) plan.Expr {
		f(c)
		return c
	})
}

// mapChildren returns a copy of e with f applied to its arguments.
func mapChildren(e plan.Expr, f func(plan.Expr) plan.Expr) plan.Expr {
	list := func(l []plan.Expr) []plan.Expr {
		out := make([]plan.Expr, len(l))
		for i, x := range l {
			out[i] = f(x)
		}
		return out
	}
	switch e := e.(type) {
	case *plan.Call:
		c := *e
		c.Args = list(e.Args)
		return &c
	case *plan.Cast:
		return &plan.Cast{Arg: f(e.Arg), Typ: e.Typ}
	case *plan.And:
		return &plan.And{Args: list(e.Args)}
	case *plan.Or:
		return &plan.Or{Args: list(e.Args)}
	case *plan.Not:
		return &plan.Not{Arg: f(e.Arg)}
	case *plan.IsNull:
		return &plan.IsNull{Arg: f(e.Arg), Negated: e.Negated}
	case *plan.In:
		c := *e
		c.Arg = f(e.Arg)
		return &c
	case *plan.Array:
		return &plan.Array{Elems: list(e.Elems), Typ: e.Typ}
	case *plan.Case:
		return mapCase(e, f)
	case *plan.Subquery:
		if e.Arg != nil {
			c := *e
			c.Arg = f(e.Arg)
			return &c
		}
	}
	return e
}

func mapCase(e *plan.Case, f func(plan.Expr) plan.Expr) plan.Expr {
	c := &plan.Case{Typ: e.Typ}
	for _, w := range e.Whens {
		c.Whens = append(c.Whens, plan.When{Cond: f(w.Cond), Then: f(w.Then)})
	}
	if e.Else != nil {
		c.Else = f(e.Else)
	}
	return c
}

// mapExpr replaces the parts of an expression for which f gives another one,
// from the outside in.
func mapExpr(e plan.Expr, f func(plan.Expr) plan.Expr) plan.Expr {
	if e == nil {
		return nil
	}
	if r := f(e); r != e {
		return r
	}
	return mapChildren(e, func(c plan.Expr) plan.Expr { return mapExpr(c, f) })
}

// leafNeedsBroker reports whether a leaf holds what servers cannot compute.
func leafNeedsBroker(n *plan.Leaf) bool {
	found := false
	var look func(e plan.Expr)
	look = func(e plan.Expr) {
		switch e.(type) {
		case *plan.OuterRef, *plan.Subquery:
			found = true
			return
		}
		eachChild(e, look)
	}
	eachExpr(n, look)
	return found
}

// mapLeaf copies a leaf with f applied to its expressions.
func mapLeaf(n *plan.Leaf, f func(plan.Expr) plan.Expr) *plan.Leaf {
	list := func(l []plan.Expr) []plan.Expr {
		out := slices.Clone(l)
		for i := range out {
			out[i] = mapExpr(out[i], f)
		}
		return out
	}
	out := *n
	out.Filter = mapExpr(n.Filter, f)
	out.Output, out.GroupBy = list(n.Output), list(n.GroupBy)
	out.OrderBy = slices.Clone(n.OrderBy)
	for i := range out.OrderBy {
		out.OrderBy[i].Expr = mapExpr(out.OrderBy[i].Expr, f)
	}
	out.Aggs = slices.Clone(n.Aggs)
	for i := range out.Aggs {
		out.Aggs[i].Args = list(out.Aggs[i].Args)
		out.Aggs[i].Filter = mapExpr(out.Aggs[i].Filter, f)
	}
	return &out
}
