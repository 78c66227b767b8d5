package server

import (
	"context"
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
			if err := s.rememberCluster(st); err != nil {
				s.health.set("data folder", err.Error())
			} else {
				s.health.set("data folder", "ok")
				s.reconcile(st)
			}
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
	s.sweep(st) // first, before anything is written
	for _, t := range st.Tables {
		if t.Def == nil {
			continue // Health tells; its segments stay as they are
		}
		s.tables.ensure(t)
		for _, seg := range t.Segments {
			if s.placedHere(seg) {
				s.ensureSegment(t, seg)
			}
		}
	}
	s.tables.retain(st)
	s.dropUnwanted(st)
	s.deleteObjects(st)
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
	if seg.Status == pb.SegmentStatus_SEGMENT_CONSUMING {
		if h == nil {
			s.startConsumer(t, seg)
		}
		return
	}
	if work := s.nextStep(t, seg, h); work != nil {
		s.task(seg.Name, work)
	}
}

// nextStep returns the work that brings an ended segment further, nil when there
// is none.
func (s *Server) nextStep(t *clusterview.Table, seg *pb.Segment, h *holder) func(context.Context) error {
	ended := seg.Status == pb.SegmentStatus_SEGMENT_ENDED
	switch {
	case h == nil && ended:
		return func(ctx context.Context) error { return s.recoverEnded(ctx, t, seg) }
	case h == nil:
		return func(ctx context.Context) error { return s.load(ctx, t, seg) }
	case !h.hasFile():
		return func(ctx context.Context) error { return s.buildAndPublish(ctx, t, seg, h) }
	case ended:
		return func(ctx context.Context) error { return s.publish(ctx, t, seg, h) }
	case seg.Status == pb.SegmentStatus_SEGMENT_COMMITTED:
		return func(ctx context.Context) error { return s.upload(ctx, t, seg) }
	case outdated(t, h):
		return func(ctx context.Context) error { return s.reindex(ctx, t, seg, h) }
	}
	return nil
}

// dropUnwanted drops segments that the state no longer places here. A committed
// file that is not in the deep store yet may be the last copy: it is uploaded
// first.
func (s *Server) dropUnwanted(st *clusterview.State) {
	for _, h := range s.set.all() {
		seg := st.Segment(h.tableID, h.name)
		if seg != nil && s.placedHere(seg) {
			continue
		}
		if s.tasks.busy(h.name) || s.unseen(st, h) {
			continue
		}
		if t := st.Tables[h.tableID]; seg != nil && seg.Status == pb.SegmentStatus_SEGMENT_COMMITTED && h.hasFile() {
			s.task(h.name, func(ctx context.Context) error { return s.upload(ctx, t, seg) })
			continue
		}
		s.tables.stopConsumer(h.name)
		if st.Tables[h.tableID] == nil {
			s.metrics.forgetTable(h.table)
		}
		s.set.remove(h.name)
		s.tasks.forget(h.name)
		s.task(h.name, func(ctx context.Context) error { return s.removeFile(h.tableID, h.name) })
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
			if seg.Status == pb.SegmentStatus_SEGMENT_CONSUMING || !s.placedHere(seg) {
				continue
			}
			if h := s.set.get(seg.Name); h == nil || !h.isSealed() {
				n++
			}
		}
	}
	return n
}
