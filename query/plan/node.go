// Package plan turns statements into typed plans: it resolves names and types
// (by query/fn and query/agg), rewrites, pushes work down to leaves that run on
// servers, prunes segments, and prints plans. Plans are plain trees; the
// operators that run them are in query/exec.
package plan

import (
	"context"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// OutCol describes an output column.
type OutCol struct {
	Name string
	Type schema.Type
	// TableOID and AttNum name the table column behind it, 0 for expressions.
	TableOID uint32
	AttNum   int16
}

// Node is an operator of the broker's part of a plan. The set of
// implementations is closed: the types of this file.
type Node interface {
	Columns() []OutCol
	Inputs() []Node
}

// LeafCol is an input column of a leaf: a column of the table by stable id.
// ID 0 with a Pseudo name is a pseudo column (_seq, _partition, _segment, …).
type LeafCol struct {
	ID     uint32
	Name   string
	Type   schema.Type
	Pseudo string
}

// Leaf is the part of a plan that runs on servers over the segments of one
// table. Expressions refer to Columns by index.
//
// With Aggregate false it returns rows: Output per row that passes Filter,
// cut to the first Limit rows by OrderBy (a key's Expr refers to Columns, like
// Output). With Aggregate true it returns one row per group: the GroupBy
// values, then for each of Aggs its state columns (agg.Spec.StateTypes).
type Leaf struct {
	Table     *schema.Table
	TableOID  uint32
	Cols      []LeafCol
	Filter    Expr // nil: all rows
	Aggregate bool
	Output    []Expr
	OutNames  []string
	OrderBy   []SortKey
	Limit     int64 // -1: no limit; includes OFFSET
	GroupBy   []Expr
	Aggs      []AggCall
	Out       []OutCol
}

// MergeAgg merges the partial groups of a Leaf (or of anything with that
// output) and finishes them: group columns, then one column per aggregation.
// Without group columns it returns exactly one row.
//
// GroupingSets, when not nil, lists the indexes of the group columns of each
// set: the partial groups, which are by all of the columns, are merged for each
// of them. NumberSets adds a last column with the number of the row's set.
type MergeAgg struct {
	Input  Node
	Groups int // number of leading group columns
	Aggs   []AggCall

	GroupingSets [][]int
	NumberSets   bool

	// Wanted is empty with grouping sets: their groups are made of others.
	Wanted Wanted
	Out    []OutCol
}

// Aggregate aggregates rows at the broker: group columns, then results.
// GroupingSets, when not nil, lists the indexes into GroupBy of each set;
// NumberSets adds a last column with the number of the row's set.
type Aggregate struct {
	Input        Node
	GroupBy      []Expr
	Aggs         []AggCall
	GroupingSets [][]int
	NumberSets   bool
	Out          []OutCol
}

// Filter keeps the rows for which Cond is true.
type Filter struct {
	Input Node
	Cond  Expr
}

// Project computes expressions per row. An expression may be a call of a
// set-returning function (Fn.Set): rows are then multiplied as in PostgreSQL.
type Project struct {
	Input Node
	Exprs []Expr
	Out   []OutCol
}

// Sort orders all rows; with Limit >= 0 only the first Limit are kept.
type Sort struct {
	Input Node
	Keys  []SortKey
	Limit int64
}

// Limit skips Offset rows and passes Count (-1: all). The expressions are
// constants after parameters are bound.
type Limit struct {
	Input         Node
	Offset, Count Expr // nil: none
}

// Distinct keeps the first row of each group of equal rows; On, when not nil,
// are the DISTINCT ON expressions.
type Distinct struct {
	Input Node
	On    []Expr
}

// JoinKind is the kind of a join.
type JoinKind uint8

// The kinds of joins.
const (
	JoinInner JoinKind = iota
	JoinLeft
	JoinRight
	JoinFull
	JoinCross
	JoinSemi
	JoinAnti
)

// Join joins two inputs; On refers to the columns of Left followed by those of
// Right. LeftKeys[i] = RightKeys[i] are its equalities, found by the planner,
// over the columns of one side each; Residual is what remains of On. Lateral
// tells that Right holds OuterRefs (Depth 1) to the row of Left.
type Join struct {
	Kind                Kind
	Left, Right         Node
	LeftKeys, RightKeys []Expr
	Residual            Expr
	Lateral             bool
	Out                 []OutCol
}

// Kind is short for JoinKind in Join.
type Kind = JoinKind

// SetOpKind is UNION, INTERSECT or EXCEPT.
type SetOpKind uint8

// The set operations.
const (
	SetUnion SetOpKind = iota
	SetIntersect
	SetExcept
)

// SetOp combines inputs with the same column types.
type SetOp struct {
	Kind        SetOpKind
	All         bool
	Left, Right Node
	Out         []OutCol
}

// Values is a list of rows of expressions (no input columns).
type Values struct {
	Rows [][]Expr
	Out  []OutCol
}

// VirtualScan reads a virtual table (catalog, system schema). Filter may use
// its columns; a relation may use it to do less work but need not: the
// operator applies it too.
//
// Out describes all columns of Rel; Need lists those that the plan reads (nil
// means all), in rising order.
type VirtualScan struct {
	Rel    *Virtual
	Filter Expr
	Need   []int
	Out    []OutCol
}

// FunctionScan calls a set-returning (or scalar) function in FROM.
type FunctionScan struct {
	Call       *Call
	Ordinality bool
	Out        []OutCol
}

// CTE is a common table expression, computed once. A recursive one is
// Base UNION [ALL] Step, where Step reads it by a CTEScan.
type CTE struct {
	Name      string
	Plan      Node // not recursive
	Recursive bool
	All       bool
	Base      Node
	Step      Node
	// Correlated tells that the plan holds OuterRefs to rows around the query
	// that defines the CTE: it is computed again for each of them.
	Correlated bool
	Out        []OutCol
}

// CTEScan reads a CTE (inside Step: the rows of the previous round). Up counts
// the subqueries and lateral joins between the scan and the query that defines
// the CTE: OuterRefs of the CTE's plan with Depth d mean the row that OuterRefs
// beside the scan reach with Depth d + Up.
type CTEScan struct {
	CTE *CTE
	Up  int
	Out []OutCol
}

// Window adds one column per call to its input. Only the functions and frames
// that WindowCall names exist.
type Window struct {
	Input Node
	Calls []WindowCall
	Out   []OutCol
}

// WindowCall is one window function: row_number, rank, dense_rank or an
// aggregation over the default frame (Agg set).
type WindowCall struct {
	Func        string
	Agg         *AggCall
	PartitionBy []Expr
	OrderBy     []SortKey
	Typ         schema.Type
}

// Virtual is a table whose rows are made on request by the broker.
type Virtual struct {
	Schema string
	Name   string
	OID    uint32
	Cols   []OutCol
	// Scan returns the rows; need lists the wanted columns (the others may be
	// empty NULL vectors). The result has all columns.
	Scan func(ctx *fn.Context, need []int) (*column.Batch, error)
}

// Relation is what a name in FROM means: a stored table or a virtual one.
type Relation struct {
	Table   *schema.Table
	OID     uint32
	Virtual *Virtual
}

// Catalog resolves names for the planner. It is implemented by the broker.
type Catalog interface {
	// Relation resolves a table name; schemaName is "" for an unqualified
	// one, quoted tells how name was written (DESIGN: exact, lower case, then
	// the only case-insensitive match). It returns (nil, nil) when there is
	// none.
	Relation(ctx context.Context, schemaName, name string, quoted bool) (*Relation, error)
	// RelationNames lists known names, for "did you mean".
	RelationNames() []string
}
