package eval

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// logic is what the boolean nodes share: arguments and bitmaps.
type logic struct {
	args           []node
	t, null        column.Bitmap // the result when a vector is asked for
	t2, null2, sel column.Bitmap // scratch
	out            column.Vector
}

// vector turns the bitmaps that tr computes into a vector.
func (l *logic) vector(tr truther, fr *frame) (*column.Vector, error) {
	l.t, l.null = words(l.t, fr.n), words(l.null, fr.n)
	if err := tr.truth(fr, l.t, l.null); err != nil {
		return nil, err
	}
	l.out.Reset(schema.Bool)
	l.out.Resize(fr.n)
	kernel.UnpackBools(l.t, l.out.Bools)
	if l.null.Any() {
		l.out.Nulls = append(l.out.Nulls[:0], l.null...)
	}
	return &l.out, nil
}

// and is conjunction: an argument is computed only for the rows that no
// earlier one made FALSE.
type and struct{ logic }

func (x *and) eval(fr *frame) (*column.Vector, error) { return x.vector(x, fr) }

func (x *and) truth(fr *frame, t, null column.Bitmap) error {
	if err := truth(x.args[0], fr, t, null); err != nil {
		return err
	}
	x.t2, x.null2, x.sel = words(x.t2, fr.n), words(x.null2, fr.n), words(x.sel, fr.n)
	for _, a := range x.args[1:] {
		copy(x.sel, t)
		kernel.Or(x.sel, null)
		if !x.sel.Any() {
			return nil
		}
		sub := frame{ctx: fr.ctx, in: fr.in, n: fr.n, sel: x.sel}
		if err := truth(a, &sub, x.t2, x.null2); err != nil {
			return err
		}
		kernel.AndTruth(t, null, x.t2, x.null2)
	}
	return nil
}

// or is disjunction: an argument is computed only for the rows that no earlier
// one made TRUE.
type or struct{ logic }

func (x *or) eval(fr *frame) (*column.Vector, error) { return x.vector(x, fr) }

func (x *or) truth(fr *frame, t, null column.Bitmap) error {
	if err := truth(x.args[0], fr, t, null); err != nil {
		return err
	}
	x.t2, x.null2, x.sel = words(x.t2, fr.n), words(x.null2, fr.n), words(x.sel, fr.n)
	for _, a := range x.args[1:] {
		setSelected(x.sel, fr)
		kernel.AndNot(x.sel, t)
		if !x.sel.Any() {
			return nil
		}
		sub := frame{ctx: fr.ctx, in: fr.in, n: fr.n, sel: x.sel}
		if err := truth(a, &sub, x.t2, x.null2); err != nil {
			return err
		}
		kernel.OrTruth(t, null, x.t2, x.null2)
	}
	return nil
}

// not is negation.
type not struct{ logic }

func (x *not) eval(fr *frame) (*column.Vector, error) { return x.vector(x, fr) }

func (x *not) truth(fr *frame, t, null column.Bitmap) error {
	if err := truth(x.args[0], fr, t, null); err != nil {
		return err
	}
	kernel.NotTruth(t, null, fr.n)
	if fr.sel != nil {
		kernel.And(t, fr.sel)
	}
	return nil
}

// isNull is IS [NOT] NULL; it is never NULL itself.
type isNull struct {
	logic
	negated bool
}

func (x *isNull) eval(fr *frame) (*column.Vector, error) { return x.vector(x, fr) }

func (x *isNull) truth(fr *frame, t, null column.Bitmap) error {
	v, err := x.args[0].eval(fr)
	if err != nil {
		return err
	}
	clear(t)
	clear(null)
	switch {
	case v.Const:
		if v.IsNull(0) {
			t.SetAll(fr.n)
		}
	default:
		copy(t, v.Nulls)
	}
	if x.negated {
		kernel.Not(t, fr.n)
	}
	if fr.sel != nil {
		kernel.And(t, fr.sel)
	}
	return nil
}
