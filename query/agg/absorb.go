package agg

import (
	"github.com/alluviumdb/alluvium/internal/column"
)

// This file lets the accumulators that hold many groups fold one another
// without encoding their states.

var (
	_ Absorber = (*count)(nil)
	_ Absorber = (*intSum)(nil)
	_ Absorber = (*floatSum)(nil)
	_ Absorber = (*numericExtreme[int32])(nil)
	_ Absorber = (*distinct)(nil)
)

// Absorb implements Absorber.
func (a *count) Absorb(groups []uint32, other Accumulator) error {
	for i, n := range other.(*count).n[:len(groups)] {
		a.n[groups[i]] += n
	}
	return nil
}

// Absorb implements Absorber.
func (a *intSum) Absorb(groups []uint32, other Accumulator) error {
	o := other.(*intSum)
	for i, g := range groups {
		sum := column.Int128From(o.st[i].Sum)
		if o.spill != nil {
			sum = o.total(i)
		}
		a.add(g, sum, int(o.st[i].Count))
	}
	return nil
}

// Absorb implements Absorber.
func (a *floatSum) Absorb(groups []uint32, other Accumulator) error {
	for i, s := range other.(*floatSum).st[:len(groups)] {
		t := &a.st[groups[i]]
		t.Sum += s.Sum
		t.Count += s.Count
	}
	return nil
}

// Absorb implements Absorber.
func (a *numericExtreme[T]) Absorb(groups []uint32, other Accumulator) error {
	o := other.(*numericExtreme[T])
	for i, g := range groups {
		if o.seen[i] {
			a.take(g, o.val[i])
		}
	}
	return nil
}

// Absorb implements Absorber.
func (a *distinct) Absorb(groups []uint32, other Accumulator) error {
	o := other.(*distinct)
	if o.intern == nil {
		o.pairs.Each(func(g uint32, w uint64) { a.add(groups[g], w) })
		return nil
	}
	a.ensureIntern()
	ids := make([]uint32, o.vals[0].N) // o's numbers as a's
	for i := range ids {
		ids[i] = a.internRow(o.vals, i)
	}
	o.pairs.Each(func(g uint32, w uint64) { a.add(groups[g], uint64(ids[w])) })
	return nil
}
