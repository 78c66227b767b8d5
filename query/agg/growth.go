package agg

import (
	"github.com/alluviumdb/alluvium/query/kernel"
)

// Grower is an Accumulator that can tell what it is about to allocate, so that
// a limit on memory is met before a table is doubled and not afterwards.
type Grower interface {
	// Growth bounds the bytes that Grow(groups), then folding so many rows or
	// states, allocates in large pieces; what it holds already is not counted.
	// Values of variable length are taken to be as long as those that it has.
	Growth(groups, rows int) int64
	// Entries is the number of rows that folding this accumulator into another
	// counts as.
	Entries() int
}

// Growth is Grower.Growth for any accumulator, which has room for had groups:
// one that is no Grower has states of a fixed size.
func Growth(a Accumulator, had, groups, rows int) int64 {
	switch g, ok := a.(Grower); {
	case ok:
		return g.Growth(groups, rows)
	case groups <= had || had == 0:
		return 0
	}
	return a.Bytes() / int64(had) * int64(groups)
}

// MergeGrowth bounds the bytes that folding other into a allocates; it takes
// all groups of other to be there already.
func MergeGrowth(a, other Accumulator) int64 {
	g, ok := a.(Grower)
	if !ok {
		return 0
	}
	return min(g.Growth(0, other.(Grower).Entries()), 3*other.Bytes())
}

// extendGrowth bounds what extend allocates.
func extendGrowth(capacity, n int, size int64) int64 {
	if n <= capacity {
		return 0
	}
	return int64(max(n, 2*capacity)) * size
}

// Growth implements Grower.
func (a *distinct) Growth(groups, rows int) int64 {
	n := extendGrowth(cap(a.n), groups, 4) + a.pairs.Growth(rows)
	if a.intern != nil {
		n += a.intern.Growth(rows)
	}
	for _, v := range a.vals {
		n += kernel.VectorGrowth(v, rows)
	}
	return n
}

// Entries implements Grower.
func (a *distinct) Entries() int { return a.pairs.Len() }

// Growth implements Grower.
func (a *arrayAgg) Growth(groups, rows int) int64 {
	return 2*extendGrowth(cap(a.first), groups, 4) + kernel.VectorGrowth(a.vals, rows) +
		kernel.AppendGrowth(len(a.next), cap(a.next), rows, 4)
}

// Entries implements Grower.
func (a *arrayAgg) Entries() int { return a.vals.N }

// Growth implements Grower.
func (a *anyValue) Growth(groups, rows int) int64 {
	return extendGrowth(cap(a.at), groups, 4) + kernel.VectorGrowth(a.vals, min(rows, len(a.at)))
}

// Entries implements Grower.
func (a *anyValue) Entries() int { return a.vals.N }

// Growth implements Grower.
func (a *stringAgg) Growth(groups, rows int) int64 {
	n := extendGrowth(cap(a.text), groups, 32)
	if rows > 0 { // the longest text may be copied to a larger array
		n += int64(a.longest + a.longest/4)
	}
	return n
}

// Entries implements Grower.
func (a *stringAgg) Entries() int { return len(a.text) }

// Growth implements Grower.
func (a *counted) Growth(groups, rows int) int64 {
	n := extendGrowth(cap(a.st), groups, 72)
	if a.wide != nil {
		n += a.wide.ids.Growth(rows) + kernel.VectorGrowth(a.wide.vals, rows)
	}
	return n
}

// Entries implements Grower.
func (a *counted) Entries() int {
	if a.wide != nil {
		return a.wide.vals.N
	}
	return 0
}

// Growth implements Grower.
func (a *hll) Growth(groups, _ int) int64 { return extendGrowth(cap(a.st), groups, 48) }

// Entries implements Grower.
func (a *hll) Entries() int { return 0 }

// Growth implements Grower.
func (a *sketches[S, P]) Growth(groups, _ int) int64 { return extendGrowth(cap(a.st), groups, a.width) }

// Entries implements Grower.
func (a *sketches[S, P]) Entries() int { return 0 }

// Growth implements Grower.
func (a *bytesExtreme) Growth(groups, _ int) int64 { return extendGrowth(cap(a.val), groups, 24) }

// Entries implements Grower.
func (a *bytesExtreme) Entries() int { return 0 }

// Growth implements Grower.
func (a *argExtreme) Growth(groups, _ int) int64 { return extendGrowth(cap(a.st), groups, 346) }

// Entries implements Grower.
func (a *argExtreme) Entries() int { return 0 }
