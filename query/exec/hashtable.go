package exec

import (
	"slices"

	"github.com/alluviumdb/alluvium/query/kernel"
)

// growth returns by how much a table of n places grows: in larger steps once it
// is large, since each moves every entry to a place far away.
func growth(n int) int {
	if n >= 1<<14 {
		return 4
	}
	return 2
}

// push appends x, doubling the room where there is none.
func push[T any](s []T, x ...T) []T {
	if len(s)+len(x) > cap(s) {
		s = slices.Grow(s, max(len(s), len(x)))
	}
	return append(s, x...)
}

// wordTable maps 64-bit keys to groups: open addressing with linear probing,
// key and group side by side.
type wordTable struct {
	slots []wordSlot
	mask  uint64
	n     int
}

// wordSlot is one place of a wordTable; gid is 1 + the group, 0 for a free
// place.
type wordSlot struct {
	key uint64
	gid uint32
}

func (t *wordTable) init() {
	t.slots = make([]wordSlot, 1024)
	t.mask = 1023
}

func (t *wordTable) bytes() int64 { return int64(len(t.slots)) * 16 }

// slot returns the place of a key, or the free place where it belongs.
func (t *wordTable) slot(key uint64) *wordSlot {
	at := kernel.HashWord(key) & t.mask
	for {
		s := &t.slots[at]
		if s.gid == 0 || s.key == key {
			return s
		}
		at = (at + 1) & t.mask
	}
}

// insert adds a key that is not in the table and returns its place.
func (t *wordTable) insert(key uint64, gid uint32) *wordSlot {
	if t.n*2 >= len(t.slots) {
		t.grow()
	}
	t.n++
	s := t.slot(key)
	s.key, s.gid = key, gid+1
	return s
}

func (t *wordTable) grow() {
	old := t.slots
	t.slots = make([]wordSlot, growth(len(old))*len(old))
	t.mask = uint64(len(t.slots) - 1)
	for i := range old {
		if old[i].gid != 0 {
			*t.slot(old[i].key) = old[i]
		}
	}
}

// wideTable maps keys of several words to groups. The keys lie one after the
// other in order of their groups.
type wideTable struct {
	width int
	keys  []uint64
	// slots holds the upper half of the hash, which gives the place, beside 1 +
	// the group; 0 is a free place.
	slots  []uint64
	mask   uint64
	n      uint32
	hashes []uint64 // of the rows of the last probe
}

func (t *wideTable) init(width int) {
	t.width = width
	t.slots = make([]uint64, 1024)
	t.mask = 1023
}

func (t *wideTable) bytes() int64 { return int64(cap(t.keys)+len(t.slots)+cap(t.hashes)) * 8 }

func (t *wideTable) key(g uint32) []uint64 {
	at := int(g) * t.width
	return t.keys[at : at+t.width : at+t.width]
}

// probe hashes rows and sets first[i] to 1 + the group whose hash is in the first
// place of row i and may be its own, 0 for none.
func (t *wideTable) probe(rows []uint64, first []uint32) {
	if cap(t.hashes) < len(first) {
		t.hashes = make([]uint64, chunkRows)
	}
	hashes := t.hashes[:len(first)]
	for i := range hashes {
		h := uint64(0)
		for _, w := range rows[i*t.width : (i+1)*t.width] {
			h = kernel.HashWord(h ^ w)
		}
		hashes[i] = h
	}
	for i, h := range hashes {
		s := t.slots[h>>32&t.mask]
		if (s^h)>>32 != 0 {
			s = 0
		}
		first[i] = uint32(s)
	}
}

// has reports whether a key with its hash has a group.
func (t *wideTable) has(row []uint64, h uint64) bool {
	for at := h >> 32 & t.mask; t.slots[at] != 0; at = (at + 1) & t.mask {
		if s := t.slots[at]; (s^h)>>32 == 0 && slices.Equal(t.key(uint32(s)-1), row) {
			return true
		}
	}
	return false
}

// find returns the group of a key with its hash; a missing key becomes the next
// group.
func (t *wideTable) find(row []uint64, h uint64) uint32 {
	at := h >> 32 & t.mask
	for t.slots[at] != 0 {
		s := t.slots[at]
		if (s^h)>>32 == 0 && slices.Equal(t.key(uint32(s)-1), row) {
			return uint32(s) - 1
		}
		at = (at + 1) & t.mask
	}
	t.keys = push(t.keys, row...)
	t.n++
	t.slots[at] = h>>32<<32 | uint64(t.n)
	if int(t.n)*2 >= len(t.slots) {
		t.grow()
	}
	return t.n - 1
}

func (t *wideTable) grow() {
	old := t.slots
	t.slots = make([]uint64, growth(len(old))*len(old))
	t.mask = uint64(len(t.slots) - 1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		at := s >> 32 & t.mask
		for t.slots[at] != 0 {
			at = (at + 1) & t.mask
		}
		t.slots[at] = s
	}
}
