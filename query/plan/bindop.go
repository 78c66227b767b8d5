package plan

import (
	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// opInfo is a comparison that is resolved for given types.
type opInfo struct {
	fn *fn.Func
	// right is the type to which the right side must be cast.
	right schema.Type
}

// operator binds an operator expression of any kind.
func (x *exprBinder) operator(e *pg.A_Expr) (Expr, error) {
	loc := int(e.Location)
	parts := names(e.Name)
	name := parts[len(parts)-1]
	if len(parts) > 1 && parts[0] != "pg_catalog" {
		return nil, sqlerr.New(sqlerr.UndefinedFunction, "operator does not exist: %s.%s", parts[0], name).At(loc)
	}
	switch e.Kind {
	case pg.A_Expr_Kind_AEXPR_IN:
		return x.in(e, name)
	case pg.A_Expr_Kind_AEXPR_BETWEEN, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN,
		pg.A_Expr_Kind_AEXPR_BETWEEN_SYM, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		return x.between(e)
	}
	right, err := x.expr(e.Rexpr)
	if err != nil {
		return nil, err
	}
	if e.Lexpr == nil {
		return x.prefix(name, right, loc)
	}
	left, err := x.expr(e.Lexpr)
	if err != nil {
		return nil, err
	}
	switch e.Kind {
	case pg.A_Expr_Kind_AEXPR_OP_ANY:
		return x.quantified(AnyPrefix, name, left, right, loc)
	case pg.A_Expr_Kind_AEXPR_OP_ALL:
		return x.quantified(AllPrefix, name, left, right, loc)
	case pg.A_Expr_Kind_AEXPR_DISTINCT:
		return x.distinct(left, right, true, loc)
	case pg.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		return x.distinct(left, right, false, loc)
	case pg.A_Expr_Kind_AEXPR_NULLIF:
		return x.nullIf(left, right, loc)
	}
	return x.binary(name, left, right, loc)
}

// prefix binds a prefix operator; the minus of a number belongs to it.
func (x *exprBinder) prefix(name string, arg Expr, loc int) (Expr, error) {
	e, err := x.call(name, []Expr{arg}, loc)
	if err != nil {
		return nil, err
	}
	if _, isConst := arg.(*Const); isConst {
		return foldOne(x.ctx, e, false), nil
	}
	return e, nil
}

// binary binds left op right; rows are compared field by field.
func (x *exprBinder) binary(name string, left, right Expr, loc int) (Expr, error) {
	l, lok := left.(*recordExpr)
	r, rok := right.(*recordExpr)
	if lok && rok {
		return x.compareRows(name, l, r, loc)
	}
	if e, err := x.multiValue(name, left, right, loc); e != nil || err != nil {
		return e, err
	}
	return x.call(name, []Expr{left, right}, loc)
}

func (x *exprBinder) compareRows(name string, l, r *recordExpr, loc int) (Expr, error) {
	if len(l.fields) != len(r.fields) {
		return nil, sqlerr.New(sqlerr.SyntaxError, "unequal number of entries in row expressions").At(loc)
	}
	if err := x.repeat(l, len(l.fields), loc); err != nil {
		return nil, err
	}
	switch name {
	case "=", "<>":
		parts := make([]Expr, len(l.fields))
		for i := range parts {
			p, err := x.binary(name, l.fields[i], r.fields[i], loc)
			if err != nil {
				return nil, err
			}
			parts[i] = p
		}
		return foldLogic(parts, name == "<>"), nil
	case "<", "<=", ">", ">=":
		return x.orderRows(name, l.fields, r.fields, loc)
	}
	return nil, sqlerr.Unsupported("operator " + name + " between rows").At(loc)
}

// orderRows is a lexicographic comparison: a < b OR a = b AND (rest).
func (x *exprBinder) orderRows(name string, l, r []Expr, loc int) (Expr, error) {
	if len(l) == 1 {
		return x.binary(name, l[0], r[0], loc)
	}
	strict, err := x.binary(name[:1], l[0], r[0], loc)
	if err != nil {
		return nil, err
	}
	same, err := x.binary("=", l[0], r[0], loc)
	if err != nil {
		return nil, err
	}
	rest, err := x.orderRows(name, l[1:], r[1:], loc)
	if err != nil {
		return nil, err
	}
	return &Or{Args: []Expr{strict, &And{Args: []Expr{same, rest}}}}, nil
}

// in binds x IN (list): as a list of constants where it is one, else as an OR
// of comparisons.
func (x *exprBinder) in(e *pg.A_Expr, name string) (Expr, error) {
	left, err := x.expr(e.Lexpr)
	if err != nil {
		return nil, err
	}
	nodes := e.Rexpr.GetList().GetItems()
	list, err := x.exprs(nodes)
	if err != nil {
		return nil, err
	}
	if err := x.repeat(left, len(list), nodeLoc(e.Lexpr)); err != nil {
		return nil, err
	}
	negated := name == "<>"
	if len(list) > 0 && x.aboutElements(left, list[0]) {
		return x.elementsIn(left, list, negated, int(e.Location))
	}
	if in := x.constantIn(left, list, negated); in != nil {
		return in, nil
	}
	parts := make([]Expr, len(list))
	for i, v := range list {
		if parts[i], err = x.binary(name, left, v, nodeLoc(nodes[i])); err != nil {
			return nil, err
		}
	}
	return foldLogic(parts, !negated), nil
}

// constantIn makes an In of constants that have, or take, the type of left; it
// returns nil where comparisons must decide.
func (x *exprBinder) constantIn(left Expr, list []Expr, negated bool) Expr {
	t := left.Type()
	if orderClass(t) == 0 {
		return nil
	}
	values := make([]column.Value, 0, len(list))
	for _, e := range list {
		c, ok := e.(*Const)
		if !ok {
			return nil
		}
		v := c.Value
		switch {
		case v.Null:
		case v.Type.ID == schema.TypeUnknown:
			lit, err := x.readLiteral(c, plainLiteral(t), -1)
			k, isConst := lit.(*Const)
			if err != nil || !isConst {
				return nil
			}
			v = k.Value
		}
		if !v.Null && !sameOrder(t, v.Type) {
			return nil
		}
		values = append(values, v)
	}
	return newIn(left, values, negated)
}

// plainLiteral is the type that a literal beside a column of type t takes: for
// a scaled numeric that scale, so that both are stored alike.
func plainLiteral(t schema.Type) schema.Type {
	if t.ID == schema.TypeNumeric {
		return schema.Numeric
	}
	return plainType(t)
}

// newIn makes an In; the values are of an order that left's type shares.
func newIn(left Expr, values []column.Value, negated bool) Expr {
	in := &In{Arg: left, List: column.New(left.Type(), len(values)), Negated: negated}
	seen := make(map[string]bool, len(values))
	var key []byte
	for _, v := range values {
		if v.Null {
			in.HasNull = true
			continue
		}
		v.Type = left.Type()
		key = column.AppendValueOf(key[:0], v)
		if !seen[string(key)] {
			seen[string(key)] = true
			in.List.Append(v)
		}
	}
	return in
}

func (x *exprBinder) between(e *pg.A_Expr) (Expr, error) {
	arg, err := x.expr(e.Lexpr)
	if err != nil {
		return nil, err
	}
	bounds, err := x.exprs(e.Rexpr.GetList().GetItems())
	if err != nil {
		return nil, err
	}
	loc := int(e.Location)
	multi := x.aboutElements(arg, bounds[0])
	if err := x.repeat(arg, 4, loc); err != nil {
		return nil, err
	}
	within := func(lo, hi Expr) (Expr, error) {
		if multi {
			return x.elementBetween(arg, lo, hi, loc)
		}
		a, err := x.binary(">=", arg, lo, loc)
		if err != nil {
			return nil, err
		}
		b, err := x.binary("<=", arg, hi, loc)
		return &And{Args: []Expr{a, b}}, err
	}
	out, err := within(bounds[0], bounds[1])
	if err != nil {
		return nil, err
	}
	switch e.Kind {
	case pg.A_Expr_Kind_AEXPR_BETWEEN_SYM, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		swapped, err := within(bounds[1], bounds[0])
		if err != nil {
			return nil, err
		}
		out = &Or{Args: []Expr{out, swapped}}
	}
	switch e.Kind {
	case pg.A_Expr_Kind_AEXPR_NOT_BETWEEN, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		return &Not{Arg: out}, nil
	}
	return out, nil
}

// quantified is left op ANY (array) or ALL (array).
func (x *exprBinder) quantified(prefix, name string, left, right Expr, loc int) (Expr, error) {
	if rec, ok := left.(*recordExpr); ok && rec != nil {
		return nil, sqlerr.Unsupported("a row compared with the elements of an array").At(loc)
	}
	right, err := x.asArray(left.Type(), right, loc)
	if err != nil {
		return nil, err
	}
	f, castTo, err := fn.Resolve(name, []schema.Type{left.Type(), right.Type().Elem()}, x.opt.Dialect)
	if err != nil {
		return nil, at(err, loc)
	}
	if left, err = x.convertArg(left, castTo[0], loc); err != nil {
		return nil, err
	}
	if right.Type().Elem() != castTo[1] {
		if right, err = x.coerce(right, castTo[1].AsList(), true, loc); err != nil {
			return nil, err
		}
	}
	if f.ResultType(castTo) != schema.Bool {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "op ANY/ALL (array) requires operator to yield boolean").At(loc)
	}
	args := []Expr{left, right}
	q := builtin(prefix+name, exprTypes(args), x.opt.Dialect)
	if q == nil {
		return nil, sqlerr.Unsupported("operator " + name + " with ANY or ALL over " + right.Type().String()).At(loc)
	}
	return &Call{Fn: q, Args: args, Typ: schema.Bool}, nil
}

