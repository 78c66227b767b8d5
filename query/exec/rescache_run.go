package exec

import (
	"slices"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// run answers the leaf from the cache as far as that goes, and keeps what is
// worth it. The first time a leaf is seen nothing is kept, so that a leaf that
// never comes again costs nothing and puts nothing out.
func (r *cachedRun) run(emit func(*column.Batch) error) (Stats, error) {
	if err := canceled(r.ctx); err != nil {
		return Stats{}, err
	}
	cache := r.e.results
	if len(r.tail) == 0 {
		if e := cache.answer(r); e != nil {
			return r.replay(e, emit)
		}
	}
	if !cache.knows(r) {
		if w := r.window(); w != nil {
			return w.runWindow(emit)
		}
	}
	st, _, err := r.runParts(emit)
	return st, err
}

// runParts answers the leaf with the help of parts.
func (r *cachedRun) runParts(emit func(*column.Batch) error) (Stats, leafCost, error) {
	cache := r.e.results
	seen, again := cache.seen(r.hash)
	cover := cache.cover(r)
	if r.leaf.Aggregate && !cover.exact() && r.worthPart(&seen, again, &cover) {
		return r.runBuilding(&cover, churnedDearly(cache, &seen, &cover), emit)
	}
	if cover.exact() || again && len(r.tail) == 0 && !r.windowed {
		return r.finish(&cover, emit)
	}
	return r.runUnseen(emit)
}

// worthPart tells whether a part of all sealed segments shall be built: where
// parts cover some already, or the leaf comes again and an answer will not do.
func (r *cachedRun) worthPart(seen *sight, again bool, c *coverage) bool {
	switch {
	case seen.refused > 0:
		return false
	case len(c.parts) > 0:
		return true
	}
	cheap := time.Duration(seen.rows)*costPartGroup <= seen.took || r.e.results.minTime < 0
	return again && cheap && (c.known || len(r.tail) > 0)
}

// churnedDearly tells that segments of parts are replaced, and that these take
// enough time for a part of each.
func churnedDearly(cache *resultCache, seen *sight, c *coverage) bool {
	return c.churned && seen.perSegment() >= cache.minTime
}

// runBuilding runs the leaf and leaves a part of all sealed segments in the
// cache. The next run only has that and the tail to read.
func (r *cachedRun) runBuilding(c *coverage, each bool, emit func(*column.Batch) error) (Stats, leafCost, error) {
	b := builder{run: r, each: each}
	e, err := b.build(c.parts, c.rest)
	if err != nil {
		return b.stats, leafCost{}, err
	}
	st, cost, err := r.finish(&coverage{parts: []*cacheEntry{e}}, emit)
	st.addBuilt(&b.stats)
	if cache := r.e.results; err == nil && cache.minTime > 0 && cost.merging > e.scan/2 {
		cache.refuse(r.hash, e)
	}
	return st, cost, err
}

// perSegment is the time that a segment took.
func (s *sight) perSegment() time.Duration { return s.took / time.Duration(max(s.segs, 1)) }

// replay emits copies of an answer's batches.
func (r *cachedRun) replay(e *cacheEntry, emit func(*column.Batch) error) (Stats, error) {
	st := Stats{}
	st.addBase(&e.base)
	if r.opt.Trace {
		st.Segments = slices.Clone(e.base.Segments)
	}
	for _, b := range e.batches {
		if err := emit(cloneBatch(b)); err != nil {
			return st, err
		}
	}
	return st, nil
}

// runUnseen runs the leaf as if there were no cache and notes what it cost.
func (r *cachedRun) runUnseen(emit func(*column.Batch) error) (Stats, leafCost, error) {
	rows, start := 0, time.Now()
	var inEmit time.Duration
	st, cost, err := r.e.runLeaf(r.ctx, r.leaf, r.segments(r.sealed), nil, r.opt, func(b *column.Batch) error {
		rows += b.N
		at := time.Now()
		defer func() { inEmit += time.Since(at) }()
		return emit(b)
	})
	if err == nil {
		r.e.results.see(sight{leaf: r.hash, took: time.Since(start) - inEmit, rows: max(rows, cost.groups), segs: len(r.sealed) + len(r.tail)})
	}
	return st, cost, err
}

// segments returns sealed segments and those that may change.
func (r *cachedRun) segments(sealed []segment.Segment) []segment.Segment {
	return append(slices.Clip(sealed), r.tail...)
}

// finish runs the leaf over what is left beside parts, and keeps the answer if
// none of the segments can change.
func (r *cachedRun) finish(c *coverage, emit func(*column.Batch) error) (Stats, leafCost, error) {
	cache := r.e.results
	keep := len(r.tail) == 0 && !r.windowed
	kept := capture{limit: cache.maxEntry()}
	st, cost, err := r.e.runLeaf(r.ctx, r.leaf, r.segments(c.rest), c.parts, r.opt, func(b *column.Batch) error {
		if keep {
			kept.take(b)
		}
		return emit(b)
	})
	if err == nil && keep && !kept.failed {
		e := &cacheEntry{segs: r.segs, wanted: string(r.wanted), batches: kept.batches}
		e.base.setBase(&st, r.sealed)
		cache.put(r.key, e)
	}
	return st, cost, err
}

// setBase makes b what o tells of the segments, all of which it counts.
func (b *Stats) setBase(o *Stats, segs []segment.Segment) {
	b.SegmentsProcessed, b.SegmentsMatched, b.SegmentsPruned = o.SegmentsProcessed, o.SegmentsMatched, o.SegmentsPruned
	b.SegmentsQueried, b.TotalDocs = o.SegmentsQueried, o.TotalDocs
	for _, s := range segs {
		b.Segments = append(b.Segments, SegmentStats{Name: s.Metadata().Name, Docs: int64(s.NumDocs()), Method: "cached"})
	}
}

// addBuilt adds what was read to build parts of this leaf. Their segments are
// counted already, but as cached.
func (s *Stats) addBuilt(o *Stats) {
	s.DocsScanned += o.DocsScanned
	s.EntriesScannedInFilter += o.EntriesScannedInFilter
	s.EntriesScannedPostFilter += o.EntriesScannedPostFilter
	s.PeakBytes = max(s.PeakBytes, o.PeakBytes)
	s.SegmentsCached -= o.SegmentsQueried
	if len(o.Segments) == 0 {
		return
	}
	read := map[string]bool{}
	for i := range o.Segments {
		read[o.Segments[i].Name] = true
	}
	s.Segments = slices.DeleteFunc(s.Segments, func(x SegmentStats) bool { return x.Method == "cached" && read[x.Name] })
	s.Segments = append(s.Segments, o.Segments...)
}

// builder makes one part of all sealed segments of a run.
type builder struct {
	run   *cachedRun
	each  bool  // first a part of every segment
	stats Stats // of the segments that were read
}

// build returns the part, given parts of some segments and the others.
func (b *builder) build(parts []*cacheEntry, rest []segment.Segment) (*cacheEntry, error) {
	if b.each && len(rest) > 1 {
		for _, s := range rest {
			e, err := b.part(nil, []segment.Segment{s})
			if err != nil {
				return nil, err
			}
			parts = append(parts, e)
		}
		rest = nil
	}
	return b.part(parts, rest)
}

// part runs the leaf over parts and segments to the states of its groups.
func (b *builder) part(parts []*cacheEntry, segs []segment.Segment) (*cacheEntry, error) {
	r, cache := b.run, b.run.e.results
	opt := r.opt
	opt.Wanted = nil
	var batches []*column.Batch
	st, cost, err := r.e.runLeaf(r.ctx, r.partLeaf, segs, parts, opt, func(x *column.Batch) error {
		batches = append(batches, x)
		return nil
	})
	if err != nil {
		return nil, err
	}
	e := &cacheEntry{part: newStatePart(r.partLeaf, r.sealed[0].Metadata().TableID, batches), scan: cost.reading}
	e.base.setBase(&st, segs)
	for _, p := range parts {
		e.scan += p.scan
		e.base.Segments = append(e.base.Segments, p.base.Segments...)
		for _, id := range p.segs.ids {
			e.segs.add(cache.seed, id)
		}
	}
	for _, s := range segs {
		e.segs.add(cache.seed, s.(segment.Identified).Identity())
	}
	if !cache.put(r.key, e) {
		cache.refuse(r.hash, e)
	}
	b.read(&st, parts)
	return e, nil
}

// read adds what was read of segments, not of parts.
func (b *builder) read(st *Stats, parts []*cacheEntry) {
	cached := map[string]bool{}
	for _, p := range parts {
		st.SegmentsQueried -= p.base.SegmentsQueried
		for i := range p.base.Segments {
			cached[p.base.Segments[i].Name] = true
		}
	}
	s := &b.stats
	s.DocsScanned += st.DocsScanned
	s.EntriesScannedInFilter += st.EntriesScannedInFilter
	s.EntriesScannedPostFilter += st.EntriesScannedPostFilter
	s.SegmentsQueried += st.SegmentsQueried
	s.PeakBytes = max(s.PeakBytes, st.PeakBytes)
	for i := range st.Segments {
		if !cached[st.Segments[i].Name] {
			s.Segments = append(s.Segments, st.Segments[i])
		}
	}
}
