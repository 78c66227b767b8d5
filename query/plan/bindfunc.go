package plan

import (
	"strings"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
)

// windowFuncs are the window functions that are no aggregations.
var windowFuncs = map[string]schema.Type{
	"row_number": schema.Int64, "rank": schema.Int64, "dense_rank": schema.Int64,
}

// unsupportedWindowFuncs exist in PostgreSQL and not here.
var unsupportedWindowFuncs = map[string]bool{
	"percent_rank": true, "cume_dist": true, "ntile": true, "lag": true, "lead": true,
	"first_value": true, "last_value": true, "nth_value": true,
}

// funcName returns the name of a function call; schemas other than the
// system's have no functions.
func (x *exprBinder) funcName(f *pg.FuncCall) (string, error) {
	parts := names(f.Funcname)
	name := parts[len(parts)-1]
	if len(parts) > 1 && parts[0] != "pg_catalog" && parts[0] != "information_schema" {
		return "", sqlerr.New(sqlerr.UndefinedFunction, "function %s does not exist", strings.Join(parts, ".")).At(int(f.Location))
	}
	return lower(name), nil
}

func (x *exprBinder) funcCall(f *pg.FuncCall) (Expr, error) {
	loc := int(f.Location)
	name, err := x.funcName(f)
	if err != nil {
		return nil, err
	}
	if f.FuncVariadic {
		return nil, sqlerr.Unsupported("VARIADIC").At(loc)
	}
	if f.Over != nil {
		return x.windowCall(f, name)
	}
	if agg.Exists(name) {
		return x.aggregate(f, name)
	}
	if _, isWindow := windowFuncs[name]; isWindow || unsupportedWindowFuncs[name] {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "window function %s requires an OVER clause", name).At(loc)
	}
	if f.AggStar || f.AggDistinct || f.AggFilter != nil || len(f.AggOrder) > 0 {
		return nil, x.notAggregate(f, name)
	}
	args, err := x.exprs(f.Args)
	if err != nil {
		return nil, err
	}
	if name == "pg_typeof" && len(args) == 1 {
		v := column.IntValue(schema.Type{ID: schema.TypeRegtype}, int64(args[0].Type().OID()))
		return &Const{Value: v}, nil
	}
	e, err := x.call(name, args, loc)
	if err != nil {
		return nil, err
	}
	if c := e.(*Call); c.Fn.Set {
		return x.setCall(c, loc)
	}
	return e, nil
}

// notAggregate is the error for a function that is called like an aggregation.
func (x *exprBinder) notAggregate(f *pg.FuncCall, name string) error {
	what := "DISTINCT specified"
	switch {
	case f.AggStar:
		what = name + "(*) specified"
	case f.AggWithinGroup:
		what = "WITHIN GROUP specified"
	case f.AggFilter != nil:
		what = "FILTER specified"
	case len(f.AggOrder) > 0:
		what = "ORDER BY specified"
	}
	if !fn.Exists(name) {
		e := sqlerr.New(sqlerr.UndefinedFunction, "function %s does not exist", name).At(int(f.Location))
		if near, ok := sqlerr.Nearest(name, agg.Names()); ok {
			return e.WithHint("Did you mean %q?", near)
		}
		return e
	}
	return sqlerr.New(sqlerr.WrongObjectType, "%s, but %s is not an aggregate function", what, name).At(int(f.Location))
}

// setCall is a set-returning function in an expression. One that returns rows
// of several columns becomes a relation of FROM.
func (x *exprBinder) setCall(c *Call, loc int) (Expr, error) {
	if !x.sets || x.sel == nil || x.inAgg {
		return nil, sqlerr.Unsupported("a set-returning function in " + x.clause).At(loc)
	}
	if len(c.Fn.SetCols) <= 1 {
		x.sel.hasSets = true
		return c, nil
	}
	rel := x.sel.setRelation(c)
	rec := &recordExpr{}
	for i := range rel.cols {
		rec.names = append(rec.names, rel.cols[i].name)
		rec.fields = append(rec.fields, rel.ref(i, loc))
	}
	return rec, nil
}

