package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/plan"
)

// project computes expressions per row.
type project struct {
	q     *query
	input operator
	progs []*eval.Program
	out   column.Batch
}

func (b *builder) project(n *plan.Project) (operator, error) {
	input, err := b.build(n.Input)
	if err != nil {
		return nil, err
	}
	for _, e := range n.Exprs {
		if c, ok := e.(*plan.Call); ok && c.Fn.Set {
			return b.projectSet(n, input)
		}
	}
	progs, err := b.compileAll(n.Exprs)
	return &project{q: b.q, input: input, progs: progs}, err
}

func (p *project) open() error { return p.input.open() }
func (p *project) close()      { p.input.close() }

func (p *project) next() (*column.Batch, error) {
	b, err := p.input.next()
	if err != nil || b == nil {
		return nil, err
	}
	p.out.Cols, err = evalAll(p.q.ctx, p.progs, b)
	p.out.N = b.N
	return &p.out, err
}

// projectSet is a projection with set-returning functions: all of a row run in
// step, the shorter ones are filled with NULL, and the other columns repeat.
type projectSet struct {
	q     *query
	input operator
	cols  []setColumn
	types []schema.Type

	batch *column.Batch // the current input
	plain []*column.Vector
	row   int
}

// setColumn is an output column: prog for a plain one, fn for a set.
type setColumn struct {
	prog *eval.Program
	call *plan.Call
	args []*eval.Program
	vecs []*column.Vector
}

func (b *builder) projectSet(n *plan.Project, input operator) (operator, error) {
	p := &projectSet{q: b.q, input: input, types: typesOf(n.Out)}
	for _, e := range n.Exprs {
		var c setColumn
		var err error
		if call, ok := e.(*plan.Call); ok && call.Fn.Set {
			c.call = call
			c.args, err = b.compileAll(call.Args)
		} else {
			c.prog, err = b.compile(e)
		}
		if err != nil {
			return nil, err
		}
		p.cols = append(p.cols, c)
	}
	p.plain = make([]*column.Vector, len(p.cols))
	return p, nil
}

func (p *projectSet) open() error {
	p.batch = nil
	return p.input.open()
}

func (p *projectSet) close() { p.input.close() }

func (p *projectSet) next() (*column.Batch, error) {
	out := &column.Batch{}
	for _, t := range p.types {
		out.Cols = append(out.Cols, column.New(t, 0))
	}
	for out.N < batchRows {
		if p.batch == nil || p.row >= p.batch.N {
			if out.N > 0 && p.batch != nil {
				p.batch = nil
				return out, nil
			}
			more, err := p.advance()
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
			continue
		}
		if err := p.expand(out); err != nil {
			return nil, err
		}
		p.row++
	}
	if out.N == 0 {
		return nil, nil
	}
	return out, nil
}

// advance reads the next input batch and computes what does not multiply.
func (p *projectSet) advance() (bool, error) {
	b, err := p.input.next()
	if err != nil || b == nil {
		p.batch = nil
		return false, err
	}
	p.batch, p.row = b, 0
	for i := range p.cols {
		c := &p.cols[i]
		if c.prog != nil {
			p.plain[i], err = c.prog.Eval(p.q.ctx, b, nil)
		} else {
			c.vecs, err = evalAll(p.q.ctx, c.args, b)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// expand appends the rows that one input row becomes.
func (p *projectSet) expand(out *column.Batch) error {
	sets := make([]*column.Batch, len(p.cols))
	n := 0
	for i := range p.cols {
		c := &p.cols[i]
		if c.call == nil {
			continue
		}
		args := make([]column.Value, len(c.vecs))
		for k, v := range c.vecs {
			args[k] = v.Value(p.row)
		}
		rows, err := c.call.Fn.EvalSet(p.q.ctx, args)
		if err != nil {
			return err
		}
		sets[i] = rows
		n = max(n, rows.N)
	}
	for k := range n {
		for i := range p.cols {
			p.appendCell(out.Cols[i], i, sets[i], k)
		}
	}
	out.N += n
	return nil
}

func (p *projectSet) appendCell(dst *column.Vector, i int, set *column.Batch, k int) {
	switch {
	case set == nil:
		dst.AppendFrom(p.plain[i], p.row)
	case k < set.N:
		dst.AppendFrom(set.Cols[0], k)
	default:
		dst.AppendNull()
	}
}
