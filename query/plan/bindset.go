package plan

import (
	"slices"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

var setKinds = map[pg.SetOperation]SetOpKind{
	pg.SetOperation_SETOP_UNION: SetUnion, pg.SetOperation_SETOP_INTERSECT: SetIntersect, pg.SetOperation_SETOP_EXCEPT: SetExcept,
}

var setNames = [...]string{"UNION", "INTERSECT", "EXCEPT"}

// setOperation binds UNION, INTERSECT or EXCEPT.
func (b *binder) setOperation(s *pg.SelectStmt, sc *scope) (*query, error) {
	body := &setBody{kind: setKinds[s.Op], all: s.All}
	var err error
	if body.left, err = b.query(s.Larg, sc); err != nil {
		return nil, err
	}
	if body.right, err = b.query(s.Rarg, sc); err != nil {
		return nil, err
	}
	name := setNames[body.kind]
	l, r := body.left.visibleCols(), body.right.visibleCols()
	if len(l) != len(r) {
		return nil, sqlerr.New(sqlerr.SyntaxError, "each %s query must have the same number of columns", name).At(selectLoc(s.Rarg))
	}
	types := make([]schema.Type, len(l))
	cols := make([]queryCol, len(l))
	for i := range l {
		if l[i].record != nil || r[i].record != nil {
			return nil, sqlerr.Unsupported("a row value in " + name)
		}
		t, ok := fn.CommonType([]schema.Type{l[i].typ, r[i].typ})
		if !ok {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, "%s types %s and %s cannot be matched", name, plainType(l[i].typ), plainType(r[i].typ)).
				At(targetLoc(s.Rarg, i))
		}
		types[i] = t
		cols[i] = queryCol{name: l[i].name, typ: t}
	}
	if err := b.castColumns(body.left, types, -1); err != nil {
		return nil, err
	}
	if err := b.castColumns(body.right, types, -1); err != nil {
		return nil, err
	}
	q := &query{body: body, cols: cols}
	return q, b.setOrder(q, s)
}

// selectLoc is the position of the first output expression of a SELECT.
func selectLoc(s *pg.SelectStmt) int { return targetLoc(s, 0) }

func targetLoc(s *pg.SelectStmt, i int) int {
	for s.GetLarg() != nil {
		s = s.Larg
	}
	if i < len(s.GetTargetList()) {
		return nodeLoc(s.TargetList[i])
	}
	return -1
}

// setOrder binds ORDER BY over output columns: names or numbers.
func (b *binder) setOrder(q *query, s *pg.SelectStmt) error {
	for _, n := range s.SortClause {
		k := n.GetSortBy()
		col, err := b.setColumn(q, k.Node)
		if err != nil {
			return err
		}
		if k.SortbyDir == pg.SortByDir_SORTBY_USING {
			return sqlerr.Unsupported("ORDER BY USING").At(int(k.Location))
		}
		q.order = append(q.order, setKey{col: col, desc: isDesc(k), nullsFirst: nullsFirst(k)})
	}
	return nil
}

func (b *binder) setColumn(q *query, n *pg.Node) (int, error) {
	if c := n.GetAConst().GetIval(); c != nil || n.GetAConst() != nil && n.GetAConst().Val != nil {
		i := int(c.GetIval())
		if i < 1 || i > len(q.cols) {
			return 0, sqlerr.New(sqlerr.InvalidColumnReference, "ORDER BY position %d is not in select list", i).At(nodeLoc(n))
		}
		return i - 1, nil
	}
	c := n.GetColumnRef()
	if c == nil || len(c.Fields) != 1 || c.Fields[0].GetAStar() != nil {
		return 0, sqlerr.Unsupported("an expression in ORDER BY of a set operation or VALUES").At(nodeLoc(n)).
			WithHint("Name or number an output column, or move the query into FROM.")
	}
	id := b.idents(c)[0]
	i, m := findName(len(q.cols), func(i int) (string, bool) { return q.cols[i].name, true }, id)
	switch m {
	case noMatch:
		return 0, sqlerr.New(sqlerr.UndefinedColumn, "column %q does not exist", id.Name).At(nodeLoc(n))
	case doubleMatch:
		return 0, sqlerr.New(sqlerr.AmbiguousColumn, "ORDER BY %q is ambiguous", id.Name).At(nodeLoc(n))
	}
	return i, nil
}

