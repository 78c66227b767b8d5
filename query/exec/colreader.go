package exec

import (
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// colReader reads one column for one worker, a chunk at a time. It remembers
// what it has read of the current chunk, so that the expressions of a query
// share the work. Its buffers are kept from segment to segment.
type colReader struct {
	c    *segCol
	docs uint32 // of the segment
	mem  *buffers
	// entries counts the values read.
	entries int64

	idsGen, vecGen, nullGen uint64
	ids                     []uint32
	nulls                   column.Bitmap // rows of the chunk that are NULL, nil for none
	nullBuf                 column.Bitmap
	vec                     *column.Vector
	buf, raw, konst         column.Vector
	nullIDs                 []uint32
	nullIDGen               uint64
}

// open makes r read column c.
func (r *colReader) open(c *segCol, docs uint32) {
	r.c, r.docs = c, docs
	r.idsGen, r.vecGen, r.nullGen, r.nullIDGen = 0, 0, 0, 0
}

// readNulls returns the chunk's NULL rows, nil when there is none.
func (r *colReader) readNulls(c *chunk) column.Bitmap {
	if r.nullGen != c.gen {
		r.nullGen = c.gen
		if r.nullBuf == nil {
			r.nullBuf = r.mem.bitmap(chunkRows)
		}
		r.nulls = c.nullsOf(r.c.nullBits(r.mem, r.docs), r.nullBuf)
	}
	return r.nulls
}

// readIDs returns the dictionary ids of the chunk; NULL rows have some id.
func (r *colReader) readIDs(c *chunk) []uint32 {
	if r.ids == nil {
		r.ids = r.mem.uint32s(chunkRows)
	}
	ids := r.ids[:c.n]
	if r.idsGen == c.gen {
		return ids
	}
	r.idsGen = c.gen
	r.entries += int64(c.n)
	if c.docs == nil {
		r.c.col.ReadIDs(c.from, ids)
	} else {
		r.c.col.GatherIDs(c.docs, ids)
	}
	return ids
}

// readNullIDs is readIDs with the number of values in place of the id of NULL
// rows, so that a table of one entry more serves them too.
func (r *colReader) readNullIDs(c *chunk) []uint32 {
	ids := r.readIDs(c)
	nulls := r.readNulls(c)
	if nulls == nil {
		return ids
	}
	if r.nullIDs == nil {
		r.nullIDs = r.mem.uint32s(chunkRows)
	}
	if r.nullIDGen != c.gen {
		r.nullIDGen = c.gen
		copy(r.nullIDs, ids)
		null := uint32(r.c.vals.N)
		for i := kernel.FirstSet(nulls, 0); i >= 0; i = kernel.FirstSet(nulls, i+1) {
			r.nullIDs[i] = null
		}
	}
	return r.nullIDs[:c.n]
}

// read returns the values of the chunk.
func (r *colReader) read(ctx *fn.Context, c *chunk) (*column.Vector, error) {
	if r.vecGen == c.gen {
		return r.vec, nil
	}
	v, err := r.readUncached(ctx, c)
	if err != nil {
		return nil, err
	}
	r.vec, r.vecGen = v, c.gen
	return v, nil
}

func (r *colReader) readUncached(ctx *fn.Context, c *chunk) (*column.Vector, error) {
	switch {
	case r.c.konst != nil:
		return r.readConst(c), nil
	case r.c.seq:
		r.readSeq(c)
		return &r.buf, nil
	case r.c.isDict():
		r.readDict(c)
		return &r.buf, nil
	}
	return r.readRaw(ctx, c)
}

// readConst returns the column's one value. The vector shares memory with all
// workers and is never written to.
func (r *colReader) readConst(c *chunk) *column.Vector {
	r.konst = *r.c.konst
	r.konst.N = c.n
	return &r.konst
}

func (r *colReader) readSeq(c *chunk) {
	r.buf.Reset(r.c.typ)
	r.buf.Resize(c.n)
	for i := range r.buf.Int64s {
		r.buf.Int64s[i] = int64(r.c.first + uint64(c.doc(i)))
	}
}

// readDict decodes ids through the dictionary.
func (r *colReader) readDict(c *chunk) {
	ids := r.readIDs(c)
	if r.c.vals.N == 0 {
		r.buf.Reset(r.c.typ)
		r.buf.AppendNull()
		r.buf.N, r.buf.Const = c.n, true
		return
	}
	kernel.Gather(r.c.vals, ids, &r.buf)
	r.buf.Type = r.c.typ
	if nulls := r.readNulls(c); nulls != nil {
		r.buf.Nulls = append(r.buf.Nulls[:0], nulls...)
	}
}

func (r *colReader) readRaw(ctx *fn.Context, c *chunk) (*column.Vector, error) {
	r.entries += int64(c.n)
	var err error
	dst := &r.buf
	if r.c.cast {
		dst = &r.raw
	}
	if c.docs == nil {
		err = r.c.col.Read(c.from, c.n, dst)
	} else {
		err = r.c.col.Gather(c.docs, dst)
	}
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", r.c.meta.Name, err)
	}
	if !r.c.cast {
		r.buf.Type = r.c.typ
		return &r.buf, nil
	}
	return r.castRaw(ctx, c.n)
}

// castRaw converts stored values to the wanted type.
func (r *colReader) castRaw(ctx *fn.Context, n int) (*column.Vector, error) {
	var sel column.Bitmap
	if r.raw.HasNulls() {
		sel = column.NewBitmap(n)
		sel.SetAll(n)
		kernel.AndNot(sel, r.raw.Nulls)
	}
	if err := fn.Cast(ctx, &r.raw, r.c.typ, sel, &r.buf); err != nil {
		return nil, err
	}
	r.buf.Type = r.c.typ
	if sel != nil && !r.buf.Const {
		r.buf.Nulls = append(r.buf.Nulls[:0], r.raw.Nulls...)
	}
	return &r.buf, nil
}
