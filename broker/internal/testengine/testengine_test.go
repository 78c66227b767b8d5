package testengine

import (
	"context"
	"testing"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/query/fn"
)

func TestEventsAreThere(t *testing.T) {
	s, err := New(t).Engine(session.Config{}).Open(session.Options{User: "admin", Database: Database})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := func(sql, want string) {
		t.Helper()
		stmts, err := s.Parse(sql)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Prepare(context.Background(), &stmts[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Execute(context.Background(), p, nil, session.ExecuteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		b, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := string(fn.FormatText(nil, r.FnContext(), b.Cols[0], 0)); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	f("SELECT count(*) FROM events", "3")
	f("SELECT sum(n) FROM numbers", "49995000")
	f("SELECT tags FROM events WHERE id = 2", `{"x y",NULL}`)
	f("SELECT uid FROM events WHERE product = 'shoes'", "00112233-4455-6677-8899-aabbccddeeff")
}
