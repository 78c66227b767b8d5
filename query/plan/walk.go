package plan

import (
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/fn"
)

// walk calls f for e and, while f returns true, for what is below it. Plans of
// subqueries are not entered.
func walk(e Expr, f func(Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	eachChild(e, func(c Expr) { walk(c, f) })
}

// eachChild calls f for the direct parts of e.
func eachChild(e Expr, f func(Expr)) {
	switch e := e.(type) {
	case *Call:
		each(e.Args, f)
	case *Cast:
		f(e.Arg)
	case *And:
		each(e.Args, f)
	case *Or:
		each(e.Args, f)
	case *Not:
		f(e.Arg)
	case *IsNull:
		f(e.Arg)
	case *In:
		f(e.Arg)
	case *Case:
		for i := range e.Whens {
			f(e.Whens[i].Cond)
			f(e.Whens[i].Then)
		}
		if e.Else != nil {
			f(e.Else)
		}
	case *Array:
		each(e.Elems, f)
	case *Subquery:
		if e.Arg != nil {
			f(e.Arg)
		}
	case *subExpr:
		if e.arg != nil {
			f(e.arg)
		}
	case *aggExpr:
		e.call.eachExpr(f)
	case *windowExpr:
		e.eachExpr(f)
	}
}

func each(list []Expr, f func(Expr)) {
	for _, e := range list {
		f(e)
	}
}

// eachExpr calls f for the expressions of an aggregation.
func (c *AggCall) eachExpr(f func(Expr)) {
	each(c.Args, f)
	each(c.Params, f)
	if c.Filter != nil {
		f(c.Filter)
	}
	for i := range c.OrderBy {
		f(c.OrderBy[i].Expr)
	}
}

// contains reports whether f holds for a part of e.
func contains(e Expr, f func(Expr) bool) bool {
	found := false
	walk(e, func(x Expr) bool {
		found = found || f(x)
		return !found
	})
	return found
}

// rewrite returns e with its parts replaced: f is called for every part, from
// the outside in; where it returns another expression, that one stands in and
// is not entered. Unchanged parts are shared with e.
func rewrite(e Expr, f func(Expr) Expr) Expr {
	if e == nil {
		return nil
	}
	if x := f(e); x != e {
		return x
	}
	return rewriteChildren(e, func(c Expr) Expr { return rewrite(c, f) })
}

// rewriteUp is rewrite from the inside out: f sees parts whose own parts are
// done.
func rewriteUp(e Expr, f func(Expr) Expr) Expr {
	if e == nil {
		return nil
	}
	return f(rewriteChildren(e, func(c Expr) Expr { return rewriteUp(c, f) }))
}

// rewriteChildren returns e with f applied to its direct parts, e itself if
// nothing changed.
func rewriteChildren(e Expr, f func(Expr) Expr) Expr {
	switch e := e.(type) {
	case *Call:
		if args, changed := rewriteList(e.Args, f); changed {
			return &Call{Fn: e.Fn, Args: args, Typ: e.Typ}
		}
	case *Cast:
		if a := f(e.Arg); a != e.Arg {
			return &Cast{Arg: a, Typ: e.Typ}
		}
	case *And:
		if args, changed := rewriteList(e.Args, f); changed {
			return &And{Args: args}
		}
	case *Or:
		if args, changed := rewriteList(e.Args, f); changed {
			return &Or{Args: args}
		}
	case *Not:
		if a := f(e.Arg); a != e.Arg {
			return &Not{Arg: a}
		}
	case *IsNull:
		if a := f(e.Arg); a != e.Arg {
			return &IsNull{Arg: a, Negated: e.Negated}
		}
	case *In:
		if a := f(e.Arg); a != e.Arg {
			return &In{Arg: a, List: e.List, HasNull: e.HasNull, Negated: e.Negated}
		}
	case *Case:
		return rewriteCase(e, f)
	case *Array:
		if elems, changed := rewriteList(e.Elems, f); changed {
			return &Array{Elems: elems, Typ: e.Typ}
		}
	case *Subquery:
		if e.Arg != nil {
			if a := f(e.Arg); a != e.Arg {
				c := *e
				c.Arg = a
				return &c
			}
		}
	case *subExpr:
		if e.arg != nil {
			if a := f(e.arg); a != e.arg {
				c := *e
				c.arg = a
				return &c
			}
		}
	case *aggExpr:
		if c, changed := rewriteAgg(&e.call, f); changed {
			return &aggExpr{call: c, typ: e.typ, loc: e.loc}
		}
	case *windowExpr:
		return e.rewrite(f)
	}
	return e
}

func rewriteList(list []Expr, f func(Expr) Expr) ([]Expr, bool) {
	var out []Expr
	for i, e := range list {
		x := f(e)
		if x != e && out == nil {
			out = slices.Clone(list)
		}
		if out != nil {
			out[i] = x
		}
	}
	if out == nil {
		return list, false
	}
	return out, true
}

func rewriteCase(e *Case, f func(Expr) Expr) Expr {
	c := Case{Whens: slices.Clone(e.Whens), Else: e.Else, Typ: e.Typ}
	changed := false
	for i, w := range e.Whens {
		c.Whens[i] = When{Cond: f(w.Cond), Then: f(w.Then)}
		changed = changed || c.Whens[i] != w
	}
	if e.Else != nil {
		c.Else = f(e.Else)
		changed = changed || c.Else != e.Else
	}
	if !changed {
		return e
	}
	return &c
}

func rewriteAgg(c *AggCall, f func(Expr) Expr) (AggCall, bool) {
	out := *c
	args, changed := rewriteList(c.Args, f)
	out.Args = args
	params, paramsChanged := rewriteList(c.Params, f)
	out.Params, changed = params, changed || paramsChanged
	if c.Filter != nil {
		out.Filter = f(c.Filter)
		changed = changed || out.Filter != c.Filter
	}
	keys, keysChanged := rewriteKeys(c.OrderBy, f)
	out.OrderBy = keys
	return out, changed || keysChanged
}

func rewriteKeys(keys []SortKey, f func(Expr) Expr) ([]SortKey, bool) {
	var out []SortKey
	for i, k := range keys {
		x := f(k.Expr)
		if x != k.Expr && out == nil {
			out = slices.Clone(keys)
		}
		if out != nil {
			out[i].Expr = x
		}
	}
	if out == nil {
		return keys, false
	}
	return out, true
}

// equal reports whether two expressions mean the same by their structure.
func equal(a, b Expr) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil {
		return false
	}
	switch a := a.(type) {
	case *ColRef:
		b, ok := b.(*ColRef)
		return ok && a.Index == b.Index
	case *colVar:
		b, ok := b.(*colVar)
		return ok && a.rel == b.rel && a.col == b.col
	case *OuterRef:
		b, ok := b.(*OuterRef)
		return ok && a.Depth == b.Depth && a.Index == b.Index
	case *Const:
		b, ok := b.(*Const)
		return ok && equalValue(a.Value, b.Value)
	case *Param:
		b, ok := b.(*Param)
		return ok && a.N == b.N
	case *Call:
		b, ok := b.(*Call)
		return ok && a.Fn == b.Fn && a.Fn.Volatility != fn.Volatile && equalLists(a.Args, b.Args)
	case *Cast:
		b, ok := b.(*Cast)
		return ok && a.Typ == b.Typ && equal(a.Arg, b.Arg)
	case *And:
		b, ok := b.(*And)
		return ok && equalLists(a.Args, b.Args)
	case *Or:
		b, ok := b.(*Or)
		return ok && equalLists(a.Args, b.Args)
	case *Not:
		b, ok := b.(*Not)
		return ok && equal(a.Arg, b.Arg)
	case *IsNull:
		b, ok := b.(*IsNull)
		return ok && a.Negated == b.Negated && equal(a.Arg, b.Arg)
	case *In:
		b, ok := b.(*In)
		return ok && a.Negated == b.Negated && a.HasNull == b.HasNull && equal(a.Arg, b.Arg) && equalVectors(a.List, b.List)
	case *Case:
		b, ok := b.(*Case)
		return ok && equalCase(a, b)
	case *Array:
		b, ok := b.(*Array)
		return ok && a.Typ == b.Typ && equalLists(a.Elems, b.Elems)
	case *groupingExpr:
		b, ok := b.(*groupingExpr)
		return ok && equalLists(a.args, b.args)
	case setNumber:
		return a == b
	case *aggExpr:
		b, ok := b.(*aggExpr)
		return ok && equalAgg(&a.call, &b.call)
	case *windowExpr:
		b, ok := b.(*windowExpr)
		return ok && a.equal(b)
	}
	return false
}

