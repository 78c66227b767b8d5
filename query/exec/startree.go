package exec

import (
	"math"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/segment"
)

// A star-tree answers an aggregation from records that stand for many rows
// each. Its records are planned like a small segment: the dimensions are its
// columns, what a filter leaves open is applied by the same nodes, groups are
// found by the same tables. Two things differ: which records are read is
// decided by walking down the tree, and aggregations merge states in place of
// folding values.

// treeScan is the part of a star-tree that answers the leaf in one segment.
type treeScan struct {
	number int // of the tree in its segment, from 0
	raw    *segPlan
	runs   []segment.DocRange
	rows   int        // in runs
	sets   []*predIDs // by which the tree was walked
	calls  map[*aggCall]*treeCall
}

// treeCall says how a tree answers one aggregation: by the values of
// dimensions where terms is nil, else by merging states. With filtered they are
// states of the rows that pass the aggregation's FILTER already.
type treeCall struct {
	terms    []treeTerm
	filtered bool
}

// treeTerm is state columns of a tree; with negate they are subtracted.
type treeTerm struct {
	cols   []segment.Column
	negate bool
}

// The estimated costs of walking a tree, in nanoseconds.
const (
	costTreeRecord = 12.0 // read one record per expression
	costTreeStart  = 5_000.0
)

// starTreeOff is the value of the setting star_tree that forbids star-trees.
const starTreeOff = "off"

// starTree returns the plan of answering the leaf from a star-tree of the
// segment where one can and is estimated to be cheaper than the rows, else nil.
func (q *query) starTree(raw *segPlan) (*segPlan, error) {
	op, ok := q.op.(*aggregate)
	if !ok || raw.none || q.opt.Settings["star_tree"] == starTreeOff {
		return nil, nil
	}
	seg, ok := raw.seg.(segment.StarTreed)
	if !ok || op.knownFromMetadata(raw) {
		return nil, nil
	}
	var best *segPlan
	budget := raw.work()
	if q.e.forceTrees {
		budget = math.Inf(1)
	}
	for i, t := range seg.StarTrees() {
		m := treeMatch{q: q, op: op, raw: raw, meta: t.Meta()}
		if budget < costTreeStart || !m.covers() {
			continue
		}
		recs, err := t.Records()
		if err != nil {
			return nil, err
		}
		sp, err := m.plan(recs, i, budget-costTreeStart)
		if err != nil {
			return nil, err
		}
		if sp != nil {
			best, budget = sp, float64(sp.tree.rows)*m.recordCost()
		}
	}
	return best, nil
}

// treeMatch compares a leaf with one tree.
type treeMatch struct {
	q    *query
	op   *aggregate
	raw  *segPlan
	meta *segment.StarTreeMeta

	needed []bool // by the leaf's columns: told apart in the records
	calls  []treeSource
	rest   predAnd // conditions that are no set of ids of one dimension
	sets   []*predIDs
}

// treeSource names the metrics that answer one aggregation.
type treeSource struct {
	byValue bool // by the values of dimensions, which are needed
	terms   []treeMetricTerm
}

// treeMetricTerm is state columns: column ks[i] of metric ms[i].
type treeMetricTerm struct {
	ms, ks []int
	negate bool
}

func (m *treeMatch) recordCost() float64 {
	return costTreeRecord * float64(1+len(m.q.exprs))
}

// dimension returns the place of column c of the leaf in the tree, -1 if it is
// not there.
func (m *treeMatch) dimension(c int) int {
	if c >= len(m.q.leaf.Cols) { // truncated times
		return -1
	}
	lc := &m.q.leaf.Cols[c]
	if lc.Pseudo != "" {
		return -1
	}
	return slices.Index(m.meta.Dimensions, lc.ID)
}

// need marks columns that records must tell apart; false when the tree does
// not have them. Constants need no telling.
func (m *treeMatch) need(cols []int) bool {
	for _, c := range cols {
		if m.raw.cols[c].konst == nil && m.dimension(c) < 0 {
			return false
		}
		m.needed[c] = true
	}
	return true
}

