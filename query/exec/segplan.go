package exec

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// segPlan is what a leaf does in one segment. It is made by one goroutine and
// then shared, read-only but for the counters.
type segPlan struct {
	seg  segment.Segment
	meta *segment.Metadata
	docs uint32
	buf  *buffers
	cols []*segCol // the leaf's, then those of truncSlots
	// hasTruncs tells that a slot of q.truncs has a hidden column here.
	q         *query
	hasTruncs bool
	// filter is nil when all rows pass; none tells that no row does.
	filter filterNode
	none   bool
	// share is the estimated share of rows that pass, rowsHint the rows that
	// conditions planned so far let through.
	share, rowsHint float64
	exprs           []*segExpr
	// pred is the filter as predicates, nil when all rows pass.
	pred predicate
	// tree is set when the plan reads a star-tree of the segment.
	tree *treeScan
	// part is set when the plan reads a part of the result cache, by tree.
	part *cacheEntry
	// answered tells that metadata gave the answer and no row is read.
	answered bool

	trace   SegmentStats
	matched atomic.Int64
	nanos   atomic.Int64
}

// newSegPlan opens the columns of the leaf and plans its filter.
func newSegPlan(q *query, seg segment.Segment) (*segPlan, error) {
	ctx, leaf := q.ctx, q.leaf
	sp := &segPlan{seg: seg, buf: &q.buf, meta: seg.Metadata(), docs: seg.NumDocs(), share: 1}
	sp.rowsHint = float64(sp.docs)
	sp.cols, sp.exprs = make([]*segCol, 0, len(leaf.Cols)+len(q.truncs)), make([]*segExpr, 0, len(q.exprs))
	for i := range leaf.Cols {
		c, err := openCol(ctx, seg, &leaf.Cols[i])
		if err != nil {
			return nil, err
		}
		sp.cols = append(sp.cols, c)
	}
	if err := sp.openTruncs(q); err != nil {
		return nil, err
	}
	if err := sp.planFilter(ctx, sp.truncated(leaf.Filter)); err != nil {
		return nil, err
	}
	for _, x := range q.exprs {
		sp.exprs = append(sp.exprs, sp.planExpr(x, sp.rows()))
	}
	// Before the filter is built, which may read indexes.
	if tree, err := q.starTree(sp); tree != nil || err != nil {
		return tree, err
	}
	return sp, sp.buildFilter()
}

// rows estimates the rows that pass the filter.
func (sp *segPlan) rows() float64 {
	if sp.none {
		return 0
	}
	return sp.share * float64(sp.docs)
}

// planFilter turns the filter into predicates.
func (sp *segPlan) planFilter(ctx *fn.Context, e plan.Expr) error {
	if e == nil {
		return nil
	}
	p, err := sp.predicates(ctx, e, false)
	if err != nil {
		return err
	}
	if c, ok := p.(predConst); ok {
		sp.none = !bool(c)
		return nil
	}
	sp.pred, sp.share = p, sp.selectivity(p)
	return nil
}

// buildFilter chooses how the predicates are applied.
func (sp *segPlan) buildFilter() error {
	if sp.pred == nil {
		return nil
	}
	b := filterBuilder{sp: sp}
	var err error
	sp.filter, err = b.build(sp.pred, float64(sp.docs))
	return err
}

// blocks returns the blocks in which rows may pass.
func (sp *segPlan) blocks() []block {
	if sp.none || sp.answered {
		return nil
	}
	if x, ok := sp.listOf(); ok {
		return x.blocks(sp.docs)
	}
	var out []block
	for i := range blockCount(sp.docs) {
		b := blockOf(i, sp.docs)
		if (sp.filter == nil || !sp.filter.skips(b)) && (sp.tree == nil || len(sp.tree.within(b)) > 0) {
			out = append(out, b)
		}
	}
	return out
}

// work estimates the nanoseconds that the segment will take, to decide whether
// helpers are worth their while.
func (sp *segPlan) work() float64 {
	if sp.none || sp.answered {
		return 0
	}
	w := sp.rows() * 2 * float64(1+len(sp.exprs))
	return w + sp.filterWork()
}

// finishTrace completes the trace after the run.
func (sp *segPlan) finishTrace(method string) SegmentStats {
	t := sp.trace
	t.Name, t.Docs = sp.meta.Name, int64(sp.docs)
	t.Matched, t.Time = sp.matched.Load(), time.Duration(sp.nanos.Load())
	t.Method = method
	if sp.tree != nil {
		t.Docs, t.StarTree = int64(sp.tree.raw.docs), fmt.Sprintf("star-tree %d", sp.tree.number)
		t.Method = t.StarTree + ", " + method
	}
	switch {
	case sp.tree != nil:
		t.Filter = sp.tree.trace(sp)
	case sp.none:
		t.Filter = append(t.Filter, FilterStats{Method: "none"})
	case sp.filter == nil:
		t.Filter = append(t.Filter, FilterStats{Method: "all", Selectivity: 1})
	default:
		t.Filter = sp.filter.trace(sp, nil)
	}
	if sp.answered {
		t.Method = "metadata"
	}
	return t
}
