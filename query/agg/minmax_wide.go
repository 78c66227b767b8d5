package agg

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// wideExtreme is min or max of numerics and intervals.
type wideExtreme struct {
	spec *Spec
	sign int
	val  []column.Value
	seen []bool
}

func (a *wideExtreme) Grow(n int) {
	a.val = extend(a.val, n)
	a.seen = extend(a.seen, n)
}

func (a *wideExtreme) Bytes() int64 { return int64(cap(a.val)) * 160 }

func (a *wideExtreme) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	for i := range n {
		x := v.Value(i)
		if x.Null {
			continue
		}
		g := group(groups, i)
		if !a.seen[g] || compareWide(x, a.val[g])*a.sign > 0 {
			a.val[g], a.seen[g] = x, true
		}
	}
	return nil
}

func compareWide(x, y column.Value) int {
	if x.Type.Kind() == schema.KindInterval {
		return kernel.CompareIntervals(x.Iv, y.Iv)
	}
	return x.D.Cmp(y.D)
}

func (a *wideExtreme) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	return a.Update(groups, n, states)
}

func (a *wideExtreme) State(from, to int, dst []*column.Vector) error {
	return a.Final(from, to, dst[0])
}

func (a *wideExtreme) Final(from, to int, dst *column.Vector) error {
	for g := from; g < to; g++ {
		if !a.seen[g] {
			dst.AppendNull()
			continue
		}
		dst.Append(a.val[g])
	}
	return nil
}
