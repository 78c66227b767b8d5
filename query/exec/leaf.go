package exec

import (
	"errors"
	"slices"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// defaultInlineWork is Engine.inlineWork: a tenth of what it costs to notice
// that a second core helped.
const defaultInlineWork = 200_000

// morselBlocks is the largest number of blocks in a morsel.
const morselBlocks = 4

// query is one leaf on its way.
type query struct {
	e     *Engine
	ctx   *fn.Context
	leaf  *plan.Leaf
	opt   Options
	mem   memory
	buf   buffers
	exprs []*leafExpr // all that the operator reads per row
	op    operator
	// truncs are the columns that the leaf truncates to units of time.
	truncs []truncSlot
	// partCols is the number of columns that parts of the result cache have
	// besides; 0 without parts.
	partCols int
	segs     []*segPlan
	workers  []*worker // by number; nil where none was needed
	stats    Stats
	cost     leafCost
}

// operator is what a leaf does with the rows that pass its filter.
type operator interface {
	// prepare is called once all segments are planned.
	prepare(q *query) error
	// newSink returns the sink of one worker, which reads through r.
	newSink(q *query, r *reader) (sink, error)
	// finish combines the sinks, of which there is at least one, and emits the
	// result.
	finish(q *query, sinks []sink, emit func(*column.Batch) error) error
	// method names how rows are used, for the trace.
	method() string
}

func newQuery(e *Engine, ctx *fn.Context, leaf *plan.Leaf, opt Options) *query {
	q := &query{e: e, ctx: ctx, leaf: leaf, opt: opt}
	q.mem.limit = opt.MemoryLimit
	q.buf.pool = &e.buffers
	return q
}

// runLeaf runs a leaf over segments and over parts of the result cache, which
// stand for others.
func (e *Engine) runLeaf(ctx *fn.Context, leaf *plan.Leaf, segs []segment.Segment, parts []*cacheEntry, opt Options, emit func(*column.Batch) error) (Stats, leafCost, error) {
	q := newQuery(e, ctx, leaf, opt)
	defer q.buf.release()
	err := guard(func() error { return q.run(segs, parts, emit) })
	q.stats.PeakBytes = q.mem.peak.Load()
	return q.stats, q.cost, err
}

func (q *query) run(segs []segment.Segment, parts []*cacheEntry, emit func(*column.Batch) error) error {
	if err := q.check(); err != nil {
		return err
	}
	q.op = q.newOperator(emit)
	q.findTruncs()
	if err := q.read(segs, parts); err != nil {
		return err
	}
	workers := slices.DeleteFunc(q.workers, func(w *worker) bool { return w == nil })
	sinks := make([]sink, len(workers))
	for i, w := range workers {
		sinks[i] = w.sink
	}
	err := q.op.finish(q, sinks, emit)
	q.collect(workers)
	return err
}

// read plans the segments and runs their morsels.
func (q *query) read(segs []segment.Segment, parts []*cacheEntry) error {
	if op, ok := q.op.(*topN); ok && len(segs) > 1 {
		return op.runWaves(segs)
	}
	if err := q.planSegments(segs); err != nil {
		return err
	}
	if err := q.attach(parts); err != nil {
		return err
	}
	if err := q.op.prepare(q); err != nil {
		return err
	}
	return q.scan(q.segs)
}

// check refuses what the engine does not do.
func (q *query) check() error {
	for i := range q.leaf.Aggs {
		a := &q.leaf.Aggs[i]
		if err := a.Spec.Validate(); err != nil {
			return sqlerr.New(sqlerr.InternalError, "%w", err)
		}
		if len(a.OrderBy) > 0 {
			return sqlerr.Unsupported("ORDER BY inside an aggregate on a server")
		}
		if q.opt.Settings["float_sum"] == "exact" && a.Spec.FloatSum() {
			return sqlerr.Unsupported("float_sum = exact").WithHint("SET float_sum = fast adds floats in the order in which they come.")
		}
	}
	return nil
}

func (q *query) newOperator(emit func(*column.Batch) error) operator {
	switch {
	case q.leaf.Aggregate:
		return newAggregate(q)
	case len(q.leaf.OrderBy) > 0 && q.leaf.Limit >= 0:
		return newTopN(q)
	}
	return newRows(q, emit)
}

// addExpr registers an expression that the operator reads and returns its
// index.
func (q *query) addExpr(e plan.Expr) int {
	for i, x := range q.exprs {
		if x.e == e || sameColumn(x.e, e) {
			return i
		}
	}
	q.exprs = append(q.exprs, newLeafExpr(e))
	return len(q.exprs) - 1
}

func sameColumn(a, b plan.Expr) bool {
	x, ok := a.(*plan.ColRef)
	y, ok2 := b.(*plan.ColRef)
	return ok && ok2 && x.Index == y.Index
}

// planSegments prunes and plans, in parallel when there is much to do.
func (q *query) planSegments(segs []segment.Segment) error {
	start := time.Now()
	defer func() { q.cost.reading += time.Since(start) }()
	plans, bloomed := make([]*segPlan, len(segs)), make([]bool, len(segs))
	var docs int64
	for _, s := range segs {
		docs += int64(s.NumDocs())
	}
	workers := 1
	if docs > 1<<20 && !q.looksUp() {
		workers = len(segs)
	}
	err := q.e.parallel(len(segs), workers, func(_, i int) error {
		if err := canceled(q.ctx); err != nil {
			return err
		}
		if segs[i].NumDocs() == 0 || !q.canMatch(segs[i].Metadata()) {
			return nil
		}
		match, err := q.bloomsMatch(segs[i])
		if bloomed[i] = !match; err != nil || !match {
			return err
		}
		p, err := newSegPlan(q, segs[i])
		plans[i] = p
		return err
	})
	if err != nil {
		return err
	}
	for i, p := range plans {
		q.countSegment(segs[i].Metadata(), p != nil, bloomed[i])
		if p != nil {
			q.segs = append(q.segs, p)
		}
	}
	return nil
}

// looksUp tells that planning a segment is no more than to look up a value: not
// worth waking others for.
func (q *query) looksUp() bool {
	if q.leaf.Filter == nil {
		return true
	}
	call, ok := q.leaf.Filter.(*plan.Call)
	if !ok || call.Fn.Name != "=" {
		return false
	}
	_, isCol := call.Args[0].(*plan.ColRef)
	_, isConst := call.Args[1].(*plan.Const)
	return isCol && isConst
}

func (q *query) countSegment(m *segment.Metadata, kept, bloomed bool) {
	s := &q.stats
	s.SegmentsQueried++
	s.TotalDocs += int64(m.NumDocs)
	if m.Consuming {
		s.ConsumingQueried++
	}
	if kept {
		s.SegmentsProcessed++
		if m.Consuming {
			s.ConsumingProcessed++
		}
		return
	}
	s.SegmentsPruned++
	if q.opt.Trace {
		method := "pruned"
		if bloomed {
			method = "pruned by bloom filter"
		}
		s.Segments = append(s.Segments, SegmentStats{Name: m.Name, Docs: int64(m.NumDocs), Pruned: true, Method: method})
	}
}

// scan runs the morsels of planned segments. There is at least one worker
// afterwards.
func (q *query) scan(segs []*segPlan) error {
	morsels, work := q.morsels(segs)
	n := 1
	if work > q.e.inlineWork {
		n = cap(q.e.tokens) + 1
	}
	for len(q.workers) < n {
		q.workers = append(q.workers, nil)
	}
	if _, err := q.worker(0); err != nil {
		return err
	}
	if op, ok := q.op.(*aggregate); ok {
		var err error
		if morsels, err = op.fixGroups(q, morsels, n); err != nil {
			return err
		}
	}
	err := q.e.parallel(len(morsels), n, func(i, task int) error {
		w, err := q.worker(i)
		if err != nil {
			return err
		}
		return w.do(&morsels[task])
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// worker returns worker i, which only one goroutine at a time may ask for.
func (q *query) worker(i int) (*worker, error) {
	if q.workers[i] == nil {
		w, err := newWorker(q)
		if err != nil {
			return nil, err
		}
		q.workers[i] = w
	}
	return q.workers[i], nil
}

// orderer is an operator that wants some morsels before others.
type orderer interface {
	orderMorsels(m []morsel)
}

func (q *query) morsels(segs []*segPlan) ([]morsel, float64) {
	var out []morsel
	work := 0.0
	for _, sp := range segs {
		work += sp.work()
		blocks := sp.blocks()
		for len(blocks) > 0 {
			n := min(sp.morselBlocks(), len(blocks))
			out = append(out, morsel{sp: sp, blocks: blocks[:n]})
			blocks = blocks[n:]
		}
	}
	if o, ok := q.op.(orderer); ok {
		o.orderMorsels(out)
	}
	return out, work
}

// collect adds up the workers' figures.
func (q *query) collect(workers []*worker) {
	s := &q.stats
	for _, w := range workers {
		s.DocsScanned += w.passed
		s.EntriesScannedInFilter += w.run.entries
		s.EntriesScannedPostFilter += w.reader.entries()
	}
	for _, sp := range q.segs {
		if sp.part != nil {
			s.DocsScanned -= sp.matched.Load() // groups are no rows
			q.cost.merging += time.Duration(sp.nanos.Load())
			continue
		}
		q.cost.reading += time.Duration(sp.nanos.Load())
		if sp.matched.Load() > 0 || sp.answered && sp.docs > 0 {
			s.SegmentsMatched++
			if sp.meta.Consuming {
				s.ConsumingMatched++
			}
		}
		if q.opt.Trace {
			s.Segments = append(s.Segments, sp.finishTrace(q.op.method()))
		}
	}
}
