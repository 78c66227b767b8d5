package rel

import (
	"context"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/plan"
)

func TestOperators(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := result(testContext(), text, Env{Leaves: &testLeaves{}}); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	// Leaves, partial groups.
	f("select count(*), sum(v), min(v), max(k) from events", "100 4950 0 3")
	f("select k, count(*), sum(v) from events group by k order by k", "0 25 1200,1 25 1225,2 25 1250,3 25 1275")
	f("select v from events where v >= 97 order by v desc", "99,98,97")
	f("select v from events order by v limit 3 offset 2", "2,3,4")
	f("select count(*) from events where k = 9", "0")
	f("select sum(v) from events where k = 9", "null")
	f("select k, sum(v) from events group by k having sum(v) > 1240 order by 2 desc", "3 1275,2 1250")
	f("select count(distinct k) from events", "4")
	// Filters, projections, order.
	f("select id, name from a where id < 3 order by id desc", "2 n2,1 n1,0 n0")
	f("select id from a order by grp desc nulls last, id limit 4", "2,5,8,1")
	f("select id from a order by grp nulls first, id desc limit 2", "9,6")
	f("select id from a order by id limit 0", "")
	f("select id from a order by id offset 8", "8,9")
	f("select id from a limit -1", "plan: 2201W")
	f("select id from a offset -1", "plan: 2201X")
	f("select distinct grp from a order by grp", "0,1,2,null")
	f("select distinct on (grp) grp, id from a order by grp, id desc", "0 6,1 7,2 8,null 9")
	f("select 1, 'x', null", "1 x null")
	f("values (1, 'a'), (2, null)", "1 a,2 null")
	// Groups.
	f("select grp, count(*), sum(id), avg(id) from a group by grp order by grp", "0 3 9 3.0000000000000000,1 3 12 4.0000000000000000,2 3 15 5.0000000000000000,null 1 9 9.0000000000000000")
	f("select count(*) filter (where id > 5), count(grp) from a", "4 9")
	f("select grp, count(*) from a group by rollup(grp) order by grp nulls last, 2", "0 3,1 3,2 3,null 1,null 10")
	f("select grp, grouping(grp), count(*) from a group by rollup(grp) order by grouping(grp), grp", "0 0 3,1 0 3,2 0 3,null 0 1,null 1 10")
	f("select k, grouping(k), count(*) from events group by rollup(k) order by 2, 1", "0 0 25,1 0 25,2 0 25,3 0 25,null 1 100")
	f("select k, v % 2, grouping(k, v % 2) g, count(*), sum(v) from events where v < 4 group by cube(k, v % 2) having grouping(k, v % 2) > 0 order by g, 1, 2",
		"0 null 1 1 0,1 null 1 1 1,2 null 1 1 2,3 null 1 1 3,null 0 2 2 2,null 1 2 2 4,null null 3 4 6")
	f("select k, count(*) from events where k > 2 group by grouping sets ((k), (k), (), ()) order by k nulls first", "null 25,null 25,3 25,3 25")
	f("select k, count(*) from events where k > 9 group by rollup(k)", "null 0")
	f("select k, count(*) from events where k > 9 group by cube(k, v)", "null 0")
	f("select grouping(k), count(distinct v) from events group by rollup(k), () order by 1, 2", "0 25,0 25,0 25,0 25,1 100")
	f("select count(*) from events group by ()", "100")
	f("select grouping(k) from events group by k order by 1 limit 1", "0")
	f("select grouping(k) + 1, k from events group by grouping sets ((k), ()) having grouping(k) = 1", "2 null")
	f("select array_agg(name order by id desc) from a where grp = 0", "{n6,n3,n0}")
	f("select string_agg(name, ',' order by name desc) filter (where id < 3) from a", "n2,n1,n0")
	f("select count(*) from a where id > 100", "0")
	f("select max(id) from a where id > 100 group by grp", "")
	// Joins.
	f("select a.id, b.id from a join b on a.id = b.aid where a.id < 3 order by 1, 2", "0 0,0 1,2 2,2 3")
	f("select a.id, b.id from a left join b on a.id = b.aid and b.x > 1 where a.id < 4 order by 1, 2", "0 null,1 null,2 3,3 null")
	f("select a.id, b.id from a right join b on a.id = b.aid where b.id > 17 order by 2", "null 18,null 19")
	f("select count(*), count(a.id), count(b.id) from a full join b on a.id = b.aid", "25 15 20")
	f("select count(*) from a cross join b", "200")
	f("select count(*) from a, b where a.id + 1 = b.aid", "10")
	f("select count(*) from a join b on a.id < b.id", "145")
	f("select count(*) from a x join a y on x.grp = y.grp", "27")
	f("select x.id from a x where exists (select 1 from b where b.aid = x.id and b.x > 3) order by 1", "6,8")
	f("select x.id from a x where not exists (select 1 from b where b.aid = x.id) order by 1", "1,3,5,7,9")
	f("select id from a where id in (select aid from b where x < 2) order by id", "0,2")
	f("select id from a where id not in (select aid from b) order by id", "1,3,5,7,9")
	f("select id from a where id not in (select grp from a) order by id", "")
	f("select a.id, s.m from a, lateral (select max(b.id) m from b where b.aid = a.id) s where a.id < 4 order by 1", "0 1,1 null,2 3,3 null")
	f("select a.id, g from a, generate_series(1, a.id) g where a.id < 3 order by 1, 2", "1 1,2 1,2 2")
	f("select a.id, g from a left join lateral generate_series(1, a.id) g on true where a.id < 2 order by 1", "0 null,1 1")
	f("select a.id from a left join b on false where a.id < 2 order by 1", "0,1")
	// Subqueries.
	f("select id, (select sum(b.id) from b where b.aid = a.id) from a where id < 3 order by id", "0 1,1 null,2 5")
	f("select (select max(id) from a)", "9")
	f("select (select id from a where id > 100)", "null")
	f("select (select id from a)", "21000")
	f("select array(select id from a where id < 3 order by id)", "{0,1,2}")
	f("select 3 > all (select id from a where id < 3), 3 > any (select id from a where id > 5)", "t f")
	f("select count(*) from events where v > (select avg(v) from events)", "50")
	f("select id from a where grp = (select max(grp) from a) order by id", "2,5,8")
	f("select id, exists (select 1 from b where b.aid = a.id) from a where id < 2 order by id", "0 t,1 f")
	f("select x.id, (select count(*) from b where b.aid = x.id and exists (select 1 from a y where y.id = x.id + 1)) from a x where x.id in (8, 9) order by 1", "8 2,9 0")
	// Set operations.
	f("select grp from a union select 5 order by 1", "0,1,2,5,null")
	f("select count(*) from (select id from a union all select id from b) s", "30")
	f("select id from a intersect select aid from b order by 1", "0,2,4,6,8")
	f("select id from a except select aid from b order by 1", "1,3,5,7,9")
	f("select grp from a intersect all select grp from a where id < 4 order by 1", "0,0,1,2")
	f("select count(*) from (select grp from a except all select grp from a where id < 4) s", "6")
	// Common table expressions.
	f("with x as (select id from a where id < 2) select count(*) from x, x y", "4")
	f("with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select sum(n), count(*) from r", "15 5")
	f("with recursive r(n) as (select 1 union select n % 3 + 1 from r) select n from r order by n", "1,2,3")
	f("with recursive t(id, path) as (select 0, '0' union all select b.id, path || '>' || b.id from t join b on b.aid = t.id + 2 and b.id % 2 = 0 where b.id < 8) select max(path) from t", "0>2>4>6")
	f("with x as materialized (select 1 as c) select (select c from x) + c from x", "2")
	// Windows.
	f("select id, row_number() over (partition by grp order by id desc) from a where id < 6 order by id", "0 2,1 2,2 2,3 1,4 1,5 1")
	f("select id, rank() over (order by grp), dense_rank() over (order by grp) from a where id in (0, 1, 3, 9) order by id", "0 1 1,1 3 2,3 1 1,9 4 3")
	f("select id, sum(id) over (order by id) from a where id < 4 order by id", "0 0,1 1,2 3,3 6")
	f("select id, count(*) over (partition by grp), sum(id) over () from a where id < 4 order by id", "0 2 6,1 1 6,2 1 6,3 2 6")
	// Sets.
	f("select unnest(array[1, 2]), 'x'", "1 x,2 x")
	f("select generate_series(1, 2), generate_series(1, 3)", "1 1,2 2,null 3")
	f("select * from generate_series(1, 2) with ordinality as t(a, b)", "1 1,2 2")
	f("select * from unnest(array['a', 'b']) as u", "a,b")
	f("select count(*) from generate_series(1, 100000)", "100000")
	f("select 1 / (id - id) from a", "22012")
}

