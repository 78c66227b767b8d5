package exec

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// chunkRows is the number of rows that operators work on at a time: enough to
// spread the cost of a call, few enough that a handful of columns stay in the
// first-level caches.
const chunkRows = 4096

// chunk is a set of at most chunkRows documents of one segment: from..from+n-1
// when docs is nil, else the n documents docs, which ascend.
type chunk struct {
	from uint32
	n    int
	docs []uint32
	// gen changes with every chunk, so that readers know what they have read.
	gen uint64
}

// doc returns the document of row i.
func (c *chunk) doc(i int) uint32 {
	if c.docs != nil {
		return c.docs[i]
	}
	return c.from + uint32(i)
}

// nullsOf fills dst with the chunk's rows that are set in the dense bitmap of
// the segment and returns nil if there is none.
func (c *chunk) nullsOf(dense, dst column.Bitmap) column.Bitmap {
	if dense == nil {
		return nil
	}
	dst = dst[:column.Words(c.n)]
	if c.docs == nil {
		kernel.CopyBits(dst, dense, int(c.from), c.n)
	} else {
		clear(dst)
		for i, d := range c.docs {
			dst[i>>6] |= dense[d>>6] >> (d & 63) & 1 << (uint(i) & 63)
		}
	}
	if !dst.Any() {
		return nil
	}
	return dst
}

// denseBits returns a roaring bitmap as a dense one over docs documents.
// Members beyond docs are dropped.
func denseBits(buf *buffers, b *roaring.Bitmap, docs uint32) column.Bitmap {
	size := column.Words(int(docs))
	if b.IsEmpty() {
		return buf.bitmap(int(docs))
	}
	need := (int(b.Maximum())>>16 + 1) << 10
	out := buf.bitmap(max(size, need) * 64)
	b.WriteDenseTo(out)
	kernel.Trim(out, int(docs))
	return out[:size]
}

// compact turns a list of consecutive documents into a range, which columns
// read faster.
func (c *chunk) compact() {
	if n := len(c.docs); n > 0 && c.docs[n-1]-c.docs[0] == uint32(n-1) {
		c.from, c.docs = c.docs[0], nil
	}
}
