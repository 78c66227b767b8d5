package server

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
)

func TestStartOf(t *testing.T) {
	f := func(text string, want ingest.Start) {
		t.Helper()
		got, err := startOf(&schema.StreamConfig{Start: text})
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	f("", ingest.Start{Kind: ingest.StartEarliest})
	f("smallest", ingest.Start{Kind: ingest.StartEarliest})
	f("TRIM_HORIZON", ingest.Start{Kind: ingest.StartEarliest})
	f("largest", ingest.Start{Kind: ingest.StartLatest})
	f("offset:42", ingest.Start{Kind: ingest.StartExplicit, Offset: "42"})
	f("1700000000000", ingest.Start{Kind: ingest.StartTimestamp, Timestamp: 1700000000000})
	f("2023-11-14T22:13:20Z", ingest.Start{Kind: ingest.StartTimestamp, Timestamp: 1700000000000})
	if _, err := startOf(&schema.StreamConfig{Start: "yesterday"}); err == nil || !strings.Contains(err.Error(), "yesterday") {
		t.Errorf("err = %v", err)
	}
}

func TestCutBatch(t *testing.T) {
	offsets := []ingest.Offset{"b", "d", "f"} // sparse
	f := func(next, end ingest.Offset, records int, wantNext ingest.Offset) {
		t.Helper()
		b := &ingest.RawBatch{Records: make([]ingest.Record, 3), Next: next, Offset: func(i int) ingest.Offset { return offsets[i] }}
		got := cutBatch(b, end)
		if len(got.Records) != records || got.Next != wantNext {
			t.Errorf("end %s: %d records, next %s", end, len(got.Records), got.Next)
		}
		if len(b.Records) != 3 {
			t.Error("the source's batch was changed")
		}
	}
	f("g", "z", 3, "g")
	f("g", "g", 3, "g")
	f("g", "f", 2, "f")
	f("g", "e", 2, "e") // an end between records
	f("g", "a", 0, "a")
}

func TestDeleter(t *testing.T) {
	st := &clusterview.State{Instances: map[string]*pb.Instance{
		"a": {Role: pb.Role_ROLE_BROKER}, "b": {Role: pb.Role_ROLE_SERVER}, "c": {Role: pb.Role_ROLE_SERVER},
	}}
	f := func(want string, replicas ...string) {
		t.Helper()
		if got := deleter(st, &pb.Segment{Replicas: replicas}); got != want {
			t.Errorf("%v: %q, want %q", replicas, got, want)
		}
	}
	f("c", "c", "b")
	f("c", "gone", "c")
	f("b", "gone")
	f("b")
}

func TestMemoryMarks(t *testing.T) {
	m := &memory{}
	m.limit.Store(1000)
	f := func(held, pending int64, seals, over bool) {
		t.Helper()
		m.held.Store(held)
		m.pending.Store(pending)
		if m.seals() != seals || m.over() != over {
			t.Errorf("held %d, pending %d: seals %v, over %v", held, pending, m.seals(), m.over())
		}
	}
	f(1000, 0, false, false)
	f(1001, 0, true, false)
	f(1250, 0, true, false)
	f(1251, 0, true, true)
	f(1251, 800, false, true) // builds are about to free it
}

func TestTasksRestAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts := newTaskSet()
		if !ts.begin("a") || ts.begin("a") || !ts.busy("a") {
			t.Fatal("two tasks of one segment")
		}
		boom := errors.New("boom")
		var last time.Duration
		for range 12 {
			ts.end("a", boom)
			start := time.Now()
			for !ts.begin("a") {
				time.Sleep(10 * time.Millisecond)
			}
			last = time.Since(start)
		}
		if last < lastRetry/2 || last > 2*lastRetry {
			t.Errorf("the last pause was %v", last)
		}
		ts.end("a", boom)
		keep := func(string) bool { return true }
		if f := ts.failures(keep); !errors.Is(f["a"], boom) {
			t.Errorf("failures %v", f)
		}
		ts.forget("a")
		if !ts.begin("a") {
			t.Error("a forgotten task rests")
		}
		ts.end("a", boom)
		if ts.failures(func(string) bool { return false }); len(ts.m) != 0 {
			t.Error("the failure of a segment that is gone is kept")
		}
		ts.begin("a")
		ts.end("a", nil)
		if len(ts.m) != 0 {
			t.Error("a finished task is kept")
		}
	})
}

func TestStepErrors(t *testing.T) {
	inner := failed(stepBuild, io.ErrUnexpectedEOF)
	outer := failed(stepCommit, inner)
	var e *stepError
	if !errors.As(outer, &e) || e.step != stepBuild || !errors.Is(outer, io.ErrUnexpectedEOF) || outer.Error() != "build: unexpected EOF" {
		t.Errorf("error %v", outer)
	}
	if failed(stepBuild, nil) != nil {
		t.Error("success became a failure")
	}
}

func TestRateMeter(t *testing.T) {
	var r rateMeter
	now := time.Unix(1000, 0)
	for range 600 {
		r.add(now, 50)
		now = now.Add(100 * time.Millisecond)
	}
	if got := r.perSecond(now); got < 450 || got > 520 {
		t.Errorf("%.0f rows/s, want about 500", got)
	}
	if got := r.perSecond(now.Add(time.Minute)); got > 5 {
		t.Errorf("%.0f rows/s a minute after the last row", got)
	}
}

func TestConfigNamesAllFaults(t *testing.T) {
	_, err := New(Config{})
	for _, want := range []string{"Instance", "DataDir", "Controller", "DeepStore", "OpenSource", "Logger"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %s in it", err, want)
		}
	}
}

// While nothing can be built, consumers stop at the memory limit, and go on
// when it can.
func TestMemoryIsBoundedWhileBuildsFail(t *testing.T) {
	c := newCluster(t, 2, 1_000_000, "")
	c.srv.Close()
	disk := &brokenDisk{FS: vfs.NewMem()}
	c.fs = disk
	c.start()
	c.add(0, 0, 10)
	c.holds(10)
	disk.down.Store(true)
	limit := c.srv.memory.held.Load() + 1
	c.srv.memory.limit.Store(limit)
	c.add(0, 10, 4000)
	c.add(1, 4010, 4000)
	eventually(t, "consumers wait", func() bool {
		for _, x := range c.srv.tables.allConsumers() {
			if r := x.describe(); r.State == consumerRetrying && strings.Contains(r.Error, "memory") {
				return true
			}
		}
		return false
	})
	n, _, err := c.total()
	if err != nil || n >= 8010 {
		t.Errorf("%d rows, %v", n, err)
	}
	var held int64
	eventually(t, "memory stops growing", func() bool {
		held = c.srv.memory.held.Load()
		time.Sleep(200 * time.Millisecond)
		return c.srv.memory.held.Load() == held
	})
	// An ended segment and one that holds at most a batch, per partition.
	if most := 8 * limit; held > most {
		t.Errorf("%d bytes are held, the limit is %d", held, limit)
	}
	c.srv.memory.limit.Store(1 << 30)
	disk.down.Store(false)
	c.holds(8010)
}

func TestDeepStoreHealth(t *testing.T) {
	s := &Server{}
	f := func(err error, want string) {
		t.Helper()
		s.deepStoreAnswered(context.Background(), err)
		if got := s.health.copy()["deep store"]; got != want {
			t.Errorf("%v: health %q, want %q", err, got, want)
		}
	}
	f(nil, "ok")
	f(errors.New("away"), "away")
	f(nil, "ok")
}
