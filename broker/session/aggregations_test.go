package session_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/broker/internal/testengine"
	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
)

// sale is a row of the table sales; a pointer is a column that may be NULL.
type sale struct {
	shop  *string
	n     *int
	price *float64
	ok    *bool
	name  string
	at    int
}

var saleFields = []schema.Field{
	{ID: 1, Name: "shop", Type: schema.Text}, {ID: 2, Name: "n", Type: schema.Int32}, {ID: 3, Name: "price", Type: schema.Float64},
	{ID: 4, Name: "ok", Type: schema.Bool}, {ID: 5, Name: "name", Type: schema.Text}, {ID: 6, Name: "at", Type: schema.Int64},
	{ID: 7, Name: "cost", Type: schema.Type{ID: schema.TypeNumeric, Precision: 12, Scale: 2}}, {ID: 8, Name: "bare", Type: schema.Int64},
}

// sales are rows whose sums are exact in any order.
func sales(n int) []sale {
	r := rand.New(rand.NewPCG(11, 12))
	out := make([]sale, n)
	for i := range out {
		s := sale{name: fmt.Sprintf("name %d", r.IntN(40)), at: r.IntN(1_000_000)}
		if k := r.IntN(5); k > 0 {
			shop := fmt.Sprintf("shop %d", k)
			s.shop = &shop
		}
		if r.IntN(10) > 0 {
			k := r.IntN(200) - 50
			s.n = &k
		}
		if r.IntN(10) > 0 {
			f := float64(r.IntN(4000)) / 4
			s.price = &f
		}
		if k := r.IntN(3); k > 0 {
			ok := k == 1
			s.ok = &ok
		}
		out[i] = s
	}
	return out
}

func nullable[T any](p *T) string {
	if p == nil {
		return testengine.Null
	}
	return fmt.Sprint(*p)
}

func (s *sale) texts() []string {
	return []string{nullable(s.shop), nullable(s.n), nullable(s.price), nullable(s.ok), s.name, fmt.Sprint(s.at), nullable(s.price), nullable(s.n)}
}

// salesCluster is the rows in three sealed segments and a consuming one.
func salesCluster(t *testing.T, rows []sale) *testengine.Cluster {
	t.Helper()
	parts := make([][][]string, 4)
	for i := range rows {
		parts[i*i%4] = append(parts[i*i%4], rows[i].texts())
	}
	parts[2], parts[3] = parts[0][:len(parts[0])/3], parts[0][len(parts[0])/3:len(parts[0])/2]
	parts[0] = parts[0][len(parts[0])/2:]
	c := testengine.New(t)
	cfg := schema.TableConfig{}
	cfg.Indexing.NoDictionary = []string{"bare"}
	c.PutParts(t, "sales", cfg, saleFields, parts...)
	return c
}

// naive is an aggregation over rows: nil for NULL, numbers, booleans or text.
type naive func(rows []sale) any

// numbers returns the values of a column that are not NULL.
func ns(rows []sale) []float64 {
	var out []float64
	for _, s := range rows {
		if s.n != nil {
			out = append(out, float64(*s.n))
		}
	}
	return out
}

func prices(rows []sale) []float64 {
	var out []float64
	for _, s := range rows {
		if s.price != nil {
			out = append(out, *s.price)
		}
	}
	return out
}

func names(rows []sale) []string {
	var out []string
	for _, s := range rows {
		out = append(out, s.name)
	}
	return out
}

func unique[T cmp.Ordered](vals []T) []T {
	out := slices.Clone(vals)
	slices.Sort(out)
	return slices.Compact(out)
}

// over computes f over values, NULL for none.
func over(vals func([]sale) []float64, f func([]float64) any) naive {
	return func(rows []sale) any {
		v := vals(rows)
		if len(v) == 0 {
			return nil
		}
		slices.Sort(v)
		return f(v)
	}
}

func sum(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}

func mean(v []float64) float64 { return sum(v) / float64(len(v)) }

// spread is the sum of squared deviations over n less a few.
func spread(less int, root bool) func([]float64) any {
	return func(v []float64) any {
		if len(v) <= less {
			return nil
		}
		s := 0.0
		for _, x := range v {
			s += (x - mean(v)) * (x - mean(v))
		}
		if s /= float64(len(v) - less); root {
			s = math.Sqrt(s)
		}
		return s
	}
}

// pairs computes f over the rows in which neither price nor n is NULL, y being
// the price.
func pairs(f func(n, sx, sy, sxx, syy, sxy float64) any) naive {
	return func(rows []sale) any {
		var xs, ys []float64
		for _, s := range rows {
			if s.n != nil && s.price != nil {
				xs, ys = append(xs, float64(*s.n)), append(ys, *s.price)
			}
		}
		var sxx, syy, sxy float64
		for i := range xs {
			dx, dy := xs[i]-mean(xs), ys[i]-mean(ys)
			sxx, syy, sxy = sxx+dx*dx, syy+dy*dy, sxy+dx*dy
		}
		return f(float64(len(xs)), sum(xs), sum(ys), sxx, syy, sxy)
	}
}

