package kernel

// PairSet is a set of (group, word) pairs: an open-addressing hash table with
// linear probing. The zero value is an empty set.
type PairSet struct {
	groups []uint32 // 1 + the group, 0 for a free slot
	words  []uint64
	n      int
	mask   uint32
}

// Len returns the number of pairs.
func (s *PairSet) Len() int { return s.n }

// Bytes returns the memory that the set holds.
func (s *PairSet) Bytes() int64 { return int64(len(s.groups)) * 12 }

// Insert adds a pair and reports whether it is new.
func (s *PairSet) Insert(g uint32, w uint64) bool {
	if s.n*4 >= len(s.groups)*3 {
		s.grow()
	}
	i := uint32(HashPair(g, w)) & s.mask
	for s.groups[i] != 0 {
		if s.groups[i] == g+1 && s.words[i] == w {
			return false
		}
		i = (i + 1) & s.mask
	}
	s.groups[i], s.words[i] = g+1, w
	s.n++
	return true
}

func (s *PairSet) grow() {
	old := *s
	size := max(16, 2*len(old.groups))
	*s = PairSet{groups: make([]uint32, size), words: make([]uint64, size), n: old.n, mask: uint32(size - 1)}
	for j, g := range old.groups {
		if g == 0 {
			continue
		}
		i := uint32(HashPair(g-1, old.words[j])) & s.mask
		for s.groups[i] != 0 {
			i = (i + 1) & s.mask
		}
		s.groups[i], s.words[i] = g, old.words[j]
	}
}

// Each calls f for every pair, in no order.
func (s *PairSet) Each(f func(g uint32, w uint64)) {
	for i, g := range s.groups {
		if g != 0 {
			f(g-1, s.words[i])
		}
	}
}
