package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// budget counts the bytes that the operators of a query hold.
type budget struct {
	limit, used int64
}

// take accounts for n more bytes (fewer when negative).
func (b *budget) take(n int64) error {
	b.used += n
	return b.check(0)
}

// check fails when n bytes beside those in use, which are about to be
// allocated, pass the limit.
func (b *budget) check(n int64) error {
	if b.limit > 0 && b.used+n > b.limit {
		return sqlerr.New(sqlerr.OutOfMemory, "out of memory: the query needs more than its limit of %d bytes (memory_limit) on the broker", b.limit).
			WithHint("Raise memory_limit, or let the query keep fewer rows.")
	}
	return nil
}

// batchBytes estimates the memory of a batch.
func batchBytes(b *column.Batch) int64 {
	n := int64(64)
	for _, v := range b.Cols {
		n += vectorBytes(v)
	}
	return n
}

func vectorBytes(v *column.Vector) int64 {
	n := int64(len(v.Nulls))*8 + 64
	rows := int64(v.N)
	if v.Const {
		rows = 1
	}
	switch v.Kind() {
	case schema.KindBool:
		n += rows
	case schema.KindInt32, schema.KindFloat32:
		n += 4 * rows
	case schema.KindInt64, schema.KindFloat64:
		n += 8 * rows
	case schema.KindDecimal:
		n += 24 * rows
	case schema.KindInterval:
		n += 16 * rows
	case schema.KindBytes:
		n += 4 * rows
		if len(v.Offsets) > 0 {
			n += int64(v.Offsets[len(v.Offsets)-1] - v.Offsets[0])
		}
	case schema.KindList:
		n += 4 * rows
		if v.Elems != nil {
			n += vectorBytes(v.Elems)
		}
	}
	return n
}

// buffer collects the rows of an operator as one batch.
type buffer struct {
	q     *query
	batch *column.Batch
	held  int64
}

func newBuffer(q *query, types []schema.Type) *buffer {
	b := &buffer{q: q, batch: &column.Batch{}}
	for _, t := range types {
		b.batch.Cols = append(b.batch.Cols, column.New(t, 0))
	}
	return b
}

// add appends a copy of the rows of src.
func (b *buffer) add(src *column.Batch) error {
	n := batchBytes(src)
	b.held += n
	if err := b.q.mem.take(n); err != nil {
		return err
	}
	if err := b.q.mem.check(b.growth(src)); err != nil {
		return err
	}
	for i, v := range src.Cols {
		appendAll(b.batch.Cols[i], v)
	}
	b.batch.N += src.N
	return nil
}

// growth bounds what appending the rows of src allocates beside the rows that
// are there.
func (b *buffer) growth(src *column.Batch) int64 {
	n := int64(0)
	for _, v := range b.batch.Cols {
		n += kernel.VectorGrowth(v, src.N)
	}
	return n
}

// free forgets the rows.
func (b *buffer) free() {
	b.q.mem.used -= b.held
	b.held = 0
	for _, v := range b.batch.Cols {
		v.Reset(v.Type)
	}
	b.batch.N = 0
}

// fill drains an operator into the buffer.
func (b *buffer) fill(op operator) error {
	return drain(b.q, op, func(batch *column.Batch, _ bool) error { return b.add(batch) })
}
