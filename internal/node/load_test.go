package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
)

const salesTable = `{"tableName":"sales",
 "schema":{"schemaName":"sales","dimensionFieldSpecs":[{"name":"city","dataType":"STRING"}],
  "metricFieldSpecs":[{"name":"n","dataType":"LONG"}],
  "dateTimeFieldSpecs":[{"name":"ts","dataType":"TIMESTAMP","format":"TIMESTAMP","granularity":"1:MILLISECONDS"}]},
 "offline":{"tableName":"sales","tableType":"OFFLINE","segmentsConfig":{"timeColumnName":"ts","replication":"1"},
  "tableIndexConfig":{"invertedIndexColumns":["city"]}}}`

// batchCluster is a standalone process with an OFFLINE table.
type batchCluster struct {
	*Node
	t   *testing.T
	cfg Config
	def *schema.Table
}

const batchPassword = "batch"

func newBatchCluster(t *testing.T) *batchCluster {
	cfg := testConfig(t.TempDir())
	cfg.Demo, cfg.AdminPassword = false, batchPassword
	c := &batchCluster{t: t, cfg: cfg}
	c.Node = start(t, cfg)
	t.Cleanup(func() { c.Close() })
	c.do("POST", "/tableConfigs", []byte(salesTable), nil)
	msg := &pb.Table{}
	var raw json.RawMessage
	c.do("GET", "/v1/tables/sales/definition", nil, &raw)
	if err := protojson.Unmarshal(raw, msg); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.def, err = api.DecodeTable(msg); err != nil {
		t.Fatal(err)
	}
	return c
}

// restart starts the roles again over the same data and addresses.
func (c *batchCluster) restart() {
	c.t.Helper()
	for flag, addr := range map[string]*string{
		"controller-addr": &c.cfg.ControllerAddr, "controller-grpc-addr": &c.cfg.ControllerGRPCAddr, "raft-addr": &c.cfg.RaftAddr,
		"broker-addr": &c.cfg.BrokerAddr, "pg-addr": &c.cfg.PGAddr, "server-addr": &c.cfg.ServerAddr, "server-http-addr": &c.cfg.ServerHTTPAddr,
	} {
		*addr = c.Addr(flag)
	}
	c.Close()
	c.Node = start(c.t, c.cfg)
}

func (c *batchCluster) do(method, path string, body []byte, out any) {
	c.t.Helper()
	if status, raw := c.try(method, path, body); status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %s", method, path, status, raw)
	} else if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *batchCluster) try(method, path string, body []byte) (int, []byte) {
	c.t.Helper()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		req, err := http.NewRequest(method, "http://"+c.Addr("controller-addr")+path, bytes.NewReader(body))
		if err != nil {
			c.t.Fatal(err)
		}
		req.SetBasicAuth("admin", batchPassword)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			c.t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			c.t.Fatal(err)
		}
		if starting := res.StatusCode == http.StatusServiceUnavailable; !starting || time.Now().After(end) {
			return res.StatusCode, raw
		}
	}
}

// day returns the start of a day of January 2024 in µs.
func day(d int) int64 { return time.Date(2024, 1, d, 0, 0, 0, 0, time.UTC).UnixMicro() }

// segment builds a segment whose rows all have the same number, at one day.
func (c *batchCluster) segment(name string, rows int, number, at int64) []byte {
	c.t.Helper()
	b := &column.Batch{N: rows}
	for i := range c.def.Schema.Fields {
		f := &c.def.Schema.Fields[i]
		v := column.New(f.Type, rows)
		for r := range rows {
			switch f.Name {
			case "city":
				v.AppendBytes(fmt.Appendf(nil, "city %d", r%7))
			case "n":
				v.Int64s, v.N = append(v.Int64s, number), v.N+1
			default:
				v.Int64s, v.N = append(v.Int64s, at+int64(r)), v.N+1
			}
		}
		b.Cols = append(b.Cols, v)
	}
	fs := vfs.NewMem()
	meta := &segment.Metadata{Name: name, Table: c.def.Name, TableID: c.def.ID}
	if _, err := build.FromBatches(c.t.Context(), fs, "/s", []*column.Batch{b}, build.Config{Table: c.def, Meta: meta}); err != nil {
		c.t.Fatal(err)
	}
	raw, err := vfs.ReadFile(fs, "/s")
	if err != nil {
		c.t.Fatal(err)
	}
	return raw
}

