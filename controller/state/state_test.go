package state

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

// machine applies commands one after the other.
type machine struct {
	t     *testing.T
	st    *State
	index uint64
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, st: New()}
	m.must(&pb.Command{Body: &pb.Command_Bootstrap{Bootstrap: &pb.Bootstrap{ClusterId: "c1"}}})
	return m
}

func (m *machine) apply(cmd *pb.Command) *Result {
	m.index++
	if cmd.TimeMicros == 0 {
		cmd.TimeMicros = int64(m.index) * 1_000_000
	}
	next, res := m.st.Apply(m.index, cmd)
	if next.Index != m.index {
		m.t.Fatalf("index %d after command %d", next.Index, m.index)
	}
	m.st = next
	return res
}

func (m *machine) must(cmd *pb.Command) *Result {
	m.t.Helper()
	res := m.apply(cmd)
	if err := res.Err(); err != nil {
		m.t.Fatalf("%v: %v", cmd, err)
	}
	return res
}

// refused expects a refusal that changes nothing.
func (m *machine) refused(want error, text string, cmd *pb.Command) {
	m.t.Helper()
	before := snapshotOf(m.t, m.st)
	res := m.apply(cmd)
	if err := res.Err(); !errors.Is(err, want) || !strings.Contains(res.Error, text) {
		m.t.Errorf("%v: error %v, want %v with %q", cmd, err, want, text)
	}
	if len(res.Changes) > 0 || !sameExceptIndex(m.t, before, m.st) {
		m.t.Errorf("%v: refused, but it changed something: %v", cmd, res.Changes)
	}
}

func snapshotOf(t *testing.T, s *State) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sameExceptIndex compares states by their snapshots under one index.
func sameExceptIndex(t *testing.T, before []byte, after *State) bool {
	t.Helper()
	old, err := Read(bytes.NewReader(before))
	if err != nil {
		t.Fatal(err)
	}
	c := *after
	c.Index = old.Index
	return bytes.Equal(before, snapshotOf(t, &c))
}

func putSchema(name string, columns ...string) *pb.Command {
	return &pb.Command{Body: &pb.Command_PutSchema{PutSchema: &pb.PutSchema{
		Schema: &pb.Schema{Name: name, Json: []byte(strings.Join(columns, ","))}, Columns: columns,
	}}}
}

func createTable(name string, columns ...string) *pb.Command {
	return &pb.Command{Body: &pb.Command_CreateTable{CreateTable: &pb.CreateTable{
		Table:   &pb.Table{Name: name, Type: "REALTIME", SchemaJson: []byte(strings.Join(columns, ",")), ConfigJson: []byte("{}")},
		Columns: columns,
	}}}
}

func deleteTable(name string) *pb.Command {
	return &pb.Command{Body: &pb.Command_DeleteTable{DeleteTable: &pb.DeleteTable{Name: name}}}
}

func putServer(id string) *pb.Command {
	return &pb.Command{Body: &pb.Command_PutInstance{PutInstance: &pb.PutInstance{Instance: &pb.Instance{Id: id, Role: pb.Role_ROLE_SERVER}}}}
}

// propose places each partition on server s.
func propose(table uint32, parts ...*pb.Partition) *pb.Command {
	p := &pb.ProposePartitions{Request: &pb.ProposePartitionsRequest{TableId: table, Partitions: parts}}
	for _, part := range parts {
		p.Placements = append(p.Placements, &pb.Placement{Partition: part.Id, Replicas: []string{"s"}})
	}
	return &pb.Command{Body: &pb.Command_ProposePartitions{ProposePartitions: p}}
}

func partition(id uint32, parents ...uint32) *pb.Partition {
	return &pb.Partition{Id: id, Name: fmt.Sprint(id), StartOffset: []byte("000"), StartOffsetText: "0", Parents: parents}
}

func end(segment, offset string, rows uint64, change ...func(*pb.EndSegmentRequest)) *pb.Command {
	r := &pb.EndSegmentRequest{InstanceId: "s", Segment: segment, EndOffset: []byte(offset), EndOffsetText: offset, Rows: rows, Records: rows}
	for _, f := range change {
		f(r)
	}
	return &pb.Command{Body: &pb.Command_EndSegment{EndSegment: &pb.EndSegment{Request: r}}}
}

func publish(segment string, crc uint32) *pb.Command {
	return &pb.Command{Body: &pb.Command_PublishSegment{PublishSegment: &pb.PublishSegmentRequest{InstanceId: "s", Segment: segment, Crc: crc, Bytes: 10}}}
}

