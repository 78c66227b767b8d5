package exec

import (
	"cmp"
	"math"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// A predicate is a filter condition in one segment, before it is decided how
// to apply it. Negations are pushed down to the leaves, so that each predicate
// stands for the rows for which it is TRUE, and conjunction and disjunction are
// plain intersection and union in spite of NULLs.
type predicate interface{}

type (
	// predConst is TRUE for all rows or for none.
	predConst bool
	// predIDs is TRUE for the rows of a dictionary column whose id is in set,
	// and for its NULL rows when nulls is set.
	predIDs struct {
		col   int
		set   idSet
		nulls bool
		src   plan.Expr
		neg   bool
		// share is the share of rows that pass in the segment of sharePlan,
		// once it was estimated there.
		share     float64
		sharePlan *segPlan
	}
	// predRange is TRUE for the rows of a raw column with a value in r; never
	// for NULL.
	predRange struct {
		col int
		r   segment.ValueRange
		src plan.Expr
		neg bool
	}
	// predNull is TRUE for the NULL rows of a raw column, or the others.
	predNull struct {
		col     int
		negated bool
		src     plan.Expr
		neg     bool
	}
	// predExpr is any other condition.
	predExpr struct {
		x   *leafExpr
		src plan.Expr
		neg bool
	}
	predAnd []predicate
	predOr  []predicate
)

// predicates turns a condition (negated if neg) into predicates.
func (sp *segPlan) predicates(ctx *fn.Context, e plan.Expr, neg bool) (predicate, error) {
	switch e := e.(type) {
	case *plan.Not:
		return sp.predicates(ctx, e.Arg, !neg)
	case *plan.And:
		return sp.combine(ctx, e.Args, neg, !neg)
	case *plan.Or:
		return sp.combine(ctx, e.Args, neg, neg)
	case *plan.Call:
		if cond, is, ok := truthCompared(e); ok {
			return sp.predicates(ctx, cond, neg != !is)
		}
	}
	return sp.leafPredicate(ctx, e, neg)
}

// truthCompared recognises condition = TRUE and the like, where the condition is
// no column: the condition is looked at, negated unless is.
func truthCompared(e *plan.Call) (cond plan.Expr, is, ok bool) {
	if len(e.Args) != 2 || e.Fn.Name != "=" && e.Fn.Name != "<>" {
		return nil, false, false
	}
	l, r := e.Args[0], e.Args[1]
	if _, isConst := l.(*plan.Const); isConst {
		l, r = r, l
	}
	k, isConst := r.(*plan.Const)
	_, isCall := l.(*plan.Call)
	if !isConst || !isCall || k.Value.Null || k.Value.Type != schema.Bool || l.Type() != schema.Bool {
		return nil, false, false
	}
	return l, (k.Value.I != 0) == (e.Fn.Name == "="), true
}

// combine makes the conjunction or disjunction of conditions, merging those
// over the same column.
func (sp *segPlan) combine(ctx *fn.Context, args []plan.Expr, neg, and bool) (predicate, error) {
	var out []predicate
	hint := sp.rowsHint
	defer func() { sp.rowsHint = hint }()
	for _, a := range cheapFirst(args) {
		p, err := sp.predicates(ctx, a, neg)
		if err != nil {
			return nil, err
		}
		if and {
			sp.rowsHint *= sp.selectivity(p)
		}
		if c, ok := p.(predConst); ok {
			if bool(c) != and {
				return c, nil // FALSE decides an AND, TRUE an OR
			}
			continue
		}
		out = addPredicate(out, p, and)
	}
	out = dropSettled(out, and)
	switch {
	case len(out) == 1:
		return out[0], nil
	case len(out) == 0:
		return predConst(and), nil
	case and:
		return simplifyAnd(out), nil
	}
	return predOr(out), nil
}

// cheapFirst puts the conditions that look values up before those that may have
// to be evaluated for a whole dictionary.
func cheapFirst(args []plan.Expr) []plan.Expr {
	out := slices.Clone(args)
	slices.SortStableFunc(out, func(a, b plan.Expr) int { return cmp.Compare(evalCost(a), evalCost(b)) })
	return out
}

func evalCost(e plan.Expr) int {
	switch e := e.(type) {
	case *plan.IsNull, *plan.In:
		return 0
	case *plan.Call:
		if mirrored[e.Fn.Name] != "" {
			return 0
		}
	case *plan.Not:
		return evalCost(e.Arg)
	}
	return 1
}

// simplifyAnd is FALSE when an argument became so.
func simplifyAnd(args []predicate) predicate {
	for _, p := range args {
		if c, ok := p.(predConst); ok && !bool(c) {
			return c
		}
	}
	return predAnd(args)
}

// dropSettled removes arguments that merging made TRUE in an AND or FALSE in an
// OR, and keeps the one that decides the whole.
func dropSettled(args []predicate, and bool) []predicate {
	var out []predicate
	for _, p := range args {
		c, ok := settle(p).(predConst)
		switch {
		case !ok:
			out = append(out, p)
		case bool(c) != and:
			return []predicate{c}
		}
	}
	return out
}

// settle turns a predicate that no row or every row passes into a constant. A
// full set of ids is only a constant when NULL rows pass too.
func settle(p predicate) predicate {
	if ids, ok := p.(*predIDs); ok {
		if ids.set.n == 0 && !ids.nulls {
			return predConst(false)
		}
		if ids.set.all() && ids.nulls {
			return predConst(true)
		}
	}
	if r, ok := p.(*predRange); ok && emptyRange(r) {
		return predConst(false)
	}
	return p
}

func emptyRange(r *predRange) bool {
	return r.r.LoInt > r.r.HiInt || kernel.CompareFloats(r.r.LoFloat, r.r.HiFloat) > 0
}

// addPredicate adds p to args, merged into one over the same column if there
// is one. Nested forms of the same kind are flattened.
func addPredicate(args []predicate, p predicate, and bool) []predicate {
	if nested, ok := p.(predAnd); ok && and {
		for _, q := range nested {
			args = addPredicate(args, q, and)
		}
		return args
	}
	if nested, ok := p.(predOr); ok && !and {
		for _, q := range nested {
			args = addPredicate(args, q, and)
		}
		return args
	}
	for i, q := range args {
		if m := mergePredicates(q, p, and); m != nil {
			args[i] = m
			return args
		}
	}
	return append(args, p)
}

// mergePredicates combines two predicates over one column, nil if it cannot.
func mergePredicates(p, q predicate, and bool) predicate {
	if a, ok := p.(*predIDs); ok {
		if b, ok := q.(*predIDs); ok && a.col == b.col {
			return mergeIDs(a, b, and)
		}
	}
	if a, ok := p.(*predRange); ok && and {
		if b, ok := q.(*predRange); ok && a.col == b.col {
			m := &predRange{col: a.col, r: intersectRanges(a.r, b.r), src: both(a.src, a.neg, b.src, b.neg, and)}
			return m
		}
	}
	return nil
}

func mergeIDs(a, b *predIDs, and bool) predicate {
	m := &predIDs{col: a.col, src: both(a.src, a.neg, b.src, b.neg, and)}
	if and {
		m.set, m.nulls = a.set.intersect(&b.set), a.nulls && b.nulls
	} else {
		m.set, m.nulls = a.set.union(&b.set), a.nulls || b.nulls
	}
	return m
}

// both is the source of a merged predicate, for the trace.
func both(a plan.Expr, an bool, b plan.Expr, bn, and bool) plan.Expr {
	args := []plan.Expr{negated(a, an), negated(b, bn)}
	if and {
		return &plan.And{Args: args}
	}
	return &plan.Or{Args: args}
}

func negated(e plan.Expr, neg bool) plan.Expr {
	if neg {
		return &plan.Not{Arg: e}
	}
	return e
}

func intersectRanges(a, b segment.ValueRange) segment.ValueRange {
	return segment.ValueRange{
		LoInt: max(a.LoInt, b.LoInt), HiInt: min(a.HiInt, b.HiInt),
		LoFloat: maxFloat(a.LoFloat, b.LoFloat), HiFloat: minFloat(a.HiFloat, b.HiFloat),
	}
}

// leafPredicate makes the predicate of a condition without AND, OR, NOT on top.
func (sp *segPlan) leafPredicate(ctx *fn.Context, e plan.Expr, neg bool) (predicate, error) {
	if i := comparedColumn(e); i >= 0 && sp.cols[i].isDict() {
		if set, ok := lookupDict(sp.cols[i], i, e, neg); ok {
			return settle(&predIDs{col: i, set: set, src: e, neg: neg}), nil
		}
	}
	x := newLeafExpr(negated(e, neg))
	switch {
	case x.volatile:
		return &predExpr{x: x, src: e, neg: neg}, nil
	case sp.allConst(x.cols):
		return sp.constPredicate(ctx, x)
	case len(x.cols) == 1:
		if p, err := sp.indexPredicate(ctx, e, neg, x); p != nil || err != nil {
			return p, err
		}
		return sp.columnPredicate(ctx, e, neg, x), nil
	}
	return &predExpr{x: x, src: e, neg: neg}, nil
}

// comparedColumn returns the column of a comparison of a column with a constant,
// -1 for anything else.
func comparedColumn(e plan.Expr) int {
	call, ok := e.(*plan.Call)
	if !ok || len(call.Args) != 2 {
		return -1
	}
	l, r := call.Args[0], call.Args[1]
	if _, ok := l.(*plan.Const); ok {
		l, r = r, l
	}
	ref, isRef := l.(*plan.ColRef)
	if _, isConst := r.(*plan.Const); !isRef || !isConst {
		return -1
	}
	return ref.Index
}

// constPredicate decides a condition over columns with one value each.
func (sp *segPlan) constPredicate(ctx *fn.Context, x *leafExpr) (predicate, error) {
	v, err := sp.evalConst(ctx, x.e)
	if err != nil {
		return nil, err
	}
	return predConst(!v.IsNull(0) && v.Bools[0]), nil
}

// columnPredicate makes the predicate of a condition over one column.
func (sp *segPlan) columnPredicate(ctx *fn.Context, e plan.Expr, neg bool, x *leafExpr) predicate {
	i := x.cols[0]
	c := sp.cols[i]
	if n, ok := e.(*plan.IsNull); ok {
		if ref, ok := n.Arg.(*plan.ColRef); ok && ref.Index == i {
			return sp.nullPredicate(i, n, neg)
		}
	}
	if c.isDict() {
		if set, nulls, ok := sp.matchDict(ctx, c, i, e, neg, x); ok {
			return settle(&predIDs{col: i, set: set, nulls: nulls && c.hasNulls(), src: e, neg: neg})
		}
		return &predExpr{x: x, src: e, neg: neg}
	}
	if rs, ok := rawRanges(c, e, neg); ok {
		return rangePredicate(i, rs, e, neg)
	}
	return &predExpr{x: x, src: e, neg: neg}
}

func (sp *segPlan) nullPredicate(i int, n *plan.IsNull, neg bool) predicate {
	c := sp.cols[i]
	want := n.Negated == neg // rows that are NULL are wanted
	switch {
	case !c.hasNulls():
		return predConst(!want)
	case c.isDict():
		set := rangeSet(uint32(c.vals.N), 0, uint32(c.vals.N))
		if want {
			set = rangeSet(uint32(c.vals.N), 0, 0)
		}
		return settle(&predIDs{col: i, set: set, nulls: want, src: n, neg: neg})
	}
	return &predNull{col: i, negated: !want, src: n, neg: neg}
}

func rangePredicate(i int, rs []segment.ValueRange, e plan.Expr, neg bool) predicate {
	var out predOr
	for _, r := range rs {
		p := &predRange{col: i, r: r, src: e, neg: neg}
		if !emptyRange(p) {
			out = append(out, p)
		}
	}
	switch len(out) {
	case 0:
		return predConst(false)
	case 1:
		return out[0]
	}
	return out
}

// comparison is a condition "column op constant".
type comparison struct {
	op string // "=", "<>", "<", "<=", ">", ">="
	v  column.Value
}

// negatedOps gives the operator of a negated comparison: for values that are
// not NULL it is true exactly when the other is false.
var negatedOps = map[string]string{"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}

// mirrored gives the operator with its sides exchanged.
var mirrored = map[string]string{"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}

// asComparison recognises a comparison of column i with a constant that is
// stored and ordered as the column is.
func asComparison(e plan.Expr, i int, typ schema.Type, neg bool) (comparison, bool) {
	call, ok := e.(*plan.Call)
	if !ok || len(call.Args) != 2 || mirrored[call.Fn.Name] == "" || typ.ID == schema.TypeChar {
		return comparison{}, false
	}
	op, l, r := call.Fn.Name, call.Args[0], call.Args[1]
	if _, ok := l.(*plan.Const); ok {
		op, l, r = mirrored[op], r, l
	}
	ref, isRef := l.(*plan.ColRef)
	k, isConst := r.(*plan.Const)
	if !isRef || !isConst || ref.Index != i || k.Value.Null || !sameValues(k.Value.Type, typ) || !plainOrder(typ) {
		return comparison{}, false
	}
	if neg {
		op = negatedOps[op]
	}
	return comparison{op: op, v: k.Value}, true
}

// plainOrder reports whether SQL compares values of the type as dictionaries
// and ranges order them.
func plainOrder(t schema.Type) bool {
	switch t.ID {
	case schema.TypeJSON, schema.TypeJSONB, schema.TypeChar, schema.TypeInterval, schema.TypeRecord:
		return false
	}
	return !t.List
}

// rawRanges turns a comparison with a raw column of a fixed width into ranges
// of values.
func rawRanges(c *segCol, e plan.Expr, neg bool) ([]segment.ValueRange, bool) {
	if c.cast || c.seq {
		return nil, false
	}
	cond, ok := asComparison(e, columnsOf(e)[0], c.typ, neg)
	if !ok {
		return nil, false
	}
	switch c.typ.Kind() {
	case schema.KindInt32:
		return intRanges(cond, math.MinInt32, math.MaxInt32), true
	case schema.KindInt64:
		return intRanges(cond, math.MinInt64, math.MaxInt64), true
	case schema.KindFloat32, schema.KindFloat64:
		return floatRanges(cond, c.typ.Kind() == schema.KindFloat32), true
	}
	return nil, false
}

// intRange is a range of an integer column.
func intRange(lo, hi int64) segment.ValueRange { return segment.ValueRange{LoInt: lo, HiInt: hi} }

func intRanges(c comparison, lowest, highest int64) []segment.ValueRange {
	v := c.v.I
	below := func() []segment.ValueRange {
		if v == lowest {
			return nil
		}
		return []segment.ValueRange{intRange(lowest, v-1)}
	}
	above := func() []segment.ValueRange {
		if v == highest {
			return nil
		}
		return []segment.ValueRange{intRange(v+1, highest)}
	}
	switch c.op {
	case "=":
		return []segment.ValueRange{intRange(v, v)}
	case "<":
		return below()
	case ">":
		return above()
	case "<=":
		return []segment.ValueRange{intRange(lowest, v)}
	case ">=":
		return []segment.ValueRange{intRange(v, highest)}
	}
	return append(below(), above()...)
}
