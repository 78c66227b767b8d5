package server

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/server/servertest"
)

// call sends a request to the controller's HTTP API.
func (c *cluster) call(method, path string, body []byte) {
	c.t.Helper()
	if code := c.status(method, path, body); code >= 300 {
		c.t.Fatalf("%s %s: %d", method, path, code)
	}
}

// status returns the controller's answer to a request.
func (c *cluster) status(method, path string, body []byte) int {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.SetBasicAuth("admin", "x")
	w := httptest.NewRecorder()
	c.ctl.Handler().ServeHTTP(w, r)
	return w.Code
}

// define gives the server a newer definition of the table with a changed config.
func (c *cluster) define(change func(*schema.TableConfig)) {
	c.t.Helper()
	st := c.srv.View().State().TableByName("events")
	def, cfg, stream := *st.Def, *st.Def.Config, *st.Def.Config.Stream
	def.Version = c.srv.tables.runtime(def.ID).table().Version + 1
	def.Config, cfg.Stream = &cfg, &stream
	change(&cfg)
	t := *st
	t.Def = &def
	c.srv.tables.ensure(&t)
}

// A changed config takes effect on the segment that consumes, whose rows stay.
func TestConfigChangeWhileConsuming(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 150)
	c.holds(150)
	c.define(func(cfg *schema.TableConfig) { cfg.Stream.FlushRows = 100 })
	c.durable(1)
	c.holds(150)
	c.add(0, 150, 100)
	c.holds(250)
	c.durable(2)
}

// A table that gets another stream is read on from there at the same offsets.
func TestStreamChangeWhileConsuming(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 50)
	c.holds(50)
	old := c.stream
	c.stream = servertest.NewStream(1)
	c.add(0, 0, 120)
	c.define(func(cfg *schema.TableConfig) { cfg.Stream.Topic = "other" })
	c.holds(120)
	old.Add(0, `{"user":"x","n":1}`)
	time.Sleep(50 * time.Millisecond)
	c.holds(120)
}

// A partition that stopped at a gap goes on when the table allows it.
func TestGapPolicyChange(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 100)
	c.holds(100)
	c.srv.Close()
	c.stream.Trim(0, 60)
	c.start()
	key := "table events partition 0"
	eventually(t, "the partition stops", func() bool { h, _ := c.srv.Health(); return strings.HasPrefix(h[key], "stopped: ") })
	c.define(func(cfg *schema.TableConfig) { cfg.OnGap = schema.GapResume })
	eventually(t, "the rows behind the gap", func() bool { n, _, err := c.total(); return err == nil && n == 40 })
	if h, _ := c.srv.Health(); h[key] != "" {
		t.Errorf("health still says %q", h[key])
	}
	// The empty segment before the gap is built and uploaded like any other.
	c.durable(1)
}

const widerSchema = `{"schemaName":"events","dimensionFieldSpecs":[{"name":"user","dataType":"STRING"},{"name":"city","dataType":"STRING"}],
 "metricFieldSpecs":[{"name":"n","dataType":"LONG"}]}`

// A new column is decoded from the next segment on, which the change forces.
func TestSchemaChangeForcesTheNextSegment(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 50)
	c.stream.Add(0, `{"user":"a","city":"before","n":50}`)
	c.holds(51)
	c.call("PUT", "/schemas/events", []byte(widerSchema))
	eventually(t, "the next segment", func() bool {
		open := c.segments(pb.SegmentStatus_SEGMENT_CONSUMING)
		return len(open) == 1 && open[0].Sequence == 1 && open[0].SchemaVersion == 2
	})
	c.stream.Add(0, `{"user":"a","city":"after","n":51}`)
	c.holds(52)
	c.durable(1)
	check := func() {
		t.Helper()
		if got := c.cities(); got != "after:1" {
			t.Errorf("cities %s", got)
		}
	}
	check()
	// Read again from the stream, the first segment is what it was.
	seg := c.segments(pb.SegmentStatus_SEGMENT_DURABLE)[0]
	c.srv.Close()
	mustRemove(t, c.srv.path(seg.TableId, seg.Name), filepath.Join(c.dir, "deep"))
	c.start()
	c.holds(52)
	check()
	eventually(t, "no fault", func() bool { h, ready := c.srv.Health(); return ready && h["segments"] == "ok" })
}

func mustRemove(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
	}
}

