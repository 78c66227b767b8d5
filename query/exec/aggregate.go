package exec

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/plan"
)

// aggregate groups the rows that pass and folds them into aggregations. Each
// worker has its own groups over all segments that it visits; the workers'
// groups are merged at the end. Groups are numbered by codes of their keys
// that mean the same in every segment, so that nothing is merged per segment
// and values are decoded only for the groups that are returned.
type aggregate struct {
	q     *query
	keys  []*groupKey
	keyOf map[int]int // keys that are columns, by the column
	outs  []groupOut
	calls []aggCall
	bases []aggCall // columns that linear calls are made from
	plan  *tablePlan
	any   int // any so many groups will do; 0: all are wanted
	// known holds what metadata answered for whole segments, nil if nothing.
	known []agg.Accumulator
}

// aggCall is one aggregation of the leaf with its expressions by index.
type aggCall struct {
	call   *plan.AggCall
	args   []int
	filter int // -1: none
	// space numbers the argument's values over all segments where only their
	// occurrence matters, nil where there is no such numbering.
	space  *codeSpace
	linear *linear // nil: folded by itself
}

func newAggregate(q *query) *aggregate {
	op := &aggregate{q: q}
	op.splitKeys(q.leaf.GroupBy)
	for i := range q.leaf.Aggs {
		c := aggCall{call: &q.leaf.Aggs[i], filter: -1}
		for _, e := range c.call.Args {
			c.args = append(c.args, q.addExpr(e))
		}
		if c.call.Filter != nil {
			c.filter = q.addExpr(c.call.Filter)
		}
		op.calls = append(op.calls, c)
	}
	op.findLinear()
	return op
}

func (op *aggregate) method() string { return op.plan.kind.String() }

func (op *aggregate) prepare(q *query) error {
	rows := 0.0
	for _, sp := range q.segs {
		rows += sp.rows()
	}
	for i, k := range op.keys {
		k.plan(q)
		if k.kind == keyWord && i >= maxWordKeys {
			k.kind = keyLazy
		}
	}
	op.plan = planTable(op.keys, rows)
	op.checkLinear()
	op.plan.planLarge(rows, float64(q.maxWorkers()), q.e.forceMerges)
	op.findAny()
	if op.plan.kind == tableSlots && !q.countable() {
		op.plan.kind = tableDense
	}
	if op.plan.kind == tableSlots {
		op.plan.rowsFrom = op.rowSource()
	}
	for i := range op.calls {
		if c := &op.calls[i]; c.onlyValues() {
			c.space = q.codeSpace(c.args[0], q.dictSize(c.args[0]) <= 4*rows)
		}
	}
	if len(op.keys) > 0 {
		return nil
	}
	return op.answerFromMetadata()
}

// rowSource returns an aggregation that counts the rows of groups beside what it
// is for, -1 if there is none.
func (op *aggregate) rowSource() int {
	for i := range op.calls {
		c := &op.calls[i]
		if c.filter >= 0 || c.linear != nil || len(c.args) != 1 || !op.q.neverNull(c.args[0]) {
			continue
		}
		if _, ok := c.call.Spec.New().(agg.RowSource); ok {
			return i
		}
	}
	return -1
}

// neverNull reports whether expression i is a column that has no NULL.
func (q *query) neverNull(i int) bool {
	for _, sp := range q.segs {
		if sp.none {
			continue
		}
		if s := sp.exprs[i]; s.mode != exprCol || sp.cols[s.col].col == nil || sp.cols[s.col].cast || sp.cols[s.col].hasNulls() {
			return false
		}
	}
	return true
}

// countable reports whether every row read is one row of the table, and they
// are few enough to be counted in 32 bits.
func (q *query) countable() bool {
	docs := uint64(0)
	for _, sp := range q.segs {
		docs += uint64(sp.docs)
		if sp.tree != nil {
			return false
		}
	}
	return docs <= math.MaxUint32
}