func durable(segment, uri string) *pb.Command {
	return &pb.Command{Body: &pb.Command_DurableSegment{DurableSegment: &pb.DurableSegmentRequest{InstanceId: "s", Segment: segment, Uri: uri}}}
}

// table makes a table t with the columns a and b and partition 0, and returns
// its id.
func (m *machine) table() uint32 {
	m.must(putSchema("t", "a", "b"))
	m.must(createTable("t", "a", "b"))
	m.must(putServer("s"))
	id := m.st.TableByName("t").Id
	m.must(propose(id, partition(0)))
	return id
}

// last returns the newest segment of a partition.
func (m *machine) last(table, part uint32) *pb.Segment {
	var last *pb.Segment
	for s := range m.st.PartitionSegments(table, part) {
		last = s
	}
	return last
}

func columnIDs(t *pb.Table) string {
	var out []string
	for _, c := range t.ColumnIds {
		out = append(out, fmt.Sprintf("%s=%d", c.Name, c.Id))
	}
	return strings.Join(out, " ")
}

func TestColumnIDs(t *testing.T) {
	m := newMachine(t)
	m.table()
	f := func(want string, columns ...string) {
		t.Helper()
		m.must(putSchema("t", columns...))
		if got := columnIDs(m.st.TableByName("t")); got != want {
			t.Errorf("columns %s, want %s", got, want)
		}
	}
	f("a=1 b=2 c=3", "a", "b", "c")
	f("a=1 c=3", "a", "c")
	f("a=1 b=4 c=3", "a", "b", "c") // dropped and added again: another column
	tab := m.st.TableByName("t")
	if tab.SchemaVersion != 4 || len(tab.SchemaHistory) != 3 || tab.NextColumnId != 5 {
		t.Errorf("table %v", tab)
	}
}

func TestNames(t *testing.T) {
	m := newMachine(t)
	m.table()
	m.must(putSchema("T", "a"))
	m.refused(api.ErrConflict, "differs only by case", createTable("T", "a"))
	m.refused(api.ErrConflict, "already exists", createTable("t", "a,b"))
	m.refused(api.ErrNotFound, "no schema", createTable("u", "a"))
	m.refused(api.ErrConflict, "is used by", &pb.Command{Body: &pb.Command_DeleteSchema{DeleteSchema: &pb.DeleteSchema{Name: "t"}}})
	m.must(&pb.Command{Body: &pb.Command_DeleteSchema{DeleteSchema: &pb.DeleteSchema{Name: "T"}}})
	m.refused(api.ErrNotFound, "no table", deleteTable("u"))
	old := m.st.TableByName("t").Id
	m.must(deleteTable("t"))
	m.must(createTable("t", "a", "b"))
	if id := m.st.TableByName("T").Id; id == old {
		t.Error("a table id was used again")
	}
}

func TestSchemaGuards(t *testing.T) {
	m := newMachine(t)
	m.must(putSchema("t", "a"))
	create, stale := putSchema("t", "a", "b"), putSchema("t", "a", "b")
	create.GetPutSchema().Create = true
	m.refused(api.ErrConflict, "already exists", create)
	stale.GetPutSchema().ExpectedVersion = 7
	m.refused(api.ErrConflict, "changed meanwhile", stale)
	m.refused(api.ErrInvalid, "no columns", putSchema("t"))
	m.refused(api.ErrConflict, "changed meanwhile", createTable("t", "z"))
}

func TestIdempotencyKey(t *testing.T) {
	m := newMachine(t)
	m.must(putSchema("t", "a"))
	cmd := createTable("t", "a")
	cmd.Key = "k"
	first := m.must(cmd)
	again := m.apply(cmd)
	if again.Code != 0 || again.Index != first.Index || !bytes.Equal(again.Answer, first.Answer) || len(again.Changes) > 0 {
		t.Errorf("the same command again: %+v, first %+v", again, first)
	}
	other := createTable("t", "a")
	other.Key = "k2"
	if res := m.apply(other); res.Code != 409 {
		t.Errorf("another command: %+v", res)
	}
	if res := m.apply(other); res.Code != 409 {
		t.Errorf("a refusal again: %+v", res)
	}
	for i := range maxAnswers {
		m.must(&pb.Command{Key: fmt.Sprint("n", i), Body: &pb.Command_PutSetting{PutSetting: &pb.PutSetting{Key: "x", Value: "1"}}})
	}
	if m.st.answers.len() != maxAnswers || m.st.answerOrder.len() != maxAnswers {
		t.Errorf("%d answers, %d in order", m.st.answers.len(), m.st.answerOrder.len())
	}
}

