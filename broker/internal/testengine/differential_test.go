package testengine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/segment/mutable"
)

// version is the fields and rows of one segment; fields may differ from those
// that the table has now.
type version struct {
	fields []schema.Field
	rows   [][]string
}

// putVersions makes a table of segments that were written under other schemas;
// the last one is consuming.
func putVersions(t *testing.T, c *Cluster, name string, cfg schema.TableConfig, parts ...version) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	table := func(fields []schema.Field) *schema.Table {
		return &schema.Table{
			ID: uint32(c.version), Version: uint32(c.version), Name: name, Type: schema.Realtime, Config: &cfg,
			Schema: &schema.Schema{Name: name, Fields: fields},
		}
	}
	for i, p := range parts {
		now := table(p.fields)
		seg, err := mutable.New(mutable.Config{Name: fmt.Sprintf("%s__0__%d", name, i), Table: now})
		if err == nil {
			err = fill(seg, p.fields, p.rows)
		}
		if err != nil {
			t.Fatal(err)
		}
		if i < len(parts)-1 {
			c.sealed[now.ID] = append(c.sealed[now.ID], seal(t, now, seg))
			continue
		}
		c.tables, c.segs[now.ID] = append(c.tables, now), seg
	}
}

// mixedFields are columns of all that groups, sums and conditions treat apart.
func mixedFields() []schema.Field {
	return []schema.Field{
		{ID: 1, Name: "id", Type: schema.Int64}, {ID: 2, Name: "k", Type: schema.Text}, {ID: 3, Name: "s", Type: schema.Text},
		{ID: 4, Name: "n", Type: schema.Int32}, {ID: 5, Name: "b", Type: schema.Int64}, {ID: 6, Name: "f", Type: schema.Float64},
		{ID: 7, Name: "d", Type: schema.Type{ID: schema.TypeNumeric, Precision: 18, Scale: 2}}, {ID: 8, Name: "e", Type: schema.Type{ID: schema.TypeNumeric}},
		{ID: 9, Name: "ts", Type: schema.Timestamp}, {ID: 10, Name: "day", Type: schema.Date}, {ID: 11, Name: "late", Type: schema.Int64},
		{ID: 12, Name: "w", Type: schema.Int64}, {ID: 13, Name: "m", Type: schema.Int32}, {ID: 14, Name: "o", Type: schema.Bool},
		{ID: 15, Name: "g", Type: schema.Float32},
	}
}

