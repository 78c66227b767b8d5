package server

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
)

// steps cuts the line to the controller at the n-th completion call and keeps it
// cut, as the death of the server does.
type steps struct {
	n     int64
	after bool // the n-th call is applied, only its answer is lost
}

func (s *steps) cut() (before, after bool) {
	s.n--
	return s.n < 0 || s.n == 0 && !s.after, s.n == 0
}

// TestDeathAtEveryStep kills the server before and after every step that it
// takes with the controller (end, publish, durable), starts it again, and counts.
func TestDeathAtEveryStep(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after %v", after), func(t *testing.T) {
			c := newCluster(t, 1, 100, "")
			rows := 0
			for n := int64(1); n <= 9; n++ {
				st := &steps{n: n, after: after}
				lock := make(chan struct{}, 1)
				cut := func() (bool, bool) {
					lock <- struct{}{}
					defer func() { <-lock }()
					return st.cut()
				}
				c.link.cut.Store(&cut)
				c.restart()
				eventually(t, "the line is cut", func() bool {
					c.add(0, rows, 20)
					rows += 20
					lock <- struct{}{}
					defer func() { <-lock }()
					return st.n <= 0
				})
				time.Sleep(10 * time.Millisecond)
				c.srv.Close()
			}
			c.link.cut.Store(nil)
			c.start()
			c.holds(rows)
			c.durable(rows/150 - 1)
			c.holds(rows)
			c.contiguous()
		})
	}
}

// contiguous checks that the segments of each partition follow each other
// without a hole in offsets and row numbers.
func (c *cluster) contiguous() {
	c.t.Helper()
	for _, tab := range c.srv.View().State().Tables {
		var last *pb.Segment
		for _, seg := range tab.Sorted() {
			if last != nil && last.Partition == seg.Partition {
				if string(last.EndOffset) != string(seg.StartOffset) || last.FirstSeq+last.Rows != seg.FirstSeq {
					c.t.Errorf("%s ends at offset %s, row %d; %s begins at %s, row %d", last.Name, last.EndOffsetText,
						last.FirstSeq+last.Rows, seg.Name, seg.StartOffsetText, seg.FirstSeq)
				}
			}
			last = seg
		}
	}
}

// A segment whose file differs from the committed one is shown and not
// published over and over.
func TestDifferentBuildIsVisible(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.deep.down.Store(true)
	c.add(0, 0, 130)
	c.holds(130)
	eventually(t, "a committed segment", func() bool { return len(c.segments(pb.SegmentStatus_SEGMENT_COMMITTED)) == 1 })
	seg := c.segments(pb.SegmentStatus_SEGMENT_COMMITTED)[0]
	c.srv.Close()
	// The file is lost and the stream has become another one of the same length.
	mustRemove(t, c.srv.segmentDir())
	c.stream.Replace(0, 5, `{"user":"other","n":5000}`)
	c.start()
	var calls atomic.Int32
	cut := func() (bool, bool) { calls.Add(1); return false, false }
	c.link.cut.Store(&cut)
	eventually(t, "the conflict is visible", func() bool {
		h, _ := c.srv.Health()
		for _, r := range c.srv.heartbeat().Segments {
			if r.Name == seg.Name && strings.Contains(r.Error, "committed with crc") {
				return strings.Contains(h["segments"], seg.Name)
			}
		}
		return false
	})
	time.Sleep(300 * time.Millisecond)
	c.srv.Close()
	if n := calls.Load(); n > 20 {
		t.Errorf("%d calls", n)
	}
	if now := c.srv.View().State().Segment(seg.TableId, seg.Name); len(now.Conflicts) != 1 || now.Crc != seg.Crc {
		t.Errorf("segment %v", now)
	}
	if len(c.objects()) > 0 {
		t.Errorf("uploaded %v", c.objects())
	}
}

// A segment that cannot be consumed by this version is shown and not tried hot.
func TestUnopenableSegmentIsVisible(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 10)
	c.holds(10)
	tab := c.srv.View().State().TableByName("events")
	seg := &pb.Segment{Name: "events__7__0__x", TableId: tab.Def.ID, Partition: 7, SchemaVersion: 99, Status: pb.SegmentStatus_SEGMENT_CONSUMING}
	for range 100 {
		c.srv.startConsumer(tab, seg)
	}
	failures := c.srv.tasks.failures(func(string) bool { return true })
	var step *stepError
	if err := failures[seg.Name]; !errors.As(err, &step) || step.step != stepOpen || !strings.Contains(err.Error(), "99") {
		t.Errorf("failure %v", err)
	}
	c.srv.tasks.mu.Lock()
	if n := c.srv.tasks.m[seg.Name]; n == nil || n.fails != 1 {
		t.Errorf("task %+v", n)
	}
	c.srv.tasks.mu.Unlock()
	if c.srv.set.get(seg.Name) != nil || c.srv.tables.consumer(seg.Name) != nil {
		t.Error("something is left of the segment")
	}
}
