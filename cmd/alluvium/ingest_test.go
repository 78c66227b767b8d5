package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// asProgram makes the test binary the program itself, so that tests can start
// and kill real processes.
const asProgram = "ALLUVIUM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// installation is a standalone process with a folder of Parquet files.
type installation struct {
	t     *testing.T
	dir   string
	addrs map[string]string
	proc  *exec.Cmd
}

const testPassword = "ingest-test"

func program(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "ALLUVIUM_ADMIN_PASSWORD="+testPassword, "ALLUVIUM_USER=admin", "ALLUVIUM_PASSWORD="+testPassword)
	return cmd
}

func install(t *testing.T) *installation {
	t.Helper()
	in := &installation{t: t, dir: t.TempDir(), addrs: map[string]string{}}
	for _, flag := range []string{"controller-addr", "raft-addr", "controller-grpc-addr", "broker-addr", "pg-addr", "server-addr", "server-http-addr"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		in.addrs[flag] = l.Addr().String()
		l.Close()
	}
	in.start()
	t.Cleanup(func() { in.kill() })
	return in
}

// start starts the process and waits until it is ready.
func (in *installation) start() {
	in.t.Helper()
	args := []string{"standalone", "--data-dir", filepath.Join(in.dir, "data")}
	for flag, addr := range in.addrs {
		args = append(args, "--"+flag, addr)
	}
	in.proc = program(context.Background(), args...)
	var log bytes.Buffer
	in.proc.Stdout, in.proc.Stderr = &log, &log
	if err := in.proc.Start(); err != nil {
		in.t.Fatal(err)
	}
	for range 600 {
		if res, err := http.Get("http://" + in.addrs["controller-addr"] + "/health"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(25 * time.Millisecond)
	}
	in.kill()
	in.t.Fatalf("not ready:\n%s", &log)
}

// kill ends the process with SIGKILL.
func (in *installation) kill() {
	in.proc.Process.Signal(syscall.SIGKILL)
	in.proc.Wait()
}

const ordersConfig = `{"tableName":"orders","tableType":"OFFLINE","segmentsConfig":{"replication":"1"},
 "tableIndexConfig":{"invertedIndexColumns":["city"]}}`

// orders makes rows: id counts up from next.
type orders struct{ next int64 }

func (o *orders) Schema() *schema.Schema {
	s := &schema.Schema{Name: "orders"}
	data.Fields(s, schema.Text, schema.Dimension, "city")
	data.Fields(s, schema.Int64, schema.Metric, "id")
	return s
}

func (o *orders) Next(n int, b *column.Batch) bool {
	data.Prepare(o.Schema(), b, n)
	for range n {
		w := data.Writer{B: b}
		w.Text(fmt.Sprint("city ", o.next%10))
		w.Long(o.next)
		o.next++
	}
	return true
}

// files writes Parquet files of so many rows each, with ids from first on, and
// the documents of the table.
func (in *installation) files(folder string, n, rows int, first int64) string {
	in.t.Helper()
	dir := filepath.Join(in.dir, folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		in.t.Fatal(err)
	}
	src := &orders{next: first}
	for i := range n {
		var buf bytes.Buffer
		if err := data.WriteParquet(&buf, src.Schema(), src, rows); err != nil {
			in.t.Fatal(err)
		}
		in.write(filepath.Join(folder, fmt.Sprintf("part-%03d.parquet", i)), buf.Bytes())
	}
	doc, err := data.PinotSchema(src.Schema())
	if err != nil {
		in.t.Fatal(err)
	}
	in.write("schema.json", doc)
	in.write("table.json", []byte(ordersConfig))
	return dir
}

func (in *installation) write(name string, content []byte) {
	in.t.Helper()
	if err := os.WriteFile(filepath.Join(in.dir, name), content, 0o644); err != nil {
		in.t.Fatal(err)
	}
}

// ingest is the command for the table orders.
func (in *installation) ingest(args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	in.t.Cleanup(cancel)
	return program(ctx, append([]string{"ingest", "--controller", "http://" + in.addrs["controller-addr"], "--table", "orders",
		"--create", "--schema", filepath.Join(in.dir, "schema.json"), "--table-config", filepath.Join(in.dir, "table.json"),
		"--temp-dir", in.dir}, args...)...)
}

// run runs the command to its end, which must have that exit code, and returns
// what it printed.
func (in *installation) run(cmd *exec.Cmd, code int, want ...string) string {
	in.t.Helper()
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		in.t.Fatalf("exit code %d, want %d: %v\n%s", got, code, err, out)
	}
	for _, w := range want {
		if !regexp.MustCompile(w).Match(out) {
			in.t.Errorf("output has no %q:\n%s", w, out)
		}
	}
	return string(out)
}

