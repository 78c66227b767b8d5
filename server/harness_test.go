package server

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller"
	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/objstore"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/server/servertest"
)

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "6") // the tests wait more than they work
	goleak.VerifyTestMain(m)
}

// cluster is a real controller and a server over a scripted stream.
type cluster struct {
	t      *testing.T
	dir    string
	ctl    *controller.Controller
	link   *link
	stream *servertest.Stream
	deep   *flakyStore
	fs     vfs.FS               // of the server; nil means the operating system's
	open   func() ingest.Source // nil means stream
	now    func() time.Time     // nil means time.Now
	id     string
	data   string       // the server's data folder
	grpc   net.Listener // of the controller, not served
	srv    *Server
}

// link is the controller as the server sees it, with scripted faults.
type link struct {
	*controller.Controller
	down atomic.Bool // every completion call fails
	// lose makes the next n answers to EndSegment get lost: the call is
	// applied, the caller sees an error.
	lose atomic.Int32
	// cut, unless nil, is asked at every completion call whether the line is
	// cut before the call and before its answer.
	cut atomic.Pointer[func() (before, after bool)]
}

// complete makes a completion call over the line.
func complete[R any](l *link, call func() (R, error)) (R, error) {
	var none R
	var before, after bool
	if cut := l.cut.Load(); cut != nil {
		before, after = (*cut)()
	}
	if before || l.down.Load() {
		return none, errLink
	}
	res, err := call()
	if after {
		return none, errLink
	}
	return res, err
}

var errLink = errors.New("controller is away")

func (l *link) EndSegment(ctx context.Context, r *pb.EndSegmentRequest) (*pb.EndSegmentResponse, error) {
	res, err := complete(l, func() (*pb.EndSegmentResponse, error) { return l.Controller.EndSegment(ctx, r) })
	if l.lose.Add(-1) >= 0 {
		return nil, errLink
	}
	return res, err
}

func (l *link) PublishSegment(ctx context.Context, r *pb.PublishSegmentRequest) (*pb.SegmentResponse, error) {
	return complete(l, func() (*pb.SegmentResponse, error) { return l.Controller.PublishSegment(ctx, r) })
}

func (l *link) DurableSegment(ctx context.Context, r *pb.DurableSegmentRequest) (*pb.SegmentResponse, error) {
	return complete(l, func() (*pb.SegmentResponse, error) { return l.Controller.DurableSegment(ctx, r) })
}

// flakyStore is a deep store that can be away.
type flakyStore struct {
	objstore.Store
	down    atomic.Bool // nothing can be written
	keeping atomic.Bool // nothing can be deleted
}

func (f *flakyStore) Delete(ctx context.Context, key string) error {
	if f.keeping.Load() {
		return errors.New("deep store keeps what it has")
	}
	return f.Store.Delete(ctx, key)
}

func (f *flakyStore) Put(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	if f.down.Load() {
		return errors.New("deep store is away")
	}
	return f.Store.Put(ctx, key, r, size)
}

const eventSchema = `{"schemaName":"events","dimensionFieldSpecs":[{"name":"user","dataType":"STRING"}],
 "metricFieldSpecs":[{"name":"n","dataType":"LONG"}]}`

func eventTable(rows int, more string) []byte {
	return fmt.Appendf(nil, `{"tableName":"events","tableType":"REALTIME","segmentsConfig":{"replication":"1"},
 "tableIndexConfig":{"invertedIndexColumns":["user"],"streamConfigs":{"streamType":"kafka","stream.kafka.topic.name":"events",
 "stream.kafka.broker.list":"none:1","stream.kafka.decoder.class.name":"json","stream.kafka.consumer.prop.auto.offset.reset":"smallest",
 "realtime.segment.flush.threshold.rows":"%d","realtime.segment.flush.threshold.time":"6h"%s}},"tenants":{},"metadata":{}}`, rows, more)
}

func newCluster(t *testing.T, partitions, rows int, more string) *cluster {
	t.Helper()
	t.Parallel()
	return newSerialCluster(t, partitions, rows, more)
}