// aggregate binds an aggregation.
func (x *exprBinder) aggregate(f *pg.FuncCall, name string) (Expr, error) {
	loc := int(f.Location)
	switch {
	case x.inAgg:
		return nil, sqlerr.New(sqlerr.GroupingError, "aggregate function calls cannot be nested").At(loc)
	case len(f.Args) == 0 && !f.AggStar && !f.AggWithinGroup:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "%s(*) must be used to call a parameterless aggregate function", name).At(loc)
	case !x.aggs:
		return nil, sqlerr.New(sqlerr.GroupingError, "aggregate functions are not allowed in %s", x.clause).At(loc)
	}
	call, t, err := x.aggCall(f, name)
	if err != nil {
		return nil, err
	}
	if x.sel != nil {
		x.sel.hasAggs = true
	}
	return &aggExpr{call: *call, typ: t, loc: loc}, nil
}

// aggCall binds the arguments of an aggregation, or of one over a window.
func (x *exprBinder) aggCall(f *pg.FuncCall, name string) (*AggCall, schema.Type, error) {
	loc := int(f.Location)
	in := *x
	in.inAgg, in.sets, in.windows = f.Over == nil, false, false
	in.clause = "an aggregate function"
	args, params, orderNodes, err := in.aggArgs(f, name)
	if err != nil {
		return nil, schema.Type{}, err
	}
	if name == "count" && !f.AggDistinct && len(args) == 1 {
		if c, ok := args[0].(*Const); ok && !c.Value.Null {
			args = nil // count(1) is count(*)
		}
	}
	spec, castTo, err := agg.Resolve(name, exprTypes(args), f.AggDistinct, x.opt.Dialect)
	if err != nil {
		return nil, schema.Type{}, at(err, loc)
	}
	call := &AggCall{Spec: spec}
	if err := call.setParams(params); err != nil {
		return nil, schema.Type{}, at(err, loc)
	}
	for i := range args {
		if i >= len(castTo) {
			break
		}
		if args[i], err = in.convertArg(args[i], castTo[i], loc); err != nil {
			return nil, schema.Type{}, err
		}
	}
	call.Args = args
	if f.AggFilter != nil {
		in.clause = "FILTER"
		if call.Filter, err = in.condition(f.AggFilter, "FILTER"); err != nil {
			return nil, schema.Type{}, err
		}
	}
	for _, n := range orderNodes {
		k, err := in.sortKey(n.GetSortBy(), in.expr)
		if err != nil {
			return nil, schema.Type{}, err
		}
		call.OrderBy = append(call.OrderBy, k)
	}
	return call, spec.ResultType(), nil
}

// aggArgs binds the arguments. WITHIN GROUP gives the ordered expression as
// argument and the direct arguments as parameters.
func (x *exprBinder) aggArgs(f *pg.FuncCall, name string) (args, params []Expr, order []*pg.Node, err error) {
	loc := int(f.Location)
	switch {
	case f.AggWithinGroup && !agg.WithinGroup(name):
		return nil, nil, nil, sqlerr.New(sqlerr.WrongObjectType, "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP", name).At(loc)
	case f.AggWithinGroup:
		args, params, err = x.orderedSetArgs(f, name)
		return args, params, nil, err
	case agg.OrderedSet(name):
		return nil, nil, nil, sqlerr.New(sqlerr.WrongObjectType, "WITHIN GROUP is required for ordered-set aggregate %s", name).At(loc)
	}
	perRow := len(f.Args) - agg.ConstArgs(name, len(f.Args))
	if args, err = x.exprs(f.Args[:perRow]); err != nil {
		return nil, nil, nil, err
	}
	if params, err = x.constArgs(f.Args[perRow:], name); err != nil {
		return nil, nil, nil, err
	}
	return args, params, f.AggOrder, x.noRecords(args, name, f)
}

// orderedSetArgs binds the arguments of a call WITHIN GROUP. A last parameter
// of true says that the order is descending.
func (x *exprBinder) orderedSetArgs(f *pg.FuncCall, name string) (args, params []Expr, err error) {
	if params, err = x.constArgs(f.Args, name); err != nil {
		return nil, nil, err
	}
	desc := false
	for _, n := range f.AggOrder {
		s := n.GetSortBy()
		if s.SortbyDir == pg.SortByDir_SORTBY_USING {
			return nil, nil, sqlerr.Unsupported("ORDER BY USING").At(int(s.Location))
		}
		desc = isDesc(s)
		e, err := x.expr(s.Node)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, e)
	}
	if desc {
		params = append(params, boolConst(true))
	}
	return args, params, x.noRecords(args, name, f)
}