func TestMemoryLimit(t *testing.T) {
	f := func(text string) {
		t.Helper()
		got := result(testContext(), text, Env{Leaves: &testLeaves{}, MemoryLimit: 100_000})
		if got != sqlerr.OutOfMemory {
			t.Errorf("%s: %.80s, want %s", text, got, sqlerr.OutOfMemory)
		}
	}
	f("select g from generate_series(1, 100000) g order by g desc")
	f("select count(*) from generate_series(1, 100000) g group by g")
	f("select distinct g from generate_series(1, 100000) g")
	f("select count(*) from generate_series(1, 100000) g join generate_series(1, 100000) h on g = h")
	f("with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r")
	f("select row_number() over (order by g) from generate_series(1, 100000) g")
	f("select g from generate_series(1, 100000) g except select 1")
	if got := result(testContext(), "select g from generate_series(1, 100000) g order by g desc limit 2", Env{MemoryLimit: 4 << 20}); got != "100000,99999" {
		t.Errorf("top-N within its memory: %s", got)
	}
}

func TestCancel(t *testing.T) {
	f := func(text string) {
		t.Helper()
		ctx := testContext()
		inner, stop := context.WithTimeout(context.Background(), 2*time.Millisecond)
		defer stop()
		ctx.Context = inner
		start := time.Now()
		got := result(ctx, text, Env{Leaves: &testLeaves{block: make(chan struct{})}})
		if got != sqlerr.QueryCanceled && got != context.DeadlineExceeded.Error() {
			t.Errorf("%s: %s", text, got)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%s: took %v after its end", text, d)
		}
	}
	f("select count(*) from generate_series(1, 100000) a, generate_series(1, 100000) b where a + b = 1")
	f("with recursive r(n) as (select 1 union all select n from r) select 1 from r limit 1")
	f("select v from events")
	f("select sum(v) from events")
	f("select v from events order by v")
}

