// Package scatter sends the leaves of a query to the servers that hold their
// segments and gathers the partial results: all of them, or an error that
// names what is missing. It knows routes, fragments and servers; what the
// batches mean is the business of the operators above.
package scatter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	View    *clusterview.View
	Router  *routing.Router
	Servers Servers
}

// NewRunner begins a query.
func (s *Scatter) NewRunner(o session.LeafOptions) session.LeafRunner {
	return &runner{s: s, opt: o, lines: map[*plan.Leaf][]string{}, servers: map[string]bool{}, responded: map[string]bool{}}
}

// runner runs the leaves of one query.
type runner struct {
	s   *Scatter
	opt session.LeafOptions

	mu        sync.Mutex // guards the fields below
	stats     exec.Stats
	pruned    int
	servers   map[string]bool
	responded map[string]bool
	missing   []string
	lines     map[*plan.Leaf][]string
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

// missingSegments is implemented by errors that name segments which a server
// lacks.
type missingSegments interface{ MissingSegments() []string }

// patience is how long a leaf waits for the state to move on before it gives up
// on segments that no server has: one that moves, or a partition that was just
// found and has no server yet.
const patience = 3 * time.Second

// RunLeaf implements rel.Leaves.
func (r *runner) RunLeaf(ctx *fn.Context, leaf *plan.Leaf, emit func(*column.Batch) error) error {
	wctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	st := r.s.View.State()
	for {
		run := &leafRun{r: r, leaf: leaf, emit: emit}
		err := run.scatter(ctx, st)
		var miss missingSegments
		if err == nil || !errors.As(err, &miss) {
			return err
		}
		if run.emitted() || wctx.Err() != nil {
			return unavailable(miss.MissingSegments())
		}
		old := st.Index
		st, _ = r.s.View.WaitFor(wctx, func(s *clusterview.State) bool { return s.Index > old })
	}
}

// unserved names segments that no server is known for.
type unserved []string

func (u unserved) Error() string             { return unavailable(u).Error() }
func (u unserved) MissingSegments() []string { return u }

func unavailable(names []string) error {
	shown := names[:min(len(names), 5)]
	text := strings.Join(shown, ", ")
	if len(names) > len(shown) {
		text += fmt.Sprintf(" and %d more", len(names)-len(shown))
	}
	return sqlerr.New(sqlerr.IOError, "%d segments are not available: %s", len(names), text).
		WithHint("SET allow_partial = on returns what is there.")
}

// leafRun is one attempt at a leaf.
type leafRun struct {
	r    *runner
	leaf *plan.Leaf
	emit func(*column.Batch) error

	mu   sync.Mutex // serialises emit
	sent bool
}

func (l *leafRun) emitted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

func (l *leafRun) deliver(b *column.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = true
	return l.emit(b)
}

// scatter sends the fragments and waits for all of them. The first error
// cancels the others, unless partial answers are allowed.
func (l *leafRun) scatter(ctx *fn.Context, st *clusterview.State) error {
	route, err := l.r.s.Router.Route(st, l.leaf)
	if err != nil {
		return err
	}
	if len(route.Unserved) > 0 && !l.r.opt.AllowPartial {
		return unserved(route.Unserved)
	}
	l.r.begin(route)
	if len(route.Parts) == 0 {
		return l.empty(ctx)
	}
	if len(route.Parts) == 1 {
		return l.part(ctx, st, route.Parts[0])
	}
	gctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	fctx := *ctx
	fctx.Context = gctx
	var wg sync.WaitGroup
	for _, p := range route.Parts {
		wg.Go(func() {
			if err := l.part(&fctx, st, p); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(gctx); err != nil {
		return err
	}
	return nil
}

// empty gives the answer of a leaf without segments: an aggregate without
// groups still has its one row.
func (l *leafRun) empty(ctx *fn.Context) error {
	if !l.leaf.Aggregate || len(l.leaf.GroupBy) > 0 {
		return nil
	}
	_, err := emptyEngine.RunLeaf(ctx, l.leaf, nil, exec.Options{}, l.deliver)
	return err
}

var emptyEngine = exec.New(exec.Config{Workers: -1})

// part runs one server's share.
func (l *leafRun) part(ctx *fn.Context, st *clusterview.State, p routing.Assignment) error {
	srv, err := l.r.s.Servers.Server(st, p.Instance)
	var stats exec.Stats
	if err == nil {
		stats, err = srv.Execute(ctx, l.r.opt.QueryID, l.fragment(ctx, p.Segments), l.deliver)
	}
	if err == nil {
		l.r.add(l.leaf, p.Instance, &stats)
		return nil
	}
	err = named(ctx, p.Instance, err)
	if l.r.opt.AllowPartial && isOutage(err) && !l.emitted() {
		l.r.lose(p.Segments)
		return l.empty(ctx)
	}
	return err
}

// named says which server an error came from, where it does not already mean
// something to the client.
func named(ctx context.Context, instance string, err error) error {
	var se *sqlerr.Error
	var miss missingSegments
	if errors.As(err, &se) || errors.As(err, &miss) || ctx.Err() != nil {
		return err
	}
	return sqlerr.New(sqlerr.ConnectionFailure, "server %s: %w", instance, err)
}

// isOutage tells errors of missing servers and segments from errors of the
// query itself.
func isOutage(err error) bool {
	var miss missingSegments
	if errors.As(err, &miss) {
		return true
	}
	switch sqlerr.Code(err) {
	case sqlerr.ConnectionFailure, sqlerr.IOError, sqlerr.DataCorrupted:
		return true
	}
	return false
}

func (l *leafRun) fragment(ctx *fn.Context, segments []string) *plan.Fragment {
	f := &plan.Fragment{
		Leaf: l.leaf, Segments: segments, NowMicros: ctx.NowMicros, Zone: ctx.Zone, Dialect: ctx.Dialect, User: l.r.opt.User,
		Settings: l.r.opt.Settings, Trace: l.r.opt.Trace, MemoryLimit: l.r.opt.MemoryLimit,
	}
	if d, ok := ctx.Deadline(); ok {
		f.TimeoutMicros = max(time.Until(d).Microseconds(), 1)
	}
	return f
}

func (r *runner) begin(route *routing.Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pruned += route.Pruned
	r.stats.TotalDocs += route.PrunedDocs
	for _, p := range route.Parts {
		r.servers[p.Instance] = true
	}
	if r.opt.AllowPartial {
		r.missing = append(r.missing, route.Unserved...)
	}
}

func (r *runner) add(leaf *plan.Leaf, instance string, st *exec.Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.responded[instance] = true
	if r.opt.Trace {
		r.lines[leaf] = append(r.lines[leaf], traceLines(instance, st)...)
	}
	st.Segments = nil
	r.stats.Merge(st)
}

func (r *runner) lose(segments []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missing = append(r.missing, segments...)
}

// traceLines prints what a server did, for EXPLAIN ANALYZE.
func traceLines(instance string, st *exec.Stats) []string {
	lines := []string{fmt.Sprintf("%s: %d segments, %d pruned, %d matched, %d of %d rows scanned, peak %d kB",
		instance, st.SegmentsQueried, st.SegmentsPruned, st.SegmentsMatched, st.DocsScanned, st.TotalDocs, st.PeakBytes>>10)}
	for _, s := range st.Segments {
		if s.Pruned {
			lines = append(lines, fmt.Sprintf("  %s: pruned (%d rows)", s.Name, s.Docs))
			continue
		}
		var filters []string
		for _, f := range s.Filter {
			filters = append(filters, fmt.Sprintf("%s by %s", f.Predicate, f.Method))
		}
		line := fmt.Sprintf("  %s: %d of %d rows, %s, %.3f ms", s.Name, s.Matched, s.Docs, s.Method, float64(s.Time)/1e6)
		if len(filters) > 0 {
			line += "; filter " + strings.Join(filters, ", ")
		}
		lines = append(lines, line)
	}
	return lines
}
