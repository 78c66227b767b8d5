package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/reduce"
)

// mergeAgg merges the partial groups of a leaf, or passes on those that a
// server has finished.
type mergeAgg struct {
	q     *query
	input operator
	node  *plan.MergeAgg
	types []schema.Type
	held  int64
	out   scan
	done  []*column.Batch // finished groups; nil: merged ones are in out
	given int             // batches of done
	ready bool
}

func (b *builder) mergeAgg(n *plan.MergeAgg) (operator, error) {
	input, err := b.build(n.Input)
	return &mergeAgg{q: b.q, input: input, node: n, types: typesOf(n.Input.Columns())}, err
}

func (m *mergeAgg) open() error {
	m.ready, m.done, m.given = false, nil, 0
	return m.input.open()
}

func (m *mergeAgg) close() {
	m.input.close()
	m.q.mem.used -= m.held
	m.held = 0
}

func (m *mergeAgg) next() (*column.Batch, error) {
	if !m.ready {
		if err := m.run(); err != nil {
			return nil, err
		}
		m.ready = true
	}
	if m.done == nil {
		return m.out.next(), nil
	}
	if m.given == len(m.done) {
		return nil, nil
	}
	m.given++
	return m.done[m.given-1], nil
}

// run reads all input: either partial groups, which are merged, or finished
// ones.
func (m *mergeAgg) run() error {
	merger := m.merger()
	err := m.pushGroups(func(b *column.Batch, finished bool) error {
		if finished {
			return m.take(b)
		}
		if err := m.q.mem.check(merger.growth(b.N)); err != nil {
			return err
		}
		if err := merger.add(b); err != nil {
			return err
		}
		grown := merger.bytes() - m.held
		m.held += grown
		return m.q.mem.take(grown)
	})
	if err != nil || m.done != nil {
		return err
	}
	if err := m.q.mem.check(merger.results()); err != nil {
		return err
	}
	result, err := merger.finish()
	m.out = scan{batch: result}
	return err
}

// take keeps a batch of finished groups.
func (m *mergeAgg) take(b *column.Batch) error {
	m.done = append(m.done, b)
	n := batchBytes(b)
	m.held += n
	return m.q.mem.take(n)
}

// groupPusher is an operator that can give finished groups.
type groupPusher interface {
	pushGroups(want *plan.Wanted, emit func(b *column.Batch, finished bool) error) error
}

func (m *mergeAgg) pushGroups(emit func(b *column.Batch, finished bool) error) error {
	if p, ok := m.input.(groupPusher); ok && m.node.GroupingSets == nil {
		return p.pushGroups(&m.node.Wanted, emit)
	}
	return drain(m.q, m.input, func(b *column.Batch, _ bool) error { return emit(b, false) })
}

// partials merges partial groups.
type partials struct {
	add     func(*column.Batch) error
	bytes   func() int64
	growth  func(rows int) int64
	results func() int64
	finish  func() (*column.Batch, error)
}

func (m *mergeAgg) merger() partials {
	n := m.node
	if n.GroupingSets == nil {
		x := reduce.NewMerger(n.Groups, m.types, n.Aggs)
		return partials{x.Add, x.Bytes, x.Growth, x.ResultBytes, x.Finish}
	}
	x := reduce.NewSetsMerger(n.GroupingSets, m.types[:n.Groups], n.Aggs)
	return partials{x.Add, x.Bytes, x.Growth, x.ResultBytes, func() (*column.Batch, error) { return x.Finish(n.NumberSets) }}
}

// aggregate groups and aggregates rows.
type aggregate struct {
	q       *query
	input   operator
	groupBy []*eval.Program
	calls   []aggCall
	sets    [][]int // of groupBy; one with all for plain grouping
	number  bool    // add the number of the set
	types   []schema.Type

	grouped []*grouping
	held    int64
	out     scan
	ready   bool
}

// aggCall is one aggregation with its compiled parts.
type aggCall struct {
	spec   *agg.Spec
	args   []*eval.Program
	filter *eval.Program
	// keys order the rows within a group; such rows are kept until the end.
	keys  []*eval.Program
	order []reduce.SortKey
	types []schema.Type // of args, then keys that are no arguments
}

