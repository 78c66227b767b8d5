// Package treetest compiles aggregations for tests of star-trees that must not
// know the query engine: COUNT, and SUM over int64 columns with NULLs for no
// values.
package treetest

import (
	"errors"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// Compiler implements segment.StarTreeCompiler.
type Compiler struct{}

// ErrFunction is returned for other functions than COUNT and SUM.
var ErrFunction = errors.New("treetest: unknown function")

// CompileStarTreeMetric implements segment.StarTreeCompiler.
func (Compiler) CompileStarTreeMetric(t *schema.Table, m *schema.StarTreeMetric) (segment.StarTreeMetric, error) {
	switch m.Function {
	case "COUNT":
		return &metric{key: "count()"}, nil
	case "SUM":
		if i := t.Schema.Index(m.Column); i >= 0 {
			return &metric{key: "sum(" + m.Column + ")", cols: []uint32{t.Schema.Fields[i].ID}}, nil
		}
	}
	return nil, ErrFunction
}

type metric struct {
	key  string
	cols []uint32
}

func (m *metric) Key() string                                                 { return m.key }
func (m *metric) Columns() []uint32                                           { return m.cols }
func (m *metric) StateTypes() []schema.Type                                   { return []schema.Type{schema.Int64} }
func (m *metric) New() segment.StarTreeAccumulator                            { return &sums{count: len(m.cols) == 0} }
func (m *metric) Args(_ int, cols []*column.Vector) ([]*column.Vector, error) { return cols, nil }

// sums adds values, or counts rows.
type sums struct {
	count bool
	sum   []int64
	seen  []bool
}

func (s *sums) Grow(n int) { s.sum, s.seen = make([]int64, n), make([]bool, n) }

func (s *sums) Update(groups []uint32, n int, args []*column.Vector) error {
	if s.count {
		for _, g := range groups[:n] {
			s.add(g, 1)
		}
		return nil
	}
	return s.Merge(groups, n, args)
}

func (s *sums) Merge(groups []uint32, n int, states []*column.Vector) error {
	v := states[0].Flatten()
	for i := range n {
		if !v.IsNull(i) {
			s.add(groups[i], v.Int64s[i])
		}
	}
	return nil
}

func (s *sums) add(g uint32, x int64) { s.sum[g], s.seen[g] = s.sum[g]+x, true }

func (s *sums) State(from, to int, dst []*column.Vector) error {
	for g := from; g < to; g++ {
		if !s.seen[g] {
			dst[0].AppendNull()
			continue
		}
		dst[0].Append(column.IntValue(schema.Int64, s.sum[g]))
	}
	return nil
}
