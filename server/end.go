package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// endTimeout bounds one proposal; consumption goes on when it passes.
const endTimeout = 3 * time.Second

// end proposes to end the segment where it stands. It returns true when the
// end is fixed and the next segment was begun; false when there was no answer
// (the consumer goes on and tries again).
func (c *consumer) end(ctx context.Context, reason string, partitionDone bool) bool {
	start := time.Now()
	c.lastTry = start
	view := c.propose()
	ectx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	res, err := c.srv.cfg.Controller.EndSegment(ectx, c.endRequest(view, reason, partitionDone))
	if err != nil {
		c.endFailed(ctx, err)
		return false
	}
	c.srv.health.set("controller", "ok")
	c.srv.metrics.steps.WithLabelValues(stepSeal).Observe(time.Since(start).Seconds())
	c.srv.metrics.sealed.WithLabelValues(reason).Inc()
	c.ended(res, reason)
	return true
}

// propose keeps the rows as they are now under the offset that they reach. What
// was proposed before without an answer may still turn out to be the end.
func (c *consumer) propose() segment.Segment {
	if n := len(c.proposals); n > 0 && c.proposals[n-1].end == c.next {
		return c.proposals[n-1].view
	}
	view := c.live.Snapshot()
	c.proposals = append(c.proposals, proposal{c.next, view})
	return view
}

func (c *consumer) endRequest(view segment.Segment, reason string, partitionDone bool) *pb.EndSegmentRequest {
	r := &pb.EndSegmentRequest{
		ProtocolVersion: api.ProtocolVersion, InstanceId: c.srv.cfg.Instance.Id, Segment: c.seg.Name,
		EndOffset: []byte(c.next), EndOffsetText: c.src.FormatOffset(c.next), Rows: uint64(view.NumDocs()),
		Records: c.records, Rejected: c.rejected, PartitionDone: partitionDone,
		TimeMicros: c.srv.cfg.Now().UnixMicro(), Reason: reason,
	}
	if c.gap != nil {
		r.Gap = &pb.Gap{
			TableId: c.table.ID, Partition: c.seg.Partition, FromOffset: []byte(c.gap.Wanted), ToOffset: []byte(c.gap.Earliest),
			FromText: c.src.FormatOffset(c.gap.Wanted), ToText: c.src.FormatOffset(c.gap.Earliest),
			Missing: c.gap.Missing, TimeMicros: r.TimeMicros,
		}
	}
	return r
}

// endFailed notes that a proposal had no answer, or was refused because the
// segment is gone or belongs to another server, which reconcile will see. It
// waits only when the segment must not grow further.
func (c *consumer) endFailed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	c.srv.metrics.stepErrors.WithLabelValues(stepSeal).Inc()
	c.srv.log.Warn("the end of a segment could not be proposed", "table", c.table.Name, "segment", c.seg.Name, "err", err)
	refused := errors.Is(err, api.ErrNotFound) || errors.Is(err, api.ErrFenced)
	if !refused {
		c.srv.health.set("controller", err.Error())
	}
	if refused || c.beyond(hardBound) {
		c.setState(consumerRetrying, fmt.Errorf("waiting for the controller: %w", err))
		c.pause(ctx, time.Second)
	}
}

// ended takes up the fixed end: the rows up to it become the sealed view, the
// next segment is begun at once.
func (c *consumer) ended(res *pb.EndSegmentResponse, reason string) {
	c.live.Seal()
	chosen := c.choose(res.Ended)
	c.setState(consumerEnded, nil)
	c.srv.log.Info("segment ended", "table", c.table.Name, "partition", c.seg.Partition, "segment", c.seg.Name, "reason", reason,
		"rows", res.Ended.Rows, "start", res.Ended.StartOffsetText, "end", res.Ended.EndOffsetText)
	if chosen != nil {
		c.h.seal(chosen)
	} else {
		// Another end was fixed than any proposed from here: the rows are read
		// again from the stream over the fixed range.
		c.srv.set.remove(c.seg.Name)
	}
	c.beginNext(res.Next)
	c.srv.poke()
}

