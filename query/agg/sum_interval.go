package agg

import (
	"github.com/alluviumdb/alluvium/internal/column"
)

// intervalSum adds intervals part by part, as PostgreSQL does.
type intervalSum struct {
	spec *Spec
	sum  []column.Interval
	seen []bool
}

func (a *intervalSum) Grow(n int) {
	a.sum = extend(a.sum, n)
	a.seen = extend(a.seen, n)
}

func (a *intervalSum) Bytes() int64 { return int64(cap(a.sum)) * 17 }

func (a *intervalSum) Update(groups []uint32, n int, args []*column.Vector) error {
	v := flat(args[0])
	for i := range n {
		if v.IsNull(i) {
			continue
		}
		g := group(groups, i)
		s, x := &a.sum[g], v.Intervals[i]
		s.Months += x.Months
		s.Days += x.Days
		s.Micros += x.Micros
		a.seen[g] = true
	}
	return nil
}

func (a *intervalSum) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	return a.Update(groups, n, states)
}

func (a *intervalSum) State(from, to int, dst []*column.Vector) error {
	return a.Final(from, to, dst[0])
}

func (a *intervalSum) Final(from, to int, dst *column.Vector) error {
	for g := from; g < to; g++ {
		if !a.seen[g] {
			dst.AppendNull()
			continue
		}
		dst.Append(column.Value{Type: dst.Type, Iv: a.sum[g]})
	}
	return nil
}
