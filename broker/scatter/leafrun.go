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
	"github.com/alluviumdb/alluvium/internal/sqlerr"
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
	want  *plan.Wanted // nil: no finished groups are asked for
	emit  func(b *column.Batch, finished bool) error
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

func (l *leafRun) deliver(b *column.Batch, finished bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = true
	return l.emit(b, finished)
}

// scatter sends the fragments and waits for all of them.
func (l *leafRun) scatter(ctx *fn.Context, st *clusterview.State) error {
	route, err := l.r.s.router.Route(st, l.leaf)
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
func (l *leafRun) parts(ctx *fn.Context, st *clusterview.State, parts []routing.Assignment, tried ...string) error {
	if len(parts) == 1 {
		return l.part(ctx, st, parts[0], l.want, tried...)
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
			if err := l.part(&fctx, st, p, nil, tried...); err != nil {
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
	_, err := emptyEngine.RunLeaf(ctx, l.leaf, nil, exec.Options{}, func(b *column.Batch) error { return l.deliver(b, false) })
	return err
}

var emptyEngine = exec.New(exec.Config{Workers: -1})

// part runs one server's share, again if need be; tried names the instances
// that were asked for these segments in vain. want is not nil when the share is
// all that is read.
func (l *leafRun) part(ctx *fn.Context, st *clusterview.State, p routing.Assignment, want *plan.Wanted, tried ...string) error {
	for {
		err, again := l.try(ctx, st, p, want)
		if err == nil || !again {
			return err
		}
		tried = append(slices.Clip(tried), p.Instance)
		var parts []routing.Assignment
		var stop error
		if parts, st, stop = l.elsewhere(ctx, p, tried, err); stop != nil {
			return stop
		}
		switch len(parts) {
		case 0:
			return l.empty(ctx)
		case 1:
			p = parts[0]
		default:
			return l.parts(ctx, st, parts, tried...)
		}
	}
}

// try asks a server once. again tells that nothing of its part arrived and that
// asking again may help.
func (l *leafRun) try(ctx *fn.Context, st *clusterview.State, p routing.Assignment, want *plan.Wanted) (err error, again bool) {
	l.begin(p.Instance)
	sent := false
	var refused error // by the receiver of the rows
	srv, err := l.r.s.servers.Server(st, p.Instance)
	var stats exec.Stats
	if err == nil {
		stats, err = srv.Execute(ctx, l.r.opt.QueryID, l.fragment(ctx, p.Segments, want), func(b *column.Batch) error {
			sent = true
			refused = l.deliver(b, want != nil)
			return refused
		})
	}
	switch {
	case err == nil:
		l.answered(p.Instance, &stats)
		return nil, false
	case ctx.Err() != nil || timedOut(ctx, err):
		return l.interrupted(ctx, err), false
	case refused != nil:
		return refused, false
	}
	err = l.failed(ctx, p.Instance, err)
	return err, isOutage(err) && !sent
}

// failed names the server that an error came from, and suspects it where there
// was no answer.
func (l *leafRun) failed(ctx context.Context, instance string, err error) error {
	err = named(ctx, instance, err)
	if sqlerr.Code(err) == sqlerr.ConnectionFailure {
		l.r.s.suspects.failed(instance)
	}
	return err
}

// timerSlack is how far the clocks of a broker's and a server's deadline, which
// is counted from the arrival of the fragment, may be apart.
const timerSlack = 100 * time.Millisecond

// timedOut tells that a server gave up at the deadline, a moment before it is
// reached here.
func timedOut(ctx context.Context, err error) bool {
	d, ok := ctx.Deadline()
	return ok && time.Until(d) < timerSlack && sqlerr.Code(err) == sqlerr.QueryCanceled
}

// interrupted explains an error that came with the end of ctx. Instances whose
// part is under way at the deadline are the slow ones.
func (l *leafRun) interrupted(ctx context.Context, err error) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) && !timedOut(ctx, err) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slow(slices.Clone(l.open))
}

// retryPause is how long a part that failed is held before it is tried again
// although the state has not changed: a server that restarts.
const retryPause = 200 * time.Millisecond

// elsewhere says where the segments of a failed part can be read. Replicas that
// were not tried are asked at once. What has none is given up when a part of the
// answer will do, else it waits a moment, or for a change of the state.
func (l *leafRun) elsewhere(ctx *fn.Context, p routing.Assignment, tried []string, cause error) ([]routing.Assignment, *clusterview.State, error) {
	st := l.r.s.view.State()
	parts, missing, gone := l.r.s.router.Place(st, l.leaf.Table.ID, p.Segments, tried)
	switch {
	case gone && l.r.opt.AllowPartial && l.emitted():
		l.lose(p.Segments)
		return nil, st, nil
	case gone:
		return nil, st, errStale
	}
	fresh, stuck := untried(parts, tried)
	stuck = append(stuck, missing...)
	if len(stuck) == 0 {
		return fresh, st, nil
	}
	if l.r.opt.AllowPartial {
		l.lose(stuck)
		return fresh, st, nil
	}
	return l.wait(ctx, st, p, cause)
}

// wait waits until patience ends or the segments of a failed part are on known
// servers, which may be the same as before.
func (l *leafRun) wait(ctx *fn.Context, st *clusterview.State, p routing.Assignment, cause error) ([]routing.Assignment, *clusterview.State, error) {
	for time.Now().Before(l.until) {
		wctx, cancel := context.WithTimeout(ctx, retryPause)
		old := st.Index
		st, _ = l.r.s.view.WaitFor(wctx, func(s *clusterview.State) bool { return s.Index > old })
		cancel()
		if ctx.Err() != nil {
			return nil, st, l.interrupted(ctx, ctx.Err())
		}
		parts, missing, gone := l.r.s.router.Place(st, l.leaf.Table.ID, p.Segments, []string{p.Instance})
		switch {
		case gone:
			return nil, st, errStale
		case len(missing) == 0:
			return parts, st, nil
		}
	}
	return nil, st, outage(cause)
}

// untried splits parts into those of instances that were not tried and the
// segments of the others.
func untried(parts []routing.Assignment, tried []string) (fresh []routing.Assignment, stuck []string) {
	for _, p := range parts {
		if slices.Contains(tried, p.Instance) {
			stuck = append(stuck, p.Segments...)
		} else {
			fresh = append(fresh, p)
		}
	}
	return fresh, stuck
}

func (l *leafRun) fragment(ctx *fn.Context, segments []string, want *plan.Wanted) *plan.Fragment {
	f := &plan.Fragment{
		Leaf: l.leaf, Segments: segments, NowMicros: ctx.NowMicros, Zone: ctx.Zone, Dialect: ctx.Dialect, User: l.r.opt.User,
		Settings: l.r.opt.Settings, Trace: l.r.opt.Trace, MemoryLimit: l.r.opt.MemoryLimit, Wanted: want,
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
	l.r.s.suspects.answered(instance)
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
