package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/objstore"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
)

const offlineTable = `{"tableName":"events","tableType":"OFFLINE","segmentsConfig":{"timeColumnName":"ts","replication":"1"},
 "tableIndexConfig":{"invertedIndexColumns":["user"]}}`

// loader is a controller with a deep store, a server that reports what it is
// told to, and an OFFLINE table.
type loader struct {
	*testNode
	t      *testing.T
	deep   objstore.Store
	folder string
	now    atomic.Int64 // µs; the controller reads it too
}

const loadServer = "Server_a_1"

func newLoader(t *testing.T) *loader {
	l := &loader{t: t, folder: t.TempDir()}
	l.now.Store(time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC).UnixMicro())
	var err error
	if l.deep, err = objstore.Open(t.Context(), "file://"+l.folder, objstore.Options{}); err != nil {
		t.Fatal(err)
	}
	l.testNode = one(t, func(c *Config) {
		c.DeepStore, c.DataDir = l.deep, t.TempDir()
		c.Now = func() time.Time { return time.UnixMicro(l.now.Load()) }
	})
	if _, err := l.EnsureTable(t.Context(), []byte(testSchema), []byte(offlineTable)); err != nil {
		t.Fatal(err)
	}
	register(t, l, serverInstance(loadServer, 1))
	return l
}

// segmentFile builds a segment of the table with rows at the given times.
func (l *loader) segmentFile(name string, change func(*schema.Table, *segment.Metadata), times ...int64) []byte {
	l.t.Helper()
	def, err := api.DecodeTable(l.State().TableByName("events"))
	if err != nil {
		l.t.Fatal(err)
	}
	meta := &segment.Metadata{Name: name, Table: def.Name, TableID: def.ID}
	if change != nil {
		change(def, meta)
	}
	batch := &column.Batch{N: len(times)}
	for i := range def.Schema.Fields {
		v := column.New(def.Schema.Fields[i].Type, len(times))
		for _, at := range times {
			switch v.Kind() {
			case schema.KindBytes:
				v.AppendBytes([]byte("u"))
			case schema.KindInt32:
				v.Int32s = append(v.Int32s, 1)
				v.N++
			default:
				v.Int64s = append(v.Int64s, at)
				v.N++
			}
		}
		batch.Cols = append(batch.Cols, v)
	}
	fs := vfs.NewMem()
	if _, err := build.FromBatches(l.t.Context(), fs, "/x.seg", []*column.Batch{batch}, build.Config{Table: def, Meta: meta}); err != nil {
		l.t.Fatal(err)
	}
	raw, err := vfs.ReadFile(fs, "/x.seg")
	if err != nil {
		l.t.Fatal(err)
	}
	return raw
}

// answer makes a request and decodes its answer when it has the wanted status.
func (l *loader) answer(method, path string, body []byte, status int, out any) string {
	l.t.Helper()
	got, text := l.call(l.t, method, "/v1/tables/events/loads"+path, string(body))
	if got != status {
		l.t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, text)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			l.t.Fatal(err)
		}
	}
	return text
}

func (l *loader) begin(key, mode string) loadInfo {
	l.t.Helper()
	var info loadInfo
	l.answer("POST", "", fmt.Appendf(nil, `{"key":%q,"mode":%q}`, key, mode), 200, &info)
	return info
}

func (l *loader) stage(load uint64, name string, times ...int64) {
	l.t.Helper()
	l.answer("PUT", fmt.Sprintf("/%d/segments/%s", load, name), l.segmentFile(name, nil, times...), 200, nil)
}

// serve lets the server report segments in a state.
func (l *loader) serve(state string, names ...string) {
	l.t.Helper()
	r := &pb.HeartbeatRequest{InstanceId: loadServer}
	for _, n := range names {
		r.Segments = append(r.Segments, &pb.SegmentReport{Name: n, State: state, Error: map[bool]string{true: "disk is full"}[state == "ERROR"]})
	}
	if _, err := l.Heartbeat(l.t.Context(), r); err != nil {
		l.t.Fatal(err)
	}
}

func (l *loader) commit(load uint64, segments, status int, out any) string {
	l.t.Helper()
	return l.answer("POST", fmt.Sprintf("/%d/commit?segments=%d&timeout=0s", load, segments), nil, status, out)
}

// visible counts the segments that queries see.
func (l *loader) visible() (n int) {
	for seg := range l.State().Segments() {
		if api.Visible(seg) {
			n++
		}
	}
	return n
}

// objects lists the files in the deep store.
func (l *loader) objects() (keys []string) {
	l.t.Helper()
	if err := l.deep.List(l.t.Context(), "", func(i objstore.Info) error {
		keys = append(keys, i.Key)
		return nil
	}); err != nil {
		l.t.Fatal(err)
	}
	return keys
}

