package kernel

import "math/bits"

// PairSet is a set of (group, word) pairs. The zero value is an empty set.
//
// It is an open-addressing hash table with linear probing, of single pairs at
// first. When it grows and the words turn out to lie close together, as keys
// of dimensions and ids do, it changes to a table of bitmaps of 256 neighbouring
// words, which is smaller and stays in the caches; should they turn out to be
// scattered after all, it changes back for good.
type PairSet struct {
	n    int
	mask uint32
	// groups has 1 + the group of each place, 0 for a free one; it is apart from
	// the words because it alone tells that a pair is new.
	groups []uint32
	words  []uint64
	// blocks is used instead when not nil.
	blocks []pairBlock
	used   int    // blocks in use
	last   uint32 // the block of the last pair
	retry  int    // pairs from which blocks are considered again
	fixed  bool   // the form does not change any more
}

// pairBlock is the words prefix·256 + i of a group for which bit i is set;
// group is 1 + the group, 0 for a free place.
type pairBlock struct {
	prefix uint64
	bits   [4]uint64
	group  uint32
}

const (
	pairBytes      = 12
	pairBlockBytes = 48
	// minPerBlock is the number of pairs per block from which blocks are used.
	minPerBlock = 4
	// minBlocked is the number of pairs from which blocks are considered.
	minBlocked = 512
)

// Len returns the number of pairs.
func (s *PairSet) Len() int { return s.n }

// Bytes returns the memory that the set holds.
func (s *PairSet) Bytes() int64 {
	return int64(len(s.groups))*pairBytes + int64(len(s.blocks))*pairBlockBytes
}

// Insert adds a pair and reports whether it is new.
func (s *PairSet) Insert(g uint32, w uint64) bool {
	if s.blocks != nil {
		return s.insertBlock(g, w)
	}
	if s.n*4 >= len(s.groups)*3 && s.grow() {
		return s.insertBlock(g, w)
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

// grow makes room for more pairs; it reports whether the set has changed to
// blocks.
func (s *PairSet) grow() bool {
	if s.n >= max(minBlocked, s.retry) && !s.fixed {
		if s.gather() {
			return true
		}
		s.retry = 4 * s.n
	}
	groups, words := s.groups, s.words
	s.reserve(max(16, 2*len(groups)))
	for i, g := range groups {
		if g != 0 {
			s.put(g, words[i])
		}
	}
	return false
}

// reserve makes an empty table of pairs; size is a power of two.
func (s *PairSet) reserve(size int) {
	s.groups, s.words, s.mask = make([]uint32, size), make([]uint64, size), uint32(size-1)
}

// put places a pair that is not in the table; group is 1 + the group.
func (s *PairSet) put(group uint32, w uint64) {
	i := uint32(HashPair(group-1, w)) & s.mask
	for s.groups[i] != 0 {
		i = (i + 1) & s.mask
	}
	s.groups[i], s.words[i] = group, w
}

// gather changes to blocks when a sample of them tells that it pays.
func (s *PairSet) gather() bool {
	if !s.blocksOf(uint32(s.n / minBlocked)).dense() {
		return false
	}
	b := s.blocksOf(1)
	if !b.dense() {
		return false
	}
	b.fixed = false
	*s = *b
	return true
}

// dense reports whether a set of blocks has enough pairs in each.
func (s *PairSet) dense() bool { return s.n >= s.used*minPerBlock }

// blocksOf returns about one of every fraction blocks of a set of pairs.
func (s *PairSet) blocksOf(fraction uint32) *PairSet {
	b := &PairSet{blocks: make([]pairBlock, 64), mask: 63, fixed: true}
	for i, g := range s.groups {
		if g != 0 && hashBlock(g, s.words[i]>>8)%fraction == 0 {
			b.insertBlock(g-1, s.words[i])
		}
	}
	return b
}

// insertBlock is Insert for a set of blocks.
func (s *PairSet) insertBlock(g uint32, w uint64) bool {
	b := &s.blocks[s.last]
	if b.group != g+1 || b.prefix != w>>8 {
		if b = s.block(g+1, w>>8); b == nil {
			return s.Insert(g, w)
		}
	}
	word, bit := &b.bits[w>>6&3], uint64(1)<<(w&63)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	s.n++
	return true
}

// block finds or makes a block. It returns nil when the set has changed to
// pairs instead.
func (s *PairSet) block(group uint32, prefix uint64) *pairBlock {
	if s.used*4 >= len(s.blocks)*3 && !s.growBlocks() {
		return nil
	}
	b := s.place(group, prefix)
	if b.group == 0 {
		b.group, b.prefix = group, prefix
		s.used++
	}
	return b
}

func hashBlock(group uint32, prefix uint64) uint32 {
	return uint32((prefix*mixA + uint64(group)*mixB) >> 32)
}

// place returns the place of a block, which is free if there is no such block.
func (s *PairSet) place(group uint32, prefix uint64) *pairBlock {
	i := hashBlock(group, prefix) >> 8 & s.mask
	for s.blocks[i].group != 0 && (s.blocks[i].group != group || s.blocks[i].prefix != prefix) {
		i = (i + 1) & s.mask
	}
	s.last = i
	return &s.blocks[i]
}

// growBlocks makes room for more blocks, or changes to pairs when blocks have
// few of them and returns false.
func (s *PairSet) growBlocks() bool {
	if !s.fixed && s.n < s.used*minPerBlock/2 {
		s.scatter()
		return false
	}
	old := s.blocks
	s.blocks = make([]pairBlock, 2*len(old))
	s.mask = uint32(len(s.blocks) - 1)
	for i := range old {
		if old[i].group != 0 {
			*s.place(old[i].group, old[i].prefix) = old[i]
		}
	}
	return true
}

// scatter changes from blocks to pairs for good.
func (s *PairSet) scatter() {
	p := PairSet{n: s.n, fixed: true}
	p.reserve(1 << bits.Len(uint(s.n*2)))
	s.Each(func(g uint32, w uint64) { p.put(g+1, w) })
	*s = p
}

// Each calls f for every pair, in no order.
func (s *PairSet) Each(f func(g uint32, w uint64)) {
	for i, g := range s.groups {
		if g != 0 {
			f(g-1, s.words[i])
		}
	}
	for i := range s.blocks {
		if s.blocks[i].group != 0 {
			s.blocks[i].each(f)
		}
	}
}

func (b *pairBlock) each(f func(g uint32, w uint64)) {
	for i, w := range b.bits {
		for ; w != 0; w &= w - 1 {
			f(b.group-1, b.prefix<<8|uint64(i*64+bits.TrailingZeros64(w)))
		}
	}
}
