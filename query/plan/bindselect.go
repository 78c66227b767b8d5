package plan

import (
	"fmt"
	"slices"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/sql"
)

// query binds a query inside the scope of another; outer may be nil. Columns
// of untyped literals stay untyped: see settleQuery.
func (b *binder) query(s *pg.SelectStmt, outer *scope) (*query, error) {
	sc := outer
	var ctes []*cteDef
	if s.WithClause != nil {
		sc = &scope{parent: outer}
		if err := b.with(s.WithClause, sc); err != nil {
			return nil, err
		}
		ctes = sc.ctes
	}
	if err := refuseClauses(s); err != nil {
		return nil, err
	}
	q, err := b.queryBody(s, sc)
	if err != nil {
		return nil, err
	}
	q.ctes = ctes
	return q, b.limits(q, s, sc)
}

func refuseClauses(s *pg.SelectStmt) error {
	switch {
	case s.IntoClause != nil:
		return sqlerr.Unsupported("SELECT INTO").At(int(s.IntoClause.GetRel().GetLocation()))
	case s.LimitOption == pg.LimitOption_LIMIT_OPTION_WITH_TIES:
		return sqlerr.Unsupported("FETCH FIRST … WITH TIES")
	case len(s.LockingClause) > 0:
		return sqlerr.Unsupported("SELECT … FOR UPDATE or FOR SHARE")
	case s.GroupDistinct:
		return sqlerr.Unsupported("GROUP BY DISTINCT")
	}
	return nil
}

func (b *binder) queryBody(s *pg.SelectStmt, sc *scope) (*query, error) {
	switch {
	case s.Op == pg.SetOperation_SETOP_UNION, s.Op == pg.SetOperation_SETOP_INTERSECT, s.Op == pg.SetOperation_SETOP_EXCEPT:
		return b.setOperation(s, sc)
	case len(s.ValuesLists) > 0:
		return b.values(s, sc)
	}
	return b.selectQuery(s, sc)
}

// limits binds LIMIT and OFFSET.
func (b *binder) limits(q *query, s *pg.SelectStmt, sc *scope) error {
	x := exprBinder{binder: b, sc: &scope{parent: sc}, clause: "LIMIT"}
	var err error
	if s.LimitCount != nil && !s.LimitCount.GetAConst().GetIsnull() {
		if q.limit, err = x.rowCount(s.LimitCount); err != nil {
			return err
		}
		if e, ok := b.stmt.Extensions[nodeLoc(s.LimitCount)]; ok && e.Kind == sql.ExtLimitOffset {
			if q.offset, err = x.limitOffset(e); err != nil {
				return err
			}
		}
	}
	if s.LimitOffset != nil && !s.LimitOffset.GetAConst().GetIsnull() {
		x.clause = "OFFSET"
		q.offset, err = x.rowCount(s.LimitOffset)
	}
	return err
}

func (x *exprBinder) rowCount(n *pg.Node) (Expr, error) {
	e, err := x.expr(n)
	if err != nil {
		return nil, err
	}
	if contains(e, func(e Expr) bool { _, ok := e.(*colVar); return ok }) {
		return nil, sqlerr.New(sqlerr.InvalidColumnReference, "argument of %s must not contain variables", x.clause).At(nodeLoc(n))
	}
	if e.Type() == schema.Int64 {
		return e, nil
	}
	return x.coerce(e, schema.Int64, true, nodeLoc(n))
}

// limitOffset reads the offset of LIMIT a, b.
func (x *exprBinder) limitOffset(e sql.Extension) (Expr, error) {
	var n int64
	if _, err := fmt.Sscanf(e.Text, "%d", &n); err == nil {
		return &Const{Value: column.IntValue(schema.Int64, n)}, nil
	}
	if _, err := fmt.Sscanf(e.Text, "$%d", &n); err != nil {
		return nil, sqlerr.New(sqlerr.SyntaxError, "LIMIT needs whole numbers").At(e.Start)
	}
	p, err := x.param(int(n), e.Start)
	if err != nil {
		return nil, err
	}
	return x.coerce(p, schema.Int64, true, e.Start)
}

