package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// three starts three voters over loopback TCP.
func three(t *testing.T, change func(*Config)) []*testNode {
	t.Helper()
	peers := map[string]string{}
	cfgs := make([]Config, 3)
	for i := range cfgs {
		id := fmt.Sprintf("Controller_%d", i)
		cfgs[i] = Config{ID: id, Demo: true, RaftListener: listen(t), GRPCListener: listen(t), ElectionTimeout: 150 * time.Millisecond,
			Secret: "s3cret", Peers: peers}
		peers[id] = cfgs[i].RaftListener.Addr().String()
		if change != nil {
			change(&cfgs[i])
		}
	}
	var nodes []*testNode
	for _, cfg := range cfgs {
		nodes = append(nodes, start(t, cfg))
	}
	ready(t, nodes...)
	return nodes
}

// leader waits for a leader among the nodes that run.
func leader(t *testing.T, nodes []*testNode) *testNode {
	t.Helper()
	var found *testNode
	eventually(t, "a leader", func() bool {
		for _, n := range nodes {
			if !n.stopped && n.leads() {
				found = n
				return true
			}
		}
		return false
	})
	return found
}

func follower(t *testing.T, nodes []*testNode) *testNode {
	t.Helper()
	l := leader(t, nodes)
	for _, n := range nodes {
		if n != l && !n.stopped {
			return n
		}
	}
	t.Fatal("no follower")
	return nil
}

