package server

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/segment"
)

// sealedRows counts the rows of all segments whose end is fixed.
func (c *cluster) sealedRows() (n int64) {
	for _, t := range c.srv.View().State().Tables {
		for _, seg := range t.Segments {
			if seg.Status != pb.SegmentStatus_SEGMENT_CONSUMING {
				n += int64(seg.Rows)
			}
		}
	}
	return n
}

// Whatever fails meanwhile, a query sees no more than was produced and no less
// than was sealed before it began; in the end each record is there once.
func TestQueriesDuringFaults(t *testing.T) {
	c := newCluster(t, 2, 100, "")
	var produced atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	answered := 0
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			least := c.sealedRows()
			n, _, err := c.total()
			var miss *MissingError
			switch most := produced.Load(); {
			case errors.As(err, &miss):
			case err != nil:
				t.Error(err)
				return
			case n < least || n > most:
				t.Errorf("%d rows, sealed before were %d, produced by then %d", n, least, most)
				return
			default:
				answered++
			}
		}
	})
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range 80 {
		switch rng.IntN(6) {
		case 0:
			c.link.lose.Store(int32(rng.IntN(3)))
		case 1:
			c.link.down.Store(rng.IntN(3) == 0)
		case 2:
			c.deep.down.Store(rng.IntN(3) == 0)
		case 3:
			c.stream.Fail(errors.New("stream is away"))
		default:
			c.stream.Fail(nil)
		}
		produced.Add(40)
		c.add(uint32(i%2), 40*i, 40)
		time.Sleep(15 * time.Millisecond)
	}
	c.stream.Fail(nil)
	c.link.down.Store(false)
	c.link.lose.Store(0)
	c.deep.down.Store(false)
	c.holds(80 * 40)
	close(stop)
	wg.Wait()
	if answered < 20 {
		t.Errorf("only %d queries were answered", answered)
	}
	c.durable(20)
	c.holds(80 * 40)
	c.contiguous()
}

// When a server has closed, none of its segments is retained by anything.
func TestNothingStaysRetained(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.deep.down.Store(true)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					c.total()
				}
			}
		})
	}
	seen := map[segment.Segment]bool{}
	note := func() {
		for _, h := range c.srv.set.all() {
			h.mu.Lock()
			if h.view != nil {
				seen[h.view] = true
			}
			if h.file != nil {
				seen[h.file] = true
			}
			h.mu.Unlock()
		}
	}
	for i := range 30 {
		c.add(0, 50*i, 50)
		time.Sleep(5 * time.Millisecond)
		note()
	}
	c.holds(1500)
	eventually(t, "all is built", func() bool { note(); return len(c.segments(pb.SegmentStatus_SEGMENT_COMMITTED)) == 15 })
	note()
	close(stop)
	wg.Wait()
	c.srv.Close()
	if len(seen) < 15 {
		t.Errorf("only %d forms of segments were seen", len(seen))
	}
	for seg := range seen {
		if seg.Retain() {
			t.Errorf("segment %s is still open", seg.Metadata().Name)
		}
	}
	if n := c.srv.memory.held.Load(); n != 0 {
		t.Errorf("%d bytes are still counted", n)
	}
}
