package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// batchRows is the number of rows that operators aim at for a batch.
const batchRows = 4096

func typesOf(cols []plan.OutCol) []schema.Type {
	out := make([]schema.Type, len(cols))
	for i, c := range cols {
		out[i] = c.Type
	}
	return out
}

// appendAll appends the rows of src to dst.
func appendAll(dst, src *column.Vector) {
	kernel.Concat(dst, src)
}

// evalAll computes expressions over a batch.
func evalAll(ctx *fn.Context, progs []*eval.Program, in *column.Batch) ([]*column.Vector, error) {
	out := make([]*column.Vector, len(progs))
	for i, p := range progs {
		v, err := p.Eval(ctx, in, nil)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// gatherer picks rows of batches into a batch that it uses again.
type gatherer struct {
	out column.Batch
}

// take returns the rows of b at the positions.
func (g *gatherer) take(b *column.Batch, pos []uint32) *column.Batch {
	for len(g.out.Cols) < len(b.Cols) {
		g.out.Cols = append(g.out.Cols, &column.Vector{})
	}
	g.out.Cols = g.out.Cols[:len(b.Cols)]
	for i, v := range b.Cols {
		kernel.Gather(v, pos, g.out.Cols[i])
	}
	g.out.N = len(pos)
	return &g.out
}

// nulls returns a batch of n rows of NULLs.
func nulls(types []schema.Type, n int) []*column.Vector {
	out := make([]*column.Vector, len(types))
	for i, t := range types {
		out[i] = column.NewConst(column.NullValue(t), n)
	}
	return out
}

// slice returns rows from..to of a batch, sharing memory.
func slice(b *column.Batch, from, to int) *column.Batch {
	if from == 0 && to == b.N {
		return b
	}
	out := &column.Batch{N: to - from, Cols: make([]*column.Vector, len(b.Cols))}
	for i, v := range b.Cols {
		out.Cols[i] = v.Slice(from, to)
	}
	return out
}

// scan gives a batch that lies ready in pieces.
type scan struct {
	batch *column.Batch
	pos   int
}

func (s *scan) next() *column.Batch {
	if s.batch == nil || s.pos >= s.batch.N {
		return nil
	}
	end := min(s.pos+batchRows, s.batch.N)
	out := slice(s.batch, s.pos, end)
	s.pos = end
	return out
}

// rowKey appends a key of the values of row i; equal rows have equal keys and
// NULLs equal each other.
func rowKey(dst []byte, cols []*column.Vector, i int) []byte {
	for _, v := range cols {
		dst = kernel.AppendKey(dst, v, i)
	}
	return dst
}
