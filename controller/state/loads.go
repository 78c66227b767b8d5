package state

import (
	"iter"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// maxFinishedLoads bounds the finished loads that are remembered per table.
const maxFinishedLoads = 100

// loadKey is where a table's latest load of a key is found.
func loadKey(tableID uint32, key string) string { return tableKey(tableID) + key }

// Load returns the load with that id, nil if there is none.
func (s *State) Load(id uint64) *pb.Load {
	l, _ := s.loads.get(indexKey(id))
	return l
}

// Loads iterates over the loads, oldest first.
func (s *State) Loads() iter.Seq[*pb.Load] { return s.loads.values("") }

// TableLoads iterates over the loads of a table, oldest first.
func (s *State) TableLoads(tableID uint32) iter.Seq[*pb.Load] {
	return func(yield func(*pb.Load) bool) {
		for l := range s.Loads() {
			if l.TableId == tableID && !yield(l) {
				return
			}
		}
	}
}

// LoadSegments iterates over the segments that a load brought and that are
// still there.
func (s *State) LoadSegments(l *pb.Load) iter.Seq[*pb.Segment] {
	return func(yield func(*pb.Segment) bool) {
		for seg := range s.TableSegments(l.TableId) {
			if seg.Load == l.Id && !yield(seg) {
				return
			}
		}
	}
}

// loadOfKey returns the latest load of a key, nil if there is none.
func (s *State) loadOfKey(tableID uint32, key string) *pb.Load {
	id, ok := s.loadKeys.get(loadKey(tableID, key))
	if !ok {
		return nil
	}
	return s.Load(id)
}

func (s *State) setLoad(l *pb.Load) {
	s.loads.set(indexKey(l.Id), l)
	if known, _ := s.loadKeys.get(loadKey(l.TableId, l.Key)); known <= l.Id {
		s.loadKeys.set(loadKey(l.TableId, l.Key), l.Id)
	}
}

func (s *State) forgetLoad(l *pb.Load) {
	s.loads.delete(indexKey(l.Id))
	if id, _ := s.loadKeys.get(loadKey(l.TableId, l.Key)); id == l.Id {
		s.loadKeys.delete(loadKey(l.TableId, l.Key))
	}
}

// dropLoads forgets all loads of a table.
func (t *tx) dropLoads(tableID uint32) {
	for _, l := range slices.Collect(t.TableLoads(tableID)) {
		t.forgetLoad(l)
	}
}

// beginLoad opens a load. A load of the same key that is open, or whose
// segments all stand, is the answer instead: asking twice is loading once.
func (t *tx) beginLoad(c *pb.BeginLoad) (proto.Message, error) {
	tab := t.Table(c.TableId)
	switch {
	case tab == nil:
		return nil, notFound("no table with id %d", c.TableId)
	case tab.Type != "OFFLINE":
		return nil, conflict("table %s_%s is not OFFLINE; only OFFLINE tables take batch loads", tab.Name, tab.Type)
	case c.Key == "":
		return nil, invalid("the load has no key")
	case c.Mode == pb.LoadMode_LOAD_MODE_UNSPECIFIED:
		return nil, invalid("the load has no mode")
	case c.Mode == pb.LoadMode_LOAD_REPLACE_RANGE && c.FromTime >= c.ToTime:
		return nil, invalid("the range of time to replace is empty: from %d to %d", c.FromTime, c.ToTime)
	}
	if old := t.loadOfKey(tab.Id, c.Key); old != nil && standing(old) {
		if old.Mode != c.Mode || old.FromTime != c.FromTime || old.ToTime != c.ToTime {
			return nil, conflict("load %d has the same key and replaces something else", old.Id)
		}
		return t.touchLoad(old), nil
	}
	l := &pb.Load{
		Id: t.Index, TableId: tab.Id, Key: c.Key, Mode: c.Mode, FromTime: c.FromTime, ToTime: c.ToTime,
		Status: pb.LoadStatus_LOAD_OPEN, CreatedMicros: t.cmd.TimeMicros, TouchedMicros: t.cmd.TimeMicros, TableVersion: tab.Version,
	}
	if _, err := t.replacedBy(l); err != nil {
		return nil, err // better now than after all was built
	}
	t.trimLoads(tab.Id)
	t.setLoad(l)
	return l, nil
}

// touchLoad notes that somebody goes on with a load, if it is open.
func (t *tx) touchLoad(l *pb.Load) *pb.Load {
	if l.Status != pb.LoadStatus_LOAD_OPEN {
		return l
	}
	l = clone(l)
	l.TouchedMicros = max(l.TouchedMicros, t.cmd.TimeMicros)
	t.setLoad(l)
	return l
}

// standing tells whether a load is open, or all that it brought is still there.
func standing(l *pb.Load) bool {
	return l.Status == pb.LoadStatus_LOAD_OPEN || l.Status == pb.LoadStatus_LOAD_COMMITTED && !l.Superseded
}

// trimLoads forgets the oldest finished loads of a table.
func (t *tx) trimLoads(tableID uint32) {
	var finished []*pb.Load
	for l := range t.TableLoads(tableID) {
		if l.Status != pb.LoadStatus_LOAD_OPEN && l.Tidied {
			finished = append(finished, l)
		}
	}
	for len(finished) >= maxFinishedLoads {
		t.forgetLoad(finished[0])
		finished = finished[1:]
	}
}

// openLoad returns a load that takes commands.
func (t *tx) openLoad(id uint64) (*pb.Load, error) {
	l := t.Load(id)
	switch {
	case l == nil:
		return nil, notFound("no load %d", id)
	case l.Status == pb.LoadStatus_LOAD_ABORTED:
		return nil, conflict("load %d was aborted: %s", id, l.Reason)
	case l.Status == pb.LoadStatus_LOAD_COMMITTED:
		return nil, conflict("load %d is committed", id)
	}
	return l, nil
}

// stageSegment adds a segment to a load. Servers fetch it from now on, queries
// do not see it. Staging the same file again changes nothing.
func (t *tx) stageSegment(c *pb.StageSegment) (proto.Message, error) {
	in := c.Segment
	if in.GetName() == "" || in.GetUri() == "" {
		return nil, invalid("the staged segment has no name or no place in the deep store")
	}
	l, err := t.openLoad(c.Load)
	if err != nil {
		return nil, err
	}
	if old := t.Segment(in.Name); old != nil {
		if old.Load == l.Id && old.Crc == in.Crc && old.Bytes == in.Bytes {
			return old, nil
		}
		return nil, conflict("a segment %s exists with other content", in.Name)
	}
	if err := checkRange(l, in); err != nil {
		return nil, err
	}
	seg := clone(in)
	seg.TableId, seg.Load, seg.Staged = l.TableId, l.Id, true
	seg.Status = pb.SegmentStatus_SEGMENT_DURABLE
	seg.Sequence = t.Index
	seg.EndReason = "load"
	seg.CreatedMicros, seg.EndedMicros, seg.CommittedMicros = t.cmd.TimeMicros, t.cmd.TimeMicros, t.cmd.TimeMicros
	t.setSegment(seg)
	l = clone(l)
	l.Segments, l.Rows, l.Bytes = l.Segments+1, l.Rows+seg.Rows, l.Bytes+seg.Bytes
	l.TouchedMicros = t.cmd.TimeMicros
	t.setLoad(l)
	return seg, nil
}

// checkRange refuses rows outside of the range that a load replaces: the same
// load again would not replace them.
func checkRange(l *pb.Load, seg *pb.Segment) error {
	switch {
	case l.Mode != pb.LoadMode_LOAD_REPLACE_RANGE || seg.Rows == 0:
		return nil
	case !seg.HasTime:
		return invalid("segment %s has rows without a time, and the load replaces a range of time", seg.Name)
	case seg.MinTime < l.FromTime || seg.MaxTime >= l.ToTime:
		return invalid("segment %s has times from %d to %d, outside of the range that the load replaces, %d to %d",
			seg.Name, seg.MinTime, seg.MaxTime, l.FromTime, l.ToTime)
	}
	return nil
}

// commitLoad makes all segments of a load visible and retires those that it
// replaces, in one step. A second commit gives the same answer.
func (t *tx) commitLoad(c *pb.CommitLoad) (proto.Message, error) {
	if l := t.Load(c.Load); l.GetStatus() == pb.LoadStatus_LOAD_COMMITTED {
		return l, nil
	}
	l, err := t.openLoad(c.Load)
	if err != nil {
		return nil, err
	}
	if l.Segments != c.Segments {
		return nil, conflict("load %d has %d staged segments, not %d", l.Id, l.Segments, c.Segments)
	}
	replaced, err := t.replacedBy(l)
	if err != nil {
		return nil, err
	}
	for _, seg := range replaced {
		t.supersede(seg)
		seg = clone(seg)
		seg.RetiredMicros = t.cmd.TimeMicros
		t.setSegment(seg)
	}
	for _, seg := range slices.Collect(t.LoadSegments(l)) {
		seg = clone(seg)
		seg.Staged, seg.CommittedMicros = false, t.cmd.TimeMicros
		t.setSegment(seg)
	}
	l = clone(l)
	l.Status, l.Replaced = pb.LoadStatus_LOAD_COMMITTED, uint64(len(replaced))
	l.TouchedMicros, l.FinishedMicros = t.cmd.TimeMicros, t.cmd.TimeMicros
	t.setLoad(l)
	return l, nil
}

// replacedBy returns the visible segments that a load takes the place of. A
// segment that lies only partly in the range is refused: its other rows would
// be lost.
func (s *State) replacedBy(l *pb.Load) ([]*pb.Segment, error) {
	if l.Mode == pb.LoadMode_LOAD_APPEND {
		return nil, nil
	}
	var out []*pb.Segment
	for seg := range s.TableSegments(l.TableId) {
		if !api.Visible(seg) {
			continue
		}
		if l.Mode == pb.LoadMode_LOAD_REPLACE_RANGE {
			if !seg.HasTime || seg.MaxTime < l.FromTime || seg.MinTime >= l.ToTime {
				continue
			}
			if seg.MinTime < l.FromTime || seg.MaxTime >= l.ToTime {
				return nil, conflict("segment %s has times from %d to %d and lies only partly in the range to replace, %d to %d",
					seg.Name, seg.MinTime, seg.MaxTime, l.FromTime, l.ToTime)
			}
		}
		out = append(out, seg)
	}
	return out, nil
}

// supersede notes that a segment which a load brought is no longer what it was.
func (t *tx) supersede(seg *pb.Segment) {
	l := t.Load(seg.Load)
	if l == nil || l.Superseded {
		return
	}
	l = clone(l)
	l.Superseded = true
	t.setLoad(l)
}

// abortLoad drops the staged segments of a load; their files are deleted like
// those of any dropped segment. Aborting twice is aborting once.
func (t *tx) abortLoad(c *pb.AbortLoad) (proto.Message, error) {
	l := t.Load(c.Load)
	if l.GetStatus() == pb.LoadStatus_LOAD_ABORTED || l != nil && c.TouchedMicros != 0 && l.TouchedMicros > c.TouchedMicros {
		return l, nil
	}
	l, err := t.openLoad(c.Load)
	if err != nil {
		return nil, err
	}
	for _, seg := range slices.Collect(t.LoadSegments(l)) {
		t.dropSegment(seg)
	}
	l = clone(l)
	l.Status, l.Reason = pb.LoadStatus_LOAD_ABORTED, c.Reason
	l.Segments, l.Rows, l.Bytes = 0, 0, 0
	l.TouchedMicros, l.FinishedMicros = t.cmd.TimeMicros, t.cmd.TimeMicros
	t.setLoad(l)
	return l, nil
}

// tidyLoads notes that nothing of finished loads is left over.
func (t *tx) tidyLoads(c *pb.TidyLoads) (proto.Message, error) {
	for _, id := range c.Loads {
		if l := t.Load(id); l != nil && l.Status != pb.LoadStatus_LOAD_OPEN && !l.Tidied {
			l = clone(l)
			l.Tidied = true
			t.setLoad(l)
		}
	}
	return nil, nil
}
