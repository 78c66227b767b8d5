package scatter

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// feed is a controller that only sends events.
type feed struct {
	api.Controller
	events chan *pb.WatchEvent
}

func (f *feed) Watch(ctx context.Context, _ *pb.WatchRequest, g func(*pb.WatchEvent) error) error {
	for {
		select {
		case ev := <-f.events:
			if err := g(ev); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// server is a server whose answers are scripted: one row per segment, the
// segment's name.
type server struct {
	execute func(ctx context.Context, f *plan.Fragment, emit func(*column.Batch) error) (exec.Stats, error)
	calls   atomic.Int32
}

func (s *server) Execute(ctx context.Context, _ string, f *plan.Fragment, emit func(*column.Batch) error) (exec.Stats, error) {
	s.calls.Add(1)
	if s.execute != nil {
		return s.execute(ctx, f, emit)
	}
	return answer(f, emit)
}

func (s *server) SystemTable(context.Context, string) (*column.Batch, error) {
	return nil, errors.New("not asked")
}

func answer(f *plan.Fragment, emit func(*column.Batch) error) (exec.Stats, error) {
	for _, name := range f.Segments {
		v := column.New(schema.Text, 1)
		v.AppendString(name)
		if err := emit(&column.Batch{N: 1, Cols: []*column.Vector{v}}); err != nil {
			return exec.Stats{}, err
		}
	}
	n := int64(len(f.Segments))
	return exec.Stats{SegmentsQueried: n, TotalDocs: n, Segments: []exec.SegmentStats{{Name: f.Segments[0], Method: "scan", Docs: 1}}}, nil
}

type servers map[string]*server

func (s servers) Server(_ *clusterview.State, instance string) (Server, error) {
	if s[instance] == nil {
		return nil, errors.New("no address")
	}
	return s[instance], nil
}

// rig is a broker's scatter over scripted servers.
type rig struct {
	t       *testing.T
	feed    *feed
	index   atomic.Uint64
	sc      *Scatter
	servers servers
}

func newRig(t *testing.T, names ...string) *rig {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	g := &rig{t: t, feed: &feed{events: make(chan *pb.WatchEvent)}, servers: servers{}}
	view := clusterview.New("b", log)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); view.Run(ctx, g.feed) }()
	t.Cleanup(func() { cancel(); <-done })
	var changes []*pb.Change
	for _, n := range names {
		g.servers[n] = &server{}
		changes = append(changes, &pb.Change{Entity: &pb.Change_Instance{Instance: &pb.Instance{Id: n}}})
	}
	changes = append(changes, &pb.Change{Entity: &pb.Change_Table{Table: &pb.Table{Id: 1, Name: "t"}}})
	g.index.Store(1)
	g.feed.events <- &pb.WatchEvent{Index: 1, Snapshot: true, SnapshotEnd: true, Changes: changes}
	g.sc = New(view, g.servers)
	return g
}

// place says where a segment is; no replicas mean that it is deleted.
func (g *rig) place(name string, replicas ...string) {
	g.send(name, replicas...)
	synctest.Wait()
}

// send is place without waiting for the view, for goroutines beside the test's.
func (g *rig) send(name string, replicas ...string) {
	g.feed.events <- &pb.WatchEvent{Index: g.index.Add(1), Changes: []*pb.Change{{
		Deleted: len(replicas) == 0,
		Entity:  &pb.Change_Segment{Segment: &pb.Segment{TableId: 1, Name: name, Status: pb.SegmentStatus_SEGMENT_CONSUMING, Replicas: replicas}},
	}}}
}

// run runs a leaf and returns the names of the segments that answered, sorted.
func (g *rig) run(ctx context.Context, o session.LeafOptions) (string, session.LeafStats, error) {
	leaf := &plan.Leaf{Table: &schema.Table{ID: 1, Name: "t"}, Limit: -1}
	var got []string
	var busy atomic.Bool
	r := g.sc.NewRunner(o)
	err := r.RunLeaf(&fn.Context{Context: ctx}, leaf, func(b *column.Batch) error {
		if busy.Swap(true) {
			g.t.Error("emit was called concurrently")
		}
		got = append(got, string(b.Cols[0].Bytes(0)))
		busy.Store(false)
		return nil
	})
	slices.Sort(got)
	return strings.Join(got, " "), r.Stats(), err
}

func TestAllPartsAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a", "b", "c")
		g.place("s1", "a")
		g.place("s2", "b")
		g.place("s3", "b")
		got, st, err := g.run(t.Context(), session.LeafOptions{Trace: true})
		if err != nil || got != "s1 s2 s3" {
			t.Errorf("got %q, %v", got, err)
		}
		if st.ServersQueried != 2 || st.ServersResponded != 2 || st.SegmentsQueried != 3 || len(st.Leaves) != 1 {
			t.Errorf("stats %+v", st)
		}
		for _, lines := range st.Leaves {
			if len(lines) != 4 || !strings.Contains(strings.Join(lines, "\n"), "b: 2 segments") {
				t.Errorf("trace %q", lines)
			}
		}
	})
}

