package server

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/state"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// second starts another server of the same cluster, whose controller then
// serves commands.
func (c *cluster) second() *cluster {
	c.t.Helper()
	g := grpc.NewServer()
	c.ctl.RegisterGRPC(g)
	done := make(chan struct{})
	go func() { defer close(done); g.Serve(c.grpc) }()
	c.t.Cleanup(func() { g.Stop(); <-done })
	b := *c
	b.id, b.data = "Server_test_2", filepath.Join(c.dir, "server2")
	b.start()
	eventually(c.t, "the second server is known", func() bool { return c.srv.View().State().Instances[b.id] != nil })
	return &b
}

// move places all segments that which chooses on an instance.
func (c *cluster) move(to string, which func(*pb.Segment) bool) {
	c.t.Helper()
	cmd := &pb.AssignSegments{}
	for _, tab := range c.srv.View().State().Tables {
		for _, seg := range tab.Segments {
			if which(seg) {
				cmd.Assignments = append(cmd.Assignments, &pb.Assignment{Segment: seg.Name, Replicas: []string{to}, Expected: seg.Replicas})
			}
		}
	}
	raw, err := proto.Marshal(&pb.Command{
		Version: state.CommandVersion, Proposer: "test", TimeMicros: time.Now().UnixMicro(),
		Body: &pb.Command_AssignSegments{AssignSegments: cmd},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	conn, err := grpc.NewClient(c.grpc.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	res, err := pb.NewControllerClient(conn).Apply(ctx, &pb.ApplyRequest{ProtocolVersion: api.ProtocolVersion, Command: raw})
	if err != nil || res.Code != 0 {
		c.t.Fatalf("move: %v, %v", res, err)
	}
}

func all(*pb.Segment) bool { return true }

// empty waits until a server holds nothing any more.
func (c *cluster) empty() {
	c.t.Helper()
	eventually(c.t, c.id+" is empty", func() bool {
		files, _ := filepath.Glob(filepath.Join(c.data, "segments", "*", "*"))
		return len(c.srv.set.all()) == 0 && len(c.srv.tables.allConsumers()) == 0 && len(files) == 0
	})
	if n := c.srv.memory.held.Load(); n != 0 {
		c.t.Errorf("%s still counts %d bytes", c.id, n)
	}
}

// Segments that move, sealed and consuming, are whole where they go and gone
// where they were.
func TestSegmentsMove(t *testing.T) {
	a := newCluster(t, 2, 100, "")
	a.add(0, 0, 250)
	a.add(1, 250, 50)
	a.holds(300)
	a.durable(2)
	b := a.second()
	a.move(b.id, all)
	b.holds(300)
	a.empty()
	b.add(0, 300, 200)
	b.holds(500)
	b.durable(4)
	b.move(a.id, all)
	a.holds(500)
	b.empty()
	a.contiguous()
}

// However often a consuming segment moves, and whatever stands open then, its
// records are there once.
func TestConsumingSegmentMovesToAndFro(t *testing.T) {
	a := newCluster(t, 1, 100, "")
	b := a.second()
	rows := 0
	open := func(seg *pb.Segment) bool { return seg.Status == pb.SegmentStatus_SEGMENT_CONSUMING }
	for i := range 12 {
		a.add(0, rows, 45)
		rows += 45
		time.Sleep(time.Duration(i%4) * 5 * time.Millisecond)
		a.move([]*cluster{b, a}[i%2].id, open)
	}
	a.move(a.id, all)
	a.holds(rows)
	a.durable(rows/150 - 1)
	a.holds(rows)
	b.empty()
	a.contiguous()
}

// The only copy of a committed segment is kept, wherever the segment is placed,
// until the deep store has it.
func TestLastCopyIsKept(t *testing.T) {
	a := newCluster(t, 1, 100, "")
	a.deep.down.Store(true)
	a.add(0, 0, 150)
	a.holds(150)
	eventually(t, "a committed segment", func() bool { return len(a.segments(pb.SegmentStatus_SEGMENT_COMMITTED)) == 1 })
	a.stream.Trim(0, 100)
	b := a.second()
	a.move(b.id, all)
	eventually(t, "the new place lacks it", func() bool { h, ready := b.srv.Health(); return !ready && h["segments"] != "ok" })
	time.Sleep(100 * time.Millisecond)
	if files, _ := filepath.Glob(filepath.Join(a.data, "segments", "*", "*.seg")); len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	a.deep.down.Store(false)
	b.holds(150)
	b.durable(1)
	a.empty()
}

// clock is a clock that a test sets.
type clock struct{ t chan time.Time }

func (c *clock) now() time.Time {
	t := <-c.t
	c.t <- t
	return t
}

func (c *clock) advance(d time.Duration) { c.t <- (<-c.t).Add(d) }

// A segment is sealed when a threshold is reached, and says which.
func TestSealReasons(t *testing.T) {
	c := newCluster(t, 1, 1_000_000, "")
	c.srv.Close()
	clk := &clock{make(chan time.Time, 1)}
	clk.t <- time.Now()
	c.now = clk.now
	c.start()
	rows := 0
	f := func(want string, n int, reach func()) {
		t.Helper()
		before := len(c.segments(pb.SegmentStatus_SEGMENT_DURABLE))
		c.add(0, rows, n)
		rows += n
		c.holds(rows)
		if got := c.segments(pb.SegmentStatus_SEGMENT_CONSUMING); len(got) != 1 {
			t.Fatalf("%s: consuming %v", want, got)
		}
		reach()
		c.durable(before + 1)
		sealed := c.segments(pb.SegmentStatus_SEGMENT_DURABLE)
		if got := sealed[len(sealed)-1]; got.EndReason != want || got.Rows != uint64(n) {
			t.Errorf("sealed for %q with %d rows, want %q with %d", got.EndReason, got.Rows, want, n)
		}
		c.holds(rows)
	}
	f("time", 30, func() { clk.advance(7 * time.Hour) })
	f("bytes", 40, func() { c.define(func(cfg *schema.TableConfig) { cfg.Stream.FlushBytes = 10 }) })
	c.define(func(cfg *schema.TableConfig) { cfg.Stream.FlushBytes = 1 << 30 })
	f("rows", 50, func() { c.define(func(cfg *schema.TableConfig) { cfg.Stream.FlushRows = 50 }) })
}
