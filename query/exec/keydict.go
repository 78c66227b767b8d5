package exec

import (
	"bytes"
	"hash/maphash"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// keyDict numbers the distinct values of a group key over all segments: code 0
// is NULL, code i is row i-1 of vals. It is an open-addressing hash table from
// values to codes.
type keyDict struct {
	vals *column.Vector
	// borrowed tells that vals is the dictionary of a segment, that the rest is
	// empty, and that code i is its id i-1. Values are copied and indexed when a
	// first other one must be looked up.
	borrowed bool
	// held tells that borrowed values are a copy of the dictionary's own.
	held bool
	// merged has the values instead, where the segments keep them; such a
	// dictionary is only read.
	merged *dictUnion
	slots  []uint32 // codes, 0 for a free slot
	mask   uint32
	// word tells that values are compared by kernel.WordKey, in words; the
	// others by bytes: those of vals, or for wide kinds the keys in enc.
	word   bool
	words  []uint64
	enc    *column.Vector
	hashes []uint32 // of bytes, per code-1
	seed   maphash.Seed
	buf    []byte
}

func newKeyDict(t schema.Type) *keyDict {
	d := &keyDict{vals: column.New(t, 0), slots: make([]uint32, 16), mask: 15}
	switch t.Kind() {
	case schema.KindBytes:
		d.seed, d.enc = maphash.MakeSeed(), d.vals
	case schema.KindDecimal, schema.KindInterval, schema.KindList:
		d.seed, d.enc = maphash.MakeSeed(), column.New(schema.Bytea, 0)
	default:
		d.word = true
	}
	return d
}

// size returns the number of codes, that of NULL included.
func (d *keyDict) size() int {
	if d.merged != nil {
		return len(d.merged.at) + 1
	}
	return d.vals.N + 1
}

func (d *keyDict) bytes() int64 {
	if d.borrowed && !d.held {
		return 0
	}
	n := d.vals.MemoryBytes() + int64(len(d.slots))*4 + int64(cap(d.words))*8 + int64(cap(d.hashes))*4
	if d.enc != nil && d.enc != d.vals {
		n += d.enc.MemoryBytes()
	}
	return n
}

// borrow makes an empty d number the values of a segment's dictionary, which
// are distinct, and returns the code per id and, last, that of NULL.
func (d *keyDict) borrow(v *column.Vector) []uint32 {
	d.vals, d.borrowed = v, true
	out := make([]uint32, v.N+1)
	for i := range v.N {
		out[i] = uint32(i + 1)
	}
	return out
}

// own copies and indexes borrowed values; their codes stay.
func (d *keyDict) own() {
	v := d.vals
	d.vals, d.borrowed, d.held = column.New(v.Type, v.N), false, false
	if !d.word {
		d.enc = d.vals
	}
	for i := range v.N {
		d.code(v, i)
	}
}

// code returns the code of row i of v, which it gives a new one at its first
// appearance.
func (d *keyDict) code(v *column.Vector, i int) uint32 {
	if d.borrowed {
		d.own()
	}
	if v.Const {
		i = 0
	}
	if v.Nulls.Get(i) {
		return 0
	}
	if d.vals.N*4 >= len(d.slots)*3 {
		d.grow()
	}
	if d.word {
		w, _ := kernel.WordKey(v, i)
		return d.wordCode(uint64(w), v, i)
	}
	key := d.key(v, i)
	h := uint32(maphash.Bytes(d.seed, key))
	at := h & d.mask
	for ; d.slots[at] != 0; at = (at + 1) & d.mask {
		c := d.slots[at]
		if d.hashes[c-1] == h && bytes.Equal(d.enc.Bytes(int(c-1)), key) {
			return c
		}
	}
	d.hashes = append(d.hashes, h)
	if d.enc != d.vals {
		d.enc.AppendBytes(key)
	}
	return d.add(at, v, i)
}

// key returns the bytes by which a value is compared.
func (d *keyDict) key(v *column.Vector, i int) []byte {
	if d.enc == d.vals {
		return v.Bytes(i)
	}
	d.buf = kernel.AppendKey(d.buf[:0], v, i)
	return d.buf
}

func (d *keyDict) wordCode(w uint64, v *column.Vector, i int) uint32 {
	at := uint32(kernel.HashWord(w)) & d.mask
	for ; d.slots[at] != 0; at = (at + 1) & d.mask {
		if d.words[d.slots[at]-1] == w {
			return d.slots[at]
		}
	}
	d.words = append(d.words, w)
	return d.add(at, v, i)
}

func (d *keyDict) add(at uint32, v *column.Vector, i int) uint32 {
	if d.vals.Kind() == schema.KindBytes {
		d.vals.AppendBytes(v.Bytes(i))
	} else {
		d.vals.AppendFrom(v, i)
	}
	d.slots[at] = uint32(d.vals.N)
	return d.slots[at]
}

func (d *keyDict) grow() {
	d.slots = make([]uint32, 2*len(d.slots))
	d.mask = uint32(len(d.slots) - 1)
	for c := 1; c <= d.vals.N; c++ {
		h := uint32(0)
		if d.word {
			h = uint32(kernel.HashWord(d.words[c-1]))
		} else {
			h = d.hashes[c-1]
		}
		at := h & d.mask
		for d.slots[at] != 0 {
			at = (at + 1) & d.mask
		}
		d.slots[at] = uint32(c)
	}
}

// appendValue appends the value of a code to dst.
func (d *keyDict) appendValue(dst *column.Vector, code uint32) {
	switch {
	case code == 0:
		dst.AppendNull()
	case d.merged != nil:
		dst.AppendBytes(d.merged.value(code))
	case dst.Kind() == schema.KindBytes:
		dst.AppendBytes(d.vals.Bytes(int(code - 1)))
	default:
		dst.AppendFrom(d.vals, int(code-1))
	}
}
