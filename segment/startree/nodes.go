package startree

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// starValue is the value of a star child; no dictionary id is as large.
const starValue = math.MaxUint32

// node is a node as it lies in the file: value, the range of its records, the
// record that aggregates them, and its children, which follow it and are sorted
// by value.
//
//	0  4  value: the dictionary id of the dimension that the parent splits by,
//	      its cardinality for NULL, 2^32-1 for the star child; 0 in the root
//	4  4  first record
//	8  4  end of the records
//	12 4  the record that aggregates all of them
//	16 4  first child, 0 for a leaf
//	20 4  number of children
type node struct{ value, start, end, total, child, children uint32 }

// NodeBytes is the size of a node.
const NodeBytes = 24

// AppendNodes appends the nodes, the root first.
func (s *Shape) AppendNodes(dst []byte) []byte {
	le := binary.LittleEndian
	for _, n := range s.nodes {
		dst = le.AppendUint32(le.AppendUint32(dst, n.value), n.start)
		dst = le.AppendUint32(le.AppendUint32(dst, n.end), n.total)
		dst = le.AppendUint32(le.AppendUint32(dst, n.child), n.children)
	}
	return dst
}

// Nodes reads the nodes of a tree. It is immutable.
type Nodes struct {
	words []uint32
	dims  []Reader
}

// Reader reads one dimension of a tree's records.
type Reader struct {
	IDs encoding.IDs
	// Null reports whether a record is NULL; nil when none is.
	Null func(record uint32) bool
	// Cardinality is the number of ids.
	Cardinality uint32
}

// value returns the id of a record, Cardinality for NULL.
func (r *Reader) values(from uint32, dst []uint32) {
	r.IDs.Read(from, dst)
	if r.Null == nil {
		return
	}
	for i := range dst {
		if r.Null(from + uint32(i)) {
			dst[i] = r.Cardinality
		}
	}
}

// OpenNodes returns a reader of nodes over records records. It checks what
// Select relies on: children lie behind their parent and above the last
// dimension, their records tile the parent's, values ascend.
func OpenNodes(raw []byte, dims []Reader, records uint32) (*Nodes, error) {
	if len(raw) == 0 || len(raw)%NodeBytes != 0 {
		return nil, segment.Corruptf("%d bytes of star-tree nodes", len(raw))
	}
	t := &Nodes{words: encoding.View[uint32](raw), dims: dims}
	// Depths are handed from parents to children, which come later.
	depth := make([]uint8, len(raw)/NodeBytes)
	for i := range depth {
		n := t.node(uint32(i))
		switch {
		case n.start >= n.end || n.end > records || n.total >= records:
			return nil, segment.Corruptf("records of star-tree node %d", i)
		case n.children == 0:
			continue
		case int(depth[i]) >= len(dims) || uint64(n.child)+uint64(n.children) > uint64(len(depth)) || n.child <= uint32(i):
			return nil, segment.Corruptf("children of star-tree node %d", i)
		}
		if err := t.checkChildren(uint32(i), n, &dims[depth[i]]); err != nil {
			return nil, err
		}
		for c := n.child; c < n.child+n.children; c++ {
			if depth[c] != 0 {
				return nil, segment.Corruptf("star-tree node %d has two parents", c)
			}
			depth[c] = depth[i] + 1
		}
	}
	return t, nil
}

func (t *Nodes) checkChildren(i uint32, n node, d *Reader) error {
	at, last := n.start, int64(-1)
	for c := range n.children {
		k := t.node(n.child + c)
		switch {
		case int64(k.value) <= last || k.value > d.Cardinality && k.value != starValue:
			return segment.Corruptf("values below star-tree node %d", i)
		case k.value == starValue:
			if c == 0 {
				return segment.Corruptf("only a star below star-tree node %d", i)
			}
			continue
		case k.start != at:
			return segment.Corruptf("records below star-tree node %d", i)
		}
		at, last = k.end, int64(k.value)
	}
	if at != n.end {
		return segment.Corruptf("records below star-tree node %d", i)
	}
	return nil
}

// Len returns the number of nodes.
func (t *Nodes) Len() int { return len(t.words) * 4 / NodeBytes }

func (t *Nodes) node(i uint32) node {
	w := t.words[i*6 : i*6+6 : i*6+6]
	return node{w[0], w[1], w[2], w[3], w[4], w[5]}
}

func (t *Nodes) value(i uint32) uint32 { return t.words[i*6] }

