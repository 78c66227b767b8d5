package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

func TestNewRefuses(t *testing.T) {
	f := func(name, want string, change func(*Config)) {
		t.Helper()
		cfg := Config{Demo: true, AdvertiseHTTP: "127.0.0.1:9000", AdvertiseGRPC: "127.0.0.1:9002", RaftAddr: "127.0.0.1:0"}
		change(&cfg)
		c, err := New(cfg)
		if err == nil {
			c.Close()
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %q does not contain %q", name, err, want)
		}
	}
	f("no password", "ALLUVIUM_ADMIN_PASSWORD", func(c *Config) { c.Demo = false })
	f("open raft", "only loopback is allowed", func(c *Config) { c.RaftAddr = ":9001" })
	f("open grpc", "only loopback is allowed", func(c *Config) { c.AdvertiseGRPC = "10.0.0.1:9002" })
	f("not among the peers", "do not contain", func(c *Config) { c.ID, c.Peers = "a", map[string]string{"b": "x:1"} })
	f("no address", "HTTP address is missing", func(c *Config) { c.AdvertiseHTTP = "" })
}

func TestParsePeers(t *testing.T) {
	p, err := ParsePeers("a=127.0.0.1:1, b=127.0.0.1:2")
	if err != nil || len(p) != 2 || p["b"] != "127.0.0.1:2" {
		t.Errorf("peers %v, %v", p, err)
	}
	for _, bad := range []string{"a", "a=b", "=127.0.0.1:1", "a=127.0.0.1:1,a=127.0.0.1:2"} {
		if _, err := ParsePeers(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// TestCompletion walks a segment through its life.
func TestCompletion(t *testing.T) {
	n := one(t, nil)
	ctx := context.Background()
	tab := n.createTable(t)
	register(t, n, serverInstance("Server_a_1", 1))
	propose(t, n, tab.Id, 0, 1)
	propose(t, n, tab.Id, 0, 1, 2)
	seg := consuming(n, tab.Id, 0)
	if seg == nil || len(seg.Replicas) != 1 || seg.Replicas[0] != "Server_a_1" || seg.SchemaVersion != 1 {
		t.Fatalf("first segment: %v", seg)
	}
	end := &pb.EndSegmentRequest{InstanceId: "Server_a_1", Segment: seg.Name, EndOffset: offset(10), EndOffsetText: "10", Rows: 12, Records: 10}
	res, err := n.EndSegment(ctx, end)
	if err != nil || res.Ended.Rows != 12 || res.Next.FirstSeq != 12 || string(res.Next.StartOffset) != string(offset(10)) {
		t.Fatalf("end: %v, %v", res, err)
	}
	later := &pb.EndSegmentRequest{InstanceId: "Server_a_1", Segment: seg.Name, EndOffset: offset(99), Rows: 99, Records: 99}
	again, err := n.EndSegment(ctx, later)
	if err != nil || again.Ended.Rows != 12 || again.Next.Name != res.Next.Name {
		t.Fatalf("a second proposal: %v, %v", again, err)
	}
	if _, err := n.EndSegment(ctx, &pb.EndSegmentRequest{InstanceId: "Server_b_1", Segment: res.Next.Name}); !errors.Is(err, api.ErrFenced) {
		t.Errorf("end by another server: %v", err)
	}
	if _, err := n.EndSegment(ctx, &pb.EndSegmentRequest{InstanceId: "Server_a_1", Segment: "x"}); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("end of an unknown segment: %v", err)
	}
	pub := &pb.PublishSegmentRequest{InstanceId: "Server_a_1", Segment: seg.Name, Crc: 7, Bytes: 100}
	for range 2 {
		if p, err := n.PublishSegment(ctx, pub); err != nil || p.Segment.Status != pb.SegmentStatus_SEGMENT_COMMITTED {
			t.Fatalf("publish: %v, %v", p, err)
		}
	}
	other := &pb.PublishSegmentRequest{InstanceId: "Server_a_1", Segment: seg.Name, Crc: 8, Bytes: 100}
	if _, err := n.PublishSegment(ctx, other); !errors.Is(err, api.ErrConflict) {
		t.Errorf("another crc: %v", err)
	}
	if got := n.State().Segment(seg.Name).Conflicts; len(got) != 1 {
		t.Errorf("conflicts: %v", got)
	}
	dur := &pb.DurableSegmentRequest{InstanceId: "Server_a_1", Segment: seg.Name, Uri: "file:///x"}
	if d, err := n.DurableSegment(ctx, dur); err != nil || d.Segment.Status != pb.SegmentStatus_SEGMENT_DURABLE {
		t.Errorf("durable: %v, %v", d, err)
	}
	if _, err := n.Heartbeat(ctx, &pb.HeartbeatRequest{ProtocolVersion: api.ProtocolVersion + 1}); !errors.Is(err, api.ErrUnsupported) {
		t.Errorf("newer protocol: %v", err)
	}
}

// TestRestart opens the same folder again.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	set := func(c *Config) { c.DataDir, c.Demo, c.AdminPassword = dir, false, "secret" }
	n := one(t, set)
	tab := n.createTable(t)
	register(t, n, serverInstance("Server_a_1", 1))
	propose(t, n, tab.Id, 0)
	seg, id := consuming(n, tab.Id, 0), n.State().ClusterID
	if err := n.node.Snapshot(); err != nil {
		t.Fatal(err)
	}
	propose(t, n, tab.Id, 1)
	n.stop()
	// The password is in the state; the folder is not empty.
	n = one(t, func(c *Config) { c.DataDir, c.Demo = dir, false })
	eventually(t, "the log is replayed", func() bool { return consuming(n, tab.Id, 1) != nil })
	if got := consuming(n, tab.Id, 0); got == nil || got.Name != seg.Name || n.State().ClusterID != id {
		t.Errorf("after the restart: %v, cluster %s, want %s of %s", got, n.State().ClusterID, seg.Name, id)
	}
	if _, ok := n.Verifier("admin"); !ok {
		t.Error("the user admin is gone")
	}
}

// TestReassign takes a server away and expects its partitions on another.
func TestReassign(t *testing.T) {
	n := one(t, func(c *Config) { c.Lease, c.ReassignGrace = 200*time.Millisecond, 200*time.Millisecond })
	tab := n.createTable(t)
	register(t, n, serverInstance("Server_a_1", 1))
	propose(t, n, tab.Id, 0)
	stay := make(chan struct{})
	defer close(stay)
	register(t, n, serverInstance("Server_b_1", 2))
	go func() {
		for {
			select {
			case <-stay:
				return
			case <-time.After(20 * time.Millisecond):
				n.Heartbeat(context.Background(), &pb.HeartbeatRequest{InstanceId: "Server_b_1"})
			}
		}
	}()
	if s := consuming(n, tab.Id, 0); s.Replicas[0] != "Server_a_1" {
		t.Fatalf("placed on %v", s.Replicas)
	}
	eventually(t, "the partition moves", func() bool { return consuming(n, tab.Id, 0).Replicas[0] == "Server_b_1" })
	status, body := n.call(t, "DELETE", "/instances/Server_b_1", "")
	if status != 409 || !strings.Contains(body, "alive") {
		t.Errorf("deleting a live instance: %d %s", status, body)
	}
	if status, body := n.call(t, "DELETE", "/instances/Server_a_1", ""); status != 200 {
		t.Errorf("deleting the lost instance: %d %s", status, body)
	}
}

// TestLateServer creates partitions before there is a server to take them.
func TestLateServer(t *testing.T) {
	n := one(t, func(c *Config) { c.Lease = time.Second })
	tab := n.createTable(t)
	propose(t, n, tab.Id, 0, 1)
	if s := consuming(n, tab.Id, 0); len(s.Replicas) != 0 {
		t.Fatalf("placed on %v", s.Replicas)
	}
	register(t, n, serverInstance("Server_a_1", 1))
	eventually(t, "the partitions are placed", func() bool {
		return len(consuming(n, tab.Id, 0).Replicas) == 1 && len(consuming(n, tab.Id, 1).Replicas) == 1
	})
}

func TestHeartbeatUnknown(t *testing.T) {
	n := one(t, nil)
	res, err := n.Heartbeat(context.Background(), &pb.HeartbeatRequest{InstanceId: "nobody"})
	if err != nil || !res.UnknownInstance || res.LeaseMillis != DefaultLease.Milliseconds() {
		t.Errorf("heartbeat: %v, %v", res, err)
	}
}
