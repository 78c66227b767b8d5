package plan

import (
	"slices"
	"strings"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
)

// addItems makes names of FROM visible; a name may stand there once.
func addItems(sc *scope, items []*nsItem) error {
	for _, it := range items {
		for _, o := range sc.items {
			if it.relVisible && o.relVisible && it.name != "" && it.name == o.name && it.schema == o.schema {
				return sqlerr.New(sqlerr.DuplicateAlias, "table name %q specified more than once", it.name)
			}
		}
		sc.items = append(sc.items, it)
	}
	return nil
}

// fromItem binds an item of FROM. sc holds what LATERAL may see.
func (b *binder) fromItem(n *pg.Node, sc *scope) (fromItem, []*nsItem, error) {
	switch v := n.Node.(type) {
	case *pg.Node_RangeVar:
		return b.rangeVar(v.RangeVar, sc)
	case *pg.Node_RangeSubselect:
		return b.rangeSubselect(v.RangeSubselect, sc)
	case *pg.Node_RangeFunction:
		return b.rangeFunction(v.RangeFunction, sc)
	case *pg.Node_JoinExpr:
		return b.join(v.JoinExpr, sc)
	case *pg.Node_RangeTableSample:
		return nil, nil, sqlerr.Unsupported("TABLESAMPLE").At(int(v.RangeTableSample.Location))
	}
	return nil, nil, sqlerr.Unsupported(strings.TrimPrefix(constructName(n), "the expression ") + " in FROM")
}

// single wraps a relation as an item with its name.
func single(rel *relation, schemaName string) (fromItem, []*nsItem, error) {
	return &relItem{rel}, []*nsItem{{name: rel.name, schema: schemaName, rel: rel, relVisible: true, colsVisible: true}}, nil
}

func (b *binder) rangeVar(r *pg.RangeVar, sc *scope) (fromItem, []*nsItem, error) {
	loc := int(r.Location)
	if r.Schemaname == "" {
		if c := sc.lookupCTE(r.Relname); c != nil {
			return b.cteItem(c, r)
		}
	}
	ids := b.tableIdents(r)
	id := ids[len(ids)-1]
	schemaName := ""
	if len(ids) > 1 {
		schemaName = ids[len(ids)-2].Name
		if !ids[len(ids)-2].Quoted {
			schemaName = lower(schemaName)
		}
	}
	found, err := b.opt.Catalog.Relation(b.ctx, schemaName, id.Name, id.Quoted)
	if err != nil {
		return nil, nil, at(err, loc)
	}
	if found == nil {
		return nil, nil, b.undefinedTable(r, id, schemaName)
	}
	name := found.name()
	rel := newTableRelation(found, name)
	if r.Alias != nil {
		rel.name = r.Alias.Aliasname
		if err := rel.rename(names(r.Alias.Colnames)); err != nil {
			return nil, nil, at(err, loc)
		}
		schemaName = ""
	} else if schemaName == "" && found.Virtual != nil {
		schemaName = found.Virtual.Schema
	}
	return single(rel, schemaName)
}

func (r *Relation) name() string {
	if r.Table != nil {
		return r.Table.Name
	}
	return r.Virtual.Name
}

// tableIdents reads the spelling of a table name back from the text.
func (b *binder) tableIdents(r *pg.RangeVar) []identifier {
	var parts []string
	for _, p := range []string{r.Catalogname, r.Schemaname, r.Relname} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	ids := b.stmt.Idents(int(r.Location))
	if !b.sameNames(ids, parts) {
		ids = nil
		for _, p := range parts {
			ids = append(ids, identifier{Name: p, Quoted: true})
		}
	}
	if b.pinot() {
		for i := range ids {
			ids[i].Quoted = false
		}
	}
	return ids
}

func (b *binder) undefinedTable(r *pg.RangeVar, id identifier, schemaName string) error {
	name := r.Relname
	if schemaName != "" {
		name = schemaName + "." + name
	}
	e := sqlerr.New(sqlerr.UndefinedTable, "relation %q does not exist", name).At(int(r.Location))
	if near, ok := sqlerr.Nearest(id.Name, b.opt.Catalog.RelationNames()); ok {
		return e.WithHint("Did you mean %q?", near)
	}
	return e
}

func newQueryRelation(name string, q *query) *relation {
	rel := &relation{name: name, query: q}
	rel.addColumns(q.cols)
	return rel
}

func (r *relation) addColumns(cols []queryCol) {
	for _, c := range cols {
		r.cols = append(r.cols, relCol{name: c.name, typ: c.typ, hidden: c.hidden, record: c.record})
	}
}

func (b *binder) cteItem(c *cteDef, r *pg.RangeVar) (fromItem, []*nsItem, error) {
	c.refs++
	rel := &relation{name: c.name, cte: c}
	rel.addColumns(c.cols)
	if r.Alias != nil {
		rel.name = r.Alias.Aliasname
		if err := rel.rename(names(r.Alias.Colnames)); err != nil {
			return nil, nil, at(err, int(r.Location))
		}
	}
	return single(rel, "")
}

