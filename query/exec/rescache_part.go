package exec

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// statePart is the groups of some segments: their keys, with dictionaries, and
// the states of their aggregations. A leaf reads it as it reads the records of a
// star-tree: like a segment whose aggregations are merged. It is never changed.
type statePart struct {
	rows   uint32
	meta   segment.Metadata
	keys   []*memColumn
	states [][]segment.Column // by aggregation
	size   int64
}

// newStatePart makes a part of the batches that a leaf has emitted.
func newStatePart(leaf *plan.Leaf, table uint32, batches []*column.Batch) *statePart {
	p := &statePart{meta: segment.Metadata{Name: "cached", TableID: table}}
	all := make([]*column.Vector, len(leaf.GroupBy))
	for i, e := range leaf.GroupBy {
		all[i] = column.New(e.Type(), 0)
	}
	for i := range leaf.Aggs {
		all = append(all, stateVectors(leaf.Aggs[i].Spec)...)
	}
	for _, b := range batches {
		p.rows += uint32(b.N)
		for i, v := range all {
			kernel.Concat(v, b.Cols[i])
		}
	}
	p.meta.NumDocs = p.rows
	for i := range leaf.GroupBy {
		p.keys = append(p.keys, newKeyColumn(all[i], partColumn(leaf, i)))
		p.size += p.keys[i].bytes()
	}
	at := len(leaf.GroupBy)
	for i := range leaf.Aggs {
		n := len(leaf.Aggs[i].Spec.StateTypes())
		p.states = append(p.states, stateColumns(all[at:at+n]))
		for _, v := range all[at : at+n] {
			p.size += v.MemoryBytes()
		}
		at += n
	}
	return p
}

func (p *statePart) bytes() int64 { return p.size }

// partColumn returns the column that group key i is, 0 if it is an expression.
func partColumn(leaf *plan.Leaf, i int) uint32 {
	if ref, ok := leaf.GroupBy[i].(*plan.ColRef); ok {
		return leaf.Cols[ref.Index].ID
	}
	return 0
}

func stateColumns(vecs []*column.Vector) []segment.Column {
	var out []segment.Column
	for _, v := range vecs {
		out = append(out, newMemColumn(v, 0))
	}
	return out
}

// newKeyColumn gives the values of a group key a dictionary, unless it would not
// be smaller than they are.
func newKeyColumn(v *column.Vector, id uint32) *memColumn {
	c := newMemColumn(v, id)
	dict, ids := newKeyDict(v.Type), make([]uint32, v.N)
	for i := range ids {
		if code := dict.code(v, i); code != 0 {
			ids[i] = code - 1
		}
	}
	if dict.word && 2*dict.vals.N > v.N {
		return c
	}
	c.vals, c.ids = dict.vals, ids
	c.dict = &memDict{vals: dict.vals}
	if id != 0 {
		// What numbers the values of the table's column may number these.
		c.dict.identity = new(segment.Identity)
	}
	c.meta.Cardinality = uint32(dict.vals.N)
	return c
}

// segPlan plans a part as a segment of the leaf.
func (e *cacheEntry) segPlan(q *query, op *aggregate) *segPlan {
	p := e.part
	sp := &segPlan{q: q, meta: &p.meta, docs: p.rows, buf: &q.buf, part: e, share: 1, rowsHint: float64(p.rows)}
	null := nullColumn()
	for range len(q.leaf.Cols) + len(q.truncs) {
		sp.cols = append(sp.cols, null)
	}
	at := map[int]int{} // column of an expression
	for i := range op.outs {
		if op.outs[i].key < 0 { // it follows from other keys
			sp.cols = append(sp.cols, null)
			continue
		}
		key, c := op.keys[op.outs[i].key], p.keys[i]
		at[key.expr] = len(sp.cols)
		sc := &segCol{typ: key.typ, from: key.typ, col: c, meta: &c.meta, vals: c.vals}
		if c.dict != nil {
			sc.dict = c.dict
		}
		sp.cols = append(sp.cols, sc)
	}
	sp.cols = append(sp.cols, null)
	for i := range q.exprs {
		s := &segExpr{mode: exprCol, col: len(sp.cols) - 1}
		if col, ok := at[i]; ok {
			s.col = col
		}
		sp.exprs = append(sp.exprs, s)
	}
	sp.tree = &treeScan{raw: sp, rows: int(p.rows), runs: []segment.DocRange{{To: p.rows}}, calls: map[*aggCall]*treeCall{}}
	for i := range op.calls {
		sp.tree.calls[&op.calls[i]] = &treeCall{terms: []treeTerm{{cols: p.states[i]}}, filtered: true}
	}
	return sp
}

// nullColumn stands for columns that a part does not have; nothing reads it.
func nullColumn() *segCol {
	return &segCol{konst: &column.Vector{N: 1, Const: true}}
}