func (m *treeMatch) needExpr(i int) bool {
	x := m.q.exprs[i]
	return !x.volatile && m.need(x.cols)
}

// covers reports whether the tree has all that the leaf asks for.
func (m *treeMatch) covers() bool {
	m.needed = make([]bool, len(m.raw.cols))
	for _, k := range m.op.keys {
		if !m.needExpr(k.expr) {
			return false
		}
	}
	if !m.coversFilter() {
		return false
	}
	for i := range m.op.calls {
		if !m.coversCall(&m.op.calls[i]) {
			return false
		}
	}
	return true
}

// coversFilter splits the filter into sets of ids, by which the tree is walked,
// and the rest, which is applied to the records.
func (m *treeMatch) coversFilter() bool {
	parts := predAnd{m.raw.pred}
	switch p := m.raw.pred.(type) {
	case nil:
		return true
	case predAnd:
		parts = p
	}
	for _, p := range parts {
		if ids, ok := p.(*predIDs); ok && m.dimension(ids.col) >= 0 && !m.hasSet(ids.col) {
			m.sets = append(m.sets, ids)
			continue
		}
		if !m.coversPredicate(p) {
			return false
		}
		m.rest = append(m.rest, p)
	}
	return true
}

func (m *treeMatch) hasSet(col int) bool {
	return slices.ContainsFunc(m.sets, func(p *predIDs) bool { return p.col == col })
}

func (m *treeMatch) coversPredicate(p predicate) bool {
	switch p := p.(type) {
	case *predIDs:
		return m.need([]int{p.col})
	case *predExpr:
		return !p.x.volatile && m.need(p.x.cols)
	case predAnd:
		return !slices.ContainsFunc(p, func(x predicate) bool { return !m.coversPredicate(x) })
	case predOr:
		return !slices.ContainsFunc(p, func(x predicate) bool { return !m.coversPredicate(x) })
	}
	return false // over raw values, which dimensions do not have
}

func (m *treeMatch) coversCall(c *aggCall) bool {
	if c.filter >= 0 && !m.needExpr(c.filter) {
		return false
	}
	if m.q.opt.Settings["float_sum"] == "exact" && c.call.Spec.FloatSum() {
		return false
	}
	src, ok := m.source(c)
	if ok {
		m.calls = append(m.calls, src)
		return true
	}
	// Where repetition does not matter the dimensions themselves will do.
	if !c.call.Spec.DistinctInput() || c.call.Spec.OrderSensitive() {
		return false
	}
	for _, i := range c.args {
		if !m.needExpr(i) {
			return false
		}
	}
	m.calls = append(m.calls, treeSource{byValue: true})
	return true
}

// plan walks the tree. It returns nil when answering from it would cost more
// than budget.
func (m *treeMatch) plan(recs segment.StarTreeRecords, number int, budget float64) (*segPlan, error) {
	sel := m.selection()
	sel.Limit = int(min(max(budget/m.recordCost(), 1), math.MaxInt32))
	runs, ok := recs.Select(&sel, nil)
	if !ok {
		return nil, nil
	}
	t := &treeScan{number: number, raw: m.raw, runs: runs, sets: m.sets, calls: map[*aggCall]*treeCall{}}
	for _, r := range runs {
		t.rows += int(r.To - r.From)
	}
	for i := range m.op.calls {
		t.calls[&m.op.calls[i]] = m.calls[i].open(recs)
	}
	return m.segPlan(recs, t)
}

func (s *treeSource) open(recs segment.StarTreeRecords) *treeCall {
	c := &treeCall{}
	for _, t := range s.terms {
		term := treeTerm{negate: t.negate}
		for i, at := range t.ms {
			term.cols = append(term.cols, recs.State(at, t.ks[i]))
		}
		c.terms = append(c.terms, term)
	}
	return c
}

func (m *treeMatch) selection() segment.StarTreeSelection {
	sel := segment.StarTreeSelection{Dimensions: make([]segment.StarTreeDimension, len(m.meta.Dimensions))}
	for c, needed := range m.needed {
		if d := m.dimension(c); d >= 0 && needed {
			sel.Dimensions[d].Needed = true
		}
	}
	for _, p := range m.sets {
		d := &sel.Dimensions[m.dimension(p.col)]
		d.Filtered, d.Set, d.Nulls = true, p.set.segmentSet(), p.nulls
	}
	return sel
}

