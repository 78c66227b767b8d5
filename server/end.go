package server

import (
	"context"
	"fmt"
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
	view := c.live.Snapshot()
	c.proposals = append(c.proposals, proposal{c.next, view})
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

// endFailed notes that a proposal had no answer. It waits only when the
// segment must not grow further.
func (c *consumer) endFailed(ctx context.Context, err error) {
	c.srv.metrics.stepErrors.WithLabelValues(stepSeal).Inc()
	c.srv.health.set("controller", err.Error())
	c.srv.log.Warn("the end of a segment could not be proposed", "table", c.table.Name, "segment", c.seg.Name, "err", err)
	if c.beyond(hardBound) {
		c.setState(consumerRetrying, fmt.Errorf("waiting for the controller: %w", err))
		sleep(ctx, time.Second)
	}
}

// ended takes up the fixed end: the rows up to it become the sealed view, the
// next segment is begun at once.
func (c *consumer) ended(res *pb.EndSegmentResponse, reason string) {
	c.live.Seal()
	var chosen segment.Segment
	for _, p := range c.proposals {
		if chosen == nil && string(p.end) == string(res.Ended.EndOffset) && uint64(p.view.NumDocs()) == res.Ended.Rows {
			chosen = p.view
		} else {
			p.view.Release()
		}
	}
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
	if next := res.Next; next != nil && next.Status == pb.SegmentStatus_SEGMENT_CONSUMING && c.srv.set.get(next.Name) == nil && c.placedHere(next) {
		c.srv.launch(c.rt, c.current(), next)
	}
	c.srv.poke()
}

func (c *consumer) placedHere(seg *pb.Segment) bool {
	for _, r := range seg.Replicas {
		if r == c.srv.cfg.Instance.Id {
			return true
		}
	}
	return false
}

// current returns the newest definition of the table.
func (c *consumer) current() *schema.Table {
	if t := c.srv.view.State().Tables[c.table.ID]; t != nil && t.Def != nil {
		return t.Def
	}
	return c.table
}

// endPartition ends the segment of a partition that has no more records, as
// often as it takes.
func (c *consumer) endPartition(ctx context.Context) bool {
	for ctx.Err() == nil {
		if c.end(ctx, "shard_end", true) {
			return true
		}
		sleep(ctx, time.Second)
	}
	return false
}

// gapRecheck is how often a stopped partition looks whether it may go on.
const gapRecheck = 10 * time.Second

// fellBehind handles an offset that the stream no longer holds: by the table's
// policy the partition stops, or goes on behind the gap with a durable record
// of it.
func (c *consumer) fellBehind(ctx context.Context, out *ingest.OutOfRangeError) (done bool, err error) {
	c.closeReader()
	c.srv.log.Error("records left the stream before they were read", "table", c.table.Name, "partition", c.seg.Partition,
		"wanted", c.src.FormatOffset(out.Wanted), "earliest", c.src.FormatOffset(out.Earliest), "missing", out.Missing,
		"policy", string(c.table.Config.OnGap))
	if out.Earliest <= out.Wanted {
		// Beyond the end of the stream: it was truncated or made anew.
		c.setState(consumerStoppedGap, fmt.Errorf("offset %s is beyond the end of the stream (%s)",
			c.src.FormatOffset(out.Wanted), c.src.FormatOffset(out.Latest)))
		sleep(ctx, gapRecheck)
		return false, out
	}
	if c.table.Config.OnGap != schema.GapResume {
		c.setState(consumerStoppedGap, out)
		c.srv.health.set(c.gapKey(), fmt.Sprintf("stopped: %v", out))
		sleep(ctx, gapRecheck)
		return false, out
	}
	c.srv.health.drop(c.gapKey())
	c.gap = out
	for ctx.Err() == nil {
		if c.end(ctx, "gap", false) {
			return true, nil
		}
		sleep(ctx, time.Second)
	}
	return false, ctx.Err()
}

func (c *consumer) gapKey() string {
	return fmt.Sprintf("table %s partition %d", c.table.Name, c.seg.Partition)
}
