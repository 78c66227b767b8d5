package server

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// watched is a source that knows how many readers it has and whether it was
// closed under one.
type watched struct {
	ingest.Source
	mu      sync.Mutex
	readers int
	closed  bool
	broken  string
}

func (w *watched) Open(ctx context.Context, part uint32, from ingest.Offset) (ingest.Reader, error) {
	r, err := w.Source.Open(ctx, part, from)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.broken = "opened a reader of a closed source"
	}
	w.readers++
	return &watchedReader{r, w}, nil
}

func (w *watched) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		w.broken = "closed twice"
	case w.readers > 0:
		w.broken = "closed under a reader"
	}
	w.closed = true
	return nil
}

func (w *watched) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

type watchedReader struct {
	ingest.Reader
	w *watched
}

func (r *watchedReader) Close() error {
	r.w.mu.Lock()
	r.w.readers--
	r.w.mu.Unlock()
	return r.Reader.Close()
}

// Streams are closed when their config changed, their table is gone, or the
// server closes: once, and after their last reader.
func TestStreamsAreClosed(t *testing.T) {
	c := newCluster(t, 2, 100, "")
	c.srv.Close()
	var mu sync.Mutex
	var all []*watched
	c.open = func() ingest.Source {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, &watched{Source: c.stream})
		return all[len(all)-1]
	}
	get := func(i int) *watched {
		mu.Lock()
		defer mu.Unlock()
		if i < len(all) {
			return all[i]
		}
		return nil
	}
	c.start()
	c.add(0, 0, 150)
	c.add(1, 150, 50)
	c.holds(200)
	for i := range 3 {
		c.define(func(cfg *schema.TableConfig) { cfg.Stream.Topic = strings.Repeat("x", i+1) })
		c.add(0, 200+10*i, 10)
		c.holds(210 + 10*i)
		eventually(t, "the replaced stream is closed", get(i).isClosed)
		// The state still has the first definition, which is older and ignored.
		c.srv.poke()
	}
	c.restart()
	c.holds(230)
	eventually(t, "all but one are closed", func() bool { return get(4) != nil && get(3).isClosed() })
	c.call("DELETE", "/tables/events", nil)
	eventually(t, "the stream of a deleted table is closed", get(4).isClosed)
	if h, _ := c.srv.Health(); h["stream events"] != "" {
		t.Errorf("health still has the stream: %q", h["stream events"])
	}
	for i := range 5 {
		if w := get(i); w.broken != "" {
			t.Errorf("stream %d: %s", i, w.broken)
		}
	}
	if get(5) != nil {
		t.Error("a stream too many was opened")
	}
}

// The partition that stopped is no longer shown when its table is gone.
func TestDeletedTableLeavesNoHealth(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 100)
	c.holds(100)
	c.srv.Close()
	c.stream.Trim(0, 60)
	c.start()
	key := "table events partition 0"
	eventually(t, "the partition stops", func() bool { h, _ := c.srv.Health(); return h[key] != "" })
	if r := c.srv.tables.allConsumers()[0].describe(); r.LossHorizonMillis != 0 {
		t.Errorf("loss horizon %d ms after a loss", r.LossHorizonMillis)
	}
	c.call("DELETE", "/tables/events", nil)
	eventually(t, "health forgets the table", func() bool {
		h, _ := c.srv.Health()
		for k := range h {
			if strings.Contains(k, "events") {
				return false
			}
		}
		return true
	})
}

func TestUnreadableTableIsInHealth(t *testing.T) {
	s := &Server{view: clusterview.New("i", quiet()), tasks: newTaskSet()}
	st := &clusterview.State{Tables: map[uint32]*clusterview.Table{1: {Name: "t", Err: errors.New("schema of version 9")}}}
	if h := s.components(st, 0); h["table t"] != "schema of version 9" {
		t.Errorf("health %v", h)
	}
}

// A deletion that the deep store refuses is not forgotten by a restart: until it
// is done the server does not report the index of the deletion as applied.
func TestDeletionOutlivesRestart(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 250)
	c.holds(250)
	c.durable(2)
	eventually(t, "the index is reported", func() bool {
		return c.srv.heartbeat().AppliedIndex == c.srv.View().State().Index
	})
	before := c.srv.View().State().Index
	c.deep.keeping.Store(true)
	c.call("DELETE", "/tables/events", nil)
	eventually(t, "the deletion is seen", func() bool { return len(c.srv.View().State().Tables) == 0 })
	f := func(want uint64) {
		t.Helper()
		if got := c.srv.heartbeat().AppliedIndex; got != want {
			t.Errorf("applied index %d, want %d", got, want)
		}
	}
	f(before)
	eventually(t, "the fault is visible", func() bool {
		h, _ := c.srv.Health()
		return strings.Contains(h["deep store"], "keeps") && strings.Contains(h["segments"], "delete")
	})
	c.restart()
	eventually(t, "the state is seen", func() bool { return c.srv.View().State().Synced })
	f(0)
	c.deep.keeping.Store(false)
	eventually(t, "an empty deep store", func() bool { return len(c.objects()) == 0 })
	eventually(t, "the index is reported", func() bool { return c.srv.heartbeat().AppliedIndex > before })
}

// silent is a reader that has nothing.
type silent struct{ ingest.Reader }

func (silent) Fetch(ctx context.Context) (*ingest.RawBatch, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

type plainOffsets struct{ ingest.Source }

func (plainOffsets) FormatOffset(o ingest.Offset) string { return string(o) }

func TestReadingAgainDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{reader: silent{}, src: &tableStream{Source: plainOffsets{}}, next: "17", seg: &pb.Segment{EndOffsetText: "20"}}
		_, err := c.fetchAgain(t.Context())
		if err == nil || !strings.Contains(err.Error(), "17") || !strings.Contains(err.Error(), "20") {
			t.Errorf("error %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.fetchAgain(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestLossHorizon(t *testing.T) {
	f := func(retention, records, millis int64, state string, since time.Duration, want int64) {
		t.Helper()
		r := &pb.ConsumerReport{LagRecords: records, LagMillis: millis, State: state}
		if got := lossHorizon(retention, r, since); got != want {
			t.Errorf("retention %d, %d records and %d ms behind, %v ago: %d, want %d", retention, records, millis, since, got, want)
		}
	}
	f(10_000, 0, 0, consumerConsuming, 0, 10_000)
	f(10_000, 0, -1, consumerConsuming, 0, 10_000)
	f(10_000, 5, 3_000, consumerCatchingUp, 0, 7_000)
	f(10_000, 5, 3_000, consumerRetrying, 4*time.Second, 3_000) // the stream is away
	f(10_000, 5, 30_000, consumerCatchingUp, 0, 0)
	f(10_000, 5, -1, consumerCatchingUp, 0, -1)
	f(-1, 0, 0, consumerConsuming, 0, -1)
	f(10_000, 0, 0, consumerStoppedGap, 0, 0)
}
