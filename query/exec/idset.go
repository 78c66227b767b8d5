package exec

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/segment"
)

// idSet is a set of dictionary ids below size: the range lo..hi when bits is
// nil, else the set bits. n is the number of members.
type idSet struct {
	size   uint32
	lo, hi uint32
	bits   column.Bitmap
	n      int
}

// rangeSet is the ids from..to-1.
func rangeSet(size, from, to uint32) idSet {
	if from >= to {
		return idSet{size: size, lo: 1, hi: 0}
	}
	return idSet{size: size, lo: from, hi: to - 1, n: int(to - from)}
}

// bitSet is the ids whose bit is set; a run of ids becomes a range.
func bitSet(size uint32, b column.Bitmap) idSet {
	n := b.Count()
	if n == 0 {
		return rangeSet(size, 0, 0)
	}
	first := uint32(kernel.FirstSet(b, 0))
	if end := first + uint32(n); end <= size && kernel.CountRange(b, int(first), int(end)) == n {
		return rangeSet(size, first, end)
	}
	return idSet{size: size, bits: b, n: n}
}

// all reports whether every id is a member.
func (s *idSet) all() bool { return s.n == int(s.size) }

// bitmap returns the members as a bitmap that the caller may change.
func (s *idSet) bitmap() column.Bitmap {
	b := column.NewBitmap(int(s.size))
	if s.bits != nil {
		copy(b, s.bits)
		return b
	}
	for id := s.lo; s.n > 0 && id <= s.hi; id++ {
		b.Set(int(id))
	}
	return b
}

func (s *idSet) intersect(o *idSet) idSet {
	if s.bits == nil && o.bits == nil {
		if s.n == 0 || o.n == 0 {
			return rangeSet(s.size, 0, 0)
		}
		return rangeSet(s.size, max(s.lo, o.lo), min(s.hi, o.hi)+1)
	}
	b := s.bitmap()
	kernel.And(b, o.bitmap())
	return bitSet(s.size, b)
}

func (s *idSet) union(o *idSet) idSet {
	b := s.bitmap()
	kernel.Or(b, o.bitmap())
	return bitSet(s.size, b)
}

func (s *idSet) complement() idSet {
	if s.n == 0 {
		return rangeSet(s.size, 0, s.size)
	}
	b := s.bitmap()
	kernel.Not(b, int(s.size))
	return bitSet(s.size, b)
}

// first returns the least member of a set that is not empty.
func (s *idSet) first() uint32 {
	if s.bits == nil {
		return s.lo
	}
	return uint32(kernel.FirstSet(s.bits, 0))
}

// each calls f for the members in ascending order until it returns false.
func (s *idSet) each(f func(id uint32) bool) {
	if s.bits == nil {
		for i := range s.n {
			if !f(s.lo + uint32(i)) {
				return
			}
		}
		return
	}
	for i := kernel.FirstSet(s.bits, 0); i >= 0; i = kernel.FirstSet(s.bits, i+1) {
		if !f(uint32(i)) {
			return
		}
	}
}

// overlaps reports whether an id of lo..hi is a member; within reports whether
// all are.
func (s *idSet) overlaps(lo, hi uint32) (any, within bool) {
	if lo > hi {
		return false, false
	}
	if s.bits == nil {
		return s.n > 0 && lo <= s.hi && s.lo <= hi, s.n > 0 && s.lo <= lo && hi <= s.hi
	}
	n := kernel.CountRange(s.bits, int(lo), int(hi)+1)
	return n > 0, n == int(hi-lo)+1
}

// segmentSet returns the set as segments take it.
func (s *idSet) segmentSet() segment.IDSet {
	return segment.IDSet{Lo: s.lo, Hi: s.hi, Bits: s.bits}
}
