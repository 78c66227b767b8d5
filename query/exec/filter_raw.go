package exec

import (
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// rangeNode compares a raw column of fixed width with a range, by the column's
// own fast way where it has one.
type rangeNode struct {
	pred  *predRange
	share float64
}

func (x *rangeNode) skips(b block) bool { return false }

func (x *rangeNode) apply(run *filterRun, b block, sel column.Bitmap) error {
	c := run.r.sp.cols[x.pred.col]
	any, within := x.zone(c, b)
	if !any {
		clear(sel)
		return nil
	}
	nulls := nullsOf(c, b, run)
	kernel.AndNot(sel, nulls)
	if within {
		return nil
	}
	hit := run.bitmap()
	defer run.put(hit)
	for lo, hi := nextStretch(sel, 0); lo < hi; lo, hi = nextStretch(sel, hi) {
		from, n := stretchRange(b, lo, hi)
		run.entries += int64(n)
		part := hit[lo:hi]
		ok, err := c.col.MatchRange(b.from+uint32(from), n, x.pred.r, part)
		if err == nil && !ok {
			err = x.scan(run, b.from+uint32(from), n, part)
		}
		if err != nil {
			return fmt.Errorf("segment %s, column %s: %w", run.r.sp.meta.Name, c.meta.Name, err)
		}
		kernel.And(sel[lo:hi], part)
	}
	return nil
}

// zone asks the zone map whether some, or all, values of the block are in the
// range.
func (x *rangeNode) zone(c *segCol, b block) (any, within bool) {
	z := c.col.Zones()
	r := &x.pred.r
	switch {
	case z == nil:
		return true, false
	case b.index < len(z.MinInt) && b.index < len(z.MaxInt):
		lo, hi := z.MinInt[b.index], z.MaxInt[b.index]
		if lo > hi { // no values
			return false, false
		}
		return lo <= r.HiInt && r.LoInt <= hi, r.LoInt <= lo && hi <= r.HiInt
	case b.index < len(z.MinFloat) && b.index < len(z.MaxFloat):
		lo, hi := z.MinFloat[b.index], z.MaxFloat[b.index]
		le := func(p, q float64) bool { return kernel.CompareFloats(p, q) <= 0 }
		if !le(lo, hi) {
			return false, false
		}
		return le(lo, r.HiFloat) && le(r.LoFloat, hi), le(r.LoFloat, lo) && le(hi, r.HiFloat)
	}
	return true, false
}

// scan reads n values from document first on and compares them.
func (x *rangeNode) scan(run *filterRun, first uint32, n int, hit column.Bitmap) error {
	col := &run.r.cols[x.pred.col]
	for from := 0; from < n; from += chunkRows {
		run.chunk = chunk{from: first + uint32(from), n: min(chunkRows, n-from)}
		run.r.next(&run.chunk)
		v, err := col.read(run.r.ctx, &run.chunk)
		if err != nil {
			return err
		}
		part := hit[from>>6 : from>>6+column.Words(run.chunk.n)]
		v = v.Flatten()
		r := &x.pred.r
		switch v.Kind() {
		case schema.KindInt32:
			kernel.MatchInt32(v.Int32s[:v.N], clamp32(r.LoInt), clamp32(r.HiInt), part)
		case schema.KindInt64:
			kernel.MatchInt64(v.Int64s[:v.N], r.LoInt, r.HiInt, part)
		case schema.KindFloat32:
			kernel.MatchFloat32(v.Float32s[:v.N], float32(r.LoFloat), float32(r.HiFloat), part)
		default:
			kernel.MatchFloat64(v.Float64s[:v.N], r.LoFloat, r.HiFloat, part)
		}
	}
	return nil
}

func clamp32(x int64) int32 { return int32(max(min(x, 1<<31-1), -1<<31)) }

func (x *rangeNode) trace(sp *segPlan, dst []FilterStats) []FilterStats {
	return append(dst, FilterStats{sp.describe(x.pred.src, x.pred.neg), "range scan", x.share})
}

// nullNode is IS [NOT] NULL of a raw column.
type nullNode struct{ pred *predNull }

func (x *nullNode) skips(b block) bool { return false }

func (x *nullNode) apply(run *filterRun, b block, sel column.Bitmap) error {
	nulls := nullsOf(run.r.sp.cols[x.pred.col], b, run)
	switch {
	case x.pred.negated:
		kernel.AndNot(sel, nulls)
	case nulls == nil:
		clear(sel)
	default:
		kernel.And(sel, nulls)
	}
	return nil
}

func (x *nullNode) trace(sp *segPlan, dst []FilterStats) []FilterStats {
	return append(dst, FilterStats{sp.describe(x.pred.src, x.pred.neg), "null bitmap", sp.selectivity(x.pred)})
}

// exprNode evaluates a condition for the rows still in play.
type exprNode struct {
	pred  *predExpr
	index int
}

// exprFilterRun is what a worker keeps for an exprNode of the open segment.
type exprFilterRun struct {
	node *exprNode
	prog *eval.Program
	hit  column.Bitmap
}

func (b *filterBuilder) buildExpr(p *predExpr) filterNode {
	b.exprs++
	return &exprNode{pred: p, index: b.exprs - 1}
}

func (x *exprNode) skips(b block) bool { return false }

func (x *exprNode) apply(run *filterRun, b block, sel column.Bitmap) error {
	e, err := x.open(run)
	if err != nil {
		return err
	}
	run.pos = kernel.Positions(sel, b.from, run.pos[:0])
	for from := 0; from < len(run.pos); from += chunkRows {
		run.chunk = chunk{docs: run.pos[from:min(from+chunkRows, len(run.pos))]}
		run.chunk.n = len(run.chunk.docs)
		run.chunk.compact()
		run.r.next(&run.chunk)
		if err := x.filter(run, e, b, sel); err != nil {
			return err
		}
	}
	return nil
}

// open returns the worker's program, compiled at its first use.
func (x *exprNode) open(run *filterRun) (*exprFilterRun, error) {
	for len(run.exprs) <= x.index {
		run.exprs = append(run.exprs, exprFilterRun{hit: column.NewBitmap(chunkRows)})
	}
	e := &run.exprs[x.index]
	if e.node == x {
		return e, nil
	}
	p, err := eval.Compile(x.pred.x.e, nil)
	if err != nil {
		return nil, err
	}
	e.node, e.prog = x, p
	return e, nil
}

func (x *exprNode) filter(run *filterRun, e *exprFilterRun, b block, sel column.Bitmap) error {
	c := &run.chunk
	in, err := run.r.input(x.pred.x.cols, c)
	if err != nil {
		return err
	}
	run.entries += int64(c.n * len(x.pred.x.cols))
	hit := e.hit[:column.Words(c.n)]
	if err := e.prog.Filter(run.r.ctx, in, nil, hit); err != nil {
		return err
	}
	for i := range c.n {
		if !hit.Get(i) {
			sel.Clear(int(c.doc(i) - b.from))
		}
	}
	return nil
}

func (x *exprNode) trace(sp *segPlan, dst []FilterStats) []FilterStats {
	return append(dst, FilterStats{sp.describe(x.pred.src, x.pred.neg), "expression", sp.selectivity(x.pred)})
}
