package controller

import (
	"context"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/state"
)

// purge forgets deleted segments that their servers have dealt with. before is
// the state at the previous look, nil for none; it returns the present one.
func (c *Controller) purge(ctx context.Context, before *state.State) (*state.State, error) {
	st := c.State()
	if before == nil {
		return st, nil
	}
	observed := c.observed(ctx)
	for names := purgeable(before, st, observed); len(names) > 0; {
		n := min(len(names), maxAssignments)
		if _, err := c.PurgeSegments(ctx, &pb.PurgeSegmentsRequest{Segments: names[:n]}); err != nil {
			return before, err
		}
		names = names[n:]
	}
	return st, nil
}

// purgeable returns the segments that were deleted by the earlier state and
// whose servers are all alive and have seen that state since.
func purgeable(before, now *state.State, observed map[string]observation) []string {
	stillThere := map[string]bool{}
	for seg := range now.Deleted() {
		stillThere[seg.Name] = true
	}
	var out []string
	for seg := range before.Deleted() {
		seen := stillThere[seg.Name]
		for _, id := range seg.Replicas {
			o := observed[id]
			seen = seen && o.alive && o.beat.GetAppliedIndex() >= before.Index
		}
		if seen {
			out = append(out, seg.Name)
		}
	}
	return out
}
