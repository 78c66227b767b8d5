package exec

import (
	"fmt"
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// rangeIndexNode finds the documents of a range of values, or of dictionary
// ids, by the range index: those of whole buckets as they are, those of cut
// buckets by looking at them.
type rangeIndexNode struct {
	col   int
	r     segment.ValueRange
	ids   bool // r is a range of dictionary ids
	nulls bool // NULL rows pass
	index segment.RangeIndex
	span  segment.RangeSpan
	share float64
	src   plan.Expr
	neg   bool
}

func (x *rangeIndexNode) skips(b block) bool {
	return !x.nulls && len(x.index.Docs(b.index, x.span.First, x.span.End)) == 0
}

func (x *rangeIndexNode) apply(run *filterRun, b block, sel column.Bitmap) error {
	hit := run.bitmap()
	defer run.put(hit)
	clear(hit)
	for _, at := range x.index.Docs(b.index, x.span.FullFirst, x.span.FullEnd) {
		hit.Set(int(at))
	}
	cut := x.index.Docs(b.index, x.span.First, x.span.FullFirst)
	if err := x.look(run, b, cut, sel, hit); err != nil {
		return err
	}
	cut = x.index.Docs(b.index, x.span.FullEnd, x.span.End)
	if err := x.look(run, b, cut, sel, hit); err != nil {
		return err
	}
	if nulls := nullsOf(run.r.sp.cols[x.col], b, run); x.nulls && nulls != nil {
		kernel.Or(hit, nulls[:min(len(sel), len(nulls))])
	}
	kernel.And(sel, hit)
	return nil
}

// look sets the bits of the documents of a cut bucket that lie in the range, as
// far as they are in sel.
func (x *rangeIndexNode) look(run *filterRun, b block, offsets []uint16, sel, hit column.Bitmap) error {
	if run.pos == nil {
		run.pos = run.r.buf.uint32s(2 * chunkRows)
	}
	run.pos = run.pos[:0]
	for _, at := range offsets {
		if sel.Get(int(at)) {
			run.pos = append(run.pos, b.from+uint32(at))
		}
	}
	run.entries += int64(len(run.pos))
	for from := 0; from < len(run.pos); from += chunkRows {
		docs := run.pos[from:min(from+chunkRows, len(run.pos))]
		run.chunk = chunk{docs: docs, n: len(docs)}
		run.r.next(&run.chunk)
		if err := x.compare(run, b, docs, hit); err != nil {
			return err
		}
	}
	return nil
}

func (x *rangeIndexNode) compare(run *filterRun, b block, docs []uint32, hit column.Bitmap) error {
	col := &run.r.cols[x.col]
	if x.ids {
		ids := col.readIDs(&run.chunk)
		kernel.KeepIDRange(docs, b.from, ids, uint32(x.r.LoInt), uint32(x.r.HiInt), hit)
		return nil
	}
	v, err := col.read(run.r.ctx, &run.chunk)
	if err != nil {
		return fmt.Errorf("segment %s, column %s: %w", run.r.sp.meta.Name, run.r.sp.cols[x.col].meta.Name, err)
	}
	v = v.Flatten()
	switch v.Kind() {
	case schema.KindInt32:
		keepInts(v.Int32s[:v.N], x.r, docs, b.from, hit)
	case schema.KindInt64:
		keepInts(v.Int64s[:v.N], x.r, docs, b.from, hit)
	case schema.KindFloat32:
		keepFloats(v.Float32s[:v.N], x.r, docs, b.from, hit)
	default:
		keepFloats(v.Float64s[:v.N], x.r, docs, b.from, hit)
	}
	return nil
}

func keepInts[T int32 | int64](v []T, r segment.ValueRange, docs []uint32, from uint32, hit column.Bitmap) {
	for i, x := range v {
		if r.LoInt <= int64(x) && int64(x) <= r.HiInt {
			hit.Set(int(docs[i] - from))
		}
	}
}

func keepFloats[T float32 | float64](v []T, r segment.ValueRange, docs []uint32, from uint32, hit column.Bitmap) {
	for i, x := range v {
		if kernel.CompareFloats(r.LoFloat, float64(x)) <= 0 && kernel.CompareFloats(float64(x), r.HiFloat) <= 0 {
			hit.Set(int(docs[i] - from))
		}
	}
}

func (x *rangeIndexNode) trace(sp *segPlan, dst []FilterStats) []FilterStats {
	return append(dst, FilterStats{sp.describe(x.src, x.neg), "range index", x.share})
}

// openRangeIndex opens the range index of a column, if it has one.
func (c *segCol) openRangeIndex() error {
	r, ok := c.col.(segment.RangeIndexed)
	if !ok {
		return nil
	}
	var err error
	c.ranges, err = r.RangeIndex()
	return err
}

// rangeIndexCost is the nanoseconds of finding the documents of a range by the
// range index; infinite without one.
func rangeIndexCost(c *segCol, r segment.ValueRange, docs uint32) float64 {
	if c.ranges == nil {
		return 1e300
	}
	s := c.ranges.Span(r)
	full := float64(c.ranges.Count(s.FullFirst, s.FullEnd))
	cut := float64(c.ranges.Count(s.First, s.End)) - full
	return full*costBucketDoc + cut*costCutDoc + float64(blockCount(docs))*costBucketBlock
}

// indexedShare estimates the share of documents in a range by the range index,
// taking half of cut buckets.
func indexedShare(x segment.RangeIndex, r segment.ValueRange, docs uint32) float64 {
	s := x.Span(r)
	n := float64(x.Count(s.First, s.End)+x.Count(s.FullFirst, s.FullEnd)) / 2
	return min(1, n/float64(max(docs, 1)))
}

// rangeScanCost is the nanoseconds of comparing the raw values of rows rows,
// spread over the blocks that zone maps cannot decide.
func (b *filterBuilder) rangeScanCost(p *predRange, rows float64) float64 {
	perValue := costScanValue
	if kernel.Wide() {
		perValue = costScanValueWide
	}
	docs := max(float64(b.sp.docs), 1)
	touched := 1 - math.Pow(1-min(rows/docs, 1), stretchWords*64)
	return docs * touched * perValue * b.undecided(p)
}

// undecided is the share of blocks for which the zone map does not tell whether
// all rows or none lie in the range.
func (b *filterBuilder) undecided(p *predRange) float64 {
	c, x := b.sp.cols[p.col], rangeNode{pred: p}
	blocks, open := blockCount(b.sp.docs), 0
	for i := range blocks {
		if any, within := x.zone(c, blockOf(i, b.sp.docs)); any && !within {
			open++
		}
	}
	return float64(open) / float64(max(blocks, 1))
}

// rangeCost is the nanoseconds of the cheaper way.
func (b *filterBuilder) rangeCost(p *predRange, rows float64) float64 {
	return min(b.rangeScanCost(p, rows), rangeIndexCost(b.sp.cols[p.col], p.r, b.sp.docs))
}

// buildRange scans the values or uses the range index.
func (b *filterBuilder) buildRange(p *predRange, rows float64) filterNode {
	share := b.sp.selectivity(p)
	c := b.sp.cols[p.col]
	if rangeIndexCost(c, p.r, b.sp.docs) >= b.rangeScanCost(p, rows) {
		return &rangeNode{pred: p, share: share}
	}
	return &rangeIndexNode{
		col: p.col, r: p.r, index: c.ranges, span: c.ranges.Span(p.r), share: share, src: p.src, neg: p.neg,
	}
}

// idSpan is a run of ids as a range.
func idSpan(s *idSet) segment.ValueRange { return intRange(int64(s.lo), int64(s.hi)) }

// idRangeCost is the nanoseconds of finding the documents of a run of ids by
// the range index; infinite for other sets and without one.
func (b *filterBuilder) idRangeCost(p *predIDs) float64 {
	if p.set.bits != nil || p.set.n == 0 {
		return 1e300
	}
	return rangeIndexCost(b.sp.cols[p.col], idSpan(&p.set), b.sp.docs)
}

// buildIDRange uses the range index for a run of ids.
func (b *filterBuilder) buildIDRange(p *predIDs, share float64) filterNode {
	c, r := b.sp.cols[p.col], idSpan(&p.set)
	return &rangeIndexNode{
		col: p.col, r: r, ids: true, nulls: p.nulls && c.hasNulls(),
		index: c.ranges, span: c.ranges.Span(r), share: share, src: p.src, neg: p.neg,
	}
}
