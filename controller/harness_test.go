package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testSchema = `{"schemaName":"events","dimensionFieldSpecs":[{"name":"user","dataType":"STRING"}],
 "metricFieldSpecs":[{"name":"price","dataType":"INT"}],
 "dateTimeFieldSpecs":[{"name":"ts","dataType":"TIMESTAMP","format":"TIMESTAMP","granularity":"1:MILLISECONDS"}]}`
	testTable = `{"tableName":"events","tableType":"REALTIME",
 "segmentsConfig":{"timeColumnName":"ts","replication":"1"},
 "tableIndexConfig":{"loadMode":"MMAP","invertedIndexColumns":["user"],"streamConfigs":{"streamType":"kafka",
 "stream.kafka.topic.name":"events","stream.kafka.broker.list":"localhost:9092"}}}`
)

// testNode is a controller with its listeners.
type testNode struct {
	*Controller
	id      string
	cfg     Config
	raftL   net.Listener
	grpcL   net.Listener
	server  *grpc.Server
	http    *httptest.Server
	stopped bool
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// start serves a controller until the test ends.
func start(t *testing.T, cfg Config) *testNode {
	t.Helper()
	n := &testNode{id: cfg.ID, cfg: cfg, raftL: cfg.RaftListener, grpcL: cfg.GRPCListener}
	if n.raftL == nil {
		n.raftL = listen(t)
	}
	if n.grpcL == nil {
		n.grpcL = listen(t)
	}
	n.http = httptest.NewUnstartedServer(nil)
	cfg.RaftListener, cfg.GRPCListener, cfg.HTTPListener = n.raftL, n.grpcL, n.http.Listener
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	n.Controller = c
	n.http.Config.Handler = c.Handler()
	n.http.Start()
	n.server = grpc.NewServer(api.ServerOptions(cfg.Secret)...)
	c.RegisterGRPC(n.server)
	go n.server.Serve(n.grpcL)
	t.Cleanup(n.stop)
	return n
}

// stop ends everything of a node at once, as a crash would.
func (n *testNode) stop() {
	if n.stopped {
		return
	}
	n.stopped = true
	n.server.Stop()
	n.http.Close()
	n.Controller.Close()
}

func ready(t *testing.T, nodes ...*testNode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, n := range nodes {
		if err := n.WaitReady(ctx); err != nil {
			t.Fatalf("%s is not ready: %v", n.cfg.ID, err)
		}
	}
}

// one starts a single controller in demo mode and waits for it.
func one(t *testing.T, change func(*Config)) *testNode {
	t.Helper()
	cfg := Config{Demo: true, Version: "test"}
	if change != nil {
		change(&cfg)
	}
	n := start(t, cfg)
	ready(t, n)
	return n
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}

// call sends a request and returns status and body.
func (n *testNode) call(t *testing.T, method, path, body string, change ...func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, n.http.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(req)
	}
	res, err := n.http.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// get decodes the answer to a request that must succeed.
func (n *testNode) get(t *testing.T, path string, out any) {
	t.Helper()
	status, body := n.call(t, "GET", path, "")
	if status != 200 {
		t.Fatalf("GET %s: %d %s", path, status, body)
	}
	if err := json.Unmarshal([]byte(body), out); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, body)
	}
}

func (n *testNode) createTable(t *testing.T) *pb.Table {
	t.Helper()
	if _, err := n.EnsureTable(context.Background(), []byte(testSchema), []byte(testTable)); err != nil {
		t.Fatal(err)
	}
	return n.State().TableByName("events")
}

func serverInstance(id string, port uint32) *pb.Instance {
	return &pb.Instance{Id: id, Role: pb.Role_ROLE_SERVER, Host: "127.0.0.1", Port: port}
}

func register(t *testing.T, c api.Controller, in *pb.Instance) {
	t.Helper()
	if _, err := c.Register(context.Background(), &pb.RegisterRequest{Instance: in}); err != nil {
		t.Fatal(err)
	}
	beat(t, c, in.Id)
}

func beat(t *testing.T, c api.Controller, id string) {
	t.Helper()
	if _, err := c.Heartbeat(context.Background(), &pb.HeartbeatRequest{InstanceId: id}); err != nil {
		t.Fatal(err)
	}
}

func offset(n int) []byte { return fmt.Appendf(nil, "%08d", n) }

func propose(t *testing.T, c api.Controller, table uint32, ids ...uint32) {
	t.Helper()
	r := &pb.ProposePartitionsRequest{TableId: table}
	for _, id := range ids {
		r.Partitions = append(r.Partitions, &pb.Partition{Id: id, Name: fmt.Sprint(id), StartOffset: offset(0), StartOffsetText: "0"})
	}
	if _, err := c.ProposePartitions(context.Background(), r); err != nil {
		t.Fatal(err)
	}
}

// consuming returns the consuming segment of a partition.
func consuming(n *testNode, table, partition uint32) *pb.Segment {
	for s := range n.State().PartitionSegments(table, partition) {
		if s.Status == pb.SegmentStatus_SEGMENT_CONSUMING {
			return s
		}
	}
	return nil
}
