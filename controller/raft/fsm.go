package raft

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/state"
)

// fsm applies the log to the state and keeps the latest changes for watchers.
// Raft calls Apply, Snapshot and Restore from one goroutine; everything else
// may be called from anywhere.
//
// The state and the ring change together under mu, so that a reader who takes
// both sees every change up to the state's index in one or the other.
type fsm struct {
	mu      sync.Mutex
	st      *state.State
	ring    ring
	changed chan struct{} // closed and replaced at every step
	closed  bool

	snapshotIndex atomic.Uint64
}

var _ raft.FSM = (*fsm)(nil)

func newFSM() *fsm {
	return &fsm{st: state.New(), changed: make(chan struct{})}
}

func (f *fsm) state() *state.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.st
}

// Apply implements raft.FSM. A command that cannot be read is refused; it
// still takes its index.
func (f *fsm) Apply(l *raft.Log) any {
	cmd := &pb.Command{}
	if err := proto.Unmarshal(l.Data, cmd); err != nil {
		cmd = &pb.Command{}
	}
	next, res := f.st.Apply(l.Index, cmd)
	f.step(next, func(r *ring) { r.add(l.Index, res.Changes) })
	return res
}

// step publishes a new state.
func (f *fsm) step(next *state.State, keep func(*ring)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.st = next
	keep(&f.ring)
	if !f.closed {
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

// close wakes all waiters for good.
func (f *fsm) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.changed)
	}
}

// look returns the state, what changed after an index (ok is false when that
// is no longer known), and a channel that is closed at the next step.
func (f *fsm) look(after uint64) (st *state.State, news []entry, ok bool, changed <-chan struct{}, closed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	news, ok = f.ring.since(after)
	return f.st, news, ok, f.changed, f.closed
}

// Snapshot implements raft.FSM. The state is immutable, so that this costs
// nothing; it is written while further commands are applied.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) { return snapshot{f.state(), f}, nil }

// snapshot writes one state.
type snapshot struct {
	st  *state.State
	fsm *fsm
}

// Persist implements raft.FSMSnapshot.
func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := s.st.WriteTo(sink); err != nil {
		return fmt.Errorf("writing a snapshot: %w", errors.Join(err, sink.Cancel()))
	}
	if err := sink.Close(); err != nil {
		return fmt.Errorf("closing a snapshot: %w", err)
	}
	s.fsm.snapshotIndex.Store(s.st.Index)
	return nil
}

// Release implements raft.FSMSnapshot.
func (snapshot) Release() {}

// Restore implements raft.FSM.
func (f *fsm) Restore(r io.ReadCloser) error {
	defer r.Close()
	st, err := state.Read(r)
	if err != nil {
		return err
	}
	f.snapshotIndex.Store(st.Index)
	f.step(st, func(r *ring) { r.reset(st.Index) })
	return nil
}

// snapshotChunk is the number of entities in one event of a snapshot.
const snapshotChunk = 512

// Watch calls send for everything that changes after an index, until ctx ends
// or send fails. It begins with the whole state when the index is 0 or too
// old. The messages in the events are shared and must not be changed.
func (n *Node) Watch(ctx context.Context, from uint64, send func(*pb.WatchEvent) error) error {
	at, err := n.watchFrom(ctx, from)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		st, news, ok, changed, closed := n.fsm.look(at)
		if closed {
			return api.Errorf(http.StatusServiceUnavailable, "the controller is closing")
		}
		switch {
		case first && at == 0 || !ok:
			at, err = st.Index, sendSnapshot(st, send)
		case first && len(news) == 0:
			// Tells the watcher that it follows again.
			err = send(&pb.WatchEvent{Index: at, ClusterId: st.ClusterID})
		default:
			at, err = sendNews(st, at, news, send)
		}
		if err != nil {
			return err
		}
		if _, news, ok, _, _ := n.fsm.look(at); !ok || len(news) > 0 {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watchCatchUp is how long a watcher that knows more than this node waits for
// it, before it is sent elsewhere.
const watchCatchUp = 5 * time.Second

// watchFrom returns the index to watch from. A watcher may have seen more than
// this node has applied yet; the leader, once it has applied all that is
// committed, knows that such an index belongs to another cluster and begins
// with the whole state.
func (n *Node) watchFrom(ctx context.Context, from uint64) (uint64, error) {
	if from <= n.State().Index {
		return from, nil
	}
	ctx, cancel := context.WithTimeout(ctx, watchCatchUp)
	defer cancel()
	if n.IsLeader() && n.Barrier(ctx) == nil {
		if from > n.State().Index {
			return 0, nil
		}
		return from, nil
	}
	if err := n.WaitIndex(ctx, from); err != nil {
		return 0, api.Errorf(http.StatusServiceUnavailable, "this controller has not caught up with index %d yet", from)
	}
	return from, nil
}

func sendNews(st *state.State, at uint64, news []entry, send func(*pb.WatchEvent) error) (uint64, error) {
	for _, e := range news {
		if err := send(&pb.WatchEvent{Index: e.index, Changes: e.changes, ClusterId: st.ClusterID}); err != nil {
			return at, err
		}
		at = e.index
	}
	return at, nil
}

func sendSnapshot(st *state.State, send func(*pb.WatchEvent) error) error {
	ev := &pb.WatchEvent{Index: st.Index, Snapshot: true, ClusterId: st.ClusterID}
	var err error
	st.Entities(func(c *pb.Change) bool {
		ev.Changes = append(ev.Changes, c)
		if len(ev.Changes) == snapshotChunk {
			err = send(ev)
			ev = &pb.WatchEvent{Index: st.Index, Snapshot: true, ClusterId: st.ClusterID}
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	ev.SnapshotEnd = true
	return send(ev)
}

// WaitIndex waits until the state has reached an index.
func (n *Node) WaitIndex(ctx context.Context, index uint64) error {
	for {
		st, _, _, changed, closed := n.fsm.look(index)
		switch {
		case st.Index >= index:
			return nil
		case closed:
			return ErrClosed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Changed returns the state and a channel that is closed when it changes.
func (n *Node) Changed() (*state.State, <-chan struct{}) {
	st, _, _, changed, _ := n.fsm.look(0)
	return st, changed
}
