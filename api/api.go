// Package api is the protocol between roles: the generated messages in
// api/pb, the version of the protocol, and Go interfaces that are implemented
// both by the role itself (one process) and by a gRPC client. It imports
// nothing of ours but internal/schema.
package api

import (
	"context"

	"github.com/alluviumdb/alluvium/api/pb"
)

//go:generate protoc --go_out=. --go_opt=module=github.com/alluviumdb/alluvium/api --go-grpc_out=. --go-grpc_opt=module=github.com/alluviumdb/alluvium/api pb/cluster.proto pb/server.proto

// ProtocolVersion is the version of the messages between roles. A receiver
// refuses a request of a newer version than its own.
const ProtocolVersion = 1

// Controller is what brokers and servers need of the controllers. It is
// implemented by the controller itself and by Client.
type Controller interface {
	Register(ctx context.Context, r *pb.RegisterRequest) (*pb.RegisterResponse, error)
	Heartbeat(ctx context.Context, r *pb.HeartbeatRequest) (*pb.HeartbeatResponse, error)
	// Watch calls f for every event from the wanted index on, until ctx ends,
	// f returns an error, or the connection breaks (the error is returned and
	// the caller watches again).
	Watch(ctx context.Context, r *pb.WatchRequest, f func(*pb.WatchEvent) error) error
	ProposePartitions(ctx context.Context, r *pb.ProposePartitionsRequest) (*pb.ApplyResponse, error)
	EndSegment(ctx context.Context, r *pb.EndSegmentRequest) (*pb.EndSegmentResponse, error)
	PublishSegment(ctx context.Context, r *pb.PublishSegmentRequest) (*pb.SegmentResponse, error)
	DurableSegment(ctx context.Context, r *pb.DurableSegmentRequest) (*pb.SegmentResponse, error)
}
