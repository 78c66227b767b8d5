package assign

import (
	"fmt"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/controller/state"
)

// cluster makes a state with a table, servers and partitions placed as given.
type cluster struct {
	t  *testing.T
	st *state.State
	id uint32
}

func newCluster(t *testing.T, servers ...string) *cluster {
	c := &cluster{t: t, st: state.New(), id: 1}
	c.apply(&pb.Command{Body: &pb.Command_PutSchema{PutSchema: &pb.PutSchema{Schema: &pb.Schema{Name: "t", Json: []byte("x")}, Columns: []string{"a"}}}})
	c.apply(&pb.Command{Body: &pb.Command_CreateTable{CreateTable: &pb.CreateTable{
		Table: &pb.Table{Name: "t", Type: "REALTIME", SchemaJson: []byte("x")}, Columns: []string{"a"}}}})
	for _, s := range servers {
		c.apply(&pb.Command{Body: &pb.Command_PutInstance{PutInstance: &pb.PutInstance{Instance: &pb.Instance{Id: s, Role: pb.Role_ROLE_SERVER}}}})
	}
	return c
}

func (c *cluster) apply(cmd *pb.Command) {
	c.t.Helper()
	next, res := c.st.Apply(c.st.Index+1, cmd)
	if err := res.Err(); err != nil {
		c.t.Fatal(err)
	}
	c.st = next
}

// open opens a partition on the given servers.
func (c *cluster) open(id uint32, servers ...string) {
	c.apply(&pb.Command{Body: &pb.Command_ProposePartitions{ProposePartitions: &pb.ProposePartitions{
		Request:    &pb.ProposePartitionsRequest{TableId: c.id, Partitions: []*pb.Partition{{Id: id}}},
		Placements: []*pb.Placement{{Partition: id, Replicas: servers}},
	}}})
}

// seal ends the consuming segment of a partition and brings it to a status.
func (c *cluster) seal(id uint32, server string, status pb.SegmentStatus) {
	var name string
	for s := range c.st.PartitionSegments(c.id, id) {
		name = s.Name
	}
	c.apply(&pb.Command{Body: &pb.Command_EndSegment{EndSegment: &pb.EndSegment{Request: &pb.EndSegmentRequest{
		InstanceId: server, Segment: name, EndOffset: []byte("1"), PartitionDone: true}}}})
	if status >= pb.SegmentStatus_SEGMENT_COMMITTED {
		c.apply(&pb.Command{Body: &pb.Command_PublishSegment{PublishSegment: &pb.PublishSegmentRequest{InstanceId: server, Segment: name}}})
	}
	if status >= pb.SegmentStatus_SEGMENT_DURABLE {
		c.apply(&pb.Command{Body: &pb.Command_DurableSegment{DurableSegment: &pb.DurableSegmentRequest{Segment: name, Uri: "u"}}})
	}
}

// repair applies one round of Repair with the given servers gone.
func (c *cluster) repair(gone ...string) int {
	isGone := func(id string) bool { return slices.Contains(gone, id) }
	alive := func(id string) bool { return !isGone(id) }
	moves := Repair(c.st, LoadsOf(c.st), Candidates(c.st, "", alive), c.id, Table{}, isGone)
	c.apply(&pb.Command{Body: &pb.Command_AssignSegments{AssignSegments: &pb.AssignSegments{Assignments: moves}}})
	return len(moves)
}

func (c *cluster) replicas(partition uint32) string {
	for s := range c.st.PartitionSegments(c.id, partition) {
		return fmt.Sprint(s.Replicas)
	}
	return ""
}

func TestPlaceIsEven(t *testing.T) {
	c := newCluster(t, "a", "b", "c")
	var parts []*pb.Partition
	for i := range uint32(7) {
		parts = append(parts, &pb.Partition{Id: i})
	}
	all := func(string) bool { return true }
	count := map[string]int{}
	for _, p := range Partitions(LoadsOf(c.st), Candidates(c.st, "", all), Table{}, parts) {
		count[p.Replicas[0]]++
	}
	if fmt.Sprint(count) != "map[a:3 b:2 c:2]" {
		t.Errorf("partitions by server: %v", count)
	}
}

func TestPlace(t *testing.T) {
	f := func(loads Loads, candidates, keep []string, n int, want string) {
		t.Helper()
		if got := fmt.Sprint(Place(loads, candidates, keep, n, true)); got != want {
			t.Errorf("placed on %s, want %s", got, want)
		}
	}
	f(Loads{"a": {1, 1}}, []string{"a", "b"}, nil, 1, "[b]")
	f(Loads{"a": {1, 9}, "b": {2, 2}}, []string{"a", "b"}, nil, 1, "[a]")
	f(Loads{}, []string{"b", "a"}, nil, 1, "[a]")
	f(Loads{"a": {5, 5}}, []string{"a", "b"}, []string{"a"}, 1, "[a]")
	f(Loads{}, []string{"a", "b"}, []string{"gone"}, 2, "[a b]")
	f(Loads{}, []string{"a"}, nil, 3, "[a]")
	f(Loads{}, nil, nil, 1, "[]")
}

func TestRepair(t *testing.T) {
	c := newCluster(t, "a", "b")
	c.open(0, "a")
	c.open(1, "a")
	c.open(2, "a")
	c.open(3, "b")
	c.open(4)
	c.seal(1, "a", pb.SegmentStatus_SEGMENT_COMMITTED)
	c.seal(2, "a", pb.SegmentStatus_SEGMENT_DURABLE)
	f := func(want ...string) {
		t.Helper()
		for i, w := range want {
			if got := c.replicas(uint32(i)); got != w {
				t.Errorf("partition %d on %s, want %s", i, got, w)
			}
		}
	}
	c.repair()
	f("[a]", "[a]", "[a]", "[b]", "[b]") // 4 had no server; a and b consume one each, a holds more
	if n := c.repair(); n != 0 {
		t.Errorf("%d moves in a cluster that is well", n)
	}
	c.repair("a")
	f("[b]", "[b a]", "[b]", "[b]", "[b]") // the copy on a may be the only one of 1
	if n := c.repair("a"); n != 0 {
		t.Errorf("%d moves after the repair", n)
	}
	if n := c.repair("a", "b"); n != 0 {
		t.Errorf("%d moves with nobody to take anything", n)
	}
	if n := c.repair(); n != 0 { // a is back; nothing is taken from it before 1 is durable
		t.Errorf("%d moves after a came back", n)
	}
	name := ""
	for s := range c.st.PartitionSegments(c.id, 1) {
		name = s.Name
	}
	c.apply(&pb.Command{Body: &pb.Command_DurableSegment{DurableSegment: &pb.DurableSegmentRequest{Segment: name, Uri: "u"}}})
	c.repair()
	f("[b]", "[b]", "[b]", "[b]", "[b]")
}

func TestTenants(t *testing.T) {
	f := func(want bool, tenant string, tags ...string) {
		t.Helper()
		if got := HasTenant(&pb.Instance{Tags: tags}, tenant); got != want {
			t.Errorf("tags %v, tenant %q: %v", tags, tenant, got)
		}
	}
	f(true, "")
	f(true, "DefaultTenant")
	f(false, "x")
	f(true, "x", "x")
	f(true, "x", "y", "x_REALTIME")
	f(true, "x", "x_BROKER")
	f(false, "", "x")
	f(true, "", "DefaultTenant_OFFLINE")
	if got := fmt.Sprint(Tenants(&pb.Instance{Tags: []string{"x_REALTIME", "x_OFFLINE", "y"}})); got != "[x y]" {
		t.Errorf("tenants %s", got)
	}
}