// count checks the number and the sum of the rows.
func (in *installation) count(rows int64) {
	in.t.Helper()
	var got, distinct int64
	var err error
	for range 200 {
		if got, distinct, err = in.ask(); err == nil && got == rows {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	if err != nil || got != rows {
		in.t.Fatalf("%d rows (%d distinct), want %d; %v", got, distinct, rows, err)
	}
}

func (in *installation) ask() (rows, distinct int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, "postgres://admin:"+testPassword+"@"+in.addrs["pg-addr"]+"/alluvium?sslmode=disable")
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SELECT count(*), count(DISTINCT id) FROM orders").Scan(&rows, &distinct)
	return rows, distinct, err
}

type testLoad struct {
	ID       uint64 `json:"id"`
	Status   string `json:"status"`
	Segments int    `json:"segments"`
}

// loads lists the loads of the table.
func (in *installation) loads() []testLoad {
	req, err := http.NewRequest("GET", "http://"+in.addrs["controller-addr"]+"/v1/tables/orders/loads", nil)
	if err != nil {
		in.t.Fatal(err)
	}
	req.SetBasicAuth("admin", testPassword)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil
	}
	var doc struct {
		Loads []testLoad `json:"loads"`
	}
	json.Unmarshal(raw, &doc) // the table may not be there yet
	return doc.Loads
}

