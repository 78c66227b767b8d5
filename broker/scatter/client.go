package scatter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/query/exec/batchcodec"
	"github.com/alluviumdb/alluvium/query/plan"
)

// Dialer holds one connection per server address. It implements Servers.
type Dialer struct {
	secret string

	mu    sync.Mutex
	conns map[string]*grpc.ClientConn
}

// NewDialer returns a dialer that proves the cluster secret to servers.
func NewDialer(secret string) *Dialer {
	return &Dialer{secret: secret, conns: map[string]*grpc.ClientConn{}}
}

// Server implements Servers.
func (d *Dialer) Server(st *clusterview.State, instance string) (Server, error) {
	inst := st.Instances[instance]
	if inst == nil || inst.GrpcAddr == "" {
		return nil, fmt.Errorf("instance %s has no known address", instance)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.conns[inst.GrpcAddr]
	if c == nil {
		var err error
		if c, err = grpc.NewClient(inst.GrpcAddr, api.DialOptions(d.secret)...); err != nil {
			return nil, err
		}
		d.conns[inst.GrpcAddr] = c
	}
	return &remote{pb.NewServerClient(c), inst.GrpcAddr}, nil
}

// Close closes all connections.
func (d *Dialer) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, c := range d.conns {
		errs = append(errs, c.Close())
	}
	clear(d.conns)
	return errors.Join(errs...)
}

// remote is a server behind gRPC.
type remote struct {
	c    pb.ServerClient
	addr string
}

// missingError is a server's report of segments that it lacks.
type missingError struct {
	text     string
	segments []string
}

func (e *missingError) Error() string { return e.text }

func (e *missingError) MissingSegments() []string { return e.segments }

// Execute implements Server.
func (r *remote) Execute(ctx context.Context, queryID string, f *plan.Fragment, emit func(*column.Batch) error) (exec.Stats, error) {
	var st exec.Stats
	raw, err := plan.EncodeFragment(f)
	if err != nil {
		return st, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := r.c.Execute(ctx, &pb.QueryRequest{ProtocolVersion: api.ProtocolVersion, QueryId: queryID, Fragment: raw})
	if err != nil {
		return st, err
	}
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return st, errors.New("the answer ended early")
		}
		if err != nil {
			return st, r.refusal(err)
		}
		switch {
		case chunk.Error != nil:
			return st, reported(chunk.Error)
		case chunk.Stats != nil:
			return st, json.Unmarshal(chunk.Stats, &st)
		}
		b, err := batchcodec.Decode(chunk.Batch)
		if err != nil {
			return st, err
		}
		if err := emit(b); err != nil {
			return st, err
		}
	}
}

// refusal tells a server that answers, but not to such a request, from one that
// cannot be reached: asking again is of no use then.
func (r *remote) refusal(err error) error {
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	switch s.Code() {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented, codes.Unauthenticated, codes.PermissionDenied,
		codes.ResourceExhausted:
		return sqlerr.New(sqlerr.InternalError, "the server at %s refuses the fragment: %s", r.addr, s.Message())
	}
	return err
}

func reported(e *pb.QueryError) error {
	if len(e.MissingSegments) > 0 {
		return &missingError{e.Message, e.MissingSegments}
	}
	return &sqlerr.Error{Code: e.Sqlstate, Message: e.Message, Hint: e.Hint, Position: int(e.Position)}
}

// SystemTable implements Server.
func (r *remote) SystemTable(ctx context.Context, name string) (*column.Batch, error) {
	res, err := r.c.SystemTable(ctx, &pb.SystemTableRequest{ProtocolVersion: api.ProtocolVersion, Table: name})
	if err != nil {
		return nil, err
	}
	return batchcodec.Decode(res.Batch)
}

// Local is the server of the same process, for standalone. It implements
// Servers for every instance id.
type Local struct{ S Server }

// Server implements Servers.
func (l Local) Server(*clusterview.State, string) (Server, error) { return l.S, nil }
