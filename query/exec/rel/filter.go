package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/plan"
)

// filter keeps the rows for which a condition is true.
type filter struct {
	q     *query
	input operator
	cond  *eval.Program
	bits  column.Bitmap
	pos   []uint32
	g     gatherer
}

func (b *builder) filter(n *plan.Filter) (operator, error) {
	input, err := b.build(n.Input)
	if err != nil {
		return nil, err
	}
	cond, err := b.compile(n.Cond)
	return &filter{q: b.q, input: input, cond: cond}, err
}

func (f *filter) open() error { return f.input.open() }
func (f *filter) close()      { f.input.close() }

func (f *filter) next() (*column.Batch, error) {
	for {
		b, err := f.input.next()
		if err != nil || b == nil {
			return nil, err
		}
		if b, err = f.apply(b); err != nil || b.N > 0 {
			return b, err
		}
		if err := f.q.check(); err != nil {
			return nil, err
		}
	}
}

// apply returns the rows of b that pass.
func (f *filter) apply(b *column.Batch) (*column.Batch, error) {
	w := column.Words(b.N)
	if cap(f.bits) < w {
		f.bits = make(column.Bitmap, w)
	}
	f.bits = f.bits[:w]
	if err := f.cond.Filter(f.q.ctx, b, nil, f.bits); err != nil {
		return nil, err
	}
	f.pos = f.bits.Positions(0, f.pos[:0])
	if len(f.pos) == b.N {
		return b, nil
	}
	return f.g.take(b, f.pos), nil
}
