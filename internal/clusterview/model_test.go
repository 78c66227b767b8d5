package clusterview

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/alluviumdb/alluvium/api/pb"
)

// model is a cluster as a map of what exists, each as the change that a
// snapshot tells it with.
type model map[string]*pb.Change

// put records a change and returns it.
func (m model) put(key string, c *pb.Change) *pb.Change {
	if c.Deleted {
		delete(m, key)
	} else {
		m[key] = c
	}
	return c
}

func segmentKey(table uint32, seq uint64) string { return fmt.Sprintf("segment %d %d", table, seq) }

func (m model) segment(table uint32, seq uint64, deleted bool) *pb.Change {
	return m.put(segmentKey(table, seq), segmentChange(table, fmt.Sprintf("s%d", seq), seq, deleted))
}

func (m model) partition(table, id uint32, deleted bool) *pb.Change {
	c := &pb.Change{Deleted: deleted, Entity: &pb.Change_Partition{Partition: &pb.Partition{TableId: table, Id: id}}}
	return m.put(fmt.Sprintf("partition %d %d", table, id), c)
}

func (m model) instance(id string, deleted bool) *pb.Change {
	return m.put("instance "+id, &pb.Change{Deleted: deleted, Entity: &pb.Change_Instance{Instance: &pb.Instance{Id: id}}})
}

func (m model) user(name string, deleted bool) *pb.Change {
	return m.put("user "+name, &pb.Change{Deleted: deleted, Entity: &pb.Change_User{User: &pb.User{Name: name}}})
}

func (m model) gap(table uint32, from string, deleted bool) *pb.Change {
	c := &pb.Change{Deleted: deleted, Entity: &pb.Change_Gap{Gap: &pb.Gap{TableId: table, FromOffset: []byte(from)}}}
	return m.put(fmt.Sprintf("gap %d %s", table, from), c)
}

// table makes or deletes a table; with it goes all that belongs to it.
func (m model) table(id uint32, deleted bool) []*pb.Change {
	out := []*pb.Change{m.put(fmt.Sprintf("table %d", id), tableChange(id, fmt.Sprintf("t%d", id), deleted))}
	if !deleted {
		return out
	}
	for seq := range uint64(4) {
		if m[segmentKey(id, seq)] != nil {
			out = append(out, m.segment(id, seq, true))
		}
	}
	for p := range uint32(4) {
		out = append(out, m.partition(id, p, true), m.gap(id, fmt.Sprint(p), true))
	}
	return out
}

// random makes some changes that a cluster may see in one step.
func (m model) random(t *rapid.T) []*pb.Change {
	id := rapid.Uint32Range(1, 3).Draw(t, "table")
	n := rapid.Uint32Range(0, 3).Draw(t, "n")
	gone := rapid.IntRange(0, 3).Draw(t, "deleted") == 0
	_, exists := m[fmt.Sprintf("table %d", id)]
	kind := rapid.SampledFrom([]string{"table", "segment", "partition", "gap", "instance", "user"}).Draw(t, "kind")
	switch {
	case kind == "instance":
		return []*pb.Change{m.instance(fmt.Sprint(n), gone)}
	case kind == "user":
		return []*pb.Change{m.user(fmt.Sprint(n), gone)}
	case kind == "table":
		return m.table(id, gone && exists)
	case !exists:
		return nil
	case kind == "segment":
		return []*pb.Change{m.segment(id, uint64(n), gone)}
	case kind == "partition":
		return []*pb.Change{m.partition(id, n, gone)}
	}
	_, there := m[fmt.Sprintf("gap %d %d", id, n)]
	return []*pb.Change{m.gap(id, fmt.Sprint(n), there)}
}

// snapshot returns the model as events of a snapshot, in any order and parts.
func (m model) snapshot(index uint64, rng *rand.Rand) []*pb.WatchEvent {
	changes := slices.Collect(maps.Values(m))
	rng.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
	var out []*pb.WatchEvent
	for part := range slices.Chunk(changes, 1+rng.IntN(4)) {
		out = append(out, snapshot(index, "c1", false, part...))
	}
	return append(out, snapshot(index, "c1", true))
}

