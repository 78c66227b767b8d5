package server

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/obs"
)

// heartbeats registers this server and reports its state until it closes.
func (s *Server) heartbeats() {
	registered := false
	var wait backoff
	for s.ctx.Err() == nil {
		pause := s.cfg.HeartbeatInterval
		err := s.beat(&registered)
		if err != nil && s.ctx.Err() == nil {
			s.health.set("controller", err.Error())
			pause = wait.next()
		} else {
			s.health.set("controller", "ok")
			wait.reset()
		}
		s.untilBeat(pause)
	}
}

// reportSoon makes the next heartbeat go out at once.
func (s *Server) reportSoon() {
	select {
	case s.beatNow <- struct{}{}:
	default:
	}
}

// untilBeat waits for the time of the next heartbeat, a wish for one, or the
// end.
func (s *Server) untilBeat(pause time.Duration) {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.beatNow:
	case <-s.ctx.Done():
	}
}

func (s *Server) beat(registered *bool) error {
	ctx, cancel := context.WithTimeout(s.ctx, 5*time.Second)
	defer cancel()
	if !*registered {
		inst := proto.Clone(s.cfg.Instance).(*pb.Instance)
		inst.ProtocolVersion = api.ProtocolVersion
		if _, err := s.cfg.Controller.Register(ctx, &pb.RegisterRequest{ProtocolVersion: api.ProtocolVersion, Instance: inst}); err != nil {
			return err
		}
		*registered = true
	}
	res, err := s.cfg.Controller.Heartbeat(ctx, s.heartbeat())
	if err != nil {
		return err
	}
	*registered = !res.UnknownInstance
	return nil
}

func (s *Server) heartbeat() *pb.HeartbeatRequest {
	health, _ := s.Health()
	r := &pb.HeartbeatRequest{
		ProtocolVersion: api.ProtocolVersion, InstanceId: s.cfg.Instance.Id, AppliedIndex: s.deletions.applied(s.view.State().Index),
		Health: health, ResidentBytes: obs.ResidentBytes(), Draining: s.draining.Load(),
	}
	failures := s.failures()
	var disk, pending float64
	for _, h := range s.set.all() {
		info := h.snapshot()
		sr := &pb.SegmentReport{Name: info.Name, State: info.State, Bytes: info.Bytes}
		if info.Meta != nil {
			sr.Rows = uint64(info.Meta.NumDocs)
		}
		if info.Err != nil {
			sr.Error = info.Err.Error()
		} else if err := failures[info.Name]; err != nil {
			sr.Error = err.Error()
		}
		delete(failures, info.Name)
		if info.Sealed {
			sr.Layout = info.Meta.Layout
			disk += float64(info.Bytes)
			if seg := s.view.State().Segment(info.TableID, info.Name); seg != nil && seg.Status == pb.SegmentStatus_SEGMENT_COMMITTED {
				pending++
			}
		}
		r.Segments = append(r.Segments, sr)
	}
	for name, err := range failures {
		r.Segments = append(r.Segments, &pb.SegmentReport{Name: name, State: stateError, Error: err.Error()})
	}
	s.metrics.diskBytes.Set(disk)
	s.metrics.pendingUploads.Set(pending)
	s.metrics.memoryHeld.Set(float64(s.memory.held.Load()))
	for _, c := range s.tables.allConsumers() {
		r.Consumers = append(r.Consumers, c.describe())
	}
	return r
}
