package exec

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// The result cache keeps what leaves found in segments that never change. It
// holds two kinds of entries: answers, the batches that were emitted for exactly
// these segments, and parts, the groups of some segments with the states of
// their aggregations. An answer serves the same question over the same segments;
// parts serve it over any segments that include theirs, such as those with a
// consuming one that grew: only the others are scanned, and states are merged.

const (
	// defaultResultBytes bounds the memory of all entries.
	defaultResultBytes = 256 << 20
	// resultShare is the part of the cache that one entry may take.
	resultShare = 64
	// maxResultRows bounds the rows of an entry.
	maxResultRows = 100_000
	// defaultResultTime is the time of a leaf that is worth remembering.
	defaultResultTime = 50 * time.Microsecond
	// maxLeafAnswers and maxLeafParts bound what is kept of one leaf; parts of
	// single segments do not count.
	maxLeafAnswers, maxLeafParts = 8, 4
	// costPartGroup is about what it costs to build and merge a group of a part.
	costPartGroup = 150 * time.Nanosecond
	// refusedRuns is the number of runs after which parts of a leaf are tried
	// again.
	refusedRuns = 64
)

// ResultCacheStats are counters since the engine was made, and what is held now.
type ResultCacheStats struct {
	// Answers counts leaves that were answered wholly from the cache, Parts
	// those for which some segments were not read, Misses the others that it
	// looked for.
	Answers, Parts, Misses int64
	Evictions              int64
	Entries, Bytes         int64
}

// resultCache is safe for concurrent use. Entries are never changed once they
// are in it.
type resultCache struct {
	limit   int64
	minTime time.Duration
	seed    maphash.Seed

	mu     sync.Mutex
	leaves map[string]*cachedLeaf
	lru    segmentedLRU
	sights [4096]sight
	stats  ResultCacheStats
}

// cachedLeaf is the entries of one leaf.
type cachedLeaf struct {
	key     string
	entries []*cacheEntry // oldest first
}

// cacheEntry is an answer, or a part when part is set.
type cacheEntry struct {
	lruNode
	leaf *cachedLeaf
	segs segmentSet
	// wanted is the canonical form of what the answer was asked for.
	wanted  string
	batches []*column.Batch
	part    *statePart
	scan    time.Duration // that a part's rows took
	base    Stats         // of the segments, as if none of their rows had been read
}

// sight is what is known of a leaf that was run without help of the cache.
type sight struct {
	leaf uint64 // hash of its key
	took time.Duration
	rows int // groups, or rows emitted
	segs int
	// refused is for how many further runs parts are taken to be of no help: they
	// were too large, or merging them took about as long as reading the rows.
	refused int
}

// leafCost is what keeping the results of a leaf is decided by.
type leafCost struct {
	groups int // of an aggregating leaf, before it is told which are wanted
	// reading is the time for planning and reading segments, merging that for
	// parts.
	reading, merging time.Duration
}

// coverage is what the cache has for a run.
type coverage struct {
	parts []*cacheEntry     // disjoint
	rest  []segment.Segment // that no part covers
	// churned tells that a part of several segments is of no use any more
	// because one of them is not asked for; known that there is something of
	// this leaf, be it of other segments.
	churned, known bool
}

// exact tells that one part covers all segments.
func (c *coverage) exact() bool { return len(c.parts) == 1 && len(c.rest) == 0 }

// segmentSet is the identities of segments. sum does not depend on the order.
type segmentSet struct {
	ids []*segment.Identity
	sum uint64
}

func newResultCache(limit int64, minTime time.Duration) *resultCache {
	switch {
	case limit < 0:
		return nil
	case limit == 0:
		limit = defaultResultBytes
	}
	if minTime == 0 {
		minTime = defaultResultTime
	}
	c := &resultCache{limit: limit, minTime: minTime, seed: maphash.MakeSeed(), leaves: map[string]*cachedLeaf{}}
	c.lru.limit = limit
	return c
}