// cities lists the non-NULL values of column city with their counts.
func (c *cluster) cities() string {
	c.t.Helper()
	tab := c.srv.View().State().TableByName("events")
	f := tab.Def.Schema.Fields[tab.Def.Schema.Index("city")]
	leaf := &plan.Leaf{Table: tab.Def, Cols: []plan.LeafCol{{ID: f.ID, Name: f.Name, Type: f.Type}}, Limit: -1,
		Output: []plan.Expr{&plan.ColRef{Index: 0, Name: f.Name, Typ: f.Type}}}
	counts := map[string]int{}
	var names []string
	for name := range tab.Segments {
		names = append(names, name)
	}
	_, err := c.srv.Execute(context.Background(), "cities", &plan.Fragment{Leaf: leaf, Segments: names}, func(b *column.Batch) error {
		for i := range b.N {
			if !b.Cols[0].IsNull(i) {
				counts[string(b.Cols[0].Bytes(i))]++
			}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	var out []string
	for v, n := range counts {
		out = append(out, fmt.Sprintf("%s:%d", v, n))
	}
	return strings.Join(out, " ")
}

// Queries of one plan share its leaf.
func TestConcurrentQueriesShareALeaf(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 100)
	c.holds(100)
	tab := c.srv.View().State().TableByName("events")
	leaf := &plan.Leaf{Table: &schema.Table{ID: tab.Def.ID, Name: "events"}, Limit: -1}
	var names []string
	for name := range tab.Segments {
		names = append(names, name)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			f := &plan.Fragment{Leaf: leaf, Segments: names}
			if _, err := c.srv.Execute(context.Background(), fmt.Sprint(i), f, func(*column.Batch) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if leaf.Table == tab.Def {
		t.Error("the shared leaf was changed")
	}
}

// The file of a committed segment that is nowhere any more is made again from
// the stream, byte for byte: the controller accepts no other.
func TestRebuildGivesTheSameBytes(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.deep.down.Store(true)
	c.add(0, 0, 250)
	eventually(t, "committed segments", func() bool { return len(c.segments(pb.SegmentStatus_SEGMENT_COMMITTED)) == 2 })
	c.srv.Close()
	mustRemove(t, c.srv.segmentDir())
	c.start()
	c.holds(250)
	c.deep.down.Store(false)
	c.durable(2)
	for _, seg := range c.segments(pb.SegmentStatus_SEGMENT_DURABLE) {
		if len(seg.Conflicts) > 0 {
			t.Errorf("segment %s: %v", seg.Name, seg.Conflicts)
		}
	}
}

// objects lists the deep store's objects.
func (c *cluster) objects() (names []string) {
	filepath.WalkDir(filepath.Join(c.dir, "deep"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return nil
	})
	return names
}

func TestDeletedTableLeavesNothing(t *testing.T) {
	f := func(name string, whileDown bool) {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, 1, 100, "")
			c.add(0, 0, 250)
			c.holds(250)
			c.durable(2)
			if whileDown {
				c.srv.Close()
			}
			c.call("DELETE", "/tables/events", nil)
			if whileDown {
				c.start()
			}
			eventually(t, "an empty deep store", func() bool { return len(c.objects()) == 0 })
			eventually(t, "an empty data folder", func() bool {
				files, _ := filepath.Glob(filepath.Join(c.srv.segmentDir(), "*", "*"))
				return len(files) == 0
			})
			eventually(t, "no consumer", func() bool { return len(c.srv.tables.allConsumers()) == 0 && len(c.srv.set.all()) == 0 })
			if held := c.srv.memory.held.Load(); held != 0 {
				t.Errorf("%d bytes are still counted", held)
			}
		})
	}
	f("while the server runs", false)
	f("while the server is down", true)
}

// aged makes all files below a folder look old.
func aged(t *testing.T, dir string) {
	t.Helper()
	then := time.Now().Add(-2 * sweepAge)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chtimes(path, then, then)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSweepAtStart(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 150)
	c.holds(150)
	c.durable(1)
	seg := c.segments(pb.SegmentStatus_SEGMENT_DURABLE)[0]
	path := c.srv.path(seg.TableId, seg.Name)
	c.srv.Close()
	dir := filepath.Dir(path)
	write := func(name string) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	gone := []string{write("a.seg"), write("b.seg.corrupt")}
	aged(t, dir)
	gone = append(gone, write("c.seg.tmp"), write("d.seg.fetch"))
	kept := []string{path, write("young.seg"), write("notes.txt")}
	c.start()
	for _, p := range gone {
		eventually(t, filepath.Base(p)+" is removed", func() bool { _, err := os.Stat(p); return err != nil })
	}
	for _, p := range kept {
		if _, err := os.Stat(p); err != nil {
			t.Errorf("%s: %v", filepath.Base(p), err)
		}
	}
	c.holds(150)
}

// A data folder of one cluster is not emptied because another one does not know
// its segments.
func TestOtherClusterIsRefused(t *testing.T) {
	a := newSerialCluster(t, 1, 100, "")
	a.add(0, 0, 250)
	a.holds(250)
	a.durable(2)
	a.srv.Close()
	b := newSerialCluster(t, 1, 100, "")
	b.srv.Close()
	data := b.data
	b.data = a.data
	b.start()
	eventually(t, "the other cluster is refused", func() bool {
		h, ready := b.srv.Health()
		return !ready && strings.Contains(h["cluster"], "belongs to cluster")
	})
	b.srv.Close()
	b.data = data
	a.start()
	a.holds(250)
	if n := len(a.objects()); n != 2 {
		t.Errorf("%d objects are left in the deep store", n)
	}
}

func TestDrain(t *testing.T) {
	c := newCluster(t, 1, 1000, "")
	c.add(0, 0, 50)
	c.holds(50)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	qctx, done := c.srv.queries.begin(context.Background(), "long")
	ended := make(chan struct{})
	go func() { defer close(ended); c.srv.Drain(ctx) }()
	eventually(t, "the consumer stops", func() bool { return len(c.srv.tables.allConsumers()) == 0 })
	c.add(0, 50, 50)
	time.Sleep(50 * time.Millisecond)
	if n, _, err := c.total(); n != 50 || err != nil {
		t.Errorf("%d rows, %v: rows must stay queryable and no more be read", n, err)
	}
	select {
	case <-ended:
		t.Error("drained while a query runs")
	default:
	}
	if c.srv.heartbeat().Draining != true {
		t.Error("the heartbeat does not say that the server drains")
	}
	if !c.srv.Cancel("long") || qctx.Err() == nil {
		t.Error("the query was not cancelled")
	}
	done()
	<-ended
	c.restart()
	c.holds(100)
}

func TestSegmentDownload(t *testing.T) {
	c := newCluster(t, 1, 100, "")
	c.add(0, 0, 150)
	c.durable(1)
	seg := c.segments(pb.SegmentStatus_SEGMENT_DURABLE)[0]
	open := c.segments(pb.SegmentStatus_SEGMENT_CONSUMING)[0]
	get := func(path, from, token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.RemoteAddr = from
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		c.srv.Handler().ServeHTTP(w, r)
		return w
	}
	path := fmt.Sprintf("/segments/%d/%s", seg.TableId, seg.Name)
	f := func(path, from, token string, want int) {
		t.Helper()
		if w := get(path, from, token); w.Code != want {
			t.Errorf("%s from %s: %d, want %d", path, from, w.Code, want)
		}
	}
	want, err := os.ReadFile(c.srv.path(seg.TableId, seg.Name))
	if err != nil {
		t.Fatal(err)
	}
	if got := get(path, "127.0.0.1:9", "").Body.Bytes(); !bytes.Equal(got, want) {
		t.Errorf("%d bytes instead of %d", len(got), len(want))
	}
	f(path, "[::1]:9", "", http.StatusOK)
	f(path, "10.0.0.1:9", "", http.StatusUnauthorized)
	f(fmt.Sprintf("/segments/%d/%s", open.TableId, open.Name), "127.0.0.1:9", "", http.StatusNotFound)
	f(fmt.Sprintf("/segments/%d/%s", seg.TableId+1, seg.Name), "127.0.0.1:9", "", http.StatusNotFound)
	c.srv.cfg.Secret = "s3cret"
	f(path, "127.0.0.1:9", "", http.StatusUnauthorized)
	f(path, "10.0.0.1:9", "wrong", http.StatusUnauthorized)
	f(path, "10.0.0.1:9", "s3cret", http.StatusOK)
	for _, p := range []string{"/debug/segments", "/debug/consumers"} {
		if w := get(p, "10.0.0.1:9", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), open.Name) {
			t.Errorf("%s: %d %s", p, w.Code, w.Body)
		}
	}
}
