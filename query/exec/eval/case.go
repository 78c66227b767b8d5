package eval

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// caseWhen is the searched CASE. A branch is computed only for the rows that
// reach it, so that a guarded division never fails.
type caseWhen struct {
	conds, thens []node
	orElse       node // nil: NULL
	typ          schema.Type

	rest, hit, null column.Bitmap
	branch          []uint16 // per row: 1 + the index into results, 0 for NULL
	results         []*column.Vector
	out             column.Vector
}

func compileCase(e *plan.Case, h Hooks) (node, error) {
	x := &caseWhen{typ: e.Typ}
	for _, w := range e.Whens {
		c, err := compile(w.Cond, h)
		if err != nil {
			return nil, err
		}
		t, err := compile(w.Then, h)
		if err != nil {
			return nil, err
		}
		x.conds, x.thens = append(x.conds, c), append(x.thens, t)
	}
	if e.Else == nil {
		return x, nil
	}
	var err error
	x.orElse, err = compile(e.Else, h)
	return x, err
}

func (x *caseWhen) eval(fr *frame) (*column.Vector, error) {
	x.rest, x.hit, x.null = words(x.rest, fr.n), words(x.hit, fr.n), words(x.null, fr.n)
	setSelected(x.rest, fr)
	x.results = x.results[:0]
	if cap(x.branch) < fr.n {
		x.branch = make([]uint16, fr.n)
	}
	x.branch = x.branch[:fr.n]
	clear(x.branch)
	for i, cond := range x.conds {
		if !x.rest.Any() {
			break
		}
		if err := truth(cond, x.frame(fr, x.rest), x.hit, x.null); err != nil {
			return nil, err
		}
		if err := x.take(fr, x.thens[i]); err != nil {
			return nil, err
		}
		kernel.AndNot(x.rest, x.hit)
	}
	if x.orElse != nil && x.rest.Any() {
		copy(x.hit, x.rest)
		if err := x.take(fr, x.orElse); err != nil {
			return nil, err
		}
	}
	x.assemble(fr.n)
	return &x.out, nil
}

func (x *caseWhen) frame(fr *frame, sel column.Bitmap) *frame {
	return &frame{ctx: fr.ctx, in: fr.in, n: fr.n, sel: sel}
}

// take computes a branch for the rows of hit.
func (x *caseWhen) take(fr *frame, then node) error {
	if !x.hit.Any() {
		return nil
	}
	v, err := then.eval(x.frame(fr, x.hit))
	if err != nil {
		return err
	}
	x.results = append(x.results, v)
	b := uint16(len(x.results))
	for i := kernel.FirstSet(x.hit, 0); i >= 0; i = kernel.FirstSet(x.hit, i+1) {
		x.branch[i] = b
	}
	return nil
}

// assemble picks each row from the result of its branch.
func (x *caseWhen) assemble(n int) {
	x.out.Reset(x.typ)
	switch x.typ.Kind() {
	case schema.KindBool:
		pick(x, n, &x.out.Bools, func(v *column.Vector) []bool { return v.Bools })
	case schema.KindInt32:
		pick(x, n, &x.out.Int32s, func(v *column.Vector) []int32 { return v.Int32s })
	case schema.KindInt64:
		pick(x, n, &x.out.Int64s, func(v *column.Vector) []int64 { return v.Int64s })
	case schema.KindFloat32:
		pick(x, n, &x.out.Float32s, func(v *column.Vector) []float32 { return v.Float32s })
	case schema.KindFloat64:
		pick(x, n, &x.out.Float64s, func(v *column.Vector) []float64 { return v.Float64s })
	case schema.KindDecimal:
		pick(x, n, &x.out.Decimals, func(v *column.Vector) []column.Decimal { return v.Decimals })
	case schema.KindInterval:
		pick(x, n, &x.out.Intervals, func(v *column.Vector) []column.Interval { return v.Intervals })
	default:
		x.appendRows(n)
	}
}

// pick assembles a fixed-width result.
func pick[T any](x *caseWhen, n int, dst *[]T, of func(*column.Vector) []T) {
	x.out.Resize(n)
	out := *dst
	for i, b := range x.branch {
		if b == 0 || x.results[b-1].IsNull(i) {
			x.out.SetNull(i)
			continue
		}
		v := x.results[b-1]
		if v.Const {
			out[i] = of(v)[0]
		} else {
			out[i] = of(v)[i]
		}
	}
}

func (x *caseWhen) appendRows(n int) {
	for i := range n {
		b := x.branch[i]
		switch {
		case b == 0 || x.results[b-1].IsNull(i):
			x.out.AppendNull()
		case x.typ.Kind() == schema.KindBytes:
			x.out.AppendBytes(x.results[b-1].Bytes(i))
		default:
			x.out.AppendFrom(x.results[b-1], i)
		}
	}
}

// array is ARRAY[…].
type array struct {
	elems []node
	typ   schema.Type
	vecs  []*column.Vector
	out   column.Vector
}

func (x *array) eval(fr *frame) (*column.Vector, error) {
	x.vecs = x.vecs[:0]
	for _, e := range x.elems {
		v, err := e.eval(fr)
		if err != nil {
			return nil, err
		}
		x.vecs = append(x.vecs, v)
	}
	x.out.Reset(x.typ)
	for i := range fr.n {
		for _, v := range x.vecs {
			if fr.sel == nil || fr.sel.Get(i) {
				x.out.Elems.AppendFrom(v, i)
			}
		}
		x.out.Offsets = append(x.out.Offsets, uint32(x.out.Elems.N))
		x.out.N++
	}
	return &x.out, nil
}
