package format

import (
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// RoleNodes is the role of the buffer of a star-tree's nodes.
const RoleNodes Role = 64

// StarTree is the directory entry of a star-tree. Its columns have
// Meta.Records rows.
type StarTree struct {
	Meta  segment.StarTreeMeta
	Nodes Buffer
	// Dimensions are the ids of the records, an EncodingDict column each whose
	// dictionary is that of the segment's column with the same id.
	Dimensions []Column
	// Metrics are the state columns of each metric.
	Metrics [][]Column
}

// EachColumn calls f for all columns of the tree and of their elements.
func (t *StarTree) EachColumn(f func(*Column)) {
	each := func(c *Column) {
		for ; c != nil; c = c.Child {
			f(c)
		}
	}
	for i := range t.Dimensions {
		each(&t.Dimensions[i])
	}
	for _, m := range t.Metrics {
		for k := range m {
			each(&m[k])
		}
	}
}

// starTreesVersion is the first byte of the section. A reader skips the section
// of another version: queries then read rows.
const starTreesVersion = 1

const dimensionNoStar = 1

func appendStarTrees(trees []StarTree) []byte {
	var w writer
	w.byte(starTreesVersion)
	w.uvarint(uint64(len(trees)))
	for i := range trees {
		w.bytes(appendStarTree(&trees[i]))
	}
	return w.b
}

func appendStarTree(t *StarTree) []byte {
	var w writer
	w.uvarint(uint64(t.Meta.MaxLeaf))
	w.uvarint(uint64(t.Meta.Base))
	w.uvarint(uint64(t.Meta.Records))
	w.uvarint(uint64(t.Meta.Nodes))
	appendBuffer(&w, &t.Nodes)
	w.uvarint(uint64(len(t.Dimensions)))
	for i := range t.Dimensions {
		var flags byte
		if t.Meta.NoStar[i] {
			flags = dimensionNoStar
		}
		w.byte(flags)
		w.bytes(appendEntry(&t.Dimensions[i]))
	}
	w.uvarint(uint64(len(t.Metrics)))
	for i, states := range t.Metrics {
		w.string(t.Meta.Metrics[i].Key)
		w.uvarint(uint64(len(states)))
		for k := range states {
			w.bytes(appendEntry(&states[k]))
		}
	}
	return w.b
}

func (f *Footer) readStarTrees(r *reader, limit uint64) {
	if r.byte() != starTreesVersion {
		r.b = nil
		return
	}
	f.StarTrees = make([]StarTree, r.count(8))
	for i := range f.StarTrees {
		e := r.sub()
		f.StarTrees[i].read(e, limit)
		if e.err == nil && len(e.b) != 0 {
			e.fail("bytes follow a star-tree")
		}
		if r.err = e.err; r.err != nil {
			return
		}
	}
}

func (t *StarTree) read(r *reader, limit uint64) {
	m := &t.Meta
	m.MaxLeaf, m.Base, m.Records, m.Nodes = r.uint32v(), r.uint32v(), r.uint32v(), r.uint32v()
	readBuffer(r, &t.Nodes, limit)
	m.Bytes = t.Nodes.Length
	n := r.count(2)
	if n == 0 || n > schema.MaxStarTreeDimensions || m.Base > m.Records {
		r.fail("dimensions of a star-tree")
		return
	}
	t.Dimensions = make([]Column, n)
	for i := range t.Dimensions {
		m.NoStar = append(m.NoStar, r.byte()&dimensionNoStar != 0)
		t.readColumn(r, &t.Dimensions[i], limit)
		m.Dimensions = append(m.Dimensions, t.Dimensions[i].Meta.ID)
	}
	t.Metrics = make([][]Column, r.count(2))
	for i := range t.Metrics {
		key := r.string()
		t.Metrics[i] = make([]Column, r.count(2))
		for k := range t.Metrics[i] {
			t.readColumn(r, &t.Metrics[i][k], limit)
		}
		m.Metrics = append(m.Metrics, segment.StarTreeMetricMeta{Key: key, States: len(t.Metrics[i])})
	}
}

func (t *StarTree) readColumn(r *reader, c *Column, limit uint64) {
	c.Meta = &segment.ColumnMeta{}
	e := r.sub()
	readEntry(e, c, limit, t.Meta.Records)
	r.err = e.err
	if r.err != nil {
		r.b = nil
	}
	t.Meta.Bytes += c.Meta.Bytes
}
