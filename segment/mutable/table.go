package mutable

import (
	"math/bits"
	"sync/atomic"
)

// hashTable finds dictionary ids by hash: open addressing over slots of
//
//	upper 32 bits: the hash   lower 32 bits: id + 1 (a slot of 0 is free)
//
// The home of an entry is the low bits of its hash, so a larger table is
// filled from the slots alone, without the keys.
//
// The writer inserts while readers probe. A slot is stored atomically after
// the value of its id is in place, and is never changed again; a table that is
// too small is replaced, never resized.
type hashTable struct {
	slots []uint64
	mask  uint32
	used  int
}

const minSlots = 16

func newHashTable(slots int) *hashTable {
	return &hashTable{slots: make([]uint64, slots), mask: uint32(slots - 1)}
}

// full tells that the next insertion would fill the table beyond 5/8, where
// probe sequences get long.
func (t *hashTable) full() bool { return t.used*8 >= len(t.slots)*5 }

// grown returns a table of twice the size with the same entries.
func (t *hashTable) grown() *hashTable {
	g := newHashTable(2 * len(t.slots))
	g.used = t.used
	for _, s := range t.slots {
		if s == 0 {
			continue
		}
		g.slots[g.free(uint32(s>>32))] = s
	}
	return g
}

// free returns the first free slot of a hash's probe sequence.
func (t *hashTable) free(hash uint32) uint32 {
	at := hash & t.mask
	for t.slots[at] != 0 {
		at = (at + 1) & t.mask
	}
	return at
}

// insert adds an entry, which is not yet there, to a table that is not full.
func (t *hashTable) insert(hash, id uint32) {
	atomic.StoreUint64(&t.slots[t.free(hash)], uint64(hash)<<32|uint64(id+1))
	t.used++
}

// load reads a slot beside a running writer.
func (t *hashTable) load(at uint32) uint64 { return atomic.LoadUint64(&t.slots[at]) }

func (t *hashTable) bytes() int64 { return int64(len(t.slots)) * 8 }

// hashInt spreads an integer over 32 bits. seed is odd and differs from
// segment to segment, so that nobody can prepare keys that collide.
func hashInt(x, seed uint64) uint32 {
	hi, lo := bits.Mul64(x^seed, 0x9E3779B97F4A7C15^seed<<1)
	return uint32((hi ^ lo) >> 16)
}
