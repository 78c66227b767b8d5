package eval

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// in tests membership in a list of constants.
type in struct {
	logic
	ints    map[int64]struct{} // bool, integer and float kinds (floats by canonical bits)
	keys    map[string]struct{}
	hasNull bool
	negated bool
	buf     []byte
}

func compileIn(e *plan.In, h Hooks) (node, error) {
	arg, err := compile(e.Arg, h)
	if err != nil {
		return nil, err
	}
	x := &in{logic: logic{args: []node{arg}}, hasNull: e.HasNull, negated: e.Negated}
	x.ints, x.keys = map[int64]struct{}{}, map[string]struct{}{}
	for i := range e.List.N {
		if k, ok := kernel.WordKey(e.List, i); ok {
			x.ints[k] = struct{}{}
		} else {
			x.keys[string(kernel.AppendKey(nil, e.List, i))] = struct{}{}
		}
	}
	return x, nil
}

func (x *in) eval(fr *frame) (*column.Vector, error) { return x.vector(x, fr) }

func (x *in) truth(fr *frame, t, null column.Bitmap) error {
	v, err := x.args[0].eval(fr)
	if err != nil {
		return err
	}
	clear(t)
	clear(null)
	if v.Const {
		x.constTruth(v, fr, t, null)
		return nil
	}
	for i := range fr.n {
		if x.contains(v, i) {
			t.Set(i)
		}
	}
	kernel.AndNot(t, v.Nulls)
	copy(null, v.Nulls)
	if x.hasNull {
		copy(null, t)
		kernel.Not(null, fr.n)
	}
	x.finish(fr, t, null)
	return nil
}

// constTruth is the case of one value for all rows.
func (x *in) constTruth(v *column.Vector, fr *frame, t, null column.Bitmap) {
	hit := !v.IsNull(0) && x.contains(v, 0)
	switch {
	case hit:
		t.SetAll(fr.n)
	case v.IsNull(0) || x.hasNull:
		null.SetAll(fr.n)
	}
	x.finish(fr, t, null)
}

func (x *in) finish(fr *frame, t, null column.Bitmap) {
	if x.negated {
		kernel.NotTruth(t, null, fr.n)
	}
	if fr.sel != nil {
		kernel.And(t, fr.sel)
		kernel.And(null, fr.sel)
	}
}

func (x *in) contains(v *column.Vector, i int) bool {
	if k, ok := kernel.WordKey(v, i); ok {
		_, hit := x.ints[k]
		return hit
	}
	x.buf = kernel.AppendKey(x.buf[:0], v, i)
	_, hit := x.keys[string(x.buf)]
	return hit
}
