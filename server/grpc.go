package server

import (
	"context"
	"encoding/json"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/batchcodec"
	"github.com/alluviumdb/alluvium/query/plan"
)

// grpcServer is the query service over the network: fragments in, Arrow IPC
// batches out.
type grpcServer struct {
	pb.UnimplementedServerServer
	s *Server
}

// RegisterGRPC adds the query service to g.
func (s *Server) RegisterGRPC(g *grpc.Server) { pb.RegisterServerServer(g, grpcServer{s: s}) }

func checkVersion(v uint32) error {
	if v > api.ProtocolVersion {
		return status.Errorf(codes.FailedPrecondition, "protocol version %d is newer than this server's %d", v, api.ProtocolVersion)
	}
	return nil
}

// Execute implements pb.ServerServer.
func (g grpcServer) Execute(r *pb.QueryRequest, out grpc.ServerStreamingServer[pb.QueryChunk]) error {
	if err := checkVersion(r.ProtocolVersion); err != nil {
		return err
	}
	f, err := plan.DecodeFragment(r.Fragment)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	st, err := g.s.Execute(out.Context(), r.QueryId, f, func(b *column.Batch) error {
		raw, err := batchcodec.Encode(b)
		if err != nil {
			return err
		}
		return out.Send(&pb.QueryChunk{Batch: raw})
	})
	if err != nil {
		return out.Send(&pb.QueryChunk{Error: queryError(err)})
	}
	raw, err := json.Marshal(&st)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	return out.Send(&pb.QueryChunk{Stats: raw})
}

func queryError(err error) *pb.QueryError {
	e := &pb.QueryError{Sqlstate: sqlerr.Code(err), Message: err.Error()}
	var se *sqlerr.Error
	if errors.As(err, &se) {
		e.Hint, e.Position = se.Hint, int32(se.Position)
	}
	var missing *MissingError
	if errors.As(err, &missing) {
		e.MissingSegments = missing.Segments
	}
	return e
}

// Cancel implements pb.ServerServer.
func (g grpcServer) Cancel(_ context.Context, r *pb.CancelRequest) (*pb.CancelResponse, error) {
	return &pb.CancelResponse{Found: g.s.Cancel(r.QueryId)}, nil
}

// SystemTable implements pb.ServerServer.
func (g grpcServer) SystemTable(ctx context.Context, r *pb.SystemTableRequest) (*pb.SystemTableResponse, error) {
	if err := checkVersion(r.ProtocolVersion); err != nil {
		return nil, err
	}
	b, err := g.s.SystemTable(ctx, r.Table)
	if err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	raw, err := batchcodec.Encode(b)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &pb.SystemTableResponse{Batch: raw}, nil
}