func equalLists(a, b []Expr) bool { return slices.EqualFunc(a, b, equal) }

func equalCase(a, b *Case) bool {
	return a.Typ == b.Typ && equal(a.Else, b.Else) && slices.EqualFunc(a.Whens, b.Whens, func(x, y When) bool {
		return equal(x.Cond, y.Cond) && equal(x.Then, y.Then)
	})
}

func equalAgg(a, b *AggCall) bool {
	return a.Spec.ID == b.Spec.ID && a.Spec.Name == b.Spec.Name && a.Spec.Distinct == b.Spec.Distinct &&
		slices.Equal(a.Spec.Args, b.Spec.Args) && slices.EqualFunc(a.Spec.Params, b.Spec.Params, equalValue) &&
		equalLists(a.Args, b.Args) && equalLists(a.Params, b.Params) && equal(a.Filter, b.Filter) && equalKeys(a.OrderBy, b.OrderBy)
}

func equalKeys(a, b []SortKey) bool {
	return slices.EqualFunc(a, b, func(x, y SortKey) bool {
		return x.Desc == y.Desc && x.NullsFirst == y.NullsFirst && equal(x.Expr, y.Expr)
	})
}

// equalValue compares constants by their encoding: the same type, the same bits.
func equalValue(a, b column.Value) bool {
	if a.Type != b.Type || a.Null != b.Null {
		return false
	}
	return a.Null || slices.Equal(column.AppendValueOf(nil, a), column.AppendValueOf(nil, b))
}

func equalVectors(a, b *column.Vector) bool {
	if a.N != b.N || a.Type != b.Type {
		return false
	}
	for i := range a.N {
		if !equalValue(a.Value(i), b.Value(i)) {
			return false
		}
	}
	return true
}
