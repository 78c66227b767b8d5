package exec

import (
	"hash/maphash"
	"sync"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// resultCacheOff is the value of the setting result_cache that switches the
// cache off for a leaf.
const resultCacheOff = "off"

// maxTopN bounds the limit of a top-n leaf whose answer may be kept.
const maxTopN = 10_000

// cachedRun is a leaf on its way through the result cache.
type cachedRun struct {
	e    *Engine
	ctx  *fn.Context
	leaf *plan.Leaf
	opt  Options
	// partLeaf is the leaf of which parts are kept: leaf, or with windowed one
	// without conditions that all rows of sealed meet. full is then the hash of
	// the leaf itself.
	partLeaf *plan.Leaf
	windowed bool
	full     uint64
	// key is the canonical form of what decides partLeaf's groups or rows over
	// a segment, wanted that of what is asked of finished groups. Both are valid
	// during the run only.
	key, wanted []byte
	hash        uint64 // of key
	sealed      []segment.Segment
	segs        segmentSet // of sealed, in its order
	tail        []segment.Segment
}

var keyBuffers = sync.Pool{New: func() any { return new([]byte) }}

// cachedRun prepares a run through the cache; nil when the leaf is none whose
// results can be kept.
func (e *Engine) cachedRun(ctx *fn.Context, leaf *plan.Leaf, segs []segment.Segment, opt Options, buf *[]byte) *cachedRun {
	if e.results == nil || opt.Settings["result_cache"] == resultCacheOff || !keepable(leaf, opt.Wanted) {
		return nil
	}
	r := &cachedRun{e: e, ctx: ctx, leaf: leaf, partLeaf: leaf, opt: opt}
	r.split(segs)
	// Only groups can be merged with those of segments that may change.
	if len(r.sealed) == 0 || !leaf.Aggregate && len(r.tail) > 0 || !r.encode(buf) {
		return nil
	}
	return r
}

// split tells segments that never change from others.
func (r *cachedRun) split(segs []segment.Segment) {
	for _, s := range segs {
		id := (*segment.Identity)(nil)
		if x, ok := s.(segment.Identified); ok && !s.Metadata().Consuming {
			id = x.Identity()
		}
		if id == nil {
			r.tail = append(r.tail, s)
			continue
		}
		r.sealed = append(r.sealed, s)
		r.segs.add(r.e.results.seed, id)
	}
}

// encode makes the keys in buf.
func (r *cachedRun) encode(buf *[]byte) bool {
	key := append((*buf)[:0], byte(r.ctx.Dialect))
	key = append(key, r.ctx.Zone...)
	key = append(key, 0)
	key = append(key, r.opt.Settings["float_sum"]...)
	key = append(key, 0)
	key, err := plan.AppendLeaf(key, r.partLeaf)
	if err != nil {
		return false
	}
	n := len(key)
	if r.opt.Wanted != nil {
		if key, err = plan.AppendWanted(key, r.opt.Wanted); err != nil {
			return false
		}
	}
	*buf = key
	r.key, r.wanted = key[:n:n], key[n:]
	r.hash = maphash.Bytes(r.e.results.seed, r.key)
	return true
}

// keepable reports whether what a leaf gives depends on its segments alone, and
// is small by its nature.
func keepable(l *plan.Leaf, want *plan.Wanted) bool {
	if l.Table == nil || !l.Aggregate && (len(l.OrderBy) == 0 || l.Limit < 0 || l.Limit > maxTopN) {
		return false
	}
	ok := steady(l.Filter)
	for _, e := range l.Output {
		ok = ok && steady(e)
	}
	for _, e := range l.GroupBy {
		ok = ok && steady(e)
	}
	for i := range l.OrderBy {
		ok = ok && steady(l.OrderBy[i].Expr)
	}
	for i := range l.Aggs {
		ok = ok && steadyCall(&l.Aggs[i])
	}
	if want == nil || !ok {
		return ok
	}
	for i := range want.OrderBy {
		ok = ok && steady(want.OrderBy[i].Expr)
	}
	return ok && steady(want.Having)
}

func steadyCall(c *plan.AggCall) bool {
	ok := steady(c.Filter)
	for _, e := range c.Args {
		ok = ok && steady(e)
	}
	for i := range c.OrderBy {
		ok = ok && steady(c.OrderBy[i].Expr)
	}
	return ok
}

// steady reports whether an expression depends on its columns, the session's
// zone and the dialect alone.
func steady(e plan.Expr) bool {
	ok := true
	walk(e, func(x plan.Expr) {
		switch x := x.(type) {
		case *plan.Call:
			ok = ok && (x.Fn.Volatility == fn.Immutable || zoneOnly(x))
		case *plan.Cast:
			ok = ok && !readsClock(x)
		}
	})
	return ok
}

// zoneOnly reports whether a stable function is known to depend on nothing but
// the session's zone besides its arguments.
func zoneOnly(c *plan.Call) bool {
	if c.Fn.Volatility != fn.Stable || c.Fn.NeedsSession {
		return false
	}
	switch c.Fn.Name {
	case "date_trunc", "+", "-", "to_char", "||", "jsonformat", "make_timestamptz":
		return len(c.Args) > 0
	}
	return false
}

// readsClock reports whether a cast may read words such as 'today'.
func readsClock(c *plan.Cast) bool {
	return maybeText(c.Arg.Type()) && leafType(c.Typ).IsTime()
}

func maybeText(t schema.Type) bool {
	t = leafType(t)
	return t.IsText() || t.Kind() == schema.KindBytes
}

// leafType is the type of the values in a list, else the type itself.
func leafType(t schema.Type) schema.Type {
	if t.List {
		return t.Elem()
	}
	return t
}