// attach adds parts to the segments of the leaf. The other segments get as many
// columns as parts have.
func (q *query) attach(parts []*cacheEntry) error {
	op, ok := q.op.(*aggregate)
	if !ok || len(parts) == 0 {
		return nil
	}
	q.partCols = len(op.outs) + 1
	null := nullColumn()
	want := len(q.leaf.Cols) + len(q.truncs) + q.partCols
	for _, sp := range q.segs {
		for len(sp.cols) < want {
			sp.cols = append(sp.cols, null)
		}
	}
	mem := share{m: &q.mem}
	held := int64(0)
	first := make([]*segPlan, 0, len(parts)+len(q.segs))
	for _, e := range parts {
		held += e.part.bytes()
		first = append(first, e.segPlan(q, op))
		q.stats.addBase(&e.base)
		q.traceCached(e)
	}
	q.segs = append(first, q.segs...)
	return mem.set(held)
}

// traceCached notes the segments that are not read.
func (q *query) traceCached(e *cacheEntry) {
	if q.opt.Trace {
		q.stats.Segments = append(q.stats.Segments, e.base.Segments...)
	}
}

// addBase adds what is told of segments that were not read.
func (s *Stats) addBase(b *Stats) {
	s.TotalDocs += b.TotalDocs
	s.SegmentsQueried += b.SegmentsQueried
	s.SegmentsProcessed += b.SegmentsProcessed
	s.SegmentsMatched += b.SegmentsMatched
	s.SegmentsPruned += b.SegmentsPruned
	s.SegmentsCached += b.SegmentsQueried
}

// memColumn is a column in memory, with a dictionary where ids is set.
type memColumn struct {
	meta  segment.ColumnMeta
	all   *column.Vector // all rows
	vals  *column.Vector // of the dictionary
	ids   []uint32
	dict  *memDict
	nulls *roaring.Bitmap
}

func newMemColumn(v *column.Vector, id uint32) *memColumn {
	c := &memColumn{meta: segment.ColumnMeta{ID: id, Type: v.Type}, all: v}
	if v.HasNulls() {
		c.nulls = roaring.BitmapOf(v.Nulls.Positions(0, nil)...)
		c.meta.Nulls = uint32(c.nulls.GetCardinality())
	}
	return c
}

func (c *memColumn) bytes() int64 {
	n := c.all.MemoryBytes() + int64(cap(c.ids))*4
	if c.vals != nil {
		n += c.vals.MemoryBytes()
	}
	return n
}

// Meta implements segment.Column, as the methods below do.
func (c *memColumn) Meta() *segment.ColumnMeta { return &c.meta }

// Dictionary returns the column's dictionary.
func (c *memColumn) Dictionary() segment.Dictionary {
	if c.dict == nil {
		return nil
	}
	return c.dict
}

// Nulls returns the rows that are NULL.
func (c *memColumn) Nulls() *roaring.Bitmap { return c.nulls }

// ReadIDs copies ids.
func (c *memColumn) ReadIDs(from uint32, dst []uint32) { copy(dst, c.ids[from:]) }

// GatherIDs copies the ids of some rows.
func (c *memColumn) GatherIDs(docs, dst []uint32) {
	for i, d := range docs {
		dst[i] = c.ids[d]
	}
}

// MatchIDs tests ids.
func (c *memColumn) MatchIDs(from uint32, n int, set segment.IDSet, dst column.Bitmap) {
	clear(dst[:column.Words(n)])
	for i, id := range c.ids[from : int(from)+n] {
		if set.Contains(id) {
			dst.Set(i)
		}
	}
}

// Read copies values.
func (c *memColumn) Read(from uint32, n int, dst *column.Vector) error {
	dst.Reset(c.all.Type)
	kernel.Concat(dst, c.all.Slice(int(from), int(from)+n))
	return nil
}

// Gather copies the values of some rows.
func (c *memColumn) Gather(docs []uint32, dst *column.Vector) error {
	kernel.Gather(c.all, docs, dst)
	return nil
}

// MatchRange knows no fast way.
func (c *memColumn) MatchRange(uint32, int, segment.ValueRange, column.Bitmap) (bool, error) {
	return false, nil
}

// Zones are not known.
func (c *memColumn) Zones() *segment.Zones { return nil }

// Inverted tells that there is no index.
func (c *memColumn) Inverted() segment.InvertedIndex { return nil }

// Ranges tells that the column is not sorted.
func (c *memColumn) Ranges() segment.SortedIndex { return nil }

// memDict is the dictionary of a memColumn, in order of appearance.
type memDict struct {
	vals     *column.Vector
	identity *segment.Identity
}

// Len implements segment.Dictionary, as the methods below do.
func (d *memDict) Len() int { return d.vals.N }

// Sorted tells that values are in no order.
func (d *memDict) Sorted() bool { return false }

// Values returns all values.
func (d *memDict) Values() *column.Vector { return d.vals }

// Lookup looks at all values.
func (d *memDict) Lookup(v column.Value) (uint32, bool) {
	one := column.NewConst(v, 1)
	dict := newKeyDict(d.vals.Type)
	for i := range d.vals.N {
		dict.code(d.vals, i)
	}
	n := dict.size()
	code := dict.code(one, 0)
	return code - 1, code != 0 && int(code) < n
}

// LowerBound is for sorted dictionaries.
func (d *memDict) LowerBound(column.Value) uint32 { return uint32(d.vals.N) }

// Identity is nil for the values of an expression.
func (d *memDict) Identity() *segment.Identity { return d.identity }