type lacks []string

func (l lacks) Error() string             { return "lacking" }
func (l lacks) MissingSegments() []string { return l }

// A server that lacks its segments is asked again, where they are by then; the
// answers of the others are kept.
func TestMovedSegmentIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a", "b", "c")
		g.place("s1", "a")
		g.place("s2", "b")
		g.servers["b"].execute = func(_ context.Context, f *plan.Fragment, _ func(*column.Batch) error) (exec.Stats, error) {
			go g.send("s2", "c")
			return exec.Stats{}, lacks(f.Segments)
		}
		got, _, err := g.run(t.Context(), session.LeafOptions{})
		if err != nil || got != "s1 s2" {
			t.Errorf("got %q, %v", got, err)
		}
		if n := g.servers["a"].calls.Load(); n != 1 {
			t.Errorf("a was asked %d times", n)
		}
	})
}

func TestRestartingServerIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a", "b")
		g.place("s1", "a")
		g.place("s2", "b")
		back := time.Now().Add(time.Second)
		g.servers["b"].execute = func(_ context.Context, f *plan.Fragment, emit func(*column.Batch) error) (exec.Stats, error) {
			if time.Now().Before(back) {
				return exec.Stats{}, errors.New("connection refused")
			}
			return answer(f, emit)
		}
		got, _, err := g.run(t.Context(), session.LeafOptions{})
		if err != nil || got != "s1 s2" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestOutageIsNamed(t *testing.T) {
	f := func(name string, fault error, code, want string) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, "a", "b")
				g.place("s1", "a")
				g.place("s2", "b")
				g.servers["b"].execute = func(context.Context, *plan.Fragment, func(*column.Batch) error) (exec.Stats, error) {
					return exec.Stats{}, fault
				}
				start := time.Now()
				_, _, err := g.run(t.Context(), session.LeafOptions{})
				if sqlerr.Code(err) != code || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v (%s), want %s with %q", err, sqlerr.Code(err), code, want)
				}
				if d := time.Since(start); d > 2*patience {
					t.Errorf("took %v", d)
				}
			})
		})
	}
	f("connection", errors.New("connection refused"), sqlerr.ConnectionFailure, "server b: connection refused")
	f("segment", lacks{"s2"}, sqlerr.IOError, "s2")
	f("query error", sqlerr.New(sqlerr.DivisionByZero, "division by zero"), sqlerr.DivisionByZero, "division by zero")
}

// After part of a server's answer was passed on it cannot be asked again.
func TestNoRetryAfterRowsWereGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a")
		g.place("s1", "a")
		g.servers["a"].execute = func(_ context.Context, f *plan.Fragment, emit func(*column.Batch) error) (exec.Stats, error) {
			if _, err := answer(f, emit); err != nil {
				return exec.Stats{}, err
			}
			return exec.Stats{}, errors.New("connection reset")
		}
		got, _, err := g.run(t.Context(), session.LeafOptions{})
		if sqlerr.Code(err) != sqlerr.ConnectionFailure || got != "s1" || g.servers["a"].calls.Load() != 1 {
			t.Errorf("got %q, %v after %d calls", got, err, g.servers["a"].calls.Load())
		}
	})
}

func TestUnplacedSegmentIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a")
		g.place("s1", "nobody")
		go func() {
			time.Sleep(time.Second)
			g.send("s1", "a")
		}()
		got, _, err := g.run(t.Context(), session.LeafOptions{})
		if err != nil || got != "s1" {
			t.Errorf("got %q, %v", got, err)
		}
		g.place("s2", "nobody")
		if _, _, err = g.run(t.Context(), session.LeafOptions{}); sqlerr.Code(err) != sqlerr.IOError || !strings.Contains(err.Error(), "s2") {
			t.Errorf("error %v", err)
		}
	})
}

// A leaf whose segments are deleted while it runs is routed anew.
func TestDeletedSegmentIsRoutedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a")
		g.place("s1", "a")
		g.place("s2", "a")
		var once sync.Once
		g.servers["a"].execute = func(_ context.Context, f *plan.Fragment, emit func(*column.Batch) error) (exec.Stats, error) {
			if slices.Contains(f.Segments, "s1") {
				once.Do(func() { go g.send("s1") })
				return exec.Stats{}, lacks{"s1"}
			}
			return answer(f, emit)
		}
		got, _, err := g.run(t.Context(), session.LeafOptions{})
		if err != nil || got != "s2" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestTimeoutNamesTheSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a", "slow")
		g.place("s1", "a")
		g.place("s2", "slow")
		var left int64
		g.servers["slow"].execute = func(ctx context.Context, f *plan.Fragment, _ func(*column.Batch) error) (exec.Stats, error) {
			left = f.TimeoutMicros
			<-ctx.Done()
			return exec.Stats{}, ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, _, err := g.run(ctx, session.LeafOptions{})
		var se *sqlerr.Error
		if !errors.As(err, &se) || se.Code != sqlerr.QueryCanceled || !strings.Contains(se.Detail, "slow") || strings.Contains(se.Detail, "a,") {
			t.Errorf("error %v, detail %q", err, se.Detail)
		}
		if left != 2_000_000 {
			t.Errorf("the fragment had %d µs left", left)
		}
	})
}

// The first error ends the work of all servers.
func TestErrorAndCancelReachAllServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a", "b")
		g.place("s1", "a")
		g.place("s2", "b")
		ended := make(chan error, 2)
		g.servers["a"].execute = func(ctx context.Context, _ *plan.Fragment, _ func(*column.Batch) error) (exec.Stats, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return exec.Stats{}, ctx.Err()
		}
		g.servers["b"].execute = func(context.Context, *plan.Fragment, func(*column.Batch) error) (exec.Stats, error) {
			return exec.Stats{}, sqlerr.New(sqlerr.DivisionByZero, "division by zero")
		}
		if _, _, err := g.run(t.Context(), session.LeafOptions{}); sqlerr.Code(err) != sqlerr.DivisionByZero {
			t.Errorf("error %v", err)
		}
		<-ended
		g.servers["b"].execute = g.servers["a"].execute
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); cancel() }()
		if _, _, err := g.run(ctx, session.LeafOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		<-ended
		<-ended
	})
}

func TestPartialAnswersNameWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, "a", "b")
		g.place("s1", "a")
		g.place("s2", "b")
		g.place("s3", "nobody")
		g.servers["b"].execute = func(context.Context, *plan.Fragment, func(*column.Batch) error) (exec.Stats, error) {
			return exec.Stats{}, errors.New("connection refused")
		}
		got, st, err := g.run(t.Context(), session.LeafOptions{AllowPartial: true})
		slices.Sort(st.Missing)
		if err != nil || got != "s1" || !slices.Equal(st.Missing, []string{"s2", "s3"}) {
			t.Errorf("got %q, missing %v, %v", got, st.Missing, err)
		}
	})
}

func TestUnknownTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		leaf := &plan.Leaf{Table: &schema.Table{ID: 9, Name: "nine"}}
		err := g.sc.NewRunner(session.LeafOptions{}).RunLeaf(&fn.Context{Context: t.Context()}, leaf, nil)
		if sqlerr.Code(err) != sqlerr.UndefinedTable {
			t.Errorf("error %v", err)
		}
	})
}
