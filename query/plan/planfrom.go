package plan

import (
	"slices"

	"github.com/alluviumdb/alluvium/query/fn"
)

// joiner plans an inner product of items with conditions on it.
type joiner struct {
	p     *planner
	outer *outerLink
	items []fromItem
	rels  []relSet // of each item
	deps  []relSet // siblings that an item refers to laterally
	local relSet   // all relations of the group

	own   [][]Expr // conditions on one item
	joins []Expr   // conditions on several
	tops  []Expr   // conditions on none
	semis []semi
}

// group plans items of FROM and the conditions on them.
func (p *planner) group(items []fromItem, where []Expr, outer *outerLink) (Node, *layout, error) {
	items, where = flatten(items, where)
	j := joiner{p: p, outer: outer, items: items, local: relSet{}}
	for _, it := range items {
		r := relsOf(it)
		j.rels = append(j.rels, r)
		j.local = j.local.union(r)
	}
	for _, it := range items {
		j.deps = append(j.deps, dependsOn(it, j.local))
	}
	j.own = make([][]Expr, len(items))
	for _, c := range where {
		j.place(c)
	}
	return j.plan()
}

// flatten merges inner joins and nested groups into one list of items and one
// of conditions, turning outer joins into inner ones where a condition refuses
// the rows that they would add.
func flatten(items []fromItem, where []Expr) ([]fromItem, []Expr) {
	var out []fromItem
	conds := slices.Clone(where)
	for i := 0; i < len(items); i++ {
		switch it := items[i].(type) {
		case *fromGroup:
			items = slices.Concat(items[:i], it.items, items[i+1:])
			conds = append(conds, it.where...)
			i--
		case *joinItem:
			kind := reduceJoin(it, conds)
			if kind == JoinInner {
				items = slices.Concat(items[:i], []fromItem{it.left, it.right}, items[i+1:])
				conds = append(conds, it.on...)
				i--
				continue
			}
			out = append(out, &joinItem{kind: kind, left: it.left, right: it.right, on: it.on})
		default:
			out = append(out, it)
		}
	}
	return out, conds
}

// reduceJoin returns the kind that a join has under conditions.
func reduceJoin(j *joinItem, conds []Expr) JoinKind {
	left, right := false, false // the side's missing rows are refused
	l, r := relsOf(j.left), relsOf(j.right)
	for _, c := range conds {
		left = left || refusesNulls(c, l)
		right = right || refusesNulls(c, r)
	}
	switch {
	case j.kind == JoinLeft && right, j.kind == JoinRight && left, j.kind == JoinFull && left && right:
		return JoinInner
	case j.kind == JoinFull && left:
		return JoinLeft
	case j.kind == JoinFull && right:
		return JoinRight
	}
	return j.kind
}

// refusesNulls reports whether a condition is not true wherever all columns of
// the relations are NULL.
func refusesNulls(c Expr, rels relSet) bool {
	switch c := c.(type) {
	case *IsNull:
		return c.Negated && nullFrom(c.Arg, rels)
	case *And:
		return slices.ContainsFunc(c.Args, func(e Expr) bool { return refusesNulls(e, rels) })
	case *Or:
		return !slices.ContainsFunc(c.Args, func(e Expr) bool { return !refusesNulls(e, rels) })
	case *Not:
		return nullFrom(c.Arg, rels)
	}
	return nullFrom(c, rels)
}

// nullFrom reports whether an expression is NULL wherever all columns of the
// relations are.
func nullFrom(e Expr, rels relSet) bool {
	switch e := e.(type) {
	case *colVar:
		return rels[e.rel]
	case *Call:
		if e.Fn.NullCall || e.Fn.Set {
			return false
		}
		return slices.ContainsFunc(e.Args, func(a Expr) bool { return nullFrom(a, rels) })
	case *Cast:
		return nullFrom(e.Arg, rels)
	case *In:
		return nullFrom(e.Arg, rels)
	case *Not:
		return nullFrom(e.Arg, rels)
	}
	return false
}

