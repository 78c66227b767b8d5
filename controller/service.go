package controller

import (
	"context"
	"net/http"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// Register implements api.Controller.
func (c *Controller) Register(ctx context.Context, r *pb.RegisterRequest) (*pb.RegisterResponse, error) {
	if err := api.CheckVersion(r.GetProtocolVersion()); err != nil {
		return nil, err
	}
	res, err := c.propose(ctx, &pb.Command{Body: &pb.Command_PutInstance{PutInstance: &pb.PutInstance{Instance: r.GetInstance()}}})
	if err != nil {
		return nil, err
	}
	return &pb.RegisterResponse{ClusterId: c.State().ClusterID, LeaseMillis: c.cfg.Lease.Milliseconds(), Index: res.Index}, nil
}

// Heartbeat implements api.Controller. Only the leader keeps it; others pass it
// on.
func (c *Controller) Heartbeat(ctx context.Context, r *pb.HeartbeatRequest) (*pb.HeartbeatResponse, error) {
	if err := api.CheckVersion(r.GetProtocolVersion()); err != nil {
		return nil, err
	}
	if c.node == nil || !c.node.IsLeader() {
		leader, err := c.leaderClient()
		if err != nil {
			return nil, api.Errorf(http.StatusServiceUnavailable, "%v", err)
		}
		res, err := leader.Heartbeat(forwarded(ctx), r)
		return res, api.FromStatus(err)
	}
	return c.heartbeatHere(r), nil
}

func (c *Controller) heartbeatHere(r *pb.HeartbeatRequest) *pb.HeartbeatResponse {
	known := c.State().Instance(r.InstanceId) != nil
	if known {
		c.leases.heard(r)
	}
	return &pb.HeartbeatResponse{LeaseMillis: c.cfg.Lease.Milliseconds(), UnknownInstance: !known}
}

// Watch implements api.Controller. The messages in the events are shared with
// the state: f must not change them.
func (c *Controller) Watch(ctx context.Context, r *pb.WatchRequest, f func(*pb.WatchEvent) error) error {
	if err := api.CheckVersion(r.GetProtocolVersion()); err != nil {
		return err
	}
	if c.node == nil {
		return api.ErrUnavailable
	}
	c.metrics.watchers.Inc()
	defer c.metrics.watchers.Dec()
	return c.node.Watch(ctx, r.GetFromIndex(), f)
}

// ProposePartitions implements api.Controller.
func (c *Controller) ProposePartitions(ctx context.Context, r *pb.ProposePartitionsRequest) (*pb.ApplyResponse, error) {
	if err := api.CheckVersion(r.GetProtocolVersion()); err != nil {
		return nil, err
	}
	return c.propose(ctx, &pb.Command{
		TimeMicros: r.TimeMicros,
		Body:       &pb.Command_ProposePartitions{ProposePartitions: &pb.ProposePartitions{Request: r}},
	})
}

// EndSegment implements api.Controller.
func (c *Controller) EndSegment(ctx context.Context, r *pb.EndSegmentRequest) (*pb.EndSegmentResponse, error) {
	out := &pb.EndSegmentResponse{}
	err := c.complete(ctx, r.GetProtocolVersion(), &pb.Command{
		TimeMicros: r.TimeMicros,
		Body:       &pb.Command_EndSegment{EndSegment: &pb.EndSegment{Request: r}},
	}, out)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// PublishSegment implements api.Controller. A file that differs from the
// committed one is refused with ErrConflict and noted in the segment.
func (c *Controller) PublishSegment(ctx context.Context, r *pb.PublishSegmentRequest) (*pb.SegmentResponse, error) {
	out := &pb.SegmentResponse{}
	err := c.complete(ctx, r.GetProtocolVersion(), &pb.Command{
		TimeMicros: r.TimeMicros,
		Body:       &pb.Command_PublishSegment{PublishSegment: r},
	}, out)
	if err != nil {
		return nil, err
	}
	if s := out.Segment; s.Crc != r.Crc || s.Bytes != r.Bytes {
		c.metrics.conflicts.Inc()
		c.log.Error("a replica built another file", "segment", s.Name, "replica", r.InstanceId,
			"crc", r.Crc, "committed", s.Crc, "bytes", r.Bytes, "committedBytes", s.Bytes)
		return nil, api.Errorf(http.StatusConflict, "segment %s is committed with crc %08x, %d bytes; this file has crc %08x, %d bytes",
			s.Name, s.Crc, s.Bytes, r.Crc, r.Bytes)
	}
	return out, nil
}

// DurableSegment implements api.Controller.
func (c *Controller) DurableSegment(ctx context.Context, r *pb.DurableSegmentRequest) (*pb.SegmentResponse, error) {
	out := &pb.SegmentResponse{}
	err := c.complete(ctx, r.GetProtocolVersion(), &pb.Command{Body: &pb.Command_DurableSegment{DurableSegment: r}}, out)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// complete proposes a step of a segment's completion and decodes its answer.
func (c *Controller) complete(ctx context.Context, version uint32, cmd *pb.Command, out proto.Message) error {
	if err := api.CheckVersion(version); err != nil {
		return err
	}
	res, err := c.propose(ctx, cmd)
	if err != nil {
		return err
	}
	return proto.Unmarshal(res.Result, out)
}

// PurgeSegments tells that the deep-store copies of deleted segments are gone.
func (c *Controller) PurgeSegments(ctx context.Context, r *pb.PurgeSegmentsRequest) (*pb.ApplyResponse, error) {
	return c.propose(ctx, &pb.Command{Body: &pb.Command_PurgeSegments{PurgeSegments: r}})
}
