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

// planCache keeps the plans used last; plans are shared and never changed
// (plan.Query.Bind copies).
type planCache = recent[planKey, *plan.Query]

// maxCachedText bounds the text of a cached statement, in bytes: longer ones are
// generated, and hardly come again.
const maxCachedText = 32 << 10

// putPlan keeps a plan.
func putPlan(c *planCache, k planKey, q *plan.Query) {
	if len(k.text) > maxCachedText {
		return
	}
	k.text = strings.Clone(k.text) // which may be part of a larger one
	c.put(k, q)
}

// textKey is everything that parsing depends on.
type textKey struct {
	text  string
	pinot bool
}

// textCache keeps the statements of the texts parsed last: they are read-only.
type textCache = recent[textKey, []Statement]

// maxTexts bounds the number of texts whose statements are kept.
const maxTexts = 256

// maxParsedText bounds the texts whose statements are kept, in bytes: a tree
// takes many times the memory of its text.
const maxParsedText = 4 << 10

// recent keeps the values used last. It is safe for concurrent use.
type recent[K comparable, V any] struct {
	mu    sync.Mutex
	limit int
	order *list.List // of *recentEntry, most recent first
	byKey map[K]*list.Element
}

type recentEntry[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any](limit int) *recent[K, V] {
	return &recent[K, V]{limit: limit, order: list.New(), byKey: map[K]*list.Element{}}
}

// get returns the value of a key, the zero value when there is none.
func (c *recent[K, V]) get(k K) (v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el := c.byKey[k]
	if el == nil {
		return v
	}
	c.order.MoveToFront(el)
	return el.Value.(*recentEntry[K, V]).value
}

func (c *recent[K, V]) put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.byKey[k]; el != nil {
		el.Value.(*recentEntry[K, V]).value = v
		return
	}
	c.byKey[k] = c.order.PushFront(&recentEntry[K, V]{k, v})
	if c.order.Len() > c.limit {
		last := c.order.Back()
		delete(c.byKey, last.Value.(*recentEntry[K, V]).key)
		c.order.Remove(last)
	}
}
