package plan

import (
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// planner turns bound queries into operators.
type planner struct {
	ctx     *fn.Context
	dialect fn.Dialect
	uses    useCounts
	// ctes remembers where common table expressions are defined.
	ctes       map[*cteDef]*outerLink
	subqueries map[subqueryKey]*Subquery
}

// query plans a query whose surroundings are outer (nil for none).
func (p *planner) query(q *query, outer *outerLink) (Node, error) {
	for _, c := range q.ctes {
		c.node = nil
		p.ctes[c] = outer
	}
	switch b := q.body.(type) {
	case *selectBody:
		return p.selectPlan(q, b, outer)
	case *valuesBody:
		n, err := p.valuesPlan(q, b, outer)
		if err != nil {
			return nil, err
		}
		return p.orderAndLimit(n, q, outer)
	default:
		n, err := p.setPlan(q, b.(*setBody), outer)
		if err != nil {
			return nil, err
		}
		return p.orderAndLimit(n, q, outer)
	}
}

func outCols(cols []queryCol) []OutCol {
	out := make([]OutCol, len(cols))
	for i, c := range cols {
		out[i] = OutCol{Name: c.name, Type: c.typ}
	}
	return out
}

func (p *planner) valuesPlan(q *query, b *valuesBody, outer *outerLink) (Node, error) {
	v := &Values{Out: outCols(q.cols)}
	l := newLayout(nil, outer)
	for _, r := range b.rows {
		row, err := p.lowerAll(r, l)
		if err != nil {
			return nil, err
		}
		v.Rows = append(v.Rows, row)
	}
	return v, nil
}

func (p *planner) setPlan(q *query, b *setBody, outer *outerLink) (Node, error) {
	l, err := p.query(b.left, outer)
	if err != nil {
		return nil, err
	}
	r, err := p.query(b.right, outer)
	if err != nil {
		return nil, err
	}
	return &SetOp{Kind: b.kind, All: b.all, Left: l, Right: r, Out: outCols(q.cols)}, nil
}

// orderAndLimit adds ORDER BY over output columns, LIMIT and OFFSET.
func (p *planner) orderAndLimit(n Node, q *query, outer *outerLink) (Node, error) {
	if len(q.order) > 0 {
		s := &Sort{Input: n, Limit: -1}
		for _, k := range q.order {
			s.Keys = append(s.Keys, SortKey{Expr: columnRef(n, k.col), Desc: k.desc, NullsFirst: k.nullsFirst})
		}
		n = s
	}
	return p.limit(n, q, outer)
}

func columnRef(n Node, i int) *ColRef {
	c := n.Columns()[i]
	return &ColRef{Index: i, Name: c.Name, Typ: c.Type}
}

func (p *planner) limit(n Node, q *query, outer *outerLink) (Node, error) {
	if q.limit == nil && q.offset == nil {
		return n, nil
	}
	l := newLayout(nil, outer)
	out := &Limit{Input: n}
	var err error
	if q.limit != nil {
		if out.Count, err = p.lower(q.limit, l); err != nil {
			return nil, err
		}
	}
	if q.offset != nil {
		out.Offset, err = p.lower(q.offset, l)
	}
	return out, err
}

// selectPlan plans a SELECT in the order of its clauses.
func (p *planner) selectPlan(q *query, b *selectBody, outer *outerLink) (Node, error) {
	n, l, err := p.group(b.from.items, b.from.where, outer)
	if err != nil {
		return nil, err
	}
	distinctAsGroups(n, b)
	if b.grouped {
		if n, l, err = p.aggregate(n, l, b); err != nil {
			return nil, err
		}
	}
	if b.having != nil {
		if n, err = p.filter(n, l, conjuncts(b.having)); err != nil {
			return nil, err
		}
	}
	if n, l, err = p.windows(n, l, b); err != nil {
		return nil, err
	}
	return p.output(n, l, q, b, outer)
}

// distinctAsGroups makes SELECT DISTINCT over one table a grouping, which
// servers do.
func distinctAsGroups(n Node, b *selectBody) {
	if !b.unique || b.grouped || !fusable(n) {
		return
	}
	for _, t := range b.targets {
		if t.hidden || contains(t.expr, func(e Expr) bool { _, sub := e.(*subExpr); return sub || unmergeable(e) }) {
			return
		}
	}
	b.unique, b.grouped = false, true
	for _, t := range b.targets {
		if !slices.ContainsFunc(b.groupBy, func(e Expr) bool { return equal(e, t.expr) }) {
			b.groupBy = append(b.groupBy, t.expr)
		}
	}
}

// filter adds a Filter for conditions.
func (p *planner) filter(n Node, l *layout, conds []Expr) (Node, error) {
	if len(conds) == 0 {
		return n, nil
	}
	list, err := p.lowerAll(conds, l)
	if err != nil {
		return nil, err
	}
	return &Filter{Input: n, Cond: conjoin(list)}, nil
}

// aggregates lists the distinct aggregations of a SELECT.
func (b *selectBody) aggregates() []*aggExpr {
	var out []*aggExpr
	note := func(e Expr) {
		walk(e, func(x Expr) bool {
			a, ok := x.(*aggExpr)
			if ok && !slices.ContainsFunc(out, func(o *aggExpr) bool { return equal(o, a) }) {
				out = append(out, a)
			}
			return !ok
		})
	}
	b.eachOutput(note)
	if b.having != nil {
		note(b.having)
	}
	return out
}

// eachOutput calls f for what is computed after grouping.
func (b *selectBody) eachOutput(f func(Expr)) {
	for _, t := range b.targets {
		f(t.expr)
	}
	for _, k := range b.order {
		f(k.Expr)
	}
	each(b.on, f)
}

// aggregate groups: on the servers where everything can be computed there.
func (p *planner) aggregate(n Node, l *layout, b *selectBody) (Node, *layout, error) {
	aggs := b.aggregates()
	exprs := slices.Clone(b.groupBy)
	groups, err := p.lowerAll(b.groupBy, l)
	if err != nil {
		return nil, nil, err
	}
	calls := make([]AggCall, len(aggs))
	var out []OutCol
	for i, g := range b.groupBy {
		out = append(out, OutCol{Name: groupName(b, g, i), Type: g.Type()})
	}
	for i, a := range aggs {
		if calls[i], err = p.lowerAgg(&a.call, l); err != nil {
			return nil, nil, err
		}
		exprs = append(exprs, a)
		out = append(out, OutCol{Name: a.call.Spec.Name, Type: a.typ})
	}
	number := b.needsSetNumber()
	if number {
		exprs = append(exprs, setNumber{})
		out = append(out, OutCol{Name: "grouping set", Type: schema.Int32})
	}
	after := newLayout(exprs, l.outer)
	if fusable(n) {
		if leaf := p.leafAggregate(n.(*Leaf), groups, calls, out); leaf != nil {
			return &MergeAgg{Input: leaf, Groups: len(groups), Aggs: leaf.Aggs, GroupingSets: b.sets, NumberSets: number, Wanted: wantAll(), Out: out}, after, nil
		}
	}
	return &Aggregate{Input: n, GroupBy: groups, Aggs: calls, GroupingSets: b.sets, NumberSets: number, Out: out}, after, nil
}

// groupName names a group column for EXPLAIN.
func groupName(b *selectBody, g Expr, i int) string {
	if s := exprName(g); s != "" {
		return s
	}
	for _, t := range b.targets {
		if equal(t.expr, g) && t.name != noName {
			return t.name
		}
	}
	return "key" + itoa(i+1)
}

func (p *planner) lowerAgg(c *AggCall, l *layout) (AggCall, error) {
	var failed error
	out, _ := rewriteAgg(c, func(e Expr) Expr {
		x, err := p.lower(e, l)
		if err != nil {
			failed = err
			return nullExpr
		}
		return x
	})
	return out, failed
}

// leafAggregate moves grouping into a leaf; nil if a part of it needs the
// broker.
func (p *planner) leafAggregate(leaf *Leaf, groups []Expr, calls []AggCall, out []OutCol) *Leaf {
	inLeaf := func(e Expr) Expr { return overLeaf(leaf, e) }
	groups, _ = rewriteList(groups, inLeaf)
	aggs := make([]AggCall, len(calls))
	for i := range calls {
		if len(calls[i].OrderBy) > 0 {
			return nil
		}
		aggs[i], _ = rewriteAgg(&calls[i], inLeaf)
		ok := true
		aggs[i].eachExpr(func(e Expr) { ok = ok && leafSafe(e, p.dialect) })
		if !ok {
			return nil
		}
	}
	for _, g := range groups {
		if !leafSafe(g, p.dialect) {
			return nil
		}
	}
	l := *leaf
	l.Aggregate, l.Output, l.GroupBy, l.Aggs = true, nil, groups, aggs
	l.OutNames = nil
	for i := range groups {
		l.OutNames = append(l.OutNames, out[i].Name)
	}
	l.Out = leafColumns(&l)
	return &l
}

// overLeaf rewrites an expression over a leaf's output to one over its columns.
func overLeaf(leaf *Leaf, e Expr) Expr {
	return rewrite(e, func(x Expr) Expr {
		if c, ok := x.(*ColRef); ok {
			return leaf.Output[c.Index]
		}
		return x
	})
}

// fusable reports whether an operator is a leaf that returns plain rows, so
// that more work can be moved into it.
func fusable(n Node) bool {
	l, ok := n.(*Leaf)
	return ok && !l.Aggregate && l.Limit < 0 && len(l.OrderBy) == 0
}

// windows adds the columns of window functions.
func (p *planner) windows(n Node, l *layout, b *selectBody) (Node, *layout, error) {
	var calls []*windowExpr
	b.eachOutput(func(e Expr) {
		walk(e, func(x Expr) bool {
			w, ok := x.(*windowExpr)
			if ok && !slices.ContainsFunc(calls, w.equal) {
				calls = append(calls, w)
			}
			return !ok
		})
	})
	if len(calls) == 0 {
		return n, l, nil
	}
	w := &Window{Input: n, Out: slices.Clone(n.Columns())}
	exprs := slices.Clone(l.exprs)
	for _, c := range calls {
		var failed error
		call, _ := c.rewritten(func(e Expr) Expr {
			x, err := p.lower(e, l)
			if err != nil {
				failed = err
				return nullExpr
			}
			return x
		})
		if failed != nil {
			return nil, nil, failed
		}
		w.Calls = append(w.Calls, call)
		w.Out = append(w.Out, OutCol{Name: c.Func, Type: c.Typ})
		exprs = append(exprs, c)
	}
	return w, newLayout(exprs, l.outer), nil
}

// output adds the select list, DISTINCT, ORDER BY and LIMIT. Sort expressions
// that are no output are computed in extra columns, which are dropped at the
// end.
func (p *planner) output(n Node, l *layout, q *query, b *selectBody, outer *outerLink) (Node, error) {
	o := outputs{b: b}
	for _, t := range b.targets {
		o.exprs = append(o.exprs, t.expr)
		o.out = append(o.out, OutCol{Name: t.name, Type: t.expr.Type()})
	}
	keys := make([]SortKey, len(b.order))
	for i, k := range b.order {
		keys[i] = SortKey{Expr: o.ref(k.Expr), Desc: k.Desc, NullsFirst: k.NullsFirst}
	}
	var on []Expr
	for _, e := range b.on {
		on = append(on, o.ref(e))
	}
	o.origins()
	lowered, err := p.lowerAll(o.exprs, l)
	if err != nil {
		return nil, err
	}
	n = p.project(n, lowered, o.out)
	if b.unique {
		n = &Distinct{Input: n}
	}
	if len(keys) > 0 {
		n = &Sort{Input: n, Keys: keys, Limit: -1}
	}
	if on != nil {
		n = &Distinct{Input: n, On: on}
	}
	if n, err = p.limit(n, q, outer); err != nil {
		return nil, err
	}
	return dropColumns(n, len(b.targets)), nil
}

// outputs collects the expressions of a select list and of what sorts it.
type outputs struct {
	b     *selectBody
	exprs []Expr
	out   []OutCol
}

// ref returns the column that holds an expression, adding it if need be.
func (o *outputs) ref(e Expr) Expr {
	i := slices.IndexFunc(o.exprs, func(x Expr) bool { return equal(x, e) })
	if i < 0 {
		i = len(o.exprs)
		o.exprs = append(o.exprs, e)
		o.out = append(o.out, OutCol{Name: exprName(e), Type: e.Type()})
	}
	return &ColRef{Index: i, Name: o.out[i].Name, Typ: e.Type()}
}

// origins names the table columns behind output columns.
func (o *outputs) origins() {
	for i, e := range o.exprs {
		if v, ok := e.(*colVar); ok {
			c := &v.rel.cols[v.col]
			o.out[i].TableOID, o.out[i].AttNum = c.tableOID, c.attNum
		}
	}
}

// project computes expressions: in the leaf where it can, not at all where
// they are the columns as they are.
func (p *planner) project(n Node, exprs []Expr, out []OutCol) Node {
	if fusable(n) {
		leaf := n.(*Leaf)
		list := make([]Expr, len(exprs))
		ok := true
		for i, e := range exprs {
			list[i] = overLeaf(leaf, e)
			ok = ok && leafSafe(list[i], p.dialect)
		}
		if ok {
			l := *leaf
			l.Output, l.Out, l.OutNames = list, out, nil
			for _, c := range out {
				l.OutNames = append(l.OutNames, c.Name)
			}
			return &l
		}
	}
	if isIdentity(exprs, n.Columns()) && renameColumns(n, out) {
		return n
	}
	return &Project{Input: n, Exprs: exprs, Out: out}
}

// isIdentity reports whether expressions are the columns as they are.
func isIdentity(exprs []Expr, cols []OutCol) bool {
	if len(exprs) != len(cols) {
		return false
	}
	for i, e := range exprs {
		if c, ok := e.(*ColRef); !ok || c.Index != i {
			return false
		}
	}
	return true
}

// renameColumns gives the output of an operator, which nothing else refers to
// yet, other names; false if it has no output of its own.
func renameColumns(n Node, out []OutCol) bool {
	switch n := n.(type) {
	case *MergeAgg:
		n.Out = out
	case *Aggregate:
		n.Out = out
	case *Join:
		n.Out = out
	case *VirtualScan:
		n.Out = out
	case *FunctionScan:
		n.Out = out
	case *CTEScan:
		n.Out = out
	default:
		return false
	}
	return true
}

// dropColumns keeps the first k columns.
func dropColumns(n Node, k int) Node {
	cols := n.Columns()
	if len(cols) == k {
		return n
	}
	pr := &Project{Input: n, Out: slices.Clone(cols[:k])}
	for i := range k {
		pr.Exprs = append(pr.Exprs, columnRef(n, i))
	}
	return pr
}

// oneRow is the input of a SELECT without FROM.
func oneRow() Node { return &Values{Rows: [][]Expr{{}}} }

// isTrue reports whether a condition is the constant true.
func isTrue(e Expr) bool {
	c, ok := e.(*Const)
	return ok && c.Value.Type == schema.Bool && !c.Value.Null && c.Value.I != 0
}

func boolConst(b bool) *Const { return &Const{Value: column.BoolValue(b)} }
