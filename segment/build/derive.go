package build

import (
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
)

// maxBases bounds the columns whose ids are kept for the columns that follow:
// four bytes a row each.
const maxBases = 4

// bases are the columns written so far from whose ids later ones may follow.
type bases struct{ columns []baseColumn }

type baseColumn struct {
	id   uint32
	ids  []uint32
	card int
}

// keep remembers a column with ids of its own. Columns of few values are no
// keys of anything.
func (b *bases) keep(id uint32, d *data) {
	if b != nil && len(b.columns) < maxBases && d.nulls == nil && d.dict.N > smallCardinality && d.dict.N <= d.n/4 {
		b.columns = append(b.columns, baseColumn{id, d.ids, d.dict.N})
	}
}

// find returns a column from which d follows, with the table between their ids.
// Lookups cost a scan about a nanosecond a row, so ids of a byte are left alone,
// and a base has at most twice as many values: then most queries ask for few of
// them, or for the very same groups.
func (b *bases) find(d *data) (*baseColumn, []uint32) {
	if b == nil || d.nulls != nil || d.dict.N <= smallCardinality {
		return nil, nil
	}
	for i := range b.columns {
		c := &b.columns[i]
		if c.card < d.dict.N || c.card > 2*d.dict.N {
			continue
		}
		if table := follows(c, d.ids); table != nil {
			return c, table
		}
	}
	return nil, nil
}

// follows returns the table from the ids of c to ids, nil if there is none.
func follows(c *baseColumn, ids []uint32) []uint32 {
	table := make([]uint32, c.card) // id+1, 0 for unseen
	for i, from := range c.ids {
		switch table[from] {
		case 0:
			table[from] = ids[i] + 1
		case ids[i] + 1:
		default:
			return nil
		}
	}
	for i := range table {
		table[i]-- // every id of a dictionary occurs
	}
	return table
}

// derived writes the ids of a column as a table over another one's, if they
// follow from these.
func (e *encoded) derived(d *data, p *plan) bool {
	base, table := p.bases.find(d)
	if base == nil {
		return false
	}
	e.entry.Meta.Encoding = segment.EncodingDerived
	e.buffer(format.RoleForward, encoding.AppendDerived(nil, base.id, table, d.dict.N))
	return true
}
