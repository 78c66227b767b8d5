package agg

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/alluviumdb/alluvium/query/kernel"
)

// kllSketch is the compactors of one group. When all of them are full, the
// lowest that is over its capacity is sorted and every other item moves up a
// level, where it stands for twice as many values. Which half moves is decided
// by a hash of the items and the number of values seen, so that the same input
// gives the same sketch. Level 0 is in no order, the others ascend.
type kllSketch struct {
	levels          [][]uint64
	n               int64
	least, greatest uint64
	room            int // items of level 0 before compactors run
}

const (
	// kllLeast is the least capacity of a level.
	kllLeast = 8
	// kllMaxLevels bounds the levels of a state: sums of weights stay in range.
	kllMaxLevels = 48
)

func (s *kllSketch) heldBytes() int64 {
	n := int64(cap(s.levels)) * 24
	for _, l := range s.levels {
		n += int64(cap(l)) * 8
	}
	return n
}

// add takes a word; false if there is no room for it.
func (s *kllSketch) add(w uint64) bool {
	if len(s.levels) == 0 {
		return false
	}
	l := s.levels[0]
	if len(l) == cap(l) || len(l) >= s.room {
		return false
	}
	s.levels[0] = append(l, w)
	s.n++
	s.least, s.greatest = min(s.least, w), max(s.greatest, w)
	return true
}

// makeRoom takes a word for which there was no room.
func (s *kllSketch) makeRoom(w uint64, k int) {
	if s.n == 0 {
		s.levels, s.least, s.greatest, s.room = make([][]uint64, 1), w, w, k
	}
	if len(s.levels[0]) >= s.room {
		s.compact(k)
	}
	if l := s.levels[0]; len(l) == cap(l) {
		s.levels[0] = append(make([]uint64, 0, max(4, min(2*len(l), s.room))), l...)
	}
	s.add(w)
}

// kllCapacity is the capacity of a level of several.
func kllCapacity(level, levels, k int) int {
	return max(kllLeast, int(math.Ceil(float64(k)*math.Pow(2.0/3, float64(levels-1-level)))))
}

// compact moves items up until there is room.
func (s *kllSketch) compact(k int) {
	for {
		items, most := 0, 0
		for h, l := range s.levels {
			items += len(l)
			most += kllCapacity(h, len(s.levels), k)
		}
		if items < most {
			s.room = len(s.levels[0]) + most - items
			return
		}
		for h := range s.levels {
			if len(s.levels[h]) >= kllCapacity(h, len(s.levels), k) {
				s.lift(h)
				break
			}
		}
	}
}

// lift moves half of the items of a level up. Of an odd number the last stays.
func (s *kllSketch) lift(h int) {
	l := s.levels[h]
	if h == 0 {
		slices.Sort(l)
	}
	if h == len(s.levels)-1 {
		s.levels = append(s.levels, nil)
	}
	pairs := len(l) / 2
	at := s.coin(l, h)
	for i := range pairs {
		l[i] = l[2*i+at]
	}
	s.levels[h+1] = mergeWords(s.levels[h+1], l[:pairs])
	s.levels[h] = append(l[:0], l[2*pairs:]...)
}

// coin is 0 or 1.
func (s *kllSketch) coin(l []uint64, h int) int {
	x := uint64(s.n) ^ bits.RotateLeft64(l[0], 21) ^ bits.RotateLeft64(l[len(l)-1], 42) ^ bits.RotateLeft64(l[len(l)/2], 11)
	return int(kernel.HashWord(x+uint64(h)) & 1)
}

// mergeWords merges b into a; both ascend.
func mergeWords(a, b []uint64) []uint64 {
	i, j := len(a)-1, len(b)-1
	a = append(a, b...)
	for k := len(a) - 1; j >= 0; k-- {
		if i >= 0 && a[i] > b[j] {
			a[k] = a[i]
			i--
			continue
		}
		a[k] = b[j]
		j--
	}
	return a
}

// quantile is the least item up to which a fraction of the values lies.
func (s *kllSketch) quantile(p float64) uint64 {
	type item struct {
		word uint64
		n    int64
	}
	var items []item
	for h, l := range s.levels {
		for _, w := range l {
			items = append(items, item{w, 1 << h})
		}
	}
	slices.SortFunc(items, func(x, y item) int { return cmp.Compare(x.word, y.word) })
	rank := int64(math.Ceil(p * float64(s.n)))
	switch {
	case rank <= 0:
		return s.least
	case rank >= s.n:
		return s.greatest
	}
	for _, it := range items {
		if rank -= it.n; rank <= 0 {
			return it.word
		}
	}
	return s.greatest
}

func (s *kllSketch) encode(dst []byte, _ int) []byte {
	dst = binary.AppendUvarint(dst, uint64(s.n))
	if s.n == 0 {
		return dst
	}
	slices.Sort(s.levels[0])
	le := binary.LittleEndian
	dst = le.AppendUint64(le.AppendUint64(dst, s.least), s.greatest)
	dst = binary.AppendUvarint(dst, uint64(len(s.levels)))
	for _, l := range s.levels {
		dst = binary.AppendUvarint(dst, uint64(len(l)))
		for _, w := range l {
			dst = le.AppendUint64(dst, w)
		}
	}
	return dst
}

func (s *kllSketch) decode(d *decoder, k int) {
	o := kllSketch{n: d.small()}
	if o.n == 0 || d.failed {
		return
	}
	o.least, o.greatest = d.word(), d.word()
	levels := d.count()
	if d.failed = d.failed || levels == 0 || levels > kllMaxLevels; d.failed {
		return
	}
	total := int64(0)
	for h := range levels {
		l := d.words(o.least, o.greatest)
		if int64(len(l)) > maxCount>>h {
			d.failed = true
			return
		}
		o.levels = append(o.levels, l)
		total += int64(len(l)) << h
	}
	if d.failed = d.failed || total != o.n; !d.failed {
		s.absorb(&o, k)
	}
}

// word reads the word of a float.
func (d *decoder) word() uint64 {
	w := binary.LittleEndian.Uint64(d.take(8))
	d.failed = d.failed || orderFloat(floatOfOrder(w)) != w
	return w
}

// words reads ascending words within bounds.
func (d *decoder) words(least, greatest uint64) []uint64 {
	n := d.count()
	if d.failed = d.failed || n > len(d.b)/8; d.failed {
		return nil
	}
	out := make([]uint64, n)
	prev := least
	for i := range out {
		out[i] = d.word()
		d.failed = d.failed || out[i] < prev || out[i] > greatest
		prev = out[i]
	}
	return out
}

func (s *kllSketch) absorb(o *kllSketch, k int) {
	switch {
	case o.n == 0:
		return
	case s.n == 0:
		s.levels, s.least, s.greatest = make([][]uint64, 1), o.least, o.greatest
	}
	s.least, s.greatest = min(s.least, o.least), max(s.greatest, o.greatest)
	s.n += o.n
	s.levels[0] = append(s.levels[0], o.levels[0]...)
	for h, l := range o.levels[1:] {
		if h+1 == len(s.levels) {
			s.levels = append(s.levels, nil)
		}
		s.levels[h+1] = mergeWords(s.levels[h+1], l)
	}
	s.compact(k)
}
