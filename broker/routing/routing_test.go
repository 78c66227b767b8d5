package routing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// stateOf returns a state of one table with id 1.
func stateOf(instances []string, segs ...*pb.Segment) *clusterview.State {
	st := &clusterview.State{Index: 7, Tables: map[uint32]*clusterview.Table{}, Instances: map[string]*pb.Instance{}}
	for _, i := range instances {
		st.Instances[i] = &pb.Instance{Id: i}
	}
	t := &clusterview.Table{Name: "t", Segments: map[string]*pb.Segment{}}
	for _, s := range segs {
		t.Segments[s.Name] = s
	}
	st.Tables[1] = t
	return st
}

func leafOf(filter plan.Expr) *plan.Leaf {
	return &plan.Leaf{
		Table: &schema.Table{ID: 1, Name: "t"}, Cols: []plan.LeafCol{{ID: 3, Name: "n", Type: schema.Int64}}, Filter: filter,
	}
}

// equals is n = v.
func equals(t *testing.T, v int64) plan.Expr {
	t.Helper()
	f, _, err := fn.Resolve("=", []schema.Type{schema.Int64, schema.Int64}, fn.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	return &plan.Call{Fn: f, Typ: schema.Bool, Args: []plan.Expr{
		&plan.ColRef{Index: 0, Name: "n", Typ: schema.Int64}, &plan.Const{Value: column.IntValue(schema.Int64, v)},
	}}
}

// ranged returns a committed segment whose column 3 lies within [lo, hi].
func ranged(name string, lo, hi int64) *pb.Segment {
	stats := segment.EncodeStats(&segment.Metadata{NumDocs: 10, Columns: []segment.ColumnMeta{{
		ID: 3, Name: "n", Type: schema.Int64, HasRange: true,
		Min: column.IntValue(schema.Int64, lo), Max: column.IntValue(schema.Int64, hi),
	}}})
	return &pb.Segment{Name: name, TableId: 1, Status: pb.SegmentStatus_SEGMENT_COMMITTED, Rows: 10, ColumnStats: stats, Replicas: []string{"a"}}
}

// show prints a route on one line.
func show(r *Route) string {
	var out []string
	for _, p := range r.Parts {
		out = append(out, p.Instance+":"+strings.Join(p.Segments, ","))
	}
	return fmt.Sprintf("%s unserved %v pruned %d/%d", strings.Join(out, " "), r.Unserved, r.Pruned, r.Total)
}

func TestRoute(t *testing.T) {
	consuming := &pb.Segment{Name: "c", Status: pb.SegmentStatus_SEGMENT_CONSUMING, Replicas: []string{"b"}}
	ended := &pb.Segment{Name: "e", Status: pb.SegmentStatus_SEGMENT_ENDED, Rows: 5, Replicas: []string{"b"}}
	homeless := &pb.Segment{Name: "h", Status: pb.SegmentStatus_SEGMENT_CONSUMING}
	lost := &pb.Segment{Name: "l", Status: pb.SegmentStatus_SEGMENT_DURABLE, Rows: 5, Replicas: []string{"gone"}}
	empty := &pb.Segment{Name: "z", Status: pb.SegmentStatus_SEGMENT_DURABLE, Replicas: []string{"a"}}
	durable := ranged("d", 100, 200)
	durable.Status = pb.SegmentStatus_SEGMENT_DURABLE
	st := stateOf([]string{"a", "b"}, ranged("r", 1, 50), durable, consuming, ended, homeless, lost, empty)

	f := func(filter plan.Expr, want string) {
		t.Helper()
		r, err := (&Router{}).Route(st, leafOf(filter))
		if err != nil {
			t.Fatal(err)
		}
		if got := show(r); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if r.Index != 7 {
			t.Errorf("index %d", r.Index)
		}
	}
	f(nil, "a:d,r b:c,e unserved [h l] pruned 1/7")
	f(equals(t, 150), "a:d b:c,e unserved [h l] pruned 2/7")
	f(equals(t, 20), "a:r b:c,e unserved [h l] pruned 2/7")
	f(equals(t, 999), "b:c,e unserved [h l] pruned 3/7")
}

func TestRouteUnknownTable(t *testing.T) {
	leaf := leafOf(nil)
	leaf.Table = &schema.Table{ID: 2, Name: "other"}
	_, err := (&Router{}).Route(stateOf(nil), leaf)
	var se *sqlerr.Error
	if !errors.As(err, &se) || se.Code != sqlerr.UndefinedTable || !strings.Contains(se.Message, "other") {
		t.Errorf("err = %v", err)
	}
}

func TestDamagedStatisticsPruneNothing(t *testing.T) {
	seg := ranged("r", 1, 2)
	seg.ColumnStats = seg.ColumnStats[:len(seg.ColumnStats)-1]
	r, err := (&Router{}).Route(stateOf([]string{"a"}, seg), leafOf(equals(t, 999)))
	if err != nil || r.Pruned != 0 || len(r.Parts) != 1 {
		t.Errorf("route %+v, %v", r, err)
	}
}

// A new commit of the same name has its own statistics in the cache.
func TestStatisticsFollowTheChecksum(t *testing.T) {
	r := &Router{}
	old := ranged("r", 1, 2)
	old.Crc = 1
	fresh := ranged("r", 900, 1000)
	fresh.Crc = 2
	for _, seg := range []*pb.Segment{old, fresh} {
		if _, err := r.Route(stateOf([]string{"a"}, seg), leafOf(equals(t, 999))); err != nil {
			t.Fatal(err)
		}
	}
	route, err := r.Route(stateOf([]string{"a"}, fresh), leafOf(equals(t, 999)))
	if err != nil || len(route.Parts) != 1 {
		t.Errorf("route %+v, %v", route, err)
	}
}

func TestDeadReplicasAreTheLastResort(t *testing.T) {
	seg := ranged("r", 1, 2)
	seg.Replicas = []string{"a", "b", "c"}
	f := func(want string, alive ...string) {
		t.Helper()
		r := &Router{Alive: func(i string) bool { return slices.Contains(alive, i) }}
		route, err := r.Route(stateOf([]string{"a", "b"}, seg), leafOf(nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := route.Parts[0].Instance; !strings.Contains(want, got) {
			t.Errorf("alive %v: placed on %s, want one of %s", alive, got, want)
		}
	}
	f("a", "a")
	f("b", "b")
	f("b", "b", "c") // c is alive but not registered
	f("ab")
}

// Whatever the state, every segment of the table is placed, pruned or reported
// exactly once, and only where a replica is.
func TestEverySegmentExactlyOnce(t *testing.T) {
	all := []string{"a", "b", "c", "d"}
	rapid.Check(t, func(t *rapid.T) {
		known := rapid.SliceOfDistinct(rapid.SampledFrom(all), rapid.ID[string]).Draw(t, "known")
		var segs []*pb.Segment
		for i := range rapid.IntRange(0, 20).Draw(t, "segments") {
			segs = append(segs, &pb.Segment{
				Name: fmt.Sprintf("s%d", i), TableId: 1, Rows: uint64(rapid.IntRange(0, 2).Draw(t, "rows")),
				Status:   pb.SegmentStatus(rapid.IntRange(1, 4).Draw(t, "status")),
				Replicas: rapid.SliceOfDistinct(rapid.SampledFrom(all), rapid.ID[string]).Draw(t, "replicas"),
			})
		}
		st := stateOf(known, segs...)
		r, err := (&Router{}).Route(st, leafOf(nil))
		if err != nil {
			t.Fatal(err)
		}
		seen := slices.Clone(r.Unserved)
		for _, p := range r.Parts {
			for _, name := range p.Segments {
				if !slices.Contains(st.Tables[1].Segments[name].Replicas, p.Instance) || st.Instances[p.Instance] == nil {
					t.Fatalf("%s placed on %s", name, p.Instance)
				}
			}
			seen = append(seen, p.Segments...)
		}
		slices.Sort(seen)
		if len(slices.Compact(seen)) != len(seen) || len(seen)+r.Pruned != len(segs) || r.Total != len(segs) {
			t.Fatalf("%d segments: %v, %d pruned", len(segs), seen, r.Pruned)
		}
	})
}

func TestPlace(t *testing.T) {
	st := stateOf([]string{"a", "b"}, ranged("r", 1, 2), &pb.Segment{Name: "m", Replicas: []string{"b"}}, &pb.Segment{Name: "h"})
	f := func(want string, names ...string) {
		t.Helper()
		parts, missing, gone := (&Router{}).Place(st, 1, names, nil)
		got := show(&Route{Parts: parts, Unserved: missing})
		if gone {
			got = "gone"
		}
		if got != want {
			t.Errorf("%v: got %s, want %s", names, got, want)
		}
	}
	f("a:r b:m unserved [] pruned 0/0", "m", "r")
	f("b:m unserved [h] pruned 0/0", "m", "h")
	f("gone", "m", "x")
}

func TestPlaceAvoids(t *testing.T) {
	two, one := ranged("two", 1, 2), ranged("one", 1, 2)
	two.Replicas, one.Replicas = []string{"a", "b"}, []string{"a"}
	st := stateOf([]string{"a", "b"}, two, one)
	f := func(want string, dead string, avoid ...string) {
		t.Helper()
		r := &Router{Alive: func(i string) bool { return i != dead }}
		parts, _, _ := r.Place(st, 1, []string{"two", "one"}, avoid)
		if got := show(&Route{Parts: parts}); !strings.HasPrefix(got, want) {
			t.Errorf("avoiding %v, dead %q: got %s, want %s", avoid, dead, got, want)
		}
	}
	f("a:one b:two", "", "a")
	f("a:one,two", "", "b")
	f("a:one b:two", "a")
	// What just failed comes after what is only suspected.
	f("a:one b:two", "b", "a")
	f("a:one,two", "b", "a", "b")
}

// A segment that holds a matching row is never pruned, whatever is asked.
func TestPruningIsSound(t *testing.T) {
	matches := map[string]func(a, b int64) bool{
		"=": func(a, b int64) bool { return a == b }, "<>": func(a, b int64) bool { return a != b },
		"<": func(a, b int64) bool { return a < b }, "<=": func(a, b int64) bool { return a <= b },
		">": func(a, b int64) bool { return a > b }, ">=": func(a, b int64) bool { return a >= b },
	}
	calls := map[string]plan.Expr{}
	pruned := 0
	rapid.Check(t, func(rt *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(-9, 9), 1, 4).Draw(rt, "values")
		op := rapid.SampledFrom([]string{"=", "<>", "<", "<=", ">", ">="}).Draw(rt, "op")
		bound := rapid.Int64Range(-12, 12).Draw(rt, "bound")
		key := fmt.Sprint(op, bound)
		if calls[key] == nil {
			f, _, err := fn.Resolve(op, []schema.Type{schema.Int64, schema.Int64}, fn.Postgres)
			if err != nil {
				rt.Fatal(err)
			}
			calls[key] = &plan.Call{Fn: f, Typ: schema.Bool, Args: []plan.Expr{
				&plan.ColRef{Index: 0, Name: "n", Typ: schema.Int64}, &plan.Const{Value: column.IntValue(schema.Int64, bound)},
			}}
		}
		seg := ranged("r", slices.Min(values), slices.Max(values))
		r, err := (&Router{}).Route(stateOf([]string{"a"}, seg), leafOf(calls[key]))
		if err != nil {
			rt.Fatal(err)
		}
		pruned += r.Pruned
		if r.Pruned > 0 && slices.ContainsFunc(values, func(v int64) bool { return matches[op](v, bound) }) {
			rt.Fatalf("values %v: pruned for n %s %d", values, op, bound)
		}
	})
	if pruned == 0 {
		t.Error("nothing was ever pruned")
	}
}

// A table of a later state has its segments listed anew; a dropped one is
// forgotten.
func TestListingsFollowTheState(t *testing.T) {
	r := &Router{}
	f := func(st *clusterview.State, want string) {
		t.Helper()
		route, err := r.Route(st, leafOf(nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := show(route); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	one := stateOf([]string{"a"}, ranged("s2", 1, 2))
	two := stateOf([]string{"a"}, ranged("s2", 1, 2), ranged("s1", 1, 2))
	oneWant, err := (&Router{}).Route(one, leafOf(nil))
	if err != nil {
		t.Fatal(err)
	}
	twoWant, err := (&Router{}).Route(two, leafOf(nil))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f(one, show(oneWant))
		f(two, show(twoWant))
	}
	if len(r.listings.m) != 1 {
		t.Errorf("%d listings", len(r.listings.m))
	}
	id := leafOf(nil).Table.ID
	other := &clusterview.State{Tables: map[uint32]*clusterview.Table{id + 1: two.Tables[id]}, Instances: two.Instances}
	leaf := leafOf(nil)
	moved := *leaf.Table
	moved.ID = id + 1
	leaf.Table = &moved
	if _, err := r.Route(other, leaf); err != nil || len(r.listings.m) != 1 {
		t.Errorf("%d listings after a drop, %v", len(r.listings.m), err)
	}
}

// TestRouteAllocations guards the way of a small query.
func TestRouteAllocations(t *testing.T) {
	var segs []*pb.Segment
	for i := range 50 {
		segs = append(segs, ranged(fmt.Sprintf("s%02d", i), int64(i), int64(i+1)))
	}
	r, st, leaf := &Router{}, stateOf([]string{"a"}, segs...), leafOf(nil)
	n := testing.AllocsPerRun(100, func() {
		if _, err := r.Route(st, leaf); err != nil {
			t.Fatal(err)
		}
	})
	if n > 8 {
		t.Errorf("%v allocations", n)
	}
}
