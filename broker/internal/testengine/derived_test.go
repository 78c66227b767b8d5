package testengine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// TestDerivedKeysOfMissingGroups groups by what follows from two columns, of
// which a pair that no row has, or that the filter drops, would be an error.
func TestDerivedKeysOfMissingGroups(t *testing.T) {
	c := New(t)
	fields := []schema.Field{{ID: 1, Name: "a", Type: schema.Int32}, {ID: 2, Name: "b", Type: schema.Int32}, {ID: 3, Name: "big", Type: schema.Int64}}
	var rows [][]string
	for i := range 4000 {
		rows = append(rows, []string{fmt.Sprint(i % 5), fmt.Sprint((i + 1 + i/5%4) % 5), fmt.Sprint(int64(1)<<31 - 1 + int64(i%2))})
	}
	c.PutParts(t, "pairs", schema.TableConfig{}, fields, rows, nil)
	s, err := c.Engine(session.Config{}).Open(session.Options{User: "admin", Database: Database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for _, sql := range []string{
		"SELECT a, b, 60 / (a - b), count(*) FROM %s GROUP BY 1, 2, 3 ORDER BY 3, 1, 2",
		"SELECT a, b, 60 / (a - b), count(*) FROM %s GROUP BY 1, 2, 3 HAVING 60 / (a - b) > 20 ORDER BY 3, 1, 2",
		"SELECT a, b, 60 / (a - b), count(*) FROM %s GROUP BY 1, 2, 3 ORDER BY 3, 1, 2 LIMIT 4",
		"SELECT a, b, 60 / (a - b), count(*) FROM %s GROUP BY ROLLUP (1, 2, 3) ORDER BY 3, 1, 2",
		"SELECT a, b, 60 / (a - b), count(*) FROM %s WHERE a <> 0 GROUP BY 1, 2, 3 ORDER BY 3, 1, 2",
		"SELECT a, count(*) FROM %s WHERE a <> 0 GROUP BY 1 HAVING 60 / a > 20 ORDER BY 60 / a, 1 LIMIT 2",
		"SELECT a, 60 / a, count(*) FROM %s WHERE a <> 0 GROUP BY 1, 2 ORDER BY 2, 1",
		"SELECT sum(big::int - 1), sum(big::int - 2) FROM %s",
	} {
		got, err := run(s, fmt.Sprintf(sql, "pairs"))
		want, wantErr := run(s, fmt.Sprintf(sql, "(SELECT * FROM pairs OFFSET 0) x"))
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %v, %v, want %v, %v", sql, got, err, want, wantErr)
		}
	}
}
