package testengine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// ways holds the same rows as a consuming segment, sealed without indexes, and
// sealed with them.
type ways struct {
	sessions map[string]*session.Session // by dialect
}

var wayNames = []string{"consuming", "plain", "indexed"}

func newWays(t *testing.T, fields []schema.Field, ix schema.IndexingConfig, rows ...[]string) *ways {
	t.Helper()
	c := New(t)
	c.Put(t, "consuming", fields, rows...)
	c.PutParts(t, "plain", schema.TableConfig{Indexing: schema.IndexingConfig{NoDictionary: ix.NoDictionary}}, fields, rows, nil)
	c.PutParts(t, "indexed", schema.TableConfig{Indexing: ix}, fields, rows, nil)
	w := &ways{sessions: map[string]*session.Session{}}
	e := c.Engine(session.Config{})
	for _, dialect := range []string{"postgres", "pinot"} {
		s, err := e.Open(session.Options{User: "admin", Database: Database})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		w.sessions[dialect] = s
		if _, err := run(s, "SET dialect = "+dialect); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// run returns the rows of a statement, values separated by commas.
func run(s *session.Session, sql string) ([]string, error) {
	stmts, err := s.Parse(sql)
	if err != nil {
		return nil, err
	}
	p, err := s.Prepare(context.Background(), &stmts[0], nil)
	if err != nil {
		return nil, err
	}
	r, err := s.Execute(context.Background(), p, nil, session.ExecuteOptions{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []string
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) || err == nil && b == nil {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range b.N {
			var row []string
			for _, v := range b.Cols {
				row = append(row, string(fn.FormatText(nil, r.FnContext(), v, i)))
			}
			out = append(out, strings.Join(row, ","))
		}
	}
}

// ids checks which ids pass a condition, in every way and both dialects. The
// indexed table must have used method, unless that is empty.
func (w *ways) ids(t *testing.T, where, want, method string) {
	t.Helper()
	for dialect, s := range w.sessions {
		for _, table := range wayNames {
			sql := fmt.Sprintf("SELECT id FROM %s WHERE %s ORDER BY id", table, where)
			got, err := run(s, sql)
			if err != nil {
				t.Errorf("%s (%s): %v", sql, dialect, err)
				return
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s (%s): %s, want %s", sql, dialect, strings.Join(got, " "), want)
			}
			if table != "indexed" || method == "" {
				continue
			}
			plan, err := run(s, "EXPLAIN ANALYZE "+sql)
			if err != nil || !strings.Contains(strings.Join(plan, "\n"), method) {
				t.Errorf("%s (%s) does not use the %s: %v\n%s", sql, dialect, method, err, strings.Join(plan, "\n"))
			}
		}
	}
}

func TestJSONIndexBySQL(t *testing.T) {
	fields := []schema.Field{{ID: 1, Name: "id", Type: schema.Int64}, {ID: 2, Name: "doc", Type: schema.JSON}}
	docs := []string{
		`{"name":"adam","age":30,"addresses":[{"country":"us","number":1},{"country":"ca","number":2}]}`,
		`{"name":"eve","age":25,"addresses":[{"country":"us","number":2}],"tags":["x","y"]}`,
		`{"name":"bob","age":41.5,"nested":{"deep":{"er":true}}}`,
		Null,
		`{"name":null,"tags":[]}`,
	}
	var rows [][]string
	for i := range 40 { // enough that the index is worth asking
		for k, d := range docs {
			if i > 0 && k != 3 {
				d = fmt.Sprintf(`{"name":"other %d","tags":["t%d"]}`, i, k)
			}
			rows = append(rows, []string{fmt.Sprint(i*10 + k), d})
		}
	}
	ix := schema.IndexingConfig{NoDictionary: []string{"doc"}, JSON: map[string]schema.JSONIndexConfig{"doc": {}}}
	w := newWays(t, fields, ix, rows...)
	match := func(cond, want string) {
		t.Helper()
		w.ids(t, "JSON_MATCH(doc, '"+strings.ReplaceAll(cond, "'", "''")+"')", want, "json index")
	}
	match(`"$.name" = 'adam'`, "0")
	match(`"$.age" > 25 AND "$.age" < 50`, "0 2")
	match(`"$.addresses[*].country" = 'us' AND "$.addresses[*].number" = 2`, "1")
	match(`"$.addresses[1].country" = 'ca'`, "0")
	match(`"$.addresses[*].country" = 'us' AND "$.tags[*]" = 'y'`, "1")
	match(`REGEXP_LIKE("$.name", '^(a|b)')`, "0 2")
	match(`"$.nested.deep.er" = TRUE`, "2")
	match(`"$.name" IS NULL AND NOT "$.tags[*]" LIKE 't%'`, "4")
	w.ids(t, `NOT JSON_MATCH(doc, '"$.name" IS NOT NULL')`, "4", "json index")
	w.ids(t, `id < 3 AND NOT JSON_MATCH(doc, '"$.age" = 25')`, "0 2", "")
	for _, s := range []struct{ dialect, where, want string }{
		{"postgres", `doc->>'name' = 'eve'`, "1"},
		{"postgres", `doc->'addresses'->1->>'country' IN ('ca', 'fr')`, "0"},
		{"postgres", `doc->'nested'->'deep'->>'er' = 'true'`, "2"},
		{"postgres", `doc->>'tags' = '["x","y"]'`, "1"},
		{"pinot", `JSONEXTRACTSCALAR(doc, '$.name', 'STRING') = 'bob'`, "2"},
		{"pinot", `JSONEXTRACTINDEX(doc, '$.name', 'STRING') IN ('bob', 'eve')`, "1 2"},
	} {
		one := &ways{sessions: map[string]*session.Session{s.dialect: w.sessions[s.dialect]}}
		method := "json index"
		if strings.Contains(s.where, "[") {
			method = ""
		}
		one.ids(t, s.where, s.want, method)
	}
	if _, err := run(w.sessions["pinot"], `SELECT id FROM indexed WHERE JSON_MATCH(doc, '"$.a" ~ 1')`); err == nil || !strings.Contains(err.Error(), "invalid JSON_MATCH condition") {
		t.Errorf("error %v", err)
	}
}

// TestJSONIndexMetamorphic asks random conditions of random documents: indexes
// of any options, none, and a consuming segment must agree.
func TestJSONIndexMetamorphic(t *testing.T) {
	fields := []schema.Field{{ID: 1, Name: "id", Type: schema.Int64}, {ID: 2, Name: "doc", Type: schema.JSON}}
	options := []schema.JSONIndexConfig{
		{}, {MaxLevels: 2}, {ExcludeArrays: true}, {IncludePaths: []string{"$.a"}}, {ExcludePaths: []string{"$.b[*]"}}, {ExcludeFields: []string{"c"}},
	}
	for seed, o := range options {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		rows := make([][]string, 200+r.IntN(300))
		for i := range rows {
			rows[i] = []string{fmt.Sprint(i), Null}
			if r.IntN(9) > 0 {
				rows[i][1] = randomDocument(r, 4)
			}
		}
		ix := schema.IndexingConfig{JSON: map[string]schema.JSONIndexConfig{"doc": o}}
		if r.IntN(2) == 0 {
			ix.NoDictionary = []string{"doc"}
		}
		w := newWays(t, fields, ix, rows...)
		for range 25 {
			where := "JSON_MATCH(doc, '" + strings.ReplaceAll(randomCondition(r, 2), "'", "''") + "')"
			if r.IntN(4) == 0 {
				where = "NOT " + where
			}
			want, err := run(w.sessions["postgres"], "SELECT id FROM consuming WHERE "+where+" ORDER BY id")
			if err != nil {
				t.Fatal(err)
			}
			w.ids(t, where, strings.Join(want, " "), "")
		}
	}
}

func randomDocument(r *rand.Rand, depth int) string {
	n := r.IntN(10)
	if depth == 0 || n < 3 {
		return []string{"1", "2", `"x"`, `"y"`, "true", "null", "2.5"}[r.IntN(7)]
	}
	var parts []string
	for range r.IntN(4) {
		part := randomDocument(r, depth-1)
		if n < 7 {
			part = fmt.Sprintf("%q:%s", string(rune('a'+r.IntN(3))), part)
		}
		parts = append(parts, part)
	}
	if n < 7 {
		return "{" + strings.Join(parts, ",") + "}"
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func randomCondition(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(2) == 0 {
		a, b := randomCondition(r, depth-1), randomCondition(r, depth-1)
		return []string{"(" + a + " AND " + b + ")", "(" + a + " OR " + b + ")", "NOT (" + a + ")"}[r.IntN(3)]
	}
	path := "$"
	for range 1 + r.IntN(3) {
		path += []string{".a", ".b", ".c", "[*]", "[0]"}[r.IntN(5)]
	}
	tests := []string{"= 1", "= 'x'", "<> 2", "IN (1, 'y')", "NOT IN ('x')", "IS NULL", "IS NOT NULL", "> 1", "BETWEEN 1 AND 2.5"}
	return fmt.Sprintf("%q %s", path, tests[r.IntN(len(tests))])
}

func TestTextIndexBySQL(t *testing.T) {
	fields := []schema.Field{{ID: 1, Name: "id", Type: schema.Int64}, {ID: 2, Name: "note", Type: schema.Text}}
	notes := []string{
		"Disk failure on Node-7: replaced the disk.", "network timeout, no disk involved", "Node restarted after upgrade to 2.1",
		Null, "", "don't panic: failure of a disk controller", "Ärger mit der Platte",
	}
	var rows [][]string
	for i, n := range notes {
		rows = append(rows, []string{fmt.Sprint(i), n})
	}
	for _, raw := range [][]string{nil, {"note"}} {
		w := newWays(t, fields, schema.IndexingConfig{NoDictionary: raw, Text: []string{"note"}}, rows...)
		match := func(query, want string) {
			t.Helper()
			w.ids(t, "TEXT_MATCH(note, '"+strings.ReplaceAll(query, "'", "''")+"')", want, "")
		}
		match("disk", "0 1 5")
		match("DISK AND failure", "0 5")
		match(`"disk failure"`, "0")
		match(`disk -"disk failure"`, "1 5")
		match("fail* OR upgrad*", "0 2 5")
		match("/n(ode|etwork)/", "0 1 2")
		match("ärger", "6")
		match("2.1", "2")
		match("don't", "5")
		match("*:* AND NOT disk", "2 4 6")
		w.ids(t, "NOT TEXT_MATCH(note, 'disk')", "2 4 6", "")
		w.ids(t, "TEXT_MATCH(note, 'disk') AND id > 0", "1 5", "text index")
		if _, err := run(w.sessions["pinot"], "SELECT id FROM indexed WHERE TEXT_MATCH(note, 'a AND')"); err == nil || !strings.Contains(err.Error(), "invalid TEXT_MATCH query") {
			t.Errorf("error %v", err)
		}
	}
}

func TestLikeBySQL(t *testing.T) {
	fields := []schema.Field{{ID: 1, Name: "id", Type: schema.Int64}, {ID: 2, Name: "s", Type: schema.Text}}
	var rows [][]string
	for i, s := range []string{"abc", "abd", "ab", "b", "", Null, "xabc", "aböc", "a%c", "abc"} {
		rows = append(rows, []string{fmt.Sprint(i), s})
	}
	w := newWays(t, fields, schema.IndexingConfig{FST: []string{"s"}}, rows...)
	w.ids(t, "s LIKE 'ab%'", "0 1 2 7 9", "")
	w.ids(t, "s NOT LIKE 'ab%'", "3 4 6 8", "")
	w.ids(t, "NOT s NOT LIKE 'ab%'", "0 1 2 7 9", "")
	w.ids(t, "s LIKE 'ab%c'", "0 7 9", "")
	w.ids(t, "s LIKE 'ab_c'", "7", "")
	w.ids(t, "s LIKE '%bc'", "0 6 9", "")
	w.ids(t, `s LIKE 'a\%%'`, "8", "")
	w.ids(t, "s LIKE 'ab'", "2", "")
	w.ids(t, "s LIKE '%'", "0 1 2 3 4 6 7 8 9", "")
	w.ids(t, "s LIKE ''", "4", "")
	w.ids(t, "s LIKE 'z%'", "", "")
	w.ids(t, "s ILIKE 'AB%'", "0 1 2 7 9", "")
}
