package eval

import (
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// compile makes the node of an expression.
func compile(e plan.Expr, h Hooks) (node, error) {
	switch e := e.(type) {
	case *plan.ColRef:
		return &colRef{index: e.Index}, nil
	case *plan.Const:
		return &constant{v: column.NewConst(e.Value, 1)}, nil
	case *plan.Param:
		return nil, sqlerr.New(sqlerr.UndefinedParameter, "there is no value for parameter $%d", e.N)
	case *plan.Call:
		return compileCall(e, h)
	case *plan.Cast:
		arg, err := compile(e.Arg, h)
		return foldable(&cast{arg: arg, typ: e.Typ}, fn.Stable, arg), err
	case *plan.And:
		args, err := compileAll(e.Args, h)
		return &and{logic{args: args}}, err
	case *plan.Or:
		args, err := compileAll(e.Args, h)
		return &or{logic{args: args}}, err
	case *plan.Not:
		arg, err := compile(e.Arg, h)
		return &not{logic{args: []node{arg}}}, err
	case *plan.IsNull:
		arg, err := compile(e.Arg, h)
		return &isNull{logic: logic{args: []node{arg}}, negated: e.Negated}, err
	case *plan.In:
		return compileIn(e, h)
	case *plan.Case:
		return compileCase(e, h)
	case *plan.Array:
		elems, err := compileAll(e.Elems, h)
		return &array{elems: elems, typ: e.Typ}, err
	case *plan.OuterRef:
		return compileOuter(e, h)
	case *plan.Subquery:
		return compileSubquery(e, h)
	}
	return nil, fmt.Errorf("eval: unknown expression %T", e)
}

func compileAll(exprs []plan.Expr, h Hooks) ([]node, error) {
	out := make([]node, len(exprs))
	for i, e := range exprs {
		x, err := compile(e, h)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// colRef is an input column.
type colRef struct{ index int }

func (x *colRef) eval(fr *frame) (*column.Vector, error) {
	if x.index >= len(fr.in.Cols) {
		return nil, fmt.Errorf("eval: column %d of %d", x.index, len(fr.in.Cols))
	}
	return fr.in.Cols[x.index], nil
}

// constant is a constant.
type constant struct{ v *column.Vector }

func (x *constant) eval(fr *frame) (*column.Vector, error) {
	x.v.N = fr.n
	return x.v, nil
}

// folded is an expression over constants alone: it is computed when a row
// first asks for it and kept for the rest of the statement. An error is raised
// only if a row asks.
type folded struct {
	x   node
	ctx *fn.Context
	v   *column.Vector
}

// foldable wraps x in folded if its inputs are constant and it does not change
// within a statement.
func foldable(x node, vol fn.Volatility, inputs ...node) node {
	if vol == fn.Volatile {
		return x
	}
	for _, in := range inputs {
		switch in.(type) {
		case *constant, *folded:
		default:
			return x
		}
	}
	return &folded{x: x}
}

func (x *folded) eval(fr *frame) (*column.Vector, error) {
	if x.v == nil || x.ctx != fr.ctx {
		if fr.none() {
			return x.x.eval(fr)
		}
		one := frame{ctx: fr.ctx, in: fr.in, n: 1}
		v, err := x.x.eval(&one)
		if err != nil {
			return nil, err
		}
		x.ctx, x.v = fr.ctx, column.NewConst(v.Value(0), 1)
	}
	x.v.N = fr.n
	return x.v, nil
}

// outer is a column of the enclosing query's row.
type outer struct {
	ref *plan.OuterRef
	h   Hooks
}

func compileOuter(e *plan.OuterRef, h Hooks) (node, error) {
	if h == nil {
		return nil, sqlerr.Unsupported("a reference to an outer query here")
	}
	return &outer{ref: e, h: h}, nil
}

func (x *outer) eval(fr *frame) (*column.Vector, error) {
	v, err := x.h.OuterRef(x.ref)
	if err != nil {
		return nil, err
	}
	return column.NewConst(v, fr.n), nil
}

// subquery is a subquery in an expression.
type subquery struct {
	sq  *plan.Subquery
	arg node
	h   Hooks
}

func compileSubquery(e *plan.Subquery, h Hooks) (node, error) {
	if h == nil {
		return nil, sqlerr.Unsupported("a subquery here")
	}
	x := &subquery{sq: e, h: h}
	if e.Arg == nil {
		return x, nil
	}
	var err error
	x.arg, err = compile(e.Arg, h)
	return x, err
}

func (x *subquery) eval(fr *frame) (*column.Vector, error) {
	if fr.none() {
		return nullConst(x.sq.Typ, fr.n), nil
	}
	var arg *column.Vector
	if x.arg != nil {
		var err error
		if arg, err = x.arg.eval(fr); err != nil {
			return nil, err
		}
	}
	return x.h.Subquery(fr.ctx, x.sq, arg, fr.in, fr.sel)
}