// asArray makes an untyped literal or parameter an array over the type of the
// other side.
func (x *exprBinder) asArray(left schema.Type, right Expr, loc int) (Expr, error) {
	t := right.Type()
	switch {
	case t.ID == schema.TypeUnknown && !t.List:
		elem := plainType(left)
		if left.ID == schema.TypeUnknown {
			elem = schema.Text
		}
		return x.coerce(right, elem.AsList(), false, loc)
	case t.Kind() != schema.KindList:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "op ANY/ALL (array) requires array on right side").At(loc)
	}
	return right, nil
}

// distinct is IS [NOT] DISTINCT FROM.
func (x *exprBinder) distinct(left, right Expr, negated bool, loc int) (Expr, error) {
	cmp, err := x.binary("=", left, right, loc)
	if err == nil {
		err = x.repeat(cmp, 4, loc)
	}
	if err != nil {
		return nil, err
	}
	l, r := left, right
	if c, ok := cmp.(*Call); ok && len(c.Args) == 2 {
		l, r = c.Args[0], c.Args[1]
	}
	if _, isRecord := l.(*recordExpr); isRecord {
		return nil, sqlerr.Unsupported("IS DISTINCT FROM between rows").At(loc)
	}
	differ := func(b bool) Expr { return &Const{Value: column.BoolValue(b == negated)} }
	same := cmp
	if negated {
		same = &Not{Arg: cmp}
	}
	return &Case{Typ: schema.Bool, Else: same, Whens: []When{
		{Cond: &IsNull{Arg: l}, Then: &Case{Typ: schema.Bool, Whens: []When{{&IsNull{Arg: r}, differ(false)}}, Else: differ(true)}},
		{Cond: &IsNull{Arg: r}, Then: differ(true)},
	}}, nil
}

