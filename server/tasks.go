package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
)

// taskSet allows one task per segment at a time and remembers which failed, so
// that they are tried again after growing pauses and their errors are reported.
type taskSet struct {
	mu sync.Mutex
	m  map[string]*task
}

// task is what is known of a segment's background work. It is forgotten when
// the work succeeds.
type task struct {
	running bool
	fails   int
	retryAt time.Time
	err     error
}

func newTaskSet() *taskSet { return &taskSet{m: map[string]*task{}} }

// begin claims a segment; false means that a task runs or rests after a failure.
func (t *taskSet) begin(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.m[name]
	if x == nil {
		x = &task{}
		t.m[name] = x
	}
	if x.running || time.Now().Before(x.retryAt) {
		return false
	}
	x.running = true
	return true
}

// Pauses after failures double from firstRetry to lastRetry.
const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 15 * time.Second
)

func (t *taskSet) end(name string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		delete(t.m, name)
		return
	}
	x := t.m[name]
	pause := min(firstRetry<<min(x.fails, 10), lastRetry)
	x.running, x.err = false, err
	x.fails++
	x.retryAt = time.Now().Add(pause/2 + rand.N(pause))
}

// forget ends the rest after a failure, for work of another kind.
func (t *taskSet) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.m[name]; x != nil && !x.running {
		delete(t.m, name)
	}
}

func (t *taskSet) busy(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[name] != nil && t.m[name].running
}

// failures returns the last error of each segment whose work failed, and
// forgets those that keep refuses.
func (t *taskSet) failures(keep func(name string) bool) map[string]error {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := map[string]error{}
	for name, x := range t.m {
		switch {
		case x.err == nil:
		case keep(name):
			out[name] = x.err
		case !x.running:
			delete(t.m, name)
		}
	}
	return out
}

// stepError is a failed step of a segment's work.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }

func (e *stepError) Unwrap() error { return e.err }

// failed marks the step that an error belongs to.
func failed(step string, err error) error {
	if err == nil {
		return nil
	}
	var already *stepError
	if errors.As(err, &already) {
		return err
	}
	return &stepError{step, err}
}

// task runs f for a segment unless something already does or it rests after a
// failure; afterwards reconcile looks again.
func (s *Server) task(name string, f func(context.Context) error) {
	if !s.tasks.begin(name) {
		return
	}
	s.wg.Go(func() {
		err := f(s.ctx)
		s.tasks.end(name, err)
		if s.ctx.Err() != nil {
			return
		}
		if err != nil {
			s.taskFailed(name, err)
			return
		}
		s.poke()
	})
}

func (s *Server) taskFailed(name string, err error) {
	step := "task"
	var e *stepError
	if errors.As(err, &e) {
		step = e.step
	}
	s.metrics.stepErrors.WithLabelValues(step).Inc()
	s.log.Error("work on a segment failed and is tried again", "segment", name, "step", step, "err", err)
}

// slot takes a place in a bounded pool; an error means that ctx ended.
func slot(ctx context.Context, pool chan struct{}) (release func(), err error) {
	select {
	case pool <- struct{}{}:
		return func() { <-pool }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// viewLag bounds how long a task waits for the state to show what it did.
const viewLag = 5 * time.Second

// awaitStatus waits until the state shows a segment at or beyond a status, so
// that the step just taken is not begun again.
func (s *Server) awaitStatus(ctx context.Context, seg *pb.Segment, status pb.SegmentStatus) error {
	wctx, cancel := context.WithTimeout(ctx, viewLag)
	defer cancel()
	changed, stop := s.view.Subscribe()
	defer stop()
	for {
		now := s.view.State().Segment(seg.TableId, seg.Name)
		if now == nil || now.Status >= status {
			return nil
		}
		select {
		case <-changed:
		case <-wctx.Done():
			return fmt.Errorf("the state does not show segment %s as %s", seg.Name, status)
		}
	}
}
