package state

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api/pb"
)

// snapshotVersion is the version of the snapshot's records.
const snapshotVersion = 1

// maxRecordBytes bounds one record of a snapshot, against a damaged length.
const maxRecordBytes = 64 << 20

// ErrSnapshot is returned for a snapshot that is damaged or not one.
var ErrSnapshot = errors.New("damaged snapshot of the cluster state")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Entities iterates over everything that watchers see, as changes: first
// deleted segments whose deep-store copy is still to be deleted (followed by
// their tables, where these are gone too), then all that exists, tables before
// what is in them.
func (s *State) Entities(yield func(*pb.Change) bool) {
	_ = s.deletedEntities(yield) &&
		each(s.Users(), yield, func(v *pb.User) *pb.Change { return &pb.Change{Entity: &pb.Change_User{User: v}} }) &&
		each(s.Instances(), yield, func(v *pb.Instance) *pb.Change {
			return &pb.Change{Entity: &pb.Change_Instance{Instance: v}}
		}) &&
		s.storedEntities(yield)
}

// storedEntities are those of schemas and tables.
func (s *State) storedEntities(yield func(*pb.Change) bool) bool {
	return each(s.Schemas(), yield, func(v *pb.Schema) *pb.Change { return &pb.Change{Entity: &pb.Change_Schema{Schema: v}} }) &&
		each(s.Tables(), yield, func(v *pb.Table) *pb.Change { return &pb.Change{Entity: &pb.Change_Table{Table: v}} }) &&
		each(s.partitions.values(""), yield, func(v *pb.Partition) *pb.Change {
			return &pb.Change{Entity: &pb.Change_Partition{Partition: v}}
		}) &&
		each(s.Gaps(), yield, func(v *pb.Gap) *pb.Change { return &pb.Change{Entity: &pb.Change_Gap{Gap: v}} }) &&
		each(s.Segments(), yield, func(v *pb.Segment) *pb.Change {
			return &pb.Change{Entity: &pb.Change_Segment{Segment: v}}
		})
}

func (s *State) deletedEntities(yield func(*pb.Change) bool) bool {
	gone := map[uint32]bool{}
	for seg := range s.Deleted() {
		if s.Table(seg.TableId) == nil {
			gone[seg.TableId] = true
		}
		if !yield(&pb.Change{Deleted: true, Entity: &pb.Change_Segment{Segment: seg}}) {
			return false
		}
	}
	for id := range gone {
		if !yield(&pb.Change{Deleted: true, Entity: &pb.Change_Table{Table: &pb.Table{Id: id}}}) {
			return false
		}
	}
	return true
}

// each yields the changes that f makes of a sequence; false when stopped.
func each[V any](seq func(func(V) bool), yield func(*pb.Change) bool, f func(V) *pb.Change) bool {
	for v := range seq {
		if !yield(f(v)) {
			return false
		}
	}
	return true
}

// WriteTo writes the state as a snapshot: length-prefixed records, the last of
// which counts and checks the others. The same state gives the same bytes.
func (s *State) WriteTo(w io.Writer) (int64, error) {
	sw := &snapshotWriter{w: bufio.NewWriterSize(w, 1<<16)}
	sw.put(&pb.SnapshotRecord{Body: &pb.SnapshotRecord_Header{Header: &pb.SnapshotHeader{
		Version: snapshotVersion, Index: s.Index, ClusterId: s.ClusterID, NextTableId: s.nextTableID,
	}}})
	each(s.Users(), sw.entity, func(v *pb.User) *pb.Change { return &pb.Change{Entity: &pb.Change_User{User: v}} })
	each(s.Instances(), sw.entity, func(v *pb.Instance) *pb.Change {
		return &pb.Change{Entity: &pb.Change_Instance{Instance: v}}
	})
	s.storedEntities(sw.entity)
	for k, v := range s.Settings() {
		sw.put(&pb.SnapshotRecord{Body: &pb.SnapshotRecord_Setting{Setting: &pb.PutSetting{Key: k, Value: v}}})
	}
	for seg := range s.Deleted() {
		sw.put(&pb.SnapshotRecord{Body: &pb.SnapshotRecord_DeletedSegment{DeletedSegment: seg}})
	}
	for l := range s.Loads() {
		sw.put(&pb.SnapshotRecord{Body: &pb.SnapshotRecord_Load{Load: l}})
	}
	for _, key := range s.answerOrder.all("") {
		if a, ok := s.answers.get(key); ok {
			sw.put(&pb.SnapshotRecord{Body: &pb.SnapshotRecord_Answer{Answer: a}})
		}
	}
	sw.put(&pb.SnapshotRecord{Body: &pb.SnapshotRecord_Trailer{Trailer: &pb.SnapshotTrailer{Records: sw.records, Crc: sw.crc}}})
	return sw.finish()
}

// snapshotWriter writes records and keeps the first error.
type snapshotWriter struct {
	w       *bufio.Writer
	buf     []byte
	written int64
	records uint64
	crc     uint32
	err     error
}

