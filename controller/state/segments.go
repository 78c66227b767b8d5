package state

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/segment"
)

// createdForm prints the creation time in segment names; milliseconds keep the
// names of a table that is dropped and made again apart.
const createdForm = "20060102T150405.000Z"

// proposePartitions takes in partitions that the state does not know and opens
// a consuming segment for each whose parents are read to their end.
func (t *tx) proposePartitions(c *pb.ProposePartitions) (proto.Message, error) {
	r := c.Request
	tab := t.Table(r.GetTableId())
	if tab == nil {
		return nil, notFound("no table with id %d", r.GetTableId())
	}
	for _, p := range r.Partitions {
		if t.Partition(tab.Id, p.Id) != nil {
			continue
		}
		t.setPartition(&pb.Partition{
			TableId: tab.Id, Id: p.Id, Name: p.Name, Parents: p.Parents,
			StartOffset: p.StartOffset, StartOffsetText: p.StartOffsetText,
		})
	}
	t.openReady(tab, c.Placements, nil)
	return nil, nil
}

// openReady opens the first segment of every partition of a table that has
// none and waits for no parent. A partition without placement goes to fallback.
func (t *tx) openReady(tab *pb.Table, placements []*pb.Placement, fallback []string) {
	for _, p := range slices.Collect(t.TablePartitions(tab.Id)) {
		if p.Opened || p.Done || !t.parentsDone(p) {
			continue
		}
		p = clone(p)
		p.Opened = true
		t.setPartition(p)
		t.openSegment(tab, &pb.Segment{
			Partition: p.Id, StartOffset: p.StartOffset, StartOffsetText: p.StartOffsetText,
			Replicas: placementOf(placements, p.Id, fallback),
		})
	}
}

// parentsDone tells whether all parents that are known were read to their end.
// A parent that the stream no longer lists was never proposed: there is
// nothing of it to read.
func (s *State) parentsDone(p *pb.Partition) bool {
	for _, id := range p.Parents {
		if parent := s.Partition(p.TableId, id); parent != nil && !parent.Done {
			return false
		}
	}
	return true
}

// Waiting returns the partitions of a table that have no segment yet, whether
// or not they still wait for a parent.
func (s *State) Waiting(tableID uint32) []*pb.Partition {
	var out []*pb.Partition
	for p := range s.TablePartitions(tableID) {
		if !p.Opened && !p.Done {
			out = append(out, p)
		}
	}
	return out
}

func placementOf(placements []*pb.Placement, partition uint32, fallback []string) []string {
	for _, p := range placements {
		if p.Partition == partition {
			return p.Replicas
		}
	}
	return fallback
}

// openSegment fills in a new consuming segment.
func (t *tx) openSegment(tab *pb.Table, seg *pb.Segment) *pb.Segment {
	created := time.UnixMicro(t.cmd.TimeMicros).UTC().Format(createdForm)
	seg.Name = segment.Name(tab.Name, seg.Partition, seg.Sequence, created)
	seg.TableId = tab.Id
	seg.Status = pb.SegmentStatus_SEGMENT_CONSUMING
	seg.SchemaVersion = tab.SchemaVersion
	seg.CreatedMicros = t.cmd.TimeMicros
	t.setSegment(seg)
	return seg
}

// endSegment fixes the end of a consuming segment once and for all replicas.
// The first proposal wins; any other gets what is fixed. The next segment of
// the partition is opened in the same step and begins where this one ends.
func (t *tx) endSegment(c *pb.EndSegment) (proto.Message, error) {
	r := c.Request
	seg, err := t.ownSegment(r.GetSegment(), r.GetInstanceId())
	if err != nil {
		return nil, err
	}
	if seg.Status != pb.SegmentStatus_SEGMENT_CONSUMING {
		return &pb.EndSegmentResponse{Ended: seg, Next: t.following(seg)}, nil
	}
	if err := checkEnd(seg, r); err != nil {
		return nil, err
	}
	tab := t.Table(seg.TableId)
	ended := clone(seg)
	ended.Status = pb.SegmentStatus_SEGMENT_ENDED
	ended.EndOffset, ended.EndOffsetText = r.EndOffset, r.EndOffsetText
	ended.Rows, ended.Records, ended.Rejected = r.Rows, r.Records, r.Rejected
	ended.EndedMicros, ended.EndReason = t.cmd.TimeMicros, r.Reason
	t.setSegment(ended)
	res := &pb.EndSegmentResponse{Ended: ended}
	if r.PartitionDone {
		t.finishPartition(tab, ended, c.Placements)
		return res, nil
	}
	res.Next = t.openNext(tab, ended, r.Gap)
	return res, nil
}

