package pgwire

import (
	"context"
	"fmt"
	"testing"
)

// TestAggregationTypes reads the types of aggregations' results, with constant
// arguments as parameters.
func TestAggregationTypes(t *testing.T) {
	conn := mustDial(t, serve(t, newServer(t, nil)))
	f := func(call string, oid uint32, want any, args ...any) {
		t.Helper()
		rows, err := conn.Query(context.Background(), "SELECT "+call+" FROM numbers", args...)
		if err != nil {
			t.Fatalf("%s: %v", call, err)
		}
		defer rows.Close()
		if !rows.Next() {
			t.Fatalf("%s: %v", call, rows.Err())
		}
		vals, err := rows.Values()
		if err != nil {
			t.Fatalf("%s: %v", call, err)
		}
		if got := rows.FieldDescriptions()[0].DataTypeOID; got != oid {
			t.Errorf("%s has the type %d, want %d", call, got, oid)
		}
		if got := fmt.Sprint(vals[0]); got != fmt.Sprint(want) {
			t.Errorf("%s = %s, want %v", call, got, want)
		}
	}
	const int4, int8, float8, floats, ints = 23, 20, 701, 1022, 1016
	f("count(DISTINCT n) FILTER (WHERE n < $1)", int8, 7, 7)
	f("percentile_cont($1) WITHIN GROUP (ORDER BY n)", float8, 4999.5, 0.5)
	f("percentile_cont($1::float8[]) WITHIN GROUP (ORDER BY n)", floats, "[0 9999]", []float64{0, 1})
	f("percentile_disc($1::float8[]) WITHIN GROUP (ORDER BY n DESC)", ints, "[9999 0]", []float64{0, 1})
	f("approx_percentile(n, $1, $2)", float8, 9999, 1.0, 200)
	f("distinctcountthetasketch(n) FILTER (WHERE n < 5)", int8, 5)
	f("distinctcountcpcsketch(n, $1) FILTER (WHERE n = 1)", int8, 1, 10)
	f("percentilekll(n, $1)", float8, 0, 0.0)
	f("(SELECT grouping(n) FROM numbers WHERE n < 0 GROUP BY ROLLUP (n))", int4, 1)
}
