package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/plan"
)

// virtualScan reads a relation whose rows the broker makes.
type virtualScan struct {
	q    *query
	rel  *plan.Virtual
	need []int
	scan scan
	read bool
}

func (b *builder) virtualScan(n *plan.VirtualScan) (operator, error) {
	v := &virtualScan{q: b.q, rel: n.Rel}
	for i := range n.Rel.Cols {
		v.need = append(v.need, i)
	}
	if n.Filter == nil {
		return v, nil
	}
	cond, err := b.compile(n.Filter)
	return &filter{q: b.q, input: v, cond: cond}, err
}

func (v *virtualScan) open() error {
	v.read, v.scan.pos = false, 0
	return nil
}

func (v *virtualScan) close() {}

func (v *virtualScan) next() (*column.Batch, error) {
	if !v.read {
		b, err := v.rel.Scan(v.q.ctx, v.need)
		if err != nil {
			return nil, err
		}
		v.scan, v.read = scan{batch: b}, true
	}
	return v.scan.next(), nil
}

// functionScan is a function in FROM.
type functionScan struct {
	q          *query
	call       *plan.Call
	args       []*eval.Program
	scalar     *eval.Program // for a function that returns one value
	ordinality bool
	types      []schema.Type
	scan       scan
	read       bool
}

func (b *builder) functionScan(n *plan.FunctionScan) (operator, error) {
	f := &functionScan{q: b.q, call: n.Call, ordinality: n.Ordinality, types: typesOf(n.Out)}
	var err error
	if !n.Call.Fn.Set {
		f.scalar, err = b.compile(n.Call)
		return f, err
	}
	f.args, err = b.compileAll(n.Call.Args)
	return f, err
}

func (f *functionScan) open() error {
	f.read = false
	return nil
}

func (f *functionScan) close() {}

func (f *functionScan) next() (*column.Batch, error) {
	if !f.read {
		b, err := f.rows()
		if err != nil {
			return nil, err
		}
		f.scan, f.read = scan{batch: b}, true
	}
	return f.scan.next(), nil
}

func (f *functionScan) rows() (*column.Batch, error) {
	b, err := f.call1()
	if err != nil {
		return nil, err
	}
	cols := b.Cols
	if f.ordinality {
		n := column.New(schema.Int64, b.N)
		for i := range b.N {
			n.Int64s = append(n.Int64s, int64(i+1))
		}
		n.N = b.N
		cols = append(cols[:len(cols):len(cols)], n)
	}
	return &column.Batch{N: b.N, Cols: cols}, f.q.mem.take(0)
}

// call1 calls the function once, for its arguments have no input columns.
func (f *functionScan) call1() (*column.Batch, error) {
	one := &column.Batch{N: 1}
	if f.scalar != nil {
		v, err := f.scalar.Eval(f.q.ctx, one, nil)
		if err != nil {
			return nil, err
		}
		own := column.New(f.scalar.Type(), 1)
		own.AppendFrom(v, 0)
		return &column.Batch{N: 1, Cols: []*column.Vector{own}}, nil
	}
	vecs, err := evalAll(f.q.ctx, f.args, one)
	if err != nil {
		return nil, err
	}
	args := make([]column.Value, len(vecs))
	for i, v := range vecs {
		args[i] = v.Value(0)
	}
	return f.call.Fn.EvalSet(f.q.ctx, args)
}
