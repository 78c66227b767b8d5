package node

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func testConfig(dir string) Config {
	const any = "127.0.0.1:0"
	return Config{
		DataDir: dir, ControllerAddr: any, ControllerGRPCAddr: any, RaftAddr: any, BrokerAddr: any, PGAddr: any,
		ServerAddr: any, ServerHTTPAddr: any, Demo: true, DemoStream: DemoStream{Kind: "kafka", Rate: 2000},
		DrainTime: 5 * time.Second, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

func start(t *testing.T, cfg Config) *Node {
	t.Helper()
	n, err := StartStandalone(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func connect(t *testing.T, n *Node) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), "postgres://admin@"+n.Addr("pg-addr")+"/alluvium?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func one[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) (v T) {
	t.Helper()
	if err := conn.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// waitRows waits until the demo table has at least want rows.
func waitRows(t *testing.T, n *Node, want int64) int64 {
	t.Helper()
	conn := connect(t, n)
	var count int64
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		err = conn.QueryRow(context.Background(), "SELECT count(*) FROM web_transactions").Scan(&count)
		if err == nil && count >= want {
			return count
		}
	}
	t.Fatalf("%d rows, want at least %d; last error %v", count, want, err)
	return 0
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

func TestStandaloneDemo(t *testing.T) {
	dir := t.TempDir()
	n := start(t, testConfig(dir))
	before := waitRows(t, n, 500)
	t.Run("SQL", func(t *testing.T) { checkSQL(t, n) })
	t.Run("Pinot HTTP", func(t *testing.T) { checkPinot(t, n) })
	t.Run("operations", func(t *testing.T) { checkOperations(t, n) })
	// The same addresses again: an instance is known by its own.
	cfg := testConfig(dir)
	for flag, addr := range map[string]*string{
		"controller-addr": &cfg.ControllerAddr, "controller-grpc-addr": &cfg.ControllerGRPCAddr, "raft-addr": &cfg.RaftAddr,
		"broker-addr": &cfg.BrokerAddr, "pg-addr": &cfg.PGAddr, "server-addr": &cfg.ServerAddr, "server-http-addr": &cfg.ServerHTTPAddr,
	} {
		*addr = n.Addr(flag)
	}
	n.Close()

	n = start(t, cfg)
	defer n.Close()
	after := waitRows(t, n, before)
	t.Logf("%d rows before the restart, %d after", before, after)
}

func checkSQL(t *testing.T, n *Node) {
	conn := connect(t, n)
	total := one[int64](t, conn, "SELECT sum(c)::bigint FROM (SELECT department, count(*) AS c FROM web_transactions GROUP BY department) t")
	if total < 500 {
		t.Errorf("groups add up to %d rows", total)
	}
	if got := one[int64](t, conn, "SELECT count(*) FROM web_transactions WHERE price < 10 OR price > 150"); got != 0 {
		t.Errorf("%d prices out of range", got)
	}
	if got := one[int64](t, conn, `SELECT count(*) FROM web_transactions WHERE "userID" = $1`, "no such user"); got != 0 {
		t.Errorf("%d rows of nobody", got)
	}
	if got := one[int64](t, conn, `SELECT count(DISTINCT campaign) FROM web_transactions`); got != 3 {
		t.Errorf("%d campaigns", got)
	}
	if got := one[string](t, conn, "SELECT relname FROM pg_catalog.pg_class WHERE relname = 'web_transactions'"); got != "web_transactions" {
		t.Errorf("pg_class has %q", got)
	}
	_, err := conn.Exec(context.Background(), "SELECT depatment FROM web_transactions")
	if err == nil || !strings.Contains(err.Error(), "42703") {
		t.Errorf("unknown column: %v", err)
	}
}

func checkPinot(t *testing.T, n *Node) {
	body := []byte(`{"sql":"SELECT department, COUNT(*) FROM web_transactions GROUP BY department ORDER BY COUNT(*) DESC"}`)
	for _, url := range []string{"http://" + n.Addr("broker-addr") + "/query/sql", "http://" + n.Addr("controller-addr") + "/sql"} {
		res, err := http.Post(url, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			ResultTable struct{ Rows [][]any }
			Exceptions  []any
		}
		err = json.NewDecoder(res.Body).Decode(&doc)
		res.Body.Close()
		if err != nil || len(doc.Exceptions) > 0 || len(doc.ResultTable.Rows) < 3 {
			t.Errorf("%s: %+v, %v", url, doc, err)
		}
	}
}

func checkOperations(t *testing.T, n *Node) {
	f := func(flag, path string, want string) {
		t.Helper()
		var status int
		var body string
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			status, body = get(t, "http://"+n.Addr(flag)+path)
			if status == 200 && strings.Contains(body, want) {
				return
			}
		}
		t.Errorf("%s%s: %d %.300s", flag, path, status, body)
	}
	for _, flag := range []string{"controller-addr", "broker-addr", "server-http-addr"} {
		f(flag, "/health", "OK")
		f(flag, "/metrics", "alluvium_")
	}
	f("controller-addr", "/v1/overview", "web_transactions")
	f("controller-addr", "/v1/tables/web_transactions/consuming", "CONSUMING")
	f("controller-addr", "/v1/tables/web_transactions/audit", `"faults":[]`)
	f("controller-addr", "/tables", "web_transactions")
}

func TestDataDirIsLocked(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(dir)
	n := start(t, cfg)
	defer n.Close()
	if _, err := StartStandalone(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second process on the same data folder: %v", err)
	}
}

func TestOpenListenersNeedASecret(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.RaftAddr = "0.0.0.0:0"
	if _, err := StartStandalone(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "secret") {
		t.Errorf("an open Raft listener without a secret: %v", err)
	}
}

func TestWithoutPasswordNothingStarts(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.Demo = false
	if n, err := StartStandalone(context.Background(), cfg); err == nil {
		n.Close()
		t.Error("started without demo and without a password")
	}
}
