package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// union gives the rows of both inputs, each once unless all are wanted.
type union struct {
	q           *query
	left, right operator
	onRight     bool
	seen        *kernel.KeyTable // nil for UNION ALL
	all         bool
	held        int64
	key         []byte
	pos         []uint32
	g           gatherer
}

func (b *builder) setOp(n *plan.SetOp) (operator, error) {
	left, err := b.build(n.Left)
	if err != nil {
		return nil, err
	}
	right, err := b.build(n.Right)
	if err != nil {
		return nil, err
	}
	if n.Kind == plan.SetUnion {
		return &union{q: b.q, left: left, right: right, all: n.All}, nil
	}
	return &intersect{q: b.q, left: left, right: right, except: n.Kind == plan.SetExcept, all: n.All}, nil
}

func (u *union) open() error {
	u.forget()
	u.onRight = false
	if !u.all {
		u.seen = kernel.NewKeyTable()
	}
	if err := u.left.open(); err != nil {
		return err
	}
	return u.right.open()
}

func (u *union) forget() {
	u.q.mem.used -= u.held
	u.held, u.seen = 0, nil
}

func (u *union) close() {
	u.left.close()
	u.right.close()
	u.forget()
}

func (u *union) next() (*column.Batch, error) {
	for {
		b, err := u.input()
		if err != nil || b == nil || u.all {
			return b, err
		}
		if err := u.q.mem.check(u.seen.Growth(b.N)); err != nil {
			return nil, err
		}
		u.pos = u.pos[:0]
		for i := range b.N {
			u.key = rowKey(u.key[:0], b.Cols, i)
			if _, isNew := u.seen.Find(u.key); isNew {
				u.pos = append(u.pos, uint32(i))
			}
		}
		grown := u.seen.Bytes() - u.held
		u.held += grown
		if err := u.q.mem.take(grown); err != nil {
			return nil, err
		}
		if err := u.q.check(); err != nil {
			return nil, err
		}
		if len(u.pos) > 0 {
			return u.g.take(b, u.pos), nil
		}
	}
}

func (u *union) input() (*column.Batch, error) {
	if !u.onRight {
		b, err := u.left.next()
		if err != nil || b != nil {
			return b, err
		}
		u.onRight = true
	}
	return u.right.next()
}

// intersect is INTERSECT and EXCEPT: it counts the rows of the right side and
// passes the left ones by the counts.
type intersect struct {
	q           *query
	left, right operator
	except, all bool

	table *kernel.KeyTable
	count []int64 // per key: rows of the right side not yet used
	seen  []bool  // per key: given already (without ALL)
	held  int64
	key   []byte
	pos   []uint32
	g     gatherer
}

func (x *intersect) open() error {
	x.forget()
	if err := x.left.open(); err != nil {
		return err
	}
	return x.right.open()
}

func (x *intersect) forget() {
	x.q.mem.used -= x.held
	x.held, x.table, x.count, x.seen = 0, nil, nil, nil
}

func (x *intersect) close() {
	x.left.close()
	x.right.close()
	x.forget()
}

func (x *intersect) build() error {
	x.table = kernel.NewKeyTable()
	return drain(x.q, x.right, func(b *column.Batch, _ bool) error {
		if err := x.q.mem.check(x.table.Growth(b.N)); err != nil {
			return err
		}
		for i := range b.N {
			x.count[x.find(b, i)]++
		}
		return x.account()
	})
}

func (x *intersect) account() error {
	grown := x.table.Bytes() + int64(len(x.count))*9 - x.held
	x.held += grown
	return x.q.mem.take(grown)
}

func (x *intersect) find(b *column.Batch, i int) uint32 {
	x.key = rowKey(x.key[:0], b.Cols, i)
	k, isNew := x.table.Find(x.key)
	if isNew {
		x.count = append(x.count, 0)
		x.seen = append(x.seen, false)
	}
	return k
}

func (x *intersect) next() (*column.Batch, error) {
	if x.table == nil {
		if err := x.build(); err != nil {
			return nil, err
		}
	}
	for {
		b, err := x.left.next()
		if err != nil || b == nil {
			return nil, err
		}
		x.pos = x.pos[:0]
		for i := range b.N {
			if x.wanted(x.find(b, i)) {
				x.pos = append(x.pos, uint32(i))
			}
		}
		if err := x.account(); err != nil {
			return nil, err
		}
		if len(x.pos) > 0 {
			return x.g.take(b, x.pos), nil
		}
	}
}

// wanted decides on a left row with key k.
func (x *intersect) wanted(k uint32) bool {
	inRight := x.count[k] > 0
	if x.all {
		if inRight {
			x.count[k]--
		}
		return inRight != x.except
	}
	if inRight == x.except || x.seen[k] {
		return false
	}
	x.seen[k] = true
	return true
}
