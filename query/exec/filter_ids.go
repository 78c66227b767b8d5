package exec

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/segment"
)

var errUnknownPredicate = errors.New("exec: unknown predicate")

// filterBuilder makes the filter of one segment.
type filterBuilder struct {
	sp    *segPlan
	exprs int // expression nodes so far
}

// scanCost is the nanoseconds of comparing the ids of rows rows, spread over
// the segment: those of the stretches that they are in, or their own.
func (b *filterBuilder) scanCost(p *predIDs, rows float64) float64 {
	perID := costScanID
	if p.set.bits == nil && kernel.Wide() {
		perID = costScanWide
	}
	docs := max(float64(b.sp.docs), 1)
	touched := 1 - math.Pow(1-min(rows/docs, 1), stretchWords*64)
	return min(docs*touched*perID, rows*costGatherID)
}

// indexCost is the nanoseconds of finding the documents of a set of ids by an
// index; infinite without one.
func (b *filterBuilder) indexCost(p *predIDs) float64 {
	c := b.sp.cols[p.col]
	if c.col.Ranges() != nil {
		return 100
	}
	if c.col.Inverted() == nil {
		return 1e300
	}
	docs := b.sp.idsShare(p) * float64(b.sp.docs)
	sparse := docs * costPosting
	dense := float64(p.set.n) * float64(blockCount(b.sp.docs)) * costContainer
	return min(sparse, dense) + float64(p.set.n)*200
}

// buildIDs uses the sorted ranges, the inverted index or a scan of the ids,
// whichever is estimated to be the cheapest for the rows still in play.
func (b *filterBuilder) buildIDs(p *predIDs, rows float64) (filterNode, error) {
	c := b.sp.cols[p.col]
	share := b.sp.selectivity(p)
	if cost := b.idRangeCost(p); cost < min(b.indexCost(p), b.scanCost(p, rows)) {
		return b.buildIDRange(p, share), nil
	}
	if b.indexCost(p) < b.scanCost(p, rows) {
		if c.col.Ranges() != nil {
			return b.buildSorted(p, share), nil
		}
		return b.buildInverted(p, share)
	}
	return &idNode{pred: p, set: p.set.segmentSet(), share: share}, nil
}

// buildSorted turns runs of ids of a sorted column into runs of documents. A
// sorted column has no NULLs.
func (b *filterBuilder) buildSorted(p *predIDs, share float64) filterNode {
	x := &docRangesNode{pred: p, share: share}
	eachRun(&p.set, func(lo, hi uint32) {
		from, to := b.sp.cols[p.col].col.Ranges().Range(lo, hi)
		if from < to {
			x.runs = append(x.runs, docRange{from, min(to, b.sp.docs)})
		}
	})
	return x
}

// buildInverted unites the postings of the ids. A single sparse one becomes a
// list, all else goes straight into one dense bitmap.
func (b *filterBuilder) buildInverted(p *predIDs, share float64) (filterNode, error) {
	c := b.sp.cols[p.col]
	inv := c.col.Inverted()
	nulls := p.nulls && c.hasNulls()
	if p.set.n == 1 && !nulls {
		id, few := p.set.first(), int(b.sp.docs/sparseFraction)
		if list, ok, err := b.list(inv, id, min(few, maxList)); ok || err != nil {
			return &bitmapNode{pred: p, share: share, list: list}, b.indexError(c, err)
		}
		if uint64(inv.Count(id)) <= uint64(few) {
			docs, err := inv.Postings(id)
			if err != nil {
				return nil, b.indexError(c, err)
			}
			return newBitmapNode(p, share, docs, b.sp), nil
		}
	}
	x := &bitmapNode{pred: p, share: share, dense: b.sp.buf.bitmap(int(b.sp.docs))}
	if nulls {
		copy(x.dense, c.nullBits(b.sp.buf, b.sp.docs))
	}
	var err error
	p.set.each(func(id uint32) bool {
		err = inv.SetDocs(id, x.dense)
		return err == nil
	})
	if err != nil {
		return nil, b.indexError(c, err)
	}
	return x, nil
}

// maxList is the number of documents that are listed without a bitmap.
const maxList = 1024

