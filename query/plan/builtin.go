package plan

import (
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// The functions of this file stand for syntax that has no function of its own
// in query/fn: array subscripts and comparisons with the elements of an array
// (those of Pinot's multi-value columns are in builtinmulti.go).
// They are made for their argument types, and a fragment names them like any
// other function.

const subscriptName = "[]"

// AnyPrefix and AllPrefix begin the names of the functions over an array that
// are TRUE when an operator is for any element, or for all of them.
const (
	AnyPrefix = "any "
	AllPrefix = "all "
)

// builtin returns the function of that name, nil if it is none of this file.
func builtin(name string, args []schema.Type, d fn.Dialect) *fn.Func {
	if f := builtinOfElements(name, args, d); f != nil {
		return f
	}
	if len(args) != 2 {
		return nil
	}
	if name == subscriptName && args[0].Kind() == schema.KindList && args[1] == schema.Int32 {
		return subscriptFunc(args[0])
	}
	op, all := strings.CutPrefix(name, AllPrefix)
	if !all {
		var isAny bool
		if op, isAny = strings.CutPrefix(name, AnyPrefix); !isAny {
			return nil
		}
	}
	if args[1].Kind() != schema.KindList {
		return nil
	}
	types := []schema.Type{args[0], args[1].Elem()}
	f, castTo, err := fn.Resolve(op, types, d)
	if err != nil || castTo[0] != types[0] || castTo[1] != types[1] || f.ResultType(castTo) != schema.Bool {
		return nil
	}
	return quantifiedFunc(name, f, args, all)
}

// subscriptFunc is array[i]: NULL outside the bounds. int2vector and oidvector
// begin at 0, other arrays at 1.
func subscriptFunc(array schema.Type) *fn.Func {
	base := int32(1)
	if array.ID == schema.TypeInt2Vector || array.ID == schema.TypeOIDVector {
		base = 0
	}
	return &fn.Func{
		Name: subscriptName, Args: []schema.Type{array, schema.Int32}, Ret: array.Elem(), NullCall: true,
		Eval: func(_ *fn.Context, args []*column.Vector, n int, _ column.Bitmap, out *column.Vector) error {
			out.Reset(array.Elem())
			for i := range n {
				a, k := args[0].Value(i), args[1].Value(i)
				at := int(int32(k.I) - base)
				if a.Null || k.Null || at < 0 || at >= a.List.N {
					out.AppendNull()
					continue
				}
				out.AppendFrom(a.List, at)
			}
			return nil
		},
	}
}

// quantifiedFunc is x op ANY (array) or x op ALL (array) for the operator f.
func quantifiedFunc(name string, f *fn.Func, args []schema.Type, all bool) *fn.Func {
	return &fn.Func{
		Name: name, Args: args, Ret: schema.Bool, NullCall: true,
		Volatility: f.Volatility, NeedsSession: f.NeedsSession,
		Eval: func(ctx *fn.Context, in []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
			out.Reset(schema.Bool)
			q := quantifier{ctx: ctx, f: f, all: all}
			for i := range n {
				if sel != nil && !sel.Get(i) {
					out.AppendNull()
					continue
				}
				v, err := q.row(in[0].Value(i), in[1].Value(i))
				if err != nil {
					return err
				}
				out.Append(v)
			}
			return nil
		},
	}
}

// quantifier compares one value with the elements of one array at a time.
type quantifier struct {
	ctx *fn.Context
	f   *fn.Func
	all bool
	// swap puts the elements on the operator's left.
	swap bool
	out  column.Vector
}

// row is false (ALL: true) for an empty array, else the OR (ALL: AND) of the
// comparisons with each element.
func (q *quantifier) row(x, array column.Value) (column.Value, error) {
	null := column.NullValue(schema.Bool)
	if array.Null {
		return null, nil
	}
	list := array.List
	if list.N == 0 {
		return column.BoolValue(q.all), nil
	}
	if x.Null && !q.f.NullCall {
		return null, nil
	}
	args := []*column.Vector{column.NewConst(x, list.N), list}
	if q.swap {
		args[0], args[1] = args[1], args[0]
	}
	if err := q.f.Eval(q.ctx, args, list.N, nil, &q.out); err != nil {
		return null, err
	}
	unknown := false
	for i := range list.N {
		v := q.out.Value(i)
		switch {
		case v.Null || list.IsNull(i) && !q.f.NullCall:
			unknown = true
		case (v.I != 0) != q.all:
			return column.BoolValue(!q.all), nil
		}
	}
	if unknown {
		return null, nil
	}
	return column.BoolValue(q.all), nil
}
