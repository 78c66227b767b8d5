package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// maxRounds bounds the rounds of a recursive CTE.
const maxRounds = 100_000

// cteState is a common table expression in execution: computed at its first
// read, then read by all its scans. While a recursive one is computed, the
// scans in its step read the rows of the previous round.
type cteState struct {
	q     *query
	node  *plan.CTE
	plan  operator // of a plain one
	base  operator
	step  operator
	rows  *buffer
	ready bool

	iterating bool
	working   *column.Batch
}

func (b *builder) cteScan(n *plan.CTEScan) (operator, error) {
	st, err := b.cte(n.CTE)
	return &cteScan{st: st}, err
}

// cte returns the state of a CTE. One that reads an enclosing row belongs to
// the subplan of that row and is computed anew for each.
func (b *builder) cte(c *plan.CTE) (*cteState, error) {
	if st := b.q.ctes[c]; st != nil {
		return st, nil
	}
	st := &cteState{q: b.q, node: c, rows: newBuffer(b.q, typesOf(c.Out))}
	b.q.ctes[c] = st
	own := &builder{q: b.q}
	if w := (walker{}); b.sub != nil {
		w.cte(c, 1)
		if len(w.refs) > 0 || w.volatile {
			own.sub = b.sub
			b.sub.ctes = append(b.sub.ctes, st)
		}
	}
	return st, st.build(own)
}

func (st *cteState) build(b *builder) error {
	var err error
	if !st.node.Recursive {
		st.plan, err = b.build(st.node.Plan)
		return err
	}
	if st.base, err = b.build(st.node.Base); err != nil {
		return err
	}
	st.step, err = b.build(st.node.Step)
	return err
}

// reset forgets the rows.
func (st *cteState) reset() {
	st.ready = false
	st.rows.free()
}

// compute makes the rows.
func (st *cteState) compute() error {
	st.reset()
	var err error
	if st.node.Recursive {
		err = st.recurse()
	} else {
		err = st.read(st.plan, st.rows.add)
	}
	st.ready = err == nil
	return err
}

// read opens, drains and closes an operator.
func (st *cteState) read(op operator, add func(*column.Batch) error) error {
	if err := op.open(); err != nil {
		return err
	}
	defer op.close()
	return drain(st.q, op, func(b *column.Batch, _ bool) error { return add(b) })
}

// recurse adds rounds until one gives nothing new.
func (st *cteState) recurse() error {
	var seen *kernel.KeyTable
	if !st.node.All {
		seen = kernel.NewKeyTable()
	}
	st.iterating = true
	defer func() { st.iterating, st.working = false, nil }()
	next, err := st.round(st.base, seen)
	for rounds := 0; err == nil && next.N > 0; rounds++ {
		if rounds == maxRounds {
			return sqlerr.New(sqlerr.StatementTooComplex, "recursive query %q did not end after %d rounds", st.node.Name, maxRounds)
		}
		st.working = next
		next, err = st.round(st.step, seen)
	}
	return err
}

// round runs one operator and returns its new rows, which it adds to the result.
func (st *cteState) round(op operator, seen *kernel.KeyTable) (*column.Batch, error) {
	fresh := newBuffer(st.q, typesOf(st.node.Out))
	defer func() { st.q.mem.used -= fresh.held }()
	var key []byte
	err := st.read(op, func(b *column.Batch) error {
		if seen == nil {
			return fresh.add(b)
		}
		var pos []uint32
		for i := range b.N {
			key = rowKey(key[:0], b.Cols, i)
			if _, isNew := seen.Find(key); isNew {
				pos = append(pos, uint32(i))
			}
		}
		g := gatherer{}
		return fresh.add(g.take(b, pos))
	})
	if err != nil {
		return nil, err
	}
	return fresh.batch, st.rows.add(fresh.batch)
}

// cteScan reads a CTE.
type cteScan struct {
	st   *cteState
	scan scan
	read bool
}

func (c *cteScan) open() error {
	c.read = false
	return nil
}

func (c *cteScan) close() {}

func (c *cteScan) next() (*column.Batch, error) {
	if !c.read {
		c.read = true
		switch {
		case c.st.iterating:
			if c.st.working == nil {
				return nil, sqlerr.New(sqlerr.InternalError, "recursive query %q reads itself in its base", c.st.node.Name)
			}
			c.scan = scan{batch: c.st.working}
			return c.scan.next(), nil
		case !c.st.ready:
			if err := c.st.compute(); err != nil {
				return nil, err
			}
		}
		c.scan = scan{batch: c.st.rows.batch}
	}
	return c.scan.next(), nil
}
