package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/query/exec/batchcodec"
	"github.com/alluviumdb/alluvium/query/plan"
)

// client serves the cluster's server over gRPC and connects to it.
func (c *cluster) client() pb.ServerClient {
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	g := grpc.NewServer()
	c.srv.RegisterGRPC(g)
	done := make(chan struct{})
	go func() { defer close(done); g.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close(); g.Stop(); <-done })
	return pb.NewServerClient(conn)
}

// leaf reads column n of the events.
func (c *cluster) leaf() (*plan.Leaf, []string) {
	tab := c.srv.View().State().TableByName("events")
	f := tab.Def.Schema.Fields[tab.Def.Schema.Index("n")]
	leaf := &plan.Leaf{Table: tab.Def, Cols: []plan.LeafCol{{ID: f.ID, Name: f.Name, Type: f.Type}}, Limit: -1,
		Output: []plan.Expr{&plan.ColRef{Index: 0, Name: f.Name, Typ: f.Type}}}
	var names []string
	for name := range tab.Segments {
		names = append(names, name)
	}
	return leaf, names
}

// answer is what a fragment gave over the wire.
type answer struct {
	rows  int
	stats *exec.Stats
	err   *pb.QueryError
}

func askOver(ctx context.Context, client pb.ServerClient, r *pb.QueryRequest) (a answer, err error) {
	stream, err := client.Execute(ctx, r)
	if err != nil {
		return a, err
	}
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return a, err
		}
		switch {
		case chunk.Error != nil:
			a.err = chunk.Error
		case chunk.Stats != nil:
			a.stats = &exec.Stats{}
			if err := json.Unmarshal(chunk.Stats, a.stats); err != nil {
				return a, err
			}
		default:
			b, err := batchcodec.Decode(chunk.Batch)
			if err != nil {
				return a, err
			}
			a.rows += b.N
		}
	}
}

func TestQueryService(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 250)
	c.holds(250)
	client := c.client()
	leaf, names := c.leaf()
	request := func(f *plan.Fragment) *pb.QueryRequest {
		t.Helper()
		raw, err := plan.EncodeFragment(f)
		if err != nil {
			t.Fatal(err)
		}
		return &pb.QueryRequest{ProtocolVersion: api.ProtocolVersion, QueryId: "q", Fragment: raw}
	}
	ask := func(f *plan.Fragment) answer {
		t.Helper()
		a, err := askOver(t.Context(), client, request(f))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}

	if a := ask(&plan.Fragment{Leaf: leaf, Segments: names}); a.rows != 250 || a.err != nil || a.stats == nil || a.stats.TotalDocs != 250 {
		t.Errorf("answer %+v", a)
	}
	a := ask(&plan.Fragment{Leaf: leaf, Segments: append(slices.Clone(names), "events__0__99__x")})
	if a.rows != 0 || a.stats != nil || a.err == nil || !slices.Equal(a.err.MissingSegments, []string{"events__0__99__x"}) {
		t.Errorf("answer with a missing segment: %+v", a)
	}
	if a := ask(&plan.Fragment{Leaf: leaf, Segments: names, Snapshot: make([]plan.SnapshotMark, 1)}); a.err.GetSqlstate() != sqlerr.FeatureNotSupported {
		t.Errorf("answer at a snapshot: %+v", a)
	}
	other := *leaf
	other.Table = &schema.Table{ID: 99, Name: "other"}
	if a := ask(&plan.Fragment{Leaf: &other, Segments: names}); a.err.GetSqlstate() != sqlerr.UndefinedTable {
		t.Errorf("answer for another table: %+v", a)
	}

	refused := func(r *pb.QueryRequest, want codes.Code) {
		t.Helper()
		if _, err := askOver(t.Context(), client, r); status.Code(err) != want {
			t.Errorf("error %v, want %v", err, want)
		}
	}
	newer := request(&plan.Fragment{Leaf: leaf, Segments: names})
	newer.ProtocolVersion++
	refused(newer, codes.FailedPrecondition)
	refused(&pb.QueryRequest{ProtocolVersion: api.ProtocolVersion, Fragment: []byte("x")}, codes.InvalidArgument)

	if _, err := client.SystemTable(t.Context(), &pb.SystemTableRequest{ProtocolVersion: api.ProtocolVersion, Table: "nothing"}); status.Code(err) != codes.NotFound {
		t.Errorf("error %v", err)
	}
	res, err := client.SystemTable(t.Context(), &pb.SystemTableRequest{ProtocolVersion: api.ProtocolVersion, Table: api.SystemConsumers})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := batchcodec.Decode(res.Batch); err != nil || b.N != 1 || string(b.Cols[0].Bytes(0)) != "events" {
		t.Errorf("consumers %v, %v", b, err)
	}
}

// A fragment ends when its time is over, its query is cancelled, or its client
// goes.
func TestFragmentsEnd(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 10)
	c.holds(10)
	client := c.client()
	leaf, _ := c.leaf()
	ask := func(ctx context.Context, timeout time.Duration) (answer, error) {
		t.Helper()
		// The segment never comes, so the fragment waits for it.
		raw, err := plan.EncodeFragment(&plan.Fragment{Leaf: leaf, Segments: []string{"x"}, TimeoutMicros: timeout.Microseconds()})
		if err != nil {
			t.Fatal(err)
		}
		return askOver(ctx, client, &pb.QueryRequest{ProtocolVersion: api.ProtocolVersion, QueryId: "long", Fragment: raw})
	}
	f := func(name, want string, run func() (answer, error)) {
		t.Helper()
		start := time.Now()
		a, err := run()
		if err != nil || a.err.GetSqlstate() != want {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		if d := time.Since(start); d > waitForSegments*9/10 {
			t.Errorf("%s took %v", name, d)
		}
		if n := c.srv.queries.running(); n != 0 {
			t.Errorf("%s: %d fragments still run", name, n)
		}
	}
	f("timeout", sqlerr.QueryCanceled, func() (answer, error) { return ask(t.Context(), 20*time.Millisecond) })
	f("cancel", sqlerr.QueryCanceled, func() (answer, error) {
		go func() {
			for found := false; !found && t.Context().Err() == nil; time.Sleep(time.Millisecond) {
				res, err := client.Cancel(context.Background(), &pb.CancelRequest{QueryId: "long"})
				found = err == nil && res.Found
			}
		}()
		return ask(t.Context(), time.Minute)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := ask(ctx, time.Minute); err == nil {
		t.Error("no error for a client that is gone")
	}
	eventually(t, "the fragment ends with its client", func() bool { return c.srv.queries.running() == 0 })
}
