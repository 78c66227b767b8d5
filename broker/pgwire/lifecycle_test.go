package pgwire

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// selfSigned makes a certificate for this host.
func selfSigned(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func TestTLS(t *testing.T) {
	conf := selfSigned(t)
	addr := serve(t, newServer(t, func(c *Config) { c.TLS = conf }))
	conn, err := dial(t, addr, "admin:secret?sslmode=require")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := conn.PgConn().Conn().(*tls.Conn); !ok {
		t.Error("the connection is in plain text")
	}
	var one int
	if err := conn.QueryRow(context.Background(), "SELECT 1").Scan(&one); err != nil || one != 1 {
		t.Errorf("%d, %v", one, err)
	}
	if _, err := dial(t, addr, "admin:wrong?sslmode=require"); sqlstate(err) != "28P01" {
		t.Errorf("a wrong password over TLS: %v", err)
	}
	if _, err := dial(t, addr, login); err != nil {
		t.Errorf("plain text: %v", err)
	}
}

func TestRequireTLS(t *testing.T) {
	s := newServer(t, func(c *Config) { c.TLS, c.RequireTLS = selfSigned(t), true })
	client, server := net.Pipe() // whose address is not of this host
	done := make(chan struct{})
	go func() {
		defer close(done)
		newConn(s, server).serve()
	}()
	client.SetDeadline(time.Now().Add(5 * time.Second))
	go client.Write(framed(startupPacket(0, "user", "admin", "database", "alluvium")))
	if body := string(readUntil(t, client, 'E')); !strings.Contains(body, "28000") {
		t.Errorf("answer %q", body)
	}
	client.Close()
	<-done
}

func framed(packet []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(packet)+4)), packet...)
}

// open dials a server without any handshake.
func open(t testing.TB, s *Server) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", serve(t, s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(5 * time.Second))
	return nc
}

func code(c uint32) []byte { return binary.BigEndian.AppendUint32(nil, c) }

func TestRefusedEncryptionThenPlainStartup(t *testing.T) {
	nc := open(t, newServer(t, trusting))
	for _, request := range []uint32{codeGSSEnc, codeSSL} {
		nc.Write(framed(code(request)))
		var answer [1]byte
		if _, err := io.ReadFull(nc, answer[:]); err != nil || answer[0] != 'N' {
			t.Fatalf("request %d: %q, %v", request, answer, err)
		}
	}
	nc.Write(framed(startupPacket(0, "user", "admin", "database", "alluvium")))
	if readUntil(t, nc, 'Z') == nil {
		t.Error("no ReadyForQuery")
	}
}

func TestBytesBeforeTheHandshakeAreRefused(t *testing.T) {
	nc := open(t, newServer(t, func(c *Config) { c.TLS = selfSigned(t) }))
	nc.Write(append(framed(code(codeSSL)), framed(startupPacket(0, "user", "admin"))...))
	if body := string(readUntil(t, nc, 'E')); !strings.Contains(body, "08P01") {
		t.Errorf("answer %q", body)
	}
}

func TestVersionNegotiation(t *testing.T) {
	nc := open(t, newServer(t, trusting))
	nc.Write(framed(startupPacket(2, "user", "admin", "database", "alluvium", "_pq_.thing", "1")))
	want := append(binary.BigEndian.AppendUint32(code(3<<16), 1), "_pq_.thing\x00"...)
	if body := readUntil(t, nc, 'v'); string(body) != string(want) {
		t.Errorf("NegotiateProtocolVersion %q, want %q", body, want)
	}
	if readUntil(t, nc, 'Z') == nil {
		t.Error("no ReadyForQuery")
	}
}

func TestBadStartups(t *testing.T) {
	f := func(packet []byte, want string) {
		t.Helper()
		nc := open(t, newServer(t, trusting))
		nc.Write(packet)
		if body := string(readUntil(t, nc, 'E')); !strings.Contains(body, "FATAL") || !strings.Contains(body, want) {
			t.Errorf("%q: answer %q, want %s", packet, body, want)
		}
	}
	f(framed(code(2<<16)), "0A000")
	f([]byte("GET / HTTP/1.1\r\n\r\n"), "08P01")
	f(framed(startupPacket(0, "database", "alluvium")), "28000")
	f(framed(startupPacket(0, "user", "admin", "database", "other")), `database "other" does not exist`)
	f(framed(startupPacket(0, "user", "admin", "database", "alluvium", "options", "-c nonsense=1")), "42704")
	f(framed(startupPacket(0, "user", "admin", "database", "alluvium", "options", "-x")), "22023")
}

