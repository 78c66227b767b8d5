package state

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

func begin(table uint32, key string, mode pb.LoadMode, times ...int64) *pb.Command {
	b := &pb.BeginLoad{TableId: table, Key: key, Mode: mode}
	if len(times) == 2 {
		b.FromTime, b.ToTime = times[0], times[1]
	}
	return &pb.Command{Body: &pb.Command_BeginLoad{BeginLoad: b}}
}

func stage(load uint64, name string, crc uint32, times ...int64) *pb.Command {
	seg := &pb.Segment{Name: name, Crc: crc, Bytes: 10, Rows: 1, Uri: "file:///" + name, Replicas: []string{"s"}}
	if len(times) == 2 {
		seg.HasTime, seg.MinTime, seg.MaxTime = true, times[0], times[1]
	}
	return &pb.Command{Body: &pb.Command_StageSegment{StageSegment: &pb.StageSegment{Load: load, Segment: seg}}}
}

func commitOf(load, segments uint64) *pb.Command {
	return &pb.Command{Body: &pb.Command_CommitLoad{CommitLoad: &pb.CommitLoad{Load: load, Segments: segments}}}
}

func abortOf(load uint64, touched int64) *pb.Command {
	return &pb.Command{Body: &pb.Command_AbortLoad{AbortLoad: &pb.AbortLoad{Load: load, Reason: "by test", TouchedMicros: touched}}}
}

func tidy(loads ...uint64) *pb.Command {
	return &pb.Command{Body: &pb.Command_TidyLoads{TidyLoads: &pb.TidyLoads{Loads: loads}}}
}

// offline returns a machine with an OFFLINE table t.
func offline(t *testing.T) (*machine, uint32) {
	m := newMachine(t)
	m.must(putSchema("t", "a"))
	cmd := createTable("t", "a")
	cmd.GetCreateTable().Table.Type = "OFFLINE"
	m.must(cmd)
	return m, m.st.TableByName("t").Id
}

// load decodes the load that a command answered.
func (m *machine) load(cmd *pb.Command) *pb.Load {
	m.t.Helper()
	l := &pb.Load{}
	if err := proto.Unmarshal(m.must(cmd).Answer, l); err != nil {
		m.t.Fatal(err)
	}
	return l
}

// visible returns the names of what queries see.
func (m *machine) visible(table uint32) string {
	var names []string
	for seg := range m.st.TableSegments(table) {
		if api.Visible(seg) {
			names = append(names, seg.Name)
		}
	}
	slices.Sort(names)
	return fmt.Sprint(names)
}

func (m *machine) sees(table uint32, want ...string) {
	m.t.Helper()
	if got := m.visible(table); got != fmt.Sprint(want) {
		m.t.Errorf("visible are %s, want %v", got, want)
	}
}

func TestLoadBecomesVisibleTogether(t *testing.T) {
	m, tab := offline(t)
	l := m.load(begin(tab, "k", pb.LoadMode_LOAD_APPEND))
	m.must(stage(l.Id, "a", 1))
	m.must(stage(l.Id, "b", 1))
	m.must(stage(l.Id, "a", 1)) // once more: nothing new
	m.sees(tab)
	m.refused(api.ErrConflict, "other content", stage(l.Id, "a", 2))
	m.refused(api.ErrConflict, "2 staged segments, not 1", commitOf(l.Id, 1))
	res := m.must(commitOf(l.Id, 2))
	if len(res.Changes) != 2 {
		t.Errorf("the commit told of %d changes", len(res.Changes))
	}
	m.sees(tab, "a", "b")
	if again := m.load(commitOf(l.Id, 2)); again.Status != pb.LoadStatus_LOAD_COMMITTED || again.Rows != 2 || again.Bytes != 20 {
		t.Errorf("second commit: %v", again)
	}
	m.refused(api.ErrConflict, "committed", stage(l.Id, "c", 1))
	m.refused(api.ErrConflict, "committed", abortOf(l.Id, 0))
}

