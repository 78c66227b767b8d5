// Package startree makes and reads the structure of star-trees: which records
// a tree has, which rows and records each of them stands for, and the nodes by
// which they are found. It knows dictionary ids and positions; it knows neither
// values, aggregations, files nor queries.
//
// A record is a combination of ids, one per dimension. The base records are the
// distinct combinations of the rows, sorted by the dimensions in their order. A
// node of depth d stands for records that agree in the first d dimensions; its
// children split them by dimension d. Where a node has more than one such child
// it also has a star child: the same records aggregated over dimension d. Each
// node has one record that aggregates all of it. So a query follows the
// children that its filter lets through where it filters, all children where it
// groups, and the star child elsewhere, and ends with few records.
package startree

import (
	"github.com/alluviumdb/alluvium/internal/column"
)

// Dimension is a column of the rows to build a tree of.
type Dimension struct {
	// IDs are the dictionary ids of the rows; those of NULL rows are ignored.
	// It may be nil when all rows are NULL.
	IDs []uint32
	// Nulls are the NULL rows, nil for none.
	Nulls column.Bitmap
	// Cardinality is the number of ids.
	Cardinality int
	// NoStar tells to make no records that are aggregated over the dimension.
	NoStar bool
}

// values returns the number of ids, NULL included if it occurs: its id is
// Cardinality.
func (d *Dimension) values() int {
	if d.Nulls != nil {
		return d.Cardinality + 1
	}
	return d.Cardinality
}

func (d *Dimension) id(row int) uint32 {
	if d.Nulls.Get(row) {
		return uint32(d.Cardinality)
	}
	return d.IDs[row]
}

// Shape is the structure of a tree that is being built.
type Shape struct {
	// RowRecord is the base record of each row.
	RowRecord []uint32
	// Steps say how the records after the base are made of earlier ones.
	Steps []Step
	// Base is the number of base records, which are the first.
	Base int

	dims   []Dimension
	layout layout
	keys   []key
	nodes  []node
}

// Step aggregates records From..To-1, which are complete, into later ones:
// record From+i into Into[i], or all into Single when Into is nil.
type Step struct {
	From, To uint32
	Into     []uint32
	Single   uint32
}

// Records returns the number of records.
func (s *Shape) Records() int { return len(s.keys) }

// Nodes returns the number of nodes.
func (s *Shape) Nodes() int { return len(s.nodes) }

// IDs returns the id of each record in dimension d: 0 for NULL and where the
// record is aggregated over it. nulls are the records that are NULL, nil if
// there is none.
func (s *Shape) IDs(d int) (ids []uint32, nulls column.Bitmap) {
	ids = make([]uint32, len(s.keys))
	null := uint32(s.dims[d].Cardinality)
	for i, k := range s.keys {
		ids[i] = s.layout.fields[d].get(k)
		if s.dims[d].Nulls != nil && ids[i] == null {
			if nulls == nil {
				nulls = column.NewBitmap(len(s.keys))
			}
			ids[i] = 0
			nulls.Set(i)
		}
	}
	return ids, nulls
}

// New returns the tree over rows rows that splits nodes of more than maxLeaf
// records. It returns nil when the dimensions have too many values together.
// The same rows in the same order give the same tree.
func New(dims []Dimension, rows, maxLeaf int) *Shape {
	l, ok := newLayout(dims)
	if !ok || rows == 0 {
		return nil
	}
	s := &Shape{dims: dims, layout: l, RowRecord: make([]uint32, rows)}
	b := builder{Shape: s, maxLeaf: max(maxLeaf, 1)}
	b.base(rows)
	b.room = 2*rows + minRoom
	b.nodes = []node{{start: 0, end: uint32(s.Base)}}
	b.split(0, 0)
	return s
}

// minRoom is the number of records that a tree over few rows may have.
const minRoom = 1 << 14

