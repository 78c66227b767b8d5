package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// waitForSegments is how long a fragment waits for segments that the broker
// knows of already and this server does not: the watch is on its way.
const waitForSegments = time.Second

// Execute runs a fragment over the named segments, all or none: a segment that
// is not here is a *MissingError and nothing was emitted. Batches are the
// receiver's to keep.
func (s *Server) Execute(ctx context.Context, queryID string, f *plan.Fragment, emit func(*column.Batch) error) (exec.Stats, error) {
	if limit := time.Duration(f.TimeoutMicros) * time.Microsecond; limit > 0 && !endsWithin(ctx, limit) {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, limit)
		defer stop()
	}
	ctx, done := s.queries.begin(ctx, queryID)
	defer done()
	start := time.Now()
	st, err := s.execute(ctx, f, emit)
	s.metrics.queryTime.Observe(time.Since(start).Seconds())
	if err == nil {
		s.metrics.queriesOK.Inc()
	} else {
		s.metrics.queries.WithLabelValues(sqlerr.Code(err)).Inc()
	}
	return st, err
}

// endsWithin tells that ctx has a deadline no later than a limit from now would
// be, as it has when the broker is in this process.
func endsWithin(ctx context.Context, limit time.Duration) bool {
	d, ok := ctx.Deadline()
	return ok && time.Until(d) <= limit+time.Millisecond
}

func (s *Server) execute(ctx context.Context, f *plan.Fragment, emit func(*column.Batch) error) (exec.Stats, error) {
	if len(f.Snapshot) > 0 {
		return exec.Stats{}, sqlerr.Unsupported("reading at a snapshot")
	}
	// A segment is here only after its table is known, however new it is.
	segs, err := s.acquire(ctx, f.Segments)
	if err != nil {
		return exec.Stats{}, err
	}
	defer releaseAll(segs)
	leaf, err := s.resolve(f)
	if err != nil {
		return exec.Stats{}, err
	}
	fctx := f.Context()
	fctx.Context = ctx
	st, err := s.engine.RunLeaf(fctx, leaf, segs, exec.Options{MemoryLimit: f.MemoryLimit, Trace: f.Trace, Settings: f.Settings, Wanted: f.Wanted}, emit)
	st.MinConsumingFreshnessMillis = s.freshness(segs)
	if errors.Is(err, segment.ErrCorrupt) {
		s.checkCorrupt(segs, err)
		return st, sqlerr.New(sqlerr.DataCorrupted, "%w", err)
	}
	return st, err
}

// resolve returns the leaf with its table, which a fragment names by id. The
// fragment's own leaf stays as it is: in one process it belongs to a plan that
// other queries use at the same time.
func (s *Server) resolve(f *plan.Fragment) (*plan.Leaf, error) {
	if f.Leaf == nil || f.Leaf.Table == nil {
		return nil, sqlerr.New(sqlerr.InternalError, "fragment without a table")
	}
	t := s.view.State().Tables[f.Leaf.Table.ID]
	if t == nil || t.Def == nil {
		return nil, sqlerr.New(sqlerr.UndefinedTable, "table %q is not known to this server", f.Leaf.Table.Name)
	}
	leaf := *f.Leaf
	leaf.Table = t.Def
	return &leaf, nil
}

// acquire retains the segments, waiting a moment for those still on their way.
func (s *Server) acquire(ctx context.Context, names []string) ([]segment.Segment, error) {
	segs, grown, err := s.set.acquire(names)
	if err == nil {
		return segs, nil
	}
	deadline := time.NewTimer(waitForSegments)
	defer deadline.Stop()
	for ; err != nil; segs, grown, err = s.set.acquire(names) {
		select {
		case <-grown:
		case <-deadline.C:
			return nil, err
		case <-ctx.Done():
			return nil, interruption(ctx)
		}
	}
	return segs, nil
}

// interruption explains the end of a fragment's ctx: cancelled by the user, out
// of time, or left by its broker.
func interruption(ctx context.Context) error {
	cause := context.Cause(ctx)
	var se *sqlerr.Error
	switch {
	case errors.As(cause, &se):
		return cause
	case errors.Is(cause, context.DeadlineExceeded):
		return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout: %w", cause)
	}
	return sqlerr.New(sqlerr.QueryCanceled, "canceling statement: %w", cause)
}

// freshness returns the oldest stream timestamp, in ms, up to which all
// consuming segments of the query have rows; 0 when there is none.
func (s *Server) freshness(segs []segment.Segment) int64 {
	oldest := int64(0)
	for _, seg := range segs {
		m := seg.Metadata()
		if !m.Consuming {
			continue
		}
		c := s.tables.consumer(m.Name)
		if c == nil {
			continue
		}
		c.mu.Lock()
		ms := c.newest / 1000
		c.mu.Unlock()
		if ms > 0 && (oldest == 0 || ms < oldest) {
			oldest = ms
		}
	}
	return oldest
}

// checkCorrupt finds which of the segments are corrupt and takes them out of
// service.
func (s *Server) checkCorrupt(segs []segment.Segment, cause error) {
	for _, seg := range segs {
		checker, ok := seg.(interface{ Check() error })
		if ok && errors.Is(checker.Check(), segment.ErrCorrupt) {
			s.Quarantine(seg.Metadata().Name, cause)
		}
	}
}

// queryList holds the running fragments by query id, for cancellation.
type queryList struct {
	mu sync.Mutex
	m  map[string][]*context.CancelCauseFunc
}

func newQueryList() *queryList { return &queryList{m: map[string][]*context.CancelCauseFunc{}} }

var errCancelled = sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request")

func (q *queryList) begin(ctx context.Context, id string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	q.mu.Lock()
	q.m[id] = append(q.m[id], &cancel)
	q.mu.Unlock()
	return ctx, func() {
		cancel(nil)
		q.mu.Lock()
		defer q.mu.Unlock()
		list := q.m[id]
		for i, c := range list {
			if c == &cancel {
				list = append(list[:i], list[i+1:]...)
				break
			}
		}
		if q.m[id] = list; len(list) == 0 {
			delete(q.m, id)
		}
	}
}

// Cancel ends the fragments of a query; false means that none runs.
func (s *Server) Cancel(queryID string) bool {
	s.queries.mu.Lock()
	defer s.queries.mu.Unlock()
	list := s.queries.m[queryID]
	for _, c := range list {
		(*c)(errCancelled)
	}
	return len(list) > 0
}