func TestUnknownCommands(t *testing.T) {
	m := newMachine(t)
	m.refused(api.ErrUnsupported, "no body", &pb.Command{})
	m.refused(api.ErrUnsupported, "version", &pb.Command{Version: CommandVersion + 1, Body: deleteTable("x").Body})
}

func TestBootstrapOnce(t *testing.T) {
	m := newMachine(t)
	m.must(&pb.Command{Body: &pb.Command_Bootstrap{Bootstrap: &pb.Bootstrap{ClusterId: "c2", Admin: &pb.User{Name: "x"}}}})
	if m.st.ClusterID != "c1" || m.st.User("x") != nil {
		t.Error("a second bootstrap counts")
	}
}

func TestInstances(t *testing.T) {
	m := newMachine(t)
	id := m.table()
	if res := m.must(putServer("s")); len(res.Changes) != 0 {
		t.Errorf("registering again changes %v", res.Changes)
	}
	m.refused(api.ErrInvalid, "no role", &pb.Command{Body: &pb.Command_PutInstance{PutInstance: &pb.PutInstance{Instance: &pb.Instance{Id: "x"}}}})
	remove := &pb.Command{Body: &pb.Command_RemoveInstance{RemoveInstance: &pb.RemoveInstance{Id: "s"}}}
	m.refused(api.ErrConflict, m.last(id, 0).Name, remove)
	m.must(deleteTable("t"))
	m.must(remove)
	m.refused(api.ErrNotFound, "no instance", remove)
}

func TestEndSegment(t *testing.T) {
	m := newMachine(t)
	id := m.table()
	seg := m.last(id, 0)
	m.refused(api.ErrInvalid, "before the start", end(seg.Name, "", 0))
	m.refused(api.ErrInvalid, "empty range", end(seg.Name, "000", 1))
	m.refused(api.ErrFenced, "is not placed on", end(seg.Name, "001", 1, func(r *pb.EndSegmentRequest) { r.InstanceId = "x" }))
	m.refused(api.ErrNotFound, "no segment", end("x", "001", 1))
	m.refused(api.ErrInvalid, "gap", end(seg.Name, "005", 5, func(r *pb.EndSegmentRequest) { r.Gap = &pb.Gap{ToOffset: []byte("004")} }))

	m.must(putSchema("t", "a", "b", "c"))
	m.must(end(seg.Name, "010", 12))
	next := m.last(id, 0)
	if next.Sequence != 1 || next.FirstSeq != 12 || string(next.StartOffset) != "010" || next.SchemaVersion != 2 || next.Replicas[0] != "s" {
		t.Errorf("next segment %v", next)
	}
	// Nothing in it: it ends all the same, and the chain stays whole.
	m.must(end(next.Name, "010", 0))
	m.must(end(m.last(id, 0).Name, "015", 3, func(r *pb.EndSegmentRequest) {
		r.Gap = &pb.Gap{FromOffset: []byte("014"), ToOffset: []byte("020"), ToText: "20", Missing: 5}
	}))
	after := m.last(id, 0)
	if after.FirstSeq != 15 || string(after.StartOffset) != "020" || after.StartOffsetText != "20" {
		t.Errorf("after the gap: %v", after)
	}
	var gaps []*pb.Gap
	for g := range m.st.Gaps() {
		gaps = append(gaps, g)
	}
	if len(gaps) != 1 || string(gaps[0].FromOffset) != "015" || gaps[0].TableId != id || gaps[0].Missing != 5 {
		t.Errorf("gaps %v", gaps)
	}
}

func TestEndSegmentAgain(t *testing.T) {
	m := newMachine(t)
	id := m.table()
	seg := m.last(id, 0)
	first := m.must(end(seg.Name, "010", 12))
	for _, offset := range []string{"010", "005", "999"} {
		again := m.must(end(seg.Name, offset, 1))
		if !bytes.Equal(first.Answer, again.Answer) || len(again.Changes) > 0 {
			t.Errorf("end at %s: another answer or a change", offset)
		}
	}
	m.must(end(m.last(id, 0).Name, "020", 1))
	res := &pb.EndSegmentResponse{}
	if err := proto.Unmarshal(m.must(end(seg.Name, "010", 12)).Answer, res); err != nil || res.Next.Sequence != 1 || res.Next.Status != pb.SegmentStatus_SEGMENT_ENDED {
		t.Errorf("much later: %v, %v", res, err)
	}
}

