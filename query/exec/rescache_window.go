package exec

import (
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// A dashboard that shows the last hours asks with another bound each time, so
// its leaf is never the same. But in all segments between the bounds they are
// true for every row. Parts of these segments are kept for the leaf without such
// conditions; the segments at the edges are read like those that may change.

// maxConditions bounds the conditions that are looked at.
const maxConditions = 64

// window returns the run with parts for the segments in which conditions of the
// filter hold for all rows, nil if there are none.
func (r *cachedRun) window() *cachedRun {
	conds := conditions(r.leaf.Filter)
	if !r.leaf.Aggregate || len(conds) == 0 || len(conds) > maxConditions {
		return nil
	}
	held := make([]uint64, len(r.sealed)) // a bit per condition
	all := uint64(0)
	for i, s := range r.sealed {
		ranges := plan.MetadataRanges(s.Metadata())
		for c, cond := range conds {
			if plan.MustMatch(r.leaf, cond, ranges) {
				held[i] |= 1 << c
			}
		}
		all |= held[i]
	}
	if all == 0 {
		return nil
	}
	w := &cachedRun{e: r.e, ctx: r.ctx, leaf: r.leaf, opt: r.opt, windowed: true, full: r.hash}
	w.partLeaf = withoutConditions(r.leaf, conds, all)
	w.tail = append([]segment.Segment(nil), r.tail...)
	for i, s := range r.sealed {
		if held[i] != all {
			w.tail = append(w.tail, s)
			continue
		}
		w.sealed = append(w.sealed, s)
		w.segs.add(r.e.results.seed, r.segs.ids[i])
	}
	if len(w.sealed) == 0 || !w.encode(new([]byte)) {
		return nil
	}
	return w
}

// conditions returns the parts of a conjunction.
func conditions(e plan.Expr) []plan.Expr {
	if e == nil {
		return nil
	}
	if and, ok := e.(*plan.And); ok {
		return and.Args
	}
	return []plan.Expr{e}
}

// withoutConditions returns the leaf without the conditions whose bits are set.
func withoutConditions(l *plan.Leaf, conds []plan.Expr, drop uint64) *plan.Leaf {
	out := *l
	var left []plan.Expr
	for i, c := range conds {
		if drop>>i&1 == 0 {
			left = append(left, c)
		}
	}
	switch len(left) {
	case 0:
		out.Filter = nil
	case 1:
		out.Filter = left[0]
	default:
		out.Filter = &plan.And{Args: left}
	}
	return &out
}

// runWindow answers the leaf with the parts of a window. That the leaf itself
// was seen is noted too: one whose bounds stay the same gets an answer of its
// own the next time.
func (r *cachedRun) runWindow(emit func(*column.Batch) error) (Stats, error) {
	start := time.Now()
	var inEmit time.Duration
	st, cost, err := r.runParts(func(b *column.Batch) error {
		at := time.Now()
		defer func() { inEmit += time.Since(at) }()
		return emit(b)
	})
	if err == nil {
		r.e.results.see(sight{leaf: r.full, took: time.Since(start) - inEmit, rows: cost.groups, segs: len(r.sealed) + len(r.tail)})
	}
	return st, err
}
