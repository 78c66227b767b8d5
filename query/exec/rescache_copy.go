package exec

import (
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// cloneBatch returns a batch that shares no memory with b: batches of the cache
// stay as they are, whatever receivers do with theirs.
func cloneBatch(b *column.Batch) *column.Batch {
	out := &column.Batch{N: b.N, Cols: make([]*column.Vector, len(b.Cols))}
	vecs := make([]column.Vector, len(b.Cols))
	for i, v := range b.Cols {
		cloneVector(v, &vecs[i])
		out.Cols[i] = &vecs[i]
	}
	return out
}

// cloneVector copies the rows of v, and nothing that lies beyond them.
func cloneVector(v, dst *column.Vector) {
	n := v.N
	if v.Const {
		n = min(n, 1)
	}
	*dst = column.Vector{Type: v.Type, N: v.N, Const: v.Const}
	if v.Nulls.Any() {
		dst.Nulls = slices.Clone(v.Nulls)
	}
	switch v.Kind() {
	case schema.KindBool:
		dst.Bools = slices.Clone(v.Bools[:n])
	case schema.KindInt32:
		dst.Int32s = slices.Clone(v.Int32s[:n])
	case schema.KindInt64:
		dst.Int64s = slices.Clone(v.Int64s[:n])
	case schema.KindFloat32:
		dst.Float32s = slices.Clone(v.Float32s[:n])
	case schema.KindFloat64:
		dst.Float64s = slices.Clone(v.Float64s[:n])
	case schema.KindDecimal:
		dst.Decimals = slices.Clone(v.Decimals[:n])
	case schema.KindInterval:
		dst.Intervals = slices.Clone(v.Intervals[:n])
	case schema.KindBytes:
		from := cloneOffsets(v, dst, n)
		dst.Data = slices.Clone(v.Data[from : from+dst.Offsets[n]])
	case schema.KindList:
		from := cloneOffsets(v, dst, n)
		dst.Elems = &column.Vector{}
		cloneVector(v.Elems.Slice(int(from), int(from+dst.Offsets[n])), dst.Elems)
	}
}

// cloneOffsets copies the offsets of n rows so that they begin at 0, and returns
// where they began.
func cloneOffsets(v, dst *column.Vector, n int) uint32 {
	from := v.Offsets[0]
	dst.Offsets = make([]uint32, n+1)
	for i, o := range v.Offsets[:n+1] {
		dst.Offsets[i] = o - from
	}
	return from
}

// capture keeps copies of emitted batches while they are small.
type capture struct {
	limit   int64
	bytes   int64
	rows    int
	batches []*column.Batch
	failed  bool // they were too large
}

func (c *capture) take(b *column.Batch) {
	c.rows += b.N
	if c.failed {
		return
	}
	copied := cloneBatch(b)
	c.bytes += batchBytes(copied)
	if c.failed = c.bytes > c.limit || c.rows > maxResultRows; c.failed {
		c.batches = nil
		return
	}
	c.batches = append(c.batches, copied)
}
