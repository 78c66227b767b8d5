package raft

import (
	"sort"

	"github.com/alluviumdb/alluvium/api/pb"
)

// Bounds of the changes that are kept for watchers.
const (
	ringEntries = 8192
	ringChanges = 1 << 16
)

// entry is what one command changed.
type entry struct {
	index   uint64
	changes []*pb.Change
}

// ring keeps the latest changes in order of their index. It knows everything
// that changed after floor.
type ring struct {
	floor   uint64
	entries []entry
	changes int // in all entries
}

// add appends what a command changed and drops the oldest beyond the bounds.
// A single command may exceed them; it stays until the next.
func (r *ring) add(index uint64, changes []*pb.Change) {
	if len(changes) == 0 {
		return
	}
	r.entries = append(r.entries, entry{index, changes})
	r.changes += len(changes)
	drop := 0
	for len(r.entries)-drop > 1 && (len(r.entries)-drop > ringEntries || r.changes > ringChanges) {
		r.changes -= len(r.entries[drop].changes)
		r.floor = r.entries[drop].index
		drop++
	}
	r.entries = r.entries[drop:]
}

// reset forgets everything: the state was replaced by that of an index.
func (r *ring) reset(index uint64) { *r = ring{floor: index} }

// since returns what changed after an index; ok is false when that is no
// longer known. The result is not changed later.
func (r *ring) since(index uint64) (news []entry, ok bool) {
	if index < r.floor {
		return nil, false
	}
	i := sort.Search(len(r.entries), func(i int) bool { return r.entries[i].index > index })
	return r.entries[i:len(r.entries):len(r.entries)], true
}
