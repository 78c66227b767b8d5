package plan

import (
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// builtinOfElements returns the function of that name over the elements of an
// array in Pinot's dialect, nil for another name.
func builtinOfElements(name string, args []schema.Type, d fn.Dialect) *fn.Func {
	if len(args) < 2 || args[0].Kind() != schema.KindList {
		return nil
	}
	elem := args[0].Elem()
	if name == betweenName {
		if len(args) != 3 || args[1] != elem || args[2] != elem {
			return nil
		}
		return betweenFunc(args)
	}
	op, ok := strings.CutPrefix(name, ofPrefix)
	if !ok || len(args) != 2 {
		return nil
	}
	types := []schema.Type{elem, args[1]}
	f, castTo, err := fn.Resolve(op, types, d)
	if err != nil || castTo[0] != types[0] || castTo[1] != types[1] || f.ResultType(castTo) != schema.Bool {
		return nil
	}
	return ofElementsFunc(name, f, args)
}

// ofElementsFunc is element op x for any element of an array.
func ofElementsFunc(name string, f *fn.Func, args []schema.Type) *fn.Func {
	return &fn.Func{
		Name: name, Args: args, Ret: schema.Bool, NullCall: true,
		Volatility: f.Volatility, NeedsSession: f.NeedsSession,
		Eval: func(ctx *fn.Context, in []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
			out.Reset(schema.Bool)
			q := quantifier{ctx: ctx, f: f, swap: true}
			for i := range n {
				if sel != nil && !sel.Get(i) {
					out.AppendNull()
					continue
				}
				v, err := q.row(in[1].Value(i), in[0].Value(i))
				if err != nil {
					return err
				}
				out.Append(v)
			}
			return nil
		},
	}
}

// betweenFunc is whether one element of an array lies between two values.
func betweenFunc(args []schema.Type) *fn.Func {
	return &fn.Func{
		Name: betweenName, Args: args, Ret: schema.Bool,
		Eval: func(_ *fn.Context, in []*column.Vector, n int, _ column.Bitmap, out *column.Vector) error {
			out.Reset(schema.Bool)
			for i := range n {
				out.Append(anyBetween(in[0].Value(i), in[1].Value(i), in[2].Value(i)))
			}
			return nil
		},
	}
}

// anyBetween is NULL where no element is between the two but some are NULL.
func anyBetween(array, lo, hi column.Value) column.Value {
	if array.Null || lo.Null || hi.Null {
		return column.NullValue(schema.Bool)
	}
	unknown := false
	for i := range array.List.N {
		v := array.List.Value(i)
		switch {
		case v.Null:
			unknown = true
		case fn.CompareValues(v, lo) >= 0 && fn.CompareValues(v, hi) <= 0:
			return column.BoolValue(true)
		}
	}
	if unknown {
		return column.NullValue(schema.Bool)
	}
	return column.BoolValue(false)
}
