package plan

import (
	"strconv"
	"strings"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// exprBinder binds the expressions of one clause.
type exprBinder struct {
	*binder
	sc *scope
	// sel is the SELECT that the clause belongs to; nil outside one.
	sel *selectBinder
	// clause names the clause in errors.
	clause string
	// What may occur here.
	aggs, windows, sets bool
	inAgg, inWindow     bool
	// direct tells that the expression about to be bound is a condition of
	// WHERE or joined to one by AND and OR, so that false and NULL are alike.
	direct bool
}

// expr binds an expression.
func (x *exprBinder) expr(n *pg.Node) (Expr, error) {
	if n == nil {
		return nil, sqlerr.New(sqlerr.SyntaxError, "an expression is missing in %s", x.clause)
	}
	direct := x.direct
	x.direct = false
	defer func() { x.direct = direct }()
	switch v := n.Node.(type) {
	case *pg.Node_AConst:
		return x.constant(v.AConst)
	case *pg.Node_ColumnRef:
		return x.columnRef(v.ColumnRef)
	case *pg.Node_ParamRef:
		return x.param(int(v.ParamRef.Number), int(v.ParamRef.Location))
	case *pg.Node_AExpr:
		return x.operator(v.AExpr)
	case *pg.Node_BoolExpr:
		return x.boolExpr(v.BoolExpr, direct)
	case *pg.Node_NullTest:
		return x.nullTest(v.NullTest)
	case *pg.Node_BooleanTest:
		return x.booleanTest(v.BooleanTest)
	case *pg.Node_FuncCall:
		return x.funcCall(v.FuncCall)
	case *pg.Node_TypeCast:
		return x.typeCast(v.TypeCast)
	case *pg.Node_CaseExpr:
		return x.caseExpr(v.CaseExpr)
	case *pg.Node_CoalesceExpr:
		return x.coalesce(v.CoalesceExpr)
	case *pg.Node_MinMaxExpr:
		return x.minMax(v.MinMaxExpr)
	case *pg.Node_SubLink:
		return x.subLink(v.SubLink, direct)
	case *pg.Node_AArrayExpr:
		return x.array(v.AArrayExpr, schema.Type{})
	case *pg.Node_AIndirection:
		return x.indirection(v.AIndirection)
	case *pg.Node_CollateClause:
		return x.collate(v.CollateClause)
	case *pg.Node_RowExpr:
		return x.row(v.RowExpr)
	case *pg.Node_SqlvalueFunction:
		return x.valueFunction(v.SqlvalueFunction)
	case *pg.Node_GroupingFunc:
		return x.grouping(v.GroupingFunc)
	case *pg.Node_NamedArgExpr:
		return nil, sqlerr.Unsupported("a named argument").At(int(v.NamedArgExpr.Location))
	case *pg.Node_SetToDefault:
		return nil, sqlerr.New(sqlerr.SyntaxError, "DEFAULT is not allowed in this context").At(int(v.SetToDefault.Location))
	}
	return nil, sqlerr.Unsupported(constructName(n)).At(nodeLoc(n))
}

// constructName names a syntax node that is not supported.
func constructName(n *pg.Node) string {
	f := n.ProtoReflect().WhichOneof(n.ProtoReflect().Descriptor().Oneofs().Get(0))
	if f == nil {
		return "this expression"
	}
	return "the expression " + strings.TrimSuffix(string(f.Message().Name()), "Expr")
}

func (x *exprBinder) exprs(list []*pg.Node) ([]Expr, error) {
	out := make([]Expr, 0, len(list))
	for _, n := range list {
		e, err := x.expr(n)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (x *exprBinder) constant(c *pg.A_Const) (Expr, error) {
	if c.Isnull {
		return &Const{Value: column.NullValue(schema.Unknown)}, nil
	}
	switch v := c.Val.(type) {
	case *pg.A_Const_Ival:
		return &Const{Value: column.IntValue(schema.Int32, int64(v.Ival.GetIval()))}, nil
	case *pg.A_Const_Fval:
		return x.number(v.Fval.Fval, int(c.Location))
	case *pg.A_Const_Boolval:
		return &Const{Value: column.BoolValue(v.Boolval.GetBoolval())}, nil
	case *pg.A_Const_Sval:
		lit := &Const{Value: column.BytesValue(schema.Unknown, []byte(v.Sval.GetSval()))}
		x.literals[lit] = int(c.Location)
		return lit, nil
	}
	return nil, sqlerr.Unsupported("a bit string").At(int(c.Location))
}

// number reads a number that is no int4: int8 if it fits, else numeric, in the
// Pinot dialect double.
func (x *exprBinder) number(text string, loc int) (Expr, error) {
	if i, err := strconv.ParseInt(text, 0, 64); err == nil && !strings.ContainsAny(text, ".eE_") {
		return &Const{Value: column.IntValue(schema.Int64, i)}, nil
	}
	text = strings.ReplaceAll(text, "_", "")
	if x.pinot() {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, sqlerr.New(sqlerr.NumericOutOfRange, "number %s is out of range", text).At(loc)
		}
		return &Const{Value: column.FloatValue(schema.Float64, f)}, nil
	}
	d, err := column.ParseDecimal(text)
	if err != nil {
		return nil, sqlerr.New(sqlerr.NumericOutOfRange, "number %s is out of range: %w", text, err).At(loc)
	}
	return &Const{Value: column.DecimalValue(d)}, nil
}

func (x *exprBinder) columnRef(c *pg.ColumnRef) (Expr, error) {
	loc := int(c.Location)
	if n := len(c.Fields); n > 0 && c.Fields[n-1].GetAStar() != nil {
		return nil, sqlerr.New(sqlerr.SyntaxError, "row expansion via \"*\" is not supported here").At(loc)
	}
	ids := x.idents(c)
	if len(ids) == 1 {
		return x.bareColumn(ids[0], loc)
	}
	id := ids[len(ids)-1]
	it, err := x.qualifiedItem(ids[:len(ids)-1], loc)
	if err != nil {
		return nil, err
	}
	e, m := it.find(id, loc)
	switch m {
	case noMatch:
		return nil, undefinedIn(it, id, loc)
	case doubleMatch:
		return nil, sqlerr.New(sqlerr.AmbiguousColumn, "column reference %q is ambiguous", id.Name).At(loc)
	}
	return e, nil
}

func (x *exprBinder) bareColumn(id identifier, loc int) (Expr, error) {
	e, err := x.sc.lookupColumn(id, loc)
	if e != nil || err != nil {
		return e, err
	}
	if it, err := x.sc.lookupItem("", id, loc); err != nil {
		return nil, err
	} else if it != nil {
		return x.wholeRow(it, loc), nil
	}
	return nil, x.sc.undefinedColumn(id, loc)
}

// wholeRow is the row of a table used as a value; a function that returns one
// column stands for that column.
func (x *exprBinder) wholeRow(it *nsItem, loc int) Expr {
	cols := it.columns(loc)
	if it.rel != nil && it.rel.call != nil && len(cols) == 1 {
		return cols[0].expr
	}
	rec := &recordExpr{}
	for _, c := range cols {
		rec.names = append(rec.names, c.name)
		rec.fields = append(rec.fields, c.expr)
	}
	return rec
}

// qualifiedItem finds the table of a qualified name: table, schema.table or
// database.schema.table.
func (x *exprBinder) qualifiedItem(ids []identifier, loc int) (*nsItem, error) {
	schemaName := ""
	if len(ids) > 1 {
		schemaName = lower(ids[len(ids)-2].Name)
	}
	id := ids[len(ids)-1]
	it, err := x.sc.lookupItem(schemaName, id, loc)
	if err != nil {
		return nil, err
	}
	if it == nil {
		return nil, x.sc.missingFrom(id, loc)
	}
	return it, nil
}

func (x *exprBinder) boolExpr(e *pg.BoolExpr, direct bool) (Expr, error) {
	name := map[pg.BoolExprType]string{pg.BoolExprType_AND_EXPR: "AND", pg.BoolExprType_OR_EXPR: "OR", pg.BoolExprType_NOT_EXPR: "NOT"}[e.Boolop]
	args := make([]Expr, 0, len(e.Args))
	for _, n := range e.Args {
		x.direct = direct && e.Boolop != pg.BoolExprType_NOT_EXPR
		a, err := x.condition(n, name)
		if err != nil {
			return nil, err
		}
		args = append(args, a)
	}
	switch e.Boolop {
	case pg.BoolExprType_AND_EXPR:
		return &And{Args: args}, nil
	case pg.BoolExprType_OR_EXPR:
		return &Or{Args: args}, nil
	}
	return &Not{Arg: args[0]}, nil
}

// condition binds a Boolean expression.
func (x *exprBinder) condition(n *pg.Node, clause string) (Expr, error) {
	e, err := x.expr(n)
	if err != nil {
		return nil, err
	}
	return x.coerceBool(e, clause, nodeLoc(n))
}

func (x *exprBinder) nullTest(t *pg.NullTest) (Expr, error) {
	a, err := x.expr(t.Arg)
	if err != nil {
		return nil, err
	}
	negated := t.Nulltesttype == pg.NullTestType_IS_NOT_NULL
	if r, ok := a.(*recordExpr); ok {
		// A row IS NULL when all its fields are, IS NOT NULL when none is.
		args := make([]Expr, len(r.fields))
		for i, f := range r.fields {
			args[i] = &IsNull{Arg: f, Negated: negated}
		}
		return foldLogic(args, false), nil
	}
	a, err = x.settle(a, nodeLoc(t.Arg))
	return &IsNull{Arg: a, Negated: negated}, err
}

func (x *exprBinder) booleanTest(t *pg.BooleanTest) (Expr, error) {
	a, err := x.condition(t.Arg, "IS TRUE")
	if err != nil {
		return nil, err
	}
	yes, no := &Const{Value: column.BoolValue(true)}, &Const{Value: column.BoolValue(false)}
	test := func(cond Expr, then, otherwise Expr) Expr {
		return &Case{Whens: []When{{cond, then}}, Else: otherwise, Typ: schema.Bool}
	}
	switch t.Booltesttype {
	case pg.BoolTestType_IS_TRUE:
		return test(a, yes, no), nil
	case pg.BoolTestType_IS_NOT_TRUE:
		return test(a, no, yes), nil
	case pg.BoolTestType_IS_FALSE:
		return test(&Not{Arg: a}, yes, no), nil
	case pg.BoolTestType_IS_NOT_FALSE:
		return test(&Not{Arg: a}, no, yes), nil
	case pg.BoolTestType_IS_UNKNOWN:
		return &IsNull{Arg: a}, nil
	}
	return &IsNull{Arg: a, Negated: true}, nil
}

func (x *exprBinder) typeCast(c *pg.TypeCast) (Expr, error) {
	t, err := x.typeName(c.TypeName)
	if err != nil {
		return nil, err
	}
	loc := int(c.Location)
	if a := c.Arg.GetAArrayExpr(); a != nil && t.List {
		return x.array(a, t)
	}
	if s := c.Arg.GetAConst().GetSval(); s != nil && t == schema.Interval {
		text, err := intervalText(c.TypeName, s.Sval)
		if err != nil {
			return nil, err
		}
		return x.readLiteral(&Const{Value: column.BytesValue(schema.Unknown, []byte(text))}, t, nodeLoc(c.Arg))
	}
	a, err := x.expr(c.Arg)
	if err != nil {
		return nil, err
	}
	if l := nodeLoc(c.Arg); a.Type().ID == schema.TypeUnknown && l >= 0 {
		loc = l
	}
	return x.coerce(a, t, true, loc)
}

func (x *exprBinder) caseExpr(c *pg.CaseExpr) (Expr, error) {
	var arg Expr
	if c.Arg != nil {
		var err error
		if arg, err = x.expr(c.Arg); err != nil {
			return nil, err
		}
		if err := x.repeat(arg, len(c.Args), nodeLoc(c.Arg)); err != nil {
			return nil, err
		}
	}
	var conds, results []Expr
	var locs []int
	for _, n := range c.Args {
		w := n.GetCaseWhen()
		cond, err := x.when(arg, w)
		if err != nil {
			return nil, err
		}
		then, err := x.expr(w.Result)
		if err != nil {
			return nil, err
		}
		conds, results, locs = append(conds, cond), append(results, then), append(locs, nodeLoc(w.Result))
	}
	if c.Defresult != nil {
		e, err := x.expr(c.Defresult)
		if err != nil {
			return nil, err
		}
		results, locs = append(results, e), append(locs, nodeLoc(c.Defresult))
	}
	results, t, err := x.commonType(results, "CASE", func(i int) int { return locs[i] })
	if err != nil {
		return nil, err
	}
	out := &Case{Typ: t}
	for i, cond := range conds {
		out.Whens = append(out.Whens, When{Cond: cond, Then: results[i]})
	}
	if len(results) > len(conds) {
		out.Else = results[len(conds)]
	}
	return out, nil
}

// when binds the condition of a branch: of the searched form, or of the simple
// one, which compares with arg.
func (x *exprBinder) when(arg Expr, w *pg.CaseWhen) (Expr, error) {
	if arg == nil {
		return x.condition(w.Expr, "CASE/WHEN")
	}
	v, err := x.expr(w.Expr)
	if err != nil {
		return nil, err
	}
	return x.call("=", []Expr{arg, v}, nodeLoc(w.Expr))
}

func (x *exprBinder) coalesce(c *pg.CoalesceExpr) (Expr, error) {
	args, err := x.exprs(c.Args)
	if err != nil {
		return nil, err
	}
	args, t, err := x.commonType(args, "COALESCE", func(i int) int { return nodeLoc(c.Args[i]) })
	if err != nil {
		return nil, err
	}
	for i, a := range args {
		if err := x.repeat(a, 2, nodeLoc(c.Args[i])); err != nil {
			return nil, err
		}
	}
	return coalesceOf(args, t), nil
}

// coalesceOf is COALESCE as a CASE, so that later arguments are computed only
// where they are needed.
func coalesceOf(args []Expr, t schema.Type) Expr {
	if len(args) == 1 {
		return args[0]
	}
	out := &Case{Typ: t, Else: args[len(args)-1]}
	for _, a := range args[:len(args)-1] {
		out.Whens = append(out.Whens, When{Cond: &IsNull{Arg: a, Negated: true}, Then: a})
	}
	return out
}

func (x *exprBinder) minMax(m *pg.MinMaxExpr) (Expr, error) {
	name := "greatest"
	if m.Op == pg.MinMaxOp_IS_LEAST {
		name = "least"
	}
	args, err := x.exprs(m.Args)
	if err != nil {
		return nil, err
	}
	args, _, err = x.commonType(args, strings.ToUpper(name), func(i int) int { return nodeLoc(m.Args[i]) })
	if err != nil {
		return nil, err
	}
	return x.call(name, args, int(m.Location))
}

// collate accepts the collations that change nothing here: text is compared by
// bytes.
func (x *exprBinder) collate(c *pg.CollateClause) (Expr, error) {
	e, err := x.expr(c.Arg)
	if err != nil {
		return nil, err
	}
	parts := names(c.Collname)
	switch parts[len(parts)-1] {
	case "default", "C", "POSIX", "ucs_basic", "C.UTF-8", "C.utf8":
	default:
		return nil, sqlerr.Unsupported("COLLATE " + strconv.Quote(strings.Join(parts, "."))).At(int(c.Location))
	}
	if t := e.Type(); !t.IsText() {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "collations are not supported by type %s", t).At(int(c.Location))
	}
	return e, nil
}

// valueFunction is a keyword that is a function: CURRENT_DATE, USER.
type valueFunction struct{ name, call, cast string }

var valueFunctions = map[pg.SQLValueFunctionOp]valueFunction{
	pg.SQLValueFunctionOp_SVFOP_CURRENT_DATE:      {"current_date", "now", "date"},
	pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP: {"current_timestamp", "now", ""},
	pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP:    {"localtimestamp", "now", "timestamp"},
	pg.SQLValueFunctionOp_SVFOP_LOCALTIME:         {"localtime", "now", "time"},
	pg.SQLValueFunctionOp_SVFOP_CURRENT_USER:      {"current_user", "current_user", ""},
	pg.SQLValueFunctionOp_SVFOP_USER:              {"user", "current_user", ""},
	pg.SQLValueFunctionOp_SVFOP_CURRENT_ROLE:      {"current_role", "current_user", ""},
	pg.SQLValueFunctionOp_SVFOP_SESSION_USER:      {"session_user", "session_user", ""},
	pg.SQLValueFunctionOp_SVFOP_CURRENT_CATALOG:   {"current_catalog", "current_database", ""},
	pg.SQLValueFunctionOp_SVFOP_CURRENT_SCHEMA:    {"current_schema", "current_schema", ""},
}

func (x *exprBinder) valueFunction(f *pg.SQLValueFunction) (Expr, error) {
	loc := int(f.Location)
	v, ok := valueFunctions[f.Op]
	if !ok {
		return nil, sqlerr.Unsupported("this form of CURRENT_TIME or of a time with a precision").At(loc)
	}
	e, err := x.call(v.call, nil, loc)
	if err != nil || v.cast == "" {
		return e, err
	}
	t, _ := fn.ParseTypeName(v.cast)
	return x.coerce(e, t, true, loc)
}
