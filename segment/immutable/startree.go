package immutable

import (
	"fmt"
	"sync"

	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/startree"
)

// starTree is a star-tree of a segment, opened at its first use.
type starTree struct {
	seg   *Segment
	entry *format.StarTree

	once sync.Once
	recs *treeRecords
	err  error
}

var _ segment.StarTree = (*starTree)(nil)

// StarTrees implements segment.StarTreed.
func (s *Segment) StarTrees() []segment.StarTree { return s.trees }

func (s *Segment) listTrees() {
	for i := range s.footer.StarTrees {
		s.trees = append(s.trees, &starTree{seg: s, entry: &s.footer.StarTrees[i]})
	}
}

// Meta implements segment.StarTree.
func (t *starTree) Meta() *segment.StarTreeMeta { return &t.entry.Meta }

// Records implements segment.StarTree.
func (t *starTree) Records() (segment.StarTreeRecords, error) {
	if t.seg.refs.Load() <= 0 {
		return nil, segment.ErrClosed
	}
	t.once.Do(func() {
		if t.recs, t.err = t.open(); t.err != nil {
			t.err = fmt.Errorf("star-tree: %w", t.err)
		}
	})
	if t.err != nil {
		return nil, t.err
	}
	return t.recs, nil
}

// treeRecords is an open star-tree.
type treeRecords struct {
	seg    *Segment
	meta   *segment.Metadata
	nodes  *startree.Nodes
	dims   map[uint32]*Column // nil for a dimension of which all rows are NULL
	states [][]*Column
}

var _ segment.StarTreeRecords = (*treeRecords)(nil)

func (t *starTree) open() (*treeRecords, error) {
	r := &treeRecords{seg: t.seg, dims: map[uint32]*Column{}, meta: t.metadata()}
	var readers []startree.Reader
	for i := range t.entry.Dimensions {
		e := &t.entry.Dimensions[i]
		c, err := t.openDimension(e)
		if err != nil {
			return nil, fmt.Errorf("dimension %q: %w", e.Meta.Name, err)
		}
		r.dims[e.Meta.ID] = c
		readers = append(readers, dimensionReader(c))
	}
	raw, err := t.seg.bytes(&t.entry.Nodes)
	if err != nil {
		return nil, err
	}
	if r.nodes, err = startree.OpenNodes(raw, readers, t.entry.Meta.Records); err != nil {
		return nil, err
	}
	for i, m := range t.entry.Metrics {
		states := make([]*Column, len(m))
		for k := range m {
			if states[k], err = t.seg.openColumn(&m[k], t.entry.Meta.Records); err != nil {
				return nil, fmt.Errorf("metric %s: %w", t.entry.Meta.Metrics[i].Key, err)
			}
		}
		r.states = append(r.states, states)
	}
	return r, nil
}

// metadata describes the records as if they were rows of the segment.
func (t *starTree) metadata() *segment.Metadata {
	m := *t.seg.Metadata()
	m.NumDocs, m.Columns = t.entry.Meta.Records, nil
	return &m
}

// openDimension opens the ids of a dimension, which are those of the segment's
// column.
func (t *starTree) openDimension(e *format.Column) (*Column, error) {
	base, ok := t.seg.byID[e.Meta.ID]
	if !ok {
		return nil, segment.Corruptf("no such column")
	}
	col, err := t.seg.column(base)
	if err != nil {
		return nil, err
	}
	card := uint32(0)
	if col.dict != nil {
		card = uint32(col.dict.Len())
	}
	if e.Meta.Encoding != segment.EncodingDict || e.Meta.Cardinality != card || e.Meta.Type != col.meta.Type {
		return nil, segment.Corruptf("other values than the column's")
	}
	c := &Column{seg: t.seg, entry: e, meta: e.Meta, rows: t.entry.Meta.Records, dict: col.dict}
	if err := c.openNulls(); err != nil || col.dict == nil {
		return nil, err
	}
	raw, err := t.seg.required(e, format.RoleForward)
	if err != nil {
		return nil, err
	}
	p, err := encoding.NewPacked(raw, int(c.rows), encoding.Width(int(card)), int(card))
	if err != nil {
		return nil, err
	}
	c.ids = p
	return c, nil
}

// dimensionReader reads a dimension; nil is one of which all rows are NULL.
func dimensionReader(c *Column) startree.Reader {
	if c == nil {
		return startree.Reader{IDs: encoding.ConstIDs{}, Null: func(uint32) bool { return true }}
	}
	r := startree.Reader{IDs: c.ids, Cardinality: uint32(c.dict.Len())}
	if c.nulls != nil {
		r.Null = c.nulls.Contains
	}
	return r
}

// Metadata implements segment.Segment.
func (r *treeRecords) Metadata() *segment.Metadata { return r.meta }

// NumDocs implements segment.Segment.
func (r *treeRecords) NumDocs() uint32 { return r.meta.NumDocs }

// Column implements segment.Segment.
func (r *treeRecords) Column(id uint32) (segment.Column, error) {
	if c := r.dims[id]; c != nil {
		return c, nil
	}
	return nil, nil
}

// Retain implements segment.Segment.
func (r *treeRecords) Retain() bool { return r.seg.Retain() }

// Release implements segment.Segment.
func (r *treeRecords) Release() { r.seg.Release() }

// State implements segment.StarTreeRecords.
func (r *treeRecords) State(m, k int) segment.Column { return r.states[m][k] }

// Select implements segment.StarTreeRecords.
func (r *treeRecords) Select(sel *segment.StarTreeSelection, dst []segment.DocRange) ([]segment.DocRange, bool) {
	return r.nodes.Select(sel, dst)
}

// checkTrees verifies all star-trees.
func (s *Segment) checkTrees() error {
	for i, t := range s.trees {
		if _, err := t.Records(); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		if n := s.footer.StarTrees[i].Nodes.Length; n != uint64(t.Meta().Nodes)*startree.NodeBytes {
			return segment.Corruptf("tree %d: %d bytes of nodes", i, n)
		}
	}
	return nil
}
