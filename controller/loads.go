package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/state"
	"github.com/alluviumdb/alluvium/internal/objstore"
)

// loadsPeriod is how often the leader looks for loads and replaced segments
// whose time is over.
const loadsPeriod = 10 * time.Second

// commitPoll is how often a commit looks whether the servers have everything.
const commitPoll = 50 * time.Millisecond

// proposeLoad proposes a command that answers a load.
func (c *Controller) proposeLoad(ctx context.Context, cmd *pb.Command) (*pb.Load, error) {
	res, err := c.propose(ctx, cmd)
	if err != nil {
		return nil, err
	}
	l := &pb.Load{}
	return l, proto.Unmarshal(res.Result, l)
}

func (c *Controller) beginLoad(ctx context.Context, b *pb.BeginLoad) (*pb.Load, error) {
	if c.cfg.DeepStore == nil {
		return nil, errNoDeepStore()
	}
	return c.proposeLoad(ctx, &pb.Command{Body: &pb.Command_BeginLoad{BeginLoad: b}})
}

// commitLoad waits until the servers have all segments of a load, for at most
// wait, and then makes them visible.
func (c *Controller) commitLoad(ctx context.Context, l *pb.Load, segments uint64, wait time.Duration) (*pb.Load, error) {
	if l.Status == pb.LoadStatus_LOAD_OPEN && l.Segments == segments { // else it is refused at once
		if err := c.awaitStaged(ctx, l, wait); err != nil {
			return nil, err
		}
	}
	out, err := c.proposeLoad(ctx, &pb.Command{Body: &pb.Command_CommitLoad{CommitLoad: &pb.CommitLoad{Load: l.Id, Segments: segments}}})
	if err == nil {
		c.log.Info("load committed", "load", l.Id, "segments", out.Segments, "rows", out.Rows, "replaced", out.Replaced)
	}
	return out, err
}

// awaitStaged waits until every staged segment of a load is served by all of
// its servers that are alive, and by one at least.
func (c *Controller) awaitStaged(ctx context.Context, l *pb.Load, wait time.Duration) error {
	deadline := c.cfg.Now().Add(wait)
	for pause := commitPoll; ; pause = min(2*pause, time.Second) {
		missing := unloaded(c.State(), l, c.observed(ctx))
		if len(missing) == 0 {
			return nil
		}
		if !c.cfg.Now().Before(deadline) {
			more := ""
			if n := len(missing) - 3; n > 0 {
				more = fmt.Sprintf(" and %d more", n)
			}
			return api.Errorf(http.StatusServiceUnavailable, "not all segments are loaded yet, so that nothing was committed: %s%s",
				strings.Join(missing[:min(len(missing), 3)], "; "), more)
		}
		if !sleep(ctx, c.ctx, pause) {
			return api.ErrUnavailable
		}
	}
}

// unloaded says which staged segments of a load are not served yet, and why.
func unloaded(st *state.State, l *pb.Load, observed map[string]observation) []string {
	want := map[string]bool{}
	for seg := range st.LoadSegments(l) {
		want[seg.Name] = true
	}
	reports := map[string]map[string]*pb.SegmentReport{} // by instance and segment
	for id, o := range observed {
		if o.alive {
			reports[id] = map[string]*pb.SegmentReport{}
			for _, r := range o.beat.GetSegments() {
				if want[r.Name] {
					reports[id][r.Name] = r
				}
			}
		}
	}
	var out []string
	for seg := range st.LoadSegments(l) {
		if why := missingAt(seg, reports); why != "" {
			out = append(out, "segment "+seg.Name+" "+why)
		}
	}
	return out
}

// missingAt says what keeps a segment from being served, "" for nothing.
func missingAt(seg *pb.Segment, reports map[string]map[string]*pb.SegmentReport) string {
	if len(seg.Replicas) == 0 {
		return "has no server: none of the table's tenant is alive"
	}
	served := 0
	for _, id := range seg.Replicas {
		list, alive := reports[id]
		switch r := list[seg.Name]; {
		case !alive:
		case r.GetState() == "ONLINE":
			served++
		case r.GetError() != "":
			return "fails at " + id + ": " + r.Error
		default:
			return "is not loaded at " + id
		}
	}
	if served == 0 {
		return fmt.Sprintf("has no live server among %v", seg.Replicas)
	}
	return ""
}