// dump prints a state, but for its versions.
func dump(st *State) string {
	var out []string
	for id, t := range st.Tables {
		out = append(out, fmt.Sprintf("table %d %q defined %v (%v)", id, t.Name, t.Def != nil, t.Err))
		for _, s := range t.Segments {
			out = append(out, fmt.Sprintf("table %d segment %v", id, describe(s)))
		}
		for _, p := range t.Partitions {
			out = append(out, fmt.Sprintf("table %d partition %v", id, describe(p)))
		}
	}
	for _, i := range st.Instances {
		out = append(out, "instance "+describe(i))
	}
	for _, u := range st.Users {
		out = append(out, "user "+describe(u))
	}
	for _, g := range st.Gaps {
		out = append(out, "gap "+describe(g))
	}
	slices.SortFunc(out, cmp.Compare[string])
	return fmt.Sprintf("%q", out)
}

func describe(m proto.Message) string {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// Whatever happens, following it step by step, seeing a snapshot of the end, and
// seeing a snapshot in the middle and following on from there are the same; and
// no state that was handed out ever changes.
func TestFollowingEqualsSnapshots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := model{}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		followed, joined := New("i", quiet()), New("i", quiet())
		receive := func(v *View, in *receiver, events ...*pb.WatchEvent) {
			for _, ev := range events {
				if err := v.receive(in, ev); err != nil {
					t.Fatal(err)
				}
			}
		}
		receive(followed, &receiver{}, m.snapshot(1, rng)...)
		steps := rapid.IntRange(1, 40).Draw(t, "steps")
		join := rapid.IntRange(0, steps-1).Draw(t, "join")
		index := uint64(1)
		var states []*State
		var dumps []string
		for i := range steps {
			changes := m.random(t)
			index++
			receive(followed, &receiver{}, step(index, changes...))
			switch {
			case i == join:
				receive(joined, &receiver{}, m.snapshot(index, rng)...)
			case i > join:
				receive(joined, &receiver{}, step(index, changes...))
			}
			states, dumps = append(states, followed.State()), append(dumps, dump(followed.State()))
		}
		fresh := New("i", quiet())
		receive(fresh, &receiver{}, m.snapshot(index, rng)...)
		want := dump(fresh.State())
		for name, v := range map[string]*View{"followed": followed, "joined": joined} {
			if got := dump(v.State()); got != want || v.State().Index != index {
				t.Fatalf("%s: index %d of %d\ngot  %s\nwant %s", name, v.State().Index, index, got, want)
			}
		}
		for i, st := range states {
			if dump(st) != dumps[i] {
				t.Fatalf("state %d changed after it was handed out", i)
			}
		}
	})
}

// A table whose documents cannot be read says so and keeps its segments.
func TestUnreadableTableIsVisible(t *testing.T) {
	bad := tableChange(1, "t", false)
	bad.GetTable().SchemaJson = []byte("{")
	st := newState().apply(step(1, segmentChange(1, "s0", 0, false), bad))
	tab := st.TableByName("t")
	if tab == nil || tab.Def != nil || tab.Err == nil || len(tab.Segments) != 1 {
		t.Fatalf("table %+v", tab)
	}
	if st = st.apply(step(2, tableChange(1, "t", false))); st.Tables[1].Def == nil || st.Tables[1].Err != nil {
		t.Errorf("the table stays unreadable: %v", st.Tables[1].Err)
	}
}

// What was told as deleted stands before any state that shows it.
func TestDeletionsAreToldFirst(t *testing.T) {
	v := New("i", quiet())
	told := 0
	v.OnDeleted(func(s *pb.Segment) {
		told++
		if v.State().Segment(1, s.Name) == nil {
			t.Errorf("the state showed the deletion of %s first", s.Name)
		}
	})
	for _, ev := range []*pb.WatchEvent{
		snapshot(1, "c1", true, tableChange(1, "t", false), segmentChange(1, "s0", 0, false)),
		step(2, segmentChange(1, "s0", 0, true)),
	} {
		if err := v.receive(&receiver{}, ev); err != nil {
			t.Fatal(err)
		}
	}
	if told != 1 {
		t.Errorf("told of %d deletions", told)
	}
}
