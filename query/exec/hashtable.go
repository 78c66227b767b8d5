package exec

import (
	"slices"

	"github.com/alluviumdb/alluvium/query/kernel"
)

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
	t.slots = make([]wordSlot, 2*len(old))
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
	slots []uint32 // 1 + group, 0 for a free place
	mask  uint64
}

func (t *wideTable) init(width int) {
	t.width = width
	t.slots = make([]uint32, 1024)
	t.mask = 1023
}

func (t *wideTable) bytes() int64 { return int64(cap(t.keys))*8 + int64(len(t.slots))*4 }

func (t *wideTable) key(g uint32) []uint64 {
	return t.keys[int(g)*t.width : (int(g)+1)*t.width]
}

func hashWide(row []uint64) uint64 {
	h := uint64(0)
	for _, w := range row {
		h = kernel.HashWord(h ^ w)
	}
	return h
}

// find returns the group of a key; a missing key becomes group next.
func (t *wideTable) find(row []uint64, next uint32) (g uint32, isNew bool) {
	at := hashWide(row) & t.mask
	for t.slots[at] != 0 {
		if g := t.slots[at] - 1; slices.Equal(t.key(g), row) {
			return g, false
		}
		at = (at + 1) & t.mask
	}
	t.keys = append(t.keys, row...)
	t.slots[at] = next + 1
	if int(next)*2 >= len(t.slots) {
		t.grow(next + 1)
	}
	return next, true
}

func (t *wideTable) grow(n uint32) {
	t.slots = make([]uint32, 2*len(t.slots))
	t.mask = uint64(len(t.slots) - 1)
	for g := range n {
		at := hashWide(t.key(g)) & t.mask
		for t.slots[at] != 0 {
			at = (at + 1) & t.mask
		}
		t.slots[at] = g + 1
	}
}
