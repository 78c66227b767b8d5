package build

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/cespare/xxhash/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

type vector = *column.Vector

// sortKey returns the function that gives the leading 64 bits of a row's sort
// key and, where these do not decide, the comparison of two rows.
func sortKey(v vector) (key func(i int) uint64, tie func(a, b uint32) int) {
	const sign = 1 << 63
	switch v.Kind() {
	case schema.KindBool:
		return func(i int) uint64 {
			if v.Bools[i] {
				return 1
			}
			return 0
		}, nil
	case schema.KindInt32:
		return func(i int) uint64 { return uint64(int64(v.Int32s[i])) ^ sign }, nil
	case schema.KindInt64:
		return func(i int) uint64 { return uint64(v.Int64s[i]) ^ sign }, nil
	case schema.KindFloat32:
		return func(i int) uint64 { return floatKey(float64(v.Float32s[i])) }, nil
	case schema.KindFloat64:
		return func(i int) uint64 { return floatKey(v.Float64s[i]) }, nil
	case schema.KindBytes:
		return func(i int) uint64 { return prefixKey(v.Bytes(i)) },
			func(a, b uint32) int { return bytes.Compare(v.Bytes(int(a)), v.Bytes(int(b))) }
	}
	return func(int) uint64 { return 0 },
		func(a, b uint32) int { return segment.Compare(v.Value(int(a)), v.Value(int(b))) }
}

// floatKey maps floats to integers of the same order; NaN is the largest.
func floatKey(f float64) uint64 {
	if f != f {
		return math.MaxUint64
	}
	b := math.Float64bits(f)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

func prefixKey(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var k [8]byte
	copy(k[:], b)
	return binary.BigEndian.Uint64(k[:])
}

// sortedOrder returns the rows of v in order of their values, equal ones in
// order of position.
func sortedOrder(v vector) []uint32 {
	key, tie := sortKey(v)
	rows := make([]keyed, v.N)
	for i := range rows {
		rows[i] = keyed{key: key(i), row: uint32(i)}
	}
	sortKeyed(rows, tie)
	order := make([]uint32, v.N)
	for i, r := range rows {
		order[i] = r.row
	}
	return order
}

// sortDictionary orders the dictionary and renumbers the ids. Values that
// compare equal share an id. Decimals of different scale do that too, but are
// shown differently: unless merge is set they make it return false and change
// nothing; with merge the form with the largest scale is kept.
func (d *data) sortDictionary(merge bool) bool {
	order := sortedOrder(d.dict)
	renumber := make([]uint32, d.dict.N)
	kept := make([]uint32, 0, d.dict.N)
	for i, old := range order {
		if i == 0 || segment.Compare(d.dict.Value(int(order[i-1])), d.dict.Value(int(old))) != 0 {
			kept = append(kept, old)
		} else if last := &kept[len(kept)-1]; d.dict.Kind() == schema.KindDecimal {
			if !merge {
				return false
			}
			if largerScale(d.dict, old, *last) {
				*last = old
			}
		}
		renumber[old] = uint32(len(kept) - 1)
	}
	d.dict = gatherRows(d.dict, kept)
	for i, id := range d.ids {
		d.ids[i] = renumber[id]
	}
	d.eachNull(func(i int) { d.ids[i] = 0 })
	return true
}

func largerScale(v vector, a, b uint32) bool {
	return v.Decimals[a].Scale > v.Decimals[b].Scale
}

// buildDictionary turns the values form into the dictionary form (in order of
// first occurrence) if there are at most limit distinct values.
func (d *data) buildDictionary(limit int) bool {
	e := newDictEncoder(d.typ)
	ids := make([]uint32, 0, d.n)
	nulls := d.nullBits()
	const step = 4096
	for from := 0; from < d.n; from += step {
		part := d.values.Slice(from, min(d.n, from+step))
		ids = e.encode(part, nulls, from, ids)
		if e.values.N > limit {
			return false
		}
	}
	d.dict, d.ids, d.values = e.values, ids, nil
	return true
}

// dictEncoder assigns ids to values in order of first occurrence.
type dictEncoder struct {
	values vector
	slots  []uint32 // id+1, 0 for empty
	hashes []uint64 // by id
}

func newDictEncoder(t schema.Type) *dictEncoder {
	return &dictEncoder{values: column.New(t, 0), slots: make([]uint32, 64)}
}

// encode appends the ids of part's rows to ids; part's row 0 is row base of
// nulls, whose rows get id 0.
func (e *dictEncoder) encode(part vector, nulls column.Bitmap, base int, ids []uint32) []uint32 {
	key := hashKey(part)
	for i := range part.N {
		if nulls != nil && nulls.Get(base+i) {
			ids = append(ids, 0)
			continue
		}
		ids = append(ids, e.id(part, i, key(i)))
	}
	return ids
}

// hashKey returns a function that gives a number for each row: the value
// itself for kinds of up to 64 bits, a hash for others.
func hashKey(v vector) func(i int) uint64 {
	switch v.Kind() {
	case schema.KindBytes:
		return func(i int) uint64 { return xxhash.Sum64(v.Bytes(i)) }
	case schema.KindDecimal:
		return func(i int) uint64 {
			d := v.Decimals[i]
			return d.Coef.Lo ^ uint64(d.Coef.Hi)*31 ^ uint64(d.Scale)<<56
		}
	}
	key, _ := sortKey(v)
	return key
}

func (e *dictEncoder) id(part vector, i int, key uint64) uint32 {
	if 2*(len(e.hashes)+1) > len(e.slots) {
		e.grow()
	}
	mask := uint64(len(e.slots) - 1)
	for at := spreadHash(key) & mask; ; at = (at + 1) & mask {
		s := e.slots[at]
		if s == 0 {
			e.slots[at] = uint32(len(e.hashes)) + 1
			e.hashes = append(e.hashes, key)
			e.values.AppendFrom(part, i)
			return uint32(len(e.hashes)) - 1
		}
		if e.hashes[s-1] == key && e.same(part, i, int(s-1)) {
			return s - 1
		}
	}
}

func spreadHash(k uint64) uint64 {
	k *= 0x9e3779b97f4a7c15
	return k ^ k>>32
}

// same compares row i with the dictionary's value at id, whose keys are equal.
func (e *dictEncoder) same(part vector, i, id int) bool {
	switch part.Kind() {
	case schema.KindBytes:
		return bytes.Equal(part.Bytes(i), e.values.Bytes(id))
	case schema.KindDecimal:
		return part.Decimals[i] == e.values.Decimals[id]
	}
	return true
}

func (e *dictEncoder) grow() {
	e.slots = make([]uint32, 4*len(e.slots))
	mask := uint64(len(e.slots) - 1)
	for id, key := range e.hashes {
		at := spreadHash(key) & mask
		for e.slots[at] != 0 {
			at = (at + 1) & mask
		}
		e.slots[at] = uint32(id) + 1
	}
}
