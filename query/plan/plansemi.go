package plan

// semi is a condition EXISTS (…) or x IN (…) that can be answered by a semi
// join: the subquery's own items, the conditions that connect it with the
// query around it, and the rest.
type semi struct {
	kind  JoinKind // JoinSemi or JoinAnti
	body  *selectBody
	rels  relSet // of the subquery
	conds []Expr
	inner []Expr
}

// semiJoin recognises a condition that is a semi join with the relations of
// local.
func (p *planner) semiJoin(c Expr, local relSet) (semi, bool) {
	s := semi{kind: JoinSemi}
	if n, ok := c.(*Not); ok {
		s.kind, c = JoinAnti, n.Arg
	}
	sub, ok := c.(*subExpr)
	if !ok || sub.kind != SubqueryExists && (sub.kind != SubqueryAny || s.kind == JoinAnti || sub.op.fn.Name != "=") {
		return s, false
	}
	b := plainBody(sub.query)
	if b == nil {
		return s, false
	}
	s.body, s.rels = b, relsOf(b.from)
	if !s.split(local) {
		return s, false
	}
	if sub.kind == SubqueryAny {
		s.conds = append(s.conds, &Call{Fn: sub.op.fn, Args: []Expr{sub.arg, b.targets[0].expr}, Typ: sub.typ})
	}
	return s, s.keyed(local)
}

// plainBody returns the body of a query that only filters a product.
func plainBody(q *query) *selectBody {
	b, ok := q.body.(*selectBody)
	if !ok || b.grouped || len(b.on) > 0 || q.limit != nil || q.offset != nil || len(q.ctes) > 0 || len(b.from.items) == 0 {
		return nil
	}
	for _, t := range b.targets {
		if contains(t.expr, unmergeable) {
			return nil
		}
	}
	return b
}

// split separates the conditions that refer to the query around; false if
// something else does.
func (s *semi) split(local relSet) bool {
	items, where := flatten(s.body.from.items, s.body.from.where)
	for _, it := range items {
		if len(dependsOn(it, local)) > 0 {
			return false
		}
	}
	for _, c := range where {
		if len(local.used(c)) == 0 {
			s.inner = append(s.inner, c)
			continue
		}
		if contains(c, func(e Expr) bool { _, sub := e.(*subExpr); return sub }) {
			return false
		}
		s.conds = append(s.conds, c)
	}
	return true
}

// keyed reports whether an equality connects the two sides.
func (s *semi) keyed(local relSet) bool {
	for _, c := range s.conds {
		if _, _, ok := keys(c, local, s.rels); ok {
			return true
		}
	}
	return false
}

// semi joins the subquery of a condition.
func (j *joiner) semi(n Node, l *layout, s semi) (Node, error) {
	items, _ := flatten(s.body.from.items, s.body.from.where)
	rn, rl, err := j.p.group(items, s.inner, j.outer)
	if err != nil {
		return nil, err
	}
	join, _, err := j.p.join(s.kind, n, l, j.local, rn, rl, s.rels, s.conds)
	if err != nil {
		return nil, err
	}
	join.Out = join.Out[:len(n.Columns())]
	return join, nil
}