func TestShards(t *testing.T) {
	m := newMachine(t)
	id := m.table()
	m.must(propose(id, partition(1), partition(2, 0, 1), partition(3, 99)))
	if m.last(id, 2) != nil {
		t.Error("a child is opened before its parents are done")
	}
	if m.last(id, 3) == nil {
		t.Error("a child of a parent that the stream forgot is not opened")
	}
	done := func(r *pb.EndSegmentRequest) { r.PartitionDone = true }
	m.must(end(m.last(id, 0).Name, "050", 5, done))
	if m.last(id, 2) != nil || len(m.st.Waiting(id)) != 1 {
		t.Error("a child is opened before its second parent is done")
	}
	cmd := end(m.last(id, 1).Name, "050", 5, done)
	cmd.GetEndSegment().Placements = []*pb.Placement{{Partition: 2, Replicas: []string{"other"}}}
	res := m.must(cmd)
	child := m.last(id, 2)
	if child == nil || child.Replicas[0] != "other" || string(child.StartOffset) != "000" || child.FirstSeq != 0 {
		t.Fatalf("child %v", child)
	}
	answer := &pb.EndSegmentResponse{}
	if err := proto.Unmarshal(res.Answer, answer); err != nil || answer.Next != nil || answer.Ended == nil {
		t.Errorf("answer %v, %v", answer, err)
	}
	if again := m.must(cmd); !bytes.Equal(again.Answer, res.Answer) {
		t.Error("another answer to the same end")
	}
	m.must(propose(id, partition(0), partition(1), partition(2, 0, 1)))
	if n := m.last(id, 0); n.Status != pb.SegmentStatus_SEGMENT_ENDED {
		t.Errorf("a finished partition was opened again: %v", n)
	}
}

func TestPublishAndDurable(t *testing.T) {
	m := newMachine(t)
	id := m.table()
	seg := m.last(id, 0).Name
	m.refused(api.ErrConflict, "still consuming", publish(seg, 1))
	m.refused(api.ErrConflict, "not committed", durable(seg, "u"))
	m.must(end(seg, "010", 1))
	m.refused(api.ErrConflict, "not committed", durable(seg, "u"))
	m.must(publish(seg, 1))
	if res := m.must(publish(seg, 1)); len(res.Changes) > 0 {
		t.Error("publishing again changes something")
	}
	m.must(publish(seg, 2))
	m.must(publish(seg, 2))
	if s := m.st.Segment(seg); s.Crc != 1 || len(s.Conflicts) != 1 || !strings.Contains(s.Conflicts[0], "crc 00000002") {
		t.Errorf("after another crc: %v", s)
	}
	m.refused(api.ErrInvalid, "uri is empty", durable(seg, ""))
	m.must(durable(seg, "u"))
	m.must(durable(seg, "v"))
	if s := m.st.Segment(seg); s.Uri != "u" || s.Status != pb.SegmentStatus_SEGMENT_DURABLE {
		t.Errorf("durable segment %v", s)
	}
	m.must(publish(seg, 1))
	if s := m.st.Segment(seg); s.Status != pb.SegmentStatus_SEGMENT_DURABLE {
		t.Errorf("publishing takes a durable segment back: %v", s)
	}
}

