package plan

import (
	"slices"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// The types of this file are expressions of a bound query that has no plan
// yet: its columns are not numbered. They never occur in a finished plan.

// colVar is a column of a relation of the range table.
type colVar struct {
	rel *relation
	col int
	typ schema.Type
	loc int
}

// aggExpr is an aggregation, to be computed by an operator below.
type aggExpr struct {
	call AggCall
	typ  schema.Type
	loc  int
}

// windowExpr is a window function, to be computed by an operator below.
type windowExpr struct{ WindowCall }

// subExpr is a subquery that is bound but not planned: its plan depends on the
// columns of the operator that evaluates it.
type subExpr struct {
	kind  SubqueryKind
	query *query
	arg   Expr
	op    *opInfo
	typ   schema.Type
}

// recordExpr is a value of several columns: a row, a table's row or the result
// of a function. It exists only to be taken apart.
type recordExpr struct {
	names  []string
	fields []Expr
}

func (e *colVar) Type() schema.Type     { return e.typ }
func (e *aggExpr) Type() schema.Type    { return e.typ }
func (e *windowExpr) Type() schema.Type { return e.Typ }
func (e *subExpr) Type() schema.Type    { return e.typ }
func (e *recordExpr) Type() schema.Type { return schema.Type{ID: schema.TypeRecord} }

func (*colVar) expr()     {}
func (*aggExpr) expr()    {}
func (*windowExpr) expr() {}
func (*subExpr) expr()    {}
func (*recordExpr) expr() {}

// eachExpr calls f for the expressions of a window call.
func (c *WindowCall) eachExpr(f func(Expr)) {
	if c.Agg != nil {
		c.Agg.eachExpr(f)
	}
	each(c.PartitionBy, f)
	for i := range c.OrderBy {
		f(c.OrderBy[i].Expr)
	}
}

func (c *WindowCall) rewritten(f func(Expr) Expr) (WindowCall, bool) {
	out, changed := *c, false
	if c.Agg != nil {
		if a, ch := rewriteAgg(c.Agg, f); ch {
			out.Agg, changed = &a, true
		}
	}
	parts, ch := rewriteList(c.PartitionBy, f)
	out.PartitionBy, changed = parts, changed || ch
	keys, ch := rewriteKeys(c.OrderBy, f)
	out.OrderBy = keys
	return out, changed || ch
}

func (e *windowExpr) rewrite(f func(Expr) Expr) Expr {
	if c, changed := e.rewritten(f); changed {
		return &windowExpr{c}
	}
	return e
}

func (e *windowExpr) equal(o *windowExpr) bool {
	if e.Func != o.Func || (e.Agg == nil) != (o.Agg == nil) || e.Agg != nil && !equalAgg(e.Agg, o.Agg) {
		return false
	}
	return equalLists(e.PartitionBy, o.PartitionBy) && equalKeys(e.OrderBy, o.OrderBy)
}

// conjuncts splits a condition at its ANDs.
func conjuncts(e Expr) []Expr {
	if e == nil {
		return nil
	}
	if a, ok := e.(*And); ok {
		var out []Expr
		for _, x := range a.Args {
			out = append(out, conjuncts(x)...)
		}
		return out
	}
	return []Expr{e}
}

// conjoin is the AND of a list, nil for an empty one.
func conjoin(list []Expr) Expr {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return &And{Args: slices.Clone(list)}
}
