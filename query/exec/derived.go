package exec

import (
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// Truncating a time to a day gives the same whether it was truncated to the day,
// or to the hour, before. So in segments that hold a column's times truncated
// already, the column inside of date_trunc is replaced by that hidden column,
// which has a small dictionary: what is computed from it is computed once per
// day instead of once per row. Segments without it, such as consuming ones,
// compute from the column itself.

// truncSlot is a column of the leaf that is truncated to a unit. It has a place
// behind the leaf's columns in every segment.
type truncSlot struct {
	col  int
	unit schema.Granularity
}

// findTruncs collects the slots of the leaf's expressions.
func (q *query) findTruncs() {
	find := func(e plan.Expr) {
		walk(e, func(e plan.Expr) {
			if s, ok := q.truncSlotOf(e); ok && q.slotIndex(s) < 0 {
				q.truncs = append(q.truncs, s)
			}
		})
	}
	find(q.leaf.Filter)
	for _, x := range q.exprs {
		find(x.e)
	}
}

// truncSlotOf recognises date_trunc(unit, column) in UTC.
func (q *query) truncSlotOf(e plan.Expr) (truncSlot, bool) {
	call, ok := e.(*plan.Call)
	if !ok || call.Fn.Name != "date_trunc" && call.Fn.Name != "datetrunc" || len(call.Args) < 2 || len(call.Args) > 3 {
		return truncSlot{}, false
	}
	ref, isRef := call.Args[1].(*plan.ColRef)
	unit, known := schema.ParseGranularity(constText(call.Args[0]))
	if !isRef || !known || ref.Index >= len(q.leaf.Cols) || schema.CheckTimestampIndex(ref.Typ) != nil || q.leaf.Cols[ref.Index].ID == 0 || !q.truncatesInUTC(call) {
		return truncSlot{}, false
	}
	return truncSlot{ref.Index, unit}, true
}

// truncatesInUTC reports whether a call works in UTC: it names it, or it works
// in the session's zone and that is UTC, or it knows no zones.
func (q *query) truncatesInUTC(call *plan.Call) bool {
	switch {
	case len(call.Args) == 3:
		return strings.EqualFold(constText(call.Args[2]), "UTC")
	case call.Typ.ID == schema.TypeTimestampTZ:
		return q.ctx.Zone == "" || strings.EqualFold(q.ctx.Zone, "UTC")
	}
	return true
}

func constText(e plan.Expr) string {
	k, ok := e.(*plan.Const)
	if !ok || k.Value.Null || !k.Value.Type.IsText() {
		return ""
	}
	return string(k.Value.B)
}

func (q *query) slotIndex(s truncSlot) int {
	for i, t := range q.truncs {
		if t == s {
			return i
		}
	}
	return -1
}

// openTruncs opens the hidden columns of the slots, behind the leaf's columns.
func (sp *segPlan) openTruncs(q *query) error {
	sp.q = q
	for _, s := range q.truncs {
		lc := &q.leaf.Cols[s.col]
		c := &segCol{typ: lc.Type, konst: column.NewConst(column.NullValue(lc.Type), 1)}
		if g, ok := sp.storedGranularity(lc, s.unit); ok {
			id, _ := segment.TruncatedColumnID(lc.ID, g)
			hidden := plan.LeafCol{ID: id, Name: segment.TruncatedColumnName(lc.Name, g), Type: lc.Type}
			var err error
			if c, err = openCol(q.ctx, sp.seg, &hidden); err != nil {
				return err
			}
			sp.hasTruncs = true
		}
		sp.cols = append(sp.cols, c)
	}
	return nil
}

// storedGranularity returns the coarsest granularity that the segment holds of a
// column and that nests in unit.
func (sp *segPlan) storedGranularity(lc *plan.LeafCol, unit schema.Granularity) (schema.Granularity, bool) {
	base := sp.meta.Column(lc.ID)
	if base == nil || base.Type != lc.Type {
		return 0, false
	}
	for g := unit; g >= schema.GranularityMillisecond; g-- {
		id, ok := segment.TruncatedColumnID(lc.ID, g)
		if ok && g.Nests(unit) && sp.meta.Column(id) != nil {
			return g, true
		}
	}
	return 0, false
}

// truncated returns e with hidden columns in place of those that it truncates,
// e itself when the segment has none for it.
func (sp *segPlan) truncated(e plan.Expr) plan.Expr {
	if !sp.hasTruncs || e == nil {
		return e
	}
	return mapCalls(e, func(c *plan.Call) *plan.Call {
		s, ok := sp.q.truncSlotOf(c)
		if !ok {
			return c
		}
		at := len(sp.q.leaf.Cols) + sp.q.slotIndex(s)
		lc := &sp.q.leaf.Cols[s.col]
		g, ok := sp.storedGranularity(lc, s.unit)
		if !ok {
			return c
		}
		out := *c
		out.Args = append([]plan.Expr(nil), c.Args...)
		out.Args[1] = &plan.ColRef{Index: at, Name: segment.TruncatedColumnName(lc.Name, g), Typ: lc.Type}
		return &out
	})
}

// planTruncated plans an expression over hidden columns, nil when the segment
// has none for it or they do not make it cheaper.
func (sp *segPlan) planTruncated(x *leafExpr, rows float64) *segExpr {
	e := sp.truncated(x.e)
	if e == x.e {
		return nil
	}
	y := newLeafExpr(e)
	s := sp.planExpr(y, rows)
	if s.mode != exprDict && s.mode != exprConst {
		return nil
	}
	s.x = y
	return s
}
