package exec

import (
	"slices"

	"github.com/alluviumdb/alluvium/segment"
)

// listOf returns the documents of a segment when an index listed all that pass
// the filter.
func (sp *segPlan) listOf() (*bitmapNode, bool) {
	x, ok := sp.filter.(*bitmapNode)
	return x, ok && x.dense == nil && sp.tree == nil
}

// blocks returns the blocks that have listed documents.
func (x *bitmapNode) blocks(docs uint32) []block {
	var out []block
	for i := 0; i < len(x.list); {
		b := blockOf(int(x.list[i]/segment.BlockRows), docs)
		out = append(out, b)
		for i < len(x.list) && x.list[i] < b.from+uint32(b.n) {
			i++
		}
	}
	return out
}

// listed hands on listed documents, which need no bitmap.
func (w *worker) listed(docs []uint32) error {
	for len(docs) > 0 {
		n := min(len(docs), 2*chunkRows-len(w.docs))
		w.docs = append(w.docs, docs[:n]...)
		docs = docs[n:]
		if len(w.docs) < chunkRows {
			continue
		}
		if err := w.flushSome(chunkRows); err != nil {
			return err
		}
	}
	return nil
}

// The nanoseconds per document of a segment that applying a filter takes.
const (
	workOfBitmap = 0.02
	workOfScan   = 0.3
)

// filterWork estimates the nanoseconds of applying the filter to the segment.
func (sp *segPlan) filterWork() float64 {
	if sp.filter == nil && sp.pred != nil { // it is not built yet
		return workOfScan * float64(sp.docs)
	}
	return nodeWork(sp.filter) * float64(sp.docs)
}

func nodeWork(f filterNode) float64 {
	switch f := f.(type) {
	case nil, *docRangesNode:
		return 0
	case *bitmapNode:
		if f.dense == nil {
			return 0
		}
		return workOfBitmap
	case *andNode:
		if nodeWork(f.parts[0]) == 0 { // the others see few rows
			return workOfBitmap
		}
	}
	return workOfScan
}

// readsColumns reports whether applying a filter reads columns.
func readsColumns(f filterNode) bool {
	switch f := f.(type) {
	case nil, *bitmapNode, *docRangesNode:
		return false
	case *andNode:
		return slices.ContainsFunc(f.parts, readsColumns)
	case *orNode:
		return slices.ContainsFunc(f.parts, readsColumns)
	}
	return true
}
