package testengine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// TestValueIndexesByCost looks through an index of many words and paths only
// where that is less than evaluating the rows that other conditions leave.
func TestValueIndexesByCost(t *testing.T) {
	fields := []schema.Field{{ID: 1, Name: "id", Type: schema.Int64}, {ID: 2, Name: "note", Type: schema.Text}, {ID: 3, Name: "doc", Type: schema.JSON}}
	var rows [][]string
	for i := range 2000 {
		rows = append(rows, []string{fmt.Sprint(i), fmt.Sprintf("word%d other%d", i, i), fmt.Sprintf(`{"name":"word%d"}`, i)})
	}
	w := newWays(t, fields, schema.IndexingConfig{
		NoDictionary: []string{"note", "doc"}, Text: []string{"note"}, JSON: map[string]schema.JSONIndexConfig{"doc": {}},
	}, rows...)
	const words, paths = "TEXT_MATCH(note, 'word*7*')", `JSON_MATCH(doc, 'REGEXP_LIKE("$.name", ''word.*7'')')`
	plan := func(where string) string {
		t.Helper()
		lines, err := run(w.sessions["postgres"], "EXPLAIN ANALYZE SELECT id FROM indexed WHERE "+where)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(lines, "\n")
	}
	for _, s := range []struct{ cond, index string }{{words, "text index"}, {paths, "json index"}} {
		w.ids(t, s.cond+" AND id < 20", "7 17", "")
		w.ids(t, s.cond+" AND id = 17", "17", "")
		if p := plan(s.cond); !strings.Contains(p, s.index) {
			t.Errorf("%s for all rows does not use the %s:\n%s", s.cond, s.index, p)
		}
		if p := plan(s.cond + " AND id = 17"); strings.Contains(p, s.index) {
			t.Errorf("%s for one row uses the %s:\n%s", s.cond, s.index, p)
		}
	}
	w.ids(t, "TEXT_MATCH(note, 'word17') AND id < 20", "17", "text index")
}