// ownSegment returns a segment that an instance may act on.
func (t *tx) ownSegment(name, instance string) (*pb.Segment, error) {
	seg := t.Segment(name)
	if seg == nil {
		return nil, notFound("no segment %q", name)
	}
	if !slices.Contains(seg.Replicas, instance) {
		return nil, fenced("segment %s is not placed on %q but on %v", name, instance, seg.Replicas)
	}
	return seg, nil
}

func checkEnd(seg *pb.Segment, r *pb.EndSegmentRequest) error {
	order := bytes.Compare(r.EndOffset, seg.StartOffset)
	switch {
	case order < 0:
		return invalid("segment %s: the end offset %s lies before the start %s", seg.Name, r.EndOffsetText, seg.StartOffsetText)
	case order == 0 && (r.Rows > 0 || r.Records > 0):
		return invalid("segment %s: %d records in an empty range of offsets", seg.Name, r.Records)
	case r.Gap != nil && r.PartitionDone:
		return invalid("segment %s: a gap after the end of the partition", seg.Name)
	case r.Gap != nil && bytes.Compare(r.Gap.ToOffset, r.EndOffset) < 0:
		return invalid("segment %s: the gap ends before the segment does", seg.Name)
	}
	return nil
}

// following returns the segment after seg in its partition, nil if there is none.
func (s *State) following(seg *pb.Segment) *pb.Segment {
	key := partitionKey(seg.TableId, seg.Partition) + indexKey(seg.Sequence+1)
	for next := range s.sequence.values(key) {
		return next
	}
	return nil
}

func (t *tx) openNext(tab *pb.Table, ended *pb.Segment, gap *pb.Gap) *pb.Segment {
	next := &pb.Segment{
		Partition: ended.Partition, Sequence: ended.Sequence + 1, Replicas: ended.Replicas,
		StartOffset: ended.EndOffset, StartOffsetText: ended.EndOffsetText,
		FirstSeq: ended.FirstSeq + ended.Rows,
	}
	if gap != nil {
		t.recordGap(ended, gap)
		next.StartOffset, next.StartOffsetText = gap.ToOffset, gap.ToText
	}
	return t.openSegment(tab, next)
}

// recordGap keeps a gap for ever: from the end of the segment before it, so
// that ranges and gaps together have no hole.
func (t *tx) recordGap(ended *pb.Segment, in *pb.Gap) {
	g := clone(in)
	g.TableId, g.Partition = ended.TableId, ended.Partition
	g.FromOffset, g.FromText = ended.EndOffset, ended.EndOffsetText
	g.TimeMicros = t.cmd.TimeMicros
	t.gaps.set(gapKey(g), g)
	t.changed(&pb.Change{Entity: &pb.Change_Gap{Gap: g}})
}

// finishPartition marks a partition as read to its end and opens those that
// waited for it.
func (t *tx) finishPartition(tab *pb.Table, ended *pb.Segment, placements []*pb.Placement) {
	if p := t.Partition(ended.TableId, ended.Partition); p != nil {
		p = clone(p)
		p.Done = true
		t.setPartition(p)
	}
	t.openReady(tab, placements, ended.Replicas)
}

// publishSegment fixes checksum and size of an ended segment. A replica whose
// build differs is refused and recorded.
func (t *tx) publishSegment(r *pb.PublishSegmentRequest) (proto.Message, error) {
	seg, err := t.ownSegment(r.GetSegment(), r.GetInstanceId())
	if err != nil {
		return nil, err
	}
	switch seg.Status {
	case pb.SegmentStatus_SEGMENT_CONSUMING:
		return nil, conflict("segment %s is still consuming", seg.Name)
	case pb.SegmentStatus_SEGMENT_ENDED:
		return &pb.SegmentResponse{Segment: t.commit(seg, r)}, nil
	}
	if seg.Crc == r.Crc && seg.Bytes == r.Bytes {
		return &pb.SegmentResponse{Segment: seg}, nil
	}
	return &pb.SegmentResponse{Segment: t.recordConflict(seg, r)}, nil
}

