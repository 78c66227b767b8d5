package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/reduce"
)

// grouping is the groups of one grouping set and their accumulators.
type grouping struct {
	a     *aggregate
	set   []int
	table *kernel.KeyTable
	keys  []*column.Vector // of the set's columns, one row per group
	accs  []agg.Accumulator
	kept  []*buffer // per aggregation with ORDER BY: group, arguments, keys
	n     int
	grown int
	ids   []uint32
	sub   []uint32
	buf   []byte
}

func newGrouping(a *aggregate, set []int) *grouping {
	g := &grouping{a: a, set: set, table: kernel.NewKeyTable()}
	for _, k := range set {
		g.keys = append(g.keys, column.New(a.groupBy[k].Type(), 0))
	}
	for i := range a.calls {
		c := &a.calls[i]
		g.accs = append(g.accs, c.spec.New())
		var kept *buffer
		if c.order != nil {
			kept = newBuffer(a.q, append([]schema.Type{schema.Int64}, c.types...))
		}
		g.kept = append(g.kept, kept)
	}
	if len(set) == 0 {
		g.n = 1
	}
	g.grow()
	return g
}

func (g *grouping) bytes() int64 {
	n := g.table.Bytes()
	for _, v := range g.keys {
		n += vectorBytes(v)
	}
	for _, a := range g.accs {
		n += a.Bytes()
	}
	return n
}

// growth bounds what adding rows more rows allocates in large pieces.
func (g *grouping) growth(rows int) int64 {
	n, groups := int64(0), 0
	if len(g.set) > 0 {
		n += g.table.Growth(rows)
		if g.n+rows > g.grown {
			groups = max(g.n+rows, 2*g.grown)
		}
	}
	for _, v := range g.keys {
		n += kernel.VectorGrowth(v, rows)
	}
	for _, a := range g.accs {
		n += agg.Growth(a, g.grown, groups, rows)
	}
	return n
}

// resultBytes estimates what finish allocates.
func (g *grouping) resultBytes() int64 {
	n := int64(0)
	for i, a := range g.accs {
		t := g.a.calls[i].spec.ResultType()
		n += kernel.ValueBytes(t) * int64(g.n)
		if kernel.IsVariable(t) {
			n += a.Bytes()
		}
		if g.kept[i] != nil {
			n += sortBytes(g.kept[i].batch)
		}
	}
	return n
}

func (g *grouping) free() {
	for _, k := range g.kept {
		if k != nil {
			k.free()
		}
	}
}

func (g *grouping) grow() {
	if g.n <= g.grown {
		return
	}
	g.grown = max(g.n, 2*g.grown)
	for _, a := range g.accs {
		a.Grow(g.grown)
	}
}

// add folds n rows in.
func (g *grouping) add(groups []*column.Vector, inputs []aggInput, n int) error {
	g.number(groups, n)
	g.grow()
	for i, acc := range g.accs {
		in := inputs[i]
		ids, rows := g.ids, n
		if in.rows != nil {
			ids, rows = g.pick(in.rows), len(in.rows)
		}
		if rows == 0 {
			continue
		}
		if g.kept[i] != nil {
			if err := g.keep(i, ids, in.vecs, rows); err != nil {
				return err
			}
			continue
		}
		if err := acc.Update(ids, rows, in.vecs); err != nil {
			return err
		}
	}
	return nil
}

// number fills ids with the group of each row.
func (g *grouping) number(groups []*column.Vector, n int) {
	g.ids = g.ids[:0]
	for i := range n {
		if len(g.set) == 0 {
			g.ids = append(g.ids, 0)
			continue
		}
		g.buf = g.buf[:0]
		for _, k := range g.set {
			g.buf = kernel.AppendKey(g.buf, groups[k], i)
		}
		id, isNew := g.table.Find(g.buf)
		if isNew {
			for j, k := range g.set {
				g.keys[j].AppendFrom(groups[k], i)
			}
			g.n++
		}
		g.ids = append(g.ids, id)
	}
}

// pick returns the groups of some of the rows.
func (g *grouping) pick(rows []uint32) []uint32 {
	g.sub = g.sub[:0]
	for _, r := range rows {
		g.sub = append(g.sub, g.ids[r])
	}
	return g.sub
}

// keep stores rows for an aggregation that wants them in order.
func (g *grouping) keep(i int, ids []uint32, vecs []*column.Vector, n int) error {
	group := column.New(schema.Int64, n)
	for _, id := range ids[:n] {
		group.Int64s = append(group.Int64s, int64(id))
	}
	group.N = n
	return g.kept[i].add(&column.Batch{N: n, Cols: append([]*column.Vector{group}, vecs...)})
}

// finish returns the groups with their results, in the order of Aggregate.Out:
// all group columns, NULL for those outside the set, then the results.
func (g *grouping) finish() (*column.Batch, error) {
	out := reduce.SetRows(&column.Batch{N: g.n, Cols: g.keys}, g.a.keyTypes(), g.set)
	for i, acc := range g.accs {
		if g.kept[i] != nil {
			if err := g.replay(i); err != nil {
				return nil, err
			}
		}
		v := column.New(g.a.calls[i].spec.ResultType(), g.n)
		if err := acc.Final(0, g.n, v); err != nil {
			return nil, err
		}
		out.Cols = append(out.Cols, v)
	}
	return out, nil
}

// replay feeds the kept rows of an aggregation in its order.
func (g *grouping) replay(i int) error {
	c := &g.a.calls[i]
	b := reduce.Sort(g.kept[i].batch, c.order, -1)
	if b.N == 0 {
		return nil
	}
	ids := make([]uint32, b.N)
	for k, id := range b.Cols[0].Int64s[:b.N] {
		ids[k] = uint32(id)
	}
	return g.accs[i].Update(ids, b.N, b.Cols[1:1+len(c.args)])
}
