package immutable

import (
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// Column reads one column of an open segment. Exactly one of ids and vals is
// set; dict is set with ids. It is safe for concurrent use.
type Column struct {
	seg   *Segment
	entry *format.Column
	meta  *segment.ColumnMeta
	rows  uint32
	nulls *roaring.Bitmap

	dict *index.Dictionary
	ids  encoding.IDs
	vals values

	zones *segment.Zones
	runs  *encoding.Runs

	invOnce sync.Once
	inv     segment.InvertedIndex // of a list column: of its elements

	ranges lazyRange
	json   lazyJSON
	text   lazyText
	geo    lazyGeo
}

var _ segment.Column = (*Column)(nil)

// openColumn checks the buffers of a column of that many rows.
func (s *Segment) openColumn(entry *format.Column, rows uint32) (*Column, error) {
	if err := entry.Unsupported(); err != nil {
		return nil, err
	}
	c := &Column{seg: s, entry: entry, meta: entry.Meta, rows: rows}
	if err := c.openNulls(); err != nil {
		return nil, err
	}
	if err := c.openForward(); err != nil {
		return nil, err
	}
	return c, c.openZones()
}

func (c *Column) openNulls() error {
	switch {
	case c.meta.Nulls == 0:
		return nil
	case c.meta.Nulls == c.rows && c.meta.Encoding == segment.EncodingConst:
		c.nulls = roaring.New()
		c.nulls.AddRange(0, uint64(c.rows))
		return nil
	}
	raw, err := c.seg.required(c.entry, format.RoleNulls)
	if err != nil {
		return err
	}
	if c.nulls, err = encoding.OpenBitmap(raw, c.rows); err != nil {
		return err
	}
	if c.nulls.GetCardinality() != uint64(c.meta.Nulls) {
		return segment.Corruptf("NULLs do not have the number in the footer")
	}
	return nil
}

func (c *Column) openForward() error {
	switch c.meta.Encoding {
	case segment.EncodingConst:
		return c.openConst()
	case segment.EncodingDict, segment.EncodingSortedRuns, segment.EncodingDerived:
		return c.openDict()
	case segment.EncodingRLE:
		if c.entry.Buffer(format.RoleDictionary) != nil {
			return c.openDict()
		}
		return c.openValues()
	case segment.EncodingRaw, segment.EncodingFOR, segment.EncodingDelta, segment.EncodingChunked, segment.EncodingALP:
		return c.openValues()
	}
	return segment.Unsupportedf("encoding %d", c.meta.Encoding)
}

func (c *Column) openConst() error {
	v := c.entry.Const
	if v == nil {
		if c.meta.Nulls != c.rows {
			return segment.Corruptf("constant column without a value")
		}
		c.vals = nullValues{}
		return nil
	}
	one := column.New(c.meta.Type, 1)
	one.Append(*v)
	c.dict, c.ids = index.NewDictionary(one), encoding.ConstIDs{}
	return nil
}

func (c *Column) openDict() error {
	raw, err := c.seg.required(c.entry, format.RoleDictionary)
	if err != nil {
		return err
	}
	card := int(c.meta.Cardinality)
	if c.dict, err = index.OpenDictionary(raw, card, c.meta.Type); err != nil {
		return err
	}
	if raw, err = c.seg.required(c.entry, format.RoleForward); err != nil {
		return err
	}
	switch c.meta.Encoding {
	case segment.EncodingDerived:
		return c.openDerived(raw)
	case segment.EncodingRLE:
		r, err := encoding.NewRLEIDs(raw, int(c.rows), card)
		if err != nil {
			return err
		}
		c.ids = r
		return nil
	case segment.EncodingSortedRuns:
		if c.runs, err = encoding.NewRuns(raw, int(c.rows), card); err != nil {
			return err
		}
		c.ids = c.runs
		return nil
	}
	p, err := encoding.NewPacked(raw, int(c.rows), encoding.Width(card), card)
	if err != nil {
		return err
	}
	c.ids = p
	return nil
}

func (c *Column) openZones() error {
	b := c.entry.Buffer(format.RoleZones)
	if b == nil {
		return nil
	}
	raw, err := c.seg.bytes(b)
	if err != nil {
		return err
	}
	k := c.meta.Type.Kind()
	float := c.dict == nil && (k == schema.KindFloat32 || k == schema.KindFloat64)
	c.zones, err = index.OpenZones(raw, int(c.rows), float)
	return err
}

// Meta implements segment.Column.
func (c *Column) Meta() *segment.ColumnMeta { return c.meta }

// Dictionary implements segment.Column.
func (c *Column) Dictionary() segment.Dictionary {
	if c.dict == nil {
		return nil
	}
	return c.dict
}

// Nulls implements segment.Column.
func (c *Column) Nulls() *roaring.Bitmap { return c.nulls }

// ReadIDs implements segment.Column.
func (c *Column) ReadIDs(from uint32, dst []uint32) { c.ids.Read(from, dst) }

// GatherIDs implements segment.Column.
func (c *Column) GatherIDs(docs []uint32, dst []uint32) { c.ids.Gather(docs, dst) }

// MatchIDs implements segment.Column.
func (c *Column) MatchIDs(from uint32, n int, set segment.IDSet, dst column.Bitmap) {
	c.ids.Match(from, n, set, dst)
}

// Zones implements segment.Column.
func (c *Column) Zones() *segment.Zones { return c.zones }

// Ranges implements segment.Column.
func (c *Column) Ranges() segment.SortedIndex {
	if c.runs == nil {
		return nil
	}
	return c.runs
}

// Inverted implements segment.Column. The index is checked at the first call;
// when it is corrupt its Postings return the error.
func (c *Column) Inverted() segment.InvertedIndex {
	if c.dict == nil {
		return nil
	}
	c.invOnce.Do(func() {
		if b := c.entry.Buffer(format.RoleInverted); b != nil {
			c.inv = c.openInverted(b, c.dict.Len())
		}
	})
	return c.inv
}

func (c *Column) openInverted(b *format.Buffer, ids int) segment.InvertedIndex {
	raw, err := c.seg.bytes(b)
	if err == nil {
		var x *index.Inverted
		if x, err = index.OpenInverted(raw, ids, c.rows); err == nil {
			return x
		}
	}
	return brokenIndex{err: err, docs: c.rows}
}

// brokenIndex stands for a corrupt inverted index.
type brokenIndex struct {
	err  error
	docs uint32
}

func (b brokenIndex) Postings(uint32) (*roaring.Bitmap, error) { return nil, b.err }
func (b brokenIndex) SetDocs(uint32, column.Bitmap) error      { return b.err }
func (b brokenIndex) Count(uint32) uint32                      { return b.docs }

// Read implements segment.Column.
func (c *Column) Read(from uint32, n int, dst *column.Vector) error {
	dst.Reset(c.meta.Type)
	var err error
	if c.dict != nil {
		err = c.readDict(from, n, dst)
	} else {
		err = c.vals.read(from, n, dst)
	}
	if err != nil {
		return err
	}
	encoding.SetNulls(c.nulls, from, n, dst, 0)
	return nil
}

// Gather implements segment.Column.
func (c *Column) Gather(docs []uint32, dst *column.Vector) error {
	dst.Reset(c.meta.Type)
	var err error
	if c.dict != nil {
		err = c.gatherDict(docs, dst)
	} else {
		err = c.vals.gather(docs, dst)
	}
	if err != nil {
		return err
	}
	encoding.GatherNulls(c.nulls, docs, dst)
	return nil
}

// MatchRange implements segment.Column.
func (c *Column) MatchRange(from uint32, n int, r segment.ValueRange, dst column.Bitmap) (bool, error) {
	if c.dict != nil {
		return false, nil
	}
	return c.vals.match(from, n, r, dst), nil
}