// maxWordKeys is the number of keys that have a bit in a group's NULL marks.
const maxWordKeys = 63

func (op *aggregate) newSink(q *query, r *reader) (sink, error) {
	if err := r.mem.set(op.planBytes()); err != nil {
		return nil, err
	}
	s := &aggSink{op: op, r: r, mem: r.mem, table: newGroupTable(op.plan, r)}
	for i := range op.calls {
		s.aggs = append(s.aggs, s.newState(&op.calls[i]))
	}
	for i := range op.bases {
		s.bases = append(s.bases, s.newState(&op.bases[i]))
	}
	return s, s.grow()
}

// finish merges the workers into the first and emits its groups.
func (op *aggregate) finish(q *query, sinks []sink, emit func(*column.Batch) error) error {
	base := sinks[0].(*aggSink)
	for _, s := range sinks {
		s.(*aggSink).settleRows()
	}
	if err := base.leave(); err != nil {
		return err
	}
	for _, other := range sinks[1:] {
		if err := base.merge(other.(*aggSink)); err != nil {
			return err
		}
	}
	q.cost.groups = base.table.n
	if op.known != nil {
		for i, acc := range op.known {
			if err := mergeStates(base.aggs[i].acc, acc, op.calls[i].call.Spec, []uint32{0}); err != nil {
				return err
			}
		}
	}
	if err := base.settle(); err != nil {
		return err
	}
	if q.opt.Wanted != nil {
		return base.finishGroups(q.opt.Wanted, emit)
	}
	return base.emit(emit)
}

// aggSink is one worker's groups.
type aggSink struct {
	op    *aggregate
	r     *reader
	table *groupTable
	aggs  []*aggState
	bases []*aggState
	mem   *share
	sp    *segPlan
	runs  *runCounter // of the open segment, nil when rows must be read
	grown int         // groups for which the accumulators have room
}

func (s *aggSink) done() bool { return false }

func (s *aggSink) bytes() int64 {
	n := s.table.bytes()
	for _, a := range s.aggs {
		n += a.bytes()
	}
	for _, a := range s.bases {
		n += a.bytes()
	}
	return n
}

func (s *aggSink) open(sp *segPlan) error {
	if err := s.leave(); err != nil {
		return err
	}
	if err := s.reserve(s.table.openBytes(sp)); err != nil {
		return err
	}
	s.sp = sp
	s.table.open(sp)
	for _, a := range s.aggs {
		a.open(sp, s.op.plan)
	}
	s.runs = s.openRuns(sp)
	return nil
}

// leave folds in what is kept per segment.
func (s *aggSink) leave() error {
	if s.sp == nil {
		return nil
	}
	for _, a := range s.aggs {
		if err := a.leave(s.sp); err != nil {
			return err
		}
	}
	s.sp = nil
	return s.settle()
}

func (s *aggSink) consume(c *chunk) error {
	if err := s.reserve(s.table.growth(c.n)); err != nil {
		return err
	}
	groups, err := s.table.groups(c)
	if err != nil {
		return err
	}
	if err := s.grow(); err != nil {
		return err
	}
	if s.op.any > 0 && !s.table.frozen && s.table.n >= s.op.any {
		s.freeze()
	}
	if err := s.reserve(s.growth(c.n)); err != nil {
		return err
	}
	stored := s.sp.tree != nil // states of all calls, of no base
	for _, a := range s.aggs {
		if a.call.linear != nil && !stored {
			continue
		}
		if err := a.update(s.r, groups, c); err != nil {
			return err
		}
	}
	if stored {
		return nil
	}
	for _, a := range s.bases {
		if err := a.update(s.r, groups, c); err != nil {
			return err
		}
	}
	return nil
}

