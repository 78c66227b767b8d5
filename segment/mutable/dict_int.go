package mutable

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// intDict is the dictionary of a column of integers.
type intDict[T int32 | int64] struct {
	typ      schema.Type
	slot     func(*column.Vector) *[]T
	vals     []T
	table    *hashTable
	seed     dictSeed
	min, max uint32
	last     *dictView
	identity *segment.Identity
}

func newIntDict[T int32 | int64](t schema.Type, slot func(*column.Vector) *[]T) *intDict[T] {
	return &intDict[T]{typ: t, slot: slot, table: newHashTable(minSlots), seed: newDictSeed(), identity: new(segment.Identity)}
}

func (d *intDict[T]) encode(v *column.Vector, from int, ids []uint32) {
	src := (*d.slot(v))[from : from+len(ids)]
	if v.HasNulls() {
		for i, x := range src {
			ids[i] = 0
			if !v.Nulls.Get(from + i) {
				ids[i] = d.id(x)
			}
		}
		return
	}
	for i, x := range src {
		ids[i] = d.id(x)
	}
}

func (d *intDict[T]) id(x T) uint32 {
	hash := hashInt(uint64(int64(x)), d.seed.ints)
	t := d.table
	at := hash & t.mask
	for {
		s := t.slots[at]
		if s == 0 {
			return d.add(x, hash)
		}
		if id := uint32(s) - 1; uint32(s>>32) == hash && d.vals[id] == x {
			return id
		}
		at = (at + 1) & t.mask
	}
}

func (d *intDict[T]) add(x T, hash uint32) uint32 {
	if d.table.full() {
		d.table = d.table.grown()
	}
	id := uint32(len(d.vals))
	d.vals = append(d.vals, x)
	if x < d.vals[d.min] {
		d.min = id
	}
	if x > d.vals[d.max] {
		d.max = id
	}
	d.table.insert(hash, id)
	return id
}

func (d *intDict[T]) size() int { return len(d.vals) }

func (d *intDict[T]) view() *dictView {
	n := len(d.vals)
	if d.last == nil || d.last.values.N != n {
		v := &column.Vector{Type: d.typ, N: n}
		*d.slot(v) = d.vals[:n:n]
		d.last = &dictView{identity: d.identity, values: v, table: d.table, seed: d.seed, min: d.min, max: d.max}
	}
	return d.last
}

func (d *intDict[T]) width() int64 {
	if d.typ.Kind() == schema.KindInt32 {
		return 4
	}
	return 8
}

func (d *intDict[T]) heldBytes() int64 { return int64(cap(d.vals))*d.width() + d.table.bytes() }

func (d *intDict[T]) packedBytes() int64 { return int64(len(d.vals)) * d.width() }