func (c *Controller) abortLoad(ctx context.Context, a *pb.AbortLoad) (*pb.Load, error) {
	l, err := c.proposeLoad(ctx, &pb.Command{Body: &pb.Command_AbortLoad{AbortLoad: a}})
	if err == nil && l.Status == pb.LoadStatus_LOAD_ABORTED {
		c.log.Info("load aborted", "load", l.Id, "reason", l.Reason)
	}
	return l, err
}

// keepLoads aborts loads that nobody goes on with, drops segments that were
// replaced a while ago, and tidies up after finished loads.
func (c *Controller) keepLoads(ctx context.Context) error {
	return errors.Join(c.expireLoads(ctx), c.dropRetired(ctx), c.tidyLoads(ctx))
}

func (c *Controller) expireLoads(ctx context.Context) error {
	st := c.State()
	limit := durationSetting(st, settingLoadExpiry, c.cfg.LoadExpiry)
	oldest := c.cfg.Now().Add(-limit).UnixMicro()
	for l := range st.Loads() {
		if l.Status != pb.LoadStatus_LOAD_OPEN || l.TouchedMicros > oldest {
			continue
		}
		reason := fmt.Sprintf("nothing was done about it for %v", limit)
		if _, err := c.abortLoad(ctx, &pb.AbortLoad{Load: l.Id, Reason: reason, TouchedMicros: l.TouchedMicros}); err != nil {
			return err
		}
	}
	return nil
}

// dropRetired deletes segments that a load replaced when no query can be
// reading them any more.
func (c *Controller) dropRetired(ctx context.Context) error {
	st := c.State()
	oldest := c.cfg.Now().Add(-durationSetting(st, settingRetiredKeep, c.cfg.RetiredKeep)).UnixMicro()
	byTable := map[uint32][]string{}
	for seg := range st.Segments() {
		if seg.RetiredMicros != 0 && seg.RetiredMicros <= oldest {
			byTable[seg.TableId] = append(byTable[seg.TableId], seg.Name)
		}
	}
	for id, names := range byTable {
		for part := range slices.Chunk(names, maxAssignments) {
			cmd := &pb.DeleteSegments{TableId: id, Segments: part, Reason: "replaced"}
			if _, err := c.propose(ctx, &pb.Command{Body: &pb.Command_DeleteSegments{DeleteSegments: cmd}}); err != nil {
				return err
			}
		}
		c.log.Info("replaced segments dropped", "table", st.Table(id).GetName(), "segments", len(names))
	}
	return nil
}

// tidyLoads deletes files that uploads left in the deep store without entering
// them into the log: a controller died in between.
func (c *Controller) tidyLoads(ctx context.Context) error {
	if c.cfg.DeepStore == nil {
		return nil
	}
	st := c.State()
	var done []uint64
	for l := range st.Loads() {
		if l.Status == pb.LoadStatus_LOAD_OPEN || l.Tidied {
			continue
		}
		if err := c.tidy(ctx, st, l); err != nil {
			return fmt.Errorf("tidying up after load %d: %w", l.Id, err)
		}
		done = append(done, l.Id)
	}
	if len(done) == 0 {
		return nil
	}
	_, err := c.propose(ctx, &pb.Command{Body: &pb.Command_TidyLoads{TidyLoads: &pb.TidyLoads{Loads: done}}})
	return err
}

func (c *Controller) tidy(ctx context.Context, st *state.State, l *pb.Load) error {
	known := map[string]bool{}
	for seg := range st.LoadSegments(l) {
		known[seg.Uri] = true
	}
	for seg := range st.Deleted() {
		if len(seg.Replicas) > 0 {
			known[seg.Uri] = true // its servers delete it
		}
	}
	var orphans []string
	err := c.cfg.DeepStore.List(ctx, loadPrefix(st.Table(l.TableId).GetName(), l.Id), func(i objstore.Info) error {
		if !known[c.cfg.DeepStore.URI(i.Key)] {
			orphans = append(orphans, i.Key)
		}
		return nil
	})
	for _, key := range orphans {
		err = errors.Join(err, c.cfg.DeepStore.Delete(ctx, key))
	}
	return err
}
