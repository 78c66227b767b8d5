package mutable

import (
	"bytes"
	"hash/maphash"
	"math/rand/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// dictWriter gives values ids in order of arrival.
type dictWriter interface {
	// encode fills ids[i] with the id of row from+i of v, 0 where it is NULL.
	encode(v *column.Vector, from int, ids []uint32)
	// size returns the number of values.
	size() int
	// view returns a reader of the values so far; it is the same object until
	// a value is added.
	view() *dictView
	// heldBytes is the memory held, packedBytes the size in a sealed segment.
	heldBytes() int64
	packedBytes() int64
}

// dictView is an unsorted dictionary as of one moment.
type dictView struct {
	values *column.Vector
	table  *hashTable
	seed   dictSeed
	// identity is that of all views of a dictionary.
	identity *segment.Identity
	// min and max are the ids of the least and greatest value.
	min, max uint32
}

var _ segment.Dictionary = (*dictView)(nil)

// dictSeed makes the hashes of a dictionary unpredictable.
type dictSeed struct {
	ints  uint64
	bytes maphash.Seed
}

func newDictSeed() dictSeed { return dictSeed{ints: rand.Uint64() | 1, bytes: maphash.MakeSeed()} }

// Len implements segment.Dictionary.
func (d *dictView) Len() int { return d.values.N }

// Identity implements segment.Dictionary: ids never change.
func (d *dictView) Identity() *segment.Identity { return d.identity }

// Sorted implements segment.Dictionary: ids are in order of arrival.
func (d *dictView) Sorted() bool { return false }

// Values implements segment.Dictionary.
func (d *dictView) Values() *column.Vector { return d.values }

// LowerBound implements segment.Dictionary; it has no meaning here.
func (d *dictView) LowerBound(column.Value) uint32 { return uint32(d.values.N) }

// Lookup implements segment.Dictionary.
func (d *dictView) Lookup(v column.Value) (uint32, bool) {
	if v.Null || d.values.N == 0 {
		return 0, false
	}
	switch d.values.Kind() {
	case schema.KindInt32:
		if int64(int32(v.I)) != v.I {
			return 0, false
		}
		return d.probe(hashInt(uint64(v.I), d.seed.ints), func(id uint32) bool {
			return int64(d.values.Int32s[id]) == v.I
		})
	case schema.KindInt64:
		return d.probe(hashInt(uint64(v.I), d.seed.ints), func(id uint32) bool {
			return d.values.Int64s[id] == v.I
		})
	case schema.KindBool:
		for id, b := range d.values.Bools {
			if b == (v.I != 0) {
				return uint32(id), true
			}
		}
	case schema.KindBytes:
		return d.probe(uint32(maphash.Bytes(d.seed.bytes, v.B)), func(id uint32) bool {
			return bytes.Equal(d.values.Bytes(int(id)), v.B)
		})
	}
	return 0, false
}

// probe walks the slots from a hash's home. Entries beyond Len were added
// after the view was made.
func (d *dictView) probe(hash uint32, equal func(id uint32) bool) (uint32, bool) {
	for at := hash & d.table.mask; ; at = (at + 1) & d.table.mask {
		s := d.table.load(at)
		if s == 0 {
			return 0, false
		}
		id := uint32(s) - 1
		if uint32(s>>32) == hash && int(id) < d.values.N && equal(id) {
			return id, true
		}
	}
}

// appendValues appends the values of ids. Where there is no value at all
// (every row so far is NULL) it appends zero values.
func (d *dictView) appendValues(dst *column.Vector, ids []uint32) {
	n := len(ids)
	switch d.values.Kind() {
	case schema.KindInt32:
		dst.Int32s = appendLookup(dst.Int32s, d.values.Int32s, ids)
	case schema.KindInt64:
		dst.Int64s = appendLookup(dst.Int64s, d.values.Int64s, ids)
	case schema.KindBool:
		dst.Bools = appendLookup(dst.Bools, d.values.Bools, ids)
	case schema.KindBytes:
		d.appendBytes(dst, ids)
		return
	}
	dst.N += n
}

func appendLookup[T any](dst, table []T, ids []uint32) []T {
	at := len(dst)
	dst = extend(dst, len(ids))
	out := dst[at:]
	if len(table) == 0 {
		clear(out)
		return dst
	}
	for i, id := range ids {
		out[i] = table[id]
	}
	return dst
}

// extend lengthens s by n elements of any content.
func extend[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s[:len(s)+n]
	}
	return append(s, make([]T, n)...)
}

func (d *dictView) appendBytes(dst *column.Vector, ids []uint32) {
	if d.values.N == 0 {
		for range ids {
			dst.AppendBytes(nil)
		}
		return
	}
	offsets, data := d.values.Offsets, d.values.Data
	for _, id := range ids {
		dst.Data = append(dst.Data, data[offsets[id]:offsets[id+1]]...)
		dst.Offsets = append(dst.Offsets, uint32(len(dst.Data)))
	}
	dst.N += len(ids)
}