func TestLoadOverHTTP(t *testing.T) {
	l := newLoader(t)
	load := l.begin("k", "append")
	l.stage(load.ID, "a", 1, 2)
	l.stage(load.ID, "b", 3)
	l.stage(load.ID, "a", 1, 2) // again: nothing happens
	if again := l.begin("k", "append"); again.ID != load.ID || len(again.Staged) != 2 || again.Rows != 3 {
		t.Errorf("the load taken up: %+v", again)
	}
	seg := l.State().Segment("a")
	if len(seg.Replicas) != 1 || seg.Rows != 2 || !seg.HasTime || seg.MaxTime != 2 || len(seg.ColumnStats) == 0 {
		t.Errorf("staged segment: %v", seg)
	}
	if text := l.commit(load.ID, 2, 503, nil); !strings.Contains(text, "segment a is not loaded at "+loadServer) {
		t.Errorf("commit before the servers have it: %s", text)
	}
	l.serve("ERROR", "a", "b")
	if text := l.commit(load.ID, 2, 503, nil); !strings.Contains(text, "disk is full") {
		t.Errorf("commit although the server fails: %s", text)
	}
	if l.visible() != 0 {
		t.Fatal("something is visible before the commit")
	}
	l.serve("ONLINE", "a", "b")
	if text := l.commit(load.ID, 1, 409, nil); !strings.Contains(text, "2 staged") {
		t.Errorf("commit of another number: %s", text)
	}
	var done loadInfo
	l.commit(load.ID, 2, 200, &done)
	if done.Status != "COMMITTED" || done.Rows != 3 || l.visible() != 2 {
		t.Errorf("%+v, %d visible", done, l.visible())
	}
	l.commit(load.ID, 2, 200, nil)
	if left, _ := filepath.Glob(filepath.Join(l.uploadDir(), "*")); len(left) != 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestStageRefusals(t *testing.T) {
	l := newLoader(t)
	load := l.begin("k", "append")
	good := l.segmentFile("a", nil, 1)
	f := func(what, path string, body []byte, status int, want string) {
		t.Helper()
		if text := l.answer("PUT", path, body, status, nil); !strings.Contains(text, want) {
			t.Errorf("%s: %s, want %q", what, text, want)
		}
	}
	at := fmt.Sprintf("/%d/segments/", load.ID)
	f("no segment", at+"a", []byte("nonsense"), 400, "file of 8 bytes")
	f("cut off", at+"a", good[:len(good)-3], 400, "cut off")
	damaged := bytes.Clone(good)
	damaged[len(damaged)-80] ^= 1
	f("damaged footer", at+"a", damaged, 400, "checksum of the footer")
	f("other name", at+"b", good, 400, `segment \"a\"`)
	f("wrong checksum", at+"a?crc=1", good, 400, "announced was 00000001")
	f("bad checksum", at+"a?crc=xyz", good, 400, "hexadecimal")
	f("bad name", at+"a%2Fb", good, 400, "contains '/'")
	f("hidden name", at+".a", good, 400, "begins with a dot")
	f("no load", "/99999/segments/a", good, 404, "no load 99999")
	f("bad load", "/x/segments/a", good, 400, "a number")
	change := func(c func(*schema.Table, *segment.Metadata)) []byte { return l.segmentFile("a", c, 1) }
	f("other table", at+"a", change(func(_ *schema.Table, m *segment.Metadata) { m.Table = "orders" }), 400, `table \"orders\"`)
	f("streamed", at+"a", change(func(_ *schema.Table, m *segment.Metadata) { m.Streamed = true }), 400, "of a stream")
	f("unknown version", at+"a", change(func(d *schema.Table, _ *segment.Metadata) { d.Schema.Version = 7 }), 400, "no schema version 7")
	f("other type", at+"a", change(func(d *schema.Table, _ *segment.Metadata) {
		d.Schema.Fields[d.Schema.Index("price")].Type = schema.Int64
	}), 400, `column \"price\"`)
	f("unknown column", at+"a", change(func(d *schema.Table, _ *segment.Metadata) {
		d.Schema.Fields[d.Schema.Index("price")].ID = 77
	}), 400, "no column")
	if objects := l.objects(); len(objects) != 0 {
		t.Errorf("refused files are in the deep store: %v", objects)
	}
	l.stage(load.ID, "a", 1)
	f("other content", at+"a", l.segmentFile("a", nil, 1, 2), 409, "other content")
	if objects := l.objects(); len(objects) != 1 {
		t.Errorf("objects: %v", objects)
	}
}

func TestBeginRefusals(t *testing.T) {
	l := newLoader(t)
	f := func(body string, status int, want string) {
		t.Helper()
		if text := l.answer("POST", "", []byte(body), status, nil); !strings.Contains(text, want) {
			t.Errorf("%s: %s, want %q", body, text, want)
		}
	}
	f(`{"key":"k","mode":"upsert"}`, 400, "append, replace or replace-range")
	f(`{"mode":"append"}`, 400, "no key")
	f(`{"key":"k","mode":"append","from":"2024-01-01","to":"2024-01-02"}`, 400, "belong to the mode")
	f(`{"key":"k","mode":"replace-range","from":"2024-01-01"}`, 400, "both")
	f(`{"key":"k","mode":"replace-range","from":"2024-01-01","to":"soon"}`, 400, `\"soon\" is neither`)
	f(`{"key":"k","mode":"replace-range","from":"2024-01-02","to":"2024-01-02"}`, 400, "empty")
	f(`nonsense`, 400, "not the JSON")
	var info loadInfo
	l.answer("POST", "", []byte(`{"key":"k","mode":"replace-range","from":"1970-01-01","to":"1970-01-02T00:00:01Z"}`), 200, &info)
	if *info.From != 0 || *info.To != 86401e6 {
		t.Errorf("range %d to %d", *info.From, *info.To)
	}
	bare := one(t, nil)
	if _, err := bare.EnsureTable(t.Context(), []byte(testSchema), []byte(offlineTable)); err != nil {
		t.Fatal(err)
	}
	if status, text := bare.call(t, "POST", "/v1/tables/events/loads", `{"key":"k","mode":"append"}`); status != 503 || !strings.Contains(text, "--deep-store") {
		t.Errorf("without a deep store: %d %s", status, text)
	}
}

func TestReplacedSegmentsAreKeptAWhile(t *testing.T) {
	l := newLoader(t)
	for _, name := range []string{"a", "b"} {
		load := l.begin(name, "replace")
		l.stage(load.ID, name, 1)
		l.serve("ONLINE", "a", "b")
		l.commit(load.ID, 1, 200, nil)
	}
	if l.visible() != 1 || l.State().Segment("a") == nil {
		t.Fatalf("%d visible; the replaced one: %v", l.visible(), l.State().Segment("a"))
	}
	f := func(after time.Duration, want bool) {
		t.Helper()
		l.now.Add(after.Microseconds())
		if err := l.keepLoads(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := l.State().Segment("a") != nil; got != want {
			t.Errorf("after %v the replaced segment is there: %v", after, got)
		}
	}
	f(DefaultRetiredKeep-time.Second, true)
	f(2*time.Second, false)
	if l.visible() != 1 {
		t.Error("the wrong segment was dropped")
	}
}

func TestAbandonedLoadsExpire(t *testing.T) {
	l := newLoader(t)
	load := l.begin("k", "append")
	l.stage(load.ID, "a", 1)
	// A controller died between the deep store and the log.
	orphan := loadPrefix("events", load.ID) + "lost-00000000.seg"
	if err := l.deep.Put(t.Context(), orphan, strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	keep := func() {
		t.Helper()
		if err := l.keepLoads(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	l.now.Add((DefaultLoadExpiry - time.Second).Microseconds())
	keep()
	if l.State().Load(load.ID).Status != pb.LoadStatus_LOAD_OPEN || len(l.objects()) != 2 {
		t.Fatal("the load expired too early")
	}
	l.now.Add((2 * time.Second).Microseconds())
	keep()
	var info loadInfo
	l.answer("GET", fmt.Sprint("/", load.ID), nil, 200, &info)
	if info.Status != "ABORTED" || !strings.Contains(info.Reason, "24h") || l.State().Segment("a") != nil {
		t.Errorf("%+v", info)
	}
	keep()
	if objects := l.objects(); len(objects) != 1 || !strings.Contains(objects[0], "/a-") {
		t.Errorf("left are %v: only the file that its server deletes may be", objects)
	}
	l.answer("PUT", fmt.Sprintf("/%d/segments/a", load.ID), l.segmentFile("a", nil, 1), 409, nil)
}

func TestAbortLoad(t *testing.T) {
	l := newLoader(t)
	load := l.begin("k", "append")
	l.stage(load.ID, "a", 1)
	var info loadInfo
	l.answer("DELETE", fmt.Sprintf("/%d?reason=bad+file", load.ID), nil, 200, &info)
	if info.Status != "ABORTED" || info.Reason != "bad file" || l.State().NumSegments() != 0 {
		t.Errorf("%+v", info)
	}
	if text := l.commit(load.ID, 0, 409, nil); !strings.Contains(text, "bad file") {
		t.Errorf("commit of an aborted load: %s", text)
	}
	if next := l.begin("k", "append"); next.ID == load.ID {
		t.Error("an aborted load is taken up")
	}
}

// A file that no server has is deleted by the controllers.
func TestAbortWithoutServers(t *testing.T) {
	l := newLoader(t)
	l.now.Add((time.Hour).Microseconds()) // the only server is silent
	load := l.begin("k", "append")
	l.stage(load.ID, "a", 1)
	if got := l.State().Segment("a").Replicas; len(got) != 0 || len(l.objects()) != 1 {
		t.Fatalf("replicas %v, objects %v", got, l.objects())
	}
	l.answer("DELETE", fmt.Sprint("/", load.ID), nil, 200, nil)
	if err := l.keepLoads(t.Context()); err != nil || len(l.objects()) != 0 {
		t.Errorf("left are %v, %v", l.objects(), err)
	}
}

// A load that is taken up shortly before it would expire does not.
func TestResumedLoadsRest(t *testing.T) {
	l := newLoader(t)
	load := l.begin("k", "append")
	for range 2 {
		l.now.Add((DefaultLoadExpiry - time.Second).Microseconds())
		if again := l.begin("k", "append"); again.ID != load.ID || again.Version != l.State().TableByName("events").Version {
			t.Fatalf("%+v, before %+v", again, load)
		}
		if err := l.keepLoads(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.State().Load(load.ID).Status; got != pb.LoadStatus_LOAD_OPEN {
		t.Errorf("status %v", got)
	}
}

// A body of which nothing arrives any more fails, and the request goes on.
func TestStalledUpload(t *testing.T) {
	got := make(chan error, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(&moving{ReadCloser: r.Body, conn: http.NewResponseController(w), pause: 50 * time.Millisecond})
		got <- err
		time.Sleep(100 * time.Millisecond)
		got <- r.Context().Err()
	}))
	defer srv.Close()
	f := func(length int, fails bool) {
		t.Helper()
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nabc", length)
		if err := <-got; fails != errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d bytes: %v", length, err)
		}
		if err := <-got; !fails && err != nil {
			t.Errorf("the request ended with its body: %v", err)
		}
	}
	f(10, true)
	f(3, false)
}

func TestLoadRange(t *testing.T) {
	f := func(field schema.Field, text string, want int64) {
		t.Helper()
		if got, err := timeOf(&field, text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	stamp := schema.Field{Type: schema.Timestamp}
	f(stamp, "1970-01-02", 86400e6)
	f(stamp, "1970-01-01 00:00:01.5", 1500000)
	f(stamp, "1970-01-01T01:00:00+01:00", 0)
	epoch := func(u schema.TimeUnit, size int64) schema.Field {
		return schema.Field{Type: schema.Int64, Format: schema.TimeFormat{Kind: schema.FormatEpoch, Unit: u, Size: size}}
	}
	f(epoch(schema.UnitDays, 1), "1970-01-11", 10)
	f(epoch(schema.UnitDays, 1), "1970-01-11T00:00:01Z", 11)
	f(epoch(schema.UnitDays, 1), "19700", 19700)
	f(epoch(schema.UnitMillis, 0), "1970-01-01T00:00:01", 1000)
	f(epoch(schema.UnitNanos, 1), "1970-01-01T00:00:01", 1e9)
	if _, err := timeOf(&stamp, "17"); err == nil {
		t.Error("a number passes for a timestamp")
	}
}

// The controller that took a load in dies; the others go on with it.
func TestLoadSurvivesTheLeader(t *testing.T) {
	dir := t.TempDir()
	deep, err := objstore.Open(t.Context(), "file://"+dir, objstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	nodes := three(t, func(c *Config) { c.DeepStore = deep })
	first := leader(t, nodes)
	if _, err := first.EnsureTable(t.Context(), []byte(testSchema), []byte(offlineTable)); err != nil {
		t.Fatal(err)
	}
	register(t, first, serverInstance(loadServer, 1))
	l := &loader{testNode: first, t: t, deep: deep}
	load := l.begin("k", "append")
	l.stage(load.ID, "a", 1)
	first.stop()
	l.testNode = leader(t, nodes)
	eventually(t, "the new leader leads", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := l.Heartbeat(ctx, &pb.HeartbeatRequest{InstanceId: loadServer})
		return err == nil
	})
	if again := l.begin("k", "append"); again.ID != load.ID || len(again.Staged) != 1 {
		t.Fatalf("the load taken up elsewhere: %+v", again)
	}
	l.stage(load.ID, "b", 2)
	l.serve("ONLINE", "a", "b")
	other := &loader{testNode: follower(t, nodes), t: t, deep: deep}
	other.answer("POST", fmt.Sprintf("/%d/commit?segments=2&timeout=10s", load.ID), nil, http.StatusOK, nil)
	if other.visible() != 2 {
		t.Errorf("%d visible", other.visible())
	}
}

func TestUploadsAreCleared(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "uploads", "segment-1")
	if err := os.MkdirAll(filepath.Dir(left), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	one(t, func(c *Config) { c.DataDir = dir })
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", left, err)
	}
}
