package exec

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/startree"
)

// source finds the metrics that answer an aggregation.
func (m *treeMatch) source(c *aggCall) (treeSource, bool) {
	spec, cols := c.call.Spec, m.q.leaf.Cols
	key, ok := startree.Key(c.call, cols)
	if !ok {
		return treeSource{}, false
	}
	if at := m.meta.Metric(key); at >= 0 && m.meta.Metrics[at].States == len(spec.StateTypes()) {
		return oneTerm(allStates(at, len(spec.StateTypes()))), true
	}
	if spec.Distinct || len(c.call.Args) != 1 {
		return treeSource{}, false
	}
	arg := c.call.Args[0]
	switch spec.Name {
	case "count":
		return m.countSource(arg)
	case "avg":
		return m.avgSource(arg)
	case "sum":
		return m.sumSource(arg)
	}
	return treeSource{}, false
}

func oneTerm(t treeMetricTerm) treeSource { return treeSource{terms: []treeMetricTerm{t}} }

func allStates(metric, n int) treeMetricTerm {
	t := treeMetricTerm{}
	for k := range n {
		t.ms, t.ks = append(t.ms, metric), append(t.ks, k)
	}
	return t
}

// metric returns the place of an aggregation without parameters, -1 for none.
func (m *treeMatch) metric(name string, arg plan.Expr) int {
	key, ok := startree.ArgKey(name, arg, m.q.leaf.Cols)
	if !ok {
		return -1
	}
	return m.meta.Metric(key)
}

// countSource answers count(x): by the number of rows where no x is NULL.
func (m *treeMatch) countSource(arg plan.Expr) (treeSource, bool) {
	at := m.meta.Metric(startree.CountKey)
	if at < 0 || !m.neverNull(arg) {
		return treeSource{}, false
	}
	return oneTerm(allStates(at, 1)), true
}

// avgSource answers avg(x) by sum(x) and count(x).
func (m *treeMatch) avgSource(arg plan.Expr) (treeSource, bool) {
	sum, count := m.metric("sum", arg), m.metric("count", arg)
	if count < 0 && m.neverNull(arg) {
		count = m.meta.Metric(startree.CountKey)
	}
	if sum < 0 || count < 0 {
		return treeSource{}, false
	}
	return oneTerm(treeMetricTerm{ms: []int{sum, count}, ks: []int{0, 0}}), true
}

// sumSource answers sum(x) by avg(x), and the sum of a sum or difference of
// whole numbers by the sums of its parts.
func (m *treeMatch) sumSource(arg plan.Expr) (treeSource, bool) {
	if at := m.metric("avg", arg); at >= 0 {
		return oneTerm(treeMetricTerm{ms: []int{at}, ks: []int{0}}), true
	}
	call, ok := arg.(*plan.Call)
	if !ok || len(call.Args) != 2 || call.Fn.Name != "+" && call.Fn.Name != "-" || !m.sumsApart(call) {
		return treeSource{}, false
	}
	var out treeSource
	for i, a := range call.Args {
		at := m.metric("sum", a)
		if at < 0 {
			return treeSource{}, false
		}
		t := allStates(at, 1)
		t.negate = i == 1 && call.Fn.Name == "-"
		out.terms = append(out.terms, t)
	}
	return out, true
}

// neverNull reports whether an expression is a column without NULLs.
func (m *treeMatch) neverNull(e plan.Expr) bool {
	ref, ok := e.(*plan.ColRef)
	if !ok {
		return false
	}
	c := m.raw.cols[ref.Index]
	return c.konst == nil && c.col != nil && !c.hasNulls()
}

// sumsApart reports whether the sum over a + b or a - b is that over a and that
// over b: neither is ever NULL, they are whole numbers of the same type, and no
// row can overflow it, which would be an error.
func (m *treeMatch) sumsApart(call *plan.Call) bool {
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	switch {
	case !call.Typ.IsInteger() || call.Typ.ID == schema.TypeInt16:
		return false
	case call.Typ.Kind() == schema.KindInt32:
		lo, hi = math.MinInt32, math.MaxInt32
	}
	var least, most [2]float64
	for i, a := range call.Args {
		ref, ok := a.(*plan.ColRef)
		if !ok || ref.Typ != call.Typ || !m.neverNull(a) {
			return false
		}
		meta := m.raw.cols[ref.Index].meta
		if !meta.HasRange || m.raw.cols[ref.Index].cast {
			return false
		}
		least[i], most[i] = float64(meta.Min.I), float64(meta.Max.I)
	}
	if call.Fn.Name == "-" {
		least[1], most[1] = -most[1], -least[1]
	}
	// Half the range leaves room for what float64 rounds.
	return least[0]+least[1] > float64(lo)/2 && most[0]+most[1] < float64(hi)/2
}