func TestBeginLoadIsIdempotent(t *testing.T) {
	m, tab := offline(t)
	all := pb.LoadMode_LOAD_REPLACE_ALL
	first := m.load(begin(tab, "k", all))
	if again := m.load(begin(tab, "k", all)); again.Id != first.Id {
		t.Errorf("an open load was begun again")
	}
	m.refused(api.ErrConflict, "replaces something else", begin(tab, "k", pb.LoadMode_LOAD_APPEND))
	m.must(stage(first.Id, "a", 1))
	m.must(commitOf(first.Id, 1))
	if again := m.load(begin(tab, "k", all)); again.Id != first.Id || again.Status != pb.LoadStatus_LOAD_COMMITTED {
		t.Errorf("a committed load was begun again: %v", again)
	}
	other := m.load(begin(tab, "other", all))
	m.must(stage(other.Id, "b", 1))
	m.must(commitOf(other.Id, 1))
	if again := m.load(begin(tab, "k", all)); again.Id == first.Id {
		t.Errorf("a load that another has replaced counts as done")
	}
	aborted := m.load(begin(tab, "x", all))
	m.must(abortOf(aborted.Id, 0))
	if again := m.load(begin(tab, "x", all)); again.Id == aborted.Id {
		t.Errorf("an aborted load was taken up")
	}
}

func TestReplaceAll(t *testing.T) {
	m, tab := offline(t)
	for i, name := range []string{"a", "b", "c"} {
		l := m.load(begin(tab, name, pb.LoadMode_LOAD_REPLACE_ALL))
		m.must(stage(l.Id, name, 1))
		open := m.load(begin(tab, fmt.Sprint("open", i), pb.LoadMode_LOAD_APPEND))
		m.must(stage(open.Id, fmt.Sprint("staged", i), 1)) // staged ones stay
		want := uint64(min(i, 1))
		if l = m.load(commitOf(l.Id, 1)); l.Replaced != want {
			t.Errorf("%s replaced %d segments, want %d", name, l.Replaced, want)
		}
		m.sees(tab, name)
	}
	if a := m.st.Segment("a"); a.GetRetiredMicros() == 0 {
		t.Errorf("a replaced segment is not kept: %v", a)
	}
	m.refused(api.ErrConflict, "open load", deleteSegments(tab, "staged0"))
	m.must(deleteSegments(tab, "a", "b"))
	if m.st.Segment("a") != nil || len(slices.Collect(m.st.Deleted())) != 2 {
		t.Error("replaced segments cannot be deleted")
	}
}

func deleteSegments(table uint32, names ...string) *pb.Command {
	return &pb.Command{Body: &pb.Command_DeleteSegments{DeleteSegments: &pb.DeleteSegments{TableId: table, Segments: names}}}
}

func TestReplaceRange(t *testing.T) {
	m, tab := offline(t)
	l := m.load(begin(tab, "days", pb.LoadMode_LOAD_APPEND))
	m.must(stage(l.Id, "day1", 1, 10, 19))
	m.must(stage(l.Id, "day2", 1, 20, 29))
	m.must(stage(l.Id, "timeless", 1))
	m.must(commitOf(l.Id, 3))
	mode := pb.LoadMode_LOAD_REPLACE_RANGE
	m.refused(api.ErrInvalid, "empty", begin(tab, "r", mode, 20, 20))
	r := m.load(begin(tab, "r", mode, 20, 30))
	m.refused(api.ErrInvalid, "outside of the range", stage(r.Id, "new2", 1, 20, 30))
	m.refused(api.ErrInvalid, "without a time", stage(r.Id, "new2", 1))
	m.must(stage(r.Id, "new2", 1, 20, 29))
	m.must(commitOf(r.Id, 1))
	m.sees(tab, "day1", "new2", "timeless")
	if !m.st.Load(l.Id).Superseded {
		t.Error("the load of the replaced segment counts as whole")
	}
	m.refused(api.ErrConflict, "only partly", begin(tab, "part", mode, 15, 40))
	later := m.load(begin(tab, "later", mode, 35, 40))
	between := m.load(begin(tab, "between", pb.LoadMode_LOAD_APPEND))
	m.must(stage(between.Id, "day3", 1, 30, 39))
	m.must(commitOf(between.Id, 1))
	m.refused(api.ErrConflict, "only partly", commitOf(later.Id, 0))
	m.sees(tab, "day1", "day3", "new2", "timeless")
}

