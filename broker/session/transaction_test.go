package session

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func newSession(t *testing.T, params map[string]string) *Session {
	t.Helper()
	e := New(Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	s, err := e.Open(Options{User: "admin", Database: "alluvium", Params: params})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// do runs statements and returns the last tag or value and the error.
func do(t *testing.T, s *Session, text string) (string, error) {
	t.Helper()
	stmts, err := s.Parse(text)
	if err != nil {
		s.Fail()
		return "", err
	}
	out := ""
	for i := range stmts {
		p, err := s.Prepare(context.Background(), &stmts[i], nil)
		if err != nil {
			s.Fail()
			return "", err
		}
		r, err := s.Execute(context.Background(), p, nil, ExecuteOptions{})
		if err != nil {
			s.Fail()
			return "", err
		}
		out = r.Tag(0)
		if b, err := r.Next(); err != nil {
			return "", err
		} else if b != nil && b.N > 0 {
			out = string(b.Cols[0].Bytes(0))
		}
		r.Close()
	}
	return out, nil
}

func TestSessionStatements(t *testing.T) {
	s := newSession(t, map[string]string{"application_name": "app", "options": "-c statement_timeout=700", "unknown_thing": "x"})
	f := func(sql, want string) {
		t.Helper()
		if got, err := do(t, s, sql); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", sql, got, err, want)
		}
	}
	f("SHOW application_name", "app")
	f("SHOW statement_timeout", "700ms")
	f("SHOW TIME ZONE", "UTC")
	f("SET TIME ZONE 'Europe/Paris'", "SET")
	f("SHOW timezone", "Europe/Paris")
	f("RESET timezone", "RESET")
	f("SHOW timezone", "UTC")
	f("SHOW TRANSACTION ISOLATION LEVEL", "read committed")
	f("SET search_path = a, b", "SET")
	f("SHOW search_path", "a, b")
	f("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET")
	f("SHOW default_transaction_read_only", "on")
	f("SHOW transaction_read_only", "on")
	f("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SET")
	f("SHOW TRANSACTION ISOLATION LEVEL", "serializable")
	f("DISCARD ALL", "DISCARD ALL")
	f("SHOW default_transaction_read_only", "off")
	f("SHOW application_name", "app")
	f("UNLISTEN *", "UNLISTEN")
	f("DEALLOCATE ALL", "DEALLOCATE ALL")
	f("CLOSE ALL", "CLOSE CURSOR ALL")
	f("SET NAMES 'utf8'", "SET")
	f("SET ROLE none", "SET")
	f("SET SESSION AUTHORIZATION DEFAULT", "SET")
}

func TestTransactionsUndoSettings(t *testing.T) {
	s := newSession(t, nil)
	f := func(sql, want string, status byte) {
		t.Helper()
		if got, err := do(t, s, sql); err != nil || got != want || s.TxStatus() != status {
			t.Errorf("%s: %q, %v, status %c; want %q, status %c", sql, got, err, s.TxStatus(), want, status)
		}
	}
	f("BEGIN", "BEGIN", 'T')
	f("SET timezone = 'Asia/Tokyo'", "SET", 'T')
	f("ROLLBACK", "ROLLBACK", 'I')
	f("SHOW timezone", "UTC", 'I')
	f("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "BEGIN", 'T')
	f("SHOW transaction_isolation", "repeatable read", 'T')
	f("SHOW transaction_read_only", "on", 'T')
	f("SET LOCAL timezone = 'Asia/Tokyo'", "SET", 'T')
	f("SET application_name = 'kept'", "SET", 'T')
	f("COMMIT", "COMMIT", 'I')
	f("SHOW timezone", "UTC", 'I')
	f("SHOW application_name", "kept", 'I')
	f("START TRANSACTION", "START TRANSACTION", 'T')
	f("SAVEPOINT a", "SAVEPOINT", 'T')
	f("SET timezone = 'Asia/Tokyo'", "SET", 'T')
	f("ROLLBACK TO a", "ROLLBACK", 'T')
	f("SHOW timezone", "UTC", 'T')
	f("RELEASE a", "RELEASE", 'T')
	f("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET", 'T')
	f("COMMIT AND CHAIN", "COMMIT", 'T')
	f("SHOW transaction_read_only", "on", 'T')
	f("SET LOCAL application_name = 'local'", "SET", 'T')
	f("RESET ALL", "RESET", 'T')
	f("SHOW transaction_read_only", "on", 'T')
	f("SHOW application_name", "", 'T')
	f("COMMIT", "COMMIT", 'I')
	f("SHOW application_name", "", 'I')
	f("SHOW default_transaction_read_only", "off", 'I')
	f("SET TRANSACTION READ ONLY", "SET", 'I')
	f("SHOW transaction_read_only", "off", 'I')
	f("BEGIN", "BEGIN", 'T')
	f("ROLLBACK AND CHAIN", "ROLLBACK", 'T')
	f("END", "COMMIT", 'I')
}

func TestFailedTransaction(t *testing.T) {
	s := newSession(t, nil)
	do(t, s, "BEGIN; SAVEPOINT a")
	if _, err := do(t, s, "SET nonsense = 1"); sqlerr.Code(err) != sqlerr.UndefinedObject {
		t.Fatalf("error %v", err)
	}
	if s.TxStatus() != 'E' {
		t.Fatalf("status %c", s.TxStatus())
	}
	if _, err := do(t, s, "SHOW timezone"); sqlerr.Code(err) != sqlerr.FailedTransaction {
		t.Errorf("error %v", err)
	}
	if _, err := do(t, s, "ROLLBACK TO a"); err != nil || s.TxStatus() != 'T' {
		t.Errorf("ROLLBACK TO: %v, status %c", err, s.TxStatus())
	}
	do(t, s, "SET nonsense = 1")
	if tag, err := do(t, s, "COMMIT"); err != nil || tag != "ROLLBACK" || s.TxStatus() != 'I' {
		t.Errorf("COMMIT of a failed transaction: %q, %v", tag, err)
	}
}

func TestRefusedStatements(t *testing.T) {
	s := newSession(t, nil)
	f := func(sql, code string) {
		t.Helper()
		if _, err := do(t, s, sql); sqlerr.Code(err) != code {
			t.Errorf("%s: %v, want SQLSTATE %s", sql, err, code)
		}
	}
	f("CREATE TABLE x (a int)", sqlerr.FeatureNotSupported)
	f("INSERT INTO x VALUES (1)", sqlerr.FeatureNotSupported)
	f("COPY x FROM STDIN", sqlerr.FeatureNotSupported)
	f("DROP TABLE x", sqlerr.FeatureNotSupported)
	f("ROLLBACK TO a", sqlerr.NoActiveTransaction)
	f("DEALLOCATE nothing", sqlerr.InvalidStatementName)
	f("SELEC 1", sqlerr.SyntaxError)
	f("SHOW nothing", sqlerr.UndefinedObject)
	f("LISTEN x", sqlerr.FeatureNotSupported)
	f("PREPARE TRANSACTION 'x'", sqlerr.FeatureNotSupported)
}

func TestReportedChanges(t *testing.T) {
	s := newSession(t, nil)
	do(t, s, "SET application_name = 'x'")
	if ch := s.takeChanges(); len(ch) != 1 || ch[0] != (ParamStatus{"application_name", "x"}) {
		t.Errorf("changes %v", ch)
	}
	do(t, s, "BEGIN; SET timezone = 'Asia/Tokyo'")
	s.takeChanges()
	do(t, s, "ROLLBACK")
	if ch := s.takeChanges(); len(ch) != 1 || ch[0].Value != "UTC" {
		t.Errorf("changes after ROLLBACK %v", ch)
	}
}

func TestCancelNeedsTheSecret(t *testing.T) {
	s := newSession(t, nil)
	pid, secret := s.Key()
	if s.eng.CancelByKey(pid, secret+1) {
		t.Error("a wrong secret was taken")
	}
	if !s.eng.CancelByKey(pid, secret) {
		t.Error("the right secret was refused")
	}
}
