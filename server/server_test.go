package server

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

func TestSealByRowsAndRestart(t *testing.T) {
	c := newCluster(t, 2, 200, "")
	c.add(0, 0, 450)
	c.add(1, 450, 300)
	c.holds(750)
	c.durable(3)
	c.holds(750)
	for _, s := range c.segments(pb.SegmentStatus_SEGMENT_DURABLE) {
		if s.Rows < 200 || s.Rows > 250 || s.Crc == 0 || s.Uri == "" {
			t.Errorf("segment %v", s)
		}
	}
	// What is sealed is not read again: the stream may forget it.
	c.stream.Trim(0, 200)
	c.restart()
	c.holds(750)
}

func TestQueriesDuringSealsNeverMissOrDouble(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var last int64
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			n, _, err := c.total()
			var miss *MissingError
			switch {
			case errors.As(err, &miss):
			case err != nil:
				t.Error(err)
				return
			case n < last:
				t.Errorf("count fell from %d to %d", last, n)
				return
			case n > 3000:
				t.Errorf("count %d exceeds what was produced", n)
				return
			default:
				last = n
			}
		}
	})
	for i := range 60 {
		c.add(0, 50*i, 50)
		time.Sleep(2 * time.Millisecond)
	}
	c.holds(3000)
	close(stop)
	wg.Wait()
	c.durable(20)
	c.holds(3000)
}

func TestLostAnswersToEndSegment(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.link.lose.Store(3)
	for i := range 10 {
		c.add(0, 50*i, 50)
		time.Sleep(20 * time.Millisecond)
	}
	c.holds(500)
	c.durable(2)
	c.holds(500)
}

func TestControllerAway(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 50)
	c.holds(50)
	c.link.down.Store(true)
	c.add(0, 50, 100)
	c.holds(150) // beyond the threshold: ingestion goes on
	eventually(t, "the fault is visible", func() bool {
		h, _ := c.srv.Health()
		return strings.Contains(h["controller"], "away")
	})
	c.add(0, 150, 400)
	time.Sleep(300 * time.Millisecond)
	n, _, err := c.total()
	if err != nil || n > 250 {
		t.Errorf("%d rows without a controller (%v): the segment grows without bound", n, err)
	}
	c.link.down.Store(false)
	c.holds(550)
	c.durable(3)
	c.holds(550)
}

func TestCrashBeforePublish(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 100)
	c.link.down.Store(false)
	c.durable(1)
	// The next segment ends, but its publication never reaches the controller.
	c.deep.down.Store(true)
	c.add(0, 100, 120)
	eventually(t, "a committed segment", func() bool { return len(c.segments(pb.SegmentStatus_SEGMENT_COMMITTED)) == 1 })
	c.restart()
	c.holds(220)
	c.deep.down.Store(false)
	c.durable(2)
	c.holds(220)
}

func TestDeepStoreAway(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.deep.down.Store(true)
	c.add(0, 0, 450)
	c.holds(450)
	eventually(t, "committed segments", func() bool { return len(c.segments(pb.SegmentStatus_SEGMENT_COMMITTED)) == 4 })
	eventually(t, "the fault is visible", func() bool {
		h, _ := c.srv.Health()
		return strings.Contains(h["deep store"], "away")
	})
	c.deep.down.Store(false)
	c.durable(4)
	c.holds(450)
}

func TestLostDiskIsRefilled(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 350)
	c.durable(3)
	c.srv.Close()
	if err := os.RemoveAll(c.srv.cfg.DataDir); err != nil {
		t.Fatal(err)
	}
	c.stream.Trim(0, 300)
	c.start()
	c.holds(350)
}

func TestCorruptFileIsReplaced(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 250)
	c.durable(2)
	seg := c.segments(pb.SegmentStatus_SEGMENT_DURABLE)[0]
	path := c.srv.path(seg.TableId, seg.Name)
	c.srv.Close()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw[:len(raw)/2] {
		raw[i] ^= 0x55
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	c.start()
	c.holds(250)
	if _, err := os.Stat(path + ".corrupt"); err != nil {
		t.Errorf("the corrupt file was not set aside: %v", err)
	}
}

