package raft

import (
	"errors"
	"sync"
	"testing"
	"time"
)

// TestCloseAnswersProposals closes nodes while proposals are made by many:
// each is answered, and goleak finds none that waits on.
func TestCloseAnswersProposals(t *testing.T) {
	for range 5 {
		n := open(t, Config{ID: "a"})
		lead(t, n)
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for {
					_, err := n.Apply(t.Context(), nil)
					if errors.Is(err, ErrClosed) {
						return
					}
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if n.pending.n != 0 {
			t.Errorf("%d proposals are on their way after Close", n.pending.n)
		}
	}
}

func TestPendingCloseIsBounded(t *testing.T) {
	var p pending
	if !p.begin() {
		t.Fatal("a proposal was refused before close")
	}
	p.close(time.Millisecond)
	if p.begin() {
		t.Error("a proposal was taken after close")
	}
	p.end()
	select {
	case <-p.idle:
	default:
		t.Error("the last answer does not end the wait")
	}
}