// selectBinder binds one SELECT.
type selectBinder struct {
	*binder
	sc      *scope
	stmt    *pg.SelectStmt
	body    *selectBody
	cols    []queryCol
	nodes   []*pg.Node // syntax of the targets that are no expansion of *
	windows map[string]*pg.WindowDef
	setRels []*relation // functions of the select list that return rows

	hasAggs, hasWindows, hasSets, hasGrouping bool
}

func (b *binder) selectQuery(s *pg.SelectStmt, outer *scope) (*query, error) {
	sb := &selectBinder{
		binder: b, sc: &scope{parent: outer}, stmt: s,
		body: &selectBody{from: &fromGroup{}}, windows: map[string]*pg.WindowDef{},
	}
	for _, step := range []func() error{
		sb.from, sb.where, sb.namedWindows, sb.targets, sb.group, sb.having, sb.distinct, sb.order, sb.settleSets, sb.settleGrouping, sb.checkGrouping,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	q := &query{body: sb.body, cols: sb.cols}
	q.expandRecords(sb.body)
	return q, nil
}

// exprs returns a binder of expressions for a clause.
func (sb *selectBinder) exprs(clause string) *exprBinder {
	return &exprBinder{binder: sb.binder, sc: sb.sc, sel: sb, clause: clause}
}

func (sb *selectBinder) from() error {
	for _, n := range sb.stmt.FromClause {
		item, names, err := sb.fromItem(n, sb.sc)
		if err != nil {
			return err
		}
		if err := addItems(sb.sc, names); err != nil {
			return err
		}
		sb.body.from.items = append(sb.body.from.items, item)
	}
	return nil
}

func (sb *selectBinder) where() error {
	if sb.stmt.WhereClause == nil {
		return nil
	}
	x := sb.exprs("WHERE")
	x.direct = true
	e, err := x.condition(sb.stmt.WhereClause, "WHERE")
	if err != nil {
		return err
	}
	sb.body.from.where = append(sb.body.from.where, conjuncts(e)...)
	return nil
}

func (sb *selectBinder) namedWindows() error {
	for _, n := range sb.stmt.WindowClause {
		d := n.GetWindowDef()
		if sb.windows[d.Name] != nil {
			return sqlerr.New(codeWindowing, "window %q is already defined", d.Name).At(int(d.Location))
		}
		sb.windows[d.Name] = d
	}
	return nil
}

// window resolves OVER name and OVER (name …).
func (sb *selectBinder) window(d *pg.WindowDef) (*pg.WindowDef, error) {
	name := d.Name
	if d.Refname != "" {
		if len(d.PartitionClause)+len(d.OrderClause) > 0 {
			return nil, sqlerr.Unsupported("a window that changes another").At(int(d.Location))
		}
		name = d.Refname
	}
	if name == "" {
		return d, nil
	}
	def := sb.windows[name]
	switch {
	case def == nil:
		return nil, sqlerr.New(sqlerr.UndefinedObject, "window %q does not exist", name).At(int(d.Location))
	case def == d:
		return d, nil
	case def.Refname != "":
		return nil, sqlerr.Unsupported("a window that changes another").At(int(def.Location))
	}
	return def, nil
}

func (sb *selectBinder) targets() error {
	for _, n := range sb.stmt.TargetList {
		rt := n.GetResTarget()
		star, err := sb.expandStar(rt.Val)
		if err != nil {
			return err
		}
		if star != nil {
			for _, c := range star {
				sb.addTarget(c.name, c.expr, nil)
			}
			continue
		}
		x := sb.exprs("the select list")
		x.aggs, x.windows, x.sets = true, true, true
		e, err := x.expr(rt.Val)
		if err != nil {
			return err
		}
		sb.addTarget(sb.headerName(rt, e), e, rt.Val)
	}
	return nil
}

// headerName names an output column: its alias, the schema's spelling of a
// column, or a name made from the expression.
func (sb *selectBinder) headerName(rt *pg.ResTarget, e Expr) string {
	if rt.Name != "" {
		if sb.pinot() {
			return sb.binder.stmt.AliasSpelling(int(rt.Location), rt.Name)
		}
		return rt.Name
	}
	if v, ok := e.(*colVar); ok && rt.Val.GetColumnRef() != nil {
		return v.rel.cols[v.col].name
	}
	return sb.targetName(rt.Val)
}

func (sb *selectBinder) addTarget(name string, e Expr, n *pg.Node) {
	sb.body.targets = append(sb.body.targets, target{name: name, expr: e})
	sb.cols = append(sb.cols, queryCol{name: name, typ: e.Type()})
	sb.nodes = append(sb.nodes, n)
}

// expandStar returns the columns of *, t.* or (row).*; nil for anything else.
func (sb *selectBinder) expandStar(n *pg.Node) ([]nsCol, error) {
	if c := n.GetColumnRef(); c != nil && c.Fields[len(c.Fields)-1].GetAStar() != nil {
		return sb.expandColumns(c)
	}
	a := n.GetAIndirection()
	if a == nil || a.Indirection[len(a.Indirection)-1].GetAStar() == nil {
		return nil, nil
	}
	inner := a.Arg
	if rest := a.Indirection[:len(a.Indirection)-1]; len(rest) > 0 {
		inner = &pg.Node{Node: &pg.Node_AIndirection{AIndirection: &pg.A_Indirection{Arg: a.Arg, Indirection: rest}}}
	}
	x := sb.exprs("the select list")
	x.aggs, x.sets = true, true
	e, err := x.expr(inner)
	if err != nil {
		return nil, err
	}
	r, ok := e.(*recordExpr)
	if !ok {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "type %s is not composite", e.Type()).At(nodeLoc(n))
	}
	out := make([]nsCol, len(r.fields))
	for i := range out {
		out[i] = nsCol{r.names[i], r.fields[i]}
	}
	return out, nil
}