func disc(p float64) func([]float64) any {
	return func(v []float64) any { return v[max(int(math.Ceil(p*float64(len(v)))), 1)-1] }
}

func cont(p float64) func([]float64) any {
	return func(v []float64) any {
		at := p * float64(len(v)-1)
		lo, hi := v[int(math.Floor(at))], v[int(math.Ceil(at))]
		return lo + (at-math.Floor(at))*(hi-lo)
	}
}

func modeOf(v []float64) any {
	best, most := v[0], 0
	for _, x := range unique(v) {
		n := 0
		for _, y := range v {
			if x == y {
				n++
			}
		}
		if n > most {
			best, most = x, n
		}
	}
	return best
}

// extreme is the name of the row with the least or greatest at.
func extreme(sign int) naive {
	return func(rows []sale) any {
		if len(rows) == 0 {
			return nil
		}
		return slices.MaxFunc(rows, func(a, b sale) int {
			return sign * cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.name, b.name))
		}).name
	}
}

func bools(all bool) naive {
	return func(rows []sale) any {
		var out any
		for _, s := range rows {
			switch {
			case s.ok == nil:
			case out == nil:
				out = *s.ok
			case all:
				out = out.(bool) && *s.ok
			default:
				out = out.(bool) || *s.ok
			}
		}
		return out
	}
}

