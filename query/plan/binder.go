package plan

import (
	"errors"
	"strings"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/sql"
)

// SQLSTATEs that only the planner uses.
const (
	codeWindowing          = "42P20"
	codeCannotCoerce       = "42846"
	codeInvalidRecursion   = "42P19"
	codeAmbiguousParameter = "42P08"
)

// binder gives the names and operators of one statement their meaning.
type binder struct {
	ctx    *fn.Context
	opt    Options
	stmt   *sql.Statement
	params []schema.Type // TypeUnknown until something decides
	// literals remembers where untyped literals stand, for errors in them.
	literals map[*Const]int
	sizes    map[Expr]int // of large expressions
}

func lower(s string) string { return strings.ToLower(s) }

func (b *binder) pinot() bool { return b.opt.Dialect == fn.Pinot }

// at gives an error a position if it has none.
func at(err error, loc int) error {
	var e *sqlerr.Error
	if errors.As(err, &e) {
		return e.At(loc)
	}
	return err
}

// plainType drops the modifiers of a type: what an untyped literal or
// parameter beside it becomes.
func plainType(t schema.Type) schema.Type {
	switch {
	case t.ID == schema.TypeSymbol:
		return schema.Type{ID: schema.TypeText, List: t.List}
	case t.ID == schema.TypeChar:
		return schema.Type{ID: schema.TypeChar, List: t.List}
	}
	return schema.Type{ID: t.ID, List: t.List}
}

// param is a reference to parameter n.
func (b *binder) param(n int, loc int) (Expr, error) {
	const most = 65535
	if n < 1 || n > most {
		return nil, sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter $%d", n).At(loc)
	}
	for len(b.params) < n {
		t := schema.Unknown
		if i := len(b.params); i < len(b.opt.ParamTypes) && b.opt.ParamTypes[i].ID > schema.TypeUnknown {
			t = b.opt.ParamTypes[i]
		}
		b.params = append(b.params, t)
	}
	return &Param{N: n, Typ: b.params[n-1]}, nil
}

// coerce converts e to type t: a literal is read, a parameter without a type
// takes it, anything else is cast. Without explicit only implicit casts do.
func (b *binder) coerce(e Expr, t schema.Type, explicit bool, loc int) (Expr, error) {
	from := e.Type()
	if from == t || t.ID == schema.TypeUnknown {
		return e, nil
	}
	switch x := e.(type) {
	case *Const:
		if from.ID == schema.TypeUnknown && !from.List {
			return b.readLiteral(x, t, loc)
		}
	case *Param:
		if from.ID == schema.TypeUnknown {
			return b.typeParam(x, t, loc)
		}
	case *recordExpr:
		return nil, sqlerr.Unsupported("a row value here").At(loc)
	case *Array:
		if t.List && explicit {
			return b.coerceArray(x, t, loc)
		}
	}
	if !fn.CanCast(from, t, explicit) {
		if explicit {
			return nil, sqlerr.New(codeCannotCoerce, "cannot cast type %s to %s", plainType(from), plainType(t)).At(loc)
		}
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "%s cannot be converted to type %s", plainType(from), plainType(t)).At(loc)
	}
	return &Cast{Arg: e, Typ: t}, nil
}

// coerceArray casts the elements of ARRAY[…].
func (b *binder) coerceArray(a *Array, t schema.Type, loc int) (Expr, error) {
	out := &Array{Typ: t, Elems: make([]Expr, len(a.Elems))}
	for i, e := range a.Elems {
		x, err := b.coerce(e, t.Elem(), true, loc)
		if err != nil {
			return nil, err
		}
		out.Elems[i] = x
	}
	return out, nil
}

// readLiteral reads an untyped literal as a value of type t. What depends on
// the session or the time stays a cast, but malformed text is an error now.
func (b *binder) readLiteral(c *Const, t schema.Type, loc int) (Expr, error) {
	if c.Value.Null {
		return &Const{Value: column.NullValue(t)}, nil
	}
	text := c.Value
	text.Type = schema.Text
	if isReg(t.ID) {
		return &Cast{Arg: &Const{Value: text}, Typ: t}, nil
	}
	v, err := fn.ParseText(b.ctx, c.Value.B, t)
	if err != nil {
		if l, ok := b.literals[c]; ok {
			loc = l
		}
		return nil, at(err, loc)
	}
	if t.ID == schema.TypeTimestampTZ || t.IsTime() && relativeTime(c.Value.B) {
		return &Cast{Arg: &Const{Value: text}, Typ: t}, nil
	}
	v.Type = t
	return &Const{Value: v}, nil
}

// typeParam gives a parameter without a type the type that its use asks for.
func (b *binder) typeParam(p *Param, t schema.Type, loc int) (Expr, error) {
	want := plainType(t)
	known := b.params[p.N-1]
	switch {
	case known.ID == schema.TypeUnknown:
		b.params[p.N-1] = want
		known = want
	case known != want && !fn.CanCast(known, want, false):
		return nil, sqlerr.New(codeAmbiguousParameter, "inconsistent types deduced for parameter $%d", p.N).At(loc).
			WithDetail("%s versus %s", known, want)
	}
	e := Expr(&Param{N: p.N, Typ: known})
	if known != want || want != t && t.ID != schema.TypeSymbol {
		e = &Cast{Arg: e, Typ: t}
	}
	return e, nil
}

