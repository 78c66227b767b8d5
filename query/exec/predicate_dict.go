package exec

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/query/plan"
)

// lazyDictRows is the number of dictionary values up to which a condition is
// computed for the whole dictionary without asking how many rows need it.
const lazyDictRows = 4096

// matchDict finds the dictionary ids whose value makes the condition TRUE and
// whether NULL does. Comparisons and IN look values up; anything else is
// evaluated once per value, and what comes out is kept for later queries. ok is
// false when that raised an error, which may only count for rows that other
// conditions let through, or is not worth it.
func (sp *segPlan) matchDict(ctx *fn.Context, c *segCol, i int, e plan.Expr, neg bool, x *leafExpr) (set idSet, nulls, ok bool) {
	if set, ok := lookupDict(c, i, e, neg); ok {
		return set, false, true
	}
	key, keep := sp.matchKey(ctx, c, x.e)
	var known matches
	if keep {
		known, _ = sp.q.e.matches.get(key)
		if int(known.set.size) >= c.vals.N {
			m := known.first(c.vals.N)
			return m.set, m.nulls, true
		}
	}
	m, seen, ok := sp.decide(ctx, c, i, e, neg, x, &known)
	if ok && keep && seen >= minKeptMatches/8 {
		sp.q.e.matches.put(key, m)
	}
	return m.set, m.nulls, ok
}

// decide evaluates a condition for the values that are not known yet; seen is
// the number of values looked at.
func (sp *segPlan) decide(ctx *fn.Context, c *segCol, i int, e plan.Expr, neg bool, x *leafExpr, known *matches) (m matches, seen int, ok bool) {
	limit := max(lazyDictRows, sp.rowsHint)
	from := int(known.set.size)
	set, inverse, seen, ok := testTexts(ctx, c, i, e, from, limit)
	switch {
	case !ok:
		if float64(c.vals.N-from) > limit {
			return m, 0, false
		}
		v, err := sp.evalDict(ctx, x.e, i, from, nil)
		if err != nil {
			return m, 0, false
		}
		return known.with(v, from), c.vals.N - from, true
	case neg != inverse:
		set = set.complement()
		if from > 0 {
			set = set.intersect(&idSet{size: set.size, lo: uint32(from), hi: set.size - 1, n: int(set.size) - from})
		}
	}
	if from > 0 {
		before := bitSet(set.size, known.set.grown(int(set.size)))
		set = set.union(&before)
	}
	return matches{set: set}, seen, true
}

// with adds what a condition gave for the values from a position on, and in the
// last row for NULL.
func (m *matches) with(v *column.Vector, from int) matches {
	t := column.NewBitmap(v.N)
	kernel.PackBools(v.Bools[:v.N], t)
	kernel.AndNot(t, v.Nulls)
	last := v.N - 1
	nulls := t.Get(last)
	t.Clear(last)
	if from == 0 {
		return matches{bitSet(uint32(last), t[:column.Words(last)]), nulls}
	}
	b := m.set.grown(from + last)
	for _, k := range t.Positions(uint32(from), nil) {
		b.Set(int(k))
	}
	return matches{bitSet(uint32(from+last), b), nulls}
}

// lookupDict handles comparisons and IN by looking values up.
func lookupDict(c *segCol, i int, e plan.Expr, neg bool) (idSet, bool) {
	if !c.canLookup() || !exactLookup(c.typ.Kind()) {
		return idSet{}, false
	}
	if in, ok := e.(*plan.In); ok {
		return lookupIn(c, i, in, neg)
	}
	cmp, ok := asComparison(e, i, c.typ, neg)
	if !ok {
		return idSet{}, false
	}
	size := uint32(c.vals.N)
	switch cmp.op {
	case "=", "<>":
		set := rangeSet(size, 0, 0)
		if id, found := c.dict.Lookup(cmp.v); found {
			set = rangeSet(size, id, id+1)
		}
		if cmp.op == "<>" {
			set = set.complement()
		}
		return set, true
	}
	if !c.ordered {
		return idSet{}, false
	}
	return orderedSet(c, cmp, size), true
}

// exactLookup reports whether equal values of a kind have equal bytes, so that
// a dictionary finds them: not so for -0 and 0, NaN, or 1.0 and 1.00.
func exactLookup(k schema.Kind) bool {
	switch k {
	case schema.KindBool, schema.KindInt32, schema.KindInt64, schema.KindBytes:
		return true
	}
	return false
}

// orderedSet is the ids of a range comparison in a sorted dictionary.
func orderedSet(c *segCol, cmp comparison, size uint32) idSet {
	lo := min(c.dict.LowerBound(cmp.v), size)
	end := lo
	if id, found := c.dict.Lookup(cmp.v); found {
		end = id + 1
	}
	switch cmp.op {
	case "<":
		return rangeSet(size, 0, lo)
	case "<=":
		return rangeSet(size, 0, end)
	case ">":
		return rangeSet(size, end, size)
	}
	return rangeSet(size, lo, size)
}

func lookupIn(c *segCol, i int, in *plan.In, neg bool) (idSet, bool) {
	ref, ok := in.Arg.(*plan.ColRef)
	if !ok || ref.Index != i || !sameValues(in.List.Type, c.typ) || !plainOrder(c.typ) {
		return idSet{}, false
	}
	size := uint32(c.vals.N)
	miss := in.Negated != neg
	if miss && in.HasNull {
		return rangeSet(size, 0, 0), true // a miss is NULL, a hit FALSE
	}
	b := column.NewBitmap(int(size))
	for k := range in.List.N {
		if id, found := c.dict.Lookup(in.List.Value(k)); found {
			b.Set(int(id))
		}
	}
	set := bitSet(size, b)
	if miss {
		set = set.complement()
	}
	return set, true
}
