package testengine

import (
	"fmt"
	"sync"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// runner runs the leaves of one query in place.
type runner struct {
	c   *Cluster
	opt session.LeafOptions

	mu    sync.Mutex // guards stats
	stats session.LeafStats
}

func (c *Cluster) newRunner(o session.LeafOptions) session.LeafRunner { return &runner{c: c, opt: o} }

// Stats implements session.LeafRunner.
func (r *runner) Stats() session.LeafStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// RunLeaf implements rel.Leaves.
func (r *runner) RunLeaf(ctx *fn.Context, leaf *plan.Leaf, emit func(*column.Batch) error) error {
	return r.run(ctx, leaf, nil, emit)
}

// RunGroups implements rel.GroupLeaves.
func (r *runner) RunGroups(ctx *fn.Context, leaf *plan.Leaf, want *plan.Wanted, emit func(*column.Batch, bool) error) error {
	return r.run(ctx, leaf, want, func(b *column.Batch) error { return emit(b, true) })
}

func (r *runner) run(ctx *fn.Context, leaf *plan.Leaf, want *plan.Wanted, emit func(*column.Batch) error) error {
	if leaf.Table.Name == Stuck {
		<-ctx.Done()
		return ctx.Err()
	}
	segs, missing := r.c.snapshot(leaf.Table.ID)
	if len(missing) > 0 && !r.opt.AllowPartial {
		return sqlerr.New(sqlerr.IOError, "%d segments are not available: %s", len(missing), missing[0])
	}
	for _, seg := range segs {
		if !seg.Retain() {
			return sqlerr.New(sqlerr.IOError, "segment %s is gone", seg.Metadata().Name)
		}
		defer seg.Release()
	}
	st, err := r.c.exec.RunLeaf(ctx, leaf, segs, r.options(want), emit)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.ServersQueried, r.stats.ServersResponded = 1, 1
	r.stats.Missing = missing
	r.traceLeaf(leaf, &st)
	r.stats.Stats.Merge(&st)
	return err
}

// traceLeaf tells for EXPLAIN ANALYZE how a leaf's filter was applied.
func (r *runner) traceLeaf(leaf *plan.Leaf, st *exec.Stats) {
	for i := range st.Segments {
		s := &st.Segments[i]
		if r.stats.Leaves == nil {
			r.stats.Leaves = map[*plan.Leaf][]string{}
		}
		line := fmt.Sprintf("%s: %s", s.Name, s.Method)
		for _, f := range s.Filter {
			line += fmt.Sprintf(", %s by %s", f.Predicate, f.Method)
		}
		r.stats.Leaves[leaf] = append(r.stats.Leaves[leaf], line)
	}
}

func (r *runner) options(want *plan.Wanted) exec.Options {
	return exec.Options{Wanted: want, MemoryLimit: r.opt.MemoryLimit, Trace: r.opt.Trace, Settings: r.opt.Settings}
}
