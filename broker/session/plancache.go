package session

import (
	"container/list"
	"strings"
	"sync"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// planKey is everything that a plan depends on.
type planKey struct {
	text       string
	types      string // parameter types, packed
	dialect    fn.Dialect
	searchPath string
	zone       string
	limit      int64
	catalog    uint64
}

func packTypes(types []schema.Type) string {
	b := make([]byte, 0, 8*len(types))
	for _, t := range types {
		list := byte(0)
		if t.List {
			list = 1
		}
		b = append(b, byte(t.ID), t.Precision, t.Scale, list,
			byte(t.Length), byte(t.Length>>8), byte(t.Length>>16), byte(t.Length>>24))
	}
	return string(b)
}

// planCache keeps the plans used last. It is safe for concurrent use; plans
// are shared and never changed (plan.Query.Bind copies).
type planCache struct {
	mu    sync.Mutex
	limit int
	order *list.List // of *planEntry, most recent first
	byKey map[planKey]*list.Element
}

type planEntry struct {
	key   planKey
	query *plan.Query
}

func newPlanCache(limit int) *planCache {
	return &planCache{limit: limit, order: list.New(), byKey: map[planKey]*list.Element{}}
}

func (c *planCache) get(k planKey) *plan.Query {
	c.mu.Lock()
	defer c.mu.Unlock()
	el := c.byKey[k]
	if el == nil {
		return nil
	}
	c.order.MoveToFront(el)
	return el.Value.(*planEntry).query
}

// maxCachedText bounds the text of a cached statement, in bytes: longer ones are
// generated, and hardly come again.
const maxCachedText = 32 << 10

func (c *planCache) put(k planKey, q *plan.Query) {
	if len(k.text) > maxCachedText {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.byKey[k]; el != nil {
		el.Value.(*planEntry).query = q
		return
	}
	k.text = strings.Clone(k.text) // which may be part of a larger one
	c.byKey[k] = c.order.PushFront(&planEntry{k, q})
	if c.order.Len() > c.limit {
		last := c.order.Back()
		delete(c.byKey, last.Value.(*planEntry).key)
		c.order.Remove(last)
	}
}