// oldFields is mixedFields without the column late, and w narrower.
func oldFields() []schema.Field {
	out := slices.DeleteFunc(mixedFields(), func(f schema.Field) bool { return f.Name == "late" })
	out[10].Type = schema.Int32
	return out
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// mixedRow returns values for fields, which tells how many words there are.
func mixedRow(r *rand.Rand, fields []schema.Field, id, words int) []string {
	var row []string
	for _, f := range fields {
		v := ""
		switch f.Name {
		case "id":
			v = fmt.Sprint(id)
		case "k":
			v = fmt.Sprint("key", r.IntN(words))
		case "s":
			v = pick(r, "ant", "bee", "cat", "")
		case "n":
			v = fmt.Sprint(r.IntN(7) - 3)
		case "m":
			v = fmt.Sprint(r.IntN(20) + 1)
		case "b":
			v = pick(r, "9223372036854775807", "-9223372036854775807", fmt.Sprint(r.IntN(100)))
		case "f", "g":
			v = pick(r, "0", "-0", "0.25", "-1.5", "1e3", "NaN")
		case "d":
			v = fmt.Sprintf("%d.%02d", r.IntN(5), r.IntN(3))
		case "e":
			v = pick(r, "1.0", "1.00", "1", "0.5", "-2.25", "NaN", "12345678901234567890.5")
		case "ts":
			v = fmt.Sprintf("2026-01-%02d %02d:30:00", 1+r.IntN(4), r.IntN(24))
		case "day":
			v = fmt.Sprintf("2026-02-%02d", 1+r.IntN(9))
		case "late", "w":
			v = fmt.Sprint(r.IntN(4))
		case "o":
			v = pick(r, "t", "f")
		}
		if f.Name != "id" && f.Name != "m" && r.IntN(6) == 0 {
			v = Null
		}
		row = append(row, v)
	}
	return row
}

// mixedTable makes a random table named t.
func mixedTable(t *testing.T, r *rand.Rand, c *Cluster) {
	t.Helper()
	var parts []version
	id, words := 0, pick(r, 3, 40, 3000)
	size := pick(r, 30, 500, 4000, 10000)
	for i := range 2 + r.IntN(3) {
		p := version{fields: mixedFields()}
		if i == 0 && r.IntN(2) == 0 {
			p.fields = oldFields()
		}
		for range r.IntN(size) {
			id++
			p.rows = append(p.rows, mixedRow(r, p.fields, id, words))
		}
		parts = append(parts, p)
	}
	putVersions(t, c, "t", mixedConfig(t, r), parts...)
}

func mixedConfig(t *testing.T, r *rand.Rand) schema.TableConfig {
	t.Helper()
	doc := `{"tableName":"t","tableType":"OFFLINE","tableIndexConfig":{"starTreeIndexConfigs":[
	 {"dimensionsSplitOrder":["k","n","day","s"],"maxLeafRecords":1,"functionColumnPairs":["SUM__m","AVG__n","MAX__b","SUM__b","DISTINCTCOUNT__w","COUNT__n"]}]}}`
	cfg, _, _, _, err := schema.ParsePinotTable([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Indexing.NoDictionary = [][]string{nil, {"m", "b", "f"}, {"n", "d", "ts", "g"}, {"k", "e"}}[r.IntN(4)]
	raw := func(name string) bool { return slices.Contains(cfg.Indexing.NoDictionary, name) }
	if r.IntN(3) == 0 {
		cfg.Indexing.StarTrees = nil
	}
	for i := range cfg.Indexing.StarTrees {
		cfg.Indexing.StarTrees[i].Dimensions = slices.DeleteFunc(cfg.Indexing.StarTrees[i].Dimensions, raw)
	}
	cfg.Indexing.SortedColumn = pick(r, "", "s", "k", "m")
	for _, name := range []string{"k", "n", "m", "day", "s", "ts"} {
		if r.IntN(3) == 0 && !raw(name) {
			cfg.Indexing.Inverted = append(cfg.Indexing.Inverted, name)
		}
		if r.IntN(4) == 0 && name != "k" && name != "s" {
			cfg.Indexing.Range = append(cfg.Indexing.Range, name)
		}
	}
	return *cfg
}

var mixedKeys = []string{
	"k", "s", "n", "m", "f", "g", "d", "e + 0.00", "late", "w", "o", "day", "n + 1", "n % 2", "upper(s)", "date_trunc('day', ts)", "length(k)", "k || s",
	"100 / m", "10 / (m - n)", "coalesce(n, m)", "n IS NULL", "late + w", "b", "day + 1", "date_trunc('week', day)",
}

var mixedAggs = []string{
	"count(*)", "count(n)", "sum(n)", "sum(n + 1)", "sum(n + 2)", "sum(n - 3)", "avg(n)", "avg(n + 1)", "sum(m)", "sum(m + 5)", "avg(m)", "sum(b)",
	"max(b)", "min(k)", "max(s)", "min(f)", "max(g)", "sum(d)", "avg(d)", "max(e + 0.00)", "sum(e)", "count(DISTINCT k)", "count(DISTINCT w)",
	"count(DISTINCT n)", "count(DISTINCT f)", "count(DISTINCT e)", "sum(DISTINCT n)", "sum(late)", "sum(late + 1)", "sum(w)", "sum(w + 1)",
	"percentile_disc(0.5) WITHIN GROUP (ORDER BY m)", "percentile_cont(0.25) WITHIN GROUP (ORDER BY b)", "bool_and(o)", "min(day)", "max(ts)",
	"percentile_disc(0.9) WITHIN GROUP (ORDER BY n DESC)", "count(DISTINCT late)", "count(DISTINCT m)", "count(DISTINCT day)", "avg(b)",
}

var mixedConds = []string{
	"n > 0", "n <= -1", "n = 2", "n <> 2", "NOT (n > 0)", "n IN (1, 2, NULL)", "n NOT IN (1, 2)", "m <> n", "m BETWEEN 5 AND 9", "k LIKE 'key1%'",
	"k LIKE '%2%'", "NOT (k LIKE '%2%')", "s = 'bee'", "s >= 'bee'", "s IS NULL", "s IS NOT NULL", "f < 1", "f > 0.25", "f = 0", "NOT (f < 1)", "f = 'NaN'",
	"e = 1", "e > 0.5", "d >= 1.01", "late = 1", "late IS NULL", "late < 5", "w = 2", "w > 0", "o", "NOT o", "o IS NULL", "ts < '2026-01-03'",
	"ts >= '2026-01-02 12:00'", "day > '2026-02-04'", "day <= '2026-03-01'", "b > 50", "b < 0", "m > 0", "m < 100", "id > 10", "date_trunc('day', ts) = '2026-01-02'",
	"coalesce(late, 7) = 7", "g <= 0", "g <> 0",
}

func someOf(r *rand.Rand, of []string, n int) []string {
	out := slices.Clone(of)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:n]
}

// mixedQuery is a statement over FROM %s.
func mixedQuery(r *rand.Rand) string {
	keys, aggs := someOf(r, mixedKeys, r.IntN(4)), someOf(r, mixedAggs, 1+r.IntN(4))
	for i := range aggs {
		if r.IntN(4) == 0 {
			aggs[i] += " FILTER (WHERE " + pick(r, mixedConds...) + ")"
		}
	}
	var conds []string
	for range r.IntN(4) {
		c := pick(r, mixedConds...)
		if r.IntN(4) == 0 {
			c = "(" + c + " OR " + pick(r, mixedConds...) + ")"
		}
		conds = append(conds, c)
	}
	if len(keys) > 0 && slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, "10 /") }) {
		conds = append([]string{"m <> n"}, conds...)
		keys = append(keys, "m", "n")
	}
	sql := "SELECT " + strings.Join(append(slices.Clone(keys), aggs...), ", ") + " FROM %s"
	if len(conds) > 0 {
		sql += " WHERE " + strings.Join(conds, " AND ")
	}
	if len(keys) > 0 {
		set := strings.Join(keys, ", ")
		if r.IntN(6) == 0 {
			set = pick(r, "ROLLUP (", "CUBE (") + set + ")"
		}
		sql += " GROUP BY " + set
	}
	if r.IntN(3) == 0 {
		sql += " HAVING " + pick(r, "count(*) > 2", "sum(m) > 20", "count(n) = 0", "max(s) IS NULL", "avg(n) > 0 OR min(f) < 0", "count(DISTINCT w) > 1", "true")
	}
	if r.IntN(2) == 0 {
		sql += " ORDER BY " + strings.Join(someOrder(r, len(keys)+len(aggs)), ", ")
		if r.IntN(3) > 0 {
			sql += fmt.Sprintf(" LIMIT %d", r.IntN(12))
			if r.IntN(3) == 0 {
				sql += fmt.Sprintf(" OFFSET %d", r.IntN(5))
			}
		}
	}
	return sql
}

