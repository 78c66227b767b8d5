package rel

import (
	"bytes"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/reduce"
)

// window adds a column per window function. It keeps all rows, and gives them
// in the order of the last window.
type window struct {
	q     *query
	input operator
	types []schema.Type
	calls []windowCall
	rows  *buffer
	out   scan
	ready bool
}

// windowCall is one window function with its compiled parts.
type windowCall struct {
	node      *plan.WindowCall
	partition []*eval.Program
	order     []*eval.Program
	agg       *aggCall
}

func (b *builder) window(n *plan.Window) (operator, error) {
	input, err := b.build(n.Input)
	if err != nil {
		return nil, err
	}
	w := &window{q: b.q, input: input, types: typesOf(n.Input.Columns())}
	for i := range n.Calls {
		c, err := b.windowCall(&n.Calls[i])
		if err != nil {
			return nil, err
		}
		w.calls = append(w.calls, c)
	}
	return w, nil
}

func (b *builder) windowCall(n *plan.WindowCall) (windowCall, error) {
	c := windowCall{node: n}
	var err error
	if c.partition, err = b.compileAll(n.PartitionBy); err != nil {
		return c, err
	}
	for _, k := range n.OrderBy {
		p, err := b.compile(k.Expr)
		if err != nil {
			return c, err
		}
		c.order = append(c.order, p)
	}
	if n.Agg == nil {
		switch n.Func {
		case "row_number", "rank", "dense_rank":
		default:
			return c, sqlerr.Unsupported("window function " + n.Func)
		}
		return c, nil
	}
	if len(n.Agg.OrderBy) > 0 {
		return c, sqlerr.Unsupported("aggregate ORDER BY in a window function")
	}
	agg, err := b.aggCall(n.Agg)
	c.agg = &agg
	return c, err
}

func (w *window) open() error {
	w.ready = false
	return w.input.open()
}

func (w *window) close() {
	w.input.close()
	if w.rows != nil {
		w.rows.free()
	}
}

func (w *window) next() (*column.Batch, error) {
	if !w.ready {
		if err := w.run(); err != nil {
			return nil, err
		}
		w.ready = true
	}
	return w.out.next(), nil
}

func (w *window) run() error {
	if w.rows == nil {
		w.rows = newBuffer(w.q, w.types)
	}
	w.rows.free()
	if err := w.rows.fill(w.input); err != nil {
		return err
	}
	in := w.rows.batch
	out := &column.Batch{N: in.N, Cols: slices.Clone(in.Cols)}
	var order []uint32
	for i := range w.calls {
		if err := w.q.check(); err != nil {
			return err
		}
		col, sorted, err := w.calls[i].compute(w.q, in)
		if err != nil {
			return err
		}
		out.Cols = append(out.Cols, col)
		order = sorted
	}
	if order != nil {
		out = reduce.Take(out, order)
	}
	w.out = scan{batch: out}
	return nil
}

// windowKeys are the comparable bytes of each row: the partition, then the
// order within it.
type windowKeys struct{ part, order [][]byte }

func (c *windowCall) keys(q *query, in *column.Batch) (*windowKeys, error) {
	part, err := evalAll(q.ctx, c.partition, in)
	if err != nil {
		return nil, err
	}
	k := &windowKeys{part: make([][]byte, in.N), order: make([][]byte, in.N)}
	for i := range in.N {
		for _, v := range part {
			k.part[i] = kernel.AppendOrderKey(k.part[i], v, i, false, false)
		}
	}
	for n, p := range c.order {
		v, err := p.Eval(q.ctx, in, nil)
		if err != nil {
			return nil, err
		}
		key := c.node.OrderBy[n]
		for i := range in.N {
			k.order[i] = kernel.AppendOrderKey(k.order[i], v, i, key.Desc, key.NullsFirst)
		}
	}
	return k, nil
}

// compute returns the column of the call in the order of the rows, and the
// positions of the rows in the order of the window.
func (c *windowCall) compute(q *query, in *column.Batch) (*column.Vector, []uint32, error) {
	k, err := c.keys(q, in)
	if err != nil {
		return nil, nil, err
	}
	if err := q.mem.take(int64(in.N) * 64); err != nil {
		return nil, nil, err
	}
	defer func() { q.mem.used -= int64(in.N) * 64 }()
	sorted := make([]uint32, in.N)
	for i := range sorted {
		sorted[i] = uint32(i)
	}
	slices.SortStableFunc(sorted, func(a, b uint32) int {
		if d := bytes.Compare(k.part[a], k.part[b]); d != 0 {
			return d
		}
		return bytes.Compare(k.order[a], k.order[b])
	})
	vals := column.New(c.node.Typ, in.N) // in the order of the window
	for from := 0; from < in.N; {
		to := from + 1
		for to < in.N && bytes.Equal(k.part[sorted[to]], k.part[sorted[from]]) {
			to++
		}
		if err := c.partitionRows(q, in, sorted[from:to], k.order, vals); err != nil {
			return nil, nil, err
		}
		from = to
	}
	back := make([]uint32, in.N)
	for i, p := range sorted {
		back[p] = uint32(i)
	}
	col := &column.Vector{}
	kernel.Gather(vals, back, col)
	return col, sorted, nil
}

// partitionRows appends the values of one partition: peers (rows with equal
// order keys) share the value of their last row for aggregations.
func (c *windowCall) partitionRows(q *query, in *column.Batch, rows []uint32, order [][]byte, vals *column.Vector) error {
	var run *runningAgg
	if c.agg != nil {
		run = newRunningAgg(c.agg)
	}
	rank := int64(0)
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && bytes.Equal(order[rows[to]], order[rows[from]]) {
			to++
		}
		rank++
		if run != nil {
			if err := run.add(q, in, rows[from:to], vals); err != nil {
				return err
			}
			from = to
			continue
		}
		for i := from; i < to; i++ {
			switch c.node.Func {
			case "row_number":
				vals.Append(column.IntValue(c.node.Typ, int64(i+1)))
			case "rank":
				vals.Append(column.IntValue(c.node.Typ, int64(from+1)))
			default:
				vals.Append(column.IntValue(c.node.Typ, rank))
			}
		}
		from = to
	}
	return nil
}

// runningAgg is an aggregation from the beginning of a partition on.
type runningAgg struct {
	call *aggCall
	acc  interface {
		Update(groups []uint32, n int, args []*column.Vector) error
		Final(from, to int, dst *column.Vector) error
	}
	g gatherer
}

func newRunningAgg(c *aggCall) *runningAgg {
	acc := c.spec.New()
	acc.Grow(1)
	return &runningAgg{call: c, acc: acc}
}

// add folds peers in and appends the value for each of them.
func (r *runningAgg) add(q *query, in *column.Batch, rows []uint32, vals *column.Vector) error {
	peers := r.g.take(in, rows)
	input, err := r.call.eval(q, peers)
	if err != nil {
		return err
	}
	n := peers.N
	if input.rows != nil {
		n = len(input.rows)
	}
	if n > 0 {
		if err := r.acc.Update(nil, n, input.vecs); err != nil {
			return err
		}
	}
	one := column.New(vals.Type, 1)
	if err := r.acc.Final(0, 1, one); err != nil {
		return err
	}
	for range rows {
		vals.AppendFrom(one, 0)
	}
	return nil
}
