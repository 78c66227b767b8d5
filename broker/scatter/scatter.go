// Package scatter sends the leaves of a query to the servers that hold their
// segments and gathers the partial results: all of them, or an error that
// names what is missing. It knows routes, fragments and servers; what the
// batches mean is the business of the operators above.
package scatter

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/broker/routing"
	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// Server runs fragments. It is implemented by the server role itself (one
// process) and by a gRPC client.
type Server interface {
	// Execute runs a fragment and hands every batch, which is the receiver's
	// to keep, to emit, never concurrently. A server that lacks segments
	// returns an error with a MissingSegments method before anything was
	// emitted.
	Execute(ctx context.Context, queryID string, f *plan.Fragment, emit func(*column.Batch) error) (exec.Stats, error)
	// SystemTable returns the server's rows of a system table.
	SystemTable(ctx context.Context, name string) (*column.Batch, error)
}

// Servers finds the server of an instance.
type Servers interface {
	Server(st *clusterview.State, instance string) (Server, error)
}

// Scatter runs leaves. It is safe for concurrent use.
type Scatter struct {
	view     *clusterview.View
	router   *routing.Router
	servers  Servers
	suspects suspects
}

// New returns a Scatter over the servers that a view of the cluster names.
func New(view *clusterview.View, servers Servers) *Scatter {
	s := &Scatter{view: view, servers: servers}
	s.router = &routing.Router{Alive: s.suspects.alive}
	return s
}

// NewRunner begins a query.
func (s *Scatter) NewRunner(o session.LeafOptions) session.LeafRunner {
	return &runner{s: s, opt: o, pinned: sync.OnceValue(s.view.State)}
}

// runner runs the leaves of one query.
type runner struct {
	s   *Scatter
	opt session.LeafOptions
	// pinned is the state that the query's first leaf was routed with: the
	// others see the same segments, whatever a load changes meanwhile.
	pinned func() *clusterview.State

	mu        sync.Mutex // guards the fields below
	stats     exec.Stats
	pruned    int
	servers   []string // distinct, as responded
	responded []string
	missing   []string
	lines     map[*plan.Leaf][]string // nil without trace
}

// Stats implements session.LeafRunner.
func (r *runner) Stats() session.LeafStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return session.LeafStats{
		Stats: r.stats, ServersQueried: len(r.servers), ServersResponded: len(r.responded), PrunedByBroker: r.pruned,
		Missing: slices.Clone(r.missing), Leaves: maps.Clone(r.lines),
	}
}

// patience is how long a leaf waits for the state to move on, or a server to
// come back, before it gives up: a segment that moves, a partition that was just
// found and has no server yet, a server that restarts.
const patience = 3 * time.Second

// RunLeaf implements rel.Leaves.
func (r *runner) RunLeaf(ctx *fn.Context, leaf *plan.Leaf, emit func(*column.Batch) error) error {
	return r.run(ctx, leaf, nil, func(b *column.Batch, _ bool) error { return emit(b) })
}

// RunGroups implements rel.GroupLeaves: a server that has all segments of the
// leaf finishes its groups.
func (r *runner) RunGroups(ctx *fn.Context, leaf *plan.Leaf, want *plan.Wanted, emit func(*column.Batch, bool) error) error {
	return r.run(ctx, leaf, want, emit)
}

// run routes the leaf, anew as long as nothing of its answer was given and
// patience lasts.
func (r *runner) run(ctx *fn.Context, leaf *plan.Leaf, want *plan.Wanted, emit func(*column.Batch, bool) error) error {
	until := time.Now().Add(patience)
	st := r.pinned()
	for {
		run := &leafRun{r: r, leaf: leaf, want: want, emit: emit, until: until}
		err := run.scatter(ctx, st)
		var none unserved
		again := errors.As(err, &none) || errors.Is(err, errStale)
		if !again || run.emitted() || !time.Now().Before(until) {
			r.count(leaf, &run.tally)
			return final(err)
		}
		wctx, cancel := context.WithDeadline(ctx, until)
		old := st.Index
		st, _ = r.s.view.WaitFor(wctx, func(s *clusterview.State) bool { return s.Index > old })
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// final is the error that the client sees.
func final(err error) error {
	if errors.Is(err, errStale) {
		return sqlerr.New(sqlerr.ObjectNotInState, "%w", errStale).WithHint("Run the statement again.")
	}
	return outage(err)
}

// count adds what an attempt cost.
func (r *runner) count(leaf *plan.Leaf, t *tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pruned += t.pruned
	r.stats.Merge(&t.stats)
	r.servers = merge(r.servers, t.queried)
	r.responded = merge(r.responded, t.responded)
	r.missing = append(r.missing, t.missing...)
	if len(t.lines) == 0 {
		return
	}
	if r.lines == nil {
		r.lines = map[*plan.Leaf][]string{}
	}
	r.lines[leaf] = append(r.lines[leaf], t.lines...)
}

// merge adds the names that a list lacks.
func merge(list, names []string) []string {
	for _, n := range names {
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}
