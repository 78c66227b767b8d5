package controller

import (
	"context"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// forwardedKey marks calls that one controller passes to another, so that they
// are not passed on in circles.
const forwardedKey = "alluvium-forwarded"

func forwarded(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, forwardedKey, "1")
}

func wasForwarded(ctx context.Context) bool {
	md, _ := metadata.FromIncomingContext(ctx)
	return len(md.Get(forwardedKey)) > 0
}

// RegisterGRPC adds the controller's service to a gRPC server, which must have
// been made with api.ServerOptions.
func (c *Controller) RegisterGRPC(s *grpc.Server) {
	pb.RegisterControllerServer(s, &grpcService{c: c})
}

// grpcService adapts a Controller to gRPC.
type grpcService struct {
	pb.UnimplementedControllerServer
	c *Controller
}

// Register implements pb.ControllerServer.
func (g *grpcService) Register(ctx context.Context, r *pb.RegisterRequest) (*pb.RegisterResponse, error) {
	res, err := g.c.Register(ctx, r)
	return res, api.ToStatus(err)
}

// Heartbeat implements pb.ControllerServer.
func (g *grpcService) Heartbeat(ctx context.Context, r *pb.HeartbeatRequest) (*pb.HeartbeatResponse, error) {
	if wasForwarded(ctx) && !g.c.leads() {
		return nil, api.ToStatus(errNotLeader())
	}
	res, err := g.c.Heartbeat(ctx, r)
	return res, api.ToStatus(err)
}

// Watch implements pb.ControllerServer.
func (g *grpcService) Watch(r *pb.WatchRequest, s grpc.ServerStreamingServer[pb.WatchEvent]) error {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	defer context.AfterFunc(g.c.ctx, cancel)()
	err := g.c.Watch(ctx, r, s.Send)
	if g.c.ctx.Err() != nil {
		err = api.Errorf(http.StatusServiceUnavailable, "the controller is closing")
	}
	return api.ToStatus(err)
}

// ProposePartitions implements pb.ControllerServer.
func (g *grpcService) ProposePartitions(ctx context.Context, r *pb.ProposePartitionsRequest) (*pb.ApplyResponse, error) {
	res, err := g.c.ProposePartitions(ctx, r)
	return res, api.ToStatus(err)
}

// EndSegment implements pb.ControllerServer.
func (g *grpcService) EndSegment(ctx context.Context, r *pb.EndSegmentRequest) (*pb.EndSegmentResponse, error) {
	res, err := g.c.EndSegment(ctx, r)
	return res, api.ToStatus(err)
}

// PublishSegment implements pb.ControllerServer.
func (g *grpcService) PublishSegment(ctx context.Context, r *pb.PublishSegmentRequest) (*pb.SegmentResponse, error) {
	res, err := g.c.PublishSegment(ctx, r)
	return res, api.ToStatus(err)
}

// DurableSegment implements pb.ControllerServer.
func (g *grpcService) DurableSegment(ctx context.Context, r *pb.DurableSegmentRequest) (*pb.SegmentResponse, error) {
	res, err := g.c.DurableSegment(ctx, r)
	return res, api.ToStatus(err)
}

// PurgeSegments implements pb.ControllerServer.
func (g *grpcService) PurgeSegments(ctx context.Context, r *pb.PurgeSegmentsRequest) (*pb.ApplyResponse, error) {
	res, err := g.c.PurgeSegments(ctx, r)
	return res, api.ToStatus(err)
}

// Apply implements pb.ControllerServer: a command that another controller
// passes to the leader.
func (g *grpcService) Apply(ctx context.Context, r *pb.ApplyRequest) (*pb.ApplyResponse, error) {
	if err := api.CheckVersion(r.GetProtocolVersion()); err != nil {
		return nil, api.ToStatus(err)
	}
	if !g.c.leads() {
		return nil, api.ToStatus(errNotLeader())
	}
	cmd := &pb.Command{}
	if err := proto.Unmarshal(r.GetCommand(), cmd); err != nil {
		return nil, api.ToStatus(api.Errorf(http.StatusBadRequest, "the command cannot be read: %v", err))
	}
	res, err := g.c.applyHere(ctx, cmd)
	if err != nil && tryAgain(err) {
		err = api.Errorf(http.StatusServiceUnavailable, "%v", err)
	}
	return res, api.ToStatus(err)
}

// Status implements pb.ControllerServer.
func (g *grpcService) Status(ctx context.Context, _ *pb.StatusRequest) (*pb.StatusResponse, error) {
	if wasForwarded(ctx) && !g.c.leads() {
		return nil, api.ToStatus(errNotLeader())
	}
	res, err := g.c.Status(ctx)
	return res, api.ToStatus(err)
}

func errNotLeader() error {
	return api.Errorf(http.StatusServiceUnavailable, "this controller is not the leader")
}

func (c *Controller) leads() bool { return c.node != nil && c.node.IsLeader() }

// Status returns the leader and the latest heartbeats, asked of the leader.
func (c *Controller) Status(ctx context.Context) (*pb.StatusResponse, error) {
	if !c.leads() {
		leader, err := c.leaderClient()
		if err != nil {
			return nil, api.Errorf(http.StatusServiceUnavailable, "%v", err)
		}
		res, err := leader.Status(forwarded(ctx), &pb.StatusRequest{})
		return res, api.FromStatus(err)
	}
	res := &pb.StatusResponse{LeaderId: c.cfg.ID, LeaderGrpc: c.cfg.AdvertiseGRPC, Index: c.State().Index}
	for id, o := range c.leases.all() {
		beat := o.beat
		if beat == nil {
			beat = &pb.HeartbeatRequest{InstanceId: id}
		}
		res.Heartbeats = append(res.Heartbeats, beat)
		res.HeartbeatAgeMillis = append(res.HeartbeatAgeMillis, o.age.Milliseconds())
	}
	return res, nil
}

// observed returns what the leader last heard of every instance; empty when
// there is no leader to ask.
func (c *Controller) observed(ctx context.Context) map[string]observation {
	if c.leads() {
		return c.leases.all()
	}
	out := map[string]observation{}
	res, err := c.Status(ctx)
	if err != nil {
		return out
	}
	for i, h := range res.Heartbeats {
		if i < len(res.HeartbeatAgeMillis) {
			age := millis(res.HeartbeatAgeMillis[i])
			out[h.InstanceId] = observation{beat: h, age: age, alive: age <= c.cfg.Lease}
		}
	}
	return out
}