// Select implements segment.StarTreeRecords.
func (t *Nodes) Select(sel *segment.StarTreeSelection, dst []segment.DocRange) ([]segment.DocRange, bool) {
	s := selection{t: t, dims: sel.Dimensions, limit: sel.Limit, out: dst, first: len(dst)}
	if s.limit == 0 {
		s.limit = math.MaxInt
	}
	for d := range s.dims {
		if s.dims[d].Needed || s.dims[d].Filtered {
			s.last = d + 1
		}
	}
	if !s.visit(0, 0) {
		return dst, false
	}
	return s.finish(), true
}

// selection is a Select on its way.
type selection struct {
	t     *Nodes
	dims  []segment.StarTreeDimension
	last  int // dimensions from it on do not matter
	limit int // records that may still be looked at
	out   []segment.DocRange
	first int // ranges before it are the caller's
	ids   []uint32
	keep  []bool
}

// visit selects from node i, at which the first depth dimensions are decided.
// It returns false when the limit is exceeded.
func (s *selection) visit(i uint32, depth int) bool {
	n := s.t.node(i)
	switch {
	case depth >= s.last:
		return s.take(n.total, n.total+1)
	case n.children == 0:
		return s.scan(n, depth)
	}
	kids := n.children
	star := s.t.value(n.child+kids-1) == starValue
	if star {
		kids--
	}
	switch d := &s.dims[depth]; {
	case d.Filtered:
		return s.filtered(n.child, kids, depth)
	case star && !d.Needed:
		return s.visit(n.child+kids, depth+1)
	}
	for c := range kids {
		if !s.visit(n.child+c, depth+1) {
			return false
		}
	}
	return true
}

// filtered visits those of kids children whose value passes the filter.
func (s *selection) filtered(child, kids uint32, depth int) bool {
	d, null := &s.dims[depth], s.t.dims[depth].Cardinality
	c, end := uint32(0), kids
	if d.Set.Bits == nil {
		c = s.lowerBound(child, kids, d.Set.Lo)
		for end = c; end < kids && s.t.value(child+end) <= d.Set.Hi && d.Set.Lo <= d.Set.Hi; {
			end++
		}
		end = min(end, kids)
	}
	for ; c < end; c++ {
		v := s.t.value(child + c)
		if v < null && d.Set.Contains(v) && !s.visit(child+c, depth+1) {
			return false
		}
	}
	if last := child + kids - 1; d.Nulls && s.t.value(last) == null {
		return s.visit(last, depth+1)
	}
	return true
}

// lowerBound returns the first of kids children whose value is at least v.
func (s *selection) lowerBound(child, kids, v uint32) uint32 {
	lo, hi := uint32(0), kids
	for lo < hi {
		if mid := (lo + hi) / 2; s.t.value(child+mid) < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// take selects records.
func (s *selection) take(from, to uint32) bool {
	s.limit -= int(to - from)
	if n := len(s.out); n > s.first && s.out[n-1].To == from {
		s.out[n-1].To = to
		return s.limit >= 0
	}
	s.out = append(s.out, segment.DocRange{From: from, To: to})
	return s.limit >= 0
}

// scan selects the records of a leaf that pass the filters on the dimensions
// that no path has decided.
func (s *selection) scan(n node, depth int) bool {
	size := int(n.end - n.start)
	filtered := false
	for d := depth; d < s.last; d++ {
		if !s.dims[d].Filtered {
			continue
		}
		if !filtered {
			filtered = true
			s.keep, s.ids = slices.Grow(s.keep[:0], size)[:size], slices.Grow(s.ids[:0], size)[:size]
			for i := range s.keep {
				s.keep[i] = true
			}
		}
		s.filterLeaf(n.start, d)
	}
	if !filtered {
		return s.take(n.start, n.end)
	}
	s.limit -= size / 4 // they were looked at, but cost less
	for i := 0; i < size; {
		if !s.keep[i] {
			i++
			continue
		}
		from := i
		for i < size && s.keep[i] {
			i++
		}
		if !s.take(n.start+uint32(from), n.start+uint32(i)) {
			return false
		}
	}
	return s.limit >= 0
}

func (s *selection) filterLeaf(start uint32, d int) {
	r, f := &s.t.dims[d], &s.dims[d]
	r.values(start, s.ids)
	for i, id := range s.ids {
		pass := f.Nulls
		if id < r.Cardinality {
			pass = f.Set.Contains(id)
		}
		s.keep[i] = s.keep[i] && pass
	}
}

// finish sorts the ranges and joins neighbours.
func (s *selection) finish() []segment.DocRange {
	part := s.out[s.first:]
	slices.SortFunc(part, func(a, b segment.DocRange) int { return int(int64(a.From) - int64(b.From)) })
	joined := part[:0]
	for _, r := range part {
		if n := len(joined); n > 0 && joined[n-1].To == r.From {
			joined[n-1].To = r.To
			continue
		}
		joined = append(joined, r)
	}
	return s.out[:s.first+len(joined)]
}
