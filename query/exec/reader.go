package exec

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// reader gives one worker the columns and expressions of a leaf, chunk by
// chunk, in whichever segment it works on.
type reader struct {
	ctx   *fn.Context
	buf   *buffers
	mem   *share // of the worker that reads, nil for none
	sp    *segPlan
	width int         // columns
	cols  []colReader // nil until a segment is opened
	exprs []exprReader
	in    column.Batch
	gen   uint64
}

// exprReader computes one expression of the leaf for one worker.
type exprReader struct {
	x    *leafExpr
	s    *segExpr
	prog *eval.Program
	gen  uint64
	vec  *column.Vector
	buf  column.Vector
	// konst shares the memory of a constant and is never written to.
	konst column.Vector
}

func newReader(q *query, exprs []*leafExpr) *reader {
	r := &reader{ctx: q.ctx, buf: &q.buf, width: len(q.leaf.Cols) + len(q.truncs) + q.partCols, exprs: make([]exprReader, len(exprs))}
	for i, x := range exprs {
		r.exprs[i].x = x
	}
	return r
}

// open makes r read a segment.
func (r *reader) open(sp *segPlan) {
	if r.sp == sp {
		return
	}
	r.sp = sp
	r.makeCols()
	for i := range r.cols {
		r.cols[i].open(sp.cols[i], sp.docs)
	}
	for i := range r.exprs {
		r.exprs[i].s, r.exprs[i].gen = sp.exprs[i], 0
	}
}

// makeCols makes the readers of the columns, once there is something to read.
func (r *reader) makeCols() {
	if r.cols != nil {
		return
	}
	r.cols, r.in.Cols = make([]colReader, r.width), make([]*column.Vector, r.width)
	for i := range r.cols {
		r.cols[i].mem = r.buf
	}
}

// openFilter makes r serve the filter of a segment, which may read no column.
func (r *reader) openFilter(sp *segPlan) {
	if readsColumns(sp.filter) {
		r.open(sp)
		return
	}
	r.sp = sp
}

// next starts a chunk.
func (r *reader) next(c *chunk) {
	r.gen++
	c.gen = r.gen
}

// entries returns the number of values read so far.
func (r *reader) entries() int64 {
	var n int64
	for i := range r.cols {
		n += r.cols[i].entries
	}
	return n
}

// vec returns the values of expression i for the chunk. They are valid until
// the next chunk.
func (r *reader) vec(i int, c *chunk) (*column.Vector, error) {
	x := &r.exprs[i]
	if x.s.mode == exprCol {
		return r.cols[x.s.col].read(r.ctx, c)
	}
	if x.gen == c.gen {
		return x.vec, nil
	}
	v, err := r.compute(x, c)
	if err != nil {
		return nil, err
	}
	x.vec, x.gen = v, c.gen
	return v, nil
}

func (r *reader) compute(x *exprReader, c *chunk) (*column.Vector, error) {
	if x.s.mode != exprEval {
		if vals := x.s.values(r.ctx, r.sp, x.x); vals != nil {
			return r.lookup(x, vals, c), nil
		}
	}
	if x.prog == nil {
		p, err := eval.Compile(x.x.e, nil)
		if err != nil {
			return nil, err
		}
		x.prog = p
	}
	in, err := r.input(x.x.cols, c)
	if err != nil {
		return nil, err
	}
	return x.prog.Eval(r.ctx, in, nil)
}

// lookup takes the values of an expression from those of its dictionary.
func (r *reader) lookup(x *exprReader, vals *column.Vector, c *chunk) *column.Vector {
	if x.s.mode == exprConst {
		x.konst = *vals
		x.konst.N = c.n
		return &x.konst
	}
	kernel.Gather(vals, r.cols[x.s.col].readNullIDs(c), &x.buf)
	return &x.buf
}

// input returns a batch with the given columns of the chunk; the others are
// nil.
func (r *reader) input(cols []int, c *chunk) (*column.Batch, error) {
	r.in.N = c.n
	for _, i := range cols {
		v, err := r.cols[i].read(r.ctx, c)
		if err != nil {
			return nil, err
		}
		r.in.Cols[i] = v
	}
	return &r.in, nil
}

// dictValues returns the distinct values of expression i in the open segment
// (value per id and whether it has a last entry for NULL rows), nil when the
// expression has no dictionary there.
func (sp *segPlan) dictValues(ctx *fn.Context, i int, x *leafExpr) *column.Vector {
	s := sp.exprs[i]
	switch s.mode {
	case exprCol:
		if c := sp.cols[s.col]; c.isDict() {
			return c.vals
		}
	case exprDict:
		return s.values(ctx, sp, x)
	}
	return nil
}

// ids returns the dictionary ids of expression i for the chunk, for which
// dictValues is not nil. A NULL row has the number of the column's values.
func (r *reader) ids(i int, c *chunk) []uint32 {
	return r.cols[r.exprs[i].s.col].readNullIDs(c)
}
