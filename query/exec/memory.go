package exec

import (
	"fmt"
	"sync/atomic"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// memory accounts for what the workers of one leaf hold. Each worker reports
// its total now and then; the limit is on the sum.
type memory struct {
	limit int64 // 0: none
	used  atomic.Int64
	peak  atomic.Int64
}

// share is one worker's part.
type share struct {
	m    *memory
	last int64
}

// take counts n more bytes, or fails and counts none; fewer if n is negative.
func (m *memory) take(n int64) error {
	s := share{m: m}
	err := s.set(n)
	if err != nil {
		m.used.Add(-n)
	}
	return err
}

// set replaces the worker's part by n bytes and fails when the sum passes the
// limit.
func (s *share) set(n int64) error {
	if s == nil {
		return nil
	}
	now := s.m.used.Add(n - s.last)
	s.last = n
	for {
		p := s.m.peak.Load()
		if now <= p || s.m.peak.CompareAndSwap(p, now) {
			break
		}
	}
	if s.m.limit > 0 && now > s.m.limit && n > 0 {
		return sqlerr.New(sqlerr.OutOfMemory, "out of memory: the query needs more than its limit of %s (memory_limit)", byteSize(s.m.limit)).
			WithHint("Group or sort fewer rows, or raise memory_limit.")
	}
	return nil
}

// byteSize prints a number of bytes in the largest unit that divides it.
func byteSize(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 30, "GB"}, {1 << 20, "MB"}, {1 << 10, "kB"}} {
		if n >= u.size && n%u.size == 0 {
			return fmt.Sprintf("%d %s", n/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
