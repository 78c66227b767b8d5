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
	seen, again := cache.seen(r.hash)
	parts, rest, churned := cache.cover(r)
	if !again && len(parts) == 0 {
		return r.runUnseen(emit)
	}
	var built Stats
	if r.leaf.Aggregate && (len(parts) != 1 || len(rest) > 0) {
		b := builder{run: r, each: churned && seen.perSegment() >= cache.minTime}
		var err error
		if parts, err = b.build(parts, rest); err != nil {
			return b.stats, err
		}
		built, rest = b.stats, nil
	}
	return r.finish(parts, rest, built, emit)
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
func (r *cachedRun) runUnseen(emit func(*column.Batch) error) (Stats, error) {
	rows, start := 0, time.Now()
	var inEmit time.Duration
	st, err := r.e.runLeaf(r.ctx, r.leaf, r.segments(r.sealed), nil, r.opt, func(b *column.Batch) error {
		rows += b.N
		at := time.Now()
		defer func() { inEmit += time.Since(at) }()
		return emit(b)
	})
	if err == nil {
		r.e.results.see(sight{leaf: r.hash, took: time.Since(start) - inEmit, rows: max(rows, st.groups), segs: len(r.sealed) + len(r.tail)})
	}
	return st, err
}

// segments returns sealed segments and those that may change.
func (r *cachedRun) segments(sealed []segment.Segment) []segment.Segment {
	return append(slices.Clip(sealed), r.tail...)
}

// finish runs the leaf over what is left beside parts, and keeps the answer if
// none of the segments can change.
func (r *cachedRun) finish(parts []*cacheEntry, rest []segment.Segment, built Stats, emit func(*column.Batch) error) (Stats, error) {
	cache := r.e.results
	keep := len(r.tail) == 0
	kept := capture{limit: cache.maxEntry()}
	st, err := r.e.runLeaf(r.ctx, r.leaf, r.segments(rest), parts, r.opt, func(b *column.Batch) error {
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
	st.addBuilt(&built)
	return st, err
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
func (b *builder) build(parts []*cacheEntry, rest []segment.Segment) ([]*cacheEntry, error) {
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
	e, err := b.part(parts, rest)
	return []*cacheEntry{e}, err
}

// part runs the leaf over parts and segments to the states of its groups.
func (b *builder) part(parts []*cacheEntry, segs []segment.Segment) (*cacheEntry, error) {
	r, cache := b.run, b.run.e.results
	opt := r.opt
	opt.Wanted = nil
	var batches []*column.Batch
	st, err := r.e.runLeaf(r.ctx, r.leaf, segs, parts, opt, func(x *column.Batch) error {
		batches = append(batches, x)
		return nil
	})
	if err != nil {
		return nil, err
	}
	e := &cacheEntry{part: newStatePart(r.leaf, r.sealed[0].Metadata().TableID, batches)}
	e.base.setBase(&st, segs)
	for _, p := range parts {
		e.base.Segments = append(e.base.Segments, p.base.Segments...)
		for _, id := range p.segs.ids {
			e.segs.add(cache.seed, id)
		}
	}
	for _, s := range segs {
		e.segs.add(cache.seed, s.(segment.Identified).Identity())
	}
	cache.put(r.key, e)
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