// ResultCacheStats returns the figures of the result cache.
func (e *Engine) ResultCacheStats() ResultCacheStats {
	c := e.results
	if c == nil {
		return ResultCacheStats{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Bytes, s.Entries = c.lru.bytes, c.lru.entries
	return s
}

// maxEntry bounds the bytes of an entry.
func (c *resultCache) maxEntry() int64 { return c.limit / resultShare }

func (s *segmentSet) add(seed maphash.Seed, id *segment.Identity) {
	s.ids = append(s.ids, id)
	s.sum += maphash.Comparable(seed, id)
}

// same reports whether two sets are equal.
func (s *segmentSet) same(o *segmentSet) bool {
	if s.sum != o.sum || len(s.ids) != len(o.ids) {
		return false
	}
	return slices.Equal(s.ids, o.ids) || o.within(s.index())
}

func (s *segmentSet) index() map[*segment.Identity]bool {
	m := make(map[*segment.Identity]bool, len(s.ids))
	for _, id := range s.ids {
		m[id] = true
	}
	return m
}

func (s *segmentSet) within(m map[*segment.Identity]bool) bool {
	for _, id := range s.ids {
		if !m[id] {
			return false
		}
	}
	return true
}

// answer returns the entry that answers a run wholly, nil if there is none.
func (c *resultCache) answer(r *cachedRun) *cacheEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.leaves[string(r.key)]
	if l == nil {
		return nil
	}
	for _, e := range l.entries {
		if e.part == nil && e.wanted == string(r.wanted) && e.segs.same(&r.segs) {
			c.lru.touch(&e.lruNode)
			c.stats.Answers++
			return e
		}
	}
	return nil
}

// cover finds parts of segments of a run.
func (c *resultCache) cover(r *cachedRun) coverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.leaves[string(r.key)]
	if l == nil || !r.leaf.Aggregate {
		c.stats.Misses++
		return coverage{rest: r.sealed, known: l != nil}
	}
	out := coverage{known: true}
	open := r.segs.index()
	all := r.segs.index()
	for _, e := range l.byCoverage() {
		switch {
		case !e.segs.within(all):
			out.churned = out.churned || len(e.segs.ids) > 1
		case e.segs.within(open):
			c.lru.touch(&e.lruNode)
			out.parts = append(out.parts, e)
			for _, id := range e.segs.ids {
				delete(open, id)
			}
		}
	}
	if len(out.parts) == 0 {
		c.stats.Misses++
	} else {
		c.stats.Parts++
	}
	for i, s := range r.sealed {
		if open[r.segs.ids[i]] {
			out.rest = append(out.rest, s)
		}
	}
	return out
}

// byCoverage returns the leaf's parts, those of most segments first.
func (l *cachedLeaf) byCoverage() []*cacheEntry {
	var out []*cacheEntry
	for _, e := range l.entries {
		if e.part != nil {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b *cacheEntry) int { return len(b.segs.ids) - len(a.segs.ids) })
	return out
}

// put takes an entry of the leaf with that key, unless it is too large.
func (c *resultCache) put(key []byte, e *cacheEntry) bool {
	e.size = e.bytes() + int64(len(key))
	if e.size > c.maxEntry() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.leaves[string(key)]
	if l == nil {
		l = &cachedLeaf{key: string(key)}
		c.leaves[l.key] = l
	}
	e.leaf = l
	for _, old := range l.replaced(e) {
		c.remove(old)
	}
	c.leaves[l.key] = l // removing may have dropped it
	l.entries = append(l.entries, e)
	for _, old := range c.lru.add(e) {
		c.remove(old)
		c.stats.Evictions++
	}
	return true
}

// entryOverhead and segmentOverhead are about what an entry, and each of its
// segments, takes besides its data.
const entryOverhead, segmentOverhead = 512, 160

func (e *cacheEntry) bytes() int64 {
	n := int64(entryOverhead) + int64(len(e.segs.ids))*segmentOverhead
	for _, b := range e.batches {
		n += batchBytes(b)
	}
	if e.part != nil {
		n += e.part.bytes()
	}
	return n
}

// replaced returns the entries that a new one makes needless, and the oldest of
// its kind when there are many.
func (l *cachedLeaf) replaced(e *cacheEntry) []*cacheEntry {
	var out, others []*cacheEntry
	all := e.segs.index()
	most := maxLeafAnswers
	if e.part != nil {
		most = maxLeafParts
	}
	for _, o := range l.entries {
		if (o.part == nil) != (e.part == nil) {
			continue
		}
		needless := o.wanted == e.wanted && o.segs.same(&e.segs)
		single := o.part != nil && len(o.segs.ids) == 1
		switch {
		case needless, o.part != nil && !single && o.segs.within(all):
			out = append(out, o)
		case !single:
			others = append(others, o)
		}
	}
	if n := len(others) + 1 - most; n > 0 {
		out = append(out, others[:n]...)
	}
	return out
}

// remove drops an entry; the caller holds mu.
func (c *resultCache) remove(e *cacheEntry) {
	c.lru.remove(&e.lruNode)
	l := e.leaf
	if i := slices.Index(l.entries, e); i >= 0 {
		l.entries = slices.Delete(l.entries, i, i+1)
	}
	if len(l.entries) == 0 && c.leaves[l.key] == l {
		delete(c.leaves, l.key)
	}
}

// knows reports whether the leaf of a run is worth remembering or has entries.
func (c *resultCache) knows(r *cachedRun) bool {
	if _, again := c.seen(r.hash); again {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaves[string(r.key)] != nil
}

// see notes what a run without help of the cache cost.
func (c *resultCache) see(s sight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := &c.sights[s.leaf%uint64(len(c.sights))]
	if at.leaf == s.leaf {
		s.refused = max(at.refused-1, 0)
	}
	*at = s
}

// refuse drops a part, if it is there, and remembers that parts of the leaf are
// of no use for a while.
func (c *resultCache) refuse(leaf uint64, e *cacheEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.leaf != nil {
		c.remove(e)
	}
	if at := &c.sights[leaf%uint64(len(c.sights))]; at.leaf == leaf {
		at.refused = refusedRuns
	}
}

// seen returns what is known of a leaf that is worth remembering: it ran
// before, it took some time, and its result was small.
func (c *resultCache) seen(leaf uint64) (sight, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sights[leaf%uint64(len(c.sights))]
	if s.leaf != leaf {
		return sight{}, false
	}
	return s, s.took >= c.minTime && s.rows <= maxResultRows
}