// values binds VALUES.
func (b *binder) values(s *pg.SelectStmt, sc *scope) (*query, error) {
	x := exprBinder{binder: b, sc: &scope{parent: sc}, clause: "VALUES"}
	body := &valuesBody{}
	for _, n := range s.ValuesLists {
		nodes := n.GetList().GetItems()
		if len(body.rows) > 0 && len(nodes) != len(body.rows[0]) {
			return nil, sqlerr.New(sqlerr.SyntaxError, "VALUES lists must all be the same length").At(nodeLoc(nodes[0]))
		}
		row, err := x.exprs(nodes)
		if err != nil {
			return nil, err
		}
		body.rows = append(body.rows, row)
	}
	q := &query{body: body}
	for i := range body.rows[0] {
		t, err := x.valuesColumn(body, s, i)
		if err != nil {
			return nil, err
		}
		q.cols = append(q.cols, queryCol{name: "column" + itoa(i+1), typ: t})
	}
	return q, b.setOrder(q, s)
}

// valuesColumn gives column i of VALUES one type; it stays untyped if nothing
// in it has one.
func (x *exprBinder) valuesColumn(body *valuesBody, s *pg.SelectStmt, i int) (schema.Type, error) {
	col := make([]Expr, len(body.rows))
	untyped := true
	for k, r := range body.rows {
		if _, isRecord := r[i].(*recordExpr); isRecord {
			return schema.Type{}, sqlerr.Unsupported("a row value in VALUES")
		}
		col[k] = r[i]
		untyped = untyped && r[i].Type().ID == schema.TypeUnknown
	}
	if untyped {
		return schema.Unknown, nil
	}
	locs := func(k int) int { return nodeLoc(s.ValuesLists[k].GetList().Items[i]) }
	col, t, err := x.commonType(col, "VALUES", locs)
	for k := range col {
		body.rows[k][i] = col[k]
	}
	return t, err
}

// settleQuery makes the output columns that are still untyped text.
func (b *binder) settleQuery(q *query, loc int) error {
	types := make([]schema.Type, len(q.cols))
	unknown := false
	for i, c := range q.cols {
		types[i] = c.typ
		if c.typ.ID == schema.TypeUnknown {
			types[i], unknown = schema.Text, true
		}
	}
	if !unknown {
		return nil
	}
	return b.castColumns(q, types, loc)
}

// castColumns converts the output columns of a query where its expressions
// are, so that untyped literals are read as the wanted type.
func (b *binder) castColumns(q *query, types []schema.Type, loc int) error {
	if slices.EqualFunc(q.cols[:len(types)], types, func(c queryCol, t schema.Type) bool { return c.typ == t }) {
		return nil
	}
	switch body := q.body.(type) {
	case *selectBody:
		return b.castTargets(q, body, types, loc)
	case *valuesBody:
		for _, row := range body.rows {
			for i, t := range types {
				e, err := b.coerce(row[i], t, true, loc)
				if err != nil {
					return err
				}
				row[i] = e
			}
		}
	case *setBody:
		if err := b.castColumns(body.left, types, loc); err != nil {
			return err
		}
		if err := b.castColumns(body.right, types, loc); err != nil {
			return err
		}
	}
	for i, t := range types {
		q.cols[i].typ = t
	}
	return nil
}

// castTargets converts the targets of a SELECT. Where they are sorted or
// deduplicated as they are, the conversion happens outside.
func (b *binder) castTargets(q *query, body *selectBody, types []schema.Type, loc int) error {
	for i, t := range types {
		old := body.targets[i].expr
		if q.cols[i].record != nil || old.Type() == t {
			continue
		}
		e, err := b.coerce(old, t, true, loc)
		if err != nil {
			return err
		}
		body.targets[i].expr = e
		q.cols[i].typ = t
		if body.unique {
			for k := range body.order {
				if equal(body.order[k].Expr, old) {
					body.order[k].Expr = e
				}
			}
		}
	}
	return nil
}

// with binds the common table expressions of WITH.
func (b *binder) with(w *pg.WithClause, sc *scope) error {
	for _, n := range w.Ctes {
		c := n.GetCommonTableExpr()
		for _, o := range sc.ctes {
			if o.name == c.Ctename {
				return sqlerr.New(sqlerr.DuplicateAlias, "WITH query name %q specified more than once", c.Ctename).At(int(c.Location))
			}
		}
		if err := b.cte(c, w.Recursive, sc); err != nil {
			return err
		}
	}
	return nil
}

