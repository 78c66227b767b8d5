package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/plan"
)

// values is a list of rows of expressions.
type values struct {
	q     *query
	rows  [][]*eval.Program
	types []schema.Type
	done  bool
}

func (b *builder) values(n *plan.Values) (operator, error) {
	v := &values{q: b.q, types: typesOf(n.Out)}
	for _, r := range n.Rows {
		progs, err := b.compileAll(r)
		if err != nil {
			return nil, err
		}
		v.rows = append(v.rows, progs)
	}
	return v, nil
}

func (v *values) open() error {
	v.done = false
	return nil
}

func (v *values) close() {}

func (v *values) next() (*column.Batch, error) {
	if v.done {
		return nil, nil
	}
	v.done = true
	out := &column.Batch{N: len(v.rows)}
	for _, t := range v.types {
		out.Cols = append(out.Cols, column.New(t, len(v.rows)))
	}
	one := &column.Batch{N: 1}
	for _, r := range v.rows {
		for i, p := range r {
			x, err := p.Eval(v.q.ctx, one, nil)
			if err != nil {
				return nil, err
			}
			out.Cols[i].AppendFrom(x, 0)
		}
	}
	return out, nil
}
