package exec

import (
	"math/bits"

	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// Tables double when they are full. What they hold is counted block by block,
// but a doubling is announced before it happens, so that a query fails at its
// limit and not after it took a multiple.

// minReserve is the number of bytes below which nothing is announced.
const minReserve = 64 << 10

// reserve announces that n bytes are about to be allocated.
func (s *aggSink) reserve(n int64) error {
	if n < minReserve {
		return nil
	}
	return s.mem.set(s.bytes() + n)
}

// settle counts what the sink holds now.
func (s *aggSink) settle() error { return s.mem.set(s.bytes()) }

// newState makes an aggregation of the sink.
func (s *aggSink) newState(call *aggCall) *aggState {
	a := newAggState(s.op.q, call, s.op.plan)
	a.reserve = s.reserve
	return a
}

// growth bounds what the aggregations allocate for rows more rows.
func (s *aggSink) growth(rows int) int64 {
	n := int64(0)
	for _, a := range s.aggs {
		n += a.growth(s.grown, rows)
	}
	for _, a := range s.bases {
		n += a.growth(s.grown, rows)
	}
	return n
}

// groupGrowth bounds what they allocate for room for so many groups.
func (s *aggSink) groupGrowth(groups int) int64 {
	n := int64(0)
	for _, a := range s.aggs {
		n += agg.Growth(a.acc, s.grown, groups, 0)
	}
	for _, a := range s.bases {
		n += agg.Growth(a.acc, s.grown, groups, 0)
	}
	return n
}

func (a *aggState) growth(had, rows int) int64 {
	switch {
	case a.codes != nil:
		return a.codes.growth(rows)
	case a.distinct != nil:
		return a.distinct.growth(rows)
	}
	return agg.Growth(a.acc, had, 0, rows)
}

// mergeGrowth bounds what folding another worker's groups allocates.
func (a *aggState) mergeGrowth(o *aggState) int64 {
	n := agg.MergeGrowth(a.acc, o.acc)
	if a.codes != nil && a.codes.mode == collectPairs {
		n += min(a.codes.pairs.Growth(o.codes.pairs.Len()), 3*o.codes.pairs.Bytes())
	}
	return n
}

func (c *codeCollector) growth(rows int) int64 {
	if c.mode != collectPairs {
		return 0
	}
	return c.pairs.Growth(rows)
}

func (d *idCollector) growth(rows int) int64 {
	if d.width > 0 {
		return 0
	}
	return d.pairs.Growth(rows)
}

// growth bounds what the table allocates for so many rows, if each is a new
// group.
func (t *groupTable) growth(rows int) int64 {
	n := int64(0)
	switch t.p.kind {
	case tableSingle, tableSlots:
		return 0
	case tableDirect:
		if size := t.keys[0].dict.size() + t.newValues(rows); size > len(t.slots) {
			n += 4 * int64(max(size, 2*len(t.slots)))
		}
	case tablePacked:
		n += t.hash.growth(rows)
	case tableWide:
		n += t.wide.growth(rows)
	}
	for i, k := range t.keys {
		n += 8 * pushGrowth(len(t.codes[i]), cap(t.codes[i]), rows)
		if k.k.kind == keyLazy {
			n += k.dict.growth(rows)
		}
	}
	return n + 8*pushGrowth(len(t.nulls), cap(t.nulls), rows)
}

// openBytes bounds what the table allocates for another segment.
func (t *groupTable) openBytes(sp *segPlan) int64 {
	n := int64(0)
	for _, k := range t.keys {
		if s := sp.exprs[k.k.expr]; k.k.kind == keyLazy && (s.mode == exprCol || s.mode == exprDict) && sp.cols[s.col].isDict() {
			n += kernel.AppendGrowth(0, cap(k.table), sp.cols[s.col].vals.N+1, 4)
		}
	}
	return n
}

// absorbBytes is what the translation of the table's groups and values into
// those of another takes.
func (t *groupTable) absorbBytes() int64 {
	n := 4 * int64(t.n)
	for _, k := range t.keys {
		if k.k.kind == keyLazy {
			n += 4 * int64(k.dict.size())
		}
	}
	return n
}

// newValues is how many values so many rows may add to the dictionary of a
// single key.
func (t *groupTable) newValues(rows int) int {
	if t.keys[0].k.kind == keyLazy {
		return rows
	}
	return 0
}

func (t *wordTable) growth(keys int) int64 { return halfFull(t.n+keys, len(t.slots)) * 16 }

func (t *wideTable) growth(keys int) int64 {
	return halfFull(int(t.n)+keys, len(t.slots))*8 + pushGrowth(len(t.keys), cap(t.keys), keys*t.width)*8
}

// halfFull returns the size that a table of some size has for so many keys when
// half of its places may be used, 0 if it need not grow.
func halfFull(keys, size int) int64 {
	grown := size
	for keys*2 >= grown {
		grown *= growth(grown)
	}
	if grown == size {
		return 0
	}
	return int64(grown)
}

// pushGrowth bounds the elements that push allocates.
func pushGrowth(length, capacity, more int) int64 {
	if length+more <= capacity {
		return 0
	}
	return int64(max(2*capacity, length+more))
}

func (d *keyDict) growth(values int) int64 {
	n := kernel.VectorGrowth(d.vals, values) +
		kernel.AppendGrowth(len(d.words), cap(d.words), values, 8) +
		kernel.AppendGrowth(len(d.hashes), cap(d.hashes), values, 4)
	if used := (d.vals.N + values) * 4; used >= len(d.slots)*3 {
		n += 4 << bits.Len(uint(used/3))
	}
	if d.enc != nil && d.enc != d.vals {
		n += kernel.VectorGrowth(d.enc, values)
	}
	return n
}

// planBytes is what the groups of one worker take from the beginning.
func (op *aggregate) planBytes() int64 {
	n := int64(0)
	if op.plan.kind != tableDirect {
		n += 4 * int64(op.plan.size)
	}
	for i := range op.calls {
		if space := op.calls[i].space; space != nil {
			n += space.planBytes(op.plan)
		}
	}
	return n
}

// planBytes is what a collector takes from the beginning.
func (s *codeSpace) planBytes(p *tablePlan) int64 {
	if p.kind == tableSingle {
		return int64(s.size) / 8
	}
	if p.size > 0 && p.size <= maxCollectorBits/s.size {
		return int64(p.size*s.size) / 8
	}
	return 0
}

// columnBytes estimates column i, a group column or a result, of all groups.
func (s *aggSink) columnBytes(i int) int64 {
	if i >= len(s.op.outs) {
		return s.resultBytes(s.aggs[i-len(s.op.outs)])
	}
	out := &s.op.outs[i]
	if out.key >= 0 {
		return s.keyBytes(out.key)
	}
	n := (kernel.ValueBytes(out.expr.Type()) + 4) * int64(s.table.n)
	for _, c := range out.cols {
		n += s.keyBytes(s.op.keyOf[c])
	}
	return n
}

// resultBytes estimates the results of an aggregation.
func (s *aggSink) resultBytes(a *aggState) int64 {
	t := a.call.call.Spec.ResultType()
	n := kernel.ValueBytes(t) * int64(s.table.n)
	if kernel.IsVariable(t) {
		n += a.acc.Bytes()
	}
	if a.codes != nil {
		n += 8 * int64(s.table.n)
	}
	return n
}

// keyBytes estimates the values of key i of all groups, with their numbers.
func (s *aggSink) keyBytes(i int) int64 {
	k := s.table.keys[i]
	n := (kernel.ValueBytes(s.op.keys[i].typ) + 4) * int64(s.table.n)
	switch {
	case k.dict == nil:
	case k.dict.merged != nil:
		n += k.dict.merged.bytes
	default:
		n += perValue(k.dict.vals.MemoryBytes(), k.dict.vals.N) * int64(s.table.n)
	}
	return n
}

func perValue(held int64, n int) int64 { return held / int64(max(n, 1)) }

// stateBytes bounds the states in one emitted batch.
const stateBytes = 16 << 20

// statesPerBatch is the number of groups whose states are emitted together, and
// about what they take, with what making them takes.
func (s *aggSink) statesPerBatch() (groups int, size int64) {
	for _, a := range s.aggs {
		size += 2 * a.acc.Bytes()
	}
	groups = emitGroups
	if size > stateBytes && s.table.n > 0 {
		groups = max(1, min(groups, int(int64(s.table.n)*stateBytes/size)))
	}
	return groups, size / int64(max(s.table.n, 1)) * int64(min(groups, s.table.n))
}
