package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/reduce"
)

// sorter orders all rows, or keeps the first of them. The keys are extra
// columns behind the input's while it collects.
type sorter struct {
	q     *query
	input operator
	width int // columns of the input
	keys  []*eval.Program
	order []reduce.SortKey
	limit int64
	types []schema.Type
	buf   *buffer
	out   scan
	ready bool
}

func (b *builder) sort(n *plan.Sort) (operator, error) {
	input, err := b.build(n.Input)
	if err != nil {
		return nil, err
	}
	s := &sorter{q: b.q, input: input, limit: n.Limit, types: typesOf(n.Input.Columns())}
	s.width = len(s.types)
	s.keys, s.order, s.types, err = b.sortKeys(n.Keys, s.types)
	return s, err
}

// sortKeys compiles sort keys; a key that is a column needs no column of its own.
func (b *builder) sortKeys(keys []plan.SortKey, types []schema.Type) ([]*eval.Program, []reduce.SortKey, []schema.Type, error) {
	var progs []*eval.Program
	var order []reduce.SortKey
	for _, k := range keys {
		col := len(types)
		if ref, ok := k.Expr.(*plan.ColRef); ok {
			col = ref.Index
		} else {
			p, err := b.compile(k.Expr)
			if err != nil {
				return nil, nil, nil, err
			}
			progs = append(progs, p)
			types = append(types, k.Expr.Type())
		}
		order = append(order, reduce.SortKey{Col: col, Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	return progs, order, types, nil
}

func (s *sorter) open() error {
	s.ready = false
	return s.input.open()
}

func (s *sorter) close() {
	s.input.close()
	if s.buf != nil {
		s.buf.free()
	}
}

func (s *sorter) next() (*column.Batch, error) {
	if !s.ready {
		if err := s.collect(); err != nil {
			return nil, err
		}
		s.ready = true
	}
	b := s.out.next()
	if b == nil {
		return nil, nil
	}
	return &column.Batch{N: b.N, Cols: b.Cols[:s.width]}, nil
}

func (s *sorter) collect() error {
	if s.buf == nil {
		s.buf = newBuffer(s.q, s.types)
	}
	s.buf.free()
	err := drain(s.q, s.input, func(b *column.Batch, _ bool) error {
		if err := s.addKeyed(b); err != nil {
			return err
		}
		return s.prune()
	})
	if err != nil {
		return err
	}
	if err := s.q.mem.check(sortBytes(s.buf.batch)); err != nil {
		return err
	}
	s.out = scan{batch: reduce.Sort(s.buf.batch, s.order, s.limit)}
	return nil
}

// sortBytes estimates what sorting rows allocates: their keys, their order, and
// a copy of them.
func sortBytes(b *column.Batch) int64 { return batchBytes(b) + int64(b.N)*48 }

func (s *sorter) addKeyed(b *column.Batch) error {
	vecs, err := evalAll(s.q.ctx, s.keys, b)
	if err != nil {
		return err
	}
	return s.buf.add(&column.Batch{N: b.N, Cols: append(b.Cols[:s.width:s.width], vecs...)})
}

// prune cuts what a top-N holds to its N best rows once it has many more.
func (s *sorter) prune() error {
	if s.limit < 0 || int64(s.buf.batch.N) < 2*s.limit+4*batchRows {
		return nil
	}
	if err := s.q.mem.check(sortBytes(s.buf.batch)); err != nil {
		return err
	}
	best := reduce.Sort(s.buf.batch, s.order, s.limit)
	s.buf.free()
	return s.buf.add(best)
}