// rowsQuery asks for the first rows in an order.
func rowsQuery(r *rand.Rand) string {
	keys := someOf(r, mixedKeys, 1+r.IntN(3))
	keys = slices.DeleteFunc(keys, func(k string) bool { return strings.HasPrefix(k, "10 /") })
	sql := "SELECT " + strings.Join(append(keys, "id", "f"), ", ") + " FROM %s"
	if r.IntN(3) > 0 {
		sql += " WHERE " + pick(r, mixedConds...) + " AND " + pick(r, mixedConds...)
	}
	order := []string{pick(r, "id", "ts", "day", "m", "n", "f", "e", "k", "s", "late", "w", "b", "n + m")}
	order[0] += pick(r, "", " DESC", " NULLS FIRST", " DESC NULLS LAST")
	return sql + fmt.Sprintf(" ORDER BY %s, id LIMIT %d OFFSET %d", order[0], r.IntN(40), pick(r, 0, 0, 3))
}

// someOrder orders by all of n columns.
func someOrder(r *rand.Rand, n int) []string {
	var out []string
	for _, i := range r.Perm(n) {
		out = append(out, fmt.Sprint(i+1)+pick(r, "", " DESC", " NULLS FIRST", " DESC NULLS LAST"))
	}
	return out
}

// TestDifferentialBySQL compares what leaves make of groups with what the
// operators above a plain scan make of the same rows.
func TestDifferentialBySQL(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 81))
		c := New(t)
		c.exec = exec.New(exec.Config{Workers: pick(r, -1, 2), ResultCacheTime: -1})
		mixedTable(t, r, c)
		s, err := c.Engine(session.Config{}).Open(session.Options{User: "admin", Database: Database})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run(s, "SET dialect = "+pick(r, "postgres", "pinot")); err != nil {
			t.Fatal(err)
		}
		for range 40 {
			compareLeaf(t, r, s, seed)
		}
		s.Close()
	}
}

func compareLeaf(t *testing.T, r *rand.Rand, s *session.Session, seed uint64) {
	t.Helper()
	sql := pick(r, mixedQuery, mixedQuery, mixedQuery, rowsQuery)(r)
	ask := func(from string) string {
		rows, err := run(s, strings.Replace(sql, "%s", from, 1))
		if err != nil {
			return "error: " + err.Error()
		}
		for i, row := range rows { // equal values may look different
			vals := strings.Split(row, ",")
			for k, v := range vals {
				if v == "-0" {
					vals[k] = "0"
				}
			}
			rows[i] = strings.Join(vals, ",")
		}
		slices.Sort(rows)
		return strings.Join(rows, "\n")
	}
	want := ask("(SELECT * FROM t OFFSET 0) x")
	for _, set := range []string{"star_tree = on", "result_cache = on", "result_cache = on", "star_tree = off", "result_cache = off"} {
		if _, err := run(s, "SET "+set); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := ask("t"); got != want && !(strings.HasPrefix(got, "error") && strings.HasPrefix(want, "error")) {
				t.Errorf("seed %d, %s, %s:\n%s\nwant\n%s", seed, set, sql, got, want)
				return
			}
		}
	}
}
