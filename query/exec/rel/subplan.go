package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/plan"
)

// subplan is a plan that runs once per row of an enclosing operator: a
// correlated subquery or the right side of a lateral join. It is built once
// and opened anew for each row.
type subplan struct {
	q      *query
	parent *subplan // the plan that the enclosing operator belongs to
	op     operator
	batch  *column.Batch // the enclosing row
	row    int
	ctes   []*cteState // those that depend on the enclosing row
}

func newSubplan(q *query, parent *subplan, root plan.Node) (*subplan, error) {
	s := &subplan{q: q, parent: parent}
	var err error
	s.op, err = s.builder().build(root)
	return s, err
}

func (s *subplan) builder() *builder { return &builder{q: s.q, sub: s} }

// run runs the plan for a row until emit says that it has enough.
func (s *subplan) run(batch *column.Batch, row int, emit func(*column.Batch) (more bool, err error)) error {
	oldBatch, oldRow := s.batch, s.row
	s.batch, s.row = batch, row
	defer func() { s.batch, s.row = oldBatch, oldRow }()
	for _, c := range s.ctes {
		c.reset()
	}
	if err := s.op.open(); err != nil {
		return err
	}
	defer s.op.close()
	for {
		if err := s.q.check(); err != nil {
			return err
		}
		b, err := s.op.next()
		if err != nil || b == nil {
			return err
		}
		if b.N == 0 {
			continue
		}
		more, err := emit(b)
		if err != nil || !more {
			return err
		}
	}
}

// outerValue returns a column of the row that encloses depth levels up.
func (s *subplan) outerValue(depth, index int) (column.Value, bool) {
	for ; s != nil && depth > 1; depth-- {
		s = s.parent
	}
	if s == nil || s.batch == nil || index >= len(s.batch.Cols) {
		return column.Value{}, false
	}
	return s.batch.Cols[index].Value(s.row), true
}