func (c *batchCluster) begin(body string) (id uint64) {
	c.t.Helper()
	var load struct {
		ID uint64 `json:"id"`
	}
	c.do("POST", "/v1/tables/sales/loads", []byte(body), &load)
	return load.ID
}

func (c *batchCluster) stage(load uint64, name string, rows int, number, at int64) {
	c.t.Helper()
	c.do("PUT", fmt.Sprintf("/v1/tables/sales/loads/%d/segments/%s", load, name), c.segment(name, rows, number, at), nil)
}

func (c *batchCluster) commit(load uint64, segments int) {
	c.t.Helper()
	c.do("POST", fmt.Sprintf("/v1/tables/sales/loads/%d/commit?segments=%d", load, segments), nil, nil)
}

func (c *batchCluster) connect() *pgx.Conn {
	c.t.Helper()
	var conn *pgx.Conn
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		conn, err = pgx.Connect(context.Background(), "postgres://admin:"+batchPassword+"@"+c.Addr("pg-addr")+"/alluvium?sslmode=disable")
		if err == nil {
			c.t.Cleanup(func() { conn.Close(context.Background()) })
			return conn
		}
	}
	c.t.Fatal(err)
	return nil
}

// eventually waits until a query has an answer.
func (c *batchCluster) eventually(sql string, want int64) {
	c.t.Helper()
	conn := c.connect()
	var got int64
	var err error
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = conn.QueryRow(context.Background(), sql).Scan(&got); err == nil && got == want {
			return
		}
	}
	c.t.Fatalf("%s: %d, want %d; %v", sql, got, want, err)
}

// watch asks two queries over and over until stop, and fails the test for an
// error or an answer that is not allowed. The second reads the table twice.
func (c *batchCluster) watch(allowed ...int64) (stop func()) {
	var wg sync.WaitGroup
	var ended atomic.Bool
	var asked atomic.Int64
	for _, sql := range []string{
		"SELECT coalesce(sum(n), 0)::bigint FROM sales",
		"SELECT coalesce(sum(a.n), 0)::bigint FROM sales a WHERE n = (SELECT max(n) FROM sales)",
	} {
		conn := c.connect()
		wg.Go(func() {
			for !ended.Load() {
				var sum int64
				err := conn.QueryRow(context.Background(), sql).Scan(&sum)
				ok := false
				for _, a := range allowed {
					ok = ok || sum == a
				}
				if err != nil || !ok {
					c.t.Errorf("%s: %d, allowed are %v; %v", sql, sum, allowed, err)
					return
				}
				asked.Add(1)
			}
		})
	}
	return func() {
		c.t.Helper()
		ended.Store(true)
		wg.Wait()
		c.t.Logf("%d queries", asked.Load())
	}
}

// Loads appear whole, and take the place of others whole, under queries that
// never fail.
func TestLoadsAreAtomicForQueries(t *testing.T) {
	c := newBatchCluster(t)
	const parts, rows = 6, 500
	var last int64
	for round := range int64(5) {
		load := c.begin(fmt.Sprintf(`{"key":"round %d","mode":"replace"}`, round))
		sum := parts * rows * (round + 1)
		stop := c.watch(last, sum)
		for p := range parts {
			c.stage(load, fmt.Sprintf("sales_%d_%d", round, p), rows, round+1, day(1+p))
		}
		c.commit(load, parts)
		c.eventually("SELECT sum(n)::bigint FROM sales", sum)
		stop()
		last = sum
	}
	conn := c.connect()
	for _, name := range []string{"sales", `"sales_OFFLINE"`, "SALES"} {
		if got := one[int64](t, conn, "SELECT count(*) FROM "+name); got != parts*rows {
			t.Errorf("%s has %d rows", name, got)
		}
	}
	if got := one[int64](t, conn, "SELECT count(*) FROM sales WHERE city = 'city 3'"); got != parts*71 {
		t.Errorf("%d rows of a city", got)
	}
	if got := one[int64](t, conn, "SELECT count(*) FROM system.segments WHERE table_name = 'sales_OFFLINE' AND state = 'RETIRED'"); got != 4*parts {
		t.Errorf("%d retired segments", got)
	}
	if got := one[int64](t, conn, "SELECT rows FROM system.tables WHERE table_name = 'sales'"); got != parts*rows {
		t.Errorf("system.tables counts %d rows", got)
	}
}