func list[T any](vals []T) any {
	if len(vals) == 0 {
		return nil
	}
	var parts []string
	for _, v := range vals {
		parts = append(parts, strings.ReplaceAll(strconv.Quote(fmt.Sprint(v)), `"`, ``))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// aggCase is a call and what it gives, up to a relative tolerance.
type aggCase struct {
	call  string
	want  naive
	near  float64
	pinot bool // not in PostgreSQL's dialect
	pg    bool // not in Pinot's
}

func same(f func(v []float64) float64) func([]float64) any {
	return func(v []float64) any { return f(v) }
}

func distinctNames(rows []sale) any { return float64(len(unique(names(rows)))) }

var aggCases = []aggCase{
	{call: "count(*)", want: func(r []sale) any { return float64(len(r)) }},
	{call: "count(n)", want: func(r []sale) any { return float64(len(ns(r))) }},
	{call: "count(DISTINCT n)", want: func(r []sale) any { return float64(len(unique(ns(r)))) }},
	{call: "count(DISTINCT bare)", want: func(r []sale) any { return float64(len(unique(ns(r)))) }},
	{call: "count(DISTINCT name)", want: distinctNames},
	{call: "distinctcount(name)", want: distinctNames},
	{call: "distinctcountbitmap(name)", want: distinctNames},
	{call: "segmentpartitioneddistinctcount(name)", want: distinctNames},
	{call: "approx_count_distinct(name)", want: distinctNames},
	{call: "distinctcounthll(name, 14)", want: distinctNames},
	{call: "distinctcountthetasketch(name)", want: distinctNames},
	{call: "distinctcountthetasketch(name, 'nominalEntries=64')", want: distinctNames},
	{call: "distinctcountcpcsketch(name)", want: distinctNames, near: 0.02},
	{call: "distinctcountcpcsketch(at, 10)", want: func(r []sale) any {
		var v []float64
		for _, s := range r {
			v = append(v, float64(s.at))
		}
		return float64(len(unique(v)))
	}, near: 0.1},
	{call: "sum(n)", want: over(ns, same(sum))},
	{call: "sum(price)", want: over(prices, same(sum))},
	{call: "sum(cost)", want: over(prices, same(sum))},
	{call: "sum(DISTINCT n)", want: over(ns, func(v []float64) any { return sum(unique(v)) })},
	{call: "min(price)", want: over(prices, same(slices.Min))},
	{call: "max(cost)", want: over(prices, same(slices.Max))},
	{call: "avg(n)", want: over(ns, same(mean)), near: 1e-12},
	{call: "avg(DISTINCT price)", want: over(prices, func(v []float64) any { return mean(unique(v)) }), near: 1e-12},
	{call: "bool_and(ok)", want: bools(true)},
	{call: "every(ok)", want: bools(true)},
	{call: "bool_or(ok)", want: bools(false)},
	{call: "stddev(n)", want: over(ns, spread(1, true)), near: 1e-9},
	{call: "stddev_samp(price)", want: over(prices, spread(1, true)), near: 1e-9},
	{call: "stddev_pop(cost)", want: over(prices, spread(0, true)), near: 1e-9},
	{call: "variance(DISTINCT n)", want: over(ns, func(v []float64) any { return spread(1, false)(unique(v)) }), near: 1e-9},
	{call: "var_samp(price)", want: over(prices, spread(1, false)), near: 1e-9},
	{call: "var_pop(n)", want: over(ns, spread(0, false)), near: 1e-9},
	{call: "array_agg(DISTINCT name ORDER BY name)", want: func(r []sale) any { return list(unique(names(r))) }, pg: true},
	{call: "string_agg(DISTINCT name, ',')", want: func(r []sale) any { return strings.Trim(fmt.Sprint(list(unique(names(r)))), "{}") }, pg: true},
	{call: "any_value(1)", want: func(r []sale) any {
		if len(r) == 0 {
			return nil
		}
		return 1.0
	}},
	{call: "percentile_cont(0.3) WITHIN GROUP (ORDER BY price)", want: over(prices, cont(0.3))},
	{call: "percentile_cont(0.3) WITHIN GROUP (ORDER BY n DESC)", want: over(ns, cont(0.7)), near: 1e-12},
	{call: "percentile_disc(0.9) WITHIN GROUP (ORDER BY n)", want: over(ns, disc(0.9))},
	{call: "percentile(price, 50)", want: over(prices, func(v []float64) any { return v[min(len(v)/2, len(v)-1)] }), pinot: true},
	{call: "mode() WITHIN GROUP (ORDER BY n)", want: over(ns, modeOf)},
	{call: "approx_percentile(price, 0.5)", want: over(prices, cont(0.5)), near: 0.03},
	{call: "approx_percentile(0.25, 500) WITHIN GROUP (ORDER BY price DESC)", want: over(prices, cont(0.75)), near: 0.02},
	{call: "percentiletdigest(price, 50, 200)", want: over(prices, cont(0.5)), near: 0.03},
	{call: "percentilekll(price, 75, 800)", want: over(prices, disc(0.75)), near: 0.05},
	{call: "percentileest(price, 75)", want: over(prices, disc(0.75)), near: 0.08, pinot: true},
	{call: "covar_pop(price, n)", want: pairs(func(n, _, _, _, _, sxy float64) any { return sxy / n }), near: 1e-9},
	{call: "covar_samp(price, n)", want: pairs(func(n, _, _, _, _, sxy float64) any { return sxy / (n - 1) }), near: 1e-9},
	{call: "corr(price, n)", want: pairs(func(_, _, _, sxx, syy, sxy float64) any { return sxy / math.Sqrt(sxx*syy) }), near: 1e-9},
	{call: "regr_slope(price, n)", want: pairs(func(_, _, _, sxx, _, sxy float64) any { return sxy / sxx }), near: 1e-9},
	{call: "regr_intercept(price, n)", want: pairs(func(n, sx, sy, sxx, _, sxy float64) any { return (sy - sx*sxy/sxx) / n }), near: 1e-9},
	{call: "regr_r2(price, n)", want: pairs(func(_, _, _, sxx, syy, sxy float64) any { return sxy * sxy / sxx / syy }), near: 1e-9},
	{call: "regr_count(price, n)", want: pairs(func(n, _, _, _, _, _ float64) any { return n })},
	{call: "regr_avgx(price, n)", want: pairs(func(n, sx, _, _, _, _ float64) any { return sx / n }), near: 1e-12},
	{call: "regr_avgy(price, n)", want: pairs(func(n, _, sy, _, _, _ float64) any { return sy / n }), near: 1e-12},
	{call: "regr_sxx(price, n)", want: pairs(func(_, _, _, sxx, _, _ float64) any { return sxx }), near: 1e-9},
	{call: "regr_syy(price, n)", want: pairs(func(_, _, _, _, syy, _ float64) any { return syy }), near: 1e-9},
	{call: "regr_sxy(price, n)", want: pairs(func(_, _, _, _, _, sxy float64) any { return sxy }), near: 1e-9},
	{call: "arg_min(name, at)", want: func(r []sale) any { return extreme(-1)(r) }},
	{call: "arg_max(name, at)", want: extreme(1)},
	{call: "firstwithtime(name, at, 'STRING')", want: extreme(-1), pinot: true},
	{call: "lastwithtime(name, at, 'STRING')", want: extreme(1), pinot: true},
	{call: "histogram(price, 0, 1000, 2)", want: func(r []sale) any {
		var bins [2]int
		for _, p := range prices(r) {
			bins[int(p/500)]++
		}
		return list(bins[:])
	}},
}

// TestEveryAggregationHasACase reads the calls for the names of all
// aggregations.
func TestEveryAggregationHasACase(t *testing.T) {
	for _, name := range agg.Names() {
		if !slices.ContainsFunc(aggCases, func(c aggCase) bool { return strings.HasPrefix(c.call, name+"(") }) {
			t.Errorf("%s is not tested", name)
		}
	}
}

// matches compares a cell with an expectation.
func (c *aggCase) matches(cell string, want any) bool {
	switch w := want.(type) {
	case nil:
		return cell == ""
	case bool:
		return cell == map[bool]string{true: "t", false: "f"}[w]
	case float64:
		f, err := strconv.ParseFloat(cell, 64)
		return err == nil && math.Abs(f-w) <= c.near*max(1, math.Abs(w))
	}
	return strings.ReplaceAll(cell, `"`, ``) == want
}

// TestAggregations runs every aggregation over several segments in both
// dialects: over all rows, with FILTER, over no rows, per group and per
// grouping set, and compares it with the naive one.
func TestAggregations(t *testing.T) {
	rows := sales(3000)
	e := salesCluster(t, rows).Engine(session.Config{})
	groups, few := map[string][]sale{}, map[string][]sale{}
	for _, s := range rows {
		key := ""
		if s.shop != nil {
			key = *s.shop
		}
		groups[key] = append(groups[key], s)
		if s.at > 500_000 {
			few[key] = append(few[key], s)
		}
	}
	var filtered []sale
	for _, g := range few {
		filtered = append(filtered, g...)
	}
	for _, d := range []fn.Dialect{fn.Postgres, fn.Pinot} {
		s := openSession(t, e, session.Options{Dialect: d})
		for i := range aggCases {
			c := &aggCases[i]
			if c.pinot && d != fn.Pinot || c.pg && d == fn.Pinot {
				continue
			}
			check := func(got string, rows []sale, what string) {
				t.Helper()
				if want := c.want(rows); !c.matches(got, want) {
					t.Errorf("%v: %s %s: %s, want %v", d, c.call, what, got, want)
				}
			}
			check(mustAsk(t, s, "SELECT "+c.call+" FROM sales"), rows, "of all")
			filter := c.call + " FILTER (WHERE at > 500000)"
			check(mustAsk(t, s, "SELECT "+filter+" FROM sales"), filtered, "of some")
			byShop := mustAsk(t, s, "SELECT shop, "+c.call+", "+filter+" x FROM sales GROUP BY ROLLUP (shop) HAVING count(*) > 0 ORDER BY GROUPING(shop), x, 1")
			lines := strings.Split(byShop, "\n")
			if len(lines) != len(groups)+1 {
				t.Fatalf("%s: %d groups, want %d", c.call, len(lines), len(groups)+1)
			}
			for i, line := range lines {
				cells := strings.Split(line, "|")
				all, some := groups[cells[0]], few[cells[0]]
				if i == len(lines)-1 {
					all, some = rows, filtered
				}
				check(cells[1], all, "of "+cells[0])
				check(cells[2], some, "of some of "+cells[0])
			}
		}
	}
}

// TestAggregationParameters executes one prepared statement with several
// constant arguments.
func TestAggregationParameters(t *testing.T) {
	s := openSession(t, salesCluster(t, sales(500)).Engine(session.Config{}), session.Options{})
	ctx := context.Background()
	stmts, err := s.Parse("SELECT percentile_cont($1) WITHIN GROUP (ORDER BY price) = percentile_cont($2::float8) WITHIN GROUP (ORDER BY price DESC), " +
		"approx_percentile(price, $1, $3) > 0, count(DISTINCT n) FILTER (WHERE n > $4) FROM sales")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Prepare(ctx, &stmts[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, a, b float64, compression int64) {
		t.Helper()
		number := func(t schema.Type, i int64) column.Value { return column.IntValue(t, i) }
		params := []column.Value{column.FloatValue(schema.Float64, a), column.FloatValue(schema.Float64, b),
			number(schema.Int32, compression), number(schema.Int32, 1000)}
		r, err := s.Execute(ctx, p, params, session.ExecuteOptions{})
		if err != nil {
			if got := sqlerr.Code(err); got != want {
				t.Errorf("%v, %v: %v, want %s", a, b, err, want)
			}
			return
		}
		defer r.Close()
		batch, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		var cells []string
		for _, v := range batch.Cols {
			cells = append(cells, string(fn.FormatText(nil, r.FnContext(), v, 0)))
		}
		if got := strings.Join(cells, "|"); got != want {
			t.Errorf("%v, %v: %s, want %s", a, b, got, want)
		}
	}
	f("t|t|0", 0.25, 0.75, 100)
	f("t|t|0", 0.5, 0.5, 50)
	f("f|t|0", 0.5, 0.75, 500)
	f(sqlerr.NumericOutOfRange, 1.5, 0.75, 100)
	f(sqlerr.InvalidParameter, 0.5, 0.75, 1)
}
