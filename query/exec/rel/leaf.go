package rel

import (
	"context"
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/plan"
)

// leaf runs a leaf of the plan on servers. Read to its end by an operator that
// needs all rows it runs in the caller's goroutine; pulled batch by batch it
// runs in one of its own, which close waits for.
type leaf struct {
	q    *query
	h    *hooks
	node *plan.Leaf

	batches chan *column.Batch
	stop    context.CancelFunc
	wg      sync.WaitGroup
	err     error // set before batches is closed
}

func (b *builder) leaf(n *plan.Leaf) operator {
	return &leaf{q: b.q, h: b.hooks(), node: n}
}

func (l *leaf) open() error {
	l.close()
	return nil
}

// push runs the leaf here.
func (l *leaf) push(emit func(*column.Batch) error) error {
	node, err := l.h.settleLeaf(l.node)
	if err != nil {
		return err
	}
	return l.q.env.Leaves.RunLeaf(l.q.ctx, node, func(b *column.Batch) error {
		if err := l.q.check(); err != nil {
			return err
		}
		return emit(b)
	})
}

// pushGroups runs an aggregating leaf here.
func (l *leaf) pushGroups(want *plan.Wanted, emit func(b *column.Batch, finished bool) error) error {
	leaves, ok := l.q.env.Leaves.(GroupLeaves)
	if !ok {
		return l.push(func(b *column.Batch) error { return emit(b, false) })
	}
	node, err := l.h.settleLeaf(l.node)
	if err != nil {
		return err
	}
	return leaves.RunGroups(l.q.ctx, node, want, func(b *column.Batch, finished bool) error {
		if err := l.q.check(); err != nil {
			return err
		}
		return emit(b, finished)
	})
}

func (l *leaf) next() (*column.Batch, error) {
	if l.batches == nil {
		if err := l.start(); err != nil {
			return nil, err
		}
	}
	b, ok := <-l.batches
	if !ok {
		return nil, l.err
	}
	return b, nil
}

// start begins the leaf in a goroutine.
func (l *leaf) start() error {
	node, err := l.h.settleLeaf(l.node)
	if err != nil {
		return err
	}
	inner, stop := context.WithCancel(l.q.ctx.Context)
	ctx := *l.q.ctx
	ctx.Context = inner
	batches := make(chan *column.Batch, 4)
	l.batches, l.stop = batches, stop
	l.wg.Go(func() {
		defer close(batches)
		l.err = l.q.env.Leaves.RunLeaf(&ctx, node, func(b *column.Batch) error {
			select {
			case batches <- b:
				return nil
			case <-inner.Done():
				return inner.Err()
			}
		})
	})
	return nil
}

func (l *leaf) close() {
	if l.batches == nil {
		return
	}
	l.stop()
	l.wg.Wait()
	l.batches, l.err = nil, nil
}