func (t *tx) commit(seg *pb.Segment, r *pb.PublishSegmentRequest) *pb.Segment {
	seg = clone(seg)
	seg.Status = pb.SegmentStatus_SEGMENT_COMMITTED
	seg.Crc, seg.Bytes, seg.RowSum = r.Crc, r.Bytes, r.RowSum
	seg.HasTime, seg.MinTime, seg.MaxTime = r.HasTime, r.MinTime, r.MaxTime
	seg.ColumnStats = r.ColumnStats
	seg.CommittedMicros = t.cmd.TimeMicros
	t.setSegment(seg)
	return seg
}

// recordConflict notes that an instance built other bytes. The answer holds
// the committed crc, by which the instance sees that its own file is not it.
func (t *tx) recordConflict(seg *pb.Segment, r *pb.PublishSegmentRequest) *pb.Segment {
	note := fmt.Sprintf("%s built crc %08x, %d bytes", r.InstanceId, r.Crc, r.Bytes)
	if slices.Contains(seg.Conflicts, note) {
		return seg
	}
	seg = clone(seg)
	seg.Conflicts = append(seg.Conflicts, note)
	t.setSegment(seg)
	return seg
}

// durableSegment notes where a committed segment lies in the deep store.
func (t *tx) durableSegment(r *pb.DurableSegmentRequest) (proto.Message, error) {
	seg := t.Segment(r.GetSegment())
	switch {
	case seg == nil:
		return nil, notFound("no segment %q", r.GetSegment())
	case r.Uri == "":
		return nil, invalid("segment %s: the uri is empty", seg.Name)
	case seg.Status == pb.SegmentStatus_SEGMENT_DURABLE:
		return &pb.SegmentResponse{Segment: seg}, nil
	case seg.Status != pb.SegmentStatus_SEGMENT_COMMITTED:
		return nil, conflict("segment %s is not committed", seg.Name)
	}
	seg = clone(seg)
	seg.Status, seg.Uri = pb.SegmentStatus_SEGMENT_DURABLE, r.Uri
	t.setSegment(seg)
	return &pb.SegmentResponse{Segment: seg}, nil
}

// assignSegments moves segments whose replicas are still the expected ones.
func (t *tx) assignSegments(c *pb.AssignSegments) (proto.Message, error) {
	for _, a := range c.Assignments {
		seg := t.Segment(a.Segment)
		if seg == nil || !slices.Equal(seg.Replicas, a.Expected) || slices.Equal(seg.Replicas, a.Replicas) {
			continue
		}
		seg = clone(seg)
		seg.Replicas = slices.Clone(a.Replicas)
		t.setSegment(seg)
	}
	return nil, nil
}

// deleteSegments drops sealed segments, by retention or by hand.
func (t *tx) deleteSegments(c *pb.DeleteSegments) (proto.Message, error) {
	for _, name := range c.Segments {
		seg := t.Segment(name)
		if seg == nil || seg.TableId != c.TableId {
			continue
		}
		if seg.Status == pb.SegmentStatus_SEGMENT_CONSUMING || seg.Status == pb.SegmentStatus_SEGMENT_ENDED {
			return nil, conflict("segment %s is not committed yet and cannot be deleted", name)
		}
		if seg.Staged {
			return nil, conflict("segment %s belongs to the open load %d; abort the load instead", name, seg.Load)
		}
		t.supersede(seg)
		t.dropSegment(seg)
	}
	return nil, nil
}

// purgeSegments forgets deleted segments whose deep-store copy is gone.
func (t *tx) purgeSegments(c *pb.PurgeSegmentsRequest) (proto.Message, error) {
	for _, name := range c.Segments {
		t.deleted.delete(name)
	}
	return nil, nil
}