func TestLoginSettings(t *testing.T) {
	conn, err := dial(t, serve(t, newServer(t, nil)),
		login+"&application_name=app&options=-c%20statement_timeout%3D700%20--timezone%3DAsia/Tokyo&unheard_of=1&client_encoding='utf-8'")
	if err != nil {
		t.Fatal(err)
	}
	f := func(name, want string) {
		t.Helper()
		var got string
		if err := conn.QueryRow(context.Background(), "SELECT current_setting('"+name+"')").Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %q; %v", name, got, want, err)
		}
	}
	f("application_name", "app")
	f("statement_timeout", "700ms")
	f("timezone", "Asia/Tokyo")
	f("client_encoding", "UTF8")
	for _, name := range []string{"server_version", "server_encoding", "client_encoding", "DateStyle", "IntervalStyle", "TimeZone",
		"integer_datetimes", "standard_conforming_strings", "is_superuser", "session_authorization", "application_name",
		"default_transaction_read_only", "in_hot_standby"} {
		if conn.PgConn().ParameterStatus(name) == "" {
			t.Errorf("parameter %s was not reported", name)
		}
	}
}

func TestIdleTransactionEnds(t *testing.T) {
	conn := mustDial(t, serve(t, newServer(t, nil)))
	fe := conn.PgConn().Frontend()
	play(t, fe, "Q SET idle_in_transaction_session_timeout = 50")
	time.Sleep(100 * time.Millisecond) // idle outside a transaction is no matter
	if got := play(t, fe, "Q BEGIN"); !strings.Contains(got, "BEGIN") {
		t.Fatal(got)
	}
	m, err := fe.Receive()
	if e, ok := m.(*pgproto3.ErrorResponse); !ok || e.Code != "25P03" || e.Severity != "FATAL" {
		t.Errorf("message %v, %v", m, err)
	}
}

// TestDrainOfABusyConnection lets a statement end, and cancels one that does
// not.
func TestDrainOfABusyConnection(t *testing.T) {
	f := func(sql string, want ...string) {
		t.Helper()
		s := newServer(t, nil)
		fe := mustDial(t, serve(t, s)).PgConn().Frontend()
		fe.Send(&pgproto3.Query{String: sql})
		if err := fe.Flush(); err != nil {
			t.Fatal(err)
		}
		waitRunning(t, s)
		ctx, cancel := context.WithTimeout(context.Background(), 400*time.Millisecond)
		defer cancel()
		drained := make(chan struct{})
		go func() {
			s.Drain(ctx)
			close(drained)
		}()
		var got []string
		for {
			m, err := fe.Receive()
			if err != nil {
				break
			}
			got = append(got, show(m))
		}
		<-drained
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
	}
	const end = "FATAL 57P01 terminating connection due to administrator command"
	f("SELECT pg_sleep(0.2)", "RowDescription pg_sleep:2278", "DataRow ", "CommandComplete SELECT 1", "ReadyForQuery I", end)
	f("SELECT count(*) FROM stuck", "RowDescription count:20", end)
}

func waitRunning(t testing.TB, s *Server) {
	t.Helper()
	for range 500 {
		if len(s.cfg.Engine.Running()) > 0 {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatal("nothing runs")
}

func TestCloseTellsIdleClients(t *testing.T) {
	s := newServer(t, nil)
	fe := mustDial(t, serve(t, s)).PgConn().Frontend()
	s.Close()
	m, err := fe.Receive()
	if e, ok := m.(*pgproto3.ErrorResponse); !ok || e.Code != "57P01" {
		t.Errorf("message %v, %v", m, err)
	}
	if err := s.Serve(nopListener{}); !errors.Is(err, ErrServerClosed) {
		t.Errorf("Serve after Close: %v", err)
	}
}

type nopListener struct{ net.Listener }

func (nopListener) Close() error { return nil }

// TestCancelWhileWaitingForServers cancels a statement that waits, and checks
// that the connection goes on and that a late or foreign key does nothing.
func TestCancelWhileWaitingForServers(t *testing.T) {
	s := newServer(t, nil)
	addr := serve(t, s)
	conn, other := mustDial(t, addr), mustDial(t, addr)
	ctx := context.Background()
	errs := make(chan error, 1)
	go func() {
		_, err := conn.Exec(ctx, "SELECT * FROM stuck")
		errs <- err
	}()
	waitRunning(t, s)
	if err := other.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-errs:
		t.Fatalf("another session's key cancelled the statement: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	start := time.Now()
	if err := conn.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-errs; sqlstate(err) != "57014" || time.Since(start) > time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	if err := conn.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	var one int
	if err := conn.QueryRow(ctx, "SELECT 1").Scan(&one); err != nil || one != 1 {
		t.Errorf("afterwards: %d, %v", one, err)
	}
}
