// Package rel runs the broker's part of a plan: pull operators over batches
// that merge, join, sort and group what leaves deliver. It knows plans,
// expressions and aggregations; where leaves run is the business of Leaves.
package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// Leaves runs the leaves of a plan on servers.
type Leaves interface {
	// RunLeaf runs leaf and hands each batch to emit, one at a time; emit
	// keeps the batch. It returns when all is delivered, when emit fails (with
	// that error), or when the context of ctx ends.
	RunLeaf(ctx *fn.Context, leaf *plan.Leaf, emit func(*column.Batch) error) error
}

// GroupLeaves is Leaves whose servers can finish the groups of an aggregating
// leaf, which is cheaper than merging them here.
type GroupLeaves interface {
	Leaves
	// RunGroups is RunLeaf for an aggregating leaf. A batch with finished set
	// holds group columns and results, of which at least those that are wanted
	// are given, and groups that no other batch has; the others hold group
	// columns and states.
	RunGroups(ctx *fn.Context, leaf *plan.Leaf, want *plan.Wanted, emit func(b *column.Batch, finished bool) error) error
}

// Env is what a plan runs in.
type Env struct {
	Leaves Leaves
	// MemoryLimit bounds the bytes that the operators hold together; beyond it
	// the query fails with 53200. Zero means no limit.
	MemoryLimit int64
	// OnDone, when not nil, is called when an operator is exhausted or closed,
	// with the rows that it gave.
	OnDone func(n plan.Node, s Stats)
}

// Stats is what one operator did.
type Stats struct {
	Rows    int64
	Batches int64
}

// Rows is the result of a plan. It is used by one goroutine and must be closed.
type Rows interface {
	// Columns describes the columns of all batches.
	Columns() []plan.OutCol
	// Next returns the next batch, nil at the end. The batch is the caller's
	// until the following call of Next.
	Next() (*column.Batch, error)
	// Close ends the plan and waits for what it started. It may be called at
	// any time and more than once.
	Close()
}
