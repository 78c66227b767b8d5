package fn

import (
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func typesOf(t *testing.T, list string) []schema.Type {
	t.Helper()
	var out []schema.Type
	for _, name := range strings.Fields(list) {
		typ, ok := ParseTypeName(name)
		if !ok {
			t.Fatalf("no type %q", name)
		}
		out = append(out, typ)
	}
	return out
}

func TestResolve(t *testing.T) {
	f := func(name, args, wantCast, wantResult string) {
		t.Helper()
		fn, castTo, err := Resolve(name, typesOf(t, args), Postgres)
		if err != nil {
			t.Errorf("%s(%s): %v", name, args, err)
			return
		}
		var casts []string
		for _, c := range castTo {
			casts = append(casts, InternalName(c))
		}
		if got := strings.Join(casts, " "); got != wantCast {
			t.Errorf("%s(%s) casts to %s, want %s", name, args, got, wantCast)
		}
		if got := InternalName(fn.ResultType(castTo)); got != wantResult {
			t.Errorf("%s(%s) gives %s, want %s", name, args, got, wantResult)
		}
	}
	f("+", "int4 int4", "int4 int4", "int4")
	f("+", "int4 int8", "int8 int8", "int8")
	f("+", "int2 int4", "int2 int4", "int4") // one storage
	f("+", "int4 unknown", "int4 int4", "int4")
	f("+", "unknown float8", "float8 float8", "float8")
	f("+", "int4 numeric", "numeric numeric", "numeric")
	f("+", "numeric(10,2) int4", "numeric numeric", "numeric")
	f("+", "float4 int4", "float8 float8", "float8")
	f("+", "date interval", "date interval", "timestamp")
	f("+", "timestamp unknown", "timestamp interval", "timestamp")
	f("-", "timestamp unknown", "timestamp timestamp", "interval")
	f("-", "date unknown", "date date", "int4")
	f("*", "interval numeric", "interval float8", "interval")
	f("=", "text varchar", "text varchar", "bool")
	f("=", "varchar unknown", "varchar text", "bool")
	f("=", "name unknown", "name name", "bool")
	f("=", "int8 int2", "int8 int8", "bool")
	f("=", "numeric float8", "float8 float8", "bool")
	f("=", "oid int4", "oid oid", "bool")
	f("=", "regclass oid", "regclass oid", "bool")
	f("=", "oid unknown", "oid oid", "bool")
	f("=", "timestamp date", "timestamp timestamp", "bool")
	f("=", "numeric(10,2) numeric(12,2)", "numeric numeric", "bool") // kept as scaled int64
	f("=", "unknown unknown", "text text", "bool")
	f("=", "int4[] int8[]", "_int8 _int8", "bool")
	f("||", "text unknown", "text text", "text")
	f("||", "unknown int4", "text int4", "text")
	f("||", "text[] unknown", "_text _text", "_text")
	f("||", "text[] text", "_text text", "_text")
	f("->", "json unknown", "json text", "json")
	f("->", "jsonb int4", "jsonb int4", "jsonb")
	f("abs", "int8", "int8", "int8")
	f("ceil", "int4", "float8", "float8")
	f("round", "numeric(18,2) int4", "numeric int4", "numeric")
	f("lower", "unknown", "text", "text")
	f("lower", "varchar", "varchar", "text")
	f("length", "name", "name", "int4")
	f("date_trunc", "unknown date", "text timestamptz", "timestamptz")
	f("date_trunc", "unknown timestamp", "text timestamp", "timestamp")
	f("concat", "unknown int4 bool", "text int4 bool", "text")
	f("greatest", "int4 float8", "float8 float8", "float8")
	f("coalesce", "unknown int4", "int4 int4", "int4")
	f("array_length", "int4[] int4", "_int4 int4", "int4")
	f("array_append", "int4[] int8", "_int8 int8", "_int8")
	f("unnest", "text[]", "_text", "text")
	f("generate_series", "int4 int8", "int8 int8", "int8")
	f("pg_catalog.format_type", "oid int4", "oid int4", "text")
	f("to_char", "date unknown", "timestamptz text", "text")
	f("obj_description", "regclass unknown", "regclass name", "text")
	f("has_table_privilege", "unknown unknown", "text text", "bool")
}

func TestResolveErrors(t *testing.T) {
	f := func(name, args, code, hint string) {
		t.Helper()
		_, _, err := Resolve(name, typesOf(t, args), Postgres)
		if got := sqlerr.Code(err); got != code {
			t.Errorf("%s(%s): %s %v, want %s", name, args, got, err, code)
		}
		if e, ok := err.(*sqlerr.Error); !ok || !strings.Contains(e.Hint, hint) {
			t.Errorf("%s(%s): %v lacks the hint %q", name, args, err, hint)
		}
	}
	f("lowr", "text", sqlerr.UndefinedFunction, `"lower"`)
	f("lower", "int4 int4", sqlerr.UndefinedFunction, "explicit type casts")
	f("+", "text int4", sqlerr.UndefinedFunction, "explicit type casts")
	f("=", "json json", sqlerr.UndefinedFunction, "No operator")
	f("=", "int4 bool", sqlerr.UndefinedFunction, "No operator")
	f("nosuchfunctionatall", "", sqlerr.UndefinedFunction, "")
}

// TestRegistry checks what every registered function must have.
func TestRegistry(t *testing.T) {
	names := Names()
	if len(names) < 400 {
		t.Errorf("only %d names", len(names))
	}
	for _, name := range names {
		for _, d := range []Dialect{Postgres, Pinot} {
			for _, o := range std().lookup(name, d) {
				if (o.fn.Eval == nil) == (o.fn.EvalSet == nil) || o.fn.Set != (o.fn.EvalSet != nil) {
					t.Errorf("%s: a function has one of Eval and EvalSet", name)
				}
				if name != strings.ToLower(name) {
					t.Errorf("%s is not in lower case", name)
				}
			}
		}
	}
}

func TestCommonType(t *testing.T) {
	f := func(list, want string) {
		t.Helper()
		got, ok := CommonType(typesOf(t, list))
		if !ok {
			got = schema.Type{ID: schema.TypeVoid}
		}
		if got.String() != want {
			t.Errorf("CommonType(%s) = %s, want %s", list, got, want)
		}
	}
	f("int4 int8", "bigint")
	f("int4 unknown", "integer")
	f("unknown unknown", "text")
	f("int4 numeric", "numeric")
	f("numeric float4", "real")
	f("numeric(10,2) numeric(10,2)", "numeric(10,2)")
	f("numeric(10,2) numeric(12,4)", "numeric")
	f("text varchar", "text")
	f("varchar(10) varchar(20)", "character varying")
	f("name text", "text")
	f("date timestamp", "timestamp without time zone")
	f("timestamp timestamptz", "timestamp with time zone")
	f("int4 text", "void")
	f("bool int4", "void")
	f("int4[] int8[]", "bigint[]")
	f("oid regclass", "oid")
}

func TestCanCast(t *testing.T) {
	f := func(from, to string, implicit, explicit bool) {
		t.Helper()
		a, b := typesOf(t, from)[0], typesOf(t, to)[0]
		if got := CanCast(a, b, false); got != implicit {
			t.Errorf("CanCast(%s, %s) = %v", from, to, got)
		}
		if got := CanCast(a, b, true); got != explicit {
			t.Errorf("CanCast(%s, %s, explicit) = %v", from, to, got)
		}
	}
	f("int4", "int8", true, true)
	f("int8", "int4", false, true)
	f("text", "int4", false, true)
	f("int4", "text", false, true)
	f("int4", "date", false, false)
	f("json", "int4", false, false)
	f("jsonb", "int4", false, true)
	f("date", "timestamp", true, true)
	f("timestamp", "date", false, true)
	f("unknown", "interval", true, true)
	f("int2vector", "int2[]", true, true)
	f("text[]", "int4[]", false, true)
	f("text", "regclass", true, true)
	f("bool", "int4", false, true)
}

func TestParseTypeName(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		got, ok := ParseTypeName(name)
		if !ok {
			got = schema.Type{}
		}
		if got.String() != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
	}
	f("INT", "integer")
	f("numeric(10, 2)", "numeric(10,2)")
	f("pg_catalog.int4", "integer")
	f("text[]", "text[]")
	f("_int8", "bigint[]")
	f("timestamp(3) with time zone", "timestamp with time zone")
	f("character varying(5)[]", "character varying(5)[]")
	f("char", "character(1)")
	f(`"char"`, `"char"`)
	f("numeric(50)", "invalid")
	f("nosuch", "invalid")
	f("int4(3)", "invalid")
	f("varchar(", "invalid")
}
