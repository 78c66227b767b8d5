package exec

import (
	"cmp"
	"slices"

	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// waveSegment is a segment that waits for its turn.
type waveSegment struct {
	seg segment.Segment
	// best is the value of the first key that sorts first in the segment, if
	// it is known.
	best  int64
	known bool
}

// runWaves plans and reads the segments with the best values of the first key
// first: one, then twice as many each time, without those that have no row
// as good as what is held. So the latest rows of a table of many segments
// are found in the latest of them, and a leaf that has to read all soon works on
// many at once.
func (op *topN) runWaves(segs []segment.Segment) error {
	left := op.inOrder(segs)
	for n := 1; len(left) > 0; n *= 2 {
		left = op.dropBeaten(left)
		wave := left[:min(n, len(left))]
		left = left[len(wave):]
		next := make([]segment.Segment, len(wave))
		for i := range wave {
			next[i] = wave[i].seg
		}
		planned := len(op.q.segs)
		if err := op.q.planSegments(next); err != nil {
			return err
		}
		if err := op.q.scan(op.q.segs[planned:]); err != nil {
			return err
		}
	}
	return nil
}

// inOrder sorts the segments by their best values, those of unknown ones first.
func (op *topN) inOrder(segs []segment.Segment) []waveSegment {
	out := make([]waveSegment, len(segs))
	for i, s := range segs {
		out[i].seg = s
		out[i].best, out[i].known = op.bestOf(s.Metadata())
	}
	desc := op.order[0].Desc
	slices.SortStableFunc(out, func(a, b waveSegment) int {
		switch {
		case !a.known || !b.known:
			return int(b2i(a.known)) - int(b2i(b.known))
		case desc:
			return cmp.Compare(b.best, a.best)
		}
		return cmp.Compare(a.best, b.best)
	})
	return out
}

// bestOf returns the best value of the first key in a segment, when the key is a
// column of whole numbers without NULLs.
func (op *topN) bestOf(m *segment.Metadata) (int64, bool) {
	ref, ok := op.order[0].Expr.(*plan.ColRef)
	if !ok {
		return 0, false
	}
	c := &op.q.leaf.Cols[ref.Index]
	if c.Pseudo != "" || !isWhole(c.Type.Kind()) {
		return 0, false
	}
	cm := m.Column(c.ID)
	if cm == nil || !cm.HasRange || cm.Nulls > 0 || !sameValues(cm.Type, c.Type) {
		return 0, false
	}
	if op.order[0].Desc {
		return cm.Max.I, true
	}
	return cm.Min.I, true
}

// dropBeaten counts and removes the segments whose best value is worse than
// all that some worker holds.
func (op *topN) dropBeaten(left []waveSegment) []waveSegment {
	return slices.DeleteFunc(left, func(w waveSegment) bool {
		if !w.known || !op.beaten(w.best) {
			return false
		}
		op.q.countSegment(w.seg.Metadata(), false, false)
		if st := op.q.stats.Segments; op.q.opt.Trace {
			st[len(st)-1].Method = "pruned by order"
		}
		return true
	})
}

func (op *topN) beaten(best int64) bool {
	for _, w := range op.q.workers {
		if w != nil && w.sink.(*topSink).beats(best) {
			return true
		}
	}
	return false
}
