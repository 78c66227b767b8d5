package exec

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/segment"
)

// maxCountedIDs is the number of ids in a block from which on its rows are
// counted one by one.
const maxCountedIDs = segment.BlockRows / 32

// runCounter counts the rows per value of a sorted column without looking at
// them: the rows of a value are a range of documents, of which the set bits of
// the filter are counted.
type runCounter struct {
	col    segment.Column
	sorted segment.SortedIndex
	step   *denseStep
	rows   []uint32
}

// openRuns returns a counter for the open segment, nil where rows must be read:
// when anything but rows is aggregated, or the one key is not sorted.
func (s *aggSink) openRuns(sp *segPlan) *runCounter {
	t := s.table
	if t.p.kind != tableSlots || len(t.keys) != 1 || t.p.rowsFrom >= 0 || sp.tree != nil || t.keys[0].isConst() {
		return nil
	}
	for _, a := range s.aggs {
		if !a.fromTable {
			return nil
		}
	}
	x := sp.exprs[t.keys[0].k.expr]
	if x.mode != exprCol && x.mode != exprDict {
		return nil
	}
	c := sp.cols[x.col]
	if !c.isDict() || c.cast || c.col.Ranges() == nil {
		return nil
	}
	return &runCounter{col: c.col, sorted: c.col.Ranges(), step: &t.steps[0], rows: t.rows}
}

// countBlock counts the rows of a block that are in sel, nil for all. It returns
// false, and counts nothing, where the values are too many.
func (s *aggSink) countBlock(b block, sel column.Bitmap) (n int, ok bool) {
	if s.runs == nil {
		return 0, false
	}
	return s.runs.count(b, sel)
}

func (r *runCounter) count(b block, sel column.Bitmap) (n int, ok bool) {
	var ids [2]uint32
	end := b.from + uint32(b.n)
	r.col.ReadIDs(b.from, ids[:1])
	r.col.ReadIDs(end-1, ids[1:])
	if ids[1]-ids[0] >= maxCountedIDs {
		return 0, false
	}
	for id := ids[0]; id <= ids[1]; id++ {
		from, to := r.sorted.Range(id, id)
		from, to = max(from, b.from), min(to, end)
		if from >= to {
			continue
		}
		k := int(to - from)
		if sel != nil {
			k = kernel.CountRange(sel, int(from-b.from), int(to-b.from))
		}
		r.rows[r.step.at(id)] += uint32(k)
		n += k
	}
	return n, true
}

// at returns the part of an id in the index.
func (s *denseStep) at(id uint32) uint32 {
	if s.linear {
		return (id + 1) * s.stride
	}
	return s.table[id]
}

// blockCounter is a sink that may take the selected rows of a block as they are.
type blockCounter interface {
	// countBlock takes the rows of sel, nil for all of the block, and returns
	// their number; false means that it must be given the rows.
	countBlock(b block, sel column.Bitmap) (int, bool)
}

// counted lets the sink count the rows of a block.
func (w *worker) counted(b block, sel column.Bitmap) bool {
	s, ok := w.sink.(blockCounter)
	if !ok {
		return false
	}
	n, ok := s.countBlock(b, sel)
	if !ok {
		return false
	}
	w.passed += int64(n)
	w.sp.matched.Add(int64(n))
	return true
}
