package exec

import (
	"fmt"
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// segCol is one of the leaf's columns in one segment, as all workers share it.
// A column that the segment lacks, and a pseudo column that is the same for all
// rows, is a constant. A column stored with another type (it was widened since)
// is cast: its dictionary once, raw values as they are read.
type segCol struct {
	typ    schema.Type
	col    segment.Column // nil for constants and _seq
	konst  *column.Vector // the value of a constant column
	first  uint64         // _seq of document 0
	seq    bool           // the column is _seq
	cast   bool           // stored with another type
	from   schema.Type    // the stored type
	meta   *segment.ColumnMeta
	dict   segment.Dictionary // nil without one
	ranges segment.RangeIndex // nil without one
	vals   *column.Vector     // the dictionary's values in the wanted type
	// ordered tells that vals ascend with the id.
	ordered bool

	once  sync.Once
	nulls column.Bitmap // dense, nil without NULLs; made by nullBits
}

// The pseudo columns that a leaf can ask for.
const (
	pseudoSegment   = "_segment"
	pseudoPartition = "_partition"
	pseudoSeq       = "_seq"
)

// openCol opens column lc of a segment.
func openCol(ctx *fn.Context, seg segment.Segment, lc *plan.LeafCol) (*segCol, error) {
	c := &segCol{typ: lc.Type}
	if lc.Pseudo != "" {
		return c, c.openPseudo(seg.Metadata(), lc)
	}
	col, err := seg.Column(lc.ID)
	if err != nil {
		return nil, fmt.Errorf("segment %s, column %s: %w", seg.Metadata().Name, lc.Name, err)
	}
	if col == nil {
		c.konst = column.NewConst(column.NullValue(lc.Type), 1)
		return c, nil
	}
	c.col, c.meta, c.dict = col, col.Meta(), col.Dictionary()
	c.from = c.meta.Type
	c.cast = !sameValues(c.from, lc.Type)
	if err := c.openRangeIndex(); err != nil {
		return nil, fmt.Errorf("segment %s, column %s: %w", seg.Metadata().Name, lc.Name, err)
	}
	return c, c.openDict(ctx)
}

func (c *segCol) openPseudo(m *segment.Metadata, lc *plan.LeafCol) error {
	switch lc.Pseudo {
	case pseudoSegment:
		c.konst = column.NewConst(column.BytesValue(lc.Type, []byte(m.Name)), 1)
	case pseudoPartition:
		v := column.IntValue(lc.Type, int64(m.Partition))
		v.Null = !m.Streamed
		c.konst = column.NewConst(v, 1)
	case pseudoSeq:
		c.seq, c.first = m.Streamed, m.FirstSeq
		if !m.Streamed {
			c.konst = column.NewConst(column.NullValue(lc.Type), 1)
		}
	default:
		return fmt.Errorf("exec: no pseudo column %q", lc.Pseudo)
	}
	return nil
}

// sameValues reports whether values of two types are stored and compared alike.
func sameValues(a, b schema.Type) bool {
	if a == b {
		return true
	}
	if a.Kind() != b.Kind() || a.List != b.List {
		return false
	}
	if a.ID == schema.TypeNumeric || b.ID == schema.TypeNumeric {
		return a.ID == b.ID && a.Kind() == schema.KindInt64 && a.Scale == b.Scale
	}
	return a.IsText() && b.IsText() || a.IsInteger() && b.IsInteger()
}

func (c *segCol) openDict(ctx *fn.Context) error {
	if c.dict == nil {
		return nil
	}
	c.vals, c.ordered = c.dict.Values(), c.dict.Sorted()
	if !c.cast {
		return nil
	}
	out := &column.Vector{}
	if err := fn.Cast(ctx, c.vals, c.typ, nil, out); err != nil {
		return fmt.Errorf("column stored as %s: %w", c.from, err)
	}
	c.vals, c.dict = out.Flatten(), castDict{c.dict}
	c.ordered = c.ordered && c.from.IsNumeric() && c.typ.IsNumeric()
	return nil
}

// castDict hides the look-ups of a dictionary whose values were cast: they
// take values of the stored type.
type castDict struct{ segment.Dictionary }

// isDict reports whether documents have dictionary ids.
func (c *segCol) isDict() bool { return c.dict != nil }

// canLookup reports whether the dictionary finds values of the wanted type.
func (c *segCol) canLookup() bool { return c.dict != nil && !c.cast }

// hasNulls reports whether some document is NULL.
func (c *segCol) hasNulls() bool {
	switch {
	case c.konst != nil:
		return c.konst.IsNull(0)
	case c.col == nil:
		return false
	}
	n := c.col.Nulls()
	return n != nil && !n.IsEmpty()
}

// nullBits returns the NULL documents as a dense bitmap over the segment, nil
// when there is none. It is made at the first call.
func (c *segCol) nullBits(buf *buffers, docs uint32) column.Bitmap {
	c.once.Do(func() {
		if c.col != nil && c.hasNulls() {
			c.nulls = denseBits(buf, c.col.Nulls(), docs)
		}
	})
	return c.nulls
}
