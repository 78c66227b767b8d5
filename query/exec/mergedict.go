package exec

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sort"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// dictUnion numbers the values of several dictionaries of bytes in ascending
// order, from 1 on. It holds no value: each stays in the dictionary that it was
// first met in. So ten million values take eight bytes each, and no hash table.
// It is read-only.
type dictUnion struct {
	identities []*segment.Identity
	vals       []*column.Vector // nil for a dictionary that the query does not read
	tables     []*codeTable
	starts     []uint32 // the place of each dictionary's id 0
	at         []uint32 // per code-1: the place of the value
	bytes      int64    // of all values together
	// ordered tells that the ids of all dictionaries ascend with the values.
	ordered bool
}

// held is the memory that the numbering takes.
func (m *dictUnion) held() int64 {
	n := int64(cap(m.at)) * 4
	for _, t := range m.tables {
		n += int64(cap(t.codes)) * 4
	}
	return n
}

// value returns the value of a code other than 0, which must occur in one of
// the dictionaries that the query reads.
func (m *dictUnion) value(code uint32) []byte {
	place := m.at[code-1]
	k := sort.Search(len(m.starts), func(i int) bool { return m.starts[i] > place }) - 1
	if m.vals[k] != nil {
		return m.vals[k].Bytes(int(place - m.starts[k]))
	}
	for k, v := range m.vals {
		if v == nil {
			continue
		}
		if id, ok := slices.BinarySearch(m.tables[k].codes[:v.N], code); ok {
			return v.Bytes(id)
		}
	}
	return nil
}

// view returns the numbering for dictionaries that it knows all of, and their
// codes; nil when it does not know one.
func (m *dictUnion) view(dicts []dictOf) (*keyDict, []*codeTable) {
	if m == nil {
		return nil, nil
	}
	v := *m
	v.vals = make([]*column.Vector, len(m.tables))
	tables := make([]*codeTable, len(dicts))
	for i := range dicts {
		k := slices.Index(m.identities, dicts[i].identity)
		if k < 0 || dicts[i].identity == nil || len(m.tables[k].codes) != dicts[i].vals.N+1 {
			return nil, nil
		}
		v.vals[k], tables[i] = dicts[i].vals, m.tables[k]
	}
	return v.dict(dicts[0].vals), tables
}

// dict returns the numbering as a dictionary of values like those of v.
func (m *dictUnion) dict(v *column.Vector) *keyDict {
	return &keyDict{vals: column.New(v.Type, 0), borrowed: true, merged: m}
}

// values returns a copy of all values, ascending.
func (m *dictUnion) values(like *column.Vector) *column.Vector {
	out := column.New(like.Type, len(m.at))
	out.Data = make([]byte, 0, m.bytes)
	for code := range m.at {
		out.AppendBytes(m.value(uint32(code + 1)))
	}
	return out
}

// valueStream is a dictionary whose values are read in ascending order.
type valueStream struct {
	vals   *column.Vector
	order  []uint32 // the ids in order of their values; nil: ids ascend
	codes  []uint32 // of each id
	start  uint32
	n      int // values read, the current one included
	id     uint32
	prefix uint64 // the first bytes of cur
	cur    []byte
}

// next turns to the next value; false at the end.
func (s *valueStream) next() bool {
	if s.n == s.vals.N {
		return false
	}
	s.id = uint32(s.n)
	if s.order != nil {
		s.id = s.order[s.n]
	}
	s.n++
	s.cur = s.vals.Bytes(int(s.id))
	s.prefix = bytesPrefix(s.cur)
	return true
}

// bytesPrefix returns the first eight bytes as a number that orders as they do.
func bytesPrefix(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	x := uint64(0)
	for i, c := range b {
		x |= uint64(c) << (56 - 8*i)
	}
	return x
}

func (s *valueStream) less(o *valueStream) bool {
	if s.prefix != o.prefix {
		return s.prefix < o.prefix
	}
	return bytes.Compare(s.cur, o.cur) < 0
}

