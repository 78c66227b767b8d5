package testengine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/broker/session"
)

// TestResultCacheBySQL asks again and again, with the setting on and off, over a
// sealed segment and one that consumes.
func TestResultCacheBySQL(t *testing.T) {
	c := New(t)
	fields, cfg, parts := salesTable(t)
	cfg.Indexing.StarTrees = nil
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
	f := func(keeps bool, sql string) {
		t.Helper()
		want := ask(strings.ReplaceAll(sql, "sales", "plain"))
		for _, setting := range []string{"on", "on", "on", "off"} {
			ask("SET result_cache = " + setting)
			if got := ask(sql); got != want {
				t.Errorf("result_cache = %s, %s:\n%s\nwant\n%s", setting, sql, got, want)
			}
		}
		for _, setting := range []string{"on", "off"} {
			ask("SET result_cache = " + setting)
			if plan := ask("EXPLAIN ANALYZE " + sql); strings.Contains(plan, ": cached") != (keeps && setting == "on") {
				t.Errorf("result_cache = %s, %s:\n%s", setting, sql, plan)
			}
		}
	}
	f(true, "SELECT country, sum(qty), count(DISTINCT customer) FROM sales GROUP BY 1 ORDER BY 1")
	f(true, "SELECT sum(price), avg(qty) FILTER (WHERE price > 500) FROM sales WHERE product <> 'p3'")
	f(true, "SELECT DISTINCT product FROM sales ORDER BY 1")
	f(true, "SELECT day, min(price) FROM sales GROUP BY 1 HAVING count(*) > 10 ORDER BY 2, 1 LIMIT 5")
	f(true, "SELECT country, product, sum(qty) FROM sales GROUP BY ROLLUP (1, 2) ORDER BY 1, 2")
	f(true, "SELECT count(*) FROM sales WHERE qty > 3 AND day > current_date - 10000")
	for day := 1; day < 6; day++ { // not the same statement twice
		sql := fmt.Sprintf("SELECT country, avg(qty) FROM sales WHERE day > '2025-12-%02d' GROUP BY 1 ORDER BY 1", day)
		want := ask(strings.ReplaceAll(sql, "sales", "plain"))
		ask("SET result_cache = on")
		if got := ask(sql); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", sql, got, want)
		}
	}
	if plan := ask("EXPLAIN ANALYZE SELECT country, avg(qty) FROM sales WHERE day > '2025-11-30' GROUP BY 1 ORDER BY 1"); !strings.Contains(plan, ": cached") {
		t.Errorf("a moving window is not kept:\n%s", plan)
	}
	f(false, "SELECT count(*) FROM sales WHERE age(day::timestamp) > '1 hour' AND qty > 3")
	f(false, "SELECT country, qty, price, customer FROM sales ORDER BY 3, 2, 4, 1 LIMIT 5")
	if got := ask("SHOW result_cache"); got != "off" {
		t.Errorf("result_cache is %s", got)
	}
}
