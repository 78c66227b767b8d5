package clusterview

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// Errors that end a watch, which is then begun again.
var (
	// ErrOtherCluster is returned for events of another cluster than the one
	// that this view belongs to: following it would mean to drop everything.
	ErrOtherCluster = errors.New("the controller belongs to another cluster")
	// ErrBehind is returned for a snapshot that is older than what is known.
	ErrBehind = errors.New("the controller is behind")
)

// View follows the cluster's state. Readers take snapshots without locks.
//
// The state never goes back: a snapshot that is older than what was seen, as a
// controller that lags may send, is refused and another one is asked for.
type View struct {
	instance string
	log      *slog.Logger
	state    atomic.Pointer[State]
	staleAt  atomic.Int64 // ms since 1970 when the watch broke, 0 while it runs
	refused  atomic.Pointer[string]

	// These are set before Run.
	cluster   string
	onDeleted func(*pb.Segment)

	mu   sync.Mutex // guards subs
	subs map[chan struct{}]struct{}
}

// New returns a view that is empty until Run has received a snapshot.
func New(instance string, log *slog.Logger) *View {
	v := &View{instance: instance, log: log, subs: map[chan struct{}]struct{}{}}
	v.state.Store(newState())
	return v
}

// Expect makes the view refuse any other cluster than id. Without it the first
// one seen is the one. It must be called before Run.
func (v *View) Expect(id string) { v.cluster = id }

// OnDeleted has f called, by the goroutine of Run, for every segment that is
// deleted, also for those that were deleted while nobody watched and whose
// copy in the deep store still exists. f is called before State shows the
// deletion: whoever sees an index knows that all deletions up to it were told.
// It must be called before Run.
func (v *View) OnDeleted(f func(*pb.Segment)) { v.onDeleted = f }

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

// Refused says why the view does not follow the controllers that it reaches,
// "" when it does.
func (v *View) Refused() string {
	if r := v.refused.Load(); r != nil {
		return *r
	}
	return ""
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
		var in receiver // a snapshot that was not finished is dropped
		err := c.Watch(ctx, &pb.WatchRequest{
			ProtocolVersion: api.ProtocolVersion, InstanceId: v.instance, FromIndex: v.from(),
		}, func(ev *pb.WatchEvent) error {
			if err := v.receive(&in, ev); err != nil {
				return err
			}
			backoff = minBackoff
			return nil
		})
		if ctx.Err() != nil {
			return
		}
		v.broke(err)
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// broke notes that a watch ended.
func (v *View) broke(err error) {
	v.staleAt.CompareAndSwap(0, time.Now().UnixMilli())
	if errors.Is(err, ErrOtherCluster) {
		text := err.Error()
		v.refused.Store(&text)
	}
	v.log.Warn("watch of the cluster state broke", "err", err, "index", v.State().Index)
}

// from is the index to watch from: 0 asks for a snapshot.
func (v *View) from() uint64 {
	if s := v.State(); s.Synced {
		return s.Index
	}
	return 0
}

// receiver gathers a snapshot aside; it is shown when it is whole.
type receiver struct {
	pending *State
	deleted []*pb.Segment
}

// receive takes in one event.
func (v *View) receive(in *receiver, ev *pb.WatchEvent) error {
	if !ev.Snapshot {
		if err := v.checkCluster(ev.ClusterId); err != nil && ev.ClusterId != "" {
			return err
		}
		v.show(v.State().apply(ev), deletedSegments(nil, ev))
		return nil
	}
	if in.pending == nil {
		in.pending = newState()
		in.pending.TablesVersion = v.State().TablesVersion + 1
	}
	in.pending = in.pending.apply(ev)
	in.deleted = deletedSegments(in.deleted, ev)
	if !ev.SnapshotEnd {
		return nil
	}
	st, deleted := in.pending, in.deleted
	*in = receiver{}
	if err := v.checkCluster(st.ClusterID); err != nil {
		return err
	}
	if now := v.State().Index; st.Index < now {
		return fmt.Errorf("%w: its state is of index %d, known is %d", ErrBehind, st.Index, now)
	}
	st.Synced = true
	v.show(st, deleted)
	return nil
}

// checkCluster refuses the state of another cluster, and that of a controller
// which does not know its cluster yet.
func (v *View) checkCluster(id string) error {
	want := v.cluster
	if known := v.State().ClusterID; known != "" {
		want = known
	}
	switch {
	case want == "" || want == id:
		return nil
	case id == "":
		return fmt.Errorf("%w: it has no state yet", ErrBehind)
	}
	return fmt.Errorf("%w: this instance belongs to cluster %s, the controller to %s", ErrOtherCluster, want, id)
}

// show tells of deletions and then publishes the state.
func (v *View) show(st *State, deleted []*pb.Segment) {
	v.staleAt.Store(0)
	v.refused.Store(nil)
	if v.onDeleted != nil {
		for _, seg := range deleted {
			v.onDeleted(seg)
		}
	}
	v.state.Store(st)
	v.notify()
}

func deletedSegments(dst []*pb.Segment, ev *pb.WatchEvent) []*pb.Segment {
	for _, c := range ev.Changes {
		if e, ok := c.Entity.(*pb.Change_Segment); ok && c.Deleted {
			dst = append(dst, e.Segment)
		}
	}
	return dst
}
