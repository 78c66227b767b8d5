package plan

import (
	"strconv"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// array binds ARRAY[…]; t is its type if a cast gives it.
func (x *exprBinder) array(a *pg.A_ArrayExpr, t schema.Type) (Expr, error) {
	for _, n := range a.Elements {
		if n.GetAArrayExpr() != nil {
			return nil, sqlerr.Unsupported("a multidimensional array").At(int(a.Location))
		}
	}
	elems, err := x.exprs(a.Elements)
	if err != nil {
		return nil, err
	}
	locs := func(i int) int { return nodeLoc(a.Elements[i]) }
	if t.List {
		out := &Array{Typ: t}
		for i, e := range elems {
			c, err := x.coerce(e, t.Elem(), true, locs(i))
			if err != nil {
				return nil, err
			}
			out.Elems = append(out.Elems, c)
		}
		return out, nil
	}
	if len(elems) == 0 {
		return nil, sqlerr.New(sqlerr.IndeterminateDatatype, "cannot determine type of empty array").At(int(a.Location)).
			WithHint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
	}
	elems, et, err := x.commonType(elems, "ARRAY", locs)
	if err != nil {
		return nil, err
	}
	if et.List {
		return nil, sqlerr.Unsupported("a multidimensional array").At(int(a.Location))
	}
	return &Array{Elems: elems, Typ: et.AsList()}, nil
}

// indirection is (record).field or array[i].
func (x *exprBinder) indirection(a *pg.A_Indirection) (Expr, error) {
	e, err := x.expr(a.Arg)
	if err != nil {
		return nil, err
	}
	loc := nodeLoc(a.Arg)
	for _, n := range a.Indirection {
		switch s := n.Node.(type) {
		case *pg.Node_String_:
			e, err = field(e, s.String_.Sval, loc)
		case *pg.Node_AIndices:
			e, err = x.subscript(e, s.AIndices, loc)
		default:
			err = sqlerr.Unsupported("(row).* here").At(loc)
		}
		if err != nil {
			return nil, err
		}
	}
	return e, nil
}

func field(e Expr, name string, loc int) (Expr, error) {
	r, ok := e.(*recordExpr)
	if !ok {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "column notation .%s applied to type %s, which is not a composite type",
			name, e.Type()).At(loc)
	}
	i, m := findName(len(r.names), func(i int) (string, bool) { return r.names[i], true }, identifier{Name: name})
	if m == noMatch || m == doubleMatch {
		return nil, sqlerr.New(sqlerr.UndefinedColumn, "could not identify column %q in record data type", name).At(loc)
	}
	return atLocation(r.fields[i], loc), nil
}

func (x *exprBinder) subscript(e Expr, s *pg.A_Indices, loc int) (Expr, error) {
	if s.IsSlice {
		return nil, sqlerr.Unsupported("an array slice").At(loc)
	}
	if e.Type().Kind() != schema.KindList {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "cannot subscript type %s because it does not support subscripting", e.Type()).At(loc)
	}
	i, err := x.expr(s.Uidx)
	if err != nil {
		return nil, err
	}
	if i.Type() != schema.Int32 {
		if t := i.Type(); t.ID != schema.TypeUnknown && !t.IsInteger() {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, "array subscript must have type integer").At(nodeLoc(s.Uidx))
		}
		if i, err = x.coerce(i, schema.Int32, true, nodeLoc(s.Uidx)); err != nil {
			return nil, err
		}
	}
	args := []Expr{e, i}
	f := builtin(subscriptName, exprTypes(args), x.opt.Dialect)
	return &Call{Fn: f, Args: args, Typ: f.Ret}, nil
}

func (x *exprBinder) row(r *pg.RowExpr) (Expr, error) {
	fields, err := x.exprs(r.Args)
	if err != nil {
		return nil, err
	}
	rec := &recordExpr{fields: fields}
	for i := range fields {
		rec.names = append(rec.names, "f"+strconv.Itoa(i+1))
	}
	return rec, nil
}