func TestAbortLoad(t *testing.T) {
	m, tab := offline(t)
	l := m.load(begin(tab, "k", pb.LoadMode_LOAD_APPEND))
	m.must(stage(l.Id, "a", 1))
	touched := m.st.Load(l.Id).TouchedMicros
	m.must(abortOf(l.Id, touched-1)) // it was touched since: nothing happens
	if m.st.Segment("a") == nil {
		t.Fatal("a load in use was aborted")
	}
	m.must(abortOf(l.Id, touched))
	m.must(abortOf(l.Id, 0))
	if m.st.Segment("a") != nil || len(slices.Collect(m.st.Deleted())) != 1 {
		t.Error("the staged segment is still there, or its file is forgotten")
	}
	m.refused(api.ErrConflict, "aborted: by test", stage(l.Id, "a", 1))
	m.refused(api.ErrConflict, "aborted: by test", commitOf(l.Id, 0))
	m.refused(api.ErrNotFound, "no load", abortOf(12345, 0))
}

func TestLoadRefusals(t *testing.T) {
	m, tab := offline(t)
	m.must(putSchema("rt", "a"))
	m.must(createTable("rt", "a"))
	m.refused(api.ErrConflict, "not OFFLINE", begin(m.st.TableByName("rt").Id, "k", pb.LoadMode_LOAD_APPEND))
	m.refused(api.ErrNotFound, "no table", begin(99, "k", pb.LoadMode_LOAD_APPEND))
	m.refused(api.ErrInvalid, "no key", begin(tab, "", pb.LoadMode_LOAD_APPEND))
	m.refused(api.ErrInvalid, "no mode", begin(tab, "k", 0))
	m.refused(api.ErrNotFound, "no load", stage(77, "a", 1))
}

func TestDeleteTableForgetsLoads(t *testing.T) {
	m, tab := offline(t)
	l := m.load(begin(tab, "k", pb.LoadMode_LOAD_APPEND))
	m.must(stage(l.Id, "a", 1))
	m.must(deleteTable("t"))
	if len(slices.Collect(m.st.Loads())) != 0 || m.st.NumSegments() != 0 || len(slices.Collect(m.st.Deleted())) != 1 {
		t.Error("something of the load is left, or its file is forgotten")
	}
}

func TestFinishedLoadsAreBounded(t *testing.T) {
	m, tab := offline(t)
	open := m.load(begin(tab, "open", pb.LoadMode_LOAD_APPEND))
	for i := range maxFinishedLoads + 20 {
		l := m.load(begin(tab, fmt.Sprint(i), pb.LoadMode_LOAD_APPEND))
		m.must(commitOf(l.Id, 0))
		m.must(tidy(l.Id))
	}
	if n := len(slices.Collect(m.st.Loads())); n > maxFinishedLoads+1 || m.st.Load(open.Id) == nil {
		t.Errorf("%d loads are kept, the open one: %v", n, m.st.Load(open.Id))
	}
}

func TestLoadsInSnapshots(t *testing.T) {
	m, tab := offline(t)
	l := m.load(begin(tab, "k", pb.LoadMode_LOAD_REPLACE_RANGE, 1, 9))
	m.must(stage(l.Id, "a", 1, 2, 3))
	raw := snapshotOf(t, m.st)
	st, err := Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(st.Load(l.Id), m.st.Load(l.Id)) || !bytes.Equal(raw, snapshotOf(t, st)) {
		t.Error("the load is another after the snapshot")
	}
	m.st = st
	if again := m.load(begin(tab, "k", pb.LoadMode_LOAD_REPLACE_RANGE, 1, 9)); again.Id != l.Id {
		t.Error("the key is forgotten after the snapshot")
	}
}

// randomLoad makes a command about a load, valid or not.
func randomLoad(rng *rand.Rand, st *State, table string) *pb.Command {
	loads := slices.Collect(st.Loads())
	if len(loads) == 0 || rng.IntN(4) == 0 {
		return begin(st.TableByName(table).GetId(), fmt.Sprint("k", rng.IntN(5)), pb.LoadMode(1+rng.IntN(3)), 0, 50)
	}
	l := loads[rng.IntN(len(loads))]
	switch rng.IntN(8) {
	case 0:
		return abortOf(l.Id, 0)
	case 1, 2:
		return commitOf(l.Id, l.Segments)
	case 3:
		return tidy(l.Id)
	}
	low := rng.Int64N(60)
	return stage(l.Id, fmt.Sprintf("load%d_%d", l.Id, rng.IntN(6)), uint32(rng.IntN(2)), low, low+rng.Int64N(10))
}
