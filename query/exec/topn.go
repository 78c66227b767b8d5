package exec

import (
	"bytes"
	"cmp"
	"container/heap"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// topN keeps the first Limit rows by ORDER BY. Only the keys are read of the
// rows that pass; once a worker holds Limit rows, a comparison of the first key
// with the worst of them drops nearly all others. The output is read at the
// end, for the rows that stay.
type topN struct {
	q     *query
	out   []int
	keys  []int
	order []plan.SortKey
	limit int
}

func newTopN(q *query) *topN {
	op := &topN{q: q, order: q.leaf.OrderBy, limit: int(q.leaf.Limit)}
	for _, e := range q.leaf.Output {
		op.out = append(op.out, q.addExpr(e))
	}
	for _, k := range q.leaf.OrderBy {
		op.keys = append(op.keys, q.addExpr(k.Expr))
	}
	return op
}

func (op *topN) prepare(*query) error { return nil }
func (op *topN) method() string       { return "top-n" }

func (op *topN) newSink(_ *query, r *reader) (sink, error) {
	return &topSink{op: op, r: r}, nil
}

// orderMorsels puts the blocks that hold the best values of the first key
// first, where zone maps tell, so that the others can be skipped.
func (op *topN) orderMorsels(m []morsel) {
	desc := op.order[0].Desc
	slices.SortStableFunc(m, func(a, b morsel) int {
		x, okX := op.best(&a)
		y, okY := op.best(&b)
		switch {
		case !okX || !okY:
			return int(b2i(okX)) - int(b2i(okY))
		case desc:
			return cmp.Compare(y, x)
		}
		return cmp.Compare(x, y)
	})
	for i := range m {
		if desc {
			m[i].blocks = slices.Clone(m[i].blocks)
			slices.Reverse(m[i].blocks)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// best returns the best value of the first key in a morsel by its zone map.
func (op *topN) best(m *morsel) (int64, bool) {
	best, ok := int64(0), false
	for _, b := range m.blocks {
		lo, hi, known := m.sp.zone(op.keys[0], b)
		if !known {
			return 0, false
		}
		x := lo
		if op.order[0].Desc {
			x = hi
		}
		if !ok || op.order[0].Desc && x > best || !op.order[0].Desc && x < best {
			best, ok = x, true
		}
	}
	return best, ok
}

// zone returns the bounds of expression i in a block, when it is a column of
// whole numbers without NULLs whose bounds are known. A dictionary column's
// bounds are ids and are turned into values.
func (sp *segPlan) zone(i int, b block) (lo, hi int64, ok bool) {
	s := sp.exprs[i]
	if s.mode != exprCol {
		return 0, 0, false
	}
	c := sp.cols[s.col]
	if c.col == nil || c.cast || c.hasNulls() || !isWhole(c.typ.Kind()) {
		return 0, 0, false
	}
	z := c.col.Zones()
	if z == nil || b.index >= len(z.MinInt) || b.index >= len(z.MaxInt) {
		return 0, 0, false
	}
	lo, hi = z.MinInt[b.index], z.MaxInt[b.index]
	if !c.isDict() {
		return lo, hi, lo <= hi
	}
	if !c.ordered || lo < 0 || lo > hi || hi >= int64(c.vals.N) {
		return 0, 0, false
	}
	return c.vals.Value(int(lo)).I, c.vals.Value(int(hi)).I, true
}

func isWhole(k schema.Kind) bool { return k == schema.KindInt32 || k == schema.KindInt64 }

// topRow is a row that may be among the first: its key in comparable bytes and
// where it is.
type topRow struct {
	key []byte
	sp  *segPlan
	doc uint32
}

// topSink is one worker's heap; the worst row is on top.
type topSink struct {
	op   *topN
	r    *reader
	rows []topRow
	mem  int64
	key  []byte
	pos  []uint32
	vecs []*column.Vector
	// worst is the first key of the worst row when the heap is full and the
	// key is a whole number.
	worst      int64
	worstKnown bool
}

// Len, Less, Swap, Push and Pop make topSink a heap whose top is the row that
// sorts last.
func (s *topSink) Len() int           { return len(s.rows) }
func (s *topSink) Less(i, j int) bool { return bytes.Compare(s.rows[i].key, s.rows[j].key) > 0 }
func (s *topSink) Swap(i, j int)      { s.rows[i], s.rows[j] = s.rows[j], s.rows[i] }
func (s *topSink) Push(x any)         { s.rows = append(s.rows, x.(topRow)) }
func (s *topSink) Pop() any {
	last := s.rows[len(s.rows)-1]
	s.rows = s.rows[:len(s.rows)-1]
	return last
}

func (s *topSink) open(*segPlan) error { return nil }
func (s *topSink) done() bool          { return s.op.limit == 0 }
func (s *topSink) bytes() int64        { return s.mem + int64(cap(s.rows))*topRowBytes }

func (s *topSink) full() bool { return len(s.rows) >= s.op.limit }

// skipBlock tells from the zone map that a block has only rows worse than all
// that are held.
func (s *topSink) skipBlock(sp *segPlan, b block) bool {
	if !s.worstKnown {
		return false
	}
	lo, hi, ok := sp.zone(s.op.keys[0], b)
	if !ok {
		return false
	}
	if s.op.order[0].Desc {
		return s.beats(hi)
	}
	return s.beats(lo)
}

// beats tells that all rows held are better than one whose first key is best.
func (s *topSink) beats(best int64) bool {
	switch {
	case !s.worstKnown:
		return false
	case s.op.order[0].Desc:
		return best < s.worst
	}
	return best > s.worst
}

func (s *topSink) consume(c *chunk) error {
	if err := s.reserve(c.n); err != nil {
		return err
	}
	s.vecs = s.vecs[:0]
	first, err := s.r.vec(s.op.keys[0], c)
	if err != nil {
		return err
	}
	if s.pos = s.survivors(first, c.n); len(s.pos) == 0 {
		return nil
	}
	s.vecs = append(s.vecs, first)
	for _, k := range s.op.keys[1:] {
		v, err := s.r.vec(k, c)
		if err != nil {
			return err
		}
		s.vecs = append(s.vecs, v)
	}
	for _, i := range s.pos {
		s.offer(int(i), c.doc(int(i)))
	}
	s.noteWorst()
	return nil
}

// reserve announces the growth of the heap by at most n rows, and counts the
// keys that it has.
func (s *topSink) reserve(n int) error {
	if s.full() || s.bytes() < minReserve {
		return nil
	}
	return s.r.mem.set(s.bytes() + kernel.AppendGrowth(len(s.rows), cap(s.rows), n, topRowBytes))
}

// topRowBytes is the size of a topRow without its key.
const topRowBytes = 48

// allocSlack is about what a small allocation takes beyond its length.
const allocSlack = 8

// survivors lists the rows whose first key is not worse than the worst held.
func (s *topSink) survivors(v *column.Vector, n int) []uint32 {
	pos := s.pos[:0]
	if !s.worstKnown || v.Const || v.HasNulls() {
		for i := range n {
			pos = append(pos, uint32(i))
		}
		return pos
	}
	if v.Kind() == schema.KindInt32 {
		return notWorse(v.Int32s[:n], int32(s.worst), s.op.order[0].Desc, pos)
	}
	return notWorse(v.Int64s[:n], s.worst, s.op.order[0].Desc, pos)
}

func notWorse[T int32 | int64](v []T, worst T, desc bool, pos []uint32) []uint32 {
	if desc {
		for i, x := range v {
			if x >= worst {
				pos = append(pos, uint32(i))
			}
		}
		return pos
	}
	for i, x := range v {
		if x <= worst {
			pos = append(pos, uint32(i))
		}
	}
	return pos
}

// offer takes row i of the chunk if it belongs to the first Limit so far.
func (s *topSink) offer(i int, doc uint32) {
	s.key = s.key[:0]
	for k, v := range s.vecs {
		o := &s.op.order[k]
		s.key = kernel.AppendOrderKey(s.key, v, i, o.Desc, o.NullsFirst)
	}
	if !s.full() {
		s.mem += int64(len(s.key)) + allocSlack
		heap.Push(s, topRow{key: slices.Clone(s.key), sp: s.r.sp, doc: doc})
		return
	}
	top := &s.rows[0]
	if bytes.Compare(s.key, top.key) >= 0 {
		return
	}
	s.mem += int64(len(s.key) - len(top.key))
	*top = topRow{key: append(top.key[:0], s.key...), sp: s.r.sp, doc: doc}
	heap.Fix(s, 0)
}

// noteWorst remembers the first key of the worst row for the next chunks.
func (s *topSink) noteWorst() {
	if !s.full() || len(s.rows) == 0 || !isWhole(s.op.order[0].Expr.Type().Kind()) {
		return
	}
	s.worst, s.worstKnown = orderedWord(s.rows[0].key, s.op.order[0].Expr.Type().Kind(), s.op.order[0].Desc)
}

// orderedWord reads the first key back from its comparable bytes; ok is false
// for NULL.
func orderedWord(key []byte, k schema.Kind, desc bool) (x int64, ok bool) {
	if key[0] != 1 {
		return 0, false
	}
	n := 8
	if k == schema.KindInt32 {
		n = 4
	}
	var u uint64
	for _, b := range key[1 : 1+n] {
		if desc {
			b = ^b
		}
		u = u<<8 | uint64(b)
	}
	if n == 4 {
		return int64(int32(uint32(u) ^ 1<<31)), true
	}
	return int64(u ^ 1<<63), true
}

// finish sorts the rows of all workers and reads the output of the first.
func (op *topN) finish(q *query, sinks []sink, emit func(*column.Batch) error) error {
	total := 0
	for _, s := range sinks {
		total += len(s.(*topSink).rows)
	}
	need := int64(total) * topRowBytes
	if err := q.mem.take(need); err != nil {
		return err
	}
	all := make([]topRow, 0, total)
	for _, s := range sinks {
		all = append(all, s.(*topSink).rows...)
	}
	slices.SortStableFunc(all, func(a, b topRow) int { return bytes.Compare(a.key, b.key) })
	if len(all) > op.limit {
		all = all[:op.limit]
	}
	r := newReader(q, q.exprs)
	for from := 0; from < len(all); from += batchRows {
		b, err := op.fetch(r, all[from:min(from+batchRows, len(all))])
		if err != nil {
			return err
		}
		if err := emit(b); err != nil {
			return err
		}
	}
	return nil
}

// fetch reads the output of rows, segment by segment with ascending documents,
// and puts it into their order.
func (op *topN) fetch(r *reader, rows []topRow) (*column.Batch, error) {
	found := &column.Batch{N: len(rows)}
	for _, i := range op.out {
		found.Cols = append(found.Cols, column.New(op.q.exprs[i].e.Type(), len(rows)))
	}
	place := make([]uint32, len(rows)) // of each row in found
	next := uint32(0)
	for _, sp := range op.q.segs {
		var at []int
		for i := range rows {
			if rows[i].sp == sp {
				at = append(at, i)
			}
		}
		slices.SortFunc(at, func(x, y int) int { return cmp.Compare(rows[x].doc, rows[y].doc) })
		if err := op.fetchSegment(r, sp, rows, at, found); err != nil {
			return nil, err
		}
		for _, i := range at {
			place[i] = next
			next++
		}
	}
	out := &column.Batch{N: len(rows)}
	for _, v := range found.Cols {
		dst := &column.Vector{}
		kernel.Gather(v, place, dst)
		out.Cols = append(out.Cols, dst)
	}
	return out, nil
}

func (op *topN) fetchSegment(r *reader, sp *segPlan, rows []topRow, at []int, dst *column.Batch) error {
	if len(at) == 0 {
		return nil
	}
	r.open(sp)
	for from := 0; from < len(at); from += chunkRows {
		part := at[from:min(from+chunkRows, len(at))]
		docs := make([]uint32, len(part))
		for i, j := range part {
			docs[i] = rows[j].doc
		}
		c := &chunk{docs: docs, n: len(docs)}
		r.next(c)
		for k, i := range op.out {
			v, err := r.vec(i, c)
			if err != nil {
				return err
			}
			kernel.Concat(dst.Cols[k], v)
		}
	}
	return nil
}

var _ skipper = (*topSink)(nil)
var _ orderer = (*topN)(nil)
