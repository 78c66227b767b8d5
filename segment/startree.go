package segment

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// StarTreed is implemented by segments that may have star-trees. Segments that
// still consume have none.
type StarTreed interface {
	// StarTrees returns the trees in the order of the table's config. They are
	// not opened yet.
	StarTrees() []StarTree
}

// StarTree is an index that holds aggregations of the segment's rows, made
// beforehand for combinations of a few dimensions. It is safe for concurrent
// use and valid as long as its segment.
type StarTree interface {
	// Meta describes the tree; read-only.
	Meta() *StarTreeMeta
	// Records opens the tree. It fails with ErrCorrupt when a buffer of the
	// tree, or of a dimension's column, is not what it should be.
	Records() (StarTreeRecords, error)
}

// StarTreeMeta describes a star-tree.
type StarTreeMeta struct {
	// Dimensions are the ids of the columns that the tree splits by, in that
	// order; NoStar tells for each that records are never aggregated over it.
	Dimensions []uint32
	NoStar     []bool
	// Metrics are what records hold, in order of their keys.
	Metrics []StarTreeMetricMeta
	// MaxLeaf is the number of records up to which a node is not split.
	MaxLeaf uint32
	// Base is the number of distinct combinations of all dimensions, Records
	// the number of all records with the aggregated ones, Nodes that of the
	// nodes.
	Base, Records, Nodes uint32
	// Bytes is the size of all buffers.
	Bytes uint64
}

// Metric returns the position of the metric with that key, -1 if there is none.
func (m *StarTreeMeta) Metric(key string) int {
	for i := range m.Metrics {
		if m.Metrics[i].Key == key {
			return i
		}
	}
	return -1
}

// StarTreeMetricMeta describes an aggregation whose states a tree holds.
type StarTreeMetricMeta struct {
	// Key is the canonical form of the aggregation; only who made it knows
	// what is in it.
	Key string
	// States is the number of columns that a state takes.
	States int
}

// StarTreeRecords are the records of an open tree. As a Segment they have the
// columns of the dimensions, by their ids and with the dictionaries of the
// segment, and no other.
type StarTreeRecords interface {
	Segment
	// State returns column k of the states of metric m, both counted from 0.
	State(m, k int) Column
	// Select finds the records that together stand for the rows which pass
	// sel, each row once. It appends their ranges to dst, ascending and
	// disjoint. It returns false when there are more records than sel allows.
	Select(sel *StarTreeSelection, dst []DocRange) ([]DocRange, bool)
}

// DocRange is the documents from From to To-1.
type DocRange struct{ From, To uint32 }

// StarTreeSelection says what is asked of a tree.
type StarTreeSelection struct {
	// Dimensions has an entry for each dimension of the tree.
	Dimensions []StarTreeDimension
	// Limit bounds the records looked at; 0 means no bound.
	Limit int
}

// StarTreeDimension says what is asked of one dimension. The zero value means
// that it does not matter.
type StarTreeDimension struct {
	// Needed tells that the dimension's value must be told apart in the
	// records, because something is grouped or filtered by it.
	Needed bool
	// Filtered tells that only rows whose id is in Set pass, and NULLs if
	// Nulls is set. A filtered dimension is not thereby needed.
	Filtered bool
	Set      IDSet
	Nulls    bool
}

// StarTreeCompiler makes aggregations of a table's config executable. The
// query engine implements it and whoever builds segments injects it, since
// builds know no expressions.
type StarTreeCompiler interface {
	CompileStarTreeMetric(t *schema.Table, m *schema.StarTreeMetric) (StarTreeMetric, error)
}

// StarTreeMetric is a compiled aggregation. It is used by one goroutine.
type StarTreeMetric interface {
	// Key is the canonical form by which queries find the metric.
	Key() string
	// Columns are the ids of the columns that Args wants.
	Columns() []uint32
	// Args returns the aggregation's arguments for n rows, given the values of
	// Columns, in that order. They are valid until the next call.
	Args(n int, cols []*column.Vector) ([]*column.Vector, error)
	// StateTypes are the types of the columns that hold a state.
	StateTypes() []schema.Type
	// New returns an empty accumulator.
	New() StarTreeAccumulator
}

// StarTreeAccumulator aggregates rows, or states of rows, into numbered
// records.
type StarTreeAccumulator interface {
	// Grow makes room for records 0..n-1; new ones are empty.
	Grow(n int)
	// Update folds row i into record groups[i].
	Update(groups []uint32, n int, args []*column.Vector) error
	// Merge folds state i into record groups[i].
	Merge(groups []uint32, n int, states []*column.Vector) error
	// State appends the states of records from..to-1 to dst.
	State(from, to int, dst []*column.Vector) error
}
