package reduce

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/plan"
)

// SetsMerger merges partial groups by all group columns into the groups of
// several grouping sets. It is used by one goroutine.
type SetsMerger struct {
	types   []schema.Type
	sets    [][]int
	mergers []*Merger
}

// NewSetsMerger returns a merger of rows with group columns of the given types
// for grouping sets, which list indexes of those columns.
func NewSetsMerger(sets [][]int, groupTypes []schema.Type, aggs []plan.AggCall) *SetsMerger {
	m := &SetsMerger{types: groupTypes, sets: sets}
	for _, set := range sets {
		types := make([]schema.Type, len(set))
		for i, k := range set {
			types[i] = groupTypes[k]
		}
		m.mergers = append(m.mergers, NewMerger(len(set), types, aggs))
	}
	return m
}

// Bytes returns the memory that the merger holds.
func (m *SetsMerger) Bytes() int64 {
	n := int64(0)
	for _, x := range m.mergers {
		n += x.Bytes()
	}
	return n
}

// Growth bounds what adding rows more rows allocates in large pieces.
func (m *SetsMerger) Growth(rows int) int64 {
	n := int64(0)
	for _, x := range m.mergers {
		n += x.Growth(rows)
	}
	return n
}

// ResultBytes estimates what Finish allocates: the groups of all sets are put
// together.
func (m *SetsMerger) ResultBytes() int64 {
	n := int64(0)
	for _, x := range m.mergers {
		n += 2 * x.ResultBytes()
		for _, v := range x.keys {
			n += v.MemoryBytes()
		}
	}
	return n
}

// Add merges a batch into every set, as Merger.Add does.
func (m *SetsMerger) Add(b *column.Batch) error {
	if b.N == 0 {
		return nil
	}
	for i, set := range m.sets {
		part := &column.Batch{N: b.N}
		for _, k := range set {
			part.Cols = append(part.Cols, b.Cols[k])
		}
		part.Cols = append(part.Cols, b.Cols[len(m.types):]...)
		if err := m.mergers[i].Add(part); err != nil {
			return err
		}
	}
	return nil
}

// Finish returns the groups of all sets with their results: all group columns,
// NULL for those outside the row's set, the results, and with number the index
// of the set (int32). The merger must not be used afterwards.
func (m *SetsMerger) Finish(number bool) (*column.Batch, error) {
	parts := make([]*column.Batch, len(m.sets))
	for i, set := range m.sets {
		b, err := m.mergers[i].Finish()
		if err != nil {
			return nil, err
		}
		parts[i] = SetRows(b, m.types, set)
		if number {
			parts[i].Cols = append(parts[i].Cols, SetNumber(i, b.N))
		}
	}
	return Concat(parts), nil
}

// SetRows returns the rows of a grouping set, whose batch begins with the set's
// columns, with all group columns.
func SetRows(b *column.Batch, types []schema.Type, set []int) *column.Batch {
	out := &column.Batch{N: b.N}
	for k, t := range types {
		out.Cols = append(out.Cols, setColumn(b, k, t, set))
	}
	out.Cols = append(out.Cols, b.Cols[len(set):]...)
	return out
}

func setColumn(b *column.Batch, k int, t schema.Type, set []int) *column.Vector {
	for i, s := range set {
		if s == k {
			return b.Cols[i]
		}
	}
	return column.NewConst(column.NullValue(t), b.N).Flatten()
}

// SetNumber is the column that tells the grouping set of n rows.
func SetNumber(i, n int) *column.Vector {
	return column.NewConst(column.IntValue(schema.Int32, int64(i)), n).Flatten()
}