func (b *binder) rangeSubselect(r *pg.RangeSubselect, sc *scope) (fromItem, []*nsItem, error) {
	sel := r.Subquery.GetSelectStmt()
	if sel == nil {
		return nil, nil, sqlerr.Unsupported("this kind of subquery in FROM")
	}
	outer := sc
	if !r.Lateral {
		// What stands before in FROM is hidden, but known for errors.
		outer = &scope{parent: sc.parent, ctes: sc.ctes, pending: sc.items}
	}
	q, err := b.query(sel, outer)
	if err != nil {
		return nil, nil, err
	}
	if err := b.settleQuery(q, -1); err != nil {
		return nil, nil, err
	}
	rel := newQueryRelation("", q)
	if r.Alias != nil {
		rel.name = r.Alias.Aliasname
		if err := rel.rename(names(r.Alias.Colnames)); err != nil {
			return nil, nil, err
		}
	}
	return single(rel, "")
}

// newFunctionRelation makes a function a relation. One that returns a single
// column names it after itself, as its alias does.
func newFunctionRelation(name string, c *Call, ordinality bool) *relation {
	rel := &relation{name: name, call: c, ordinal: ordinality, scalar: !c.Fn.Set}
	switch {
	case len(c.Fn.SetCols) > 1:
		for _, s := range c.Fn.SetCols {
			rel.cols = append(rel.cols, relCol{name: s.Name, typ: s.Type})
		}
	default:
		rel.cols = append(rel.cols, relCol{name: name, typ: c.Typ})
	}
	if ordinality {
		rel.cols = append(rel.cols, relCol{name: "ordinality", typ: schema.Int64})
	}
	return rel
}

func (b *binder) rangeFunction(r *pg.RangeFunction, sc *scope) (fromItem, []*nsItem, error) {
	if len(r.Functions) != 1 {
		return nil, nil, sqlerr.Unsupported("ROWS FROM several functions")
	}
	if len(r.Coldeflist) > 0 {
		return nil, nil, sqlerr.Unsupported("a column definition list")
	}
	items := r.Functions[0].GetList().GetItems()
	if len(items) > 1 && len(items[1].GetList().GetItems()) > 0 {
		return nil, nil, sqlerr.Unsupported("a column definition list")
	}
	x := exprBinder{binder: b, sc: sc, clause: "functions in FROM"}
	call, name, err := x.tableFunction(items[0])
	if err != nil {
		return nil, nil, err
	}
	var cols []string
	if r.Alias != nil {
		name, cols = r.Alias.Aliasname, names(r.Alias.Colnames)
	}
	rel := newFunctionRelation(name, call, r.Ordinality)
	if err := rel.rename(cols); err != nil {
		return nil, nil, err
	}
	return single(rel, "")
}

// tableFunction binds the call of a function in FROM.
func (x *exprBinder) tableFunction(n *pg.Node) (*Call, string, error) {
	f := n.GetFuncCall()
	if f == nil {
		return x.tableExpr(n)
	}
	name, err := x.funcName(f)
	if err != nil {
		return nil, "", err
	}
	if agg.Exists(name) {
		return nil, "", sqlerr.New(sqlerr.GroupingError, "aggregate functions are not allowed in functions in FROM").At(int(f.Location))
	}
	args, err := x.exprs(f.Args)
	if err != nil {
		return nil, "", err
	}
	if name == "unnest" && len(args) > 1 {
		return nil, "", sqlerr.Unsupported("unnest of several arrays").At(int(f.Location))
	}
	e, err := x.call(name, args, int(f.Location))
	if err != nil {
		return nil, "", err
	}
	return e.(*Call), name, nil
}

// tableExpr is CURRENT_USER and the like in FROM.
func (x *exprBinder) tableExpr(n *pg.Node) (*Call, string, error) {
	e, err := x.expr(n)
	if err != nil {
		return nil, "", err
	}
	c, ok := e.(*Call)
	if !ok {
		return nil, "", sqlerr.Unsupported("an expression in FROM").At(nodeLoc(n))
	}
	name, _ := x.figureName(n)
	return c, name, nil
}

var joinKinds = map[pg.JoinType]JoinKind{
	pg.JoinType_JOIN_INNER: JoinInner, pg.JoinType_JOIN_LEFT: JoinLeft,
	pg.JoinType_JOIN_RIGHT: JoinRight, pg.JoinType_JOIN_FULL: JoinFull,
}

