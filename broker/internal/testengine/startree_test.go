package testengine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// salesTable returns the fields, the config and two parts of rows, of which the
// second stays in a consuming segment.
func salesTable(t *testing.T) ([]schema.Field, schema.TableConfig, [][][]string) {
	t.Helper()
	fields := []schema.Field{
		{ID: 1, Name: "country", Type: schema.Text}, {ID: 2, Name: "day", Type: schema.Date},
		{ID: 3, Name: "product", Type: schema.Text}, {ID: 4, Name: "qty", Type: schema.Int64},
		{ID: 5, Name: "price", Type: schema.Int64}, {ID: 6, Name: "customer", Type: schema.Int32},
	}
	doc := `{"tableName":"sales","tableType":"OFFLINE","tableIndexConfig":{"starTreeIndexConfigs":[
	 {"dimensionsSplitOrder":["country","day","product"],"maxLeafRecords":1,
	  "functionColumnPairs":["SUM__qty","SUM__price","AVG__price","MAX__price","DISTINCTCOUNT__customer","DISTINCTCOUNTHLL__customer"],
	  "aggregationConfigs":[{"aggregationFunction":"SUM","expression":"price * qty"}]}]}}`
	cfg, _, _, _, err := schema.ParsePinotTable([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	parts := make([][][]string, 2)
	for i := range 6000 {
		row := []string{[]string{"AT", "CH", "DE", Null}[i*7%4], fmt.Sprintf("2026-01-%02d", 1+i*13%20),
			fmt.Sprint("p", i*31%9), fmt.Sprint(i % 11), fmt.Sprint(i * 17 % 1009), fmt.Sprint(i * 3 % 70)}
		parts[i/5500] = append(parts[i/5500], row)
	}
	return fields, *cfg, parts
}

// TestStarTreesBySQL asks a table with a star-tree, with the setting on and
// off, and one without a tree.
func TestStarTreesBySQL(t *testing.T) {
	c := New(t)
	fields, cfg, parts := salesTable(t)
	c.PutParts(t, "sales", cfg, fields, parts...)
	c.Put(t, "plain", fields, append(parts[0], parts[1]...)...)
	s, err := c.Engine(session.Config{}).Open(session.Options{User: "admin", Database: Database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	ask := func(sql string) string {
		t.Helper()
		rows, err := run(s, sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return strings.Join(rows, "\n")
	}
	f := func(used bool, sql string) {
		t.Helper()
		want := ask(fmt.Sprintf(sql, "plain"))
		sql = fmt.Sprintf(sql, "sales")
		for _, on := range []string{"on", "off"} {
			ask("SET star_tree = " + on)
			if got := ask(sql); got != want {
				t.Errorf("star_tree = %s, %s:\n%s\nwant\n%s", on, sql, got, want)
			}
			plan := ask("EXPLAIN ANALYZE " + sql)
			if named := strings.Contains(plan, "star-tree 0"); named != (used && on == "on") {
				t.Errorf("star_tree = %s, %s:\n%s", on, sql, plan)
			}
		}
	}
	f(true, `SELECT country, sum(price), avg(price), max(price), count(*) FROM %s GROUP BY country ORDER BY country`)
	f(true, `SELECT sum(price * qty) FROM %s WHERE country IN ('AT','DE') AND day BETWEEN '2026-01-03' AND '2026-01-09'`)
	f(true, `SELECT sum(price - qty), sum(price + qty) FROM %s WHERE product LIKE 'p%%1' OR country IS NULL`)
	f(true, `SELECT count(DISTINCT customer), count(DISTINCT product) FROM %s WHERE product <> 'p1'`)
	f(true, `SELECT approx_count_distinct(customer) FROM %s WHERE NOT country = 'AT'`)
	f(true, `SELECT upper(product), sum(qty) FILTER (WHERE country = 'CH') FROM %s GROUP BY 1 ORDER BY 1`)
	f(true, `SELECT date_trunc('month', day), avg(qty) FROM %s WHERE country > 'AT' GROUP BY 1`)
	f(false, `SELECT sum(qty) FROM %s WHERE price > 500`)
	f(false, `SELECT min(qty) FROM %s WHERE country = 'AT'`)
}

// TestStarTreesOverTimes groups and filters by truncated times, which are a
// dimension, with stored truncations beside it and without.
func TestStarTreesOverTimes(t *testing.T) {
	fields := []schema.Field{{ID: 1, Name: "country", Type: schema.Text}, {ID: 2, Name: "ts", Type: schema.Timestamp}, {ID: 3, Name: "qty", Type: schema.Int64}}
	var rows [][]string
	for i := range 50_000 {
		rows = append(rows, []string{fmt.Sprint("c", i%3), fmt.Sprintf("2026-01-%02d 0%d:00:00", 1+i%9, i%2), fmt.Sprint(i % 7)})
	}
	for _, stored := range []string{"", `,"fieldConfigList":[{"name":"ts","timestampConfig":{"granularities":["DAY"]}}]`} {
		doc := `{"tableName":"sales","tableType":"OFFLINE","tableIndexConfig":{"starTreeIndexConfigs":[
		 {"dimensionsSplitOrder":["country","ts"],"maxLeafRecords":1,"functionColumnPairs":["SUM__qty"]}]}` + stored + `}`
		cfg, _, _, _, err := schema.ParsePinotTable([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		c := New(t)
		c.PutParts(t, "sales", *cfg, fields, rows, rows[:10])
		s, err := c.Engine(session.Config{}).Open(session.Options{User: "admin", Database: Database})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		for _, sql := range []string{
			"SELECT date_trunc('day', ts), sum(qty) FROM sales GROUP BY 1 ORDER BY 1",
			"SELECT country, sum(qty) FROM sales WHERE date_trunc('day', ts) > '2026-01-03' GROUP BY 1 ORDER BY 1",
		} {
			var got []string
			for _, on := range []string{"off", "on"} {
				if _, err := run(s, "SET star_tree = "+on); err != nil {
					t.Fatal(err)
				}
				out, err := run(s, sql)
				if err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
				got = append(got, strings.Join(out, "\n"))
			}
			if got[0] != got[1] {
				t.Errorf("%s, stored%s:\n%s\nwant\n%s", sql, stored, got[1], got[0])
			}
		}
	}
}