func (sb *selectBinder) expandColumns(c *pg.ColumnRef) ([]nsCol, error) {
	loc := int(c.Location)
	out := []nsCol{}
	if len(c.Fields) == 1 {
		if len(sb.stmt.FromClause) == 0 {
			return nil, sqlerr.New(sqlerr.SyntaxError, "SELECT * with no tables specified is not valid").At(loc)
		}
		for _, it := range sb.sc.items {
			if it.colsVisible {
				out = append(out, it.columns(loc)...)
			}
		}
		return out, nil
	}
	it, err := sb.exprs("the select list").qualifiedItem(sb.idents(c), loc)
	if err != nil {
		return nil, err
	}
	return append(out, it.columns(loc)...), nil
}

func (sb *selectBinder) having() error {
	if sb.stmt.HavingClause == nil {
		return nil
	}
	x := sb.exprs("HAVING")
	x.aggs = true
	e, err := x.condition(sb.stmt.HavingClause, "HAVING")
	sb.body.having = e
	sb.body.grouped = true
	return err
}

func (sb *selectBinder) distinct() error {
	d := sb.stmt.DistinctClause
	if len(d) == 0 {
		return nil
	}
	if d[0].GetNode() == nil {
		sb.body.unique = true
		return nil
	}
	for _, n := range d {
		e, err := sb.outputExpr(n, "DISTINCT ON")
		if err != nil {
			return err
		}
		sb.body.on = append(sb.body.on, e)
	}
	return nil
}

func (sb *selectBinder) order() error {
	for _, n := range sb.stmt.SortClause {
		s := n.GetSortBy()
		k, err := sb.exprs("ORDER BY").sortKey(s, func(n *pg.Node) (Expr, error) { return sb.outputExpr(n, "ORDER BY") })
		if err != nil {
			return err
		}
		if sb.body.unique && !sb.isTarget(k.Expr) {
			return sqlerr.New(sqlerr.InvalidColumnReference, "for SELECT DISTINCT, ORDER BY expressions must appear in select list").At(nodeLoc(s.Node))
		}
		sb.body.order = append(sb.body.order, k)
	}
	return sb.checkDistinctOn()
}

