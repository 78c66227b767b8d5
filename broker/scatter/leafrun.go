package scatter

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/broker/routing"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// leafRun is one attempt at a leaf: every segment of one route is read exactly
// once. A server that fails before it gave anything of its part does not spoil
// the parts of the others: its segments are asked for again where they are by
// then, until patience ends.
type leafRun struct {
	r     *runner
	leaf  *plan.Leaf
	emit  func(*column.Batch) error
	until time.Time // the end of patience

	mu    sync.Mutex // serialises emit, guards the fields below
	sent  bool
	tally tally
	open  []string // instances whose part is under way
}

// tally is what a leaf cost.
type tally struct {
	stats              exec.Stats
	pruned             int
	queried, responded []string
	missing, lines     []string
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

// scatter sends the fragments and waits for all of them.
func (l *leafRun) scatter(ctx *fn.Context, st *clusterview.State) error {
	route, err := l.r.s.Router.Route(st, l.leaf)
	if err != nil {
		return err
	}
	if len(route.Unserved) > 0 && !l.r.opt.AllowPartial {
		return unserved(route.Unserved)
	}
	l.tally.pruned, l.tally.missing = route.Pruned, route.Unserved
	l.tally.stats.TotalDocs = route.PrunedDocs
	if len(route.Parts) == 0 {
		return l.empty(ctx)
	}
	return l.parts(ctx, st, route.Parts)
}

// parts runs the parts of a route. The first error cancels the others.
func (l *leafRun) parts(ctx *fn.Context, st *clusterview.State, parts []routing.Assignment) error {
	if len(parts) == 1 {
		return l.part(ctx, st, parts[0])
	}
	gctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	fctx := *ctx
	fctx.Context = gctx
	var wg sync.WaitGroup
	var first error
	var once sync.Once
	for _, p := range parts {
		wg.Go(func() {
			if err := l.part(&fctx, st, p); err != nil {
				once.Do(func() { first = err })
				cancel(err)
			}
		})
	}
	wg.Wait()
	return first
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

// part runs one server's share, again if need be.
func (l *leafRun) part(ctx *fn.Context, st *clusterview.State, p routing.Assignment) error {
	for {
		err, again := l.try(ctx, st, p)
		if err == nil || !again {
			return err
		}
		if l.r.opt.AllowPartial {
			l.lose(p.Segments)
			return l.empty(ctx)
		}
		var parts []routing.Assignment
		var waitErr error
		if parts, st, waitErr = l.elsewhere(ctx, st, p, err); waitErr != nil {
			return waitErr
		}
		if len(parts) > 1 {
			return l.parts(ctx, st, parts)
		}
		p = parts[0]
	}
}

// try asks a server once. again tells that nothing of its part arrived and that
// asking again may help.
func (l *leafRun) try(ctx *fn.Context, st *clusterview.State, p routing.Assignment) (err error, again bool) {
	l.begin(p.Instance)
	sent := false
	srv, err := l.r.s.Servers.Server(st, p.Instance)
	var stats exec.Stats
	if err == nil {
		stats, err = srv.Execute(ctx, l.r.opt.QueryID, l.fragment(ctx, p.Segments), func(b *column.Batch) error {
			sent = true
			return l.deliver(b)
		})
	}
	switch {
	case err == nil:
		l.answered(p.Instance, &stats)
		return nil, false
	case ctx.Err() != nil:
		return l.interrupted(ctx, err), false
	}
	err = named(ctx, p.Instance, err)
	return err, isOutage(err) && !sent
}

// interrupted explains an error that came with the end of ctx. Instances whose
// part is under way at the deadline are the slow ones.
func (l *leafRun) interrupted(ctx context.Context, err error) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slow(slices.Clone(l.open))
}

// retryPause is how long a part that failed is held before it is tried again
// although the state has not changed: a server that restarts.
const retryPause = 200 * time.Millisecond

// elsewhere waits a moment or for a change of the state, and says where the
// segments of a failed part are then.
func (l *leafRun) elsewhere(ctx *fn.Context, st *clusterview.State, p routing.Assignment, cause error) ([]routing.Assignment, *clusterview.State, error) {
	for time.Now().Before(l.until) {
		wctx, cancel := context.WithTimeout(ctx, retryPause)
		old := st.Index
		st, _ = l.r.s.View.WaitFor(wctx, func(s *clusterview.State) bool { return s.Index > old })
		cancel()
		if ctx.Err() != nil {
			return nil, st, l.interrupted(ctx, ctx.Err())
		}
		parts, missing, gone := l.r.s.Router.Place(st, l.leaf.Table.ID, p.Segments)
		switch {
		case gone:
			return nil, st, errStale
		case len(missing) == 0:
			return parts, st, nil
		}
	}
	return nil, st, outage(cause)
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

func (l *leafRun) begin(instance string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.queried = append(l.tally.queried, instance)
	if !slices.Contains(l.open, instance) {
		l.open = append(l.open, instance)
	}
}

func (l *leafRun) answered(instance string, st *exec.Stats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = slices.DeleteFunc(l.open, func(s string) bool { return s == instance })
	l.tally.responded = append(l.tally.responded, instance)
	if l.r.opt.Trace {
		l.tally.lines = append(l.tally.lines, traceLines(instance, st)...)
	}
	st.Segments = nil
	l.tally.stats.Merge(st)
}

func (l *leafRun) lose(segments []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.missing = append(l.tally.missing, segments...)
}