func TestGapStopsByDefault(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 100)
	c.holds(100)
	c.srv.Close()
	c.stream.Trim(0, 50)
	c.start()
	eventually(t, "the partition is stopped", func() bool {
		for _, x := range c.srv.tables.allConsumers() {
			if r := x.describe(); r.State == consumerStoppedGap && strings.Contains(r.Error, "50") {
				return true
			}
		}
		return false
	})
	if gaps := c.srv.View().State().Gaps; len(gaps) != 0 {
		t.Errorf("gaps %v", gaps)
	}
}

func TestGapResumesWithARecord(t *testing.T) {
	c := newCluster(t, 1, 1000, `,"alluvium.on.gap":"resume"`)
	c.add(0, 0, 100)
	c.holds(100)
	c.srv.Close()
	c.stream.Trim(0, 60)
	c.start()
	eventually(t, "a durable gap record", func() bool { return len(c.srv.View().State().Gaps) == 1 })
	g := c.srv.View().State().Gaps[0]
	if g.FromText != "0" || g.ToText != "60" || g.Missing != 60 {
		t.Errorf("gap %v", g)
	}
	eventually(t, "the rows behind the gap", func() bool { n, _, err := c.total(); return err == nil && n == 40 })
}

func TestRefusedRecords(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 50)
	c.stream.Add(0, `{"user":`, `{"user":"x","n":"abc"}`, `not json`)
	c.add(0, 50, 60)
	c.holds(110)
	check := func() {
		t.Helper()
		b, err := c.srv.SystemTable(context.Background(), api.SystemIngestionErrors)
		if err != nil || b.N != 3 {
			t.Fatalf("%d errors, %v", b.N, err)
		}
		if off, why := string(b.Cols[2].Bytes(1)), string(b.Cols[4].Bytes(1)); off != "51" || !strings.Contains(why, "n") {
			t.Errorf("offset %s, reason %s", off, why)
		}
	}
	check()
	c.durable(1)
	check()
	c.restart()
	c.holds(110)
	check()
}

func TestPartitionsAreFound(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 10)
	c.holds(10)
	c.stream.AddPartition(1)
	c.add(1, 10, 10)
	c.holds(20)
}

func TestReshardingReadsParentsFirst(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 30)
	c.stream.AddPartition(1, 0)
	c.add(1, 30, 30)
	c.holds(30)
	time.Sleep(200 * time.Millisecond)
	if n, _, _ := c.total(); n != 30 {
		t.Fatalf("%d rows: the child was read before its parent's end", n)
	}
	c.stream.ClosePartition(0)
	c.holds(60)
}

func TestStreamAway(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 10)
	c.holds(10)
	c.stream.Fail(errors.New("stream is away"))
	eventually(t, "the fault is visible", func() bool {
		h, _ := c.srv.Health()
		return strings.Contains(h["stream events"], "away")
	})
	c.add(0, 10, 10)
	c.stream.Fail(nil)
	c.holds(20)
	eventually(t, "health recovers", func() bool { h, _ := c.srv.Health(); return h["stream events"] == "ok" })
}

func TestMemoryLimitSealsEarly(t *testing.T) {
	c := newCluster(t, 1, 1_000_000, "")
	c.srv.memory.limit.Store(1)
	c.add(0, 0, 500)
	c.holds(500)
	c.durable(1)
	c.holds(500)
}

func TestMissingSegmentIsNamed(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	_, err := c.srv.acquire(context.Background(), []string{"events__9__9__x"})
	var miss *MissingError
	if !errors.As(err, &miss) || miss.MissingSegments()[0] != "events__9__9__x" {
		t.Errorf("error %v", err)
	}
}
