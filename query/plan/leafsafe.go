package plan

import (
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// leafSafe reports whether servers can compute an expression: it depends on
// the row, on constants and on the statement alone, and its functions are
// found again by their names and types.
func leafSafe(e Expr, d fn.Dialect) bool {
	switch e := e.(type) {
	case *ColRef, *colVar, *Const, *Param:
		return true
	case *OuterRef, *Subquery, *subExpr, *aggExpr, *windowExpr, *recordExpr, *groupingExpr, setNumber:
		return false
	case *Call:
		if foldsAtBind(e) {
			return true
		}
		if e.Fn.Set || e.Fn.NeedsSession || e.Fn.Volatility == fn.Volatile || !findable(e, d) {
			return false
		}
	case *Cast:
		if sessionCast(e.Arg.Type(), e.Typ) && !foldsAtBind(e) {
			return false
		}
	}
	ok := true
	eachChild(e, func(c Expr) { ok = ok && leafSafe(c, d) })
	return ok
}

// findable reports whether a fragment's reader would find the same function.
func findable(c *Call, d fn.Dialect) bool {
	f, err := resolveExact(c.Fn.Name, exprTypes(c.Args), d)
	if err != nil {
		return false
	}
	return f == c.Fn || builtin(c.Fn.Name, exprTypes(c.Args), d) != nil
}

// foldsAtBind reports whether an expression is a constant once parameters and
// session are known.
func foldsAtBind(e Expr) bool {
	switch e := e.(type) {
	case *Const, *Param:
		return true
	case *Call:
		if e.Fn.Set || e.Fn.Volatility == fn.Volatile {
			return false
		}
	case *Cast, *And, *Or, *Not, *IsNull, *In, *Case, *Array:
	default:
		return false
	}
	ok := true
	eachChild(e, func(c Expr) { ok = ok && foldsAtBind(c) })
	return ok
}

// hashable reports whether equality of a type is equality of its stored form,
// so that = can be a join key.
func hashable(l, r schema.Type) bool { return sameOrder(l, r) }
