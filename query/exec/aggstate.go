package exec

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// aggState is one aggregation of one worker.
type aggState struct {
	q    *query
	call *aggCall
	// reserve announces what is about to be allocated.
	reserve func(bytes int64) error
	acc     agg.Accumulator
	vecs    []*column.Vector
	// distinct collects dictionary ids in place of values while the open
	// segment allows it, nil where it does not.
	distinct *idCollector
	spare    *idCollector
	// tree tells how the open segment's star-tree answers the aggregation, nil
	// for folding values; states are the vectors that its states are read to.
	tree   *treeCall
	states []*column.Vector
	// codes collects numbers of the argument's values over all segments instead,
	// nil where they have none; folded tells that acc holds something besides.
	codes  *codeCollector
	folded bool
	// fromTable tells that the table counts the rows for the aggregation.
	fromTable bool

	// An aggregation with a FILTER reads its arguments for the rows that pass
	// it only, through a reader of its own.
	filtered *reader
	docs     []uint32
	groups   []uint32
	sub      chunk
}

func newAggState(q *query, call *aggCall, p *tablePlan) *aggState {
	a := &aggState{q: q, call: call, acc: call.call.Spec.New(), vecs: make([]*column.Vector, len(call.args))}
	if call.filter >= 0 {
		a.filtered = newReader(q, q.exprs)
		a.docs, a.groups = q.buf.uint32s(chunkRows)[:0], q.buf.uint32s(chunkRows)[:0]
	}
	a.fromTable = p.kind == tableSlots && call.filter < 0 && call.call.Spec.CountsRows()
	if call.space != nil {
		a.codes = newCodeCollector(&q.buf, call.space, p)
	}
	return a
}

func (a *aggState) bytes() int64 {
	n := a.acc.Bytes()
	if a.distinct != nil {
		n += a.distinct.bytes()
	}
	if a.codes != nil {
		n += a.codes.bytes()
	}
	return n
}

// open turns to another segment.
func (a *aggState) open(sp *segPlan, p *tablePlan) {
	if a.filtered != nil {
		a.filtered.open(sp)
	}
	a.distinct = nil
	if a.tree = a.treeCall(sp); a.tree != nil {
		return
	}
	if a.codes != nil {
		a.codes.open(&a.q.buf, sp)
		return
	}
	if !a.call.onlyValues() || sp.dictValues(a.q.ctx, a.call.args[0], a.q.exprs[a.call.args[0]]) == nil {
		return
	}
	if a.spare == nil {
		a.spare = &idCollector{}
	}
	a.distinct = a.spare
	a.distinct.open(&a.q.buf, sp.dictValues(a.q.ctx, a.call.args[0], a.q.exprs[a.call.args[0]]).N, p)
}

// onlyValues reports whether the aggregation only needs to know which values
// occur per group, so that ids may be collected for them. (The least and the
// greatest number are found as fast by the values themselves.)
func (c *aggCall) onlyValues() bool {
	spec := c.call.Spec
	if len(c.args) != 1 || spec.OrderSensitive() || !spec.DistinctInput() {
		return false
	}
	return spec.Distinct || spec.Args[0].Kind() == schema.KindBytes
}

// leave folds the values of the collected ids.
func (a *aggState) leave(sp *segPlan) error {
	if a.codes != nil {
		a.codes.leave()
		return nil
	}
	if a.distinct == nil {
		return nil
	}
	i := a.call.args[0]
	return a.distinct.drain(sp.dictValues(a.q.ctx, i, a.q.exprs[i]), a)
}

// merge folds another worker's groups, which have the given numbers here.
func (a *aggState) merge(o *aggState, groups []uint32) error {
	if a.codes != nil {
		a.codes.absorb(o.codes, groups)
		if !o.folded {
			return nil
		}
		a.folded = true
	}
	return mergeStates(a.acc, o.acc, a.call.call.Spec, groups)
}

// settle folds what was collected for all groups, before states are read.
func (a *aggState) settle() error {
	if a.codes == nil {
		return nil
	}
	c := a.codes
	a.codes = nil
	return c.drain(a)
}

// final appends the results of the first n groups.
func (a *aggState) final(n int, dst *column.Vector) error {
	if a.codes != nil && !a.folded && a.call.call.Spec.CountsDistinct() {
		a.codes.counts(n, dst)
		return nil
	}
	if err := a.settle(); err != nil {
		return err
	}
	if slow, ok := a.acc.(agg.SlowFinal); ok && n > 1 && float64(slow.FinalWork()) > a.q.e.inlineWork {
		return a.finalParallel(n, dst)
	}
	return a.acc.Final(0, n, dst)
}

// finalTasks is the number of parts in which slow results are made.
const finalTasks = 16

// finalParallel is final with parts of the groups made at the same time.
func (a *aggState) finalParallel(n int, dst *column.Vector) error {
	tasks := min(n, finalTasks)
	parts := make([]*column.Vector, tasks)
	err := a.q.e.parallel(tasks, tasks, func(_, i int) error {
		if err := canceled(a.q.ctx); err != nil {
			return err
		}
		from, to := n*i/tasks, n*(i+1)/tasks
		parts[i] = column.New(dst.Type, to-from)
		return a.acc.Final(from, to, parts[i])
	})
	if err != nil {
		return err
	}
	for _, p := range parts {
		kernel.Concat(dst, p)
	}
	return nil
}

