// Package testseg is a plain in-memory segment for tests of the query engine:
// every encoding and index that the segment interfaces allow, switched on and
// off column by column, with no attention to speed.
package testseg

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// Col is a column and how it pretends to be stored.
type Col struct {
	ID   uint32
	Name string
	Vec  *column.Vector // all rows, flat
	// Dict gives the column a dictionary, in order of values when Sorted, else
	// in order of arrival. Lists cannot have one.
	Dict, Sorted bool
	// Inverted gives a dictionary column an inverted index. Ranges gives it a
	// sorted index if its rows happen to be in order without NULLs.
	Inverted, Ranges bool
	// Zones gives zone maps, FastRange an answer to MatchRange.
	Zones, FastRange bool
}

// Segment is an in-memory segment.
type Segment struct {
	meta segment.Metadata
	id   *segment.Identity
	cols map[uint32]*testColumn
}

var _ segment.Segment = (*Segment)(nil)

// New returns a segment of n rows.
func New(name string, n int, cols ...Col) *Segment {
	s := &Segment{id: new(segment.Identity), cols: map[uint32]*testColumn{}}
	s.meta = segment.Metadata{Name: name, NumDocs: uint32(n), Streamed: true, Partition: 3, FirstSeq: 1000}
	for _, c := range cols {
		tc := newColumn(c)
		s.cols[c.ID] = tc
		s.meta.Columns = append(s.meta.Columns, tc.meta)
	}
	return s
}

// SetConsuming marks the segment as a view of a consuming one.
func (s *Segment) SetConsuming() { s.meta.Consuming = true }

// Identity implements segment.Identified.
func (s *Segment) Identity() *segment.Identity { return s.id }

// Metadata implements segment.Segment.
func (s *Segment) Metadata() *segment.Metadata { return &s.meta }

// NumDocs implements segment.Segment.
func (s *Segment) NumDocs() uint32 { return s.meta.NumDocs }

// Retain and Release implement segment.Segment; they count nothing.
func (s *Segment) Retain() bool { return true }

// Release implements segment.Segment.
func (s *Segment) Release() {}

// Column implements segment.Segment.
func (s *Segment) Column(id uint32) (segment.Column, error) {
	if c := s.cols[id]; c != nil {
		return c, nil
	}
	return nil, nil
}

type testColumn struct {
	spec  Col
	meta  segment.ColumnMeta
	nulls *roaring.Bitmap
	ids   []uint32
	dict  *dictionary
	zones *segment.Zones
	posts []*roaring.Bitmap // by dictionary id
}

func newColumn(spec Col) *testColumn {
	c := &testColumn{spec: spec, nulls: roaring.New()}
	c.meta = segment.ColumnMeta{ID: spec.ID, Name: spec.Name, Type: spec.Vec.Type, Encoding: segment.EncodingRaw}
	for i := range spec.Vec.N {
		if spec.Vec.IsNull(i) {
			c.nulls.Add(uint32(i))
		}
	}
	c.meta.Nulls = uint32(c.nulls.GetCardinality())
	c.bounds()
	if spec.Dict {
		c.buildDict()
	}
	if spec.Zones {
		c.buildZones()
	}
	return c
}

// compare orders two values that are not NULL.
func compare(a, b column.Value) int {
	switch a.Type.Kind() {
	case schema.KindFloat32, schema.KindFloat64:
		an, bn := a.F != a.F, b.F != b.F
		switch {
		case an && bn:
			return 0
		case an:
			return 1
		case bn:
			return -1
		}
		return cmp.Compare(a.F, b.F)
	case schema.KindBytes:
		return bytes.Compare(a.B, b.B)
	case schema.KindDecimal:
		return a.D.Cmp(b.D)
	}
	return cmp.Compare(a.I, b.I)
}

func (c *testColumn) bounds() {
	for i := range c.spec.Vec.N {
		v := c.spec.Vec.Value(i)
		switch {
		case v.Null || v.Type.Kind() == schema.KindList:
		case !c.meta.HasRange:
			c.meta.HasRange, c.meta.Min, c.meta.Max = true, v, v
		case compare(v, c.meta.Min) < 0:
			c.meta.Min = v
		case compare(v, c.meta.Max) > 0:
			c.meta.Max = v
		}
	}
}

func (c *testColumn) buildDict() {
	var vals []column.Value
	c.ids = make([]uint32, c.spec.Vec.N)
	seen := map[string]uint32{}
	for i := range c.spec.Vec.N {
		v := c.spec.Vec.Value(i)
		if v.Null {
			continue
		}
		k := keyOf(v)
		if _, ok := seen[k]; !ok {
			seen[k] = uint32(len(vals))
			vals = append(vals, v)
		}
	}
	if c.spec.Sorted {
		slices.SortFunc(vals, compare)
		for i, v := range vals {
			seen[keyOf(v)] = uint32(i)
		}
	}
	c.dict = &dictionary{sorted: c.spec.Sorted, vals: column.New(c.spec.Vec.Type, 0), identity: new(segment.Identity)}
	for _, v := range vals {
		c.dict.vals.Append(v)
	}
	for i := range c.spec.Vec.N {
		if v := c.spec.Vec.Value(i); !v.Null {
			c.ids[i] = seen[keyOf(v)]
		}
	}
	for range vals {
		c.posts = append(c.posts, roaring.New())
	}
	for i, id := range c.ids {
		if !c.spec.Vec.IsNull(i) {
			c.posts[id].Add(uint32(i))
		}
	}
	c.meta.Encoding, c.meta.Cardinality = segment.EncodingDict, uint32(len(vals))
}

func keyOf(v column.Value) string {
	switch v.Type.Kind() {
	case schema.KindBytes:
		return string(v.B)
	case schema.KindDecimal:
		return v.D.String()
	case schema.KindFloat32, schema.KindFloat64:
		return floatText(v.F)
	}
	return column.DecimalFromInt64(v.I, 0).String()
}

func (c *testColumn) buildZones() {
	z := &segment.Zones{}
	kind := c.spec.Vec.Kind()
	float := kind == schema.KindFloat32 || kind == schema.KindFloat64
	if c.dict != nil && !c.dict.sorted || c.dict == nil && kind != schema.KindInt32 && kind != schema.KindInt64 && !float {
		return
	}
	for from := 0; from < c.spec.Vec.N; from += segment.BlockRows {
		to := min(from+segment.BlockRows, c.spec.Vec.N)
		if c.dict == nil && float {
			lo, hi := c.floatZone(from, to)
			z.MinFloat, z.MaxFloat = append(z.MinFloat, lo), append(z.MaxFloat, hi)
			continue
		}
		lo, hi := c.intZone(from, to)
		z.MinInt, z.MaxInt = append(z.MinInt, lo), append(z.MaxInt, hi)
	}
	c.zones = z
}

func (c *testColumn) intZone(from, to int) (lo, hi int64) {
	lo, hi = 1<<62, -1<<62
	for i := from; i < to; i++ {
		if c.spec.Vec.IsNull(i) {
			continue
		}
		x := c.spec.Vec.Value(i).I
		if c.dict != nil {
			x = int64(c.ids[i])
		}
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}

func (c *testColumn) floatZone(from, to int) (lo, hi float64) {
	first := true
	lo, hi = 1, -1
	for i := from; i < to; i++ {
		v := c.spec.Vec.Value(i)
		if v.Null {
			continue
		}
		if first || compare(v, column.FloatValue(v.Type, lo)) < 0 {
			lo = v.F
		}
		if first || compare(v, column.FloatValue(v.Type, hi)) > 0 {
			hi = v.F
		}
		first = false
	}
	return lo, hi
}
