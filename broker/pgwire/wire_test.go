package pgwire

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/alluviumdb/alluvium/broker/internal/testengine"
	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// oneUser knows the user admin with the password secret.
type oneUser struct{ verifier string }

func (u oneUser) Verifier(name string) (string, bool) { return u.verifier, name == "admin" }

func newServer(t testing.TB, change func(*Config)) *Server {
	t.Helper()
	verifier, err := auth.NewVerifier("secret")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Engine: testengine.New(t).Engine(session.Config{}), Users: oneUser{verifier}, Database: testengine.Database,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	s := New(cfg)
	t.Cleanup(func() { s.Close() })
	return s
}

// serve starts a server and returns its address.
func serve(t testing.TB, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return l.Addr().String()
}

func dial(t testing.TB, addr, options string) (*pgx.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	who, params, _ := strings.Cut(options, "?")
	conn, err := pgx.Connect(ctx, "postgres://"+who+"@"+addr+"/alluvium?"+params)
	if err == nil {
		t.Cleanup(func() { conn.Close(context.Background()) })
	}
	return conn, err
}

const login = "admin:secret?sslmode=disable"

func mustDial(t testing.TB, addr string) *pgx.Conn {
	t.Helper()
	conn, err := dial(t, addr, login)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func sqlstate(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code
	}
	return ""
}

func TestLogin(t *testing.T) {
	addr := serve(t, newServer(t, nil))
	if _, err := dial(t, addr, login); err != nil {
		t.Error(err)
	}
	f := func(options, code string) {
		t.Helper()
		if _, err := dial(t, addr, options); sqlstate(err) != code {
			t.Errorf("%s: %v, want SQLSTATE %s", options, err, code)
		}
	}
	f("admin:wrong?sslmode=disable", "28P01")
	f("nobody:secret?sslmode=disable", "28P01")
	f("admin:secret?sslmode=disable&dbname=other", "3D000")
	f("admin:secret?sslmode=disable&statement_timeout=bad", "22023")
}

func TestConnectionLimit(t *testing.T) {
	addr := serve(t, newServer(t, func(c *Config) { c.MaxConnections = 1 }))
	mustDial(t, addr)
	if _, err := dial(t, addr, login); sqlstate(err) != "53300" {
		t.Errorf("second connection: %v", err)
	}
}

func TestValuesInBothFormats(t *testing.T) {
	conn := mustDial(t, serve(t, newServer(t, nil)))
	ctx := context.Background()
	f := func(sql, want string, args ...any) {
		t.Helper()
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeDescribeExec, pgx.QueryExecModeSimpleProtocol} {
			var got string
			if err := conn.QueryRow(ctx, sql, append([]any{mode}, args...)...).Scan(&got); err != nil || got != want {
				t.Errorf("%s (%v): %q, %v; want %q", sql, mode, got, err, want)
			}
		}
	}
	f("SELECT ($1::int8 + 1)::text", "42", int64(41))
	f("SELECT ($1::numeric * 2)::text", "25.00", "12.50")
	f("SELECT ($1::text || 'b')", "añb", "añ")
	f("SELECT ($1::timestamp + interval '1 day')::text", "2024-03-01 12:00:00", time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC))
	f("SELECT coalesce($1::text, 'null')", "null", nil)
	f("SELECT ($1::bool)::text", "true", true)
	var n []int64
	if err := conn.QueryRow(ctx, "SELECT ARRAY[1,2,3]::int8[]").Scan(&n); err != nil || len(n) != 3 || n[2] != 3 {
		t.Errorf("array %v, %v", n, err)
	}
	var d time.Time
	if err := conn.QueryRow(ctx, "SELECT timestamp '2001-02-03 04:05:06.789'").Scan(&d); err != nil || d.UnixMilli() != 981173106789 {
		t.Errorf("timestamp %v, %v", d, err)
	}
}

func TestSeveralStatementsAndErrors(t *testing.T) {
	conn := mustDial(t, serve(t, newServer(t, nil)))
	ctx := context.Background()
	res, err := conn.PgConn().Exec(ctx, "SELECT 1; SELECT 2, 3; BEGIN; SHOW timezone; COMMIT").ReadAll()
	if err != nil || len(res) != 5 || string(res[1].Rows[0][1]) != "3" || res[2].CommandTag.String() != "BEGIN" {
		t.Fatalf("%v, %v", res, err)
	}
	_, err = conn.PgConn().Exec(ctx, "SELECT 1; SELECT nothing; SELECT 3").ReadAll()
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "42703" || pe.Position == 0 {
		t.Errorf("error %v", err)
	}
	if err := conn.Ping(ctx); err != nil {
		t.Error(err)
	}
}

func TestPipelineDiscardsAfterAnError(t *testing.T) {
	conn := mustDial(t, serve(t, newServer(t, nil)))
	b := &pgx.Batch{}
	b.Queue("SELECT 1")
	b.Queue("SELECT 1/0")
	b.Queue("SELECT 3")
	r := conn.SendBatch(context.Background(), b)
	var n int
	if err := r.QueryRow().Scan(&n); err != nil || n != 1 {
		t.Errorf("first: %d, %v", n, err)
	}
	if err := r.QueryRow().Scan(&n); sqlstate(err) != "22012" {
		t.Errorf("second: %v", err)
	}
	r.Close()
	if err := conn.QueryRow(context.Background(), "SELECT 4").Scan(&n); err != nil || n != 4 {
		t.Errorf("after the batch: %d, %v", n, err)
	}
}

