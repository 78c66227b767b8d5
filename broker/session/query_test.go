package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/alluviumdb/alluvium/broker/internal/testengine"
	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openSession(t testing.TB, e *session.Engine, opt session.Options) *session.Session {
	t.Helper()
	opt.User, opt.Database = "admin", testengine.Database
	s, err := e.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// answer is what a statement gave: its rows in text form, cells divided by |.
type answer struct {
	rows    []string
	notices []session.Notice
	changes []session.ParamStatus
}

// ask runs a statement to its end.
func ask(s *session.Session, text string) (*answer, error) {
	ctx := context.Background()
	stmts, err := s.Parse(text)
	if err != nil {
		return nil, err
	}
	var a *answer
	for i := range stmts {
		p, err := s.Prepare(ctx, &stmts[i], nil)
		if err != nil {
			return nil, err
		}
		if a, err = execute(ctx, s, p); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func execute(ctx context.Context, s *session.Session, p *session.Prepared) (*answer, error) {
	r, err := s.Execute(ctx, p, nil, session.ExecuteOptions{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	a := &answer{}
	for {
		b, err := r.Next()
		if err != nil {
			return nil, err
		}
		if b == nil {
			break
		}
		for i := range b.N {
			var cells []string
			for _, v := range b.Cols {
				cells = append(cells, string(fn.FormatText(nil, r.FnContext(), v, i)))
			}
			a.rows = append(a.rows, strings.Join(cells, "|"))
		}
	}
	err = r.Finish()
	a.notices, a.changes = r.Notices(), r.ParamChanges()
	return a, err
}

func mustAsk(t *testing.T, s *session.Session, text string) string {
	t.Helper()
	a, err := ask(s, text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return strings.Join(a.rows, "\n")
}

// TestPlansDependOnTheSession runs one text under settings that change what it
// means: a plan that is shared must not carry one meaning into another.
func TestPlansDependOnTheSession(t *testing.T) {
	e := testengine.New(t).Engine(session.Config{})
	f := func(sql string, opt session.Options, set, want string) {
		t.Helper()
		s := openSession(t, e, opt)
		if set != "" {
			mustAsk(t, s, set)
		}
		for range 2 {
			if got := mustAsk(t, s, sql); got != want {
				t.Errorf("%s after %q: %s, want %s", sql, set, got, want)
			}
		}
	}
	pg, pinot := session.Options{}, session.Options{Dialect: fn.Pinot, DefaultLimit: 2}
	const zone = "SELECT timestamptz '2024-07-01 12:00' = '2024-07-01 10:00+00'"
	f(zone, pg, "", "f")
	f(zone, pg, "SET timezone = 'Europe/Paris'", "t")
	f(zone, pg, "", "f")
	const limit = "SELECT n FROM numbers WHERE n < 3"
	f(limit, pg, "", "0\n1\n2")
	f(limit, pinot, "", "0\n1")
	const path = "SELECT count(*) FROM pg_class WHERE oid = 'tables'::regclass"
	f(path, pg, "SET search_path = information_schema", "1")
	if _, err := ask(openSession(t, e, pg), path); sqlerr.Code(err) != sqlerr.UndefinedTable {
		t.Errorf("another search path: %v", err)
	}
	const settings = "SELECT current_setting('application_name'), current_user"
	f(settings, pg, "SET application_name = 'a'", "a|admin")
	f(settings, pg, "SET application_name = 'b'", "b|admin")
}

func TestPlansDependOnParameterTypes(t *testing.T) {
	s := openSession(t, testengine.New(t).Engine(session.Config{}), session.Options{})
	f := func(types []schema.Type, want schema.Type) {
		t.Helper()
		stmts, err := s.Parse("SELECT $1")
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Prepare(context.Background(), &stmts[0], types)
		if err != nil || p.ParamTypes[0] != want {
			t.Errorf("given %v: %v, %v", types, p.ParamTypes, err)
		}
	}
	f(nil, schema.Text)
	f([]schema.Type{schema.Int32}, schema.Int32)
	f([]schema.Type{schema.Int32.AsList()}, schema.Int32.AsList())
	f([]schema.Type{{}}, schema.Text)
}

// TestStoredStatementsOutliveTables makes a table anew under a prepared
// statement: it goes on as long as its result keeps its shape.
func TestStoredStatementsOutliveTables(t *testing.T) {
	c := testengine.New(t)
	s := openSession(t, c.Engine(session.Config{}), session.Options{})
	stmts, err := s.Parse("SELECT * FROM numbers WHERE n = '7'")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Store(context.Background(), "p", &stmts[0], nil); err != nil {
		t.Fatal(err)
	}
	f := func(want, code string) {
		t.Helper()
		p, err := s.Stored("p")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			a, err := execute(context.Background(), s, p)
			if code != "" && sqlerr.Code(err) != code {
				t.Errorf("error %v, want SQLSTATE %s", err, code)
			}
			if code == "" && (err != nil || strings.Join(a.rows, "\n") != want) {
				t.Errorf("%v, %v; want %s", a, err, want)
			}
		}
	}
	f("7", "")
	c.Put(t, "numbers", []schema.Field{{ID: 5, Name: "n", Type: schema.Int64}}, []string{"7"}, []string{"7"}, []string{"8"})
	f("7\n7", "")
	c.Put(t, "numbers", []schema.Field{{ID: 5, Name: "n", Type: schema.Text}}, []string{"7"})
	f("", sqlerr.FeatureNotSupported)
	c.Put(t, "numbers", []schema.Field{{ID: 1, Name: "n", Type: schema.Int64}, {ID: 2, Name: "m", Type: schema.Int64}}, []string{"7", "8"})
	f("", sqlerr.FeatureNotSupported)
	c.Put(t, "numbers", []schema.Field{{ID: 1, Name: "m", Type: schema.Int64}})
	f("", sqlerr.UndefinedColumn)
	c.Put(t, "numbers", []schema.Field{{ID: 1, Name: "n", Type: schema.Int64}}, []string{"7"})
	f("7", "")
}

func TestExplainAnalyze(t *testing.T) {
	s := openSession(t, testengine.New(t).Engine(session.Config{}), session.Options{})
	got := mustAsk(t, s, "EXPLAIN ANALYZE SELECT product, count(*) FROM events WHERE qty = 3 GROUP BY product")
	for _, want := range []string{"events", "Filter: (qty = 3)", "Rows: 1", "Servers: 1 queried, 1 responded",
		"Segments: 0 pruned by broker, 1 queried", "Documents: 1 scanned of 3", "Execution Time: "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := mustAsk(t, s, "EXPLAIN (COSTS off) SELECT id FROM events"); strings.Contains(got, "Execution Time") {
		t.Errorf("EXPLAIN ran the statement:\n%s", got)
	}
	f := func(sql, code string) {
		t.Helper()
		if _, err := ask(s, sql); sqlerr.Code(err) != code {
			t.Errorf("%s: %v, want SQLSTATE %s", sql, err, code)
		}
	}
	f("EXPLAIN (FORMAT json) SELECT 1", sqlerr.FeatureNotSupported)
	f("EXPLAIN (NONSENSE) SELECT 1", sqlerr.SyntaxError)
	f("EXPLAIN (ANALYZE maybe) SELECT 1", sqlerr.InvalidParameter)
	f("EXPLAIN INSERT INTO events VALUES (1)", sqlerr.FeatureNotSupported)
	f("EXPLAIN SELECT nosuch FROM events", sqlerr.UndefinedColumn)
	f("EXPLAIN ANALYZE SELECT 1 / (id - 1) FROM events", sqlerr.DivisionByZero)
}

func TestLimits(t *testing.T) {
	e := testengine.New(t).Engine(session.Config{MaxStatementTime: 300 * time.Millisecond})
	f := func(set, sql, code, text string) {
		t.Helper()
		s := openSession(t, e, session.Options{})
		if set != "" {
			mustAsk(t, s, set)
		}
		start := time.Now()
		_, err := ask(s, sql)
		if sqlerr.Code(err) != code || !strings.Contains(err.Error(), text) {
			t.Errorf("%s after %q: %v, want SQLSTATE %s", sql, set, err, code)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s ended after %v", sql, took)
		}
		if got := mustAsk(t, s, "SELECT 1"); got != "1" {
			t.Errorf("afterwards: %s", got)
		}
	}
	const timeout = "canceling statement due to statement timeout"
	f("SET statement_timeout = 50", "SELECT * FROM stuck", sqlerr.QueryCanceled, timeout)
	f("SET statement_timeout = 50", "SELECT pg_sleep(100)", sqlerr.QueryCanceled, timeout)
	f("SET statement_timeout = 50", "SELECT count(*) FROM numbers a, numbers b, numbers c WHERE a.n + b.n + c.n = -1", sqlerr.QueryCanceled, timeout)
	f("SET statement_timeout = 50", "EXPLAIN ANALYZE SELECT * FROM stuck", sqlerr.QueryCanceled, timeout)
	f("", "SELECT * FROM stuck", sqlerr.QueryCanceled, timeout)
	f("SET statement_timeout = '1h'", "SELECT * FROM stuck", sqlerr.QueryCanceled, timeout)
	f("SET memory_limit = '64kB'", "SELECT a.n FROM numbers a JOIN numbers b ON a.n = b.n ORDER BY a.n", sqlerr.OutOfMemory, "")
	f("SET memory_limit = '64kB'", "SELECT n, count(*) FROM numbers GROUP BY n", sqlerr.OutOfMemory, "")
	f("", "SELECT 1 / (id - 1) FROM events", sqlerr.DivisionByZero, "division")
}

func TestPartialResults(t *testing.T) {
	c := testengine.New(t)
	s := openSession(t, c.Engine(session.Config{}), session.Options{})
	c.Miss("numbers__0__1")
	if _, err := ask(s, "SELECT count(*) FROM numbers"); sqlerr.Code(err) != sqlerr.IOError {
		t.Errorf("an incomplete answer without allow_partial: %v", err)
	}
	mustAsk(t, s, "SET allow_partial = on")
	a, err := ask(s, "SELECT count(*) FROM numbers")
	if err != nil {
		t.Fatal(err)
	}
	if len(a.notices) != 1 || a.notices[0].Code != sqlerr.PartialResult || a.notices[0].Severity != "WARNING" ||
		!strings.Contains(a.notices[0].Message, "numbers__0__1") {
		t.Errorf("notices %v", a.notices)
	}
	partial := func(value string) []session.ParamStatus {
		return []session.ParamStatus{{Name: "alluvium.partial", Value: value}}
	}
	if fmt.Sprint(a.changes) != fmt.Sprint(partial("on")) {
		t.Errorf("parameters %v", a.changes)
	}
	c.Miss()
	for i, want := range [][]session.ParamStatus{partial("off"), nil} {
		if a, err = ask(s, "SELECT count(*) FROM numbers"); err != nil || fmt.Sprint(a.changes) != fmt.Sprint(want) {
			t.Errorf("whole answer %d: parameters %v, %v", i, a.changes, err)
		}
	}
}

func TestRunningAndCancel(t *testing.T) {
	e := testengine.New(t).Engine(session.Config{})
	s := openSession(t, e, session.Options{Remote: "here", Params: map[string]string{"application_name": "test"}})
	errs := make(chan error)
	go func() {
		_, err := ask(s, "SELECT * FROM stuck")
		errs <- err
	}()
	q := waitForQuery(t, e)
	pid, _ := s.Key()
	if q.SQL != "SELECT * FROM stuck" || q.PID != pid || q.User != "admin" || q.App != "test" || q.Remote != "here" {
		t.Errorf("running %+v", q)
	}
	if e.Cancel("nothing") || !e.Cancel(q.ID) {
		t.Error("cancellation by id")
	}
	if err := <-errs; sqlerr.Code(err) != sqlerr.QueryCanceled || !strings.Contains(err.Error(), "user request") {
		t.Errorf("error %v", err)
	}
	if n := len(e.Running()); n != 0 {
		t.Errorf("%d statements still run", n)
	}
	go func() {
		_, err := ask(s, "SELECT * FROM stuck")
		errs <- err
	}()
	waitForQuery(t, e)
	other := openSession(t, e, session.Options{})
	if got := mustAsk(t, other, fmt.Sprintf("SELECT pg_cancel_backend(%d)", pid)); got != "t" {
		t.Errorf("pg_cancel_backend: %s", got)
	}
	if err := <-errs; sqlerr.Code(err) != sqlerr.QueryCanceled {
		t.Errorf("error %v", err)
	}
}

func waitForQuery(t *testing.T, e *session.Engine) session.RunningQuery {
	t.Helper()
	for range 1000 {
		if qs := e.Running(); len(qs) > 0 {
			return qs[0]
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("nothing runs")
	return session.RunningQuery{}
}

// TestCallerGoesAway ends the context that the caller gave, as an HTTP client
// does that hangs up.
func TestCallerGoesAway(t *testing.T) {
	e := testengine.New(t).Engine(session.Config{})
	s := openSession(t, e, session.Options{})
	stmts, err := s.Parse("SELECT * FROM stuck")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), 20*time.Millisecond, errors.New("gone"))
	defer cancel()
	p, err := s.Prepare(ctx, &stmts[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := execute(ctx, s, p); sqlerr.Code(err) != sqlerr.QueryCanceled {
		t.Errorf("error %v", err)
	}
}

// TestManySessions runs statements of many sessions at once while tables
// change and others look at what runs.
func TestManySessions(t *testing.T) {
	c := testengine.New(t)
	e := c.Engine(session.Config{PlanCacheSize: 8})
	var wg sync.WaitGroup
	for i := range 8 {
		s := openSession(t, e, session.Options{})
		wg.Go(func() {
			for k := range 25 {
				name := fmt.Sprintf("app%d", k)
				a, err := ask(s, fmt.Sprintf("SET application_name = '%s'; SELECT sum(n) + %d, set_config('timezone', 'Asia/Tokyo', false) FROM numbers", name, i*k%12))
				if err != nil || a.rows[0] != fmt.Sprintf("%d|Asia/Tokyo", 49995000+i*k%12) {
					t.Errorf("session %d: %v, %v", i, a, err)
					return
				}
				e.Running()
			}
		})
	}
	for i := range 20 {
		c.Put(t, "other", []schema.Field{{ID: 1, Name: "x", Type: schema.Int64}}, []string{fmt.Sprint(i)})
	}
	wg.Wait()
}
