package exec

import (
	"container/list"
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// matchKey names a condition over the values of one dictionary.
type matchKey struct {
	dict *segment.Identity
	typ  schema.Type // as which the values are seen
	// cond is the dialect, the session's zone and the canonical condition.
	cond string
}

// matches is what a condition decided for the values of a dictionary, as many
// as set.size. It is read-only.
type matches struct {
	set   idSet
	nulls bool // NULL passes
}

// matchCache keeps, between queries, which values of dictionaries pass a
// condition: to evaluate one such as LIKE '%x%' for hundreds of thousands of
// values takes longer than the scan of their ids. A dictionary that has grown
// is decided from where it was, because its ids stay true. A nil cache keeps
// nothing. It is safe for concurrent use.
type matchCache struct {
	limit int64 // bytes
	mu    sync.Mutex
	byKey map[matchKey]*list.Element
	order *list.List // of *matchEntry, the last used first
	bytes int64
}

type matchEntry struct {
	key matchKey
	m   matches
}

// matchOverhead is about what an entry takes beside its texts and bits.
const matchOverhead = 256

func (x *matchEntry) bytes() int64 {
	return matchOverhead + int64(len(x.key.cond)) + 8*int64(len(x.m.set.bits))
}

// defaultMatchBytes bounds the memory of a match cache.
const defaultMatchBytes = 64 << 20

// newMatchCache returns a cache of at most limit bytes; zero means 64 MB,
// negative no cache.
func newMatchCache(limit int64) *matchCache {
	if limit < 0 {
		return nil
	}
	if limit == 0 {
		limit = defaultMatchBytes
	}
	return &matchCache{limit: limit, byKey: map[matchKey]*list.Element{}, order: list.New()}
}

func (c *matchCache) get(key matchKey) (matches, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return matches{}, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*matchEntry).m, true
}

// put keeps m, unless more values are decided already or it is too large.
func (c *matchCache) put(key matchKey, m matches) {
	x := &matchEntry{key, m}
	if x.bytes() > c.limit/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[key]; e != nil {
		if e.Value.(*matchEntry).m.set.size >= m.set.size {
			return
		}
		c.drop(e)
	}
	c.byKey[key] = c.order.PushFront(x)
	c.bytes += x.bytes()
	for c.bytes > c.limit {
		c.drop(c.order.Back())
	}
}

func (c *matchCache) drop(e *list.Element) {
	x := c.order.Remove(e).(*matchEntry)
	delete(c.byKey, x.key)
	c.bytes -= x.bytes()
}

// minKeptMatches is the number of values from which it is worth keeping which
// of them pass.
const minKeptMatches = 1024

// matchKey returns the key of a condition over dictionary column c; ok is false
// for what is not kept.
func (sp *segPlan) matchKey(ctx *fn.Context, c *segCol, e plan.Expr) (key matchKey, ok bool) {
	if sp.q == nil || sp.q.e.matches == nil || c.dict == nil || c.vals.N < minKeptMatches || !steady(e) {
		return key, false
	}
	if key.dict = c.dict.Identity(); key.dict == nil {
		return key, false
	}
	cond := append(append([]byte{byte(ctx.Dialect)}, ctx.Zone...), 0)
	cond, err := plan.AppendExpr(cond, e)
	key.typ, key.cond = c.typ, string(cond)
	return key, err == nil
}

// first returns what was decided for the first n values.
func (m *matches) first(n int) matches {
	if int(m.set.size) == n {
		return *m
	}
	if m.set.bits == nil {
		if m.set.n == 0 {
			return matches{rangeSet(uint32(n), 0, 0), m.nulls}
		}
		return matches{rangeSet(uint32(n), m.set.lo, min(m.set.hi+1, uint32(n))), m.nulls}
	}
	b := column.NewBitmap(n)
	copy(b, m.set.bits)
	if n&63 != 0 {
		b[len(b)-1] &= 1<<(n&63) - 1
	}
	return matches{bitSet(uint32(n), b), m.nulls}
}

// grown returns the members of a set as a bitmap for n ids, which are as many
// or more.
func (s *idSet) grown(n int) column.Bitmap {
	b := column.NewBitmap(n)
	copy(b, s.bitmap())
	return b
}
