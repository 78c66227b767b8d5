package plan

import (
	"strings"
	"sync"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func explainText(n Node) string { return strings.Join(Explain(n, ExplainOptions{}), "\n") }

func TestBindSubstitutes(t *testing.T) {
	q, err := prepareText(t, "select id from events where id in ($1, $2) and country = any($3) order by ts limit $4 offset $5", Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := explainText(q.Root)
	list := column.New(schema.Text, 2)
	list.AppendString("de")
	list.AppendString("fr")
	params := []column.Value{
		column.IntValue(schema.Int64, 1), column.IntValue(schema.Int64, 2),
		{Type: schema.Text.AsList(), List: list}, column.IntValue(schema.Int64, 3), column.IntValue(schema.Int64, 4),
	}
	n, err := q.Bind(testContext(), params)
	if err != nil {
		t.Fatal(err)
	}
	got := explainText(n)
	for _, want := range []string{"id IN (1, 2)", "country IN ('de'::text, 'fr'::text)", "Limit: 7", "Top: 7", "Count: 3", "Offset: 4", "Order By: ts"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if explainText(q.Root) != before {
		t.Error("Bind changed the query")
	}
}

func TestBindChecksParameters(t *testing.T) {
	q, err := prepareText(t, "select id from events where id = $1 limit $2", Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := func(code string, params ...column.Value) {
		t.Helper()
		_, err := q.Bind(testContext(), params)
		if (err == nil) != (code == "") || err != nil && sqlerr.Code(err) != code {
			t.Errorf("%v: %v", params, err)
		}
	}
	one := column.IntValue(schema.Int64, 1)
	f("", one, one)
	f("", column.NullValue(schema.Int64), column.NullValue(schema.Int64))
	f("", column.IntValue(schema.Int16, 1), one)
	f("", column.DecimalValue(column.DecimalFromInt64(10, 1)), one)
	f(sqlerr.ProtocolViolation, one)
	f(sqlerr.InvalidRowCountInLimit, one, column.IntValue(schema.Int64, -1))
}

func TestBindIsConcurrent(t *testing.T) {
	const text = `with c as (select country, max(ts) m from events where ts > now() - $1::interval group by country)
		select a.country, (select count(*) from users u where u.country = a.country and u.id > $2)
		from c a join c b on a.country = b.country where a.m < $3 or exists (select 1 from users where id = $2) limit $4`
	q, err := prepareText(t, text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := explainText(q.Root)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				params := []column.Value{
					{Type: schema.Interval, Iv: column.Interval{Days: int32(i)}}, column.IntValue(schema.Int64, int64(g)),
					column.IntValue(schema.Timestamp, int64(i)), column.IntValue(schema.Int64, int64(g+1)),
				}
				if _, err := q.Bind(testContext(), params); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if explainText(q.Root) != before {
		t.Error("Bind changed the query")
	}
}

func TestDeclaredParameterTypes(t *testing.T) {
	f := func(text string, declared []schema.Type, want ...schema.Type) {
		t.Helper()
		q, err := prepareText(t, text, Options{ParamTypes: declared})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(q.ParamTypes) != len(want) {
			t.Fatalf("%s: %v", text, q.ParamTypes)
		}
		for i := range want {
			if q.ParamTypes[i] != want[i] {
				t.Errorf("%s: $%d is %v, want %v", text, i+1, q.ParamTypes[i], want[i])
			}
		}
	}
	f("select id from events where id = $1", []schema.Type{schema.Int16}, schema.Int16)
	f("select id from events where id = any($1)", []schema.Type{schema.Int16.AsList()}, schema.Int16.AsList())
	f("select id from events where product = $1", []schema.Type{schema.Varchar}, schema.Varchar)
	f("select id from events where amount = $1", []schema.Type{schema.Float64}, schema.Float64)
	f("select id from events where id = $1 and qty = $2", []schema.Type{{}, schema.Int64}, schema.Int64, schema.Int64)
	f("select id from events where product = $1", []schema.Type{schema.Unknown}, schema.Text)
}

func TestResultOrigins(t *testing.T) {
	q, err := prepareText(t, "select e.qty, x.n, qty + 1 from events e join (select id, name n from users) x on e.id = x.id", Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := func(i int, oid uint32, att int16) {
		t.Helper()
		if c := q.Columns[i]; c.TableOID != oid || c.AttNum != att {
			t.Errorf("column %d: %d.%d, want %d.%d", i, c.TableOID, c.AttNum, oid, att)
		}
	}
	f(0, 16385, 8)
	f(1, 16386, 2)
	f(2, 0, 0)
}

func TestDefaultLimit(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		q, err := prepareText(t, text, Options{DefaultLimit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if got := explainText(q.Root); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in\n%s", text, want, got)
		}
	}
	f("select id from events", "Count: 10")
	f("select id from events limit 3", "Count: 3")
	f("select id from events union all select id from users", "Count: 10")
}

func TestNestedRepetitionIsBounded(t *testing.T) {
	f := func(name, open, inner, end string, depth int, ok bool) {
		t.Helper()
		text := "select " + strings.Repeat(open, depth) + inner + strings.Repeat(end, depth) + " from events"
		_, err := prepareText(t, text, Options{})
		if ok && err != nil || !ok && sqlerr.Code(err) != sqlerr.StatementTooComplex {
			t.Errorf("%s, %d deep: %v", name, depth, err)
		}
	}
	f("coalesce", "coalesce(", "qty", ", 1)", 8, true)
	f("coalesce", "coalesce(", "qty", ", 1)", 200, false)
	f("nullif", "nullif(", "qty", ", 1)", 200, false)
	f("case", "case ", "qty", " when 1 then 2 when 3 then 4 end", 100, false)
	f("between", "(", "ok", " between false and true)", 100, false)
	f("distinct", "(", "ok", " is distinct from true)", 100, false)
	f("in", "(", "ok", " in (ok, true))", 200, false)
	f("in subquery", "coalesce((select ", "qty", "), 1)", 100, false)
	f("greatest", "greatest(", "qty", ", 1)", 200, true)
}
