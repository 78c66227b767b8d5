package clusterview

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// View follows the cluster's state. Readers take snapshots without locks.
type View struct {
	instance string
	log      *slog.Logger
	state    atomic.Pointer[State]
	staleAt  atomic.Int64 // ms since 1970 when the watch broke, 0 while it runs

	mu   sync.Mutex // guards subs
	subs map[chan struct{}]struct{}
}

// New returns a view that is empty until Run has received a snapshot.
func New(instance string, log *slog.Logger) *View {
	v := &View{instance: instance, log: log, subs: map[chan struct{}]struct{}{}}
	v.state.Store(newState())
	return v
}

// State returns the latest snapshot.
func (v *View) State() *State { return v.state.Load() }

// Stale returns for how long the watch has been broken, 0 while it runs.
func (v *View) Stale() time.Duration {
	at := v.staleAt.Load()
	if at == 0 {
		return 0
	}
	return time.Since(time.UnixMilli(at))
}

// Subscribe returns a channel that gets a value after changes (several changes
// may share one), and a function that ends the subscription.
func (v *View) Subscribe() (changed <-chan struct{}, cancel func()) {
	ch := make(chan struct{}, 1)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.subs[ch] = struct{}{}
	return ch, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.subs, ch)
	}
}

func (v *View) notify() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for ch := range v.subs {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// WaitFor waits until the view satisfies ok or ctx ends; it returns the state
// that did, or the latest one with ctx's error.
func (v *View) WaitFor(ctx context.Context, ok func(*State) bool) (*State, error) {
	changed, cancel := v.Subscribe()
	defer cancel()
	for {
		if s := v.State(); ok(s) {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return v.State(), ctx.Err()
		}
	}
}

// Backoff between watches that broke.
const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// Run watches c until ctx ends. A broken watch is begun again from the index
// reached.
func (v *View) Run(ctx context.Context, c api.Controller) {
	backoff := minBackoff
	for ctx.Err() == nil {
		// A snapshot is gathered aside and shown when it is whole.
		var pending *State
		err := c.Watch(ctx, &pb.WatchRequest{
			ProtocolVersion: api.ProtocolVersion, InstanceId: v.instance, FromIndex: v.from(),
		}, func(ev *pb.WatchEvent) error {
			pending = v.receive(pending, ev)
			backoff = minBackoff
			return nil
		})
		if ctx.Err() != nil {
			return
		}
		v.staleAt.CompareAndSwap(0, time.Now().UnixMilli())
		v.log.Warn("watch of the cluster state broke", "err", err, "index", v.State().Index)
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// from is the index to watch from: 0 asks for a snapshot.
func (v *View) from() uint64 {
	if s := v.State(); s.Synced {
		return s.Index
	}
	return 0
}

// receive takes in one event and returns the snapshot in the making, if any.
func (v *View) receive(pending *State, ev *pb.WatchEvent) *State {
	v.staleAt.Store(0)
	if ev.Snapshot {
		if pending == nil {
			pending = newState()
			pending.TablesVersion = v.State().TablesVersion + 1
		}
		pending = pending.apply(ev)
		if !ev.SnapshotEnd {
			return pending
		}
		pending.Synced = true
		v.state.Store(pending)
		v.notify()
		return nil
	}
	v.state.Store(v.State().apply(ev))
	v.notify()
	return nil
}