// sortIDs returns the ids of a dictionary in ascending order of the values.
func sortIDs(v *column.Vector) []uint32 {
	type entry struct {
		prefix uint64
		id     uint32
	}
	all := make([]entry, v.N)
	for i := range all {
		all[i] = entry{bytesPrefix(v.Bytes(i)), uint32(i)}
	}
	slices.SortFunc(all, func(a, b entry) int {
		switch {
		case a.prefix < b.prefix:
			return -1
		case a.prefix > b.prefix:
			return 1
		}
		return bytes.Compare(v.Bytes(int(a.id)), v.Bytes(int(b.id)))
	})
	out := make([]uint32, v.N)
	for i := range all {
		out[i] = all[i].id
	}
	return out
}

// dictMerge merges streams; heap has those that are not at their end, the one
// with the least value first.
type dictMerge struct {
	heap []*valueStream
	out  *dictUnion
	stop func() bool
}

// mergeBytes bounds what merging dictionaries allocates.
func mergeBytes(dicts []dictOf) int64 {
	n := int64(0)
	for i := range dicts {
		n += 8 * int64(dicts[i].vals.N+1)
		if !dicts[i].ordered {
			n += 20 * int64(dicts[i].vals.N)
		}
	}
	return n
}

// mergeDictionaries numbers the values of dictionaries of bytes. It returns nil
// when stop, which is asked now and then, says so, when there are too many
// values, or when a dictionary is not in the order that it claims.
func mergeDictionaries(dicts []dictOf, stop func() bool) *dictUnion {
	total := uint64(0)
	for i := range dicts {
		total += uint64(dicts[i].vals.N)
	}
	if total >= unsetCode {
		return nil
	}
	m := dictMerge{out: &dictUnion{at: make([]uint32, 0, total), ordered: true}, stop: stop}
	for i := range dicts {
		m.add(&dicts[i])
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sift(i)
	}
	if !m.run() {
		return nil
	}
	for i, t := range m.out.tables {
		m.out.tables[i] = newCodeTable(t.codes)
	}
	if 2*len(m.out.at) < cap(m.out.at) {
		m.out.at = slices.Clone(m.out.at)
	}
	return m.out
}

// add makes a stream of a dictionary.
func (m *dictMerge) add(d *dictOf) {
	o := m.out
	s := &valueStream{vals: d.vals, codes: make([]uint32, d.vals.N+1)}
	if k := len(o.tables); k > 0 {
		s.start = o.starts[k-1] + uint32(o.vals[k-1].N)
	}
	if !d.ordered {
		s.order, o.ordered = sortIDs(d.vals), false
	}
	o.identities, o.vals = append(o.identities, d.identity), append(o.vals, d.vals)
	o.tables, o.starts = append(o.tables, &codeTable{codes: s.codes}), append(o.starts, s.start)
	if s.next() {
		m.heap = append(m.heap, s)
	}
}

// run takes all values in ascending order.
func (m *dictMerge) run() bool {
	var last []byte
	lastPrefix, code := uint64(0), uint32(0)
	at, size := m.out.at, int64(0)
	for taken := 0; len(m.heap) > 0; taken++ {
		s := m.heap[0]
		if code == 0 || s.prefix != lastPrefix || !bytes.Equal(s.cur, last) {
			if s.prefix < lastPrefix || s.prefix == lastPrefix && bytes.Compare(s.cur, last) < 0 {
				return false
			}
			code++
			at = append(at, s.start+s.id)
			size += int64(len(s.cur))
			last, lastPrefix = s.cur, s.prefix
		}
		s.codes[s.id] = code
		m.advance()
		if taken&0xffff == 0xffff && m.stop() {
			return false
		}
	}
	m.out.at, m.out.bytes = at, size
	return true
}

// advance turns the first stream to its next value.
func (m *dictMerge) advance() {
	if !m.heap[0].next() {
		last := len(m.heap) - 1
		m.heap[0] = m.heap[last]
		m.heap = m.heap[:last]
	}
	m.sift(0)
}

// sift moves the stream at i down to its place.
func (m *dictMerge) sift(i int) {
	h := m.heap
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1].less(h[c]) {
			c++
		}
		if !h[c].less(h[i]) {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}
