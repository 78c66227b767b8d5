package plan

import (
	"errors"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// errNotConstant is returned by evaluate for an expression that is not known
// yet.
var errNotConstant = errors.New("not constant")

// evaluate computes an expression of constants. With stable set it also calls
// functions that hold still within a statement.
func evaluate(ctx *fn.Context, e Expr, stable bool) (column.Value, error) {
	ev := evaluator{ctx: ctx, stable: stable}
	return ev.value(e)
}

// evaluator computes constant expressions.
type evaluator struct {
	ctx    *fn.Context
	stable bool
}

func (ev *evaluator) value(e Expr) (column.Value, error) {
	switch e := e.(type) {
	case *Const:
		return e.Value, nil
	case *Call:
		return ev.call(e)
	case *Cast:
		return ev.cast(e)
	case *And:
		return ev.logic(e.Args, false)
	case *Or:
		return ev.logic(e.Args, true)
	case *Not:
		v, err := ev.value(e.Arg)
		if err != nil || v.Null {
			return v, err
		}
		return column.BoolValue(v.I == 0), nil
	case *IsNull:
		v, err := ev.value(e.Arg)
		return column.BoolValue(v.Null != e.Negated), err
	case *In:
		return ev.in(e)
	case *Case:
		return ev.caseOf(e)
	case *Array:
		return ev.array(e)
	}
	return column.Value{}, errNotConstant
}

func (ev *evaluator) call(e *Call) (column.Value, error) {
	if !ev.foldable(e.Fn) {
		return column.Value{}, errNotConstant
	}
	args := make([]*column.Vector, len(e.Args))
	null := false
	for i, a := range e.Args {
		v, err := ev.value(a)
		if err != nil {
			return v, err
		}
		null = null || v.Null
		args[i] = column.NewConst(v, 1)
	}
	if null && !e.Fn.NullCall {
		return column.NullValue(e.Typ), nil
	}
	out := column.New(e.Typ, 1)
	if err := e.Fn.Eval(ev.ctx, args, 1, nil, out); err != nil {
		return column.Value{}, err
	}
	v := out.Value(0)
	v.Type = e.Typ
	return v, nil
}

func (ev *evaluator) foldable(f *fn.Func) bool {
	if f.Set || f.Eval == nil || f.Volatility == fn.Volatile {
		return false
	}
	if f.NeedsSession {
		return ev.stable && ev.ctx.Session != nil
	}
	return ev.stable || f.Volatility == fn.Immutable
}

func (ev *evaluator) cast(e *Cast) (column.Value, error) {
	v, err := ev.value(e.Arg)
	if err != nil {
		return v, err
	}
	if v.Null {
		return column.NullValue(e.Typ), nil
	}
	if !ev.stable && !immutableCast(v, e.Typ) || ev.ctx.Session == nil && sessionCast(v.Type, e.Typ) {
		return v, errNotConstant
	}
	out, err := fn.CastValue(ev.ctx, v, e.Typ)
	out.Type = e.Typ
	return out, err
}

// immutableCast reports whether a conversion depends on nothing but the value.
func immutableCast(v column.Value, to schema.Type) bool {
	return !zoneCast(v.Type, to) && !sessionCast(v.Type, to) && !(v.Type.IsText() && to.IsTime() && relativeTime(v.B))
}

// zoneCast reports whether a conversion depends on the session's time zone.
func zoneCast(from, to schema.Type) bool {
	a, b := from.ID == schema.TypeTimestampTZ, to.ID == schema.TypeTimestampTZ
	return a != b
}

// relativeTime reports whether text may mean the present: now, today, ….
func relativeTime(b []byte) bool {
	switch lower(string(b)) {
	case "now", "today", "tomorrow", "yesterday":
		return true
	}
	return false
}

// sessionCast reports whether a conversion asks the catalog.
func sessionCast(from, to schema.Type) bool {
	return isReg(from.ID) != isReg(to.ID) && (from.IsText() || to.IsText() || from.List || to.List)
}

func isReg(id schema.TypeID) bool {
	switch id {
	case schema.TypeRegclass, schema.TypeRegtype, schema.TypeRegproc, schema.TypeRegnamespace:
		return true
	}
	return false
}

// logic is AND or OR; absorbing is the value that decides alone.
func (ev *evaluator) logic(args []Expr, absorbing bool) (column.Value, error) {
	out := column.BoolValue(!absorbing)
	var failed error
	for _, a := range args {
		v, err := ev.value(a)
		switch {
		case err != nil:
			failed = err
		case v.Null:
			out = column.NullValue(schema.Bool)
		case (v.I != 0) == absorbing:
			return column.BoolValue(absorbing), nil
		}
	}
	return out, failed
}

func (ev *evaluator) in(e *In) (column.Value, error) {
	v, err := ev.value(e.Arg)
	if err != nil || v.Null {
		return column.NullValue(schema.Bool), err
	}
	for i := range e.List.N {
		if fn.CompareValues(v, e.List.Value(i)) == 0 {
			return column.BoolValue(!e.Negated), nil
		}
	}
	if e.HasNull {
		return column.NullValue(schema.Bool), nil
	}
	return column.BoolValue(e.Negated), nil
}

func (ev *evaluator) caseOf(e *Case) (column.Value, error) {
	for _, w := range e.Whens {
		c, err := ev.value(w.Cond)
		if err != nil {
			return c, err
		}
		if !c.Null && c.I != 0 {
			return ev.retyped(w.Then, e.Typ)
		}
	}
	if e.Else == nil {
		return column.NullValue(e.Typ), nil
	}
	return ev.retyped(e.Else, e.Typ)
}

func (ev *evaluator) retyped(e Expr, t schema.Type) (column.Value, error) {
	v, err := ev.value(e)
	v.Type = t
	return v, err
}

func (ev *evaluator) array(e *Array) (column.Value, error) {
	list := column.New(e.Typ.Elem(), len(e.Elems))
	for _, x := range e.Elems {
		v, err := ev.value(x)
		if err != nil {
			return v, err
		}
		list.Append(v)
	}
	return column.Value{Type: e.Typ, List: list}, nil
}

// fold replaces the constant parts of an expression by their values. Parts
// whose evaluation fails stay: the error is raised if a row reaches them.
func fold(ctx *fn.Context, e Expr, stable bool) Expr {
	return rewriteUp(e, func(x Expr) Expr { return foldOne(ctx, x, stable) })
}

// foldOne folds an expression whose parts are folded.
func foldOne(ctx *fn.Context, e Expr, stable bool) Expr {
	switch x := e.(type) {
	case *Const, *ColRef, *colVar, *Param, *OuterRef:
		return e
	case *And:
		return sameLogic(e, x.Args, foldLogic(x.Args, false))
	case *Or:
		return sameLogic(e, x.Args, foldLogic(x.Args, true))
	case *Case:
		return foldCase(x)
	}
	if !constParts(e) {
		return e
	}
	v, err := evaluate(ctx, e, stable)
	if err != nil {
		return e
	}
	return &Const{Value: v}
}

func constParts(e Expr) bool {
	ok := true
	eachChild(e, func(c Expr) {
		_, isConst := c.(*Const)
		ok = ok && isConst
	})
	switch e.(type) {
	case *Call, *Cast, *Not, *IsNull, *In, *Array:
		return ok
	}
	return false
}

// foldLogic drops the neutral constants of AND or OR and flattens it.
func foldLogic(args []Expr, absorbing bool) Expr {
	var out []Expr
	for _, a := range args {
		switch x := a.(type) {
		case *Const:
			if !x.Value.Null && (x.Value.I != 0) == absorbing {
				return x
			}
			if !x.Value.Null {
				continue
			}
		case *And:
			if !absorbing {
				out = append(out, x.Args...)
				continue
			}
		case *Or:
			if absorbing {
				out = append(out, x.Args...)
				continue
			}
		}
		out = append(out, a)
	}
	switch {
	case len(out) == 0:
		return &Const{Value: column.BoolValue(!absorbing)}
	case len(out) == 1:
		return out[0]
	case absorbing:
		return &Or{Args: out}
	}
	return &And{Args: out}
}

// sameLogic returns e instead of its folded form if that is no different.
func sameLogic(e Expr, args []Expr, folded Expr) Expr {
	var now []Expr
	switch x := folded.(type) {
	case *And:
		now = x.Args
	case *Or:
		now = x.Args
	}
	if slices.Equal(args, now) {
		return e
	}
	return folded
}

// foldCase drops branches that are never or always taken.
func foldCase(e *Case) Expr {
	var whens []When
	for _, w := range e.Whens {
		c, ok := w.Cond.(*Const)
		if !ok {
			whens = append(whens, w)
			continue
		}
		if c.Value.Null || c.Value.I == 0 {
			continue
		}
		if len(whens) == 0 {
			return retype(w.Then, e.Typ)
		}
		return &Case{Whens: whens, Else: w.Then, Typ: e.Typ}
	}
	switch {
	case len(whens) == 0 && e.Else == nil:
		return &Const{Value: column.NullValue(e.Typ)}
	case len(whens) == 0:
		return retype(e.Else, e.Typ)
	case len(whens) == len(e.Whens):
		return e
	}
	return &Case{Whens: whens, Else: e.Else, Typ: e.Typ}
}

// retype gives a constant the type of the expression that it stands for; other
// expressions differ from it by a modifier at most.
func retype(e Expr, t schema.Type) Expr {
	if c, ok := e.(*Const); ok && c.Value.Type != t && c.Value.Type.Kind() == t.Kind() {
		v := c.Value
		v.Type = t
		return &Const{Value: v}
	}
	return e
}