// update folds a chunk.
func (a *aggState) update(r *reader, groups []uint32, c *chunk) error {
	if a.fromTable {
		return nil
	}
	if a.call.filter < 0 || a.tree != nil && a.tree.filtered {
		return a.fold(r, groups, c)
	}
	v, err := r.vec(a.call.filter, c)
	if err != nil {
		return err
	}
	if a.filterRows(v, groups, c); len(a.docs) == 0 {
		return nil
	}
	a.sub = chunk{docs: a.docs, n: len(a.docs)}
	a.filtered.next(&a.sub)
	if groups != nil {
		groups = a.groups
	}
	return a.fold(a.filtered, groups, &a.sub)
}

// filterRows lists the documents, and their groups, for which FILTER is TRUE.
func (a *aggState) filterRows(v *column.Vector, groups []uint32, c *chunk) {
	a.docs, a.groups = a.docs[:0], a.groups[:0]
	for i := range c.n {
		at := i
		if v.Const {
			at = 0
		}
		if !v.Bools[at] || v.Nulls.Get(at) {
			continue
		}
		a.docs = append(a.docs, c.doc(i))
		if groups != nil {
			a.groups = append(a.groups, groups[i])
		}
	}
}

func (a *aggState) fold(r *reader, groups []uint32, c *chunk) error {
	if a.tree != nil {
		a.folded = true
		return a.foldStates(groups, c)
	}
	if a.codes != nil {
		return a.collect(r, groups, c)
	}
	if a.distinct != nil {
		a.distinct.add(groups, r.ids(a.call.args[0], c))
		return nil
	}
	for k, i := range a.call.args {
		v, err := r.vec(i, c)
		if err != nil {
			return err
		}
		a.vecs[k] = v
	}
	return a.acc.Update(groups, c.n, a.vecs)
}

// collect notes the values of a chunk.
func (a *aggState) collect(r *reader, groups []uint32, c *chunk) error {
	i := a.call.args[0]
	if a.codes.dict != nil {
		a.codes.add(groups, r.ids(i, c))
		return nil
	}
	v, err := r.vec(i, c)
	if err == nil {
		a.codes.addValues(groups, c.n, v)
	}
	return err
}

// idCollector is the set of (group, dictionary id) pairs of one segment: a
// bitmap while groups × ids is small, else a hash set.
type idCollector struct {
	ids   int // dictionary size; an id beyond it is NULL
	width int // bits per group in dense; 0: not dense
	dense column.Bitmap
	pairs kernel.PairSet
}

// maxCollectorBits bounds the dense form.
const maxCollectorBits = 1 << 24

func (d *idCollector) open(buf *buffers, ids int, p *tablePlan) {
	d.ids, d.width = ids, 0
	groups := p.size
	if p.kind == tableSingle {
		groups = 1
	}
	if groups > 0 && (ids+1)*groups <= maxCollectorBits {
		d.width = ids + 1
		n := column.Words(d.width * groups)
		if cap(d.dense) < n {
			d.dense = buf.uint64s(n)
		}
		d.dense = d.dense[:n]
		clear(d.dense)
	}
	d.pairs = kernel.PairSet{}
}

func (d *idCollector) bytes() int64 { return int64(cap(d.dense))*8 + d.pairs.Bytes() }

func (d *idCollector) add(groups, ids []uint32) {
	switch {
	case d.width > 0 && groups == nil:
		for _, id := range ids {
			d.dense[id>>6] |= 1 << (id & 63)
		}
	case d.width > 0:
		for i, id := range ids {
			at := int(groups[i])*d.width + int(id)
			d.dense[at>>6] |= 1 << (uint(at) & 63)
		}
	default:
		for i, id := range ids {
			g := uint32(0)
			if groups != nil {
				g = groups[i]
			}
			d.pairs.Insert(g, uint64(id))
		}
	}
}

// drain folds the values of all pairs into a.
func (d *idCollector) drain(vals *column.Vector, a *aggState) error {
	f := idFolder{ids: d.ids, vals: vals, a: a, pos: make([]uint32, 0, chunkRows), groups: make([]uint32, 0, chunkRows)}
	if d.width == 0 {
		d.pairs.Each(func(g uint32, id uint64) { f.take(g, uint32(id)) })
		return f.flush()
	}
	for i := kernel.FirstSet(d.dense, 0); i >= 0; i = kernel.FirstSet(d.dense, i+1) {
		f.take(uint32(i/d.width), uint32(i%d.width))
	}
	return f.flush()
}

// idFolder turns pairs into batches of values.
type idFolder struct {
	ids         int // an id beyond is NULL
	vals        *column.Vector
	merged      *dictUnion // instead of vals, nil for none
	a           *aggState
	pos, groups []uint32
	buf         column.Vector
	err         error
}

func (f *idFolder) take(g, id uint32) {
	if int(id) >= f.ids { // NULL
		return
	}
	f.pos, f.groups = append(f.pos, id), append(f.groups, g)
	if len(f.pos) == chunkRows {
		_ = f.flush() // kept in f.err
	}
}

func (f *idFolder) flush() error {
	if f.err == nil && len(f.pos) > 0 {
		f.gather()
		f.err = f.a.foldValues(f.groups, &f.buf)
	}
	f.pos, f.groups = f.pos[:0], f.groups[:0]
	return f.err
}

// foldValues folds values that were collected.
func (a *aggState) foldValues(groups []uint32, v *column.Vector) error {
	if err := a.reserve(agg.Growth(a.acc, 0, 0, v.N)); err != nil {
		return err
	}
	return a.acc.Update(groups, v.N, []*column.Vector{v})
}

// gather reads the values of pos.
func (f *idFolder) gather() {
	if f.merged == nil {
		kernel.Gather(f.vals, f.pos, &f.buf)
		return
	}
	f.buf.Reset(f.vals.Type)
	for _, id := range f.pos {
		f.buf.AppendBytes(f.merged.value(id + 1))
	}
}
