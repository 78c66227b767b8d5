package exec

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/plan"
)

// linear tells that an aggregation is over a column plus a constant, whose sum
// follows from that of the column and the number of its values.
type linear struct {
	col  int // of the leaf
	base int // of aggregate.bases
	add  int64
}

// findLinear looks for sums of the same column plus different constants, for
// which the column itself is added up once.
func (op *aggregate) findLinear() {
	byCol := map[int][]int{}
	for i := range op.calls {
		c := &op.calls[i]
		col, add, ok := c.columnPlus()
		if !ok {
			continue
		}
		c.linear = &linear{col: col, add: add, base: -1}
		byCol[col] = append(byCol[col], i)
	}
	for i := range op.calls {
		c := &op.calls[i]
		switch same := c.linear; {
		case same == nil || same.base >= 0:
		case len(byCol[same.col]) < 2:
			c.linear = nil
		default:
			op.addBase(same.col, c.call.Spec)
			for _, k := range byCol[same.col] {
				op.calls[k].linear.base = len(op.bases) - 1
			}
		}
	}
}

// addBase has a column added up as spec says for what follows from it.
func (op *aggregate) addBase(col int, spec *agg.Spec) {
	c := &op.q.leaf.Cols[col]
	ref, base := &plan.ColRef{Index: col, Name: c.Name, Typ: c.Type}, *spec
	base.Args = []schema.Type{ref.Typ}
	op.bases = append(op.bases, aggCall{
		call: &plan.AggCall{Spec: &base, Args: []plan.Expr{ref}}, args: []int{op.q.addExpr(ref)}, filter: -1,
	})
}

// checkLinear has all calls folded by themselves when one of them might fail.
func (op *aggregate) checkLinear() {
	exact := true
	for i := range op.calls {
		if c := &op.calls[i]; c.linear != nil && !op.q.sumsExactly(c, c.linear.col, c.linear.add) {
			exact = false
		}
	}
	if exact {
		return
	}
	op.bases = nil
	for i := range op.calls {
		op.calls[i].linear = nil
	}
}

// columnPlus returns the column and the constant of a sum or average over their
// sum or difference, or over the column alone.
func (c *aggCall) columnPlus() (col int, add int64, ok bool) {
	spec := c.call.Spec
	if c.filter >= 0 || spec.Distinct || len(c.call.Args) != 1 || c.call.Args[0].Type().ID == schema.TypeNumeric {
		return 0, 0, false
	}
	if _, ok := spec.New().(agg.ShiftedSum); !ok {
		return 0, 0, false
	}
	e := c.call.Args[0]
	call, isCall := e.(*plan.Call)
	if !isCall {
		col, ok = wholeColumn(e)
		return col, 0, ok
	}
	if len(call.Args) != 2 || call.Fn.Name != "+" && call.Fn.Name != "-" {
		return 0, 0, false
	}
	x, y := call.Args[0], call.Args[1]
	if _, ok := x.(*plan.Const); ok && call.Fn.Name == "+" {
		x, y = y, x
	}
	col, ok = wholeColumn(x)
	k, isConst := y.(*plan.Const)
	if !ok || !isConst || k.Value.Null || !k.Value.Type.IsInteger() || k.Value.I == math.MinInt64 {
		return 0, 0, false
	}
	if call.Fn.Name == "-" {
		return col, -k.Value.I, true
	}
	return col, k.Value.I, true
}

// wholeColumn returns the column of whole numbers that an expression is, perhaps
// widened.
func wholeColumn(e plan.Expr) (int, bool) {
	if c, ok := e.(*plan.Cast); ok && c.Typ.IsInteger() && c.Arg.Type().ID <= c.Typ.ID { // no narrower, which might fail
		e = c.Arg
	}
	c, ok := e.(*plan.ColRef)
	if !ok || !c.Typ.IsInteger() {
		return 0, false
	}
	return c.Index, true
}

// sumsExactly reports whether a column plus a constant is in the range of the
// type of the call's argument for every row, so that it cannot fail.
func (q *query) sumsExactly(c *aggCall, col int, add int64) bool {
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	switch t := c.call.Args[0].Type(); {
	case t.ID == schema.TypeInt16:
		lo, hi = math.MinInt16, math.MaxInt16
	case t.Kind() == schema.KindInt32:
		lo, hi = math.MinInt32, math.MaxInt32
	}
	for _, sp := range q.segs {
		if sp.none || sp.tree != nil {
			continue
		}
		sc := sp.cols[col]
		if sc.col == nil || sc.cast || !sc.meta.HasRange {
			return false
		}
		for _, x := range []int64{sc.meta.Min.I, sc.meta.Max.I} {
			if y := x + add; (y < x) != (add < 0) || y < lo || y > hi {
				return false
			}
		}
	}
	return true
}

// settleLinear makes the sums that follow from others. It is called once, when
// all rows are read.
func (s *aggSink) settleLinear() {
	for _, a := range s.aggs {
		if l := a.call.linear; l != nil {
			a.acc.(agg.ShiftedSum).AddShifted(s.bases[l.base].acc, s.table.n, l.add)
		}
	}
}
