package plan

import (
	"slices"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// maxGroupingSets bounds what CUBE expands to.
const maxGroupingSets = 4096

// group binds GROUP BY.
func (sb *selectBinder) group() error {
	if len(sb.stmt.GroupClause) == 0 {
		return nil
	}
	sb.body.grouped = true
	sets := [][]int{{}}
	plain := true
	for _, n := range sb.stmt.GroupClause {
		s, simple, err := sb.groupItem(n)
		if err != nil {
			return err
		}
		plain = plain && simple
		if sets, err = crossSets(sets, s); err != nil {
			return err
		}
	}
	if !plain {
		sb.body.sets = sets
	}
	return nil
}

// crossSets combines the grouping sets of two items.
func crossSets(a, b [][]int) ([][]int, error) {
	if len(a)*len(b) > maxGroupingSets {
		return nil, sqlerr.New(sqlerr.StatementTooComplex, "too many grouping sets present (maximum %d)", maxGroupingSets)
	}
	var out [][]int
	for _, x := range a {
		for _, y := range b {
			set := slices.Clone(x)
			for _, i := range y {
				if !slices.Contains(set, i) {
					set = append(set, i)
				}
			}
			out = append(out, set)
		}
	}
	return out, nil
}

// groupItem binds one item of GROUP BY and returns its grouping sets; simple
// tells that it is an expression.
func (sb *selectBinder) groupItem(n *pg.Node) (sets [][]int, simple bool, err error) {
	g := n.GetGroupingSet()
	if g == nil {
		set, err := sb.groupExprs(n)
		return [][]int{set}, true, err
	}
	switch g.Kind {
	case pg.GroupingSetKind_GROUPING_SET_EMPTY:
		return [][]int{{}}, false, nil
	case pg.GroupingSetKind_GROUPING_SET_SETS:
		for _, c := range g.Content {
			s, _, err := sb.groupItem(c)
			if err != nil {
				return nil, false, err
			}
			sets = append(sets, s...)
		}
		return sets, false, nil
	}
	var parts [][]int
	for _, c := range g.Content {
		set, err := sb.groupExprs(c)
		if err != nil {
			return nil, false, err
		}
		parts = append(parts, set)
	}
	switch g.Kind {
	case pg.GroupingSetKind_GROUPING_SET_ROLLUP:
		return rollup(parts), false, nil
	case pg.GroupingSetKind_GROUPING_SET_CUBE:
		sets, err := cube(parts)
		return sets, false, err
	}
	return nil, false, sqlerr.Unsupported("this form of GROUP BY").At(int(g.Location))
}

func rollup(parts [][]int) [][]int {
	var out [][]int
	for n := len(parts); n >= 0; n-- {
		out = append(out, slices.Concat(parts[:n]...))
	}
	return out
}

func cube(parts [][]int) ([][]int, error) {
	if len(parts) > 12 {
		return nil, sqlerr.New(sqlerr.StatementTooComplex, "CUBE is limited to 12 elements")
	}
	var out [][]int
	for mask := 1<<len(parts) - 1; mask >= 0; mask-- {
		set := []int{}
		for i, p := range parts {
			if mask>>(len(parts)-1-i)&1 != 0 {
				set = append(set, p...)
			}
		}
		out = append(out, set)
	}
	return out, nil
}

// groupExprs binds an expression, or the expressions of (a, b), and returns
// their positions in the list of group expressions.
func (sb *selectBinder) groupExprs(n *pg.Node) ([]int, error) {
	nodes := []*pg.Node{n}
	if r := n.GetRowExpr(); r != nil && r.RowFormat == pg.CoercionForm_COERCE_IMPLICIT_CAST {
		nodes = r.Args
	}
	set := []int{}
	for _, n := range nodes {
		e, err := sb.groupExpr(n)
		if err != nil {
			return nil, err
		}
		if e, err = sb.settle(e, nodeLoc(n)); err != nil {
			return nil, err
		}
		i := slices.IndexFunc(sb.body.groupBy, func(g Expr) bool { return equal(g, e) })
		if i < 0 {
			i = len(sb.body.groupBy)
			sb.body.groupBy = append(sb.body.groupBy, e)
		}
		set = append(set, i)
	}
	return set, nil
}

// groupExpr is an output column by number, an input column, an output column
// by name, or an expression, in this order.
func (sb *selectBinder) groupExpr(n *pg.Node) (Expr, error) {
	e, err := sb.ordinal(n, "GROUP BY")
	if e == nil && err == nil {
		e, err = sb.groupName(n)
	}
	if e == nil && err == nil {
		return sb.exprs("GROUP BY").expr(n)
	}
	if err != nil {
		return nil, err
	}
	return e, sb.checkGroupTarget(e, nodeLoc(n))
}

// checkGroupTarget refuses output columns that exist only after grouping.
func (sb *selectBinder) checkGroupTarget(e Expr, loc int) error {
	var bad error
	walk(e, func(x Expr) bool {
		switch x.(type) {
		case *aggExpr:
			bad = sqlerr.New(sqlerr.GroupingError, "aggregate functions are not allowed in GROUP BY").At(loc)
		case *windowExpr:
			bad = sqlerr.New(codeWindowing, "window functions are not allowed in GROUP BY").At(loc)
		case *recordExpr:
			bad = sqlerr.Unsupported("GROUP BY a row value").At(loc)
		}
		return bad == nil
	})
	return bad
}

func (sb *selectBinder) groupName(n *pg.Node) (Expr, error) {
	c := n.GetColumnRef()
	if c == nil || len(c.Fields) != 1 || c.Fields[0].GetAStar() != nil {
		return nil, nil
	}
	id := sb.idents(c)[0]
	switch e, m := sb.sc.column(id, int(c.Location)); m {
	case noMatch:
		return sb.targetNamed(id, int(c.Location), "GROUP BY")
	case doubleMatch:
		return nil, sqlerr.New(sqlerr.AmbiguousColumn, "column reference %q is ambiguous", id.Name).At(int(c.Location))
	default:
		return e, nil
	}
}

// checkGrouping demands that every column outside aggregations is grouped by.
func (sb *selectBinder) checkGrouping() error {
	sb.body.grouped = sb.body.grouped || sb.hasAggs
	if !sb.body.grouped {
		return nil
	}
	g := groupCheck{body: sb.body, rels: map[*relation]bool{}}
	eachRelation(sb.body.from, func(r *relation) { g.rels[r] = true })
	for _, t := range sb.body.targets {
		g.expr(t.expr)
	}
	g.expr(sb.body.having)
	for _, k := range sb.body.order {
		g.expr(k.Expr)
	}
	for _, e := range sb.body.on {
		g.expr(e)
	}
	if g.err != nil {
		return g.err
	}
	return nil
}

// groupCheck looks for columns that are not grouped by.
type groupCheck struct {
	body *selectBody
	rels map[*relation]bool
	err  error
}

func (g *groupCheck) expr(e Expr) {
	if e == nil || g.err != nil {
		return
	}
	for _, x := range g.body.groupBy {
		if equal(x, e) {
			return
		}
	}
	switch x := e.(type) {
	case *aggExpr:
		return
	case *colVar:
		g.column(x, "column \"%s.%s\" must appear in the GROUP BY clause or be used in an aggregate function")
	case *recordExpr:
		for _, f := range x.fields {
			g.expr(f)
		}
	case *subExpr:
		eachQueryExpr(x.query, func(e Expr) {
			if v, ok := e.(*colVar); ok && !g.grouped(v) {
				g.column(v, "subquery uses ungrouped column \"%s.%s\" from outer query")
			}
		})
	}
	eachChild(e, g.expr)
}

func (g *groupCheck) grouped(v *colVar) bool {
	return slices.ContainsFunc(g.body.groupBy, func(x Expr) bool { return equal(x, v) })
}

func (g *groupCheck) column(v *colVar, format string) {
	if g.rels[v.rel] && g.err == nil {
		g.err = sqlerr.New(sqlerr.GroupingError, format, v.rel.name, v.rel.cols[v.col].name).At(v.loc)
	}
}