// choose returns the view of the proposal that won, nil if it is none from here,
// and releases the others.
func (c *consumer) choose(ended *pb.Segment) (chosen segment.Segment) {
	for _, p := range c.proposals {
		if chosen == nil && string(p.end) == string(ended.EndOffset) && uint64(p.view.NumDocs()) == ended.Rows {
			chosen = p.view
		} else {
			p.view.Release()
		}
	}
	c.proposals = nil
	return chosen
}

// beginNext begins the next segment of the partition without waiting for the
// state to show it. Where it cannot be begun yet, reconcile does it later.
func (c *consumer) beginNext(next *pb.Segment) {
	s := c.srv
	if next == nil || next.Status != pb.SegmentStatus_SEGMENT_CONSUMING || !s.placedHere(next) || s.set.get(next.Name) != nil {
		return
	}
	t := s.view.State().Tables[next.TableId]
	if t == nil || t.Def == nil || t.Def.Schema.Version < next.SchemaVersion {
		return
	}
	if err := s.launch(c.rt, t, next); err != nil {
		s.log.Warn("the next segment cannot be consumed yet", "table", t.Name, "segment", next.Name, "err", err)
	}
}

func (s *Server) placedHere(seg *pb.Segment) bool {
	return slices.Contains(seg.Replicas, s.cfg.Instance.Id)
}

// endPartition ends the segment of a partition that has no more records, as
// often as it takes.
func (c *consumer) endPartition(ctx context.Context) bool {
	for ctx.Err() == nil {
		if c.observedEnd() || c.end(ctx, "shard_end", true) {
			return true
		}
		c.pause(ctx, time.Second)
	}
	return false
}

// errStopped tells that a stopped partition may look again.
var errStopped = errors.New("stopped by a gap")

// gapRecheck is how often a stopped partition looks whether it may go on.
const gapRecheck = 10 * time.Second

// fellBehind handles an offset that the stream does not hold: by the table's
// policy the partition stops, or goes on behind the gap with a durable record of
// it. An offset beyond the stream's end (it was truncated or made anew) always
// stops it: going back would double rows.
func (c *consumer) fellBehind(ctx context.Context, out *ingest.OutOfRangeError) (done bool, err error) {
	c.closeReader()
	policy := c.rt.table().Config.OnGap
	if out.Earliest <= out.Wanted {
		c.stop(ctx, fmt.Errorf("offset %s is beyond the end of the stream (%s)",
			c.src.FormatOffset(out.Wanted), c.src.FormatOffset(out.Latest)))
		return false, errStopped
	}
	gone := fmt.Errorf("records left the stream before they were read: wanted offset %s, the earliest is %s (%d missing)",
		c.src.FormatOffset(out.Wanted), c.src.FormatOffset(out.Earliest), out.Missing)
	if policy != schema.GapResume {
		c.stop(ctx, gone)
		return false, errStopped
	}
	c.srv.log.Error("going on behind a gap", "table", c.table.Name, "partition", c.seg.Partition, "err", gone)
	c.srv.health.drop(c.gapKey())
	c.gap = out
	for ctx.Err() == nil {
		if c.observedEnd() || c.end(ctx, "gap", false) {
			return true, nil
		}
		c.pause(ctx, time.Second)
	}
	return false, ctx.Err()
}

// stop shows why the partition stands still and waits until it may look again:
// after a while, or when the table's definition changes.
func (c *consumer) stop(ctx context.Context, why error) {
	if !c.stopped {
		c.srv.log.Error("partition stopped", "table", c.table.Name, "partition", c.seg.Partition, "err", why)
	}
	c.stopped = true
	c.setState(consumerStoppedGap, why)
	c.srv.health.set(c.gapKey(), "stopped: "+why.Error())
	def := c.rt.table()
	for end := time.Now().Add(gapRecheck); time.Now().Before(end) && ctx.Err() == nil; {
		if c.fixed.Load() != nil || c.rt.table() != def {
			return
		}
		c.pause(ctx, 250*time.Millisecond)
	}
}

func (c *consumer) gapKey() string {
	return fmt.Sprintf("table %s partition %d", c.table.Name, c.seg.Partition)
}
