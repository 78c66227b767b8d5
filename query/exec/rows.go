package exec

import (
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// batchRows is the number of rows after which a batch is emitted.
const batchRows = 8192

// maxBatchBytes is the memory from which on a batch of fewer rows is emitted.
const maxBatchBytes = 4 << 20

// rows emits the leaf's output per row that passes, in no order, at most Limit.
type rows struct {
	out  []int // expressions
	emit func(*column.Batch) error

	mu   sync.Mutex
	left int64 // rows still to be emitted; negative: no limit
}

func newRows(q *query, emit func(*column.Batch) error) *rows {
	op := &rows{emit: emit, left: q.leaf.Limit}
	for _, e := range q.leaf.Output {
		op.out = append(op.out, q.addExpr(e))
	}
	return op
}

func (op *rows) prepare(*query) error { return nil }
func (op *rows) method() string       { return "rows" }

func (op *rows) newSink(q *query, r *reader) (sink, error) {
	s := &rowSink{op: op, q: q, r: r}
	s.reset()
	return s, nil
}

// finish emits what the workers still hold.
func (op *rows) finish(_ *query, sinks []sink, _ func(*column.Batch) error) error {
	for _, s := range sinks {
		if err := s.(*rowSink).flush(); err != nil {
			return err
		}
	}
	return nil
}

// send emits a batch, cut to the limit.
func (op *rows) send(b *column.Batch) error {
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.left >= 0 && int64(b.N) > op.left {
		b = sliceBatch(b, int(op.left))
	}
	if b.N == 0 {
		return nil
	}
	if op.left >= 0 {
		op.left -= int64(b.N)
	}
	return op.emit(b)
}

func sliceBatch(b *column.Batch, n int) *column.Batch {
	out := &column.Batch{N: n}
	for _, v := range b.Cols {
		out.Cols = append(out.Cols, v.Slice(0, n))
	}
	return out
}

func (op *rows) full() bool {
	op.mu.Lock()
	defer op.mu.Unlock()
	return op.left == 0
}

// rowSink collects output rows of one worker into batches.
type rowSink struct {
	op    *rows
	q     *query
	r     *reader
	batch *column.Batch
	limit int
}

func (s *rowSink) reset() {
	s.batch = &column.Batch{}
	for _, i := range s.op.out {
		s.batch.Cols = append(s.batch.Cols, column.New(s.q.exprs[i].e.Type(), 0))
	}
	s.limit = batchRows
	if l := s.q.leaf.Limit; l >= 0 && l < batchRows {
		s.limit = int(l)
	}
}

func (s *rowSink) open(*segPlan) error { return nil }

func (s *rowSink) done() bool { return s.q.leaf.Limit >= 0 && s.op.full() }

func (s *rowSink) bytes() int64 { return batchBytes(s.batch) }

func (s *rowSink) consume(c *chunk) error {
	if l := s.q.leaf.Limit; l >= 0 && int64(c.n) > l {
		s.cut(c, int(l))
	}
	for k, i := range s.op.out {
		v, err := s.r.vec(i, c)
		if err != nil {
			return err
		}
		if err := s.reserve(v); err != nil {
			return err
		}
		kernel.Concat(s.batch.Cols[k], v)
	}
	s.batch.N += c.n
	if s.batch.N < s.limit && batchBytes(s.batch) < maxBatchBytes {
		return nil
	}
	return s.flush()
}

// reserve announces a copy of the values of v.
func (s *rowSink) reserve(v *column.Vector) error {
	n := 2 * v.MemoryBytes() // as read, and the copy
	if n < minReserve {
		return nil
	}
	return s.r.mem.set(s.bytes() + n)
}

// cut shortens a chunk of which the limit leaves only the first rows.
func (s *rowSink) cut(c *chunk, n int) {
	if c.docs != nil {
		c.docs = c.docs[:n]
	}
	c.n = n
}

func (s *rowSink) flush() error {
	if s.batch.N == 0 {
		return nil
	}
	b := s.batch
	s.reset()
	return s.op.send(b)
}

// batchBytes estimates the memory of a batch.
func batchBytes(b *column.Batch) int64 {
	var n int64
	for _, v := range b.Cols {
		n += v.MemoryBytes()
	}
	return n
}
