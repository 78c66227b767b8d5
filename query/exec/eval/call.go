package eval

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// call applies a function to argument vectors.
type call struct {
	fn   *fn.Func
	typ  schema.Type
	args []node
	vecs []*column.Vector
	out  column.Vector
	sel  column.Bitmap
}

func compileCall(e *plan.Call, h Hooks) (node, error) {
	if e.Fn.Set {
		return nil, sqlerr.Unsupported("set-returning function " + e.Fn.Name + " here")
	}
	args, err := compileAll(e.Args, h)
	if err != nil {
		return nil, err
	}
	x := &call{fn: e.Fn, typ: e.Typ, args: args, vecs: make([]*column.Vector, len(args))}
	return foldable(x, e.Fn.Volatility, args...), nil
}

func (x *call) eval(fr *frame) (*column.Vector, error) {
	if fr.none() {
		return nullConst(x.typ, fr.n), nil
	}
	for i, a := range x.args {
		v, err := a.eval(fr)
		if err != nil {
			return nil, err
		}
		if !x.fn.NullCall && v.Const && v.IsNull(0) {
			return nullConst(x.typ, fr.n), nil
		}
		x.vecs[i] = v
	}
	n := fr.n
	if x.constant() {
		n = 1
	}
	if err := x.apply(fr, n); err != nil {
		return nil, err
	}
	if n != fr.n || x.constant() {
		x.out.Const = true
	}
	x.out.N = fr.n
	return &x.out, nil
}

// constant tells that one row stands for all: the arguments are constant and
// the function gives the same for each.
func (x *call) constant() bool {
	if x.fn.Volatility == fn.Volatile {
		return false
	}
	for _, v := range x.vecs {
		if !v.Const {
			return false
		}
	}
	return true
}

// apply calls the function for n rows and sets the NULLs of a strict one.
func (x *call) apply(fr *frame, n int) error {
	sel := fr.sel
	if x.constant() {
		sel = nil
		for _, v := range x.vecs {
			v.N = 1
		}
	} else if !x.fn.NullCall {
		sel = liveRows(fr, x.vecs, &x.sel)
	}
	if err := x.fn.Eval(fr.ctx, x.vecs, n, sel, &x.out); err != nil {
		return err
	}
	if x.constant() {
		for _, v := range x.vecs {
			v.N = fr.n
		}
	}
	x.out.Type = x.typ
	if !x.fn.NullCall {
		strictNulls(x.vecs, &x.out, n)
	}
	return nil
}

// liveRows returns fr.sel without the rows in which an argument is NULL, so
// that a function never raises an error for those. buf is kept for reuse.
func liveRows(fr *frame, args []*column.Vector, buf *column.Bitmap) column.Bitmap {
	sel := fr.sel
	for _, v := range args {
		if v.Const || !v.HasNulls() {
			continue
		}
		if len(sel) == 0 || len(*buf) == 0 || &sel[0] != &(*buf)[0] {
			*buf = words(*buf, fr.n)
			setSelected(*buf, fr)
			sel = *buf
		}
		kernel.AndNot(sel, v.Nulls)
	}
	return sel
}

// strictNulls makes rows of out NULL where an argument is.
func strictNulls(args []*column.Vector, out *column.Vector, n int) {
	if out.Const {
		return
	}
	for _, v := range args {
		if v.Const || !v.HasNulls() {
			continue
		}
		orNulls(out, v.Nulls, n)
	}
}

func orNulls(out *column.Vector, nulls column.Bitmap, n int) {
	for len(out.Nulls) < column.Words(n) {
		out.Nulls = append(out.Nulls, 0)
	}
	kernel.Or(out.Nulls, nulls[:min(len(nulls), len(out.Nulls))])
}

// cast converts its argument to another type.
type cast struct {
	arg node
	typ schema.Type
	out column.Vector
	sel column.Bitmap
	vec [1]*column.Vector
}

func (x *cast) eval(fr *frame) (*column.Vector, error) {
	v, err := x.arg.eval(fr)
	if err != nil {
		return nil, err
	}
	if fr.none() || v.Const && v.IsNull(0) {
		return nullConst(x.typ, fr.n), nil
	}
	x.vec[0] = v
	if v.Const {
		one, err := fn.CastValue(fr.ctx, v.Value(0), x.typ)
		if err != nil {
			return nil, err
		}
		x.out.Reset(x.typ)
		x.out.Append(one)
		x.out.N, x.out.Const = fr.n, true
		return &x.out, nil
	}
	if err := fn.Cast(fr.ctx, v, x.typ, liveRows(fr, x.vec[:], &x.sel), &x.out); err != nil {
		return nil, err
	}
	x.out.Type = x.typ
	strictNulls(x.vec[:], &x.out, fr.n)
	return &x.out, nil
}

// nullConst returns n NULLs of a type.
func nullConst(t schema.Type, n int) *column.Vector {
	return column.NewConst(column.NullValue(t), n)
}