// coerceBool converts a condition; clause names it in the error.
func (b *binder) coerceBool(e Expr, clause string, loc int) (Expr, error) {
	t := e.Type()
	if t == schema.Bool {
		return e, nil
	}
	if t.ID == schema.TypeUnknown {
		return b.coerce(e, schema.Bool, false, loc)
	}
	return nil, sqlerr.New(sqlerr.DatatypeMismatch, "argument of %s must be type boolean, not type %s", clause, plainType(t)).At(loc)
}

// settle makes a value that is still untyped text.
func (b *binder) settle(e Expr, loc int) (Expr, error) {
	if e.Type().ID == schema.TypeUnknown {
		return b.coerce(e, schema.Text, false, loc)
	}
	return e, nil
}

// commonType converts expressions to one type; what names the construct.
func (b *binder) commonType(list []Expr, what string, locs func(int) int) ([]Expr, schema.Type, error) {
	t, ok := fn.CommonType(exprTypes(list))
	if !ok {
		return nil, t, mismatch(list, what, locs)
	}
	out := make([]Expr, len(list))
	for i, e := range list {
		if isText(e.Type()) && isText(t) {
			out[i] = e // stored alike
			continue
		}
		x, err := b.coerce(e, t, false, locs(i))
		if err != nil {
			return nil, t, err
		}
		out[i] = x
	}
	return out, t, nil
}

// isText reports whether a type is text without modifiers: what needs no
// conversion to another such type.
func isText(t schema.Type) bool {
	return t == schema.Text || t == schema.Symbol || t == schema.Varchar
}

// mismatch is the error for expressions without a common type.
func mismatch(list []Expr, what string, locs func(int) int) error {
	var first schema.Type
	for i, e := range list {
		t := e.Type()
		switch {
		case t.ID == schema.TypeUnknown:
		case first.ID == schema.TypeInvalid:
			first = t
		default:
			if _, ok := fn.CommonType([]schema.Type{first, t}); !ok {
				return sqlerr.New(sqlerr.DatatypeMismatch, "%s types %s and %s cannot be matched", what, plainType(first), plainType(t)).At(locs(i))
			}
		}
	}
	return sqlerr.New(sqlerr.DatatypeMismatch, "%s types cannot be matched", what)
}

// call resolves a function or operator and converts its arguments.
func (b *binder) call(name string, args []Expr, loc int) (Expr, error) {
	for _, a := range args {
		if _, isRecord := a.(*recordExpr); isRecord {
			return nil, sqlerr.Unsupported("a row value as an argument of " + name).At(loc)
		}
	}
	f, castTo, err := fn.Resolve(name, exprTypes(args), b.opt.Dialect)
	if err != nil {
		return nil, at(err, loc)
	}
	out := make([]Expr, len(args))
	types := make([]schema.Type, len(args))
	for i, a := range args {
		x, err := b.convertArg(a, castTo[i], loc)
		if err != nil {
			return nil, err
		}
		out[i], types[i] = x, x.Type()
	}
	return &Call{Fn: f, Args: out, Typ: f.ResultType(types)}, nil
}

// convertArg converts an argument to what an overload takes; the overload was
// chosen because that is possible.
func (b *binder) convertArg(a Expr, t schema.Type, loc int) (Expr, error) {
	if a.Type() == t {
		return a, nil
	}
	if a.Type().ID == schema.TypeUnknown {
		return b.coerce(a, t, false, loc)
	}
	return &Cast{Arg: a, Typ: t}, nil
}

// nodeLoc returns the byte offset of a syntax node, -1 if it has none.
func nodeLoc(n *pg.Node) int {
	if n == nil {
		return -1
	}
	switch x := n.Node.(type) {
	case *pg.Node_AConst:
		return int(x.AConst.Location)
	case *pg.Node_ColumnRef:
		return int(x.ColumnRef.Location)
	case *pg.Node_AExpr:
		if x.AExpr.Lexpr != nil {
			if l := nodeLoc(x.AExpr.Lexpr); l >= 0 {
				return l
			}
		}
		return int(x.AExpr.Location)
	case *pg.Node_FuncCall:
		return int(x.FuncCall.Location)
	case *pg.Node_TypeCast:
		if l := nodeLoc(x.TypeCast.Arg); l >= 0 && l < int(x.TypeCast.Location) {
			return l
		}
		return int(x.TypeCast.Location)
	case *pg.Node_ParamRef:
		return int(x.ParamRef.Location)
	case *pg.Node_SubLink:
		return int(x.SubLink.Location)
	case *pg.Node_CaseExpr:
		return int(x.CaseExpr.Location)
	case *pg.Node_BoolExpr:
		return int(x.BoolExpr.Location)
	case *pg.Node_NullTest:
		return nodeLoc(x.NullTest.Arg)
	case *pg.Node_CoalesceExpr:
		return int(x.CoalesceExpr.Location)
	case *pg.Node_MinMaxExpr:
		return int(x.MinMaxExpr.Location)
	case *pg.Node_RowExpr:
		return int(x.RowExpr.Location)
	case *pg.Node_AArrayExpr:
		return int(x.AArrayExpr.Location)
	case *pg.Node_SqlvalueFunction:
		return int(x.SqlvalueFunction.Location)
	case *pg.Node_AIndirection:
		return nodeLoc(x.AIndirection.Arg)
	case *pg.Node_CollateClause:
		return nodeLoc(x.CollateClause.Arg)
	case *pg.Node_ResTarget:
		return int(x.ResTarget.Location)
	}
	return -1
}

// names returns the strings of a dotted name.
func names(list []*pg.Node) []string {
	out := make([]string, 0, len(list))
	for _, n := range list {
		if s := n.GetString_(); s != nil {
			out = append(out, s.Sval)
		}
	}
	return out
}
