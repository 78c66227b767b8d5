package exec

import (
	"bytes"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// likeDict finds the ids of a sorted dictionary that LIKE, or NOT LIKE, passes.
// Only the range of ids that begin as the pattern does is looked at, and not
// even that when the pattern asks for nothing else. ok is false when the range
// is larger than limit.
func likeDict(c *segCol, i int, e plan.Expr, neg bool, limit float64) (set idSet, ok bool) {
	if !c.canLookup() || !c.ordered || !c.typ.IsText() || !plainOrder(c.typ) {
		return idSet{}, false
	}
	pattern, ok := columnCall(e, "~~", i)
	if !ok {
		if pattern, ok = columnCall(e, "!~~", i); !ok {
			return idSet{}, false
		}
		neg = !neg
	}
	p, err := fn.CompileLike(string(pattern.B), '\\', false)
	if err != nil {
		return idSet{}, false
	}
	size := uint32(c.vals.N)
	lo, hi := prefixRange(c, p)
	switch {
	case p.PrefixOnly():
		set = rangeSet(size, lo, hi)
	case float64(hi-lo) > limit:
		return idSet{}, false
	default:
		b := column.NewBitmap(int(size))
		for id := lo; id < hi; id++ {
			if p.Match(c.vals.Bytes(int(id))) {
				b.Set(int(id))
			}
		}
		set = bitSet(size, b)
	}
	if neg {
		set = set.complement()
	}
	return set, true
}

// prefixRange returns the ids of the values that begin as every match does.
func prefixRange(c *segCol, p *fn.LikePattern) (lo, hi uint32) {
	prefix, _ := p.Prefix()
	size := uint32(c.vals.N)
	if len(prefix) == 0 {
		return 0, size
	}
	bound := func(b []byte) uint32 { return min(c.dict.LowerBound(column.BytesValue(c.typ, b)), size) }
	lo, hi = bound(prefix), size
	end := bytes.Clone(prefix)
	for len(end) > 0 {
		if end[len(end)-1]++; end[len(end)-1] != 0 {
			hi = bound(end)
			break
		}
		end = end[:len(end)-1]
	}
	return lo, max(lo, hi)
}
