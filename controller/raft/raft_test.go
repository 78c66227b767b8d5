package raft

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api/pb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func open(t *testing.T, cfg Config) *Node {
	t.Helper()
	if cfg.Listener == nil {
		cfg.Listener = listen(t)
	}
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// lead waits until the node leads and has applied what is committed.
func lead(t *testing.T, n *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for n.Barrier(ctx) != nil {
		if ctx.Err() != nil {
			t.Fatal("no leader")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func set(t *testing.T, n *Node, name string) {
	t.Helper()
	raw, err := proto.Marshal(&pb.Command{Body: &pb.Command_PutSchema{PutSchema: &pb.PutSchema{
		Schema: &pb.Schema{Name: name, Json: []byte(name)}, Columns: []string{"a"}}}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := n.Apply(t.Context(), raw)
	if err != nil || res.Code != 0 {
		t.Fatalf("apply: %+v, %v", res, err)
	}
}

func TestSnapshotAndRestart(t *testing.T) {
	dir := t.TempDir()
	n := open(t, Config{ID: "a", Dir: dir})
	lead(t, n)
	for i := range 50 {
		set(t, n, fmt.Sprint("before", i))
	}
	if err := n.Snapshot(); err != nil {
		t.Fatal(err)
	}
	if err := n.Snapshot(); err != nil {
		t.Fatalf("a second snapshot of the same: %v", err)
	}
	set(t, n, "after")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if !HasState(dir) || HasState(filepath.Join(dir, "nothing")) {
		t.Error("HasState is wrong")
	}
	n = open(t, Config{ID: "a", Dir: dir})
	lead(t, n)
	if st := n.State(); st.Schema("before49") == nil || st.Schema("after") == nil {
		t.Error("the state is not whole after the restart")
	}
	if s := n.Stats(); s.SnapshotIndex == 0 || s.AppliedIndex < s.SnapshotIndex || s.Term < 2 {
		t.Errorf("stats %+v", s)
	}
}

func TestRefusesOtherFolders(t *testing.T) {
	f := func(want string, cfg Config) {
		t.Helper()
		cfg.Listener = listen(t)
		n, err := Open(cfg)
		if err == nil {
			n.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not contain %q", err, want)
		}
	}
	dir := t.TempDir()
	open(t, Config{ID: "a", Dir: dir, Peers: map[string]string{"a": "127.0.0.1:1", "b": "127.0.0.1:2"}}).Close()
	f(`belongs to the controller "a", not "b"`, Config{ID: "b", Dir: dir})
	f("cluster of 2 controllers", Config{ID: "a", Dir: dir})
}

func TestApplyErrors(t *testing.T) {
	n := open(t, Config{ID: "a", Peers: map[string]string{"a": "127.0.0.1:1", "b": "127.0.0.1:2"}})
	if _, err := n.Apply(t.Context(), nil); !errors.Is(err, ErrNotLeader) {
		t.Errorf("without a leader: %v", err)
	}
	n.Close()
	if _, err := n.Apply(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := n.Watch(t.Context(), 0, func(*pb.WatchEvent) error { return nil }); err == nil {
		t.Error("a closed node is watched")
	}
	if err := n.WaitIndex(t.Context(), 99); !errors.Is(err, ErrClosed) {
		t.Errorf("waiting at a closed node: %v", err)
	}
}

// TestGarbage puts bytes into the log that are no command.
func TestGarbage(t *testing.T) {
	n := open(t, Config{ID: "a"})
	lead(t, n)
	for _, raw := range [][]byte{nil, {0xff}, []byte("garbage")} {
		if res, err := n.Apply(t.Context(), raw); err != nil || res.Code == 0 {
			t.Errorf("%q: %+v, %v", raw, res, err)
		}
	}
	set(t, n, "x")
}

func TestRing(t *testing.T) {
	var r ring
	change := func(n int) []*pb.Change { return make([]*pb.Change, n) }
	if news, ok := r.since(0); !ok || len(news) != 0 {
		t.Error("an empty ring is not empty")
	}
	r.add(1, change(0))
	r.add(5, change(1))
	r.add(7, change(2))
	f := func(after uint64, want int, known bool) {
		t.Helper()
		if news, ok := r.since(after); len(news) != want || ok != known {
			t.Errorf("since %d: %d entries, %v; want %d, %v", after, len(news), ok, want, known)
		}
	}
	f(0, 2, true)
	f(5, 1, true)
	f(6, 1, true)
	f(7, 0, true)
	f(99, 0, true)
	r.add(8, change(ringChanges-1))
	f(5, 0, false)
	f(7, 1, true)
	for i := range uint64(2 * ringEntries) {
		r.add(10+i, change(1))
	}
	if len(r.entries) > ringEntries || r.changes != len(r.entries) {
		t.Errorf("%d entries, %d changes", len(r.entries), r.changes)
	}
	r.reset(3)
	f(2, 0, false)
	f(3, 0, true)
}

// TestWatchTooOld asks for an index that the ring no longer has.
func TestWatchTooOld(t *testing.T) {
	n := open(t, Config{ID: "a"})
	lead(t, n)
	set(t, n, "a")
	first := n.State().Index
	set(t, n, "b")
	n.fsm.ring.reset(n.State().Index)
	stop := errors.New("stop")
	var got *pb.WatchEvent
	err := n.Watch(t.Context(), first, func(ev *pb.WatchEvent) error { got = ev; return stop })
	if !errors.Is(err, stop) || !got.Snapshot || !got.SnapshotEnd || len(got.Changes) != 2 || got.Index != n.State().Index {
		t.Errorf("watch: %v, %v", got, err)
	}
	err = n.Watch(t.Context(), n.State().Index, func(ev *pb.WatchEvent) error { got = ev; return stop })
	if !errors.Is(err, stop) || got.Snapshot || len(got.Changes) != 0 {
		t.Errorf("watch of the present: %v, %v", got, err)
	}
}

// TestWatchFollows reads every change in order while commands are applied.
func TestWatchFollows(t *testing.T) {
	n := open(t, Config{ID: "a"})
	lead(t, n)
	const total = 2000
	seen := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := errors.New("done")
	go func() {
		next := 0
		seen <- n.Watch(ctx, 0, func(ev *pb.WatchEvent) error {
			for _, c := range ev.Changes {
				want := fmt.Sprintf("s%06d", next)
				if c.GetSchema().GetName() != want {
					return fmt.Errorf("got %s, want %s", c.GetSchema().GetName(), want)
				}
				if next++; next == total {
					return done
				}
			}
			return nil
		})
	}()
	for i := range total {
		set(t, n, fmt.Sprintf("s%06d", i))
	}
	if err := <-seen; !errors.Is(err, done) {
		t.Error(err)
	}
}

// TestHandshake connects with the right secret, a wrong one, and none.
func TestHandshake(t *testing.T) {
	serve := func(secret string) (*streamLayer, chan error) {
		s := newStreamLayer(listen(t), "", secret)
		got := make(chan error, 1)
		go func() {
			c, err := s.Accept()
			if err == nil {
				_, err = c.Read(make([]byte, 1))
				c.Close()
			}
			got <- err
		}()
		t.Cleanup(func() { s.Close(); s.hangUp() })
		return s, got
	}
	f := func(name, server, client string, ok bool) {
		t.Helper()
		s, got := serve(server)
		c, err := newStreamLayer(nil, "", client).Dial(raftAddress(s), time.Second)
		if err == nil {
			c.Write([]byte("x"))
			err = <-got
			c.Close()
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	f("right", "s", "s", true)
	f("wrong", "s", "t", false)
	f("open", "", "", true)
	s, got := serve("s")
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Write(make([]byte, 100))
	c.Close()
	if <-got == nil {
		t.Error("zeros pass for a proof")
	}
}

func raftAddress(s *streamLayer) raft.ServerAddress {
	return raft.ServerAddress(s.Listener.Addr().String())
}