// A range of time is replaced, and queries of a range read only what it holds.
func TestReplaceRangeAndPruning(t *testing.T) {
	c := newBatchCluster(t)
	load := c.begin(`{"key":"all","mode":"append"}`)
	for d := 1; d <= 4; d++ {
		c.stage(load, fmt.Sprintf("day%d", d), 100, 1, day(d))
	}
	c.commit(load, 4)
	again := c.begin(`{"key":"two days","mode":"replace-range","from":"2024-01-02","to":"2024-01-04"}`)
	c.stage(again, "new2", 10, 1000, day(2))
	stop := c.watch(400, 200+10_000, 10_000)
	c.commit(again, 1)
	c.eventually("SELECT sum(n)::bigint FROM sales", 10_200)
	stop()
	conn := c.connect()
	if got := one[int64](t, conn, "SELECT count(*) FROM sales WHERE ts >= '2024-01-02' AND ts < '2024-01-03'"); got != 10 {
		t.Errorf("%d rows of the replaced day", got)
	}
	var res struct {
		Pruned int64 `json:"numSegmentsPrunedByBroker"`
		Docs   int64 `json:"numDocsScanned"`
	}
	c.do("POST", "/sql", []byte(`{"sql":"SELECT count(*) FROM sales WHERE ts >= '2024-01-04'"}`), &res)
	if res.Pruned != 2 {
		t.Errorf("%d segments pruned by time, want 2", res.Pruned)
	}
}

// What is loaded, and what is staged, is there after a restart; a file that was
// damaged on the server's disk is fetched again.
func TestLoadsSurviveRestarts(t *testing.T) {
	c := newBatchCluster(t)
	load := c.begin(`{"key":"first","mode":"append"}`)
	c.stage(load, "a", 100, 1, day(1))
	c.commit(load, 1)
	open := c.begin(`{"key":"second","mode":"append"}`)
	c.stage(open, "b", 100, 1, day(2))
	c.restart()
	c.eventually("SELECT count(*) FROM sales", 100)
	if again := c.begin(`{"key":"second","mode":"append"}`); again != open {
		t.Errorf("the load taken up is %d, not %d", again, open)
	}
	c.stage(open, "c", 100, 1, day(3))
	c.commit(open, 2)
	c.eventually("SELECT count(*) FROM sales", 300)
	for _, addr := range []string{"a", "b"} {
		c.damage(addr)
	}
	c.restart()
	c.eventually("SELECT sum(n)::bigint FROM sales WHERE city <> ''", 300)

	c.do("DELETE", "/tables/sales", nil, nil)
	eventuallyEmpty(t, filepath.Join(c.cfg.DataDir, "deep-store", "loads"))
	eventuallyEmpty(t, filepath.Join(c.cfg.DataDir, "server", "segments"))
}

// damage cuts the end of a segment's file on the server's disk.
func (c *batchCluster) damage(name string) {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.cfg.DataDir, "server", "segments", "*", name+".seg"))
	if err != nil || len(files) != 1 {
		c.t.Fatalf("files of %s: %v %v", name, files, err)
	}
	if err := os.Truncate(files[0], 100); err != nil {
		c.t.Fatal(err)
	}
}

func eventuallyEmpty(t *testing.T, dir string) {
	t.Helper()
	var left []string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		left = nil
		filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && filepath.Ext(path) == ".seg" {
				left = append(left, path)
			}
			return nil
		})
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("files are left: %v", left)
}
