package agg

import (
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// decimalSum adds numerics exactly, at the largest scale that a group has
// seen. NaN makes the sum NaN.
type decimalSum struct {
	spec *Spec
	avg  bool
	sum  []column.Decimal
	n    []int64
}

func (a *decimalSum) Grow(n int) {
	a.sum = extend(a.sum, n)
	a.n = extend(a.n, n)
}

func (a *decimalSum) Bytes() int64 { return int64(cap(a.sum))*32 + int64(cap(a.n))*8 }

func (a *decimalSum) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	if v.Const && v.IsNull(0) {
		return nil
	}
	v = flat(v)
	hasNulls := v.HasNulls()
	for i, d := range v.Decimals[:n] {
		if hasNulls && v.Nulls.Get(i) {
			continue
		}
		if err := a.add(group(groups, i), d, 1); err != nil {
			return err
		}
	}
	return nil
}

func (a *decimalSum) add(g uint32, d column.Decimal, n int64) error {
	sum, err := kernel.AddDecimal(a.sum[g], d)
	if err != nil {
		return overflow(err)
	}
	a.sum[g] = sum
	a.n[g] += n
	return nil
}

func (a *decimalSum) Merge(groups []uint32, n int, states []*column.Vector) error {
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
		if err := a.add(group(groups, i), v.Decimals[i], count); err != nil {
			return err
		}
	}
	return nil
}

func (a *decimalSum) State(from, to int, dst []*column.Vector) error {
	for g := from; g < to; g++ {
		a.appendSum(g, dst[0])
		if a.avg {
			dst[1].Int64s = append(dst[1].Int64s, a.n[g])
			dst[1].N++
		}
	}
	return nil
}

func (a *decimalSum) appendSum(g int, dst *column.Vector) {
	switch {
	case a.n[g] == 0:
		dst.AppendNull()
		return
	case dst.Kind() == schema.KindFloat64:
		dst.Float64s = append(dst.Float64s, a.sum[g].Float64())
	default:
		dst.Decimals = append(dst.Decimals, a.sum[g])
	}
	dst.N++
}

func (a *decimalSum) Final(from, to int, dst *column.Vector) error {
	for g := from; g < to; g++ {
		if !a.avg {
			a.appendSum(g, dst)
			continue
		}
		if err := appendAvg(dst, a.sum[g], a.n[g]); err != nil {
			return err
		}
	}
	return nil
}
