package agg

import (
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// floatSum adds floats in double precision, in the order in which they come.
type floatSum struct {
	spec *Spec
	avg  bool
	st   []kernel.FloatSumCount
	wide column.Vector // float32 arguments as float64
}

func (a *floatSum) Grow(n int)   { a.st = extend(a.st, n) }
func (a *floatSum) Bytes() int64 { return int64(cap(a.st)) * 16 }

func (a *floatSum) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	if v.Const && v.IsNull(0) {
		return nil
	}
	v = flat(v)
	vals := v.Float64s
	if v.Kind() == schema.KindFloat32 {
		vals = a.widen(v.Float32s[:n])
	}
	a.update(groups, vals[:n], v.Nulls)
	return nil
}

func (a *floatSum) widen(vals []float32) []float64 {
	a.wide.Reset(schema.Float64)
	a.wide.Resize(len(vals))
	for i, x := range vals {
		a.wide.Float64s[i] = float64(x)
	}
	return a.wide.Float64s
}

func (a *floatSum) update(groups []uint32, vals []float64, nulls column.Bitmap) {
	switch {
	case !nulls.Any() && groups == nil:
		a.st[0].Sum += kernel.SumFloat64(vals)
		a.st[0].Count += int64(len(vals))
	case !nulls.Any():
		kernel.SumGroupsFloat64(a.st, groups[:len(vals)], vals)
	default:
		for i, x := range vals {
			if !nulls.Get(i) {
				s := &a.st[group(groups, i)]
				s.Sum += x
				s.Count++
			}
		}
	}
}

func (a *floatSum) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	v := flat(states[0])
	for i := range n {
		if v.IsNull(i) {
			continue
		}
		count := int64(1)
		if a.avg {
			if count = flat(states[1]).Int64s[i]; count <= 0 {
				return fmt.Errorf("%w: sum of %d values", ErrCorruptState, count)
			}
		}
		s := &a.st[group(groups, i)]
		s.Sum += v.Float64s[i]
		s.Count += count
	}
	return nil
}

func (a *floatSum) State(from, to int, dst []*column.Vector) error {
	for _, s := range a.st[from:to] {
		appendFloat(dst[0], s.Sum, s.Count)
		if a.avg {
			dst[1].Int64s = append(dst[1].Int64s, s.Count)
			dst[1].N++
		}
	}
	return nil
}

func (a *floatSum) Final(from, to int, dst *column.Vector) error {
	for _, s := range a.st[from:to] {
		if a.avg {
			s.Sum /= float64(s.Count)
		}
		appendFloat(dst, s.Sum, s.Count)
	}
	return nil
}

// appendFloat appends x as dst's kind holds it, NULL when it stands for no
// values.
func appendFloat(dst *column.Vector, x float64, n int64) {
	switch {
	case n == 0:
		dst.AppendNull()
		return
	case dst.Kind() == schema.KindFloat32:
		dst.Float32s = append(dst.Float32s, float32(x))
	default:
		dst.Float64s = append(dst.Float64s, x)
	}
	dst.N++
}