// list returns the documents of an id where the index lists them.
func (b *filterBuilder) list(inv segment.InvertedIndex, id uint32, limit int) (docs []uint32, ok bool, err error) {
	lister, ok := inv.(segment.DocLister)
	if !ok {
		return nil, false, nil
	}
	return lister.AppendDocs(id, limit, b.sp.buf.uint32s(limit)[:0])
}

func (b *filterBuilder) indexError(c *segCol, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("segment %s, inverted index of %s: %w", b.sp.meta.Name, c.meta.Name, err)
}

// bitmapNode is a set of documents found by an index: a sorted list when they
// are few, else a dense bitmap over the segment.
type bitmapNode struct {
	pred  *predIDs
	share float64
	list  []uint32
	dense column.Bitmap // nil when list is used
}

func newBitmapNode(p *predIDs, share float64, docs *roaring.Bitmap, sp *segPlan) *bitmapNode {
	x, n := &bitmapNode{pred: p, share: share}, sp.docs
	if size := docs.GetCardinality(); size*sparseFraction <= uint64(n) {
		x.list = sp.buf.uint32s(int(size))
		x.list = x.list[:docs.ManyIterator().NextMany(x.list)]
		if end, _ := slices.BinarySearch(x.list, n); end < len(x.list) {
			x.list = x.list[:end]
		}
		return x
	}
	x.dense = denseBits(sp.buf, docs, n)
	return x
}

// part returns the listed documents of a block.
func (x *bitmapNode) part(b block) []uint32 {
	lo, _ := slices.BinarySearch(x.list, b.from)
	hi, _ := slices.BinarySearch(x.list, b.from+uint32(b.n))
	return x.list[lo:hi]
}

func (x *bitmapNode) skips(b block) bool {
	if x.dense != nil {
		w := int(b.from >> 6)
		return !x.dense[w:min(w+column.Words(b.n), len(x.dense))].Any()
	}
	return len(x.part(b)) == 0
}

func (x *bitmapNode) apply(run *filterRun, b block, sel column.Bitmap) error {
	if x.dense != nil {
		kernel.And(sel, x.dense[b.from>>6:])
		return nil
	}
	hit := run.bitmap()
	defer run.put(hit)
	clear(hit)
	for _, d := range x.part(b) {
		hit.Set(int(d - b.from))
	}
	kernel.And(sel, hit)
	return nil
}

func (x *bitmapNode) trace(sp *segPlan, dst []FilterStats) []FilterStats {
	return append(dst, FilterStats{sp.describe(x.pred.src, x.pred.neg), "inverted", x.share})
}

type docRange struct{ from, to uint32 }

// docRangesNode is runs of documents of a sorted column, ascending.
type docRangesNode struct {
	pred  *predIDs
	share float64
	runs  []docRange
}

func (x *docRangesNode) skips(b block) bool {
	end := b.from + uint32(b.n)
	return !slices.ContainsFunc(x.runs, func(r docRange) bool { return r.from < end && b.from < r.to })
}

func (x *docRangesNode) apply(run *filterRun, b block, sel column.Bitmap) error {
	hit := run.bitmap()
	defer run.put(hit)
	clear(hit)
	for _, r := range x.runs {
		from, to := max(r.from, b.from), min(r.to, b.from+uint32(b.n))
		if from < to {
			kernel.SetRange(hit, int(from-b.from), int(to-b.from))
		}
	}
	kernel.And(sel, hit)
	return nil
}

func (x *docRangesNode) trace(sp *segPlan, dst []FilterStats) []FilterStats {
	return append(dst, FilterStats{sp.describe(x.pred.src, x.pred.neg), "sorted", x.share})
}

// idNode scans dictionary ids: the stretches of the block in which many rows
// are still in play, or only those rows when they are few.
type idNode struct {
	pred  *predIDs
	set   segment.IDSet
	share float64
}

// The number of rows per stretch below which ids are fetched one by one.
const (
	gatherBelow     = 32
	gatherBelowWide = 8 // ranges with vector instructions
)

func (x *idNode) gatherBelow() int {
	if x.set.Bits == nil && kernel.Wide() {
		return gatherBelowWide
	}
	return gatherBelow
}

func (x *idNode) skips(b block) bool { return false }

