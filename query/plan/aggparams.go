package plan

import (
	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/agg"
)

// constArgs binds the arguments of an aggregation that are the same for all
// rows. Those that hold parameters, or functions that are constant within one
// execution, have their values at Bind only.
func (x *exprBinder) constArgs(nodes []*pg.Node, name string) ([]Expr, error) {
	var out []Expr
	for i, n := range nodes {
		e, err := x.expr(n)
		if err != nil {
			return nil, err
		}
		if v, err := evaluate(x.ctx, e, false); err == nil {
			out = append(out, &Const{Value: v})
			continue
		}
		if !constantAtBind(e) {
			return nil, sqlerr.Unsupported("a direct argument of " + name + " that is not constant").At(nodeLoc(n))
		}
		if e.Type().ID == schema.TypeUnknown {
			if e, err = x.coerce(e, agg.ParamType(name, i), true, nodeLoc(n)); err != nil {
				return nil, err
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// constantAtBind reports whether an expression depends on nothing but
// parameters and the execution.
func constantAtBind(e Expr) bool {
	return !contains(e, func(x Expr) bool {
		switch x.(type) {
		case *colVar, *ColRef, *OuterRef, *aggExpr, *windowExpr, *subExpr, *Subquery, *recordExpr, *groupingExpr, setNumber:
			return true
		}
		return unmergeable(x)
	})
}

// setParams gives an aggregation its constant arguments. Until they are known
// the spec has NULLs of their types, on which the type of the result depends.
func (c *AggCall) setParams(params []Expr) error {
	vals, known := constValues(params)
	if known {
		c.Params = nil
		return c.Spec.SetParams(vals)
	}
	c.Params = params
	c.Spec.Params = vals
	return nil
}

func constValues(list []Expr) (vals []column.Value, known bool) {
	known = true
	for _, e := range list {
		if k, ok := e.(*Const); ok {
			vals = append(vals, k.Value)
			continue
		}
		known = false
		vals = append(vals, column.NullValue(e.Type()))
	}
	return vals, known
}

// bindParams gives the aggregations of an operator the arguments that are
// known once parameters are.
func (f *finisher) bindParams(n Node) error {
	switch n := n.(type) {
	case *Leaf:
		return bindAggParams(n.Aggs)
	case *Aggregate:
		return bindAggParams(n.Aggs)
	case *Window:
		for i := range n.Calls {
			if c := n.Calls[i].Agg; c != nil && c.Params != nil {
				list := []AggCall{*c}
				if err := bindAggParams(list); err != nil {
					return err
				}
				n.Calls[i].Agg = &list[0]
			}
		}
	}
	return nil
}

func bindAggParams(list []AggCall) error {
	for i := range list {
		c := &list[i]
		if c.Params == nil {
			continue
		}
		for _, e := range c.Params {
			if _, ok := e.(*Const); !ok {
				return sqlerr.Unsupported("a direct argument of " + c.Spec.Name + " that is not constant")
			}
		}
		spec := *c.Spec
		c.Spec = &spec
		if err := c.setParams(c.Params); err != nil {
			return err
		}
	}
	return nil
}