func (x *exprBinder) nullIf(left, right Expr, loc int) (Expr, error) {
	cmp, err := x.call("=", []Expr{left, right}, loc)
	if err == nil {
		err = x.repeat(cmp, 2, loc)
	}
	if err != nil {
		return nil, err
	}
	left = cmp.(*Call).Args[0]
	t := left.Type()
	return &Case{Typ: t, Whens: []When{{cmp, &Const{Value: column.NullValue(t)}}}, Else: left}, nil
}

// subLink binds a subquery in an expression.
func (x *exprBinder) subLink(s *pg.SubLink, direct bool) (Expr, error) {
	loc := int(s.Location)
	sel := s.Subselect.GetSelectStmt()
	if sel == nil {
		return nil, sqlerr.Unsupported("this kind of subquery").At(loc)
	}
	q, err := x.binder.query(sel, x.sc)
	if err != nil {
		return nil, err
	}
	if s.SubLinkType == pg.SubLinkType_EXISTS_SUBLINK {
		return &subExpr{kind: SubqueryExists, query: q, typ: schema.Bool}, nil
	}
	if err := x.settleQuery(q, loc); err != nil {
		return nil, err
	}
	cols := q.visibleCols()
	switch s.SubLinkType {
	case pg.SubLinkType_EXPR_SUBLINK, pg.SubLinkType_ARRAY_SUBLINK:
		if len(cols) != 1 {
			return nil, sqlerr.New(sqlerr.SyntaxError, "subquery must return only one column").At(loc)
		}
		if cols[0].record != nil {
			return nil, sqlerr.Unsupported("a subquery that returns a row value").At(loc)
		}
		if s.SubLinkType == pg.SubLinkType_ARRAY_SUBLINK {
			return &subExpr{kind: SubqueryArray, query: q, typ: cols[0].typ.AsList()}, nil
		}
		return &subExpr{kind: SubqueryScalar, query: q, typ: cols[0].typ}, nil
	case pg.SubLinkType_ANY_SUBLINK, pg.SubLinkType_ALL_SUBLINK:
		return x.quantifiedQuery(s, q, direct)
	}
	return nil, sqlerr.Unsupported("a comparison of a row with a subquery").At(loc)
}

