package server

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// memory counts what the segments hold in memory: the consuming ones, and the
// ended ones that are not yet built. Two marks bound it. Above the limit the
// largest consuming segment is sealed early; above the hard limit consumers wait
// until a build has freed something. Nothing is lost by waiting: the records
// stay in the stream.
type memory struct {
	limit   atomic.Int64
	held    atomic.Int64 // by all segments
	pending atomic.Int64 // by ended segments that wait for their build
}

// hardLimit is where consumers wait: a quarter above the limit, which leaves
// room to seal before they must.
func (m *memory) hardLimit() int64 { return m.limit.Load() + m.limit.Load()/4 }

// seals tells whether a segment should be sealed early: not while what is over
// the limit is mostly on its way to be freed by builds.
func (m *memory) seals() bool {
	held := m.held.Load()
	return held > m.limit.Load() && m.pending.Load() <= held/2
}

func (m *memory) over() bool { return m.held.Load() > m.hardLimit() }

var errMemory = errors.New("consuming memory is at its limit: waiting for segments to be sealed and built")

// mustWait holds the consumer for a moment while the server is over its hard
// limit, and tells whether it did. A segment without rows goes on when no build
// is going to free anything: it could not be sealed either.
func (c *consumer) mustWait(ctx context.Context) bool {
	m := &c.srv.memory
	if !m.over() || c.records == 0 && m.pending.Load() == 0 {
		return false
	}
	c.setState(consumerRetrying, errMemory)
	c.srv.metrics.memoryWaits.Inc()
	c.srv.poke()
	c.pause(ctx, 50*time.Millisecond)
	return true
}

// sealLargest seals the largest consuming segment early when all together are
// over the memory limit.
func (s *Server) sealLargest() {
	if !s.memory.seals() {
		return
	}
	var largest *consumer
	for _, c := range s.tables.allConsumers() {
		if c.live.Rows() > 0 && (largest == nil || c.live.Bytes() > largest.live.Bytes()) {
			largest = c
		}
	}
	if largest != nil && !largest.forced.Swap(true) {
		s.log.Warn("consuming memory is over its limit: sealing early", "bytes", s.memory.held.Load(), "limit", s.memory.limit.Load(), "segment", largest.name())
	}
}