func TestCloseEarly(t *testing.T) {
	ctx := testContext()
	root, err := bind(ctx, "select v from events")
	if err != nil {
		t.Fatal(err)
	}
	leaves := &testLeaves{}
	rows, err := Run(ctx, root, Env{Leaves: leaves})
	if err != nil {
		t.Fatal(err)
	}
	b, err := rows.Next()
	if err != nil || b == nil {
		t.Fatal(b, err)
	}
	rows.Close()
	rows.Close()
	if b, err := rows.Next(); b != nil || err != nil {
		t.Errorf("after Close: %v %v", b, err)
	}
}

func TestLeafError(t *testing.T) {
	env := Env{Leaves: &testLeaves{fail: sqlerr.New(sqlerr.IOError, "server gone")}}
	for _, text := range []string{"select v from events", "select sum(v) from events", "select v from events order by v limit 1",
		"select a.id from a join events on a.id = events.v"} {
		if got := result(testContext(), text, env); got != sqlerr.IOError {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestUncorrelatedSubqueryRunsOnce(t *testing.T) {
	leaves := &testLeaves{}
	got := result(testContext(), "select id from a where id > (select max(v) from events) - 91", Env{Leaves: leaves})
	if got != "9" || leaves.ran != 1 {
		t.Errorf("got %s after %d runs", got, leaves.ran)
	}
}

func TestOnDone(t *testing.T) {
	var kinds []string
	env := Env{Leaves: &testLeaves{}, OnDone: func(n plan.Node, s Stats) {
		if _, ok := n.(*plan.Filter); ok && s.Rows != 2 {
			t.Errorf("filter gave %d rows", s.Rows)
		}
		kinds = append(kinds, "x")
	}}
	if got := result(testContext(), "select id + 1 from a where id < 2", env); got != "1,2" {
		t.Error(got)
	}
	if len(kinds) == 0 {
		t.Error("OnDone was not called")
	}
}

func BenchmarkHashJoin(b *testing.B) {
	ctx := testContext()
	root, err := bind(ctx, "select count(*) from generate_series(1, 100000) g join generate_series(1, 100000) h on g = h")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		rows, err := Run(ctx, root, Env{})
		if err != nil {
			b.Fatal(err)
		}
		var n *column.Batch
		if n, err = rows.Next(); err != nil || n.Cols[0].Int64s[0] != 100000 {
			b.Fatal(n, err)
		}
		rows.Close()
	}
}
