package encoding

import (
	"sort"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// Runs reads the ids of a sorted column: id k holds the documents
// [starts[k], starts[k+1]). Its buffer is cardinality+1 uint32, the last one
// the number of documents.
type Runs struct{ starts []uint32 }

var (
	_ IDs                 = (*Runs)(nil)
	_ segment.SortedIndex = (*Runs)(nil)
)

// NewRuns returns a reader of n documents with ids below cardinality.
func NewRuns(buf []byte, n, cardinality int) (*Runs, error) {
	if cardinality < 1 || len(buf) != 4*(cardinality+1) {
		return nil, segment.Corruptf("%d runs in %d bytes", cardinality, len(buf))
	}
	starts := View[uint32](buf)
	for i := 1; i < len(starts); i++ {
		if starts[i] <= starts[i-1] {
			return nil, segment.Corruptf("run %d does not ascend", i)
		}
	}
	if starts[0] != 0 || starts[cardinality] != uint32(n) {
		return nil, segment.Corruptf("runs do not cover the documents")
	}
	return &Runs{starts: starts}, nil
}

// find returns the id of a document.
func (r *Runs) find(doc uint32) int {
	return sort.Search(len(r.starts)-2, func(i int) bool { return r.starts[i+1] > doc })
}

// Read implements IDs.
func (r *Runs) Read(from uint32, dst []uint32) {
	if len(dst) == 0 {
		return
	}
	id, pos := r.find(from), from
	for len(dst) > 0 {
		k := min(int(r.starts[id+1]-pos), len(dst))
		for i := range dst[:k] {
			dst[i] = uint32(id)
		}
		dst, pos, id = dst[k:], pos+uint32(k), id+1
	}
}

// Gather implements IDs.
func (r *Runs) Gather(docs []uint32, dst []uint32) {
	if len(docs) == 0 {
		return
	}
	id := r.find(docs[0])
	for i, doc := range docs {
		if doc >= r.starts[id+1] {
			id += 1 + r.seek(r.starts[id+2:], doc)
		}
		dst[i] = uint32(id)
	}
}

// seek returns how many of ends lie at or before doc: neighbours are tried
// one by one, then the rest is halved.
func (r *Runs) seek(ends []uint32, doc uint32) int {
	for i := range min(4, len(ends)) {
		if ends[i] > doc {
			return i
		}
	}
	return sort.Search(len(ends), func(i int) bool { return ends[i] > doc })
}

// Match implements IDs.
func (r *Runs) Match(from uint32, n int, set segment.IDSet, dst column.Bitmap) {
	if n == 0 {
		return
	}
	if set.Bits == nil {
		setRange(dst, 0, n, false)
		lo, hi := r.Range(set.Lo, set.Hi)
		lo, hi = max(lo, from), min(hi, from+uint32(n))
		if lo < hi {
			setRange(dst, int(lo-from), int(hi-from), true)
		}
		return
	}
	id, at := r.find(from), 0
	for at < n {
		end := min(int(r.starts[id+1]-from), n)
		setRange(dst, at, end, set.Bits.Get(id))
		at, id = end, id+1
	}
}

// Range implements segment.SortedIndex.
func (r *Runs) Range(lo, hi uint32) (start, end uint32) {
	last := uint32(len(r.starts) - 2)
	if lo > hi || lo > last {
		return 0, 0
	}
	return r.starts[lo], r.starts[min(hi, last)+1]
}

// AppendRuns appends the runs of ids that do not descend and use every id
// below cardinality.
func AppendRuns(dst []byte, ids []uint32, cardinality int) []byte {
	starts := make([]uint32, cardinality+1)
	for i := len(ids) - 1; i >= 0; i-- {
		starts[ids[i]] = uint32(i)
	}
	starts[cardinality] = uint32(len(ids))
	return append(dst, Bytes(starts)...)
}

// ConstIDs is a column whose ids are all 0. It has no buffer.
type ConstIDs struct{}

var _ IDs = ConstIDs{}

// Read implements IDs.
func (ConstIDs) Read(_ uint32, dst []uint32) { clear(dst) }

// Gather implements IDs.
func (ConstIDs) Gather(docs []uint32, dst []uint32) { clear(dst[:len(docs)]) }

// Match implements IDs.
func (ConstIDs) Match(_ uint32, n int, set segment.IDSet, dst column.Bitmap) {
	setRange(dst, 0, n, set.Contains(0))
}
