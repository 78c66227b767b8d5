package server

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/clusterview"
)

// reconcileInterval is how often desired and observed are compared without a
// change of the state, to pick up what failed.
const reconcileInterval = time.Second

// reconcileLoop compares the cluster's state with this server until it closes.
func (s *Server) reconcileLoop() {
	changed, cancel := s.view.Subscribe()
	defer cancel()
	tick := time.NewTicker(reconcileInterval)
	defer tick.Stop()
	for {
		if st := s.view.State(); st.Synced {
			s.reconcile(st)
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-s.wake:
		case <-s.ctx.Done():
			return
		}
	}
}

// reconcile starts what the state asks for and is not here, and drops what is
// here and not asked for. It starts work and does none itself.
func (s *Server) reconcile(st *clusterview.State) {
	for _, t := range st.Tables {
		if t.Def == nil {
			continue
		}
		s.tables.ensure(t)
		for _, seg := range t.Segments {
			if slices.Contains(seg.Replicas, s.cfg.Instance.Id) {
				s.ensureSegment(t, seg)
			}
		}
	}
	s.tables.retain(st)
	s.dropUnwanted(st)
	s.sealLargest()
}

// ensureSegment brings one segment nearer to what it should be.
func (s *Server) ensureSegment(t *clusterview.Table, seg *pb.Segment) {
	h := s.set.get(seg.Name)
	if seg.Status != pb.SegmentStatus_SEGMENT_CONSUMING && h != nil && !h.isSealed() {
		if c := s.tables.consumer(seg.Name); c != nil {
			c.fix(seg)
		}
		return
	}
	switch seg.Status {
	case pb.SegmentStatus_SEGMENT_CONSUMING:
		if h == nil {
			s.startConsumer(t, seg)
		}
	case pb.SegmentStatus_SEGMENT_ENDED:
		if h == nil {
			s.task(seg.Name, func(ctx context.Context) { s.recoverEnded(ctx, t, seg) })
		} else if h.isSealed() && !h.hasFile() {
			s.task(seg.Name, func(ctx context.Context) { s.buildAndPublish(ctx, t, seg, h) })
		} else if h.hasFile() {
			s.task(seg.Name, func(ctx context.Context) { s.publish(ctx, t, seg, h) })
		}
	case pb.SegmentStatus_SEGMENT_COMMITTED:
		if h == nil {
			s.task(seg.Name, func(ctx context.Context) { s.load(ctx, t, seg) })
		} else if h.hasFile() {
			s.task(seg.Name, func(ctx context.Context) { s.upload(ctx, t, seg, h) })
		}
	case pb.SegmentStatus_SEGMENT_DURABLE:
		if h == nil {
			s.task(seg.Name, func(ctx context.Context) { s.load(ctx, t, seg) })
		}
	}
}

// dropUnwanted drops segments that the state no longer places here.
func (s *Server) dropUnwanted(st *clusterview.State) {
	for _, h := range s.set.all() {
		seg := st.Segment(h.tableID, h.name)
		if seg != nil && slices.Contains(seg.Replicas, s.cfg.Instance.Id) {
			continue
		}
		if s.tasks.busy(h.name) || s.unseen(st, h) {
			continue
		}
		s.tables.stopConsumer(h.name)
		deleted := seg == nil
		s.set.remove(h.name)
		s.task(h.name, func(ctx context.Context) { s.removeFiles(ctx, h, deleted) })
	}
}

// unseen tells whether a segment was opened by an answer that is newer than
// the state: the view will learn of it in a moment.
func (s *Server) unseen(st *clusterview.State, h *holder) bool {
	if st.Tables[h.tableID] == nil {
		return false
	}
	c := s.tables.consumer(h.name)
	return c != nil && s.cfg.Now().Sub(c.started) < 30*time.Second && !c.seen.Load() && !c.observe(st)
}

// missingSegments counts sealed segments that should be served here and are not.
func (s *Server) missingSegments(st *clusterview.State) int {
	n := 0
	for _, t := range st.Tables {
		for _, seg := range t.Segments {
			if seg.Status == pb.SegmentStatus_SEGMENT_CONSUMING || !slices.Contains(seg.Replicas, s.cfg.Instance.Id) {
				continue
			}
			if h := s.set.get(seg.Name); h == nil || !h.isSealed() {
				n++
			}
		}
	}
	return n
}

// taskSet allows one task per segment at a time.
type taskSet struct {
	mu sync.Mutex
	m  map[string]bool
}

func newTaskSet() *taskSet { return &taskSet{m: map[string]bool{}} }

func (t *taskSet) begin(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m[name] {
		return false
	}
	t.m[name] = true
	return true
}

func (t *taskSet) end(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, name)
}

func (t *taskSet) busy(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[name]
}

// task runs f for a segment unless something already does; afterwards
// reconcile looks again.
func (s *Server) task(name string, f func(context.Context)) {
	if !s.tasks.begin(name) {
		return
	}
	s.wg.Go(func() {
		f(s.ctx)
		s.tasks.end(name)
		if s.ctx.Err() == nil {
			s.poke()
		}
	})
}

// slot takes a place in a bounded pool; false means that ctx ended.
func slot(ctx context.Context, pool chan struct{}) (release func(), ok bool) {
	select {
	case pool <- struct{}{}:
		return func() { <-pool }, true
	case <-ctx.Done():
		return nil, false
	}
}
