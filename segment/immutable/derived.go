package immutable

import (
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// openDerived opens a column whose ids follow from those of another one. Only
// columns of the segment itself with ids of their own can be that one, so that
// opening ends.
func (c *Column) openDerived(raw []byte) error {
	id, err := encoding.DerivedBase(raw)
	if err != nil {
		return err
	}
	i, ok := c.seg.byID[id]
	if !ok || c.rows != c.seg.NumDocs() || c.meta.Nulls != 0 {
		return segment.Corruptf("ids that follow from column %d", id)
	}
	m := c.seg.footer.Columns[i].Meta
	if m.Encoding != segment.EncodingDict && m.Encoding != segment.EncodingRLE || m.Nulls != 0 {
		return segment.Corruptf("ids that follow from column %q, which has none of its own", m.Name)
	}
	base, err := c.seg.column(i)
	if err != nil {
		return err
	}
	if base.ids == nil {
		return segment.Corruptf("ids that follow from column %q, which has none", m.Name)
	}
	c.ids, err = encoding.NewDerived(raw, base.ids, base.dict.Len(), c.dict.Len())
	return err
}