// place puts a condition where it belongs.
func (j *joiner) place(c Expr) {
	if s, ok := j.p.semiJoin(c, j.local); ok {
		j.semis = append(j.semis, s)
		return
	}
	used := j.local.used(c)
	if len(used) == 0 && (len(j.items) == 0 || !foldsAtBind(c)) {
		j.tops = append(j.tops, c)
		return
	}
	for i, r := range j.rels {
		if r.containsAll(used) {
			j.own[i] = append(j.own[i], c)
			return
		}
	}
	j.joins = append(j.joins, c)
}

func (j *joiner) plan() (Node, *layout, error) {
	n, l := oneRow(), newLayout(nil, j.outer)
	have := relSet{}
	left := make([]int, len(j.items))
	for i := range left {
		left[i] = i
	}
	for first := true; len(left) > 0; first = false {
		k := j.pick(left, have)
		i := left[k]
		left = slices.Delete(left, k, k+1)
		var err error
		if n, l, err = j.add(n, l, i, have, first); err != nil {
			return nil, nil, err
		}
		have = have.union(j.rels[i])
	}
	for _, s := range j.semis {
		var err error
		if n, err = j.semi(n, l, s); err != nil {
			return nil, nil, err
		}
	}
	n, err := j.p.filter(n, l, j.tops)
	return n, l, err
}

// pick chooses the next item: in the order of FROM, but one that a condition
// connects with what is there before one that none does.
func (j *joiner) pick(left []int, have relSet) int {
	fallback := -1
	for k, i := range left {
		if !have.containsAll(j.deps[i]) {
			continue
		}
		if fallback < 0 {
			fallback = k
		}
		if len(have) == 0 {
			break
		}
		with := have.union(j.rels[i])
		for _, c := range j.joins {
			used := j.local.used(c)
			if with.containsAll(used) && j.rels[i].intersects(used) {
				return k
			}
		}
	}
	// Lateral references form no cycles, so one item is always free.
	return max(fallback, 0)
}

// add joins item i with what is there.
func (j *joiner) add(n Node, l *layout, i int, have relSet, first bool) (Node, *layout, error) {
	outer := j.outer
	lateral := len(j.deps[i]) > 0
	if lateral {
		outer = &outerLink{layout: l}
	}
	rn, rl, err := j.p.item(j.items[i], j.own[i], outer)
	if err != nil {
		return nil, nil, err
	}
	if first {
		return rn, rl, nil
	}
	with := have.union(j.rels[i])
	var conds, rest []Expr
	for _, c := range j.joins {
		if with.containsAll(j.local.used(c)) {
			conds = append(conds, c)
		} else {
			rest = append(rest, c)
		}
	}
	j.joins = rest
	join, out, err := j.p.join(JoinInner, n, l, have, rn, rl, j.rels[i], conds)
	if err != nil {
		return nil, nil, err
	}
	join.Lateral = lateral
	if lateral {
		join.keysToResidual()
	}
	return join, out, nil
}

// keysToResidual makes a lateral join check its conditions row by row.
func (j *Join) keysToResidual() {
	if len(j.LeftKeys) == 0 {
		return
	}
	conds := conjuncts(j.Residual)
	shift := len(j.Left.Columns())
	for i := range j.LeftKeys {
		right := rewrite(j.RightKeys[i], func(e Expr) Expr {
			if c, ok := e.(*ColRef); ok {
				return &ColRef{Index: c.Index + shift, Name: c.Name, Typ: c.Typ}
			}
			return e
		})
		eq, _, err := fn.Resolve("=", []schemaType{j.LeftKeys[i].Type(), right.Type()}, fn.Postgres)
		if err != nil {
			return
		}
		conds = append(conds, &Call{Fn: eq, Args: []Expr{j.LeftKeys[i], right}, Typ: eq.Ret})
	}
	j.LeftKeys, j.RightKeys, j.Residual = nil, nil, conjoin(conds)
}