// checkDistinctOn demands that ORDER BY begins with the DISTINCT ON
// expressions, in any order.
func (sb *selectBinder) checkDistinctOn() error {
	for i, k := range sb.body.order {
		if i < len(sb.body.on) && !slices.ContainsFunc(sb.body.on, func(e Expr) bool { return equal(e, k.Expr) }) {
			return sqlerr.New(sqlerr.InvalidColumnReference, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions").
				At(nodeLoc(sb.stmt.SortClause[i].GetSortBy().Node))
		}
	}
	return nil
}

func (sb *selectBinder) isTarget(e Expr) bool {
	return slices.ContainsFunc(sb.body.targets, func(t target) bool { return equal(t.expr, e) })
}

// outputExpr binds an item of ORDER BY or DISTINCT ON: the number or the name
// of an output column, else an expression over the input.
func (sb *selectBinder) outputExpr(n *pg.Node, clause string) (Expr, error) {
	if e, err := sb.ordinal(n, clause); e != nil || err != nil {
		return e, err
	}
	if c := n.GetColumnRef(); c != nil && len(c.Fields) == 1 && c.Fields[0].GetAStar() == nil {
		e, err := sb.targetNamed(sb.idents(c)[0], nodeLoc(n), clause)
		if e != nil || err != nil {
			return e, err
		}
	}
	x := sb.exprs(clause)
	x.aggs, x.windows, x.sets = true, true, true
	return x.expr(n)
}

// ordinal is an output column by number; nil if n is no number.
func (sb *selectBinder) ordinal(n *pg.Node, clause string) (Expr, error) {
	c := n.GetAConst()
	if c == nil {
		return nil, nil
	}
	if c.GetIval() == nil {
		return nil, sqlerr.New(sqlerr.SyntaxError, "non-integer constant in %s", clause).At(int(c.Location))
	}
	i := int(c.GetIval().Ival)
	if i < 1 || i > len(sb.body.targets) {
		return nil, sqlerr.New(sqlerr.InvalidColumnReference, "%s position %d is not in select list", clause, i).At(int(c.Location))
	}
	return sb.settledTarget(i - 1)
}

// settledTarget returns a target, made text if it is untyped.
func (sb *selectBinder) settledTarget(i int) (Expr, error) {
	t := &sb.body.targets[i]
	e, err := sb.settle(t.expr, -1)
	if err == nil {
		t.expr, sb.cols[i].typ = e, e.Type()
	}
	return e, err
}

// targetNamed finds an output column by name; several of that name must be
// the same expression.
func (sb *selectBinder) targetNamed(id identifier, loc int, clause string) (Expr, error) {
	found := -1
	for i := range sb.body.targets {
		if _, m := findName(1, func(int) (string, bool) { return sb.body.targets[i].name, true }, id); m == noMatch {
			continue
		}
		if found >= 0 && !equal(sb.body.targets[found].expr, sb.body.targets[i].expr) {
			return nil, sqlerr.New(sqlerr.AmbiguousColumn, "%s %q is ambiguous", clause, id.Name).At(loc)
		}
		if found < 0 {
			found = i
		}
	}
	if found < 0 {
		return nil, nil
	}
	return sb.settledTarget(found)
}

// expandRecords gives record columns hidden columns for their fields.
func (q *query) expandRecords(body *selectBody) {
	n := len(body.targets)
	for i := range n {
		r, ok := body.targets[i].expr.(*recordExpr)
		if !ok {
			continue
		}
		q.cols[i].record = &recordInfo{names: r.names, first: len(q.cols)}
		body.targets[i].expr = &Const{Value: column.NullValue(schema.Text)}
		for k, f := range r.fields {
			body.targets = append(body.targets, target{name: r.names[k], expr: f, hidden: true})
			q.cols = append(q.cols, queryCol{name: r.names[k], typ: f.Type(), hidden: true})
		}
	}
}
