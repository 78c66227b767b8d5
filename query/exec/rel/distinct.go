package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// distinct passes the first row of each group of equal rows.
type distinct struct {
	q     *query
	input operator
	on    []*eval.Program // nil: all columns
	seen  *kernel.KeyTable
	held  int64
	key   []byte
	pos   []uint32
	g     gatherer
}

func (b *builder) distinct(n *plan.Distinct) (operator, error) {
	input, err := b.build(n.Input)
	if err != nil {
		return nil, err
	}
	d := &distinct{q: b.q, input: input}
	if n.On != nil {
		d.on, err = b.compileAll(n.On)
	}
	return d, err
}

func (d *distinct) open() error {
	d.forget()
	d.seen = kernel.NewKeyTable()
	return d.input.open()
}

func (d *distinct) forget() {
	d.q.mem.used -= d.held
	d.held, d.seen = 0, nil
}

func (d *distinct) close() {
	d.input.close()
	d.forget()
}

func (d *distinct) next() (*column.Batch, error) {
	for {
		b, err := d.input.next()
		if err != nil || b == nil {
			return nil, err
		}
		cols := b.Cols
		if d.on != nil {
			if cols, err = evalAll(d.q.ctx, d.on, b); err != nil {
				return nil, err
			}
		}
		if err := d.q.mem.check(d.seen.Growth(b.N)); err != nil {
			return nil, err
		}
		d.pos = d.pos[:0]
		for i := range b.N {
			d.key = rowKey(d.key[:0], cols, i)
			if _, isNew := d.seen.Find(d.key); isNew {
				d.pos = append(d.pos, uint32(i))
			}
		}
		if err := d.account(); err != nil {
			return nil, err
		}
		if len(d.pos) > 0 {
			return d.g.take(b, d.pos), nil
		}
	}
}

func (d *distinct) account() error {
	now := d.seen.Bytes()
	grown := now - d.held
	d.held = now
	if err := d.q.mem.take(grown); err != nil {
		return err
	}
	return d.q.check()
}
