package kernel

import (
	"bytes"
	"hash/maphash"
)

// KeyTable numbers distinct byte strings 0, 1, 2, … in order of appearance: an
// open-addressing hash table with the keys in one buffer. Make one with
// NewKeyTable.
type KeyTable struct {
	seed   maphash.Seed
	slots  []uint32 // 1 + number, 0 for a free place
	mask   uint32
	hashes []uint32
	ends   []int // end of each key in data
	data   []byte
}

// NewKeyTable returns an empty table.
func NewKeyTable() *KeyTable {
	return &KeyTable{seed: maphash.MakeSeed(), slots: make([]uint32, 64), mask: 63}
}

// Len returns the number of keys.
func (t *KeyTable) Len() int { return len(t.ends) }

// Bytes returns the memory that the table holds.
func (t *KeyTable) Bytes() int64 {
	return int64(cap(t.data)) + int64(len(t.slots)+cap(t.hashes))*4 + int64(cap(t.ends))*8
}

// Key returns the key with that number; it shares the table's memory.
func (t *KeyTable) Key(i int) []byte {
	from := 0
	if i > 0 {
		from = t.ends[i-1]
	}
	return t.data[from:t.ends[i]:t.ends[i]]
}

// Find returns the number of a key, a new one at its first appearance. The key
// is copied.
func (t *KeyTable) Find(key []byte) (n uint32, isNew bool) {
	if len(t.ends)*4 >= len(t.slots)*3 {
		t.grow()
	}
	h := uint32(maphash.Bytes(t.seed, key))
	at := h & t.mask
	for ; t.slots[at] != 0; at = (at + 1) & t.mask {
		if n := t.slots[at] - 1; t.hashes[n] == h && bytes.Equal(t.Key(int(n)), key) {
			return n, false
		}
	}
	t.data = append(t.data, key...)
	t.ends = append(t.ends, len(t.data))
	t.hashes = append(t.hashes, h)
	t.slots[at] = uint32(len(t.ends))
	return uint32(len(t.ends) - 1), true
}

func (t *KeyTable) grow() {
	t.slots = make([]uint32, 2*len(t.slots))
	t.mask = uint32(len(t.slots) - 1)
	for i, h := range t.hashes {
		at := h & t.mask
		for t.slots[at] != 0 {
			at = (at + 1) & t.mask
		}
		t.slots[at] = uint32(i + 1)
	}
}
