package exec

import (
	"github.com/alluviumdb/alluvium/internal/schema"
)

// build numbers the values of dictionaries. It reports false when stop says so,
// and forgets everything when that takes more than limit bytes.
func (d *domain) build(dicts []dictOf, limit int64, stop func() bool) bool {
	ok := d.begin(dicts, limit, stop)
	for i := range dicts {
		if !ok {
			break
		}
		d.table(&dicts[i])
		ok = d.bytes() <= limit && !stop()
	}
	if !ok && !stop() {
		d.clear()
	}
	return ok
}

// begin makes the numbering of an empty domain from all dictionaries whose
// values ascend, by merging them: that is faster than looking values up, and
// codes ascend with the values.
func (d *domain) begin(dicts []dictOf, limit int64, stop func() bool) bool {
	if d.dict.size() > 1 || d.dict.vals.Kind() != schema.KindBytes {
		return true
	}
	var ordered []dictOf
	for i := range dicts {
		if dicts[i].ordered {
			ordered = append(ordered, dicts[i])
		}
	}
	if len(ordered) == 0 {
		return true
	}
	if mergeBytes(ordered) > 2*limit {
		return false
	}
	m := mergeDictionaries(ordered, stop)
	switch {
	case m == nil:
		return !stop()
	case m.held()+m.bytes+4*int64(len(m.at)) > limit:
		return false
	}
	d.dict.vals, d.dict.borrowed, d.dict.held = m.values(ordered[0].vals), true, true
	for i := range ordered {
		t := m.tables[i]
		t.used = d.shares
		d.tables[ordered[i].identity] = t
	}
	return true
}

// bytes is the memory that the numbering with its own values holds.
func (d *domain) bytes() int64 {
	held := d.dict.bytes()
	for _, t := range d.tables {
		held += int64(cap(t.codes)) * 4
	}
	return held
}

// mergeDomain numbers the values of dictionaries without copying them, for the
// query alone or, when all of them are sealed and there is room, for those to
// come too. It returns nil when that is not possible within the query's memory.
func (q *query) mergeDomain(key domainKey, dicts []dictOf) (*keyDict, []*codeTable) {
	if dicts[0].vals.Kind() != schema.KindBytes {
		return nil, nil
	}
	ds := &q.e.domains
	d := ds.domain(key)
	d.mu.Lock()
	defer d.mu.Unlock()
	if dict, tables := d.merged.view(dicts); dict != nil {
		return dict, tables
	}
	m := q.merge(dicts)
	if m == nil {
		return nil, nil
	}
	if m.ordered && m.held() <= ds.limit/2 {
		kept := *m
		kept.vals = nil
		d.merged = &kept
		ds.account(key, d)
		_ = q.mem.take(-m.held())
	}
	return m.dict(dicts[0].vals), m.tables
}

// merge is mergeDictionaries within the query's memory, which what it returns
// counts against.
func (q *query) merge(dicts []dictOf) *dictUnion {
	need := mergeBytes(dicts)
	if q.mem.take(need) != nil {
		return nil
	}
	m := mergeDictionaries(dicts, q.canceled)
	if m != nil {
		need -= m.held()
	}
	_ = q.mem.take(-need)
	return m
}

// The rows and workers per value from which on a single key of many values
// gets a place for each.
const (
	largeSlotsPerRow  = 2
	largeDirectPerRow = 8
)

// planLarge chooses how the groups of a single key with a numbering of many
// values are found: by an array of all values instead of by hashing, unless few
// rows would use it.
func (p *tablePlan) planLarge(rows, workers float64, force bool) {
	if len(p.keys) != 1 || p.keys[0].kind != keyShared || p.kind != tablePacked && !force {
		return
	}
	size := p.keys[0].dict.size()
	switch places := float64(size) * workers; {
	case places <= largeSlotsPerRow*rows:
		p.kind, p.size, p.strides = tableSlots, size, []uint64{1}
	case places <= largeDirectPerRow*rows:
		p.kind = tableDirect
	}
}

// canceled reports whether the query was cancelled.
func (q *query) canceled() bool { return canceled(q.ctx) != nil }

// maxWorkers is the number of goroutines that the leaf may have.
func (q *query) maxWorkers() int { return cap(q.e.tokens) + 1 }
