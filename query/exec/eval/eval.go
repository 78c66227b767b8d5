// Package eval compiles typed plan expressions into programs that compute
// whole vectors. It knows expressions, vectors and the rules of NULL; it knows
// nothing of segments, and reaches subqueries and outer rows only through
// Hooks.
package eval

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// Hooks compute what needs more than the input rows. They are implemented by
// the operators that run whole plans.
type Hooks interface {
	// Subquery computes sq for the rows of in that sel marks (nil: all). arg
	// is the value of sq.Arg for SubqueryAny and SubqueryAll, nil otherwise;
	// its rows outside sel are undefined. The result has in.N rows, or is
	// Const; it stays valid until the next call for the same sq.
	Subquery(ctx *fn.Context, sq *plan.Subquery, arg *column.Vector, in *column.Batch, sel column.Bitmap) (*column.Vector, error)
	// OuterRef returns the value of a column of an enclosing query's current row.
	OuterRef(ref *plan.OuterRef) (column.Value, error)
}

// Program is a compiled expression. It owns buffers that each evaluation uses
// again, so one goroutine uses it at a time; compile once per goroutine.
type Program struct {
	root node
	typ  schema.Type
	fr   frame
	nul  column.Bitmap
}

// frame is one evaluation: the rows and which of them are wanted.
type frame struct {
	ctx *fn.Context
	in  *column.Batch
	n   int
	sel column.Bitmap // nil: all rows
}

// none reports whether no row is wanted.
func (fr *frame) none() bool { return fr.n == 0 || fr.sel != nil && !fr.sel.Any() }

// node computes one expression. The result has fr.n rows, or is Const, and is
// valid until the node's next evaluation; rows outside fr.sel are undefined.
type node interface {
	eval(fr *frame) (*column.Vector, error)
}

// truther is a node that computes a boolean as bitmaps: t gets the rows that
// are TRUE, null those that are NULL, both limited to fr.sel.
type truther interface {
	truth(fr *frame, t, null column.Bitmap) error
}

// Compile makes a program of e. h may be nil when e holds neither subqueries
// nor outer references; if it does, Compile fails.
func Compile(e plan.Expr, h Hooks) (*Program, error) {
	root, err := compile(e, h)
	if err != nil {
		return nil, err
	}
	return &Program{root: root, typ: e.Type()}, nil
}

// CompileAll compiles a list of expressions.
func CompileAll(exprs []plan.Expr, h Hooks) ([]*Program, error) {
	out := make([]*Program, len(exprs))
	for i, e := range exprs {
		p, err := Compile(e, h)
		if err != nil {
			return nil, err
		}
		out[i] = p
	}
	return out, nil
}

// Type returns the type of the program's result.
func (p *Program) Type() schema.Type { return p.typ }

// Eval computes the expression for the rows of in that sel marks (nil: all).
// The result has in.N rows and may be Const or one of in's own columns; it is
// read-only and valid until p's next use. Rows outside sel are undefined.
// Errors such as division by zero are raised only for rows of sel.
func (p *Program) Eval(ctx *fn.Context, in *column.Batch, sel column.Bitmap) (*column.Vector, error) {
	p.fr = frame{ctx: ctx, in: in, n: in.N, sel: sel}
	return p.root.eval(&p.fr)
}

// Filter sets in dst the rows of sel (nil: all) for which the boolean
// expression is TRUE and clears the others. dst has column.Words(in.N) words
// and may be sel itself.
func (p *Program) Filter(ctx *fn.Context, in *column.Batch, sel, dst column.Bitmap) error {
	p.fr = frame{ctx: ctx, in: in, n: in.N, sel: sel}
	p.nul = words(p.nul, in.N)
	t := dst
	if len(sel) > 0 && len(dst) > 0 && &sel[0] == &dst[0] {
		t = make(column.Bitmap, len(dst))
	}
	if err := truth(p.root, &p.fr, t, p.nul); err != nil {
		return err
	}
	copy(dst, t)
	return nil
}

// Value computes an expression without input columns, such as a LIMIT or a
// constant default.
func Value(ctx *fn.Context, e plan.Expr) (column.Value, error) {
	if c, ok := e.(*plan.Const); ok {
		return c.Value, nil
	}
	p, err := Compile(e, nil)
	if err != nil {
		return column.Value{}, err
	}
	v, err := p.Eval(ctx, &column.Batch{N: 1}, nil)
	if err != nil {
		return column.Value{}, err
	}
	return v.Value(0), nil
}

// truth computes a boolean node as bitmaps.
func truth(x node, fr *frame, t, null column.Bitmap) error {
	if tr, ok := x.(truther); ok {
		return tr.truth(fr, t, null)
	}
	v, err := x.eval(fr)
	if err != nil {
		return err
	}
	if v.Kind() != schema.KindBool {
		return sqlerr.New(sqlerr.DatatypeMismatch, "condition must be of type boolean, not %s", v.Type)
	}
	vectorTruth(v, fr, t, null)
	return nil
}

// vectorTruth splits a boolean vector into TRUE and NULL rows.
func vectorTruth(v *column.Vector, fr *frame, t, null column.Bitmap) {
	clear(t)
	clear(null)
	switch {
	case v.Const && v.IsNull(0):
		setSelected(null, fr)
		return
	case v.Const:
		if v.Bools[0] {
			setSelected(t, fr)
		}
		return
	}
	kernel.PackBools(v.Bools[:fr.n], t)
	if len(v.Nulls) > 0 {
		copy(null, v.Nulls)
		kernel.AndNot(t, null)
	}
	if fr.sel != nil {
		kernel.And(t, fr.sel)
		kernel.And(null, fr.sel)
	}
}

func setSelected(dst column.Bitmap, fr *frame) {
	if fr.sel != nil {
		copy(dst, fr.sel)
		return
	}
	dst.SetAll(fr.n)
}

// words returns b with the words for n bits, contents undefined.
func words(b column.Bitmap, n int) column.Bitmap {
	w := column.Words(n)
	if cap(b) < w {
		return make(column.Bitmap, w)
	}
	return b[:w]
}