func (b *builder) aggregate(n *plan.Aggregate) (operator, error) {
	input, err := b.build(n.Input)
	if err != nil {
		return nil, err
	}
	a := &aggregate{q: b.q, input: input, types: typesOf(n.Out), sets: n.GroupingSets, number: n.NumberSets}
	if a.groupBy, err = b.compileAll(n.GroupBy); err != nil {
		return nil, err
	}
	if a.sets == nil {
		all := make([]int, len(n.GroupBy))
		for i := range all {
			all[i] = i
		}
		a.sets = [][]int{all}
	}
	for i := range n.Aggs {
		c, err := b.aggCall(&n.Aggs[i])
		if err != nil {
			return nil, err
		}
		a.calls = append(a.calls, c)
	}
	return a, nil
}

func (b *builder) aggCall(n *plan.AggCall) (aggCall, error) {
	c := aggCall{spec: n.Spec}
	var err error
	if c.args, err = b.compileAll(n.Args); err != nil {
		return c, err
	}
	if c.filter, err = b.compile(n.Filter); err != nil {
		return c, err
	}
	for _, a := range n.Args {
		c.types = append(c.types, a.Type())
	}
	for _, k := range n.OrderBy {
		p, err := b.compile(k.Expr)
		if err != nil {
			return c, err
		}
		c.order = append(c.order, reduce.SortKey{Col: 1 + len(c.types), Desc: k.Desc, NullsFirst: k.NullsFirst})
		c.keys = append(c.keys, p)
		c.types = append(c.types, k.Expr.Type())
	}
	return c, nil
}

func (a *aggregate) keyTypes() []schema.Type {
	out := make([]schema.Type, len(a.groupBy))
	for i, p := range a.groupBy {
		out[i] = p.Type()
	}
	return out
}

func (a *aggregate) open() error {
	a.ready = false
	return a.input.open()
}

func (a *aggregate) close() {
	a.input.close()
	a.release()
}

func (a *aggregate) release() {
	a.q.mem.used -= a.held
	a.held = 0
	for _, g := range a.grouped {
		g.free()
	}
	a.grouped = nil
}

func (a *aggregate) next() (*column.Batch, error) {
	if !a.ready {
		if err := a.run(); err != nil {
			return nil, err
		}
		a.ready = true
	}
	return a.out.next(), nil
}

// run reads all input and finishes the groups of each grouping set.
func (a *aggregate) run() error {
	a.release()
	for _, set := range a.sets {
		a.grouped = append(a.grouped, newGrouping(a, set))
	}
	if err := drain(a.q, a.input, func(b *column.Batch, _ bool) error { return a.add(b) }); err != nil {
		return err
	}
	var parts []*column.Batch
	for i, g := range a.grouped {
		if err := a.q.mem.check(g.resultBytes()); err != nil {
			return err
		}
		part, err := g.finish()
		if err != nil {
			return err
		}
		if a.number {
			part.Cols = append(part.Cols, reduce.SetNumber(i, part.N))
		}
		parts = append(parts, part)
	}
	a.out = scan{batch: reduce.Concat(parts)}
	return nil
}

// add folds a batch into every grouping set.
func (a *aggregate) add(b *column.Batch) error {
	groups, err := evalAll(a.q.ctx, a.groupBy, b)
	if err != nil {
		return err
	}
	inputs := make([]aggInput, len(a.calls))
	for i := range a.calls {
		if inputs[i], err = a.calls[i].eval(a.q, b); err != nil {
			return err
		}
	}
	total := int64(0)
	for _, g := range a.grouped {
		if err := a.q.mem.check(g.growth(b.N)); err != nil {
			return err
		}
		if err := g.add(groups, inputs, b.N); err != nil {
			return err
		}
		total += g.bytes()
	}
	grown := total - a.held
	a.held = total
	return a.q.mem.take(grown)
}

// aggInput is what an aggregation reads of a batch: the argument and key
// vectors, and the rows that its filter passes (nil: all).
type aggInput struct {
	vecs []*column.Vector
	rows []uint32
}

func (c *aggCall) eval(q *query, b *column.Batch) (aggInput, error) {
	in := aggInput{}
	var sel column.Bitmap
	if c.filter != nil {
		sel = column.NewBitmap(b.N)
		if err := c.filter.Filter(q.ctx, b, nil, sel); err != nil {
			return in, err
		}
		in.rows = sel.Positions(0, []uint32{})
	}
	for _, p := range append(c.args[:len(c.args):len(c.args)], c.keys...) {
		v, err := p.Eval(q.ctx, b, sel)
		if err != nil {
			return in, err
		}
		if in.rows != nil {
			picked := &column.Vector{}
			kernel.Gather(v, in.rows, picked)
			v = picked
		}
		in.vecs = append(in.vecs, v)
	}
	return in, nil
}