// newSerialCluster is newCluster for tests that need several.
func newSerialCluster(t *testing.T, partitions, rows int, more string) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir(), stream: servertest.NewStream(partitions), id: "Server_test_1"}
	c.data = filepath.Join(c.dir, "server")
	var ls [3]net.Listener
	for i := range ls {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ls[i] = l
		t.Cleanup(func() { l.Close() })
	}
	ctl, err := controller.New(controller.Config{ID: "Controller_test_1", HTTPListener: ls[0], GRPCListener: ls[1], RaftListener: ls[2],
		AdminPassword: "x", Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if err := ctl.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ctl.Close() })
	c.ctl, c.link, c.grpc = ctl, &link{Controller: ctl}, ls[1]
	store, err := objstore.Open(context.Background(), "file://"+filepath.Join(c.dir, "deep"), objstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.deep = &flakyStore{Store: store}
	c.start()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := ctl.EnsureTable(ctx, []byte(eventSchema), eventTable(rows, more)); err != nil {
		t.Fatal(err)
	}
	return c
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// start starts a server on the cluster's data folder.
func (c *cluster) start() {
	c.t.Helper()
	if err := c.tryStart(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) tryStart() error {
	s, err := New(Config{
		Instance: &pb.Instance{Id: c.id, Role: pb.Role_ROLE_SERVER, Host: "test", Port: 1, Tags: []string{schema.DefaultTenant}},
		DataDir:  c.data, FS: c.fs, Now: c.now, Controller: c.link, DeepStore: c.deep,
		OpenSource: func(context.Context, *schema.StreamConfig, ingest.Events) (ingest.Source, []string, error) {
			if c.open != nil {
				return c.open(), nil, nil
			}
			return c.stream, nil, nil
		},
		DiscoveryInterval: 50 * time.Millisecond, HeartbeatInterval: 50 * time.Millisecond, Logger: quiet(),
	})
	if err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	c.srv = s
	c.t.Cleanup(func() { s.Close() })
	return nil
}

// restart ends the server without any farewell to the cluster and starts it
// again.
func (c *cluster) restart() {
	c.t.Helper()
	c.srv.Close()
	c.start()
}

// add appends n events to a partition, numbered from from.
func (c *cluster) add(part uint32, from, n int) {
	recs := make([]string, n)
	for i := range recs {
		recs[i] = fmt.Sprintf(`{"user":"u%d","n":%d}`, (from+i)%7, from+i)
	}
	c.stream.Add(part, recs...)
}

// total asks the server for count(*) and sum(n) over all segments of the state.
func (c *cluster) total() (count, sum int64, err error) {
	st := c.srv.View().State()
	t := st.TableByName("events")
	if t == nil || t.Def == nil {
		return 0, 0, nil
	}
	var names []string
	for name := range t.Segments {
		names = append(names, name)
	}
	countSpec, _, err := agg.Resolve("count", nil, false, fn.Postgres)
	if err != nil {
		return 0, 0, err
	}
	maxSpec, _, err := agg.Resolve("sum", []schema.Type{schema.Int64}, false, fn.Pinot)
	if err != nil {
		return 0, 0, err
	}
	f := t.Def.Schema.Fields[t.Def.Schema.Index("n")]
	col := &plan.ColRef{Index: 0, Name: "n", Typ: f.Type}
	args := []plan.Expr{col}
	if maxSpec.Args[0] != f.Type {
		args = []plan.Expr{&plan.Cast{Arg: col, Typ: maxSpec.Args[0]}}
	}
	leaf := &plan.Leaf{Table: t.Def, Cols: []plan.LeafCol{{ID: f.ID, Name: "n", Type: f.Type}}, Aggregate: true, Limit: -1,
		Aggs: []plan.AggCall{{Spec: countSpec}, {Spec: maxSpec, Args: args}}}
	_, err = c.srv.Execute(context.Background(), "test", &plan.Fragment{Leaf: leaf, Segments: names}, func(b *column.Batch) error {
		acc := countSpec.New()
		acc.Grow(1)
		states := len(countSpec.StateTypes())
		if err := acc.Merge(nil, b.N, b.Cols[:states]); err != nil {
			return err
		}
		out := column.New(countSpec.ResultType(), 1)
		if err := acc.Final(0, 1, out); err != nil {
			return err
		}
		count = out.Int64s[0]
		acc = maxSpec.New()
		acc.Grow(1)
		if err := acc.Merge(nil, b.N, b.Cols[states:]); err != nil {
			return err
		}
		res := column.New(maxSpec.ResultType(), 1)
		if err := acc.Final(0, 1, res); err != nil {
			return err
		}
		sum = int64(res.Value(0).F)
		return nil
	})
	return count, sum, err
}

// eventually waits until ok is true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within 10 s: %s", what)
}

// holds waits until the table has exactly the events 0..n-1, and checks that it
// does not get more.
func (c *cluster) holds(n int) {
	c.t.Helper()
	var count, sum int64
	var err error
	want := int64(n) * int64(n-1) / 2
	eventually(c.t, fmt.Sprintf("%d rows", n), func() bool {
		count, sum, err = c.total()
		return err == nil && count >= int64(n)
	})
	if count != int64(n) || sum != want {
		c.t.Fatalf("count %d, sum %d; want %d, %d", count, sum, n, want)
	}
}

// segments returns the segments in a status.
func (c *cluster) segments(status pb.SegmentStatus) []*pb.Segment {
	var out []*pb.Segment
	for _, t := range c.srv.View().State().Tables {
		for _, s := range t.Sorted() {
			if s.Status == status {
				out = append(out, s)
			}
		}
	}
	return out
}

func (c *cluster) durable(n int) {
	c.t.Helper()
	eventually(c.t, fmt.Sprintf("%d durable segments", n), func() bool { return len(c.segments(pb.SegmentStatus_SEGMENT_DURABLE)) >= n })
}