// awaitStaged waits until a load has so many segments.
func (in *installation) awaitStaged(n int) {
	in.t.Helper()
	for range 4000 {
		for _, l := range in.loads() {
			if l.Segments >= n {
				return
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	in.t.Fatalf("no load with %d segments: %v", n, in.loads())
}

func TestIngest(t *testing.T) {
	in := install(t)
	dir := in.files("first", 3, 1000, 0)
	in.run(in.ingest(dir), 0, "table orders_OFFLINE created", `loaded 3,000 rows in \d+ segments?, [\d.]+ kB, [\d.]+ s, [\d,]+ rows/s`)
	in.count(3000)
	in.run(in.ingest(dir), 0, "nothing to do: load \\d+ has loaded these files")
	in.count(3000)
	in.run(in.ingest(filepath.Join(dir, "*.parquet"), "--again"), 0, "loaded 3,000 rows")
	in.count(6000)
	second := in.files("second", 2, 500, 10_000)
	in.run(in.ingest("--replace", second), 0, "loaded 1,000 rows in \\d+ segments?, in place of \\d+")
	in.count(1000)
	in.run(in.ingest("--replace", dir), 0, "loaded 3,000 rows") // its load was replaced, so that it counts again
	in.count(3000)

	table := func(args ...string) *exec.Cmd {
		return program(t.Context(), append([]string{"table"}, append(args, "--controller", "http://"+in.addrs["controller-addr"])...)...)
	}
	in.run(table("list"), 0, "orders +OFFLINE")
	in.run(table("describe", "orders"), 0, `"tableType": "OFFLINE"`)
	in.run(table("audit", "orders"), 1, "is OFFLINE")
	in.run(table("delete", "orders"), 0, "deleted")
}

func TestIngestRefusals(t *testing.T) {
	in := install(t)
	dir := in.files("files", 1, 10, 0)
	f := func(want string, args ...string) {
		t.Helper()
		if out := in.run(in.ingest(args...), 1, want); strings.Contains(out, "panic") {
			t.Errorf("%v: %s", args, out)
		}
	}
	f("no such file", filepath.Join(dir, "none.parquet"))
	f("unknown file format", "--format", "xml", dir)
	f("--replace must be", "--replace=yesterday", dir)
	f("no time column", "--replace=2024-01-01..2024-01-02", dir)
	f("one byte", "--csv-delimiter", "ab", dir)
	f("does not go with --key", "--key", "k", "--again", dir)
	f("not a URL", "--controller", "localhost", dir)
	in.run(program(t.Context(), "ingest", "--controller", "http://"+in.addrs["controller-addr"], "--table", "nobody", dir), 1, "--create makes it")
}

// A file that breaks off in the middle fails the load, and nothing of the other
// files is seen.
func TestIngestOfACorruptFile(t *testing.T) {
	in := install(t)
	dir := in.files("files", 8, 2000, 0)
	bad := filepath.Join(dir, "part-005.parquet")
	raw, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(raw) / 4; i < len(raw)/2; i++ {
		raw[i] ^= 0xa5 // the footer stays good: the damage shows when rows are read
	}
	if err := os.WriteFile(bad, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	in.run(in.ingest("--rows-per-segment", "1000", "--workers", "1", dir), 1, regexp.QuoteMeta(bad), "nothing was published")
	in.count(0)
	for _, l := range in.loads() {
		if l.Status != "ABORTED" {
			t.Errorf("load %+v", l)
		}
	}
	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	in.run(in.ingest("--rows-per-segment", "1000", dir), 0, "loaded 14,000 rows")
	in.count(14_000)
}

// A command that is killed goes on where it was when it is given again.
func TestIngestGoesOnAfterKill(t *testing.T) {
	in := install(t)
	dir := in.files("files", 24, 4000, 0)
	args := []string{"--rows-per-segment", "2000", "--workers", "1", dir}
	first := in.ingest(args...)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	in.awaitStaged(4)
	first.Process.Signal(syscall.SIGKILL)
	first.Wait()
	if loads := in.loads(); len(loads) != 1 || loads[0].Status != "OPEN" {
		t.Fatalf("the load was over before the kill: %v", loads)
	}
	in.count(0)
	in.run(in.ingest(args...), 0, `going on with load \d+: \d+ segments`, "loaded 96,000 rows in 48 segments")
	in.count(96_000)
	if left, _ := filepath.Glob(filepath.Join(in.dir, tempPrefix+"*")); len(left) > 0 {
		t.Errorf("temporary folders are left: %v", left)
	}
}

// A table that changed is no reason to load files twice, and none to mix
// segments of two definitions.
func TestIngestOfAChangedTable(t *testing.T) {
	in := install(t)
	dir := in.files("files", 24, 4000, 0)
	args := []string{"--rows-per-segment", "2000", "--workers", "1", dir}
	first := in.ingest(args...)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	in.awaitStaged(2)
	first.Process.Signal(syscall.SIGKILL)
	first.Wait()
	in.putTable(strings.Replace(ordersConfig, `{"inv`, `{"bloomFilterColumns":["city"],"inv`, 1))
	in.run(in.ingest(args...), 0, `was changed since load \d+ began`, "loaded 96,000 rows in 48 segments")
	in.putTable(ordersConfig)
	in.run(in.ingest(args...), 0, "nothing to do")
	in.count(96_000)
}

// putTable changes the config of the table.
func (in *installation) putTable(config string) {
	in.t.Helper()
	c := &client{base: "http://" + in.addrs["controller-addr"], user: "admin", password: testPassword}
	if err := c.do(in.t.Context(), "PUT", "/tables/orders", []byte(config), nil); err != nil {
		in.t.Fatal(err)
	}
}

// Controller, broker and server are killed under a running command, which
// waits for them and goes on.
func TestIngestOutlivesTheCluster(t *testing.T) {
	in := install(t)
	dir := in.files("files", 24, 4000, 0)
	cmd := in.ingest("--rows-per-segment", "2000", "--workers", "1", dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{3, 20} {
		in.awaitStaged(n)
		in.kill()
		in.start()
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	in.count(96_000)
	in.kill()
	in.start()
	in.count(96_000)
}
