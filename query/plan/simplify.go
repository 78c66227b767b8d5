package plan

import (
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// simplify rewrites a bound query before it is planned: subqueries in FROM that
// only rename, compute and filter are merged into the query around them,
// conditions move into those that remain, and outputs that nothing reads are
// dropped.
func simplify(ctx *fn.Context, q *query) {
	if b, ok := q.body.(*selectBody); ok {
		b.from.where = slices.DeleteFunc(b.from.where, func(e Expr) bool { return isTrue(fold(ctx, e, false)) })
		inlineCTEs(b.from)
		pullUp(q, b)
		pushConditions(b)
		pruneTargets(q, b)
	}
	q.slots(func(e *Expr) {
		walk(*e, func(x Expr) bool {
			if s, ok := x.(*subExpr); ok {
				if s.kind == SubqueryExists {
					dropTargets(s.query)
				}
				simplify(ctx, s.query)
			}
			return true
		})
	})
	q.inner(func(c *query) { simplify(ctx, c) })
}

// inlineCTEs makes subqueries of common table expressions that are used once.
func inlineCTEs(it fromItem) {
	eachRelation(it, func(r *relation) {
		if c := r.cte; c != nil && c.refs == 1 && !c.recursive && !c.materialized && !isVolatile(c.query) {
			r.query, r.cte = c.query, nil
			c.query = emptyQuery()
		}
	})
}

// emptyQuery stands in for a CTE that was inlined.
func emptyQuery() *query { return &query{body: &valuesBody{}} }

func isVolatile(q *query) bool {
	found := false
	eachQueryExpr(q, func(e Expr) {
		if c, ok := e.(*Call); ok && c.Fn.Volatility == fn.Volatile {
			found = true
		}
	})
	return found
}

// pullUp merges subqueries of FROM into the query.
func pullUp(q *query, b *selectBody) {
	for {
		p := puller{subst: map[*relation]*selectBody{}}
		b.from = p.item(b.from, false).(*fromGroup)
		if len(p.subst) == 0 {
			return
		}
		q.ctes = append(q.ctes, p.ctes...)
		substitute(q, p.replace)
		inlineCTEs(b.from)
	}
}

// puller finds subqueries to merge.
type puller struct {
	subst map[*relation]*selectBody
	ctes  []*cteDef
}

// item returns what stands in the place of a part of FROM; nullable tells that
// an outer join may make its columns NULL.
func (p *puller) item(it fromItem, nullable bool) fromItem {
	switch it := it.(type) {
	case *relItem:
		b := mergeable(it.rel.query, nullable)
		if b == nil {
			return it
		}
		p.subst[it.rel] = b
		p.ctes = append(p.ctes, it.rel.query.ctes...)
		return b.from
	case *joinItem:
		it.left = p.item(it.left, nullable || it.kind == JoinRight || it.kind == JoinFull)
		it.right = p.item(it.right, nullable || it.kind == JoinLeft || it.kind == JoinFull)
	case *fromGroup:
		for i := range it.items {
			it.items[i] = p.item(it.items[i], nullable)
		}
	}
	return it
}

func (p *puller) replace(e Expr) Expr {
	v, ok := e.(*colVar)
	if !ok {
		return e
	}
	b := p.subst[v.rel]
	if b == nil {
		return e
	}
	// The target may itself come from a subquery that is merged with this one.
	return substituteExpr(atLocation(b.targets[v.col].expr, v.loc), p.replace)
}

// mergeable returns the body of a subquery that can be merged, else nil.
func mergeable(q *query, nullable bool) *selectBody {
	if q == nil || q.limit != nil || q.offset != nil {
		return nil
	}
	b, ok := q.body.(*selectBody)
	if !ok || b.grouped || b.unique || len(b.on) > 0 || len(b.order) > 0 {
		return nil
	}
	if nullable && len(b.from.items) == 0 {
		return nil
	}
	for _, t := range b.targets {
		if _, isVar := t.expr.(*colVar); nullable && !isVar {
			return nil
		}
		if contains(t.expr, unmergeable) {
			return nil
		}
	}
	return b
}

// unmergeable holds for expressions that must be computed where they are.
func unmergeable(e Expr) bool {
	switch e := e.(type) {
	case *Call:
		return e.Fn.Set || e.Fn.Volatility == fn.Volatile
	case *aggExpr, *windowExpr, *groupingExpr, setNumber:
		return true
	}
	return false
}

// pushConditions moves conditions of WHERE into the subqueries that alone they
// speak of.
func pushConditions(b *selectBody) {
	for _, it := range b.from.items {
		r, ok := it.(*relItem)
		if !ok || r.rel.query == nil {
			continue
		}
		self := relSet{r.rel: true}
		var keep []Expr
		for _, c := range b.from.where {
			if onlyRefersTo(c, r.rel) && len(self.used(c)) == 1 && canPush(r.rel.query, r.rel, c) {
				push(r.rel.query, r.rel, c)
				continue
			}
			keep = append(keep, c)
		}
		b.from.where = keep
	}
}

// onlyRefersTo reports whether an expression has no subquery and no columns of
// other relations.
func onlyRefersTo(e Expr, rel *relation) bool {
	return !contains(e, func(x Expr) bool {
		if v, ok := x.(*colVar); ok {
			return v.rel != rel
		}
		_, isSub := x.(*subExpr)
		return isSub || unmergeable(x)
	})
}

// canPush reports whether filtering the rows of a query's input by a condition
// on its output is the same as filtering its output.
func canPush(q *query, rel *relation, cond Expr) bool {
	if q.limit != nil || q.offset != nil {
		return false
	}
	switch b := q.body.(type) {
	case *setBody:
		return canPush(b.left, rel, cond) && canPush(b.right, rel, cond)
	case *selectBody:
		if len(b.on) > 0 || b.sets != nil {
			return false
		}
		for _, t := range b.targets {
			if contains(t.expr, func(e Expr) bool { _, w := e.(*windowExpr); return w }) {
				return false
			}
		}
		return !contains(cond, func(e Expr) bool {
			v, ok := e.(*colVar)
			return ok && !pushableTarget(b, v.col)
		})
	}
	return false
}

// pushableTarget reports whether an output is a function of each input row, or
// of the group that the row belongs to.
func pushableTarget(b *selectBody, i int) bool {
	e := b.targets[i].expr
	if contains(e, func(x Expr) bool { _, sub := x.(*subExpr); return sub || unmergeable(x) }) {
		return false
	}
	if !b.grouped {
		return true
	}
	if len(b.groupBy) == 0 {
		return false
	}
	for _, g := range b.groupBy {
		if equal(g, e) {
			return true
		}
	}
	return false
}

func push(q *query, rel *relation, cond Expr) {
	switch b := q.body.(type) {
	case *setBody:
		push(b.left, rel, cond)
		push(b.right, rel, cond)
	case *selectBody:
		b.from.where = append(b.from.where, rewrite(cond, func(e Expr) Expr {
			if v, ok := e.(*colVar); ok && v.rel == rel {
				return b.targets[v.col].expr
			}
			return e
		}))
	}
}

// pruneTargets empties the outputs of subqueries in FROM that nothing reads.
func pruneTargets(q *query, b *selectBody) {
	uses := countUses(q)
	eachRelation(b.from, func(r *relation) {
		if r.query != nil {
			prune(r.query, func(i int) bool { return uses.count(r, i) == 0 })
		}
	})
}

func prune(q *query, unused func(int) bool) {
	switch b := q.body.(type) {
	case *setBody:
		if b.kind == SetUnion && b.all {
			prune(b.left, unused)
			prune(b.right, unused)
		}
	case *selectBody:
		for i := range b.targets {
			isSet := contains(b.targets[i].expr, func(e Expr) bool { c, ok := e.(*Call); return ok && (c.Fn.Set || c.Fn.Volatility == fn.Volatile) })
			if !b.unique && unused(i) && !isSet && q.cols[i].record == nil {
				b.targets[i].expr = &Const{Value: column.NullValue(q.cols[i].typ)}
			}
		}
	}
}

// dropTargets empties the select list of EXISTS (…), whose values do not
// matter. Aggregations stay: they decide the number of rows.
func dropTargets(q *query) {
	b, ok := q.body.(*selectBody)
	if !ok || b.grouped || len(b.on) > 0 || q.offset != nil {
		return
	}
	for i := range b.targets {
		if contains(b.targets[i].expr, unmergeable) {
			return
		}
	}
	b.unique, b.order = false, nil
	b.targets = []target{{name: "one", expr: &Const{Value: column.IntValue(schema.Int32, 1)}}}
	q.cols = []queryCol{{name: "one", typ: schema.Int32}}
}

// useCounts counts the references to each column of each relation.
type useCounts map[*relation][]int

func countUses(q *query) useCounts {
	u := useCounts{}
	eachQueryExpr(q, func(e Expr) { u.add(e, 1) })
	return u
}

func (u useCounts) add(e Expr, n int) {
	v, ok := e.(*colVar)
	if !ok {
		return
	}
	for len(u[v.rel]) <= v.col {
		u[v.rel] = append(u[v.rel], 0)
	}
	u[v.rel][v.col] += n
}

func (u useCounts) count(r *relation, col int) int {
	if c := u[r]; col < len(c) {
		return c[col]
	}
	return 0
}

// drop takes back the references of an expression that was moved into a scan.
func (u useCounts) drop(e Expr) {
	walkDeep(e, func(x Expr) { u.add(x, -1) })
}
