package plan

import "github.com/alluviumdb/alluvium/internal/sqlerr"

// maxExprSize bounds the parts of an expression. Some constructs repeat an
// operand (BETWEEN, COALESCE, CASE x WHEN); nested in each other they would
// grow without bound from a short text.
const maxExprSize = 200_000

// repeat checks that an operand may occur a number of times.
func (b *binder) repeat(e Expr, times, loc int) error {
	if b.size(e) > maxExprSize/max(times, 1) {
		return sqlerr.New(sqlerr.StatementTooComplex, "expression is too complex").At(loc)
	}
	return nil
}

// size counts the parts of an expression, repeated ones as often as they
// occur; it looks at each part once.
func (b *binder) size(e Expr) int {
	if n, ok := b.sizes[e]; ok {
		return n
	}
	n := 1
	eachChild(e, func(c Expr) { n += b.size(c) })
	if r, ok := e.(*recordExpr); ok {
		for _, f := range r.fields {
			n += b.size(f)
		}
	}
	if s, ok := e.(*subExpr); ok {
		s.query.slots(func(e *Expr) { n += b.size(*e) })
		s.query.inner(func(q *query) { q.slots(func(e *Expr) { n += b.size(*e) }) })
	}
	n = min(n, maxExprSize+1)
	if n > 8 {
		b.sizes[e] = n
	}
	return n
}
