package exec

import (
	"cmp"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/segment"
)

// block is BlockRows consecutive documents of a segment (fewer in the last).
type block struct {
	index int
	from  uint32
	n     int
}

func blockOf(index int, docs uint32) block {
	from := uint32(index) * segment.BlockRows
	return block{index: index, from: from, n: int(min(docs-from, segment.BlockRows))}
}

func blockCount(docs uint32) int {
	return int((uint64(docs) + segment.BlockRows - 1) / segment.BlockRows)
}

// filterNode is a predicate with the way in which it is applied to one segment.
// It is shared by the workers; what a worker needs besides is in filterRun.
type filterNode interface {
	// apply clears the rows of the block that do not pass from sel.
	apply(run *filterRun, b block, sel column.Bitmap) error
	// skips reports whether it is known that no row of the block passes.
	skips(b block) bool
	// trace describes the node and its parts in the order of application.
	trace(sp *segPlan, dst []FilterStats) []FilterStats
}

// filterRun is one worker's state for filtering: scratch bitmaps, and a reader
// for the rows that expressions look at.
type filterRun struct {
	r       *reader
	exprs   []exprFilterRun // by exprNode.index
	scratch []column.Bitmap
	pos     []uint32
	chunk   chunk
	entries int64
}

// bitmap takes a scratch bitmap of one block; put gives the last one back.
func (f *filterRun) bitmap() column.Bitmap {
	if len(f.scratch) == 0 {
		return f.r.buf.bitmap(segment.BlockRows)
	}
	b := f.scratch[len(f.scratch)-1]
	f.scratch = f.scratch[:len(f.scratch)-1]
	return b
}

func (f *filterRun) put(b column.Bitmap) { f.scratch = append(f.scratch, b) }

// andNode applies its parts one after the other.
type andNode struct{ parts []filterNode }

func (x *andNode) apply(run *filterRun, b block, sel column.Bitmap) error {
	for _, p := range x.parts {
		if err := p.apply(run, b, sel); err != nil {
			return err
		}
		if !sel.Any() {
			return nil
		}
	}
	return nil
}

func (x *andNode) skips(b block) bool {
	return slices.ContainsFunc(x.parts, func(p filterNode) bool { return p.skips(b) })
}

func (x *andNode) trace(sp *segPlan, dst []FilterStats) []FilterStats {
	for _, p := range x.parts {
		dst = p.trace(sp, dst)
	}
	return dst
}

// orNode passes what any part passes; later parts look only at what is left.
type orNode struct{ parts []filterNode }

func (x *orNode) apply(run *filterRun, b block, sel column.Bitmap) error {
	left, hit := run.bitmap(), run.bitmap()
	defer run.put(left)
	defer run.put(hit)
	copy(left, sel)
	clear(sel)
	for _, p := range x.parts {
		copy(hit, left)
		if err := p.apply(run, b, hit[:len(sel)]); err != nil {
			return err
		}
		kernel.Or(sel, hit[:len(sel)])
		kernel.AndNot(left, hit)
		if !left[:len(sel)].Any() {
			break
		}
	}
	return nil
}

func (x *orNode) skips(b block) bool {
	return !slices.ContainsFunc(x.parts, func(p filterNode) bool { return !p.skips(b) })
}

func (x *orNode) trace(sp *segPlan, dst []FilterStats) []FilterStats {
	for _, p := range x.parts {
		dst = p.trace(sp, dst)
	}
	return dst
}

// candidate is a predicate that waits for its place in a conjunction.
type candidate struct {
	p     predicate
	share float64
	cost  float64 // per row
}

// build chooses how a predicate is applied when about rows rows are still in
// play.
func (b *filterBuilder) build(p predicate, rows float64) (filterNode, error) {
	switch p := p.(type) {
	case *predIDs:
		return b.buildIDs(p, rows)
	case *predRange:
		return b.buildRange(p, rows), nil
	case *predNull:
		return &nullNode{pred: p}, nil
	case *predDocs:
		return b.buildDocs(p), nil
	case *predExpr:
		return b.buildExpr(p), nil
	case predAnd:
		return b.buildAnd(p, rows)
	case predOr:
		return b.buildOr(p, rows)
	}
	return nil, errUnknownPredicate
}

// buildAnd orders the parts by how much they remove for their cost.
func (b *filterBuilder) buildAnd(parts predAnd, rows float64) (filterNode, error) {
	cands := make([]candidate, len(parts))
	for i, p := range parts {
		share := b.sp.selectivity(p)
		cands[i] = candidate{p: p, share: share, cost: b.cost(p, rows)}
	}
	slices.SortStableFunc(cands, func(x, y candidate) int {
		return cmp.Compare((x.share-1)/x.cost, (y.share-1)/y.cost)
	})
	x := &andNode{}
	for _, c := range cands {
		n, err := b.build(c.p, rows)
		if err != nil {
			return nil, err
		}
		x.parts = append(x.parts, n)
		rows *= c.share
	}
	return x, nil
}

func (b *filterBuilder) buildOr(parts predOr, rows float64) (filterNode, error) {
	x := &orNode{}
	for _, p := range parts {
		n, err := b.build(p, rows)
		if err != nil {
			return nil, err
		}
		x.parts = append(x.parts, n)
	}
	return x, nil
}

// cost estimates the nanoseconds per row of the segment of applying p to rows
// rows.
func (b *filterBuilder) cost(p predicate, rows float64) float64 {
	share := rows / max(float64(b.sp.docs), 1)
	switch p := p.(type) {
	case *predIDs:
		return min(b.scanCost(p, rows), b.indexCost(p), b.idRangeCost(p))/max(float64(b.sp.docs), 1) + 0.001
	case *predRange:
		return b.rangeCost(p, rows)/max(float64(b.sp.docs), 1) + 0.001
	case *predNull, *predDocs:
		return 0.01
	case predAnd:
		return b.costOf(p, rows)
	case predOr:
		return b.costOf(p, rows)
	}
	return costExpr * share
}

func (b *filterBuilder) costOf(parts []predicate, rows float64) float64 {
	sum := 0.0
	for _, p := range parts {
		sum += b.cost(p, rows)
	}
	return sum
}
