package plan

import (
	"slices"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// setRelation makes a function of the select list a relation of FROM; equal
// calls share one.
func (sb *selectBinder) setRelation(c *Call) *relation {
	for _, r := range sb.setRels {
		if equal(r.call, c) {
			return r
		}
	}
	rel := newFunctionRelation(c.Fn.Name, c, false)
	sb.setRels = append(sb.setRels, rel)
	return rel
}

// settleSets decides how the set-returning functions of the select list run.
// A single one is joined laterally, so that it may stand anywhere in an
// expression; several run in step, which only whole columns can.
func (sb *selectBinder) settleSets() error {
	if !sb.hasSets && len(sb.setRels) == 0 {
		return nil
	}
	grouped := sb.hasAggs || sb.body.grouped || sb.hasWindows
	var calls []*Call
	for _, t := range sb.body.targets {
		walk(t.expr, func(e Expr) bool {
			c, ok := e.(*Call)
			if ok && c.Fn.Set && !slices.ContainsFunc(calls, func(o *Call) bool { return equal(o, c) }) {
				calls = append(calls, c)
			}
			return true
		})
	}
	if n := len(calls) + len(sb.setRels); n > 1 && len(sb.setRels) > 0 || grouped && len(sb.setRels) > 0 {
		return sqlerr.Unsupported("several set-returning functions in a select list, or one beside aggregates,")
	}
	if len(calls) == 1 && !grouped {
		rel := sb.setRelation(calls[0])
		sb.replace(calls[0], rel.ref(0, -1))
	}
	for _, r := range sb.setRels {
		sb.body.from.items = append(sb.body.from.items, &relItem{r})
	}
	return sb.checkSets()
}

// replace puts another expression in the place of one in the select list and
// ORDER BY.
func (sb *selectBinder) replace(old, now Expr) {
	f := func(e Expr) Expr {
		if equal(e, old) {
			return now
		}
		return e
	}
	for i := range sb.body.targets {
		sb.body.targets[i].expr = rewrite(sb.body.targets[i].expr, f)
	}
	sb.body.order, _ = rewriteKeys(sb.body.order, func(e Expr) Expr { return rewrite(e, f) })
	sb.body.on, _ = rewriteList(sb.body.on, func(e Expr) Expr { return rewrite(e, f) })
}

// checkSets refuses set-returning functions that are only part of an output
// expression.
func (sb *selectBinder) checkSets() error {
	isSet := func(e Expr) bool { c, ok := e.(*Call); return ok && c.Fn.Set }
	for _, t := range sb.body.targets {
		inner := false
		eachChild(t.expr, func(e Expr) { inner = inner || contains(e, isSet) })
		if inner {
			return sqlerr.Unsupported("a set-returning function within an expression beside others")
		}
	}
	return nil
}
