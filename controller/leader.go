package controller

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/assign"
	"github.com/alluviumdb/alluvium/controller/state"
	"github.com/alluviumdb/alluvium/internal/auth"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Periods of the leader's work.
const (
	repairPeriod    = time.Second
	retentionPeriod = time.Minute
	// maxAssignments bounds one command.
	maxAssignments = 1000
)

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// leadership runs lead while this controller leads.
func (c *Controller) leadership() {
	stop := func() {}
	defer func() { stop() }()
	for {
		select {
		case leading := <-c.node.Leadership():
			stop()
			stop = func() {}
			c.metrics.leadershipChanges.Inc()
			if leading {
				stop = c.startLeading()
			} else {
				c.log.Info("no longer the leader")
			}
		case <-c.ctx.Done():
			return
		}
	}
}

// startLeading starts lead and returns what ends it.
func (c *Controller) startLeading() (stop func()) {
	ctx, cancel := context.WithCancel(c.ctx)
	done := make(chan struct{})
	c.leases.begin()
	go func() {
		defer close(done)
		c.lead(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// lead sets the cluster up if it is new and then keeps it in order.
func (c *Controller) lead(ctx context.Context) {
	for backoff := minBackoff; ; backoff = min(2*backoff, maxBackoff) {
		err := c.takeOver(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		c.log.Warn("taking over failed and is tried again", "err", err)
		if !sleep(ctx, c.ctx, backoff) {
			return
		}
	}
	c.log.Info("leading", "index", c.State().Index)
	c.keepOrder(ctx)
}

// takeOver waits until all that was committed is applied, and makes the
// cluster's first entries.
func (c *Controller) takeOver(ctx context.Context) error {
	if err := c.node.Barrier(ctx); err != nil {
		return err
	}
	st := c.State()
	if st.ClusterID == "" {
		if err := c.bootstrap(ctx); err != nil {
			return fmt.Errorf("setting up the cluster: %w", err)
		}
	} else if c.cfg.AdminPassword != "" && st.User(auth.LoopbackUser) == nil {
		if err := c.putAdmin(ctx); err != nil {
			return err
		}
	}
	c.caughtUp.Store(true)
	_, err := c.propose(ctx, &pb.Command{Body: &pb.Command_PutInstance{PutInstance: &pb.PutInstance{Instance: c.self()}}})
	return err
}

func (c *Controller) bootstrap(ctx context.Context) error {
	id := make([]byte, 12)
	rand.Read(id) // crypto/rand.Read never fails
	b := &pb.Bootstrap{ClusterId: hex.EncodeToString(id)}
	if c.cfg.AdminPassword != "" {
		admin, err := c.admin()
		if err != nil {
			return err
		}
		b.Admin = admin
	}
	_, err := c.propose(ctx, &pb.Command{Body: &pb.Command_Bootstrap{Bootstrap: b}})
	return err
}

func (c *Controller) admin() (*pb.User, error) {
	v, err := auth.NewVerifier(c.cfg.AdminPassword)
	if err != nil {
		return nil, err
	}
	return &pb.User{Name: auth.LoopbackUser, ScramVerifier: v, Admin: true}, nil
}

// putAdmin makes the user admin in a cluster that was begun without one.
func (c *Controller) putAdmin(ctx context.Context) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	_, err = c.propose(ctx, &pb.Command{Body: &pb.Command_PutUser{PutUser: &pb.PutUser{User: admin}}})
	return err
}

// keepOrder repairs placements, drops expired segments and forgets deleted ones
// until ctx ends.
func (c *Controller) keepOrder(ctx context.Context) {
	repair := time.NewTicker(min(repairPeriod, c.cfg.Lease/4))
	defer repair.Stop()
	retention := time.NewTicker(retentionPeriod)
	defer retention.Stop()
	loads := time.NewTicker(loadsPeriod)
	defer loads.Stop()
	var lastLook *state.State
	for {
		var err error
		select {
		case <-repair.C:
			err = c.repair(ctx)
		case <-c.wake:
			err = c.repair(ctx)
		case <-retention.C:
			if err = c.expire(ctx); err == nil {
				lastLook, err = c.purge(ctx, lastLook)
			}
		case <-loads.C:
			err = c.keepLoads(ctx)
		case <-ctx.Done():
			return
		}
		if err != nil && ctx.Err() == nil {
			c.log.Warn("keeping the cluster in order failed and is tried again", "err", err)
		}
	}
}

// repair gives segments of lost servers, and segments without any, to others.
func (c *Controller) repair(ctx context.Context) error {
	st := c.State()
	loads := assign.LoadsOf(st)
	for tab := range st.Tables() {
		t, candidates := c.assignable(st, tab)
		moves := assign.Repair(st, loads, candidates, tab.Id, t, c.gone(st))
		for len(moves) > 0 {
			n := min(len(moves), maxAssignments)
			cmd := &pb.AssignSegments{Assignments: moves[:n], Reason: "server lost"}
			if _, err := c.propose(ctx, &pb.Command{Body: &pb.Command_AssignSegments{AssignSegments: cmd}}); err != nil {
				return err
			}
			c.metrics.reassigned.Add(float64(n))
			c.log.Info("segments given to other servers", "table", tab.Name, "segments", n, "first", moves[0].Segment,
				"from", moves[0].Expected, "to", moves[0].Replicas)
			moves = moves[n:]
		}
	}
	return nil
}

// gone returns the test for servers that are lost: not registered, or silent
// for longer than lease and grace.
func (c *Controller) gone(st *state.State) func(id string) bool {
	limit := c.cfg.Lease + c.grace(st)
	return func(id string) bool { return st.Instance(id) == nil || c.leases.silent(id) > limit }
}

// assignable returns what assignment needs to know of a table, and the servers
// that can take its segments.
func (c *Controller) assignable(st *state.State, tab *pb.Table) (assign.Table, []string) {
	cfg, _, _, _, err := schema.ParsePinotTable(tab.ConfigJson)
	if err != nil {
		return assign.Table{}, nil
	}
	return assign.Table{Tenant: cfg.ServerTenant, Replication: cfg.Replication},
		assign.Candidates(st, cfg.ServerTenant, c.leases.alive)
}

// decide fills in what only the leader knows: which servers are alive to take
// new partitions.
func (c *Controller) decide(cmd *pb.Command) {
	st := c.State()
	switch b := cmd.Body.(type) {
	case *pb.Command_ProposePartitions:
		p := b.ProposePartitions
		if tab := st.Table(p.GetRequest().GetTableId()); tab != nil && len(p.Placements) == 0 {
			p.Placements = c.place(st, tab, append(st.Waiting(tab.Id), p.Request.Partitions...))
		}
	case *pb.Command_StageSegment:
		c.placeStaged(st, b.StageSegment)
	case *pb.Command_EndSegment:
		e := b.EndSegment
		seg := st.Segment(e.GetRequest().GetSegment())
		if seg == nil || !e.Request.PartitionDone || len(e.Placements) > 0 {
			return
		}
		if tab := st.Table(seg.TableId); tab != nil {
			e.Placements = c.place(st, tab, st.Waiting(tab.Id))
		}
	}
}

func (c *Controller) place(st *state.State, tab *pb.Table, partitions []*pb.Partition) []*pb.Placement {
	var fresh []*pb.Partition
	for _, p := range partitions {
		if known := st.Partition(tab.Id, p.Id); known == nil || !known.Opened {
			fresh = append(fresh, p)
		}
	}
	t, candidates := c.assignable(st, tab)
	return assign.Partitions(assign.LoadsOf(st), candidates, t, fresh)
}

// reportSelf keeps this controller registered and sends its own heartbeats,
// to itself while it leads.
func (c *Controller) reportSelf() {
	for {
		if err := c.reportOnce(); err != nil && c.ctx.Err() == nil {
			c.log.Debug("heartbeat failed", "err", err)
		}
		if !sleep(c.ctx, c.ctx, min(time.Second, c.cfg.Lease/4)) {
			return
		}
	}
}

func (c *Controller) reportOnce() error {
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.Lease)
	defer cancel()
	health, _ := c.Health()
	res, err := c.Heartbeat(ctx, &pb.HeartbeatRequest{
		ProtocolVersion: api.ProtocolVersion, InstanceId: c.cfg.ID, AppliedIndex: c.State().Index, Health: health,
	})
	if err != nil {
		return err
	}
	if res.UnknownInstance && c.State().ClusterID != "" {
		_, err = c.Register(ctx, &pb.RegisterRequest{ProtocolVersion: api.ProtocolVersion, Instance: c.self()})
	}
	return err
}