func TestPortalSuspends(t *testing.T) {
	conn := mustDial(t, serve(t, newServer(t, nil)))
	pc := conn.PgConn()
	fe := pc.Frontend()
	// Execute with a row limit, twice, as drivers with a fetch size do.
	fe.SendParse(&parseMsg{Query: "SELECT g FROM generate_series(1, 5) g"})
	fe.SendBind(&bindMsg{})
	fe.SendExecute(&executeMsg{MaxRows: 3})
	fe.SendExecute(&executeMsg{MaxRows: 3})
	fe.SendSync(&syncMsg{})
	if err := fe.Flush(); err != nil {
		t.Fatal(err)
	}
	var rows []int
	n := 0
	for {
		m, err := fe.Receive()
		if err != nil {
			t.Fatal(err)
		}
		switch m.(type) {
		case *dataRowMsg:
			n++
		case *suspendedMsg, *completeMsg:
			rows = append(rows, n)
			n = 0
		case *readyMsg:
			if len(rows) != 2 || rows[0] != 3 || rows[1] != 2 {
				t.Errorf("rows per Execute %v", rows)
			}
			return
		case *errorMsg:
			t.Fatalf("error %v", m)
		}
	}
}

func TestCancelAndTimeout(t *testing.T) {
	conn := mustDial(t, serve(t, newServer(t, nil)))
	const long = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b WHERE a + b = -1"
	ctx := context.Background()
	go func() {
		time.Sleep(100 * time.Millisecond)
		conn.PgConn().CancelRequest(ctx)
	}()
	start := time.Now()
	if _, err := conn.Exec(ctx, long); sqlstate(err) != "57014" || time.Since(start) > 2*time.Second {
		t.Errorf("cancelled: %v after %v", err, time.Since(start))
	}
	if _, err := conn.Exec(ctx, "SET statement_timeout = 50"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, long); sqlstate(err) != "57014" {
		t.Errorf("timed out: %v", err)
	}
	if _, err := conn.Exec(ctx, "SELECT 1"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestDrain(t *testing.T) {
	s := newServer(t, nil)
	conn := mustDial(t, serve(t, s))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s.Drain(ctx)
	if ctx.Err() != nil {
		t.Error("an idle connection held up the drain")
	}
	if _, err := conn.Exec(context.Background(), "SELECT 1"); err == nil {
		t.Error("the connection survived the drain")
	}
}

// session opens a trusted raw connection and returns it after ReadyForQuery.
func rawConn(t testing.TB, s *Server) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", serve(t, s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(5 * time.Second))
	p := startupPacket(0, "user", "admin", "database", "alluvium")
	nc.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(p)+4)), p...))
	readUntil(t, nc, 'Z')
	return nc
}

// readUntil reads messages up to one of a kind and returns its body, or that of
// an error; nil when the connection ended.
func readUntil(t testing.TB, nc net.Conn, kind byte) []byte {
	t.Helper()
	for {
		var head [5]byte
		if _, err := io.ReadFull(nc, head[:]); err != nil {
			return nil
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(nc, body); err != nil {
			return nil
		}
		if head[0] == kind {
			return body
		}
	}
}

func trusting(c *Config) { c.TrustLoopback = func() bool { return true } }

func TestMalformedMessagesAreFatal(t *testing.T) {
	f := func(name string, raw []byte) {
		t.Helper()
		nc := rawConn(t, newServer(t, trusting))
		nc.Write(raw)
		if body := string(readUntil(t, nc, 'E')); !strings.Contains(body, "FATAL") || !strings.Contains(body, "08P01") {
			t.Errorf("%s: answer %q", name, body)
		}
		if readUntil(t, nc, 'Z') != nil {
			t.Errorf("%s: the connection goes on", name)
		}
	}
	f("unknown kind", []byte{'!', 0, 0, 0, 4})
	f("huge body", []byte{'Q', 0x7f, 0xff, 0xff, 0xff})
	f("negative body", []byte{'Q', 0, 0, 0, 0})
	f("negative parameter size", append([]byte{'B', 0, 0, 0, 18, 0, 0, 0, 0, 0, 1}, 0x80, 0, 0, 0, 0, 0, 0, 0))
	f("no terminator", []byte{'Q', 0, 0, 0, 5, 'x'})
}

func FuzzServe(f *testing.F) {
	f.Add([]byte("Q\x00\x00\x00\x0dSELECT 1\x00"))
	f.Add([]byte("P\x00\x00\x00\x10\x00SELECT 1\x00\x00\x00B\x00\x00\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x00S\x00\x00\x00\x04"))
	f.Add([]byte{'B', 0, 0, 0, 18, 0, 0, 0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0})
	s := newServer(f, func(c *Config) {
		trusting(c)
		c.MaxMessageBytes = 1 << 16
	})
	f.Fuzz(func(t *testing.T, raw []byte) {
		client, server := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			c := newConn(s, loopbackConn{server})
			c.serve()
		}()
		client.SetDeadline(time.Now().Add(10 * time.Second))
		go io.Copy(io.Discard, client)
		p := startupPacket(0, "user", "admin", "database", "alluvium", "statement_timeout", "200")
		client.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(p)+4)), p...))
		client.Write(raw)
		client.Close()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("the connection hangs")
		}
	})
}

// loopbackConn is a pipe that looks like a connection from this host.
type loopbackConn struct{ net.Conn }

func (loopbackConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