func (b *binder) cte(c *pg.CommonTableExpr, recursive bool, sc *scope) error {
	loc := int(c.Location)
	sel := c.Ctequery.GetSelectStmt()
	if sel == nil {
		return sqlerr.Unsupported("a data-modifying statement in WITH").At(loc)
	}
	if c.SearchClause != nil || c.CycleClause != nil {
		return sqlerr.Unsupported("SEARCH and CYCLE").At(loc)
	}
	def := &cteDef{name: c.Ctename, materialized: c.Ctematerialized == pg.CTEMaterialize_CTEMaterializeAlways}
	if recursive && mentions(c.Ctequery, c.Ctename) {
		return b.recursiveCTE(def, c, sel, sc)
	}
	q, err := b.query(sel, sc)
	if err != nil {
		return err
	}
	if err := b.settleQuery(q, loc); err != nil {
		return err
	}
	def.query = q
	if err := def.setColumns(q, c); err != nil {
		return err
	}
	sc.ctes = append(sc.ctes, def)
	return nil
}

// setColumns sets the columns of a CTE from its query and its column list.
func (d *cteDef) setColumns(q *query, c *pg.CommonTableExpr) error {
	d.cols = slices.Clone(q.cols)
	list := names(c.Aliascolnames)
	if len(list) > len(q.visibleCols()) {
		return sqlerr.New(sqlerr.InvalidColumnReference, "WITH query %q has %d columns available but %d columns specified",
			d.name, len(q.visibleCols()), len(list)).At(int(c.Location))
	}
	for i, n := range list {
		d.cols[i].name = n
	}
	return nil
}

// recursiveCTE binds base UNION [ALL] step, where step reads the CTE.
func (b *binder) recursiveCTE(def *cteDef, c *pg.CommonTableExpr, sel *pg.SelectStmt, sc *scope) error {
	loc := int(c.Location)
	if sel.Op != pg.SetOperation_SETOP_UNION {
		return sqlerr.New(codeInvalidRecursion, "recursive query %q does not have the form non-recursive-term UNION [ALL] recursive-term", def.name).At(loc)
	}
	if len(sel.SortClause) > 0 || sel.LimitCount != nil || sel.LimitOffset != nil {
		return sqlerr.Unsupported("ORDER BY, LIMIT and OFFSET in a recursive query").At(loc)
	}
	inner := sc
	if sel.WithClause != nil {
		inner = &scope{parent: sc}
		if err := b.with(sel.WithClause, inner); err != nil {
			return err
		}
	}
	def.recursive, def.all = true, sel.All
	base, err := b.query(sel.Larg, inner)
	if err != nil {
		return err
	}
	if err := b.settleQuery(base, loc); err != nil {
		return err
	}
	base.ctes = append(slices.Clone(ctesOf(inner, sc)), base.ctes...)
	def.query = base
	if err := def.setColumns(base, c); err != nil {
		return err
	}
	sc.ctes = append(sc.ctes, def)
	if def.step, err = b.query(sel.Rarg, inner); err != nil {
		return err
	}
	return b.matchStep(def, loc)
}

func ctesOf(inner, sc *scope) []*cteDef {
	if inner == sc {
		return nil
	}
	return inner.ctes
}

// matchStep gives the step of a recursive query the types of its base.
func (b *binder) matchStep(def *cteDef, loc int) error {
	cols := def.step.visibleCols()
	if len(cols) != len(def.cols) {
		return sqlerr.New(sqlerr.SyntaxError, "each UNION query must have the same number of columns").At(loc)
	}
	types := make([]schema.Type, len(cols))
	for i := range cols {
		types[i] = def.cols[i].typ
		if t, ok := fn.CommonType([]schema.Type{types[i], cols[i].typ}); !ok || plainType(t) != plainType(types[i]) {
			return sqlerr.New(sqlerr.DatatypeMismatch,
				"recursive query %q column %d has type %s in non-recursive term but type %s overall", def.name, i+1, types[i], t).At(loc).
				WithHint("Cast the output of the non-recursive term to the correct type.")
		}
	}
	return b.castColumns(def.step, types, loc)
}
