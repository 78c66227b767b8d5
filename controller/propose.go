package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/raft"
	"github.com/alluviumdb/alluvium/controller/state"
)

const (
	proposeTimeout = 15 * time.Second
	forwardTimeout = 5 * time.Second
	minBackoff     = 10 * time.Millisecond
	maxBackoff     = 500 * time.Millisecond
)

// newKey returns an idempotency key for a command that is not idempotent by
// itself.
func newKey() string { return uuid.NewString() }

// propose brings a command into the log, by whichever controller leads, and
// returns its answer once the state here has it. While the leadership changes
// it tries again until ctx ends (at most proposeTimeout without a deadline);
// commands are idempotent, so that trying twice is not doing twice. A refusal
// is an *api.Error.
func (c *Controller) propose(ctx context.Context, cmd *pb.Command) (*pb.ApplyResponse, error) {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, proposeTimeout)
		defer cancel()
	}
	cmd.Version, cmd.Proposer = state.CommandVersion, c.cfg.ID
	if cmd.TimeMicros == 0 {
		cmd.TimeMicros = c.cfg.Now().UnixMicro()
	}
	for backoff := minBackoff; ; backoff = min(2*backoff, maxBackoff) {
		res, err := c.proposeOnce(ctx, cmd)
		if err == nil {
			return res, refused(res)
		}
		if !tryAgain(err) {
			return nil, err
		}
		if !sleep(ctx, c.ctx, backoff) {
			return nil, api.Errorf(http.StatusServiceUnavailable, "no leader took the change in time: %v", err)
		}
	}
}

func refused(res *pb.ApplyResponse) error {
	if res.Code == 0 {
		return nil
	}
	return &api.Error{Code: int(res.Code), Message: res.Error}
}

func tryAgain(err error) bool {
	return errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrUncertain) || errors.Is(err, api.ErrUnavailable) ||
		errors.Is(err, context.DeadlineExceeded)
}

// sleep waits for d; false means that one of the contexts ended.
func sleep(a, b context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-a.Done():
	case <-b.Done():
	}
	return false
}

func (c *Controller) proposeOnce(ctx context.Context, cmd *pb.Command) (*pb.ApplyResponse, error) {
	if c.node == nil {
		return nil, raft.ErrNotLeader
	}
	if c.node.IsLeader() {
		return c.applyHere(ctx, cmd)
	}
	return c.forward(ctx, cmd)
}

// applyHere decides what is the leader's to decide and applies the command.
func (c *Controller) applyHere(ctx context.Context, cmd *pb.Command) (*pb.ApplyResponse, error) {
	start := time.Now()
	c.decide(cmd)
	raw, err := proto.Marshal(cmd)
	if err != nil {
		return nil, fmt.Errorf("encoding a command: %w", err)
	}
	res, err := c.node.Apply(ctx, raw)
	if err != nil {
		return nil, err
	}
	c.metrics.applied(commandKind(cmd), res.Code, time.Since(start))
	if in := cmd.GetPutInstance().GetInstance(); in != nil && res.Code == 0 {
		c.leases.touch(in.Id)
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	return &pb.ApplyResponse{Index: res.Index, Code: res.Code, Error: res.Error, Result: res.Answer}, nil
}

// forward sends a command to the leader and waits until its effect is here.
func (c *Controller) forward(ctx context.Context, cmd *pb.Command) (*pb.ApplyResponse, error) {
	leader, err := c.leaderClient()
	if err != nil {
		return nil, err
	}
	raw, err := proto.Marshal(cmd)
	if err != nil {
		return nil, fmt.Errorf("encoding a command: %w", err)
	}
	actx, cancel := context.WithTimeout(ctx, forwardTimeout)
	defer cancel()
	res, err := leader.Apply(actx, &pb.ApplyRequest{ProtocolVersion: api.ProtocolVersion, Command: raw})
	if err != nil {
		return nil, afterForward(actx, err)
	}
	return res, c.node.WaitIndex(actx, res.Index)
}

// catchUp waits until the state here is as new as the leader's was when asked.
func (c *Controller) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, forwardTimeout)
	defer cancel()
	if c.leads() && c.node.Barrier(ctx) == nil {
		return nil
	}
	if res, err := c.Status(ctx); err == nil && c.node.WaitIndex(ctx, res.Index) == nil {
		return nil
	}
	return api.Errorf(http.StatusServiceUnavailable, "this controller cannot tell whether it is up to date: no leader answers in time")
}

// afterForward sorts the errors of a forwarded call.
func afterForward(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", raft.ErrUncertain, ctx.Err())
	}
	return api.FromStatus(err)
}

// leaderClient returns a client of the leader.
func (c *Controller) leaderClient() (pb.ControllerClient, error) {
	if c.node == nil {
		return nil, raft.ErrNotLeader
	}
	id := c.node.Leader()
	in := c.State().Instance(id)
	if id == "" || id == c.cfg.ID || in.GetGrpcAddr() == "" {
		return nil, fmt.Errorf("%w, and the leader %q is not known yet", raft.ErrNotLeader, id)
	}
	return c.peers.client(in.GrpcAddr)
}

// commandKind names a command's kind for metrics and logs.
func commandKind(cmd *pb.Command) string {
	m := cmd.ProtoReflect()
	if f := m.WhichOneof(m.Descriptor().Oneofs().ByName("body")); f != nil {
		return string(f.Name())
	}
	return "unknown"
}