// grow makes room for new groups, generously, so that it is rare.
func (s *aggSink) grow() error {
	if s.table.n <= s.grown {
		return nil
	}
	n := s.table.n
	if s.table.p.kind != tableSingle && s.table.p.kind != tableSlots {
		n = max(2*n, firstGroups)
	}
	if s.grown == 0 && n > firstGroups { // so that the size of states is known
		s.growTo(firstGroups)
	}
	if err := s.reserve(s.groupGrowth(n)); err != nil {
		return err
	}
	s.growTo(n)
	return nil
}

// firstGroups is the number of groups that accumulators have room for at first.
const firstGroups = 64

func (s *aggSink) growTo(n int) {
	s.grown = n
	for _, a := range s.aggs {
		a.acc.Grow(n)
	}
	for _, a := range s.bases {
		a.acc.Grow(n)
	}
}

// settleRows gives the rows that the table has counted to the aggregations that
// count rows.
func (s *aggSink) settleRows() {
	s.settleLinear()
	if from := s.op.plan.rowsFrom; from >= 0 {
		s.aggs[from].acc.(agg.RowSource).Rows(s.table.rows)
	}
	for _, a := range s.aggs {
		if a.fromTable {
			a.acc.(agg.RowCounter).AddRows(s.table.rows)
		}
	}
}

// merge takes over another worker's groups.
func (s *aggSink) merge(o *aggSink) error {
	if err := o.leave(); err != nil {
		return err
	}
	if err := s.reserve(o.table.absorbBytes()); err != nil {
		return err
	}
	groups, err := s.table.absorb(o.table, func(n int) error {
		if err := canceled(s.op.q.ctx); err != nil {
			return err
		}
		return s.reserve(s.table.growth(n))
	})
	if err != nil {
		return err
	}
	if err := s.grow(); err != nil {
		return err
	}
	for i, a := range s.aggs {
		if err := s.reserve(a.mergeGrowth(o.aggs[i])); err != nil {
			return err
		}
		if err := a.merge(o.aggs[i], groups); err != nil {
			return err
		}
	}
	o.table, o.aggs, o.bases = nil, nil, nil
	_ = o.mem.set(0)
	return s.settle()
}

// mergeStates folds groups 0.. of src into the given groups of dst.
func mergeStates(dst, src agg.Accumulator, spec *agg.Spec, groups []uint32) error {
	if a, ok := dst.(agg.Absorber); ok {
		return a.Absorb(groups, src)
	}
	for from := 0; from < len(groups); from += batchRows {
		to := min(from+batchRows, len(groups))
		states := stateVectors(spec)
		if err := src.State(from, to, states); err != nil {
			return err
		}
		if err := dst.Merge(groups[from:to], to-from, states); err != nil {
			return err
		}
	}
	return nil
}

func stateVectors(spec *agg.Spec) []*column.Vector {
	var out []*column.Vector
	for _, t := range spec.StateTypes() {
		out = append(out, column.New(t, 0))
	}
	return out
}

// emitGroups is the number of groups after which a batch is emitted.
const emitGroups = 1 << 16

// emit hands out all groups: keys, then states.
func (s *aggSink) emit(emit func(*column.Batch) error) error {
	for _, a := range s.aggs {
		if err := a.settle(); err != nil {
			return err
		}
	}
	step, need := s.statesPerBatch()
	if err := s.reserve(need); err != nil {
		return err
	}
	for from := 0; from < s.table.n; from += step {
		if err := canceled(s.op.q.ctx); err != nil {
			return err
		}
		to := min(from+step, s.table.n)
		b := &column.Batch{N: to - from}
		for k := range s.op.outs {
			v, err := s.keyVector(k, groupRange(from, to))
			if err != nil {
				return err
			}
			b.Cols = append(b.Cols, v)
		}
		for _, a := range s.aggs {
			states := stateVectors(a.call.call.Spec)
			if err := a.acc.State(from, to, states); err != nil {
				return err
			}
			b.Cols = append(b.Cols, states...)
		}
		if b = s.table.onlyLive(b, from); b.N == 0 {
			continue
		}
		if err := emit(b); err != nil {
			return err
		}
	}
	return nil
}
