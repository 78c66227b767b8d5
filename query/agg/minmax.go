package agg

import (
	"cmp"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// minDef and maxDef are min(x) and max(x) over ordered types. State: the value
// in the argument's type, NULL for no rows.
var (
	minDef = extremeDef(idMin, "min", -1)
	maxDef = extremeDef(idMax, "max", 1)
)

func extremeDef(id ID, name string, sign int) definition {
	return definition{
		id:              id,
		names:           []string{name},
		bind:            one(isOrdered),
		ignoresDistinct: true,
		result:          extremeResult,
		states:          func(s *Spec) []schema.Type { return s.Args },
		open:            func(s *Spec) Accumulator { return newExtreme(s, sign) },
	}
}

func isOrdered(t schema.Type) bool {
	switch t.Kind() {
	case schema.KindInvalid, schema.KindBool, schema.KindList:
		return false
	}
	return t.ID != schema.TypeJSON && t.ID != schema.TypeJSONB && t.ID != schema.TypeRecord && t.ID != schema.TypeVoid
}

func extremeResult(s *Spec) schema.Type {
	t := s.Args[0]
	if s.Dialect == fn.Pinot && t.IsNumeric() && t.ID != schema.TypeNumeric {
		return schema.Float64
	}
	return t
}

func newExtreme(s *Spec, sign int) Accumulator {
	switch s.Args[0].Kind() {
	case schema.KindInt32:
		return &numericExtreme[int32]{spec: s, sign: sign, of: int32s, fold: kernel.MinMaxInt32}
	case schema.KindInt64:
		return &numericExtreme[int64]{spec: s, sign: sign, of: int64s, fold: kernel.MinMaxInt64}
	case schema.KindFloat32:
		return &numericExtreme[float32]{spec: s, sign: sign, of: float32s, float: true}
	case schema.KindFloat64:
		return &numericExtreme[float64]{spec: s, sign: sign, of: float64s, float: true}
	case schema.KindBytes:
		return &bytesExtreme{spec: s, sign: sign}
	}
	return &wideExtreme{spec: s, sign: sign}
}

func int32s(v *column.Vector) *[]int32     { return &v.Int32s }
func int64s(v *column.Vector) *[]int64     { return &v.Int64s }
func float32s(v *column.Vector) *[]float32 { return &v.Float32s }
func float64s(v *column.Vector) *[]float64 { return &v.Float64s }

// number is a kind that numericExtreme handles.
type number interface {
	int32 | int64 | float32 | float64
}

// numericExtreme is min or max (sign -1 or 1) of fixed-width numbers. NaN is
// above all numbers.
type numericExtreme[T number] struct {
	spec  *Spec
	sign  int
	float bool
	of    func(*column.Vector) *[]T
	fold  func([]T) (lo, hi T) // of a non-empty slice; nil for floats
	val   []T
	seen  []bool
}

func (a *numericExtreme[T]) Grow(n int) {
	a.val = extend(a.val, n)
	a.seen = extend(a.seen, n)
}

func (a *numericExtreme[T]) Bytes() int64 { return int64(cap(a.val)) * 9 }

func (a *numericExtreme[T]) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	if v.Const && v.IsNull(0) || n == 0 {
		return nil
	}
	v = flat(v)
	vals := (*a.of(v))[:n]
	switch {
	case v.HasNulls():
		for i, x := range vals {
			if !v.Nulls.Get(i) {
				a.take(group(groups, i), x)
			}
		}
	case groups == nil && a.fold != nil:
		lo, hi := a.fold(vals)
		a.take(0, lo)
		a.take(0, hi)
	case groups == nil || a.float:
		for i, x := range vals {
			a.take(group(groups, i), x)
		}
	case a.sign < 0:
		a.minGroups(groups, vals)
	default:
		a.maxGroups(groups, vals)
	}
	return nil
}

func (a *numericExtreme[T]) minGroups(groups []uint32, vals []T) {
	for i, x := range vals {
		g := groups[i]
		if x < a.val[g] || !a.seen[g] {
			a.val[g], a.seen[g] = x, true
		}
	}
}

func (a *numericExtreme[T]) maxGroups(groups []uint32, vals []T) {
	for i, x := range vals {
		g := groups[i]
		if x > a.val[g] || !a.seen[g] {
			a.val[g], a.seen[g] = x, true
		}
	}
}

// take folds one value. cmp.Compare puts NaN below all; PostgreSQL puts it
// above, so NaN is handled apart.
func (a *numericExtreme[T]) take(g uint32, x T) {
	cur := a.val[g]
	switch {
	case !a.seen[g]:
	case a.float && (x != x || cur != cur):
		if nan := x != x; nan != (a.sign > 0) {
			return
		}
	case cmp.Compare(x, cur)*a.sign <= 0:
		return
	}
	a.val[g], a.seen[g] = x, true
}

func (a *numericExtreme[T]) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	return a.Update(groups, n, states)
}

func (a *numericExtreme[T]) State(from, to int, dst []*column.Vector) error {
	return a.Final(from, to, dst[0])
}

func (a *numericExtreme[T]) Final(from, to int, dst *column.Vector) error {
	wide := dst.Kind() != a.spec.Args[0].Kind()
	scale := column.Decimal{Coef: column.Int128From(1), Scale: a.spec.Args[0].Scale}.Float64()
	for g := from; g < to; g++ {
		switch {
		case !a.seen[g]:
			dst.AppendNull()
			continue
		case wide:
			dst.Float64s = append(dst.Float64s, float64(a.val[g])*scale)
		default:
			p := a.of(dst)
			*p = append(*p, a.val[g])
		}
		dst.N++
	}
	return nil
}