// quantifiedQuery is x IN (query), x op ANY (query), x op ALL (query).
func (x *exprBinder) quantifiedQuery(s *pg.SubLink, q *query, direct bool) (Expr, error) {
	loc := int(s.Location)
	name := "="
	if parts := names(s.OperName); len(parts) > 0 {
		name = parts[len(parts)-1]
	}
	arg, err := x.expr(s.Testexpr)
	if err != nil {
		return nil, err
	}
	if r, ok := arg.(*recordExpr); ok {
		if name != "=" || s.SubLinkType != pg.SubLinkType_ANY_SUBLINK || !direct {
			return nil, sqlerr.Unsupported("this comparison of a row with a subquery").At(loc)
		}
		return x.rowIn(r, q, loc)
	}
	cols := q.visibleCols()
	if len(cols) != 1 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "subquery has too many columns").At(loc)
	}
	f, castTo, err := fn.Resolve(name, []schema.Type{arg.Type(), cols[0].typ}, x.opt.Dialect)
	if err != nil {
		return nil, at(err, loc)
	}
	if arg, err = x.convertArg(arg, castTo[0], loc); err != nil {
		return nil, err
	}
	if castTo[1] != cols[0].typ {
		if err := x.castColumns(q, []schema.Type{castTo[1]}, loc); err != nil {
			return nil, err
		}
	}
	kind := SubqueryAny
	if s.SubLinkType == pg.SubLinkType_ALL_SUBLINK {
		kind = SubqueryAll
	}
	return &subExpr{kind: kind, query: q, arg: arg, op: &opInfo{fn: f, right: castTo[1]}, typ: schema.Bool}, nil
}

// rowIn is (a, b) IN (query): whether the query has such a row. It is written
// as EXISTS, which is false where IN would be NULL; that is no difference to a
// condition, and NOT IN of rows is refused.
func (x *exprBinder) rowIn(r *recordExpr, q *query, loc int) (Expr, error) {
	cols := q.visibleCols()
	if len(cols) != len(r.fields) {
		return nil, sqlerr.New(sqlerr.SyntaxError, "subquery has %d columns but the row has %d", len(cols), len(r.fields)).At(loc)
	}
	rel := newQueryRelation("", q)
	body := &selectBody{from: &fromGroup{items: []fromItem{&relItem{rel}}}}
	for i, f := range r.fields {
		cmp, err := x.call("=", []Expr{f, rel.ref(i, loc)}, loc)
		if err != nil {
			return nil, err
		}
		body.from.where = append(body.from.where, cmp)
	}
	body.targets = []target{{name: "one", expr: &Const{Value: column.IntValue(schema.Int32, 1)}}}
	outer := &query{body: body, cols: []queryCol{{name: "one", typ: schema.Int32}}}
	return &subExpr{kind: SubqueryExists, query: outer, typ: schema.Bool}, nil
}
