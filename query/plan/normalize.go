package plan

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// normalizer brings conditions into the forms that executors and pruning know:
// column op constant, In, NOT only where it cannot be moved inwards.
type normalizer struct {
	ctx     *fn.Context
	dialect fn.Dialect
	stable  bool
}

// expr folds an expression and normalises the conditions in it.
func (z *normalizer) expr(e Expr) Expr {
	return rewriteUp(e, func(x Expr) Expr { return z.one(foldOne(z.ctx, x, z.stable)) })
}

// onlyTrue simplifies a condition of which false and NULL mean the same: x IS
// TRUE is x.
func (z *normalizer) onlyTrue(e Expr) Expr {
	switch x := e.(type) {
	case *And:
		args, changed := rewriteList(x.Args, z.onlyTrue)
		if !changed {
			return e
		}
		return foldLogic(args, false)
	case *Case:
		if c, ok := isTrueTest(x); ok {
			return z.onlyTrue(c)
		}
	}
	return e
}

// isTrueTest recognises CASE WHEN c THEN true ELSE false END.
func isTrueTest(e *Case) (Expr, bool) {
	if len(e.Whens) != 1 || !isTrue(e.Whens[0].Then) {
		return nil, false
	}
	c, ok := e.Else.(*Const)
	if e.Else == nil || ok && (c.Value.Null || c.Value.I == 0) {
		return e.Whens[0].Cond, true
	}
	return nil, false
}

// one normalises an expression whose parts are normalised.
func (z *normalizer) one(e Expr) Expr {
	switch x := e.(type) {
	case *Not:
		return z.not(x)
	case *Or:
		return z.mergeEquals(x.Args, "=", false, e)
	case *And:
		return z.mergeEquals(x.Args, "<>", true, e)
	case *Call:
		if len(x.Args) == 2 {
			return z.binary(x)
		}
	case *In:
		return z.in(x)
	}
	return e
}

var negated = map[string]string{
	"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
	"~~": "!~~", "!~~": "~~", "~~*": "!~~*", "!~~*": "~~*", "~": "!~", "!~": "~", "~*": "!~*", "!~*": "~*",
}

// not moves a negation inwards.
func (z *normalizer) not(e *Not) Expr {
	switch x := e.Arg.(type) {
	case *Not:
		return x.Arg
	case *IsNull:
		return &IsNull{Arg: x.Arg, Negated: !x.Negated}
	case *In:
		return &In{Arg: x.Arg, List: x.List, HasNull: x.HasNull, Negated: !x.Negated}
	case *And:
		return z.one(foldLogic(z.notAll(x.Args), true))
	case *Or:
		return z.one(foldLogic(z.notAll(x.Args), false))
	case *Call:
		if c := z.operator(negated[x.Fn.Name], x.Args); c != nil {
			return c
		}
	}
	return e
}

func (z *normalizer) notAll(args []Expr) []Expr {
	out := make([]Expr, len(args))
	for i, a := range args {
		out[i] = z.one(foldOne(z.ctx, &Not{Arg: a}, z.stable))
	}
	return out
}

// operator makes a call of an operator over arguments that have its types;
// nil if there is no such operator.
func (z *normalizer) operator(name string, args []Expr) Expr {
	if name == "" || len(args) != 2 {
		return nil
	}
	f, err := resolveExact(name, exprTypes(args), z.dialect)
	if err != nil || f.ResultType(exprTypes(args)) != schema.Bool {
		return nil
	}
	return &Call{Fn: f, Args: args, Typ: schema.Bool}
}

var mirrored = map[string]string{"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// binary puts the constant of a comparison on the right, moves casts from the
// column to the constant, and makes a list of = ANY (constant array).
func (z *normalizer) binary(e *Call) Expr {
	switch e.Fn.Name {
	case AnyPrefix + "=":
		return z.anyOf(e, false)
	case AllPrefix + "<>":
		return z.anyOf(e, true)
	}
	if mirrored[e.Fn.Name] == "" {
		return e
	}
	_, lconst := e.Args[0].(*Const)
	_, rconst := e.Args[1].(*Const)
	if lconst && !rconst {
		if c, ok := z.operator(mirrored[e.Fn.Name], []Expr{e.Args[1], e.Args[0]}).(*Call); ok {
			e, rconst = c, true
		}
	}
	cast, isCast := e.Args[0].(*Cast)
	if k, ok := e.Args[1].(*Const); ok && rconst && isCast && !k.Value.Null {
		if x := z.uncast(e, cast, k.Value); x != nil {
			return x
		}
	}
	return e
}

// anyOf makes x = ANY (constant array), or x <> ALL, a list.
func (z *normalizer) anyOf(e *Call, negated bool) Expr {
	k, ok := e.Args[1].(*Const)
	if !ok || k.Value.Null || orderClass(e.Args[0].Type()) == 0 || !sameOrder(e.Args[0].Type(), k.Value.Type.Elem()) {
		return e
	}
	values := make([]column.Value, k.Value.List.N)
	for i := range values {
		values[i] = k.Value.List.Value(i)
	}
	return z.in(newIn(e.Args[0], values, negated).(*In))
}

// in simplifies a list: an empty one, one of a single value, one over a cast.
func (z *normalizer) in(e *In) Expr {
	if e.List.N == 0 && !e.HasNull {
		return boolConst(e.Negated)
	}
	if cast, ok := e.Arg.(*Cast); ok {
		if x := z.uncastIn(e, cast); x != nil {
			return x
		}
	}
	if e.List.N == 1 && !e.HasNull {
		op := "="
		if e.Negated {
			op = "<>"
		}
		if c := z.operator(op, []Expr{e.Arg, &Const{Value: e.List.Value(0)}}); c != nil {
			return c
		}
	}
	return e
}

// mergeEquals merges comparisons of one expression with constants into a
// list: = joined by OR, <> joined by AND.
func (z *normalizer) mergeEquals(args []Expr, op string, neg bool, whole Expr) Expr {
	type entry struct {
		arg    Expr
		values []column.Value
		at     int // position in out
		n      int
	}
	var entries []*entry
	out := make([]Expr, 0, len(args))
	for _, a := range args {
		arg, values, ok := equalsList(a, op, neg)
		if !ok {
			out = append(out, a)
			continue
		}
		var found *entry
		for _, en := range entries {
			if equal(en.arg, arg) {
				found = en
				break
			}
		}
		if found == nil {
			entries = append(entries, &entry{arg: arg, values: values, at: len(out), n: 1})
			out = append(out, a)
			continue
		}
		found.values = append(found.values, values...)
		found.n++
	}
	if len(out) == len(args) {
		return whole
	}
	for _, en := range entries {
		if en.n > 1 {
			out[en.at] = z.in(newIn(en.arg, en.values, neg).(*In))
		}
	}
	return foldLogic(out, !neg)
}

// equalsList takes x = constant or x IN (constants) apart.
func equalsList(e Expr, op string, neg bool) (arg Expr, values []column.Value, ok bool) {
	switch x := e.(type) {
	case *Call:
		if x.Fn.Name != op || len(x.Args) != 2 {
			return nil, nil, false
		}
		k, ok := x.Args[1].(*Const)
		if !ok || k.Value.Null || orderClass(x.Args[0].Type()) == 0 || !sameOrder(x.Args[0].Type(), k.Value.Type) {
			return nil, nil, false
		}
		return x.Args[0], []column.Value{k.Value}, true
	case *In:
		if x.Negated != neg || x.HasNull {
			return nil, nil, false
		}
		for i := range x.List.N {
			values = append(values, x.List.Value(i))
		}
		return x.Arg, values, true
	}
	return nil, nil, false
}
