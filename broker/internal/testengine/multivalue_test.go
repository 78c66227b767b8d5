package testengine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// only returns the ways of one dialect.
func (w *ways) only(dialect string) *ways {
	return &ways{sessions: map[string]*session.Session{dialect: w.sessions[dialect]}}
}

// TestMultiValueConditionsBySQL checks conditions on the elements of
// multi-value columns, consuming, sealed, and sealed with an inverted index.
func TestMultiValueConditionsBySQL(t *testing.T) {
	fields := []schema.Field{
		{ID: 1, Name: "id", Type: schema.Int64}, {ID: 2, Name: "tags", Type: schema.Text.AsList()}, {ID: 3, Name: "nums", Type: schema.Int64.AsList()},
		{ID: 4, Name: "prices", Type: schema.Float64.AsList()},
	}
	first := [][]string{
		{"0", "{red,blue}", "{1,5}", "{1.5}"},
		{"1", "{red}", "{7}", "{-0,2.5}"},
		{"2", "{}", "{}", "{}"},
		{"3", Null, Null, Null},
		{"4", "{green,NULL}", "{4,NULL}", "{NULL}"},
		{"5", "{blue,blue,green}", "{5,5,6}", "{NaN}"},
	}
	rows := first
	for i := range 600 { // enough that an index is worth asking
		rows = append(rows, []string{fmt.Sprint(100 + i), fmt.Sprintf("{t%d,u%d}", i%50, i%7), fmt.Sprintf("{%d,%d}", 1000+i%50, 2000+i%7), fmt.Sprintf("{%d}", 100+i%9)})
	}
	w := newWays(t, fields, schema.IndexingConfig{Inverted: []string{"tags", "nums", "prices"}}, rows...)
	pg, pinot := w.only("postgres"), w.only("pinot")
	for _, c := range []struct{ where, want, method string }{
		{"'red' = ANY(tags)", "0 1", "by inverted"},
		{"'nothing' = ANY(tags)", "", ""},
		{"NOT ('red' = ANY(tags)) AND id < 100", "2 5", ""}, // with a NULL element nobody knows
		{"'red' <> ALL(tags) AND id < 100", "2 5", ""},
		{"6 = ANY(nums)", "5", "by inverted"},
		{"6 < ANY(nums) AND id < 100", "1", ""},
		{"6 >= ALL(nums) AND id < 100", "0 2 5", ""},
		{"tags && ARRAY['blue','green']", "0 4 5", "by inverted"},
		{"NOT (tags && ARRAY['blue','green']) AND id < 100", "1 2", ""},
		{"tags @> ARRAY['blue','green']", "5", "by inverted"},
		{"tags @> ARRAY['blue','green','red']", "", ""},
		{"nums @> ARRAY[5]::bigint[]", "0 5", "by inverted"},
		{"nums @> ARRAY[]::bigint[] AND id < 100", "0 1 2 4 5", ""},
		{"0 = ANY(prices)", "1", ""},
		{"'NaN' = ANY(prices)", "5", "by inverted"},
		{"2 <= ANY(prices) AND id < 100", "1 5", ""},
		{"'red' = ANY(tags) AND 'blue' = ANY(tags)", "0", ""},
		{"tags IS NULL", "3", ""},
	} {
		pg.ids(t, c.where, c.want, c.method)
	}
	for _, c := range []struct{ where, want, method string }{
		{"tags = 'red'", "0 1", "by inverted"},
		{"'red' = tags", "0 1", "by inverted"},
		{"tags IN ('blue', 'green')", "0 4 5", "by inverted"},
		{"tags NOT IN ('blue', 'green') AND id < 100", "1 2", ""},
		{"tags <> 'red' AND id < 100", "2 5", ""},
		{"NOT tags = 'red' AND id < 100", "2 5", ""},
		{"nums > 5 AND id < 100", "1 5", ""},
		{"nums >= 5 AND nums < 5 AND id < 100", "0", ""},
		{"5 >= nums AND id < 100", "0 4 5", ""},
		{"nums BETWEEN 2 AND 4", "4", "by inverted"},
		{"nums NOT BETWEEN 2 AND 6 AND id < 100", "1 2", ""},
		{"nums = 5.5", "", ""},
		{"nums IN (5.5, 6)", "5", ""},
		{"prices > 2 AND id < 100", "1 5", ""},
		{"tags LIKE 'gr%'", "4 5", "by inverted"},
		{"tags NOT LIKE 'gr%' AND id < 100", "0 1 2", ""},
		{"tags = 'red' OR nums = 6", "0 1 5", ""},
	} {
		pinot.ids(t, c.where, strings.TrimSpace(c.want), c.method)
	}
}
