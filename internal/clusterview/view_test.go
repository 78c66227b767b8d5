package clusterview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func tableChange(id uint32, name string, deleted bool) *pb.Change {
	return &pb.Change{Deleted: deleted, Entity: &pb.Change_Table{Table: &pb.Table{
		Id: id, Version: 1, Name: name, Type: "REALTIME", SchemaVersion: 2, NextColumnId: 3,
		SchemaJson:    schemaDoc(name, "a", "b"),
		SchemaHistory: []*pb.Schema{{Name: name, Version: 1, Json: schemaDoc(name, "a")}},
		ColumnIds:     []*pb.ColumnID{{Name: "a", Id: 1}, {Name: "b", Id: 2}},
		ConfigJson: fmt.Appendf(nil, `{"tableName":%q,"tableType":"OFFLINE","segmentsConfig":{"schemaName":%q},
			"tableIndexConfig":{},"tenants":{},"metadata":{}}`, name, name),
	}}}
}

func schemaDoc(name string, columns ...string) []byte {
	doc := fmt.Sprintf(`{"schemaName":%q,"dimensionFieldSpecs":[`, name)
	for i, c := range columns {
		if i > 0 {
			doc += ","
		}
		doc += fmt.Sprintf(`{"name":%q,"dataType":"STRING"}`, c)
	}
	return []byte(doc + "]}")
}

func segmentChange(table uint32, name string, seq uint64, deleted bool) *pb.Change {
	return &pb.Change{Deleted: deleted, Entity: &pb.Change_Segment{Segment: &pb.Segment{TableId: table, Name: name, Sequence: seq}}}
}

func snapshot(index uint64, cluster string, end bool, changes ...*pb.Change) *pb.WatchEvent {
	return &pb.WatchEvent{Index: index, ClusterId: cluster, Snapshot: true, SnapshotEnd: end, Changes: changes}
}

func step(index uint64, changes ...*pb.Change) *pb.WatchEvent {
	return &pb.WatchEvent{Index: index, ClusterId: "c1", Changes: changes}
}

// script is a controller whose watches give the events of one list each and
// then break; after the last the watch stays open.
type script struct {
	api.Controller
	watches [][]*pb.WatchEvent
	from    []uint64
	errs    []error
}

func (s *script) Watch(ctx context.Context, r *pb.WatchRequest, f func(*pb.WatchEvent) error) error {
	n := len(s.from)
	s.from = append(s.from, r.FromIndex)
	if n >= len(s.watches) {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, ev := range s.watches[n] {
		if err := f(ev); err != nil {
			s.errs = append(s.errs, err)
			return err
		}
	}
	return errors.New("connection broke")
}

// follow runs a view over watches and returns it once all have ended.
func follow(t *testing.T, prepare func(*View), watches ...[]*pb.WatchEvent) (*View, *script) {
	t.Helper()
	v, s := New("Server_h_1", quiet()), &script{watches: watches}
	if prepare != nil {
		prepare(v)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go v.Run(ctx, s)
	time.Sleep(time.Minute)
	cancel()
	synctest.Wait()
	return v, s
}

func TestViewResumesWhereItBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := follow(t, nil,
			[]*pb.WatchEvent{snapshot(5, "c1", false, tableChange(1, "t", false))}, // never finished
			[]*pb.WatchEvent{snapshot(6, "c1", false, segmentChange(1, "s0", 0, false)), snapshot(6, "c1", true, tableChange(1, "t", false))},
			[]*pb.WatchEvent{step(7, segmentChange(1, "s1", 1, false)), step(8, segmentChange(1, "s0", 0, true))},
		)
		if want := []uint64{0, 0, 6, 8}; !slices.Equal(s.from, want) {
			t.Errorf("watched from %v, want %v", s.from, want)
		}
		st := v.State()
		if st.Index != 8 || st.ClusterID != "c1" || !st.Synced {
			t.Errorf("state: index %d, cluster %q, synced %v", st.Index, st.ClusterID, st.Synced)
		}
		tab := st.TableByName("T_offline")
		if tab == nil || tab.Def == nil || len(tab.Segments) != 1 || tab.Segments["s1"] == nil {
			t.Fatalf("table %+v", tab)
		}
		if v.Stale() == 0 {
			t.Error("a broken watch is not reported as stale")
		}
	})
}

func TestViewNeverGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := follow(t, nil,
			[]*pb.WatchEvent{snapshot(9, "c1", true, tableChange(1, "t", false))},
			[]*pb.WatchEvent{snapshot(4, "c1", true)},
			[]*pb.WatchEvent{snapshot(0, "", true)},
			[]*pb.WatchEvent{snapshot(50, "c2", true)},
		)
		if st := v.State(); st.Index != 9 || len(st.Tables) != 1 {
			t.Errorf("index %d, %d tables", st.Index, len(st.Tables))
		}
		for i, want := range []error{ErrBehind, ErrBehind, ErrOtherCluster} {
			if i >= len(s.errs) || !errors.Is(s.errs[i], want) {
				t.Fatalf("errors %v, want number %d to be %v", s.errs, i, want)
			}
		}
		if v.Refused() == "" {
			t.Error("the other cluster is not reported")
		}
	})
}

func TestViewExpectsItsCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, _ := follow(t, func(v *View) { v.Expect("c1") }, []*pb.WatchEvent{snapshot(3, "c2", true)})
		if v.State().Synced {
			t.Error("another cluster was followed")
		}
		v, _ = follow(t, func(v *View) { v.Expect("c1") }, []*pb.WatchEvent{snapshot(3, "c1", true)})
		if !v.State().Synced || v.Refused() != "" {
			t.Error("the own cluster was refused")
		}
	})
}

func TestDeletionsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		v, _ := follow(t, func(v *View) { v.OnDeleted(func(s *pb.Segment) { told = append(told, s.Name) }) },
			[]*pb.WatchEvent{
				snapshot(1, "c1", false, segmentChange(7, "old", 0, true)),
				snapshot(1, "c1", true, &pb.Change{Deleted: true, Entity: &pb.Change_Table{Table: &pb.Table{Id: 7}}}, tableChange(1, "t", false), segmentChange(1, "s", 0, false)),
				step(2, segmentChange(1, "s", 0, true), tableChange(1, "t", true)),
				step(3, segmentChange(1, "late", 1, true)),
			})
		if want := []string{"old", "s", "late"}; !slices.Equal(told, want) {
			t.Errorf("told of %v, want %v", told, want)
		}
		if n := len(v.State().Tables); n != 0 {
			t.Errorf("%d tables are left of deletions", n)
		}
	})
}

func TestStatesAreImmutable(t *testing.T) {
	base := newState().apply(step(1, tableChange(1, "t", false), segmentChange(1, "s0", 0, false)))
	next := base.apply(step(2,
		segmentChange(1, "s1", 1, false),
		&pb.Change{Entity: &pb.Change_Partition{Partition: &pb.Partition{TableId: 1, Id: 4}}},
		&pb.Change{Entity: &pb.Change_Instance{Instance: &pb.Instance{Id: "i"}}},
		&pb.Change{Entity: &pb.Change_User{User: &pb.User{Name: "u"}}},
		&pb.Change{Entity: &pb.Change_Gap{Gap: &pb.Gap{TableId: 1, FromOffset: []byte("a")}}},
	))
	if len(base.Tables[1].Segments) != 1 || len(base.Tables[1].Partitions) != 0 || len(base.Instances) != 0 || len(base.Users) != 0 || len(base.Gaps) != 0 {
		t.Errorf("an older state changed: %+v", base)
	}
	if len(next.Tables[1].Segments) != 2 || len(next.Tables[1].Partitions) != 1 || len(next.Instances) != 1 || len(next.Users) != 1 || len(next.Gaps) != 1 {
		t.Errorf("the newer state lacks changes: %+v", next)
	}
	last := next.apply(step(3, &pb.Change{Deleted: true, Entity: &pb.Change_Gap{Gap: &pb.Gap{TableId: 1, FromOffset: []byte("a")}}}))
	if len(last.Gaps) != 0 || len(next.Gaps) != 1 {
		t.Errorf("gaps after deletion: %v, before: %v", last.Gaps, next.Gaps)
	}
	var names []string
	for _, s := range next.Tables[1].Sorted() {
		names = append(names, s.Name)
	}
	if !slices.Equal(names, []string{"s0", "s1"}) {
		t.Errorf("sorted segments %v", names)
	}
}

func TestTableAtOlderSchema(t *testing.T) {
	st := newState().apply(step(1, tableChange(1, "t", false)))
	tab := st.Tables[1]
	f := func(version uint32, want int) {
		t.Helper()
		def, err := tab.At(version)
		if err != nil {
			t.Fatal(err)
		}
		if len(def.Schema.Fields) != want || def.Schema.Version != version {
			t.Errorf("version %d: %d fields of version %d", version, len(def.Schema.Fields), def.Schema.Version)
		}
	}
	f(2, 2)
	f(1, 1)
	if _, err := tab.At(9); err == nil {
		t.Error("an unknown version was found")
	}
}

func TestWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := New("i", quiet())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := v.WaitFor(ctx, func(s *State) bool { return s.Synced }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		go func() {
			time.Sleep(time.Minute)
			if err := v.receive(&receiver{}, snapshot(4, "c", true)); err != nil {
				t.Error(err)
			}
		}()
		st, err := v.WaitFor(t.Context(), func(s *State) bool { return s.Index >= 4 })
		if err != nil || st.Index != 4 {
			t.Errorf("state %d, %v", st.Index, err)
		}
	})
}
