package sql

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func TestParseSplitsStatements(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		stmts, err := Parse(text, false)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		var got []string
		for _, s := range stmts {
			got = append(got, s.Text[s.Offset:s.End])
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	f("")
	f("-- ping")
	f(";")
	f("select 1", "select 1")
	f("  select 1 ; ", "select 1")
	f("begin; /* c */ select ';' ;commit", "begin", "select ';'", "commit")
	f("select $$a;b$$; select E'\\';' , 2", "select $$a;b$$", "select E'\\';' , 2")
	f("set x = 1; select 2", "set x = 1", "select 2")
}

func TestParsePinotOptions(t *testing.T) {
	f := func(text string, n int, want map[string]string) {
		t.Helper()
		stmts, err := Parse(text, true)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(stmts) != n {
			t.Fatalf("%q: %d statements, want %d", text, len(stmts), n)
		}
		if got := stmts[n-1].Options; !reflect.DeepEqual(got, want) {
			t.Errorf("%q: options %v, want %v", text, got, want)
		}
	}
	f("select 1", 1, nil)
	f("SET timeoutMs = 1000; SET useMultistageEngine = true; SELECT 1", 1,
		map[string]string{"timeoutms": "1000", "usemultistageengine": "true"})
	f("SET a = 'x'; SELECT 1 OPTION(timeoutMs=5, b='y z')", 1, map[string]string{"a": "x", "timeoutMs": "5", "b": "y z"})
	f("SELECT a FROM t OPTION ( k = 1 ) LIMIT 3", 1, map[string]string{"k": "1"})
	f("set a = 1", 1, nil)
	f("select option from t", 1, nil)
}

func TestParsePinotLimit(t *testing.T) {
	text := "SELECT a FROM t LIMIT 20, 10"
	stmts, err := Parse(text, true)
	if err != nil {
		t.Fatal(err)
	}
	sel := stmts[0].Node.GetSelectStmt()
	loc := int(sel.LimitCount.GetAConst().Location)
	if text[loc:] != "10" {
		t.Fatalf("limit at %d", loc)
	}
	if e := stmts[0].Extensions[loc]; e.Kind != ExtLimitOffset || e.Text != "20" {
		t.Fatalf("extension %+v", e)
	}
	if _, err := Parse(text, false); sqlerr.Code(err) != sqlerr.SyntaxError {
		t.Fatalf("outside the dialect: %v", err)
	}
}

func TestParseErrors(t *testing.T) {
	f := func(text, code, message, hint string, position int) {
		t.Helper()
		_, err := Parse(text, false)
		var e *sqlerr.Error
		if !errors.As(err, &e) {
			t.Fatalf("%.60q: %v", text, err)
		}
		if e.Code != code || !strings.Contains(e.Message, message) || e.Hint != hint || e.Position != position {
			t.Errorf("%.60q: %s %q hint %q at %d", text, e.Code, e.Message, e.Hint, e.Position)
		}
	}
	f("SELEC 1", "42601", `syntax error at or near "SELEC"`, `Did you mean "SELECT"?`, 1)
	f("select 1; insrt into t", "42601", `near "insrt"`, `Did you mean "INSERT"?`, 11)
	f("select a form t", "42601", `near "t"`, `Did you mean "FROM"?`, 15)
	f("select a from t wehre b = 1", "42601", `near "b"`, `Did you mean "WHERE"?`, 23)
	f("select 'é' from from", "42601", `near "from"`, "", 18)
	f("select 'abc", "42601", "unterminated quoted string", "", 8)
	f("select (1", "42601", "at end of input", "", 10)
	f("select \xff", invalidByteSequence, "invalid byte sequence", "", 0)
	f("select \x00", invalidByteSequence, "invalid byte sequence", "", 0)
	f("select * from t for system_time as of 1", "0A000", "FOR SYSTEM_TIME", "", 17)
	f("select * from t FOR VALID_TIME ALL", "0A000", "FOR VALID_TIME", "", 17)
	f("update t for portion of valid_time from 1 to 2 set a=1", "0A000", "FOR PORTION OF", "", 10)
	f("select * from t for tag 'x'", "0A000", "FOR TAG", "", 17)
	f("select 1 as of snapshot 'x'", "0A000", "AS OF SNAPSHOT", "", 10)
	f("put into t values (1)", "0A000", "PUT INTO", "", 1)
	f("erase from t", "0A000", "ERASE", "", 1)
	f("select * from t asof join p on true", "0A000", "ASOF JOIN", "", 17)
	f("select * from t semi join p on true", "0A000", "SEMI JOIN", "", 17)
	f("commit message 'x'", "0A000", "COMMIT MESSAGE", "", 1)
	f("select a from t group by valid_time every '1 day'", "0A000", "EVERY", "", 37)
}

func TestParseKeepsExtensionWordsAsNames(t *testing.T) {
	for _, text := range []string{
		"select every, tag, snapshot, portion, put, erase, message, asof from t as semi",
		"select valid_time, system_time from limits where option = 1 limit 5",
		"select t.asof from t join s on true for update",
	} {
		if _, err := Parse(text, false); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseLimits(t *testing.T) {
	f := func(name, text string) {
		t.Helper()
		_, err := Parse(text, false)
		if sqlerr.Code(err) != sqlerr.StatementTooComplex {
			t.Errorf("%s: %v", name, err)
		}
	}
	const n = 200_000
	f("parentheses", "select "+strings.Repeat("(", n)+"1"+strings.Repeat(")", n))
	f("brackets", "select array"+strings.Repeat("[", n)+strings.Repeat("]", n))
	f("case", "select "+strings.Repeat("case when 1 then ", n))
	f("not", "select "+strings.Repeat("not ", n)+"true")
	f("nested not", "select "+strings.Repeat("a = not ", n)+"true")
	f("minus", "select "+strings.Repeat("- ", n)+"1")
	f("prefix operators", "select "+strings.Repeat("@ a + ", n)+"1")
	f("joins", "select 1 from "+strings.Repeat("t join ", n)+"t")
	f("joins of functions", "select 1 from "+strings.Repeat("f(1,2) join ", n)+"t")
	f("subqueries", strings.Repeat("select * from (", n))
	f("plus", "select 1"+strings.Repeat("+1", n))
	f("casts", "select 1"+strings.Repeat("::int", n))
	f("time zones", "select x"+strings.Repeat(" at time zone 'a'", n))
	f("union", "select 1"+strings.Repeat(" union select 1", 20_000))
	f("size", "select '"+strings.Repeat("x", MaxTextBytes)+"'")
}

func TestParseWideStatements(t *testing.T) {
	for _, text := range []string{
		"select 1 where a in (1" + strings.Repeat(",1", 20_000) + ")",
		"select 1 where a = 1" + strings.Repeat(" or a = -1 and not b", 5_000),
		"select -1" + strings.Repeat(" + -1", 400),
		"values (1)" + strings.Repeat(", (1)", 10_000),
		"select 1 from a" + strings.Repeat(" join b on x = y", 300),
		"select " + strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200),
	} {
		if _, err := Parse(text, false); err != nil {
			t.Errorf("%.60q…: %v", text, err)
		}
	}
}

func TestStatementIdents(t *testing.T) {
	f := func(text, at string, want ...Ident) {
		t.Helper()
		s := Statement{Text: text}
		if got := s.Idents(strings.Index(text, at)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	f("select Foo from t", "Foo", Ident{"Foo", false})
	f(`select T . "Fo""o" /* x */ . c`, "T", Ident{"T", false}, Ident{`Fo"o`, true}, Ident{"c", false})
	f("select T.*", "T", Ident{"T", false})
	f(`select U&"a"`, "U&", nil...)
	f("select 1", "1", nil...)
}

func TestStatementAliasSpelling(t *testing.T) {
	f := func(text, at, folded, want string) {
		t.Helper()
		s := Statement{Text: text}
		if got := s.AliasSpelling(strings.Index(text, at), folded); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	f("select count(*) as Total from t", "count", "total", "Total")
	f("select total + 1 AS ToTal, b", "total", "total", "ToTal")
	f("select f(Total) Total", "f", "total", "Total")
	f("select (select 1 Abc)", "1", "abc", "Abc")
	f("select x", "x", "y", "y")
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"select 1", "SET a=1; SELECT a, b FROM t WHERE x LIKE 'a%' LIMIT 1, 2 OPTION(k=v)",
		"select * from t for system_time as of 3", `select "a"."B", E'\'x', $1, $$q$$ /* /* */ */ -- x`,
		"with recursive a as (select 1 union all select n+1 from a) select case when not -1 then array[1] end",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, pinot bool) {
		stmts, err := Parse(text, pinot)
		if err != nil {
			var e *sqlerr.Error
			if !errors.As(err, &e) {
				t.Fatalf("error of type %T", err)
			}
			if e.Position < 0 || e.Position > len(text)+1 {
				t.Fatalf("position %d of %d", e.Position, len(text))
			}
			return
		}
		for i := range stmts {
			s := &stmts[i]
			if s.Node == nil || s.Offset < 0 || s.End < s.Offset || s.End > len(text) {
				t.Fatalf("statement %d: %d..%d of %d", i, s.Offset, s.End, len(text))
			}
			s.Idents(s.Offset)
			s.AliasSpelling(s.Offset, "a")
		}
	})
}

func BenchmarkParse(b *testing.B) {
	const q = "SELECT country, count(*), sum(price) FROM web_transactions WHERE ts >= '2024-01-01' AND status = 'ok' GROUP BY country ORDER BY 2 DESC LIMIT 10"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(q, false); err != nil {
			b.Fatal(err)
		}
	}
}
