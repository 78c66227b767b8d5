package scatter

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/query/exec/batchcodec"
	"github.com/alluviumdb/alluvium/query/plan"
)

// wire is a query service whose answers are scripted.
type wire struct {
	pb.UnimplementedServerServer
	answer func(*pb.QueryRequest, grpc.ServerStreamingServer[pb.QueryChunk]) error
}

func (w *wire) Execute(r *pb.QueryRequest, out grpc.ServerStreamingServer[pb.QueryChunk]) error {
	return w.answer(r, out)
}

func (w *wire) SystemTable(_ context.Context, r *pb.SystemTableRequest) (*pb.SystemTableResponse, error) {
	if r.Table != "known" {
		return nil, status.Error(codes.NotFound, "no such table")
	}
	return &pb.SystemTableResponse{Batch: oneRow("row")}, nil
}

func oneRow(text string) []byte {
	v := column.New(schema.Text, 1)
	v.AppendString(text)
	raw, err := batchcodec.Encode(&column.Batch{N: 1, Cols: []*column.Vector{v}})
	if err != nil {
		panic(err)
	}
	return raw
}

// dial starts w and returns it as a broker reaches it.
func dial(t *testing.T, w *wire) Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(api.ServerOptions("secret")...)
	pb.RegisterServerServer(g, w)
	done := make(chan struct{})
	go func() { defer close(done); g.Serve(l) }()
	d := NewDialer("secret")
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		g.Stop()
		<-done
	})
	st := &clusterview.State{Instances: map[string]*pb.Instance{"a": {Id: "a", GrpcAddr: l.Addr().String()}, "mute": {Id: "mute"}}}
	if _, err := d.Server(st, "unknown"); err == nil {
		t.Error("an unknown instance has a connection")
	}
	if _, err := d.Server(st, "mute"); err == nil {
		t.Error("an instance without an address has a connection")
	}
	s, err := d.Server(st, "a")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.Server(st, "a"); err != nil || len(d.conns) != 1 {
		t.Errorf("second connection %v, %v", again, err)
	}
	return s
}

func fragment() *plan.Fragment {
	return &plan.Fragment{Leaf: &plan.Leaf{Table: &schema.Table{ID: 1, Name: "t"}, Limit: -1}, Segments: []string{"s1"}}
}

// ask runs a fragment and returns the rows that arrived.
func ask(ctx context.Context, s Server) (rows []string, st exec.Stats, err error) {
	st, err = s.Execute(ctx, "q", fragment(), func(b *column.Batch) error {
		rows = append(rows, string(b.Cols[0].Bytes(0)))
		return nil
	})
	return rows, st, err
}

func TestRemoteAnswers(t *testing.T) {
	w := &wire{}
	s := dial(t, w)
	stats, err := json.Marshal(&exec.Stats{TotalDocs: 7})
	if err != nil {
		t.Fatal(err)
	}
	w.answer = func(r *pb.QueryRequest, out grpc.ServerStreamingServer[pb.QueryChunk]) error {
		if f, err := plan.DecodeFragment(r.Fragment); err != nil || r.QueryId != "q" || !slices.Equal(f.Segments, []string{"s1"}) {
			t.Errorf("request %v, %v", r, err)
		}
		for _, c := range []*pb.QueryChunk{{Batch: oneRow("a")}, {Batch: oneRow("b")}, {Stats: stats}} {
			if err := out.Send(c); err != nil {
				return err
			}
		}
		return nil
	}
	rows, st, err := ask(t.Context(), s)
	if err != nil || !slices.Equal(rows, []string{"a", "b"}) || st.TotalDocs != 7 {
		t.Errorf("rows %v, stats %+v, %v", rows, st, err)
	}
	enough := errors.New("enough")
	if _, err := s.Execute(t.Context(), "q", fragment(), func(*column.Batch) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("error %v", err)
	}
	b, err := s.SystemTable(t.Context(), "known")
	if err != nil || b.N != 1 {
		t.Errorf("system table %v, %v", b, err)
	}
	if _, err := s.SystemTable(t.Context(), "unknown"); status.Code(err) != codes.NotFound {
		t.Errorf("error %v", err)
	}
}

func TestRemoteErrors(t *testing.T) {
	w := &wire{}
	s := dial(t, w)
	f := func(answer func(grpc.ServerStreamingServer[pb.QueryChunk]) error) error {
		t.Helper()
		w.answer = func(_ *pb.QueryRequest, out grpc.ServerStreamingServer[pb.QueryChunk]) error { return answer(out) }
		_, _, err := ask(t.Context(), s)
		if err == nil {
			t.Error("no error")
		}
		return err
	}
	// An answer without its end is never taken for a whole one.
	early := f(func(out grpc.ServerStreamingServer[pb.QueryChunk]) error {
		return out.Send(&pb.QueryChunk{Batch: oneRow("a")})
	})
	if sqlerr.Code(named(t.Context(), "a", early)) != sqlerr.ConnectionFailure {
		t.Errorf("error %v", early)
	}
	damaged := f(func(out grpc.ServerStreamingServer[pb.QueryChunk]) error {
		return out.Send(&pb.QueryChunk{Batch: []byte("xx")})
	})
	if damaged == nil {
		t.Error("a damaged batch was taken")
	}
	var se *sqlerr.Error
	err := f(func(out grpc.ServerStreamingServer[pb.QueryChunk]) error {
		return out.Send(&pb.QueryChunk{Error: &pb.QueryError{Sqlstate: "22012", Message: "division by zero", Hint: "h", Position: 4}})
	})
	if !errors.As(err, &se) || se.Code != "22012" || se.Hint != "h" || se.Position != 4 {
		t.Errorf("error %v", err)
	}
	var miss missingSegments
	err = f(func(out grpc.ServerStreamingServer[pb.QueryChunk]) error {
		return out.Send(&pb.QueryChunk{Error: &pb.QueryError{Sqlstate: "XX000", Message: "lacking", MissingSegments: []string{"s1"}}})
	})
	if !errors.As(err, &miss) || !slices.Equal(miss.MissingSegments(), []string{"s1"}) || !isOutage(err) {
		t.Errorf("error %v", err)
	}
	err = f(func(grpc.ServerStreamingServer[pb.QueryChunk]) error {
		return status.Error(codes.FailedPrecondition, "protocol version 2 is newer")
	})
	if isOutage(named(t.Context(), "a", err)) || !strings.Contains(err.Error(), "protocol version 2") || !strings.Contains(err.Error(), "127.0.0.1:") {
		t.Errorf("error %v", err)
	}
	if err = f(func(grpc.ServerStreamingServer[pb.QueryChunk]) error {
		return status.Error(codes.Unavailable, "going away")
	}); !isOutage(named(t.Context(), "a", err)) {
		t.Errorf("error %v", err)
	}
}

func TestRemoteCancel(t *testing.T) {
	w := &wire{}
	s := dial(t, w)
	ended := make(chan struct{})
	w.answer = func(_ *pb.QueryRequest, out grpc.ServerStreamingServer[pb.QueryChunk]) error {
		defer close(ended)
		<-out.Context().Done()
		return out.Context().Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { time.Sleep(20 * time.Millisecond); cancel() }()
	if _, _, err := ask(ctx, s); err == nil {
		t.Error("no error")
	}
	<-ended
}
