// Package clusterview keeps a watched copy of the cluster's state, as brokers
// and servers follow it: immutable snapshots behind one atomic pointer. It
// knows the messages of api and the documents of internal/schema; it decides
// nothing.
package clusterview

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Table is a table with its segments and partitions.
type Table struct {
	Def *schema.Table
	// Err says why Def is nil: the documents cannot be read by this version.
	Err        error
	Name       string
	Segments   map[string]*pb.Segment
	Partitions map[uint32]*pb.Partition

	msg *pb.Table
}

// At returns the table with the schema as it was at an older version. The rows
// of a segment are decoded with the version that the segment names, whatever
// the table has become since.
func (t *Table) At(version uint32) (*schema.Table, error) {
	if t.Def != nil && t.Def.Schema.Version == version {
		return t.Def, nil
	}
	return api.DecodeTableAt(t.msg, version)
}

// Sorted returns the segments by partition and sequence.
func (t *Table) Sorted() []*pb.Segment {
	return slices.SortedFunc(maps.Values(t.Segments), func(a, b *pb.Segment) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Name, b.Name))
	})
}

// State is the cluster as of Index. It is immutable.
type State struct {
	Index     uint64
	ClusterID string
	// TablesVersion rises when a table is created, changed or deleted.
	TablesVersion uint64
	Tables        map[uint32]*Table
	Instances     map[string]*pb.Instance
	Users         map[string]*pb.User
	Gaps          []*pb.Gap
	// Synced is false until the first snapshot was received whole.
	Synced bool
}

func newState() *State {
	return &State{Tables: map[uint32]*Table{}, Instances: map[string]*pb.Instance{}, Users: map[string]*pb.User{}}
}

// TableByName returns the table of that name (raw, or with _REALTIME or
// _OFFLINE): the exact name, else the only one that differs by case.
func (s *State) TableByName(name string) *Table {
	var fold *Table
	for _, t := range s.Tables {
		full := t.Name
		if t.Def != nil {
			full = t.Def.NameWithType()
		}
		switch {
		case t.Name == name || full == name:
			return t
		case strings.EqualFold(t.Name, name) || strings.EqualFold(full, name):
			fold = t
		}
	}
	return fold
}

// Segment returns a segment by name, nil if there is none.
func (s *State) Segment(tableID uint32, name string) *pb.Segment {
	if t := s.Tables[tableID]; t != nil {
		return t.Segments[name]
	}
	return nil
}

// apply returns the state after an event. Only what the event touches is
// copied.
func (s *State) apply(ev *pb.WatchEvent) *State {
	n := *s
	b := builder{State: &n, ownTables: map[uint32]bool{}}
	for _, c := range ev.Changes {
		b.change(c)
	}
	n.Index = ev.Index
	if ev.ClusterId != "" {
		n.ClusterID = ev.ClusterId
	}
	return &n
}

// builder copies maps of a state at their first change.
type builder struct {
	*State
	ownTables                          map[uint32]bool
	ownTableMap, ownInstances, ownUser bool
	ownGaps                            bool
}

func (b *builder) change(c *pb.Change) {
	switch e := c.Entity.(type) {
	case *pb.Change_Table:
		b.tableChanged(e.Table, c.Deleted)
	case *pb.Change_Segment:
		if t := b.tableFor(e.Segment.TableId, c.Deleted); t != nil {
			put(t.Segments, e.Segment.Name, e.Segment, c.Deleted)
		}
	case *pb.Change_Partition:
		if t := b.tableFor(e.Partition.TableId, c.Deleted); t != nil {
			put(t.Partitions, e.Partition.Id, e.Partition, c.Deleted)
		}
	case *pb.Change_Instance:
		if !b.ownInstances {
			b.Instances, b.ownInstances = maps.Clone(b.Instances), true
		}
		put(b.Instances, e.Instance.Id, e.Instance, c.Deleted)
	case *pb.Change_User:
		if !b.ownUser {
			b.Users, b.ownUser = maps.Clone(b.Users), true
		}
		put(b.Users, e.User.Name, e.User, c.Deleted)
	case *pb.Change_Gap:
		if !b.ownGaps {
			b.Gaps, b.ownGaps = slices.Clone(b.Gaps), true
		}
		if !c.Deleted {
			b.Gaps = append(b.Gaps, e.Gap)
		} else {
			b.Gaps = slices.DeleteFunc(b.Gaps, func(g *pb.Gap) bool {
				return g.TableId == e.Gap.TableId && (e.Gap.Partition == g.Partition && string(g.FromOffset) == string(e.Gap.FromOffset))
			})
		}
	}
}

func put[K comparable, V any](m map[K]V, k K, v V, deleted bool) {
	if deleted {
		delete(m, k)
		return
	}
	m[k] = v
}

// tableFor returns the table that a change belongs to, nil for a deletion in a
// table that is itself gone.
func (b *builder) tableFor(id uint32, deleted bool) *Table {
	if deleted && b.Tables[id] == nil {
		return nil
	}
	return b.table(id)
}

// table returns a table that may be changed, making an empty one for segments
// that arrive before their table (parts of a snapshot come in any order).
func (b *builder) table(id uint32) *Table {
	if !b.ownTableMap {
		b.Tables, b.ownTableMap = maps.Clone(b.Tables), true
	}
	t := b.Tables[id]
	switch {
	case t == nil:
		t = &Table{Segments: map[string]*pb.Segment{}, Partitions: map[uint32]*pb.Partition{}}
	case !b.ownTables[id]:
		c := *t
		c.Segments, c.Partitions = maps.Clone(t.Segments), maps.Clone(t.Partitions)
		t = &c
	}
	b.ownTables[id] = true
	b.Tables[id] = t
	return t
}

func (b *builder) tableChanged(p *pb.Table, deleted bool) {
	b.TablesVersion++
	if deleted {
		if b.tableFor(p.Id, true) != nil {
			delete(b.Tables, p.Id)
		}
		return
	}
	t := b.table(p.Id)
	t.Name, t.msg = p.Name, p
	t.Def, t.Err = api.DecodeTable(p)
}