func (x *idNode) apply(run *filterRun, b block, sel column.Bitmap) error {
	c := run.r.sp.cols[x.pred.col]
	any, within := x.zone(c, b)
	switch {
	case within:
		if !x.pred.nulls {
			x.dropNulls(c, b, sel, run)
		}
		return nil
	case !any:
		x.onlyNulls(c, b, sel, run)
		return nil
	}
	rows, stretches := countStretches(sel)
	if rows < stretches*x.gatherBelow() {
		x.gather(run, b, sel, rows)
		return nil
	}
	hit := run.bitmap()
	defer run.put(hit)
	nulls := nullsOf(c, b, run)
	for lo, hi := nextStretch(sel, 0); lo < hi; lo, hi = nextStretch(sel, hi) {
		from, n := stretchRange(b, lo, hi)
		run.entries += int64(n)
		part := hit[lo:hi]
		c.col.MatchIDs(b.from+uint32(from), n, x.set, part)
		if nulls != nil {
			x.fixNulls(nulls[lo:min(hi, len(nulls))], part)
		}
		kernel.And(sel[lo:hi], part)
	}
	return nil
}

// zone asks the zone map whether some, or all, ids of the block are in the set.
func (x *idNode) zone(c *segCol, b block) (any, within bool) {
	z := c.col.Zones()
	if z == nil || b.index >= len(z.MinInt) || b.index >= len(z.MaxInt) || !c.dict.Sorted() {
		return true, false
	}
	lo, hi := z.MinInt[b.index], z.MaxInt[b.index]
	if lo < 0 || hi < lo || hi >= int64(x.pred.set.size) {
		return true, false
	}
	return x.pred.set.overlaps(uint32(lo), uint32(hi))
}

// nullsOf returns the NULL rows of a block, nil when there is none.
func nullsOf(c *segCol, b block, run *filterRun) column.Bitmap {
	dense := c.nullBits(run.r.buf, run.r.sp.docs)
	if dense == nil {
		return nil
	}
	return dense[b.from>>6:]
}

func (x *idNode) dropNulls(c *segCol, b block, sel column.Bitmap, run *filterRun) {
	kernel.AndNot(sel, nullsOf(c, b, run))
}

func (x *idNode) onlyNulls(c *segCol, b block, sel column.Bitmap, run *filterRun) {
	nulls := nullsOf(c, b, run)
	if !x.pred.nulls || nulls == nil {
		clear(sel)
		return
	}
	kernel.And(sel, nulls)
}

// fixNulls gives NULL rows, whose ids mean nothing, their own answer.
func (x *idNode) fixNulls(nulls, hit column.Bitmap) {
	if x.pred.nulls {
		kernel.Or(hit, nulls)
	} else {
		kernel.AndNot(hit, nulls)
	}
}

// gather looks at the n rows of sel only.
func (x *idNode) gather(run *filterRun, b block, sel column.Bitmap, n int) {
	if run.pos == nil {
		run.pos = run.r.buf.uint32s(2 * chunkRows)
	}
	run.pos = kernel.Positions(sel, b.from, run.pos[:0])
	clear(sel)
	col := &run.r.cols[x.pred.col]
	run.entries += int64(n)
	for from := 0; from < len(run.pos); from += chunkRows {
		docs := run.pos[from:min(from+chunkRows, len(run.pos))]
		run.chunk = chunk{docs: docs, n: len(docs)}
		run.r.next(&run.chunk)
		ids := col.readIDs(&run.chunk)
		if x.set.Bits != nil {
			kernel.KeepIDBits(docs, b.from, ids, x.set.Bits, sel)
		} else {
			kernel.KeepIDRange(docs, b.from, ids, x.set.Lo, x.set.Hi, sel)
		}
		nulls := col.readNulls(&run.chunk)
		for i := kernel.FirstSet(nulls, 0); i >= 0; i = kernel.FirstSet(nulls, i+1) {
			sel.Clear(int(docs[i] - b.from))
			if x.pred.nulls {
				sel.Set(int(docs[i] - b.from))
			}
		}
	}
}

func (x *idNode) trace(sp *segPlan, dst []FilterStats) []FilterStats {
	return append(dst, FilterStats{sp.describe(x.pred.src, x.pred.neg), "id scan", x.share})
}
