package exec

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// finisher turns the groups of a sink into finished ones and gives those that
// are wanted. Keys, which may be text, are decoded for these only, and earlier
// only where an expression reads them.
type finisher struct {
	s    *aggSink
	want *plan.Wanted
	n    int
	in   column.Batch // keys and results of all groups; nil where not needed yet
}

// finishGroups emits the wanted groups: keys, then results. The one group
// without keys is always given, since the receiver would take none for an empty
// table.
func (s *aggSink) finishGroups(want *plan.Wanted, emit func(*column.Batch) error) error {
	f := &finisher{s: s, want: want, n: s.table.n}
	f.in = column.Batch{N: f.n, Cols: make([]*column.Vector, len(s.op.outs)+len(s.aggs))}
	var rows []uint32
	if len(s.op.outs) > 0 {
		var err error
		if rows, err = f.wanted(); err != nil {
			return err
		}
	}
	if rows == nil {
		return f.emitAll(emit)
	}
	return f.emitRows(rows, emit)
}

// wanted returns the groups that may be wanted, ascending; nil means all.
func (f *finisher) wanted() ([]uint32, error) {
	rows, err := f.having(f.s.table.live())
	if err != nil {
		return nil, err
	}
	n := f.n
	if rows != nil {
		n = len(rows)
	}
	if f.want.Limit < 0 || int64(n) <= f.want.Limit {
		return rows, nil
	}
	if rows == nil {
		if err := f.reserve(4 * int64(f.n)); err != nil {
			return nil, err
		}
		rows = make([]uint32, f.n)
		for i := range rows {
			rows[i] = uint32(i)
		}
	}
	if len(f.want.OrderBy) == 0 {
		return rows[:f.want.Limit], nil
	}
	return f.first(rows)
}

// having returns the groups of live (nil: all) for which the condition is true,
// nil for all.
func (f *finisher) having(live []uint32) ([]uint32, error) {
	if f.want.Having == nil {
		return live, nil
	}
	p, err := eval.Compile(f.want.Having, nil)
	if err != nil {
		return nil, err
	}
	if err := f.need(f.want.Having); err != nil {
		return nil, err
	}
	sel := column.NewBitmap(f.n)
	var among column.Bitmap
	if live != nil {
		among = column.NewBitmap(f.n)
		kernel.SetBits(among, live)
	}
	if err := p.Filter(f.s.op.q.ctx, &f.in, among, sel); err != nil {
		return nil, err
	}
	return sel.Positions(0, []uint32{}), nil
}

// first returns at least the groups that are the first by the order, of those
// in rows, which it changes: all that are not behind the last of them by the
// first key.
func (f *finisher) first(rows []uint32) ([]uint32, error) {
	key := &f.want.OrderBy[0]
	p, err := eval.Compile(key.Expr, nil)
	if err != nil {
		return nil, err
	}
	if err := f.need(key.Expr); err != nil {
		return nil, err
	}
	if err := f.reserve(12 * int64(len(rows))); err != nil {
		return nil, err
	}
	among := column.NewBitmap(f.n)
	kernel.SetBits(among, rows)
	v, err := p.Eval(f.s.op.q.ctx, &f.in, among)
	if err != nil {
		return nil, err
	}
	prefix := kernel.OrderPrefixes(nil, v, rows, key.Desc, key.NullsFirst)
	last := kernel.SelectUint64([][]uint64{prefix}, int(f.want.Limit)-1)
	out := rows[:0]
	for i, g := range rows {
		if prefix[i] <= last {
			out = append(out, g)
		}
	}
	return out, nil
}

// need makes the columns of all groups that an expression reads.
func (f *finisher) need(e plan.Expr) error {
	for _, i := range columnsOf(e) {
		if err := f.makeColumn(i); err != nil {
			return err
		}
	}
	return nil
}

// makeColumn makes column i of all groups: a key, or a result.
func (f *finisher) makeColumn(i int) (err error) {
	if f.in.Cols[i] != nil {
		return nil
	}
	if err := f.reserve(f.s.columnBytes(i)); err != nil {
		return err
	}
	switch keys := len(f.s.op.outs); {
	case i < keys:
		f.in.Cols[i], err = f.s.keyVector(i, groupRange(0, f.n))
	default:
		a := f.s.aggs[i-keys]
		v := column.New(a.call.call.Spec.ResultType(), f.n)
		err = a.final(f.n, v)
		f.in.Cols[i] = v
	}
	return err
}

// reserve announces n bytes beside the groups and what the finisher has.
func (f *finisher) reserve(n int64) error {
	for _, v := range f.in.Cols {
		if v != nil {
			n += v.MemoryBytes()
		}
	}
	return f.s.reserve(n)
}

// emitAll gives all groups, a batch at a time.
func (f *finisher) emitAll(emit func(*column.Batch) error) error {
	if f.n == 0 {
		return nil
	}
	for i := range f.in.Cols {
		if i >= len(f.s.op.outs) || f.n <= emitGroups {
			if err := f.makeColumn(i); err != nil {
				return err
			}
		}
	}
	if f.n <= emitGroups {
		return emit(&f.in)
	}
	for from := 0; from < f.n; from += emitGroups {
		if err := f.emitRows(groupRange(from, min(from+emitGroups, f.n)), emit); err != nil {
			return err
		}
	}
	return nil
}

// fewRows is the number of groups up to which their results are made one by
// one, rather than those of all groups.
const fewRows = 1024

// emitRows gives some groups.
func (f *finisher) emitRows(rows []uint32, emit func(*column.Batch) error) error {
	if len(rows) > fewRows {
		for i := len(f.s.op.outs); i < len(f.in.Cols); i++ {
			if err := f.makeColumn(i); err != nil {
				return err
			}
		}
	}
	for len(rows) > 0 {
		if err := canceled(f.s.op.q.ctx); err != nil {
			return err
		}
		part := rows[:min(len(rows), emitGroups)]
		rows = rows[len(part):]
		b := &column.Batch{N: len(part)}
		for k := range f.in.Cols {
			v, err := f.column(k, part)
			if err != nil {
				return err
			}
			b.Cols = append(b.Cols, v)
		}
		if err := emit(b); err != nil {
			return err
		}
	}
	return nil
}

// column returns column k of some groups.
func (f *finisher) column(k int, rows []uint32) (*column.Vector, error) {
	if v := f.in.Cols[k]; v != nil {
		dst := &column.Vector{}
		kernel.Gather(v, rows, dst)
		return dst, nil
	}
	if k < len(f.s.op.outs) {
		return f.s.keyVector(k, rows)
	}
	a := f.s.aggs[k-len(f.s.op.outs)]
	if a.codes != nil { // counted for all groups together
		if err := f.makeColumn(k); err != nil {
			return nil, err
		}
		return f.column(k, rows)
	}
	dst := column.New(a.call.call.Spec.ResultType(), len(rows))
	for _, g := range rows {
		if err := a.acc.Final(int(g), int(g)+1, dst); err != nil {
			return nil, err
		}
	}
	return dst, nil
}
