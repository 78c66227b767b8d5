package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/auth"
)

const (
	// callTimeout bounds a call whose context has no deadline.
	callTimeout = 15 * time.Second
	// attemptTimeout bounds one attempt at one controller.
	attemptTimeout = 5 * time.Second
	minBackoff     = 20 * time.Millisecond
	maxBackoff     = time.Second
	// MaxMessageBytes bounds one message between roles.
	MaxMessageBytes = 64 << 20
)

// Client calls the controllers over gRPC. Every controller answers every call
// (writes are passed on to the leader), so the client stays with one and moves
// to the next when that fails. All calls are idempotent and are tried again
// until their context ends. A Client is safe for concurrent use.
type Client struct {
	addrs   []string
	conns   []*grpc.ClientConn
	current atomic.Uint32 // index modulo len(conns)
}

var _ Controller = (*Client)(nil)

// Dial returns a client of the controllers at the gRPC addresses. It does not
// wait for a connection. Secret is the cluster secret, "" for none.
func Dial(addrs []string, secret string) (*Client, error) {
	if len(addrs) == 0 {
		return nil, errors.New("no address of a controller is given")
	}
	c := &Client{addrs: addrs}
	for _, a := range addrs {
		conn, err := grpc.NewClient("passthrough:///"+a, DialOptions(secret)...)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("controller %s: %w", a, err), c.Close())
		}
		c.conns = append(c.conns, conn)
	}
	return c, nil
}

// DialOptions returns the options of every connection between roles: the
// cluster secret, message limits, keepalive.
func DialOptions(secret string) []grpc.DialOption {
	opts := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessageBytes), grpc.MaxCallSendMsgSize(MaxMessageBytes)),
	}
	if secret != "" {
		opts = append(opts, grpc.WithPerRPCCredentials(auth.ClusterToken(secret)))
	}
	return opts
}

// ServerOptions returns the options of every gRPC server of a role, matching
// DialOptions.
func ServerOptions(secret string) []grpc.ServerOption {
	return append(auth.ServerOptions(secret),
		grpc.MaxRecvMsgSize(MaxMessageBytes), grpc.MaxSendMsgSize(MaxMessageBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}))
}

// Close ends all connections.
func (c *Client) Close() error {
	var errs []error
	for _, conn := range c.conns {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}

func (c *Client) pick() (pb.ControllerClient, uint32) {
	n := c.current.Load()
	return pb.NewControllerClient(c.conns[int(n)%len(c.conns)]), n
}

// moveOn goes to the next controller unless another call already did.
func (c *Client) moveOn(from uint32) { c.current.CompareAndSwap(from, from+1) }

// call tries a call until it succeeds, is refused, or ctx ends.
func call[R any](ctx context.Context, c *Client, f func(context.Context, pb.ControllerClient) (R, error)) (R, error) {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTimeout)
		defer cancel()
	}
	for backoff := minBackoff; ; backoff = min(2*backoff, maxBackoff) {
		client, n := c.pick()
		res, err := attempt(ctx, client, f)
		if err == nil || !retryable(ctx, err) {
			return res, err
		}
		c.moveOn(n)
		if !sleep(ctx, backoff) {
			return res, Errorf(http.StatusServiceUnavailable, "no controller answered in time: %v", err)
		}
	}
}

func attempt[R any](ctx context.Context, client pb.ControllerClient, f func(context.Context, pb.ControllerClient) (R, error)) (R, error) {
	actx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	res, err := f(actx, client)
	if err != nil && actx.Err() != nil && ctx.Err() == nil {
		return res, ErrUnavailable
	}
	return res, FromStatus(err)
}

func retryable(ctx context.Context, err error) bool {
	return ctx.Err() == nil && errors.Is(err, ErrUnavailable)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Register implements Controller.
func (c *Client) Register(ctx context.Context, r *pb.RegisterRequest) (*pb.RegisterResponse, error) {
	return call(ctx, c, func(ctx context.Context, cc pb.ControllerClient) (*pb.RegisterResponse, error) {
		return cc.Register(ctx, r)
	})
}

// Heartbeat implements Controller.
func (c *Client) Heartbeat(ctx context.Context, r *pb.HeartbeatRequest) (*pb.HeartbeatResponse, error) {
	return call(ctx, c, func(ctx context.Context, cc pb.ControllerClient) (*pb.HeartbeatResponse, error) {
		return cc.Heartbeat(ctx, r)
	})
}

// ProposePartitions implements Controller.
func (c *Client) ProposePartitions(ctx context.Context, r *pb.ProposePartitionsRequest) (*pb.ApplyResponse, error) {
	return call(ctx, c, func(ctx context.Context, cc pb.ControllerClient) (*pb.ApplyResponse, error) {
		return cc.ProposePartitions(ctx, r)
	})
}

// EndSegment implements Controller.
func (c *Client) EndSegment(ctx context.Context, r *pb.EndSegmentRequest) (*pb.EndSegmentResponse, error) {
	return call(ctx, c, func(ctx context.Context, cc pb.ControllerClient) (*pb.EndSegmentResponse, error) {
		return cc.EndSegment(ctx, r)
	})
}

// PublishSegment implements Controller.
func (c *Client) PublishSegment(ctx context.Context, r *pb.PublishSegmentRequest) (*pb.SegmentResponse, error) {
	return call(ctx, c, func(ctx context.Context, cc pb.ControllerClient) (*pb.SegmentResponse, error) {
		return cc.PublishSegment(ctx, r)
	})
}

// DurableSegment implements Controller.
func (c *Client) DurableSegment(ctx context.Context, r *pb.DurableSegmentRequest) (*pb.SegmentResponse, error) {
	return call(ctx, c, func(ctx context.Context, cc pb.ControllerClient) (*pb.SegmentResponse, error) {
		return cc.DurableSegment(ctx, r)
	})
}

// PurgeSegments tells that the deep-store copies of deleted segments are gone.
func (c *Client) PurgeSegments(ctx context.Context, r *pb.PurgeSegmentsRequest) (*pb.ApplyResponse, error) {
	return call(ctx, c, func(ctx context.Context, cc pb.ControllerClient) (*pb.ApplyResponse, error) {
		return cc.PurgeSegments(ctx, r)
	})
}

// Status returns what the controllers know that is not in their log: the
// leader and the latest heartbeats.
func (c *Client) Status(ctx context.Context) (*pb.StatusResponse, error) {
	return call(ctx, c, func(ctx context.Context, cc pb.ControllerClient) (*pb.StatusResponse, error) {
		return cc.Status(ctx, &pb.StatusRequest{})
	})
}

// Watch implements Controller. It ends with the first error; the caller
// watches again, then at the next controller.
func (c *Client) Watch(ctx context.Context, r *pb.WatchRequest, f func(*pb.WatchEvent) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, n := c.pick()
	stream, err := client.Watch(ctx, r)
	if err != nil {
		c.moveOn(n)
		return FromStatus(err)
	}
	for {
		ev, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			err = Errorf(http.StatusServiceUnavailable, "the controller ended the watch")
		}
		if err != nil {
			c.moveOn(n)
			return FromStatus(err)
		}
		if err := f(ev); err != nil {
			return err
		}
	}
}
