package server

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/immutable"
	"github.com/alluviumdb/alluvium/segment/mutable"
)

// The states of a segment as this server reports them.
const (
	stateConsuming = "CONSUMING"
	stateBuilding  = "BUILDING"
	stateOnline    = "ONLINE"
	stateLoading   = "LOADING"
	stateError     = "ERROR"
)

// holder is one segment on this server in whichever form it has: consuming
// (live), ended with its rows fixed (view), or a file. Its rows are the same
// in the last two forms, so a query may meet either.
type holder struct {
	name      string
	table     string
	tableID   uint32
	partition uint32
	memory    *memory
	// verified tells that the file was found to have the committed checksum.
	verified atomic.Bool

	mu    sync.Mutex // guards the fields below
	live  *mutable.Segment
	view  segment.Segment
	file  *immutable.Segment
	bytes int64 // counted in memory
	state string
	err   error
	gone  bool
	// laidOut is the definition that the file was last found to agree with.
	laidOut *schema.Table
}

func (s *Server) newHolder(t *clusterview.Table, seg *pb.Segment, state string) *holder {
	return &holder{name: seg.Name, table: t.Name, tableID: seg.TableId, partition: seg.Partition, memory: &s.memory, state: state}
}

// account counts the memory that the segment's rows hold.
func (h *holder) account(bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.setBytes(bytes)
}

func (h *holder) setBytes(bytes int64) {
	if h.gone || h.file != nil {
		bytes = 0
	}
	h.memory.held.Add(bytes - h.bytes)
	if h.view != nil {
		h.memory.pending.Add(bytes - h.bytes)
	}
	h.bytes = bytes
}

// acquire returns the segment's rows as they are now, retained for the caller.
func (h *holder) acquire() (segment.Segment, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.gone:
		return nil, false
	case h.file != nil:
		return h.file, h.file.Retain()
	case h.view != nil:
		return h.view, h.view.Retain()
	case h.live != nil:
		return h.live.Snapshot(), true
	}
	return nil, false
}

// seal fixes the rows of a consuming segment to view.
func (h *holder) seal(view segment.Segment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.view, h.live, h.state = view, nil, stateBuilding
	h.memory.pending.Add(h.bytes)
}

// swap puts a file in place of the memory form, in one step. false means that
// the segment was dropped meanwhile and the file is the caller's to release.
func (h *holder) swap(file *immutable.Segment) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone {
		return false
	}
	h.setBytes(0)
	if h.view != nil {
		h.view.Release()
	}
	h.file, h.view, h.live, h.state, h.err = file, nil, nil, stateOnline, nil
	return true
}

func (h *holder) setState(state string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state, h.err = state, err
}

// drop releases what the holder has; queries that hold it go on.
func (h *holder) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone {
		return
	}
	h.setBytes(0)
	h.gone = true
	if h.view != nil {
		h.view.Release()
	}
	if h.file != nil {
		h.file.Release()
	}
	h.live, h.view, h.file = nil, nil, nil
}

// snapshot describes the holder for reports.
func (h *holder) snapshot() holderInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	info := holderInfo{Name: h.name, Table: h.table, TableID: h.tableID, Partition: h.partition, State: h.state, Err: h.err}
	switch {
	case h.file != nil:
		info.Meta, info.Bytes, info.Sealed = h.file.Metadata(), h.file.SizeBytes(), true
	case h.view != nil:
		info.Meta = h.view.Metadata()
	case h.live != nil:
		info.Meta, info.Bytes = h.live.Metadata(), uint64(h.live.Bytes())
	}
	return info
}

// holderInfo is a holder as seen from outside. Meta is nil while it has no rows.
type holderInfo struct {
	Name, Table, State string
	TableID, Partition uint32
	Err                error
	Meta               *segment.Metadata
	Bytes              uint64
	Sealed             bool
}

// hasFile tells whether the sealed file is open.
func (h *holder) hasFile() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.file != nil
}

// isSealed tells whether the rows are fixed.
func (h *holder) isSealed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.file != nil || h.view != nil
}

// segmentSet holds the segments of this server by name.
type segmentSet struct {
	mu      sync.RWMutex
	m       map[string]*holder
	changed chan struct{} // closed and replaced when a holder is added
}

func newSegmentSet() *segmentSet {
	return &segmentSet{m: map[string]*holder{}, changed: make(chan struct{})}
}

func (s *segmentSet) get(name string) *holder {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.m[name]
}

func (s *segmentSet) add(h *holder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[h.name] = h
	close(s.changed)
	s.changed = make(chan struct{})
}

// remove takes a holder out and drops it.
func (s *segmentSet) remove(name string) {
	s.mu.Lock()
	h := s.m[name]
	delete(s.m, name)
	s.mu.Unlock()
	if h != nil {
		h.drop()
	}
}

// all returns the holders by name.
func (s *segmentSet) all() []*holder {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*holder, 0, len(s.m))
	for _, h := range s.m {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b *holder) int { return strings.Compare(a.name, b.name) })
	return out
}

func (s *segmentSet) close() {
	for _, h := range s.all() {
		s.remove(h.name)
	}
}

// MissingError names segments that a fragment asked for and that are not on
// this server.
type MissingError struct{ Segments []string }

// MissingSegments returns the names, for brokers that route again.
func (e *MissingError) MissingSegments() []string { return e.Segments }

func (e *MissingError) Error() string {
	n := len(e.Segments)
	shown := e.Segments[:min(n, 5)]
	text := "segments not on this server: " + strings.Join(shown, ", ")
	if n > len(shown) {
		text += fmt.Sprintf(" and %d more", n-len(shown))
	}
	return text
}

// acquire retains the named segments, or none and tells which are missing. The
// channel is closed when the set has grown since.
func (s *segmentSet) acquire(names []string) (segs []segment.Segment, grown <-chan struct{}, err error) {
	s.mu.RLock()
	holders := make([]*holder, len(names))
	for i, n := range names {
		holders[i] = s.m[n]
	}
	grown = s.changed
	s.mu.RUnlock()
	segs = make([]segment.Segment, 0, len(names))
	var missing []string
	for i, h := range holders {
		if h == nil {
			missing = append(missing, names[i])
			continue
		}
		seg, ok := h.acquire()
		if !ok {
			missing = append(missing, names[i])
			continue
		}
		segs = append(segs, seg)
	}
	if missing != nil {
		releaseAll(segs)
		return nil, grown, &MissingError{missing}
	}
	return segs, grown, nil
}

func releaseAll(segs []segment.Segment) {
	for _, s := range segs {
		s.Release()
	}
}
