// Package reduce merges partial results: groups with aggregation states, and
// rows in order. It knows batches, aggregations and sort keys; it knows nothing
// of segments or of where the parts came from.
package reduce

import (
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// Merger merges partial groups, as leaves return them: group columns, then the
// state columns of each aggregation. It is used by one goroutine.
type Merger struct {
	types []schema.Type
	specs []*agg.Spec
	accs  []agg.Accumulator
	table *kernel.KeyTable
	keys  []*column.Vector // values of the group columns, one row per group
	n     int              // groups
	grown int
	buf   []byte
	gids  []uint32
}

// NewMerger returns a merger of rows with the given number of leading group
// columns and their types.
func NewMerger(groups int, groupTypes []schema.Type, aggs []plan.AggCall) *Merger {
	m := &Merger{types: groupTypes[:groups], table: kernel.NewKeyTable()}
	for _, t := range m.types {
		m.keys = append(m.keys, column.New(t, 0))
	}
	for i := range aggs {
		m.specs = append(m.specs, aggs[i].Spec)
		m.accs = append(m.accs, aggs[i].Spec.New())
	}
	if groups == 0 {
		m.n = 1
	}
	m.grow()
	return m
}

// Groups returns the number of groups so far.
func (m *Merger) Groups() int { return m.n }

// Bytes returns the memory that the merger holds.
func (m *Merger) Bytes() int64 {
	n := m.table.Bytes()
	for _, a := range m.accs {
		n += a.Bytes()
	}
	for _, v := range m.keys {
		n += v.MemoryBytes()
	}
	return n
}

// Growth bounds what adding rows more rows allocates in large pieces.
func (m *Merger) Growth(rows int) int64 {
	n := int64(0)
	if len(m.types) > 0 {
		n = m.table.Growth(rows)
	}
	for _, v := range m.keys {
		n += kernel.VectorGrowth(v, rows)
	}
	groups := 0
	if len(m.types) > 0 && m.n+rows > m.grown {
		groups = max(m.n+rows, 2*m.grown)
	}
	for _, a := range m.accs {
		n += agg.Growth(a, m.grown, groups, rows)
	}
	return n
}

// ResultBytes estimates what Finish allocates.
func (m *Merger) ResultBytes() int64 {
	n := int64(0)
	for i, a := range m.accs {
		n += kernel.ValueBytes(m.specs[i].ResultType()) * int64(m.n)
		if kernel.IsVariable(m.specs[i].ResultType()) {
			n += a.Bytes()
		}
	}
	return n
}

// Add merges a batch. It keeps nothing of it. A batch that does not have the
// columns that NewMerger was told of is refused with an internal error.
func (m *Merger) Add(b *column.Batch) error {
	if b.N == 0 {
		return nil
	}
	if err := m.check(b); err != nil {
		return err
	}
	m.findGroups(b)
	m.grow()
	at := len(m.types)
	for i, acc := range m.accs {
		n := len(m.specs[i].StateTypes())
		if err := acc.Merge(m.gids, b.N, b.Cols[at:at+n]); err != nil {
			return fmt.Errorf("merging partial results of %s: %w", m.specs[i].Name, err)
		}
		at += n
	}
	return nil
}

func (m *Merger) check(b *column.Batch) error {
	want := len(m.types)
	for _, s := range m.specs {
		want += len(s.StateTypes())
	}
	if len(b.Cols) != want {
		return sqlerr.New(sqlerr.InternalError, "partial result has %d columns, not %d", len(b.Cols), want)
	}
	for i, t := range m.types {
		if b.Cols[i].Kind() != t.Kind() {
			return sqlerr.New(sqlerr.InternalError, "group column %d of a partial result is %s, not %s", i, b.Cols[i].Type, t)
		}
	}
	return nil
}

// findGroups fills gids with the group of each row.
func (m *Merger) findGroups(b *column.Batch) {
	m.gids = m.gids[:0]
	for i := range b.N {
		if len(m.types) == 0 {
			m.gids = append(m.gids, 0)
			continue
		}
		m.buf = m.buf[:0]
		for k := range m.types {
			m.buf = kernel.AppendKey(m.buf, b.Cols[k], i)
		}
		g, isNew := m.table.Find(m.buf)
		if isNew {
			m.addGroup(b, i)
		}
		m.gids = append(m.gids, g)
	}
}

func (m *Merger) addGroup(b *column.Batch, i int) {
	m.n++
	for k, dst := range m.keys {
		v := b.Cols[k]
		if v.Kind() == schema.KindBytes && !v.IsNull(i) {
			dst.AppendBytes(v.Bytes(i))
			continue
		}
		dst.AppendFrom(v, i)
	}
}

func (m *Merger) grow() {
	if m.n <= m.grown {
		return
	}
	m.grown = max(m.n, 2*m.grown)
	for _, a := range m.accs {
		a.Grow(m.grown)
	}
}

// Finish returns the groups with their results, in order of appearance. Without
// group columns it is exactly one row. The merger must not be used afterwards.
func (m *Merger) Finish() (*column.Batch, error) {
	out := &column.Batch{N: m.n, Cols: m.keys}
	for i, a := range m.accs {
		v := column.New(m.specs[i].ResultType(), m.n)
		if err := a.Final(0, m.n, v); err != nil {
			return nil, err
		}
		out.Cols = append(out.Cols, v)
	}
	return out, nil
}