func TestAssignAndDelete(t *testing.T) {
	m := newMachine(t)
	id := m.table()
	first := m.last(id, 0).Name
	m.must(end(first, "010", 1))
	m.must(publish(first, 1))
	m.must(durable(first, "file:///x"))
	second := m.last(id, 0).Name
	assign := func(seg string, from, to string) *pb.Command {
		return &pb.Command{Body: &pb.Command_AssignSegments{AssignSegments: &pb.AssignSegments{Assignments: []*pb.Assignment{
			{Segment: seg, Replicas: []string{to}, Expected: []string{from}}}}}}
	}
	m.must(assign(second, "nobody", "x"))
	m.must(assign("nothing", "s", "x"))
	if m.st.Segment(second).Replicas[0] != "s" {
		t.Error("a segment was moved that is no longer where it was expected")
	}
	m.must(assign(second, "s", "x"))
	m.refused(api.ErrFenced, "is not placed on", end(second, "020", 1))
	if got := m.st.HeldBy("x"); len(got) != 1 || got[0] != second {
		t.Errorf("held by x: %v", got)
	}
	drop := func(names ...string) *pb.Command {
		return &pb.Command{Body: &pb.Command_DeleteSegments{DeleteSegments: &pb.DeleteSegments{TableId: id, Segments: names}}}
	}
	m.refused(api.ErrConflict, "not committed yet", drop(first, second))
	m.must(drop(first, "nothing"))
	if m.st.Segment(first) != nil {
		t.Error("the segment is still there")
	}
	var gone []*pb.Segment
	for s := range m.st.Deleted() {
		gone = append(gone, s)
	}
	if len(gone) != 1 || gone[0].Uri != "file:///x" {
		t.Errorf("deleted segments %v", gone)
	}
	res := m.must(deleteTable("t"))
	last := res.Changes[len(res.Changes)-1]
	if last.GetTable() == nil || !last.Deleted {
		t.Errorf("the table is not the last to go: %v", last)
	}
	if m.st.NumSegments() != 0 || m.st.Partition(id, 0) != nil {
		t.Error("something of the table is left")
	}
	m.must(&pb.Command{Body: &pb.Command_PurgeSegments{PurgeSegments: &pb.PurgeSegmentsRequest{Segments: []string{first}}}})
	for s := range m.st.Deleted() {
		t.Errorf("still to be purged: %v", s)
	}
}

// program makes a long random sequence of commands, valid and not.
func program(seed uint64, n int) []*pb.Command {
	rng := rand.New(rand.NewPCG(seed, 1))
	probe := &machine{t: &testing.T{}, st: New()}
	probe.apply(&pb.Command{Body: &pb.Command_Bootstrap{Bootstrap: &pb.Bootstrap{ClusterId: "c"}}})
	cmds := []*pb.Command{{TimeMicros: 1, Body: &pb.Command_Bootstrap{Bootstrap: &pb.Bootstrap{ClusterId: "c"}}}}
	for range n {
		cmd := randomCommand(rng, probe.st)
		if rng.IntN(4) == 0 {
			cmd.Key = fmt.Sprint("key", rng.IntN(n))
		}
		probe.apply(cmd)
		cmds = append(cmds, cmd)
	}
	return cmds
}

func randomCommand(rng *rand.Rand, st *State) *pb.Command {
	name := fmt.Sprintf("t%d", rng.IntN(4))
	var segs []*pb.Segment
	for s := range st.Segments() {
		segs = append(segs, s)
	}
	seg := &pb.Segment{Name: "none"}
	if len(segs) > 0 {
		seg = segs[rng.IntN(len(segs))]
	}
	switch rng.IntN(16) {
	case 12, 13, 14:
		return randomLoad(rng, st, name)
	case 0:
		return putSchema(name, "a", fmt.Sprintf("c%d", rng.IntN(5)))
	case 1:
		if s := st.Schema(name); s != nil {
			return createTable(name, strings.Split(string(s.Json), ",")...)
		}
		cmd := createTable(name, "a")
		if rng.IntN(2) == 0 {
			cmd.GetCreateTable().Table.Type = "OFFLINE"
		}
		return cmd
	case 2:
		if rng.IntN(5) == 0 {
			return deleteTable(name)
		}
		return putServer(fmt.Sprintf("s%d", rng.IntN(3)))
	case 3, 4:
		return propose(st.TableByName(name).GetId(), partition(uint32(rng.IntN(3))), partition(7, 0, 1))
	case 5, 6, 7:
		return end(seg.Name, fmt.Sprintf("%03d", rng.IntN(1000)), uint64(rng.IntN(9)), func(r *pb.EndSegmentRequest) { r.PartitionDone = rng.IntN(20) == 0 })
	case 8, 9:
		return publish(seg.Name, uint32(rng.IntN(2)))
	case 10:
		return durable(seg.Name, "file:///"+seg.Name)
	}
	return &pb.Command{Body: &pb.Command_AssignSegments{AssignSegments: &pb.AssignSegments{Assignments: []*pb.Assignment{
		{Segment: seg.Name, Expected: seg.Replicas, Replicas: []string{"s"}}}}}}
}

