package controller

import (
	"context"
	"math"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/state"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// expire drops the segments whose rows are all older than their table's
// retention.
func (c *Controller) expire(ctx context.Context) error {
	st := c.State()
	for tab := range st.Tables() {
		def, err := api.DecodeTable(tab)
		if err != nil || def.Config.Retention == 0 {
			continue
		}
		for names := expired(st, def, c.cfg.Now()); len(names) > 0; {
			n := min(len(names), maxAssignments)
			cmd := &pb.DeleteSegments{TableId: tab.Id, Segments: names[:n], Reason: "retention"}
			if _, err := c.propose(ctx, &pb.Command{Body: &pb.Command_DeleteSegments{DeleteSegments: cmd}}); err != nil {
				return err
			}
			c.metrics.expired.Add(float64(n))
			c.log.Info("segments expired", "table", tab.Name, "segments", n, "first", names[0])
			names = names[n:]
		}
	}
	return nil
}

// expired returns the committed segments of a table that hold only rows older
// than its retention.
func expired(st *state.State, def *schema.Table, now time.Time) []string {
	oldest := now.Add(-def.Config.Retention).UnixMicro()
	var out []string
	for seg := range st.TableSegments(def.ID) {
		if seg.Status != pb.SegmentStatus_SEGMENT_COMMITTED && seg.Status != pb.SegmentStatus_SEGMENT_DURABLE {
			continue
		}
		if !api.Visible(seg) {
			continue // its load decides
		}
		if newest, ok := newestMicros(def, seg); ok && newest < oldest {
			out = append(out, seg.Name)
		}
	}
	return out
}

// newestMicros returns the time of a segment's newest row in µs. A time column
// of numbers is turned by its epoch format; a segment without time range, such
// as one with textual times, is as old as its end.
func newestMicros(def *schema.Table, seg *pb.Segment) (int64, bool) {
	i := def.Schema.Index(def.Config.TimeColumn)
	if i < 0 {
		return 0, false
	}
	f := &def.Schema.Fields[i]
	switch {
	case !seg.HasTime:
		return seg.EndedMicros, seg.EndedMicros > 0
	case f.Type.IsTime():
		return seg.MaxTime, true
	case f.Format.Kind == schema.FormatEpoch:
		return epochMicros(seg.MaxTime, f.Format), true
	}
	return seg.EndedMicros, seg.EndedMicros > 0
}

// epochMicros turns a count of an epoch format into µs, held at the largest
// number instead of overflowing.
func epochMicros(n int64, f schema.TimeFormat) int64 {
	tick := f.Unit.Duration()
	size := max(f.Size, 1)
	if f.Unit == schema.UnitNanos {
		return n / 1000 * size
	}
	perTick := int64(tick/time.Microsecond) * size
	switch {
	case n > math.MaxInt64/perTick:
		return math.MaxInt64
	case n < math.MinInt64/perTick:
		return math.MinInt64
	}
	return n * perTick
}