func (w *snapshotWriter) entity(c *pb.Change) bool {
	w.put(&pb.SnapshotRecord{Body: &pb.SnapshotRecord_Entity{Entity: c}})
	return w.err == nil
}

func (w *snapshotWriter) put(r *pb.SnapshotRecord) {
	if w.err != nil {
		return
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil {
		w.err = err
		return
	}
	w.buf = binary.AppendUvarint(w.buf[:0], uint64(len(body)))
	w.buf = append(w.buf, body...)
	w.crc = crc32.Update(w.crc, castagnoli, w.buf)
	w.records++
	n, err := w.w.Write(w.buf)
	w.written += int64(n)
	w.err = err
}

func (w *snapshotWriter) finish() (int64, error) {
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.written, w.err
}

// Read reads a snapshot that WriteTo wrote.
func Read(r io.Reader) (*State, error) {
	s := New()
	in := &snapshotReader{r: bufio.NewReaderSize(r, 1<<16)}
	for first := true; ; first = false {
		before := in.crc
		rec, err := in.next()
		if err != nil {
			return nil, err
		}
		if first != (rec.GetHeader() != nil) {
			return nil, fmt.Errorf("%w: no header, or two", ErrSnapshot)
		}
		if end := rec.GetTrailer(); end != nil {
			if end.Crc != before || end.Records != in.records-1 {
				return nil, fmt.Errorf("%w: checksum or count of records is wrong", ErrSnapshot)
			}
			return s, nil
		}
		if err := s.restore(rec); err != nil {
			return nil, err
		}
	}
}

type snapshotReader struct {
	r       *bufio.Reader
	buf     bytes.Buffer
	records uint64
	crc     uint32
}

func (r *snapshotReader) next() (*pb.SnapshotRecord, error) {
	size, err := binary.ReadUvarint(r.r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if size > maxRecordBytes {
		return nil, fmt.Errorf("%w: a record of %d bytes", ErrSnapshot, size)
	}
	// Read through a growing buffer: a damaged length must not allocate more
	// than there is.
	r.buf.Reset()
	if _, err := io.CopyN(&r.buf, r.r, int64(size)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	r.crc = crc32.Update(r.crc, castagnoli, binary.AppendUvarint(nil, size))
	r.crc = crc32.Update(r.crc, castagnoli, r.buf.Bytes())
	r.records++
	rec := &pb.SnapshotRecord{}
	if err := proto.Unmarshal(r.buf.Bytes(), rec); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	return rec, nil
}

func (s *State) restore(rec *pb.SnapshotRecord) error {
	switch b := rec.Body.(type) {
	case *pb.SnapshotRecord_Header:
		if b.Header.Version > snapshotVersion {
			return fmt.Errorf("snapshot of version %d, this controller reads %d", b.Header.Version, snapshotVersion)
		}
		s.Index, s.ClusterID, s.nextTableID = b.Header.Index, b.Header.ClusterId, b.Header.NextTableId
	case *pb.SnapshotRecord_Entity:
		return s.restoreEntity(b.Entity)
	case *pb.SnapshotRecord_Setting:
		s.settings.set(b.Setting.GetKey(), b.Setting.GetValue())
	case *pb.SnapshotRecord_DeletedSegment:
		s.deleted.set(b.DeletedSegment.GetName(), b.DeletedSegment)
	case *pb.SnapshotRecord_Load:
		s.setLoad(b.Load)
	case *pb.SnapshotRecord_Answer:
		s.answers.set(b.Answer.GetKey(), b.Answer)
		s.answerOrder.set(indexKey(b.Answer.GetIndex()), b.Answer.GetKey())
	default:
		return fmt.Errorf("%w: a record of unknown kind", ErrSnapshot)
	}
	return nil
}

func (s *State) restoreEntity(c *pb.Change) error {
	switch e := c.GetEntity().(type) {
	case *pb.Change_User:
		s.users.set(e.User.GetName(), e.User)
	case *pb.Change_Instance:
		s.instances.set(e.Instance.GetId(), e.Instance)
	case *pb.Change_Schema:
		s.schemas.set(e.Schema.GetName(), e.Schema)
	case *pb.Change_Table:
		s.tables.set(tableKey(e.Table.GetId()), e.Table)
		s.tableNames.set(strings.ToLower(e.Table.GetName()), e.Table.GetId())
	case *pb.Change_Partition:
		s.partitions.set(partitionKey(e.Partition.GetTableId(), e.Partition.GetId()), e.Partition)
	case *pb.Change_Gap:
		s.gaps.set(gapKey(e.Gap), e.Gap)
	case *pb.Change_Segment:
		s.segments.set(e.Segment.GetName(), e.Segment)
		s.sequence.set(segmentKey(e.Segment), e.Segment)
	default:
		return fmt.Errorf("%w: an entity of unknown kind", ErrSnapshot)
	}
	return nil
}
