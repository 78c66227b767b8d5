package mutable

import (
	"bytes"
	"hash/maphash"
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// bytesDict is the dictionary of a column of text or bytes. Its values lie one
// after the other in data.
type bytesDict struct {
	typ      schema.Type
	offsets  []uint32
	data     []byte
	table    *hashTable
	seed     dictSeed
	min, max uint32
	last     *dictView
	identity *segment.Identity
}

func newBytesDict(t schema.Type) *bytesDict {
	return &bytesDict{typ: t, offsets: []uint32{0}, table: newHashTable(minSlots), seed: newDictSeed(), identity: new(segment.Identity)}
}

func (d *bytesDict) encode(v *column.Vector, from int, ids []uint32) {
	offsets, data := v.Offsets[from:from+len(ids)+1], v.Data
	nulls := v.HasNulls()
	for i := range ids {
		if nulls && v.Nulls.Get(from+i) {
			ids[i] = 0
			continue
		}
		ids[i] = d.id(data[offsets[i]:offsets[i+1]])
	}
}

func (d *bytesDict) id(key []byte) uint32 {
	hash := uint32(maphash.Bytes(d.seed.bytes, key))
	t := d.table
	at := hash & t.mask
	for {
		s := t.slots[at]
		if s == 0 {
			return d.add(key, hash)
		}
		if uint32(s>>32) == hash {
			id := uint32(s) - 1
			if string(d.data[d.offsets[id]:d.offsets[id+1]]) == string(key) {
				return id
			}
		}
		at = (at + 1) & t.mask
	}
}

func (d *bytesDict) value(id uint32) []byte { return d.data[d.offsets[id]:d.offsets[id+1]] }

func (d *bytesDict) add(key []byte, hash uint32) uint32 {
	if d.table.full() {
		d.table = d.table.grown()
	}
	id := uint32(len(d.offsets) - 1)
	d.data = append(d.data, key...)
	d.offsets = append(d.offsets, uint32(len(d.data)))
	if bytes.Compare(key, d.value(d.min)) < 0 {
		d.min = id
	}
	if bytes.Compare(key, d.value(d.max)) > 0 {
		d.max = id
	}
	d.table.insert(hash, id)
	return id
}

func (d *bytesDict) size() int { return len(d.offsets) - 1 }

func (d *bytesDict) view() *dictView {
	n := d.size()
	if d.last == nil || d.last.values.N != n {
		end := len(d.data)
		v := &column.Vector{Type: d.typ, N: n, Offsets: d.offsets[: n+1 : n+1], Data: d.data[:end:end]}
		d.last = &dictView{identity: d.identity, values: v, table: d.table, seed: d.seed, min: d.min, max: d.max}
	}
	return d.last
}

func (d *bytesDict) heldBytes() int64 {
	return int64(cap(d.offsets))*4 + int64(cap(d.data)) + d.table.bytes()
}

func (d *bytesDict) packedBytes() int64 { return int64(len(d.offsets))*4 + int64(len(d.data)) }

// fits tells that n more bytes can be addressed by the dictionary's offsets.
func (d *bytesDict) fits(n int) bool { return uint64(len(d.data))+uint64(n) <= math.MaxUint32 }
