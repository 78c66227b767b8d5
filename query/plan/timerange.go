package plan

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// TimeRange returns the inclusive bounds that the filter of a leaf puts on the
// table's time column, in the column's own numbers (µs since 1970 for
// timestamps). ok is false when it puts none. An empty range has from > to.
func TimeRange(l *Leaf) (from, to int64, ok bool) {
	i := timeColumn(l)
	if i < 0 || l.Filter == nil {
		return 0, 0, false
	}
	s := spanOf(l.Filter, i)
	return s.from, s.to, s != everything
}

// timeColumn returns the index of the time column in the leaf, -1 for none.
func timeColumn(l *Leaf) int {
	if l.Table == nil || l.Table.Config == nil || l.Table.Schema == nil {
		return -1
	}
	f := l.Table.Schema.Index(l.Table.Config.TimeColumn)
	if f < 0 {
		return -1
	}
	for i := range l.Cols {
		c := &l.Cols[i]
		if c.ID == l.Table.Schema.Fields[f].ID && c.Pseudo == "" {
			if k := c.Type.Kind(); k == schema.KindInt64 || k == schema.KindInt32 {
				return i
			}
		}
	}
	return -1
}

// span is an inclusive interval.
type span struct{ from, to int64 }

var everything = span{math.MinInt64, math.MaxInt64}

// spanOf returns an interval that holds column i of every row that passes e.
func spanOf(e Expr, i int) span {
	switch e := e.(type) {
	case *And:
		s := everything
		for _, a := range e.Args {
			t := spanOf(a, i)
			s = span{max(s.from, t.from), min(s.to, t.to)}
		}
		return s
	case *Or:
		s := span{math.MaxInt64, math.MinInt64}
		for _, a := range e.Args {
			t := spanOf(a, i)
			s = span{min(s.from, t.from), max(s.to, t.to)}
		}
		return s
	case *In:
		if c, ok := e.Arg.(*ColRef); ok && c.Index == i && !e.Negated && sameOrder(c.Typ, e.List.Type) {
			return spanOfList(e.List)
		}
	case *Call:
		return spanOfCall(e, i)
	}
	return everything
}

func spanOfList(list *column.Vector) span {
	s := span{math.MaxInt64, math.MinInt64}
	for k := range list.N {
		v := list.Value(k).I
		s = span{min(s.from, v), max(s.to, v)}
	}
	return s
}

func spanOfCall(e *Call, i int) span {
	if len(e.Args) != 2 {
		return everything
	}
	c, isCol := e.Args[0].(*ColRef)
	k, isConst := e.Args[1].(*Const)
	if !isCol || !isConst || c.Index != i || !sameOrder(c.Typ, k.Value.Type) {
		return everything
	}
	v := k.Value.I
	nothing := span{math.MaxInt64, math.MinInt64}
	switch {
	case k.Value.Null && isComparison(e.Fn.Name):
		return nothing
	case e.Fn.Name == "=":
		return span{v, v}
	case e.Fn.Name == "<=":
		return span{math.MinInt64, v}
	case e.Fn.Name == ">=":
		return span{v, math.MaxInt64}
	case e.Fn.Name == "<" && v == math.MinInt64, e.Fn.Name == ">" && v == math.MaxInt64:
		return nothing
	case e.Fn.Name == "<":
		return span{math.MinInt64, v - 1}
	case e.Fn.Name == ">":
		return span{v + 1, math.MaxInt64}
	}
	return everything
}

func isComparison(op string) bool {
	switch op {
	case "=", "<>", "<", "<=", ">", ">=":
		return true
	}
	return false
}
