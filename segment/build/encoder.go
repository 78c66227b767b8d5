package build

import (
	"bytes"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// dictEncoder assigns ids to values in order of first occurrence. It is a hash
// table with open addressing whose slots hold the keys, so that a value that
// was seen before costs one touch of memory where its key is the whole value.
type dictEncoder struct {
	values vector
	slots  []slot
	exact  bool // equal keys are equal values
}

// slot is empty while next is 0; next is one more than the id.
type slot struct {
	key  uint64
	next uint32
}

func newDictEncoder(t schema.Type) *dictEncoder {
	k := t.Kind()
	return &dictEncoder{
		values: column.New(t, 0),
		slots:  make([]slot, 64),
		exact:  k != schema.KindBytes && k != schema.KindDecimal,
	}
}

// keyStep is the number of keys that are made at once.
const keyStep = 512

// encode appends the ids of part's rows to ids; part's row 0 is row base of
// nulls, whose rows get id 0.
func (e *dictEncoder) encode(part vector, nulls column.Bitmap, base int, ids []uint32) []uint32 {
	var keys [keyStep]uint64
	ids = slices.Grow(ids, part.N)
	for from := 0; from < part.N; from += keyStep {
		n := min(keyStep, part.N-from)
		hashKeys(part, from, keys[:n])
		for i, key := range keys[:n] {
			if nulls != nil && nulls.Get(base+from+i) {
				ids = append(ids, 0)
				continue
			}
			ids = append(ids, e.id(part, from+i, key))
		}
	}
	return ids
}

// hashKeys fills keys with a number for each row from row from on: the value
// itself for kinds of up to 64 bits, a hash for others.
func hashKeys(v vector, from int, keys []uint64) {
	const sign = 1 << 63
	n := len(keys)
	switch v.Kind() {
	case schema.KindInt32:
		for i, x := range v.Int32s[from : from+n] {
			keys[i] = uint64(int64(x)) ^ sign
		}
	case schema.KindInt64:
		for i, x := range v.Int64s[from : from+n] {
			keys[i] = uint64(x) ^ sign
		}
	case schema.KindFloat64:
		for i, x := range v.Float64s[from : from+n] {
			keys[i] = floatKey(x)
		}
	case schema.KindBytes:
		for i := range keys {
			keys[i] = xxhash.Sum64(v.Bytes(from + i))
		}
	case schema.KindDecimal:
		for i, d := range v.Decimals[from : from+n] {
			keys[i] = d.Coef.Lo ^ uint64(d.Coef.Hi)*31 ^ uint64(d.Scale)<<56
		}
	default:
		key, _ := sortKey(v)
		for i := range keys {
			keys[i] = key(from + i)
		}
	}
}

// id returns the id of row i of part, whose key is given.
func (e *dictEncoder) id(part vector, i int, key uint64) uint32 {
	mask := uint64(len(e.slots) - 1)
	for at := spreadHash(key) & mask; ; at = (at + 1) & mask {
		s := &e.slots[at]
		if s.next == 0 {
			return e.insert(s, part, i, key)
		}
		if s.key == key && (e.exact || e.same(part, i, int(s.next-1))) {
			return s.next - 1
		}
	}
}

func spreadHash(k uint64) uint64 {
	k *= 0x9e3779b97f4a7c15
	return k ^ k>>32
}

// insert gives row i of part, which has the key, the next id.
func (e *dictEncoder) insert(s *slot, part vector, i int, key uint64) uint32 {
	appendRow(e.values, part, i)
	n := e.values.N
	*s = slot{key: key, next: uint32(n)}
	if 2*(n+1) > len(e.slots) {
		e.grow()
	}
	return uint32(n) - 1
}

// appendRow appends row i of src, which is not NULL, to dst.
func appendRow(dst, src vector, i int) {
	switch src.Kind() {
	case schema.KindInt32:
		dst.Int32s = append(dst.Int32s, src.Int32s[i])
	case schema.KindInt64:
		dst.Int64s = append(dst.Int64s, src.Int64s[i])
	case schema.KindFloat64:
		dst.Float64s = append(dst.Float64s, src.Float64s[i])
	case schema.KindBytes:
		dst.AppendBytes(src.Bytes(i))
		return
	default:
		dst.AppendFrom(src, i)
		return
	}
	dst.N++
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
	old := e.slots
	e.slots = make([]slot, 4*len(old))
	mask := uint64(len(e.slots) - 1)
	for _, s := range old {
		if s.next == 0 {
			continue
		}
		at := spreadHash(s.key) & mask
		for e.slots[at].next != 0 {
			at = (at + 1) & mask
		}
		e.slots[at] = s
	}
}
