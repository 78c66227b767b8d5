package raft

import (
	"sync"
	"time"
)

// pending counts the proposals on their way. The library forgets those in its
// queues when it is shut down and never answers them, so that a node waits for
// its proposals before.
type pending struct {
	mu     sync.Mutex
	n      int
	closed bool
	idle   chan struct{} // closed when no proposal is on its way after close
}

// begin notes a proposal, and tells whether it may be made.
func (p *pending) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.n++
	return true
}

// end notes that a proposal was answered.
func (p *pending) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n--; p.n == 0 && p.closed {
		close(p.idle)
	}
}

// close refuses further proposals and waits for those on their way. A leader
// that has lost its followers answers them when its lease ends; the timeout is
// for a library that does not.
func (p *pending) close(timeout time.Duration) {
	p.mu.Lock()
	p.closed, p.idle = true, make(chan struct{})
	if p.n == 0 {
		close(p.idle)
	}
	p.mu.Unlock()
	select {
	case <-p.idle:
	case <-time.After(timeout):
	}
}
