package testengine

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec"
)

// TestQueriesWhileRowsArrive asks several sessions while the dictionaries of a
// consuming segment grow: every answer is that of the rows at some moment.
func TestQueriesWhileRowsArrive(t *testing.T) {
	c := New(t)
	c.exec = exec.New(exec.Config{Workers: 2, ResultCacheTime: -1})
	fields := []schema.Field{{ID: 1, Name: "id", Type: schema.Int64}, {ID: 2, Name: "k", Type: schema.Text}, {ID: 3, Name: "n", Type: schema.Int32}}
	const keys, sealed, batch, batches = 3000, 40_000, 500, 40
	rows := func(from, n int) (out [][]string) {
		for i := from; i < from+n; i++ {
			out = append(out, []string{fmt.Sprint(i), fmt.Sprint("key", i*7%(keys+i/10)), fmt.Sprint(i % 100)})
		}
		return out
	}
	c.PutParts(t, "grows", schema.TableConfig{}, fields, rows(0, sealed/2), rows(sealed/2, sealed/2), rows(sealed, batch))
	// What is asked, and of count(*) rows, ids 0 to count-1, must be true.
	checks := []string{
		"SELECT count(*) = count(DISTINCT id) AND count(*) = max(id) + 1 AND count(DISTINCT n) = 100 AND sum(n + 1) = sum(n + 2) - count(*) FROM grows",
		"SELECT sum(c) = max(m) + 1 FROM (SELECT k, count(*) AS c, max(id) AS m FROM grows GROUP BY k) x",
		"SELECT sum(c) = max(m) + 1 FROM (SELECT k, n, count(*) AS c, max(id) AS m FROM grows GROUP BY k, n) x",
		"SELECT sum(c) = max(m) + 1 FROM (SELECT id, count(*) AS c, max(id) AS m FROM grows GROUP BY id) x",
		"SELECT count(*) = sum(CASE WHEN k LIKE 'key%' THEN 1 ELSE 0 END) FROM grows WHERE k LIKE '%e%'",
		"SELECT max(id) - min(id) = 4 AND count(*) = 5 FROM (SELECT id FROM grows ORDER BY id DESC LIMIT 5) x",
		"SELECT count(*) = 7 FROM (SELECT k, count(DISTINCT id) FROM grows GROUP BY k ORDER BY 2 DESC, 1 LIMIT 7) x",
	}
	e := c.Engine(session.Config{})
	var wg sync.WaitGroup
	var done atomic.Bool
	for w := range 3 {
		wg.Go(func() {
			s, err := e.Open(session.Options{User: "admin", Database: Database})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for i := w; !done.Load() || i < w+len(checks); i++ {
				sql := checks[i%len(checks)]
				if got, err := run(s, sql); err != nil || strings.Join(got, " ") != "t" {
					t.Errorf("%s: %v, %v", sql, got, err)
					return
				}
			}
		})
	}
	c.mu.Lock()
	seg := c.segs[uint32(c.version)]
	c.mu.Unlock()
	for i := range batches {
		if err := fill(seg, fields, rows(sealed+batch+i*batch, batch)); err != nil {
			t.Fatal(err)
		}
	}
	done.Store(true)
	wg.Wait()
}
