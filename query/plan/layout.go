package plan

import (
	"fmt"
)

// layout says what the columns of an operator's output are.
type layout struct {
	exprs []Expr
	vars  map[varKey]int
	// outer is the row of the enclosing query that an expression evaluated
	// here may refer to.
	outer *outerLink
}

type varKey struct {
	rel *relation
	col int
}

// outerLink leads from a subquery, or from the right side of a lateral join,
// to the row around it. used is set when something inside refers through it.
type outerLink struct {
	layout *layout
	used   bool
}

func newLayout(exprs []Expr, outer *outerLink) *layout {
	l := &layout{exprs: exprs, vars: make(map[varKey]int, len(exprs)), outer: outer}
	for i, e := range exprs {
		if v, ok := e.(*colVar); ok {
			if _, dup := l.vars[varKey{v.rel, v.col}]; !dup {
				l.vars[varKey{v.rel, v.col}] = i
			}
		}
	}
	return l
}

// find returns the column that holds an expression, -1 for none.
func (l *layout) find(e Expr) int {
	if v, ok := e.(*colVar); ok {
		if i, ok := l.vars[varKey{v.rel, v.col}]; ok {
			return i
		}
		return -1
	}
	switch e.(type) {
	case *Const, *Param, *ColRef:
		return -1
	}
	for i, x := range l.exprs {
		if equal(x, e) {
			return i
		}
	}
	return -1
}

func exprName(e Expr) string {
	if v, ok := e.(*colVar); ok {
		return v.rel.cols[v.col].name
	}
	if a, ok := e.(*aggExpr); ok {
		return a.call.Spec.Name
	}
	if _, ok := e.(setNumber); ok {
		return "grouping set"
	}
	return ""
}

// lower turns a bound expression into one over the columns of l.
func (p *planner) lower(e Expr, l *layout) (Expr, error) {
	var failed error
	out := rewrite(e, func(x Expr) Expr {
		if failed != nil {
			return x
		}
		if i := l.find(x); i >= 0 {
			return &ColRef{Index: i, Name: exprName(x), Typ: x.Type()}
		}
		var y Expr
		switch x := x.(type) {
		case *colVar:
			y, failed = l.outerRef(x)
		case *subExpr:
			y, failed = p.subquery(x, l)
		case *aggExpr, *windowExpr, *recordExpr, *groupingExpr, setNumber:
			failed = fmt.Errorf("plan: %T has no place in the plan", x)
		default:
			return x
		}
		if failed != nil {
			return nullExpr
		}
		return y
	})
	return out, failed
}

func (p *planner) lowerAll(list []Expr, l *layout) ([]Expr, error) {
	out := make([]Expr, len(list))
	for i, e := range list {
		x, err := p.lower(e, l)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// outerRef finds a column in the rows around.
func (l *layout) outerRef(v *colVar) (Expr, error) {
	depth := 0
	var crossed []*outerLink
	for o := l.outer; o != nil; o = o.layout.outer {
		depth++
		crossed = append(crossed, o)
		if i := o.layout.find(v); i >= 0 {
			for _, c := range crossed {
				c.used = true
			}
			return &OuterRef{Depth: depth, Index: i, Typ: v.typ}, nil
		}
	}
	return nil, fmt.Errorf("plan: column %s.%s has no place in the plan", v.rel.name, v.rel.cols[v.col].name)
}

// subqueryKey names a subquery at a place. An expression that occurs twice,
// as the arguments of COALESCE do, has its subquery planned and run once.
type subqueryKey struct {
	query *query
	at    *layout
}

// subquery plans a subquery whose rows around are those of l.
func (p *planner) subquery(s *subExpr, l *layout) (Expr, error) {
	key := subqueryKey{s.query, l}
	if done := p.subqueries[key]; done != nil && s.arg == nil {
		return done, nil
	}
	link := &outerLink{layout: l}
	n, err := p.query(s.query, link)
	if err != nil {
		return nil, err
	}
	out := &Subquery{Kind: s.kind, Plan: n, Correlated: link.used, Typ: s.typ}
	if s.arg != nil {
		if out.Arg, err = p.lower(s.arg, l); err != nil {
			return nil, err
		}
		out.Op = s.op.fn
	}
	p.subqueries[key] = out
	return out, nil
}
