package plan

// nodeExprs lists the expressions of an operator itself.
func nodeExprs(n Node) []Expr {
	var out []Expr
	eachNodeExpr(n, func(e Expr) Expr {
		out = append(out, e)
		return e
	})
	return out
}

// eachNodeExpr replaces each expression of an operator by f of it. Expressions
// that are absent are left out.
func eachNodeExpr(n Node, f func(Expr) Expr) {
	one := func(e *Expr) {
		if *e != nil {
			*e = f(*e)
		}
	}
	list := func(l []Expr) {
		for i := range l {
			one(&l[i])
		}
	}
	keys := func(l []SortKey) {
		for i := range l {
			one(&l[i].Expr)
		}
	}
	aggs := func(l []AggCall) {
		for i := range l {
			list(l[i].Args)
			list(l[i].Params)
			one(&l[i].Filter)
			keys(l[i].OrderBy)
		}
	}
	switch n := n.(type) {
	case *Leaf:
		one(&n.Filter)
		list(n.Output)
		keys(n.OrderBy)
		list(n.GroupBy)
		aggs(n.Aggs)
	case *Aggregate:
		list(n.GroupBy)
		aggs(n.Aggs)
	case *Filter:
		one(&n.Cond)
	case *Project:
		list(n.Exprs)
	case *Sort:
		keys(n.Keys)
	case *Limit:
		one(&n.Offset)
		one(&n.Count)
	case *Distinct:
		list(n.On)
	case *Join:
		list(n.LeftKeys)
		list(n.RightKeys)
		one(&n.Residual)
	case *Values:
		for _, r := range n.Rows {
			list(r)
		}
	case *VirtualScan:
		one(&n.Filter)
	case *FunctionScan:
		list(n.Call.Args)
	case *Window:
		for i := range n.Calls {
			c := &n.Calls[i]
			if c.Agg != nil {
				list(c.Agg.Args)
				list(c.Agg.Params)
				one(&c.Agg.Filter)
				keys(c.Agg.OrderBy)
			}
			list(c.PartitionBy)
			keys(c.OrderBy)
		}
	}
}
