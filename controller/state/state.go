// Package state is the cluster's state and the pure function that applies a
// command to it. It does no I/O, reads no clock and rolls no dice: times, ids
// and servers are in the commands, chosen by their proposer, so that every
// replica of the Raft log computes the same state and the same answers.
//
// A State is an immutable value over persistent maps. Applying a command
// returns a new State that shares almost everything with the old one, so that
// readers and snapshots hold one without locks for as long as they like. The
// protobuf messages in it are never changed once they are in.
package state

import (
	"encoding/binary"
	"iter"
	"strings"

	"github.com/benbjohnson/immutable"

	"github.com/alluviumdb/alluvium/api/pb"
)

// State is the state of the cluster after the log entry Index.
type State struct {
	// Index is the index of the last applied command.
	Index uint64
	// ClusterID is "" until the cluster was bootstrapped.
	ClusterID string

	nextTableID uint32
	schemas     table[*pb.Schema]
	tables      table[*pb.Table]     // by tableKey
	tableNames  table[uint32]        // lower-case raw name -> id
	segments    table[*pb.Segment]   // by name
	sequence    table[*pb.Segment]   // by segmentKey: table, partition, sequence
	partitions  table[*pb.Partition] // by partitionKey
	gaps        table[*pb.Gap]       // by gapKey
	instances   table[*pb.Instance]
	users       table[*pb.User]
	settings    table[string]
	deleted     table[*pb.Segment] // deep-store copies still to be deleted, by name
	answers     table[*pb.Answer]  // by idempotency key
	answerOrder table[string]      // index -> idempotency key, oldest first
	loads       table[*pb.Load]    // by indexKey of the id
	loadKeys    table[uint64]      // by loadKey: the latest load of that key
}

// New returns the state before the first command.
func New() *State {
	return &State{nextTableID: 1}
}

// table is a persistent sorted map from text keys. The zero value is empty.
type table[V any] struct {
	m *immutable.SortedMap[string, V]
}

func (t table[V]) get(key string) (v V, ok bool) {
	if t.m == nil {
		return v, false
	}
	return t.m.Get(key)
}

func (t table[V]) len() int {
	if t.m == nil {
		return 0
	}
	return t.m.Len()
}

func (t *table[V]) set(key string, v V) {
	if t.m == nil {
		t.m = immutable.NewSortedMap[string, V](nil)
	}
	t.m = t.m.Set(key, v)
}

func (t *table[V]) delete(key string) {
	if t.m != nil {
		t.m = t.m.Delete(key)
	}
}

// all iterates in key order over the keys with a prefix.
func (t table[V]) all(prefix string) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		if t.m == nil || t.m.Len() == 0 {
			return
		}
		it := t.m.Iterator()
		if prefix != "" {
			it.Seek(prefix)
		}
		for !it.Done() {
			k, v, _ := it.Next()
			if !strings.HasPrefix(k, prefix) || !yield(k, v) {
				return
			}
		}
	}
}

func (t table[V]) values(prefix string) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range t.all(prefix) {
			if !yield(v) {
				return
			}
		}
	}
}

// Keys are big-endian, so that their byte order is the numbers' order.

func tableKey(id uint32) string { return string(binary.BigEndian.AppendUint32(nil, id)) }

func partitionKey(tableID, partition uint32) string {
	return tableKey(tableID) + tableKey(partition)
}

func segmentKey(s *pb.Segment) string {
	return partitionKey(s.TableId, s.Partition) + indexKey(s.Sequence) + s.Name
}

func gapKey(g *pb.Gap) string {
	return partitionKey(g.TableId, g.Partition) + string(g.ToOffset)
}

func indexKey(index uint64) string { return string(binary.BigEndian.AppendUint64(nil, index)) }

// Table returns the table with that id, nil if there is none.
func (s *State) Table(id uint32) *pb.Table {
	t, _ := s.tables.get(tableKey(id))
	return t
}

// TableByName returns the table with that raw name, nil if there is none. The
// exact name wins; otherwise case does not matter, as no two tables differ
// only by case.
func (s *State) TableByName(name string) *pb.Table {
	id, ok := s.tableNames.get(strings.ToLower(name))
	if !ok {
		return nil
	}
	return s.Table(id)
}

// Tables iterates over the tables by id.
func (s *State) Tables() iter.Seq[*pb.Table] { return s.tables.values("") }

// NumTables returns the number of tables.
func (s *State) NumTables() int { return s.tables.len() }

// Schema returns the schema with that name, nil if there is none.
func (s *State) Schema(name string) *pb.Schema {
	v, _ := s.schemas.get(name)
	return v
}

// Schemas iterates over the schemas by name.
func (s *State) Schemas() iter.Seq[*pb.Schema] { return s.schemas.values("") }

// Segment returns the segment with that name, nil if there is none.
func (s *State) Segment(name string) *pb.Segment {
	v, _ := s.segments.get(name)
	return v
}

// Segments iterates over all segments by table, partition and sequence.
func (s *State) Segments() iter.Seq[*pb.Segment] { return s.sequence.values("") }

// NumSegments returns the number of segments.
func (s *State) NumSegments() int { return s.segments.len() }

// TableSegments iterates over a table's segments by partition and sequence.
func (s *State) TableSegments(tableID uint32) iter.Seq[*pb.Segment] {
	return s.sequence.values(tableKey(tableID))
}

// PartitionSegments iterates over a partition's segments by sequence.
func (s *State) PartitionSegments(tableID, partition uint32) iter.Seq[*pb.Segment] {
	return s.sequence.values(partitionKey(tableID, partition))
}

// Partition returns a partition, nil if it is not known.
func (s *State) Partition(tableID, id uint32) *pb.Partition {
	v, _ := s.partitions.get(partitionKey(tableID, id))
	return v
}

// TablePartitions iterates over a table's partitions by id.
func (s *State) TablePartitions(tableID uint32) iter.Seq[*pb.Partition] {
	return s.partitions.values(tableKey(tableID))
}

// Gaps iterates over all gaps by table, partition and offset.
func (s *State) Gaps() iter.Seq[*pb.Gap] { return s.gaps.values("") }

// Instance returns the instance with that id, nil if there is none.
func (s *State) Instance(id string) *pb.Instance {
	v, _ := s.instances.get(id)
	return v
}

// Instances iterates over the instances by id.
func (s *State) Instances() iter.Seq[*pb.Instance] { return s.instances.values("") }

// User returns the user with that name, nil if there is none.
func (s *State) User(name string) *pb.User {
	v, _ := s.users.get(name)
	return v
}

// Users iterates over the users by name.
func (s *State) Users() iter.Seq[*pb.User] { return s.users.values("") }

// Setting returns a cluster setting, "" if it is not set.
func (s *State) Setting(key string) string {
	v, _ := s.settings.get(key)
	return v
}

// Settings iterates over the cluster settings by key.
func (s *State) Settings() iter.Seq2[string, string] { return s.settings.all("") }

// Deleted iterates over the deleted segments whose deep-store copy is still to
// be deleted.
func (s *State) Deleted() iter.Seq[*pb.Segment] { return s.deleted.values("") }
