package exec

import (
	"fmt"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// bloomsMatch reports whether the Bloom filters of a segment let some row pass
// the leaf's filter. No column is opened for it.
func (q *query) bloomsMatch(seg segment.Segment) (bool, error) {
	reader, ok := seg.(segment.BloomReader)
	if !ok || q.leaf.Filter == nil || !q.hasBlooms(seg.Metadata()) {
		return true, nil
	}
	filters := make([]segment.BloomFilter, len(q.leaf.Cols))
	for i := range q.leaf.Cols {
		c := &q.leaf.Cols[i]
		if c.ID == 0 {
			continue
		}
		f, err := reader.Bloom(c.ID)
		if err != nil {
			return false, fmt.Errorf("segment %s: %w", seg.Metadata().Name, err)
		}
		filters[i] = f
	}
	return plan.CanMatch(q.leaf, q.bloomRanges(seg.Metadata(), filters)), nil
}

// hasBlooms reports whether a column of the leaf has a filter in the segment.
func (q *query) hasBlooms(m *segment.Metadata) bool {
	return slices.ContainsFunc(q.leaf.Cols, func(c plan.LeafCol) bool {
		meta := m.Column(c.ID)
		return c.ID != 0 && meta != nil && slices.Contains(meta.Indexes, "bloom")
	})
}

// bloomRanges adds to the bounds of columns what their filters know.
func (q *query) bloomRanges(m *segment.Metadata, filters []segment.BloomFilter) plan.RangeFunc {
	ranges := plan.MetadataRanges(m)
	return func(c *plan.LeafCol) plan.Range {
		r := ranges(c)
		for i := range q.leaf.Cols {
			if f := filters[i]; f != nil && q.leaf.Cols[i].ID == c.ID {
				r.Holds = func(v column.Value) bool {
					return !sameValues(r.Type, v.Type) || f.MayContain(segment.ValueHash(v))
				}
			}
		}
		return r
	}
}
