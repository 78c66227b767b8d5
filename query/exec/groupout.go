package exec

import (
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/plan"
)

// groupOut is a group column of the result: a key of the table, or an
// expression over columns that are keys, which is the same for all rows of a
// group and need not be grouped by.
type groupOut struct {
	typ  schema.Type
	key  int       // -1: derived
	expr plan.Expr // derived: over the leaf's columns
	cols []int     // derived: the columns that it reads, ascending
}

// splitKeys divides the group expressions of a leaf into keys and what follows
// from them.
func (op *aggregate) splitKeys(groupBy []plan.Expr) {
	op.keyOf = map[int]int{}
	for _, e := range groupBy {
		if c, ok := e.(*plan.ColRef); ok && equalIsSame(c.Typ) {
			if _, known := op.keyOf[c.Index]; !known {
				op.keyOf[c.Index] = op.addKey(e)
			}
		}
	}
	for _, e := range groupBy {
		out := groupOut{typ: e.Type(), key: -1, expr: e, cols: columnsOf(e)}
		c, isCol := e.(*plan.ColRef)
		switch {
		case isCol && equalIsSame(c.Typ):
			out.key = op.keyOf[c.Index]
		case slices.ContainsFunc(out.cols, func(c int) bool { _, ok := op.keyOf[c]; return !ok }) || len(out.cols) == 0:
			out.key = op.addKey(e)
		}
		op.outs = append(op.outs, out)
	}
}

// equalIsSame reports whether values that are equal as group keys are the same
// to every function: floats have two zeros, decimals several scales.
func equalIsSame(t schema.Type) bool {
	switch t.Kind() {
	case schema.KindBool, schema.KindInt32, schema.KindInt64, schema.KindBytes:
		return true
	}
	return false
}

func (op *aggregate) addKey(e plan.Expr) int {
	op.keys = append(op.keys, &groupKey{expr: op.q.addExpr(e), typ: e.Type()})
	return len(op.keys) - 1
}

// keyVector returns group column k of some groups, which rows gives. What
// follows from other keys is only made for groups that have rows.
func (s *aggSink) keyVector(k int, rows []uint32) (*column.Vector, error) {
	out := &s.op.outs[k]
	if out.key >= 0 {
		return s.table.keyValues(out.key, rows), nil
	}
	in := &column.Batch{N: len(rows), Cols: make([]*column.Vector, len(s.op.q.leaf.Cols))}
	for _, c := range out.cols {
		in.Cols[c] = s.table.keyValues(s.op.keyOf[c], rows)
	}
	p, err := eval.Compile(out.expr, nil)
	if err != nil {
		return nil, err
	}
	v, err := p.Eval(s.op.q.ctx, in, s.table.haveRows(rows))
	if err != nil {
		return nil, err
	}
	return v.Flatten(), nil
}

// haveRows returns which of some groups have rows, nil for all. Of the others
// the keys may be a combination for which an expression fails.
func (t *groupTable) haveRows(groups []uint32) column.Bitmap {
	if t.p.kind != tableSlots {
		return nil
	}
	b := column.NewBitmap(len(groups))
	for i, g := range groups {
		if t.rows[g] > 0 {
			b.Set(i)
		}
	}
	return b
}

// keyValues returns key k of some groups.
func (t *groupTable) keyValues(k int, rows []uint32) *column.Vector {
	dst := column.New(t.keys[k].k.typ, len(rows))
	for _, g := range rows {
		t.appendKey(k, int(g), dst)
	}
	return dst
}

// groupRange returns the groups from..to-1.
func groupRange(from, to int) []uint32 {
	rows := make([]uint32, to-from)
	for i := range rows {
		rows[i] = uint32(from + i)
	}
	return rows
}