// TestDeterminism runs random programs twice, once with a snapshot taken and
// restored in the middle, and expects the same answers and the same state. The
// changes, applied in order to what a watcher had, give what a snapshot gives.
func TestDeterminism(t *testing.T) {
	for seed := range uint64(20) {
		cmds := program(seed, 300)
		a, b := New(), New()
		watched := map[string]string{}
		for i, cmd := range cmds {
			if i == len(cmds)/2 {
				var err error
				if b, err = Read(bytes.NewReader(snapshotOf(t, b))); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := proto.Marshal(cmd)
			if err != nil {
				t.Fatal(err)
			}
			copied := &pb.Command{}
			if err := proto.Unmarshal(raw, copied); err != nil {
				t.Fatal(err)
			}
			var ra, rb *Result
			a, ra = a.Apply(uint64(i+1), cmd)
			b, rb = b.Apply(uint64(i+1), copied)
			if ra.Code != rb.Code || ra.Error != rb.Error || !bytes.Equal(ra.Answer, rb.Answer) || len(ra.Changes) != len(rb.Changes) {
				t.Fatalf("seed %d, command %d: %+v and %+v", seed, i, ra, rb)
			}
			for _, c := range ra.Changes {
				watch(watched, c)
			}
		}
		if !bytes.Equal(snapshotOf(t, a), snapshotOf(t, b)) {
			t.Fatalf("seed %d: different states", seed)
		}
		whole := map[string]string{}
		for c := range a.Entities {
			watch(whole, c)
		}
		if fmt.Sprint(whole) != fmt.Sprint(watched) {
			t.Fatalf("seed %d: a watcher has\n%v\nand a snapshot gives\n%v", seed, watched, whole)
		}
		checkChains(t, a)
	}
}

// watch keeps entities by kind and key as a watcher does.
func watch(m map[string]string, c *pb.Change) {
	var key string
	switch e := c.Entity.(type) {
	case *pb.Change_Table:
		key = fmt.Sprint("table ", e.Table.Id)
	case *pb.Change_Segment:
		key = "segment " + e.Segment.Name
	case *pb.Change_Partition:
		key = fmt.Sprint("partition ", e.Partition.TableId, " ", e.Partition.Id)
	case *pb.Change_Gap:
		key = fmt.Sprint("gap ", e.Gap.TableId, " ", e.Gap.Partition, " ", e.Gap.ToText)
	case *pb.Change_Instance:
		key = "instance " + e.Instance.Id
	case *pb.Change_User:
		key = "user " + e.User.Name
	case *pb.Change_Schema:
		key = "schema " + e.Schema.Name
	}
	if c.Deleted {
		delete(m, key)
		return
	}
	raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(c)
	m[key] = string(raw)
}

// checkChains expects the segments of every partition to follow each other,
// and at most one of them, the last, to consume.
func checkChains(t *testing.T, s *State) {
	t.Helper()
	var last *pb.Segment
	for seg := range s.Segments() {
		if last != nil && last.TableId == seg.TableId && last.Partition == seg.Partition {
			if seg.Sequence != last.Sequence+1 || seg.FirstSeq != last.FirstSeq+last.Rows || !bytes.Equal(seg.StartOffset, last.EndOffset) ||
				last.Status == pb.SegmentStatus_SEGMENT_CONSUMING {
				t.Errorf("%v does not follow %v", seg, last)
			}
		}
		last = seg
	}
}

func TestSnapshotDamage(t *testing.T) {
	m := newMachine(t)
	m.table()
	good := snapshotOf(t, m.st)
	if _, err := Read(bytes.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x40
		if _, err := Read(bytes.NewReader(bad)); err == nil {
			t.Errorf("byte %d flipped: no error", i)
		}
	}
	for i := range len(good) {
		if _, err := Read(bytes.NewReader(good[:i])); !errors.Is(err, ErrSnapshot) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func FuzzApply(f *testing.F) {
	for _, cmd := range program(1, 30) {
		raw, err := proto.Marshal(cmd)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	base := New()
	for i, cmd := range program(2, 100) {
		base, _ = base.Apply(uint64(i+1), cmd)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		cmd := &pb.Command{}
		if proto.Unmarshal(raw, cmd) != nil {
			return
		}
		next, res := base.Apply(base.Index+1, cmd)
		if res.Code != 0 && len(res.Changes) > 0 {
			t.Fatalf("refused with changes: %+v", res)
		}
		var b bytes.Buffer
		if _, err := next.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(&b); err != nil {
			t.Fatal(err)
		}
		next.Apply(next.Index+1, cmd)
	})
}

func FuzzReadSnapshot(f *testing.F) {
	st := New()
	for i, cmd := range program(3, 50) {
		st, _ = st.Apply(uint64(i+1), cmd)
	}
	var b bytes.Buffer
	if _, err := st.WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if st, err := Read(bytes.NewReader(raw)); err == nil {
			st.Apply(st.Index+1, deleteTable("t0"))
		}
	})
}
