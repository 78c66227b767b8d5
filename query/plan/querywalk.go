package plan

// eachRelation calls f for every relation of a part of FROM.
func eachRelation(it fromItem, f func(*relation)) {
	switch it := it.(type) {
	case *relItem:
		f(it.rel)
	case *joinItem:
		eachRelation(it.left, f)
		eachRelation(it.right, f)
	case *fromGroup:
		for _, x := range it.items {
			eachRelation(x, f)
		}
	}
}

// fromSlots calls f for the expressions that stand in FROM itself.
func fromSlots(it fromItem, f func(*Expr)) {
	switch it := it.(type) {
	case *relItem:
		if it.rel.call != nil {
			slotList(it.rel.call.Args, f)
		}
	case *joinItem:
		fromSlots(it.left, f)
		fromSlots(it.right, f)
		slotList(it.on, f)
	case *fromGroup:
		for _, x := range it.items {
			fromSlots(x, f)
		}
		slotList(it.where, f)
	}
}

func slotList(list []Expr, f func(*Expr)) {
	for i := range list {
		f(&list[i])
	}
}

// slots calls f for the expressions of a query itself, without those of
// queries inside it.
func (q *query) slots(f func(*Expr)) {
	opt := func(e *Expr) {
		if *e != nil {
			f(e)
		}
	}
	opt(&q.limit)
	opt(&q.offset)
	switch b := q.body.(type) {
	case *valuesBody:
		for _, r := range b.rows {
			slotList(r, f)
		}
	case *selectBody:
		fromSlots(b.from, f)
		slotList(b.groupBy, f)
		opt(&b.having)
		for i := range b.targets {
			f(&b.targets[i].expr)
		}
		slotList(b.on, f)
		for i := range b.order {
			f(&b.order[i].Expr)
		}
	}
}

// inner calls f for the queries directly inside a query, other than those in
// expressions.
func (q *query) inner(f func(*query)) {
	switch b := q.body.(type) {
	case *setBody:
		f(b.left)
		f(b.right)
	case *selectBody:
		eachRelation(b.from, func(r *relation) {
			if r.query != nil {
				f(r.query)
			}
		})
	}
	for _, c := range q.ctes {
		f(c.query)
		if c.step != nil {
			f(c.step)
		}
	}
}

// eachQueryExpr calls f for every expression of a query and of the queries
// inside it.
func eachQueryExpr(q *query, f func(Expr)) {
	q.slots(func(e *Expr) { walkDeep(*e, f) })
	q.inner(func(c *query) { eachQueryExpr(c, f) })
}

// walkDeep is walk that enters subqueries.
func walkDeep(e Expr, f func(Expr)) {
	walk(e, func(x Expr) bool {
		f(x)
		if s, ok := x.(*subExpr); ok {
			eachQueryExpr(s.query, f)
		}
		return true
	})
}

// substitute replaces expressions everywhere in a query and the queries inside
// it.
func substitute(q *query, f func(Expr) Expr) {
	q.slots(func(e *Expr) { *e = substituteExpr(*e, f) })
	q.inner(func(c *query) { substitute(c, f) })
}

func substituteExpr(e Expr, f func(Expr) Expr) Expr {
	return rewrite(e, func(x Expr) Expr {
		if s, ok := x.(*subExpr); ok {
			substitute(s.query, f)
		}
		return f(x)
	})
}

// relSet is a set of relations.
type relSet map[*relation]bool

func relsOf(it fromItem) relSet {
	s := relSet{}
	eachRelation(it, func(r *relation) { s[r] = true })
	return s
}

// used returns which of the relations of s an expression refers to, also from
// within subqueries.
func (s relSet) used(e Expr) relSet {
	out := relSet{}
	walkDeep(e, func(x Expr) {
		if v, ok := x.(*colVar); ok && s[v.rel] {
			out[v.rel] = true
		}
	})
	return out
}

func (s relSet) containsAll(o relSet) bool {
	for r := range o {
		if !s[r] {
			return false
		}
	}
	return true
}

func (s relSet) intersects(o relSet) bool {
	for r := range o {
		if s[r] {
			return true
		}
	}
	return false
}

func (s relSet) union(o relSet) relSet {
	out := make(relSet, len(s)+len(o))
	for r := range s {
		out[r] = true
	}
	for r := range o {
		out[r] = true
	}
	return out
}

// dependsOn returns which relations of s a part of FROM refers to laterally.
func dependsOn(it fromItem, s relSet) relSet {
	out := relSet{}
	note := func(x Expr) {
		if v, ok := x.(*colVar); ok && s[v.rel] {
			out[v.rel] = true
		}
	}
	fromSlots(it, func(e *Expr) { walkDeep(*e, note) })
	eachRelation(it, func(r *relation) {
		if r.query != nil {
			eachQueryExpr(r.query, note)
		}
	})
	for r := range relsOf(it) {
		delete(out, r)
	}
	return out
}