func dial(t *testing.T, secret string, nodes ...*testNode) *api.Client {
	t.Helper()
	var addrs []string
	for _, n := range nodes {
		addrs = append(addrs, n.grpcL.Addr().String())
	}
	c, err := api.Dial(addrs, secret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestThreeVoters changes the state through a follower and reads it anywhere.
func TestThreeVoters(t *testing.T) {
	nodes := three(t, nil)
	f := follower(t, nodes)
	tab := f.createTable(t)
	if tab == nil {
		t.Fatal("a follower does not see its own write")
	}
	c := dial(t, "s3cret", f)
	register(t, c, serverInstance("Server_a_1", 1))
	propose(t, c, tab.Id, 0)
	if s := consuming(f, tab.Id, 0); s == nil || len(s.Replicas) != 1 {
		t.Fatalf("segment at the follower: %v", s)
	}
	if o := f.observed(context.Background()); !o["Server_a_1"].alive {
		t.Errorf("a follower does not know that the server is alive: %v", o)
	}
	eventually(t, "all controllers are registered and alive", func() bool {
		var doc struct {
			Counts      map[string]int
			Controllers []struct{ Alive, Leader bool }
		}
		f.get(t, "/v1/overview", &doc)
		alive := 0
		for _, c := range doc.Controllers {
			if c.Alive {
				alive++
			}
		}
		return doc.Counts["controllers"] == 3 && alive == 3
	})
}

func TestWrongSecret(t *testing.T) {
	n := one(t, func(c *Config) { c.Secret = "right" })
	ctx := context.Background()
	if _, err := dial(t, "wrong", n).Register(ctx, &pb.RegisterRequest{Instance: serverInstance("Server_a_1", 1)}); err == nil {
		t.Error("a wrong secret registers")
	}
	if err := dial(t, "", n).Watch(ctx, &pb.WatchRequest{}, func(*pb.WatchEvent) error { return nil }); err == nil {
		t.Error("no secret watches")
	}
}

// TestLeaderKill ends segments through a client while the leader is killed,
// each request sent twice, and expects an unbroken chain.
func TestLeaderKill(t *testing.T) {
	nodes := three(t, nil)
	tab := leader(t, nodes).createTable(t)
	c := dial(t, "s3cret", nodes...)
	register(t, c, serverInstance("Server_a_1", 1))
	propose(t, c, tab.Id, 0)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	seg := consuming(leader(t, nodes), tab.Id, 0)
	const rounds = 30
	for i := range rounds {
		if i == rounds/3 {
			leader(t, nodes).stop()
		}
		seg = endTwice(t, ctx, c, seg, i)
	}
	l := leader(t, nodes)
	var at, rows uint64
	for s := range l.State().PartitionSegments(tab.Id, 0) {
		if s.Sequence != at || s.FirstSeq != rows {
			t.Fatalf("segment %s: sequence %d, first row %d, want %d and %d", s.Name, s.Sequence, s.FirstSeq, at, rows)
		}
		at++
		rows += s.Rows
	}
	if at != rounds+1 || rows != rounds*10 {
		t.Errorf("%d segments with %d rows", at, rows)
	}
}

// endTwice ends a segment by two calls at the same time and returns the next.
func endTwice(t *testing.T, ctx context.Context, c *api.Client, seg *pb.Segment, i int) *pb.Segment {
	t.Helper()
	req := &pb.EndSegmentRequest{InstanceId: "Server_a_1", Segment: seg.Name, EndOffset: offset((i + 1) * 10), Rows: 10, Records: 10}
	var wg sync.WaitGroup
	var res [2]*pb.EndSegmentResponse
	var errs [2]error
	for k := range res {
		wg.Go(func() { res[k], errs[k] = c.EndSegment(ctx, req) })
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatalf("round %d: %v", i, err)
	}
	if res[0].Next.GetName() != res[1].Next.GetName() || res[0].Next == nil {
		t.Fatalf("round %d: two answers: %v and %v", i, res[0].Next, res[1].Next)
	}
	return res[0].Next
}

// collect watches until an index is reached and returns what was seen.
type collector struct {
	snapshots int
	index     uint64
	tables    map[string]bool
	segments  map[string]*pb.Segment
}

func newCollector() *collector {
	return &collector{tables: map[string]bool{}, segments: map[string]*pb.Segment{}}
}

var errEnough = errors.New("enough")

// follow watches until the index is at least to.
func (c *collector) follow(ctx context.Context, w api.Controller, to uint64) error {
	err := w.Watch(ctx, &pb.WatchRequest{FromIndex: c.index}, func(ev *pb.WatchEvent) error {
		if ev.Snapshot && ev.SnapshotEnd {
			c.snapshots++
		}
		for _, ch := range ev.Changes {
			c.take(ch)
		}
		if !ev.Snapshot || ev.SnapshotEnd {
			c.index = ev.Index
		}
		if c.index >= to {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (c *collector) take(ch *pb.Change) {
	if tab := ch.GetTable(); tab != nil {
		c.tables[tab.Name] = !ch.Deleted
	}
	if s := ch.GetSegment(); s != nil {
		c.segments[s.Name] = s
		if ch.Deleted {
			delete(c.segments, s.Name)
		}
	}
}

// TestWatchResume follows the state over a change of the controller.
func TestWatchResume(t *testing.T) {
	nodes := three(t, nil)
	l := leader(t, nodes)
	tab := l.createTable(t)
	c := dial(t, "s3cret", nodes...)
	register(t, c, serverInstance("Server_a_1", 1))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	col := newCollector()
	if err := col.follow(ctx, c, l.State().Index); err != nil {
		t.Fatal(err)
	}
	if col.snapshots != 1 || !col.tables["events"] {
		t.Fatalf("first watch: %+v", col)
	}
	propose(t, c, tab.Id, 0, 1, 2)
	l.stop()
	l = leader(t, nodes)
	propose(t, c, tab.Id, 3)
	want := l.State().Index
	for col.index < want {
		if err := col.follow(ctx, c, want); err != nil && ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	if col.snapshots != 1 || len(col.segments) != 4 {
		t.Errorf("after the change of leader: %d snapshots, segments %v", col.snapshots, col.segments)
	}
}

// TestWatchOtherCluster asks for an index that this cluster has never had.
func TestWatchOtherCluster(t *testing.T) {
	n := one(t, nil)
	col := newCollector()
	col.index = 1 << 40
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var snapshot bool
	err := n.Watch(ctx, &pb.WatchRequest{FromIndex: col.index}, func(ev *pb.WatchEvent) error {
		snapshot = ev.Snapshot
		return errEnough
	})
	if !errors.Is(err, errEnough) || !snapshot {
		t.Errorf("watch: %v, snapshot %v", err, snapshot)
	}
}