// noRecords refuses rows as arguments, but count(t) counts the rows of t.
func (x *exprBinder) noRecords(args []Expr, name string, f *pg.FuncCall) error {
	for i, a := range args {
		if _, ok := a.(*recordExpr); !ok {
			continue
		}
		if name != "count" || f.AggDistinct {
			return sqlerr.Unsupported("a row value as an argument of " + name).At(int(f.Location))
		}
		args[i] = &Const{Value: column.IntValue(schema.Int32, 1)}
	}
	return nil
}

// Bits of WindowDef.FrameOptions: the default is RANGE BETWEEN UNBOUNDED
// PRECEDING AND CURRENT ROW.
const (
	frameNonDefault = 0x00001
	frameBetween    = 0x00010
	frameDefault    = 0x00002 | 0x00020 | 0x00400
)

// windowCall binds a call with OVER.
func (x *exprBinder) windowCall(f *pg.FuncCall, name string) (Expr, error) {
	loc := int(f.Location)
	if !x.windows || x.inWindow {
		return nil, sqlerr.New(codeWindowing, "window functions are not allowed in %s", x.clause).At(loc)
	}
	if unsupportedWindowFuncs[name] {
		return nil, sqlerr.Unsupported("window function " + name).At(loc)
	}
	in := *x
	in.inWindow, in.windows, in.sets = true, false, false
	in.clause = "a window function"
	w := &windowExpr{WindowCall{Func: name}}
	ranking := false
	w.Typ, ranking = windowFuncs[name]
	switch {
	case ranking && (len(f.Args) > 0 || f.AggStar || f.AggDistinct || f.AggFilter != nil):
		return nil, sqlerr.New(sqlerr.UndefinedFunction, "function %s with arguments does not exist", name).At(loc)
	case ranking:
	case !agg.Exists(name):
		return nil, sqlerr.New(sqlerr.WrongObjectType, "OVER specified, but %s is not a window function nor an aggregate function", name).At(loc)
	default:
		if f.AggDistinct {
			return nil, sqlerr.Unsupported("DISTINCT for a window function").At(loc)
		}
		call, t, err := in.aggCall(f, name)
		if err != nil {
			return nil, err
		}
		w.Agg, w.Typ = call, t
	}
	if err := in.over(w, f.Over, ranking); err != nil {
		return nil, err
	}
	x.sel.hasWindows = true
	return w, nil
}

// over binds a window definition.
func (x *exprBinder) over(w *windowExpr, d *pg.WindowDef, ranking bool) error {
	d, err := x.sel.window(d)
	if err != nil {
		return err
	}
	if !ranking && d.FrameOptions&frameNonDefault != 0 && d.FrameOptions&^(frameNonDefault|frameBetween) != frameDefault {
		return sqlerr.Unsupported("a window frame other than the default").At(int(d.Location))
	}
	if w.PartitionBy, err = x.exprs(d.PartitionClause); err != nil {
		return err
	}
	for _, n := range d.OrderClause {
		k, err := x.sortKey(n.GetSortBy(), x.expr)
		if err != nil {
			return err
		}
		w.OrderBy = append(w.OrderBy, k)
	}
	return nil
}

// sortKey binds an ORDER BY item, whose expression find binds.
func (x *exprBinder) sortKey(s *pg.SortBy, find func(*pg.Node) (Expr, error)) (SortKey, error) {
	if s.SortbyDir == pg.SortByDir_SORTBY_USING {
		return SortKey{}, sqlerr.Unsupported("ORDER BY USING").At(int(s.Location))
	}
	e, err := find(s.Node)
	if err != nil {
		return SortKey{}, err
	}
	if e, err = x.settle(e, nodeLoc(s.Node)); err != nil {
		return SortKey{}, err
	}
	if _, ok := e.(*recordExpr); ok {
		return SortKey{}, sqlerr.Unsupported("ORDER BY a row value").At(nodeLoc(s.Node))
	}
	return SortKey{Expr: e, Desc: isDesc(s), NullsFirst: nullsFirst(s)}, nil
}

func isDesc(s *pg.SortBy) bool { return s.SortbyDir == pg.SortByDir_SORTBY_DESC }

// nullsFirst is PostgreSQL's default, NULLs above all values, unless told.
func nullsFirst(s *pg.SortBy) bool {
	switch s.SortbyNulls {
	case pg.SortByNulls_SORTBY_NULLS_FIRST:
		return true
	case pg.SortByNulls_SORTBY_NULLS_LAST:
		return false
	}
	return isDesc(s)
}