// builder makes a Shape.
type builder struct {
	*Shape
	maxLeaf int
	// room bounds the records: beyond it nodes get no star child. Such a tree
	// is as right, and answers from more records.
	room    int
	scratch [2][]entry
}

// base sorts the rows and makes the base records.
func (b *builder) base(rows int) {
	entries := make([]entry, rows)
	for i := range entries {
		entries[i].at = uint32(i)
	}
	for d := range b.dims {
		f, dim := b.layout.fields[d], &b.dims[d]
		for i := range entries {
			f.put(&entries[i].key, dim.id(i))
		}
	}
	for i, e := range sortEntries(entries, make([]entry, rows), b.layout.bits) {
		if i == 0 || e.key != b.keys[len(b.keys)-1] {
			b.keys = append(b.keys, e.key)
		}
		b.RowRecord[e.at] = uint32(len(b.keys) - 1)
	}
	b.Base = len(b.keys)
}

// split makes the children of node n, whose records agree in the first depth
// dimensions.
func (b *builder) split(n, depth int) {
	start, end := b.nodes[n].start, b.nodes[n].end
	if depth == len(b.dims) || int(end-start) <= b.maxLeaf {
		b.nodes[n].total = b.total(start, end, depth)
		return
	}
	first := len(b.nodes)
	b.children(start, end, depth)
	kids := len(b.nodes) - first
	starred := kids > 1 && !b.dims[depth].NoStar && len(b.keys)+int(end-start) <= b.room
	if starred {
		from, to := b.star(start, end, depth)
		b.nodes = append(b.nodes, node{value: starValue, start: from, end: to})
	}
	b.nodes[n].child, b.nodes[n].children = uint32(first), uint32(len(b.nodes)-first)
	last := len(b.nodes) - 1
	for c := first; c <= last; c++ {
		b.split(c, depth+1)
	}
	// A star child aggregates the same rows, and so does an only child.
	if starred || kids == 1 {
		b.nodes[n].total = b.nodes[last].total
		return
	}
	b.nodes[n].total = b.total(start, end, depth)
}

// children appends a node for each id of dimension depth.
func (b *builder) children(start, end uint32, depth int) {
	f := b.layout.fields[depth]
	for at := start; at < end; {
		c := node{value: f.get(b.keys[at]), start: at}
		for at < end && f.get(b.keys[at]) == c.value {
			at++
		}
		c.end = at
		b.nodes = append(b.nodes, c)
	}
}

// total returns the record that aggregates a range of records, which agree in
// the first depth dimensions.
func (b *builder) total(start, end uint32, depth int) uint32 {
	if end-start == 1 {
		return start
	}
	at := uint32(len(b.keys))
	b.keys = append(b.keys, b.layout.path(b.keys[start], depth))
	b.Steps = append(b.Steps, Step{From: start, To: end, Single: at})
	return at
}

// star appends the records of a range aggregated over dimension depth.
func (b *builder) star(start, end uint32, depth int) (from, to uint32) {
	n := int(end - start)
	for i := range b.scratch {
		if cap(b.scratch[i]) < n {
			b.scratch[i] = make([]entry, n)
		}
	}
	entries := b.scratch[0][:n]
	f := b.layout.fields[depth]
	path := b.layout.path(b.keys[start], depth)
	for i := range entries {
		entries[i] = entry{key: f.below(b.keys[int(start)+i]), at: uint32(i)}
	}
	from = uint32(len(b.keys))
	into := make([]uint32, n)
	var last key
	for i, e := range sortEntries(entries, b.scratch[1][:n], f.shift) {
		if i == 0 || e.key != last {
			last = e.key
			b.keys = append(b.keys, key{hi: path.hi | last.hi, lo: path.lo | last.lo})
		}
		into[e.at] = uint32(len(b.keys) - 1)
	}
	b.Steps = append(b.Steps, Step{From: start, To: end, Into: into})
	return from, uint32(len(b.keys))
}