func (b *binder) join(j *pg.JoinExpr, sc *scope) (fromItem, []*nsItem, error) {
	kind, ok := joinKinds[j.Jointype]
	if !ok {
		return nil, nil, sqlerr.Unsupported("this kind of join")
	}
	left, leftNames, err := b.fromItem(j.Larg, sc)
	if err != nil {
		return nil, nil, err
	}
	inner := &scope{parent: sc.parent, ctes: sc.ctes, items: slices.Clone(sc.items), pending: sc.pending}
	if kind == JoinInner || kind == JoinLeft {
		if err := addItems(inner, leftNames); err != nil {
			return nil, nil, err
		}
	}
	right, rightNames, err := b.fromItem(j.Rarg, inner)
	if err != nil {
		return nil, nil, err
	}
	item := &joinItem{kind: kind, left: left, right: right}
	all := append(slices.Clone(leftNames), rightNames...)
	if err := addItems(&scope{}, all); err != nil {
		return nil, nil, err
	}
	using := names(j.UsingClause)
	if j.IsNatural {
		using = naturalColumns(leftNames, rightNames)
	}
	switch {
	case len(using) > 0 || j.IsNatural:
		if all, err = b.joinUsing(item, using, leftNames, rightNames, j); err != nil {
			return nil, nil, err
		}
	case j.Quals != nil:
		// The condition sees the two sides of the join only.
		x := exprBinder{binder: b, sc: &scope{parent: sc.parent, ctes: sc.ctes, items: all, pending: sc.items}, clause: "JOIN conditions"}
		cond, err := x.condition(j.Quals, "JOIN/ON")
		if err != nil {
			return nil, nil, err
		}
		item.on = conjuncts(cond)
	}
	if j.Alias != nil {
		all, err = aliasJoin(j.Alias, all)
	}
	return item, all, err
}

// aliasJoin hides what is inside (a JOIN b) AS name.
func aliasJoin(a *pg.Alias, items []*nsItem) ([]*nsItem, error) {
	j := &nsItem{name: a.Aliasname, relVisible: true, colsVisible: true}
	for _, it := range items {
		if it.colsVisible {
			j.cols = append(j.cols, it.columns(-1)...)
		}
	}
	cols := names(a.Colnames)
	if len(cols) > len(j.cols) {
		return nil, sqlerr.New(sqlerr.InvalidColumnReference, "table %q has %d columns available but %d columns specified",
			a.Aliasname, len(j.cols), len(cols))
	}
	for i, n := range cols {
		j.cols[i].name = n
	}
	return []*nsItem{j}, nil
}

// naturalColumns lists the column names that both sides of NATURAL JOIN have.
func naturalColumns(left, right []*nsItem) []string {
	var out []string
	for _, c := range visibleColumns(left) {
		for _, d := range visibleColumns(right) {
			if c.name == d.name && !slices.Contains(out, c.name) {
				out = append(out, c.name)
			}
		}
	}
	return out
}

func visibleColumns(items []*nsItem) []nsCol {
	var out []nsCol
	for _, it := range items {
		if it.colsVisible {
			out = append(out, it.columns(-1)...)
		}
	}
	return out
}

// joinUsing adds the equalities of USING and makes the join's own columns: the
// merged ones first, then the rest of both sides.
func (b *binder) joinUsing(item *joinItem, using []string, left, right []*nsItem, j *pg.JoinExpr) ([]*nsItem, error) {
	merged := &nsItem{colsVisible: true}
	for _, name := range using {
		l, err := usingColumn(left, name, "left")
		if err != nil {
			return nil, err
		}
		r, err := usingColumn(right, name, "right")
		if err != nil {
			return nil, err
		}
		cond, err := b.call("=", []Expr{l, r}, -1)
		if err != nil {
			return nil, err
		}
		item.on = append(item.on, cond)
		e, err := b.mergedColumn(item.kind, l, r)
		if err != nil {
			return nil, err
		}
		merged.cols = append(merged.cols, nsCol{name, e})
	}
	all := append(slices.Clone(left), right...)
	for _, c := range visibleColumns(all) {
		if !slices.Contains(using, c.name) {
			merged.cols = append(merged.cols, c)
		}
	}
	if j.JoinUsingAlias != nil {
		merged.name, merged.relVisible = j.JoinUsingAlias.Aliasname, true
	}
	for i, it := range all {
		hidden := *it
		hidden.colsVisible = false
		all[i] = &hidden
	}
	return append(all, merged), nil
}

func usingColumn(items []*nsItem, name, side string) (Expr, error) {
	e, m := (&scope{items: items}).column(identifier{Name: name, Quoted: true}, -1)
	switch m {
	case noMatch:
		return nil, sqlerr.New(sqlerr.UndefinedColumn, "column %q specified in USING clause does not exist in %s table", name, side)
	case doubleMatch:
		return nil, sqlerr.New(sqlerr.AmbiguousColumn, "common column name %q appears more than once in %s table", name, side)
	}
	return e, nil
}

// mergedColumn is the value of a USING column: that of the side that is always
// there, of whichever is there for FULL.
func (b *binder) mergedColumn(kind JoinKind, l, r Expr) (Expr, error) {
	switch kind {
	case JoinRight:
		return r, nil
	case JoinFull:
		list, t, err := b.commonType([]Expr{l, r}, "JOIN/USING", func(int) int { return -1 })
		if err != nil {
			return nil, err
		}
		return coalesceOf(list, t), nil
	}
	if l.Type() != r.Type() {
		if t, ok := fn.CommonType([]schema.Type{l.Type(), r.Type()}); ok && t != l.Type() {
			return &Cast{Arg: l, Typ: t}, nil
		}
	}
	return l, nil
}