// segPlan plans the records of a tree as a segment. Columns that only metrics
// are made of are NULL there and never read.
func (m *treeMatch) segPlan(recs segment.StarTreeRecords, t *treeScan) (*segPlan, error) {
	sp := &segPlan{q: m.q, seg: recs, buf: m.raw.buf, meta: recs.Metadata(), docs: recs.NumDocs(), tree: t}
	sp.share = float64(t.rows) / float64(max(sp.docs, 1))
	sp.rowsHint = float64(t.rows)
	for i := range m.q.leaf.Cols {
		if m.raw.cols[i].konst != nil {
			sp.cols = append(sp.cols, m.raw.cols[i])
			continue
		}
		c, err := openCol(m.q.ctx, recs, &m.q.leaf.Cols[i])
		if err != nil {
			return nil, err
		}
		sp.cols = append(sp.cols, c)
	}
	if err := sp.openTruncs(m.q); err != nil {
		return nil, err
	}
	for _, x := range m.q.exprs {
		sp.exprs = append(sp.exprs, sp.planExpr(x, sp.rows()))
	}
	if len(m.rest) == 0 {
		return sp, nil
	}
	b := filterBuilder{sp: sp}
	var err error
	sp.filter, err = b.build(m.rest, sp.rows())
	return sp, err
}

// treeBlock hands on the records of a block that answer the leaf.
func (w *worker) treeBlock(b block) error {
	end := b.from + uint32(b.n)
	if w.sp.filter != nil {
		return w.treeFilter(b)
	}
	for _, r := range w.sp.tree.within(b) {
		from, to := max(r.From, b.from), min(r.To, end)
		if to-from < chunkRows/8 {
			for d := from; d < to; d++ {
				w.docs = append(w.docs, d)
			}
			if len(w.docs) >= chunkRows {
				if err := w.flushSome(chunkRows); err != nil {
					return err
				}
			}
			continue
		}
		if err := w.flush(); err != nil {
			return err
		}
		if err := w.wholeRange(from, int(to-from)); err != nil {
			return err
		}
	}
	return nil
}

// treeFilter applies what walking the tree has left of the filter.
func (w *worker) treeFilter(b block) error {
	sel := w.sel[:column.Words(b.n)]
	clear(sel)
	end := b.from + uint32(b.n)
	for _, r := range w.sp.tree.within(b) {
		kernel.SetRange(sel, int(max(r.From, b.from)-b.from), int(min(r.To, end)-b.from))
	}
	return w.filtered(b, sel)
}

// within returns the runs that have records in a block.
func (t *treeScan) within(b block) []segment.DocRange {
	lo, _ := slices.BinarySearchFunc(t.runs, b.from, func(r segment.DocRange, from uint32) int {
		if r.To <= from {
			return -1
		}
		return 1
	})
	hi := lo
	for end := b.from + uint32(b.n); hi < len(t.runs) && t.runs[hi].From < end; {
		hi++
	}
	return t.runs[lo:hi]
}

// smallTree is the number of records up to which one worker reads them all.
const smallTree = 1 << 15

// morselBlocks returns how many blocks make a morsel of the segment.
func (sp *segPlan) morselBlocks() int {
	if sp.tree != nil && sp.tree.rows <= smallTree {
		return blockCount(sp.docs)
	}
	return morselBlocks
}

// trace describes the conditions: those that the walk down the tree has
// settled, then those that were applied to its records.
func (t *treeScan) trace(sp *segPlan) []FilterStats {
	var out []FilterStats
	for _, p := range t.sets {
		out = append(out, FilterStats{t.raw.describe(p.src, p.neg), "star-tree", t.raw.selectivity(p)})
	}
	if sp.filter != nil {
		out = sp.filter.trace(sp, out)
	}
	if len(out) == 0 {
		out = append(out, FilterStats{Method: "all", Selectivity: 1})
	}
	return out
}