// join makes a join of two inputs under conditions.
func (p *planner) join(kind JoinKind, ln Node, ll *layout, lrels relSet, rn Node, rl *layout, rrels relSet, conds []Expr) (*Join, *layout, error) {
	both := &layout{exprs: append(slices.Clone(ll.exprs), rl.exprs...), outer: ll.outer}
	both = newLayout(both.exprs, ll.outer)
	out := &Join{Kind: kind, Left: ln, Right: rn, Out: append(slices.Clone(ln.Columns()), rn.Columns()...)}
	var residual []Expr
	for _, c := range conds {
		l, r, ok := keys(c, lrels, rrels)
		if !ok {
			x, err := p.lower(c, both)
			if err != nil {
				return nil, nil, err
			}
			residual = append(residual, x)
			continue
		}
		lk, err := p.lower(l, ll)
		if err != nil {
			return nil, nil, err
		}
		rk, err := p.lower(r, rl)
		if err != nil {
			return nil, nil, err
		}
		out.LeftKeys, out.RightKeys = append(out.LeftKeys, lk), append(out.RightKeys, rk)
	}
	out.Residual = conjoin(residual)
	if kind == JoinInner && len(conds) == 0 {
		out.Kind = JoinCross
	}
	return out, both, nil
}

// keys takes an equality apart into the key of each side.
func keys(c Expr, lrels, rrels relSet) (l, r Expr, ok bool) {
	eq, isCall := c.(*Call)
	if !isCall || eq.Fn.Name != "=" || len(eq.Args) != 2 {
		return nil, nil, false
	}
	a, b := eq.Args[0], eq.Args[1]
	if !hashable(a.Type(), b.Type()) || contains(c, func(e Expr) bool { _, sub := e.(*subExpr); return sub || unmergeable(e) }) {
		return nil, nil, false
	}
	aRels, bRels := lrels.union(rrels).used(a), lrels.union(rrels).used(b)
	if len(aRels) == 0 || len(bRels) == 0 {
		return nil, nil, false
	}
	switch {
	case lrels.containsAll(aRels) && rrels.containsAll(bRels):
		return a, b, true
	case lrels.containsAll(bRels) && rrels.containsAll(aRels):
		return b, a, true
	}
	return nil, nil, false
}

// item plans one item and the conditions on it alone.
func (p *planner) item(it fromItem, where []Expr, outer *outerLink) (Node, *layout, error) {
	switch it := it.(type) {
	case *relItem:
		return p.scan(it.rel, where, outer)
	case *joinItem:
		return p.outerJoin(it, where, outer)
	}
	g := it.(*fromGroup)
	return p.group(g.items, append(slices.Clone(g.where), where...), outer)
}

// outerJoin plans LEFT, RIGHT and FULL JOIN. Conditions of WHERE move to the
// side whose rows are kept, those of ON to the side whose rows are not.
func (p *planner) outerJoin(j *joinItem, where []Expr, outer *outerLink) (Node, *layout, error) {
	lrels, rrels := relsOf(j.left), relsOf(j.right)
	all := lrels.union(rrels)
	var lown, rown, on, above []Expr
	for _, c := range where {
		used := all.used(c)
		switch {
		case j.kind == JoinLeft && lrels.containsAll(used):
			lown = append(lown, c)
		case j.kind == JoinRight && rrels.containsAll(used):
			rown = append(rown, c)
		default:
			above = append(above, c)
		}
	}
	for _, c := range j.on {
		used := all.used(c)
		switch {
		case len(used) == 0:
			on = append(on, c)
		case j.kind == JoinLeft && rrels.containsAll(used):
			rown = append(rown, c)
		case j.kind == JoinRight && lrels.containsAll(used):
			lown = append(lown, c)
		default:
			on = append(on, c)
		}
	}
	ln, ll, err := p.group([]fromItem{j.left}, lown, outer)
	if err != nil {
		return nil, nil, err
	}
	router := outer
	lateral := len(dependsOn(j.right, lrels)) > 0
	if lateral {
		router = &outerLink{layout: ll}
	}
	rn, rl, err := p.group([]fromItem{j.right}, rown, router)
	if err != nil {
		return nil, nil, err
	}
	join, l, err := p.join(j.kind, ln, ll, lrels, rn, rl, rrels, on)
	if err != nil {
		return nil, nil, err
	}
	if join.Lateral = lateral; lateral {
		join.keysToResidual()
	}
	n, err := p.filter(join, l, above)
	return n, l, err
}
