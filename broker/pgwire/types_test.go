package pgwire

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// oneValue runs a statement with one parameter and returns its one value.
func oneValue(t *testing.T, pc *pgconn.PgConn, sql string, param []byte, paramFormat, resultFormat int16) []byte {
	t.Helper()
	r := pc.ExecParams(context.Background(), sql, [][]byte{param}, nil, []int16{paramFormat}, []int16{resultFormat}).Read()
	if r.Err != nil {
		t.Fatalf("%s of %q: %v", sql, param, r.Err)
	}
	return r.Rows[0][0]
}

// TestEveryTypeTravels sends values as text, gets them back as binary, sends
// that, and gets text.
func TestEveryTypeTravels(t *testing.T) {
	pc := mustDial(t, serve(t, newServer(t, nil))).PgConn()
	f := func(typ string, values ...string) {
		t.Helper()
		sql := "SELECT $1::" + typ
		for _, want := range values {
			raw := oneValue(t, pc, sql, []byte(want), formatText, formatBinary)
			if got := string(oneValue(t, pc, sql, raw, formatBinary, formatText)); got != want {
				t.Errorf("%s %s: came back as %s (binary %x)", typ, want, got, raw)
			}
			if got := string(oneValue(t, pc, sql, []byte(want), formatText, formatText)); got != want {
				t.Errorf("%s %s: text came back as %s", typ, want, got)
			}
		}
		if oneValue(t, pc, sql, nil, formatText, formatBinary) != nil || oneValue(t, pc, sql, nil, formatBinary, formatText) != nil {
			t.Errorf("%s: NULL came back as something", typ)
		}
	}
	f("bool", "t", "f")
	f("int2", "-32768", "32767")
	f("int4", "-2147483648", "2147483647")
	f("int8", "-9223372036854775808", "9223372036854775807")
	f("float4", "0", "-0", "1.5", "3.4028235e+38", "NaN", "Infinity", "-Infinity")
	f("float8", "0.1", "5e-324", "1.7976931348623157e+308", "NaN", "-Infinity")
	f("numeric", "0", "0.00", "-0.0001", "12345.6780", "10000", "99999999999999999999999999.99", "NaN")
	f("text", "", "añb", "😀", `quote " \ back`)
	f("varchar", "x")
	f("bytea", `\x`, `\x00ff`)
	f("date", "2000-01-01", "1969-12-31", "0001-01-01", "9999-12-31")
	f("time", "00:00:00", "23:59:59.999999")
	f("timestamp", "2000-01-01 00:00:00", "1969-12-31 23:59:59.999999", "infinity", "-infinity")
	f("timestamptz", "2024-02-29 12:00:00.5+00", "infinity")
	f("interval", "00:00:00", "1 year 2 mons 3 days 04:05:06.7", "-1 days")
	f("uuid", "00112233-4455-6677-8899-aabbccddeeff")
	f("json", `{"a": [1, null]}`)
	f("jsonb", `{"a": [1, null]}`)
	f("oid", "4294967295")
	f("int4[]", "{}", "{1,NULL,-3}")
	f("int8[]", "{9223372036854775807}")
	f("text[]", "{}", `{a,"b c",NULL,"NULL",""}`)
	f("float8[]", "{1.5,NaN}")
	f("bool[]", "{t,f}")
	f("numeric[]", "{1.50,-2}")
	f("timestamp[]", `{"2024-01-01 00:00:00"}`)
	f("uuid[]", "{00112233-4455-6677-8899-aabbccddeeff}")
	f("date[]", "{2024-01-01}")
}

// TestValuesOfATable reads a table as a driver does, in binary.
func TestValuesOfATable(t *testing.T) {
	conn := mustDial(t, serve(t, newServer(t, nil)))
	f := func(col string, id int, want any) {
		t.Helper()
		got := reflect.New(reflect.TypeOf(want))
		err := conn.QueryRow(context.Background(), "SELECT "+col+" FROM events WHERE id = $1", id).Scan(got.Interface())
		if err != nil {
			t.Errorf("%s: %v", col, err)
			return
		}
		if v := got.Elem().Interface(); !reflect.DeepEqual(v, want) {
			t.Errorf("%s of %d is %#v, want %#v", col, id, v, want)
		}
	}
	f("id", 1, int64(1))
	f("ts", 1, time.Date(2024, 1, 2, 3, 4, 5, 678e6, time.UTC))
	f("ts", 2, time.Date(1969, 12, 31, 23, 59, 59, 999999e3, time.UTC))
	f("product", 2, `ünï"c\ode`)
	f("amount::float8", 1, 12.5)
	f("qty", 2, int32(math.MinInt32))
	f("ratio", 2, float32(math.Inf(1)))
	f("ok", 2, false)
	f("tags", 1, []string{"a", "b"})
	f("marks", 2, []int32{})
	f("note", 2, "")
	f("day", 2, time.Date(1960, 2, 29, 0, 0, 0, 0, time.UTC))
	f("doc", 1, json.RawMessage(`{"k":1}`))
	f("raw", 1, []byte{0, 0xff})
	f("uid", 1, [16]byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff})
	for _, col := range []string{"product", "amount", "tags", "day", "doc", "uid"} {
		f(col+" IS NULL", 3, true)
	}
	var n pgtype.Numeric
	if err := conn.QueryRow(context.Background(), "SELECT amount FROM events WHERE id = 2").Scan(&n); err != nil || n.Int.Int64() != -1 || n.Exp != -2 {
		t.Errorf("numeric %v e%d, %v", n.Int, n.Exp, err)
	}
}

// TestParametersOfOtherTypes binds what drivers send in place of a column's type.
func TestParametersOfOtherTypes(t *testing.T) {
	pc := mustDial(t, serve(t, newServer(t, nil))).PgConn()
	f := func(where string, oid uint32, value, want string) {
		t.Helper()
		r := pc.ExecParams(context.Background(), "SELECT count(*) FROM events WHERE "+where, [][]byte{[]byte(value)}, []uint32{oid}, nil, nil).Read()
		if r.Err != nil || string(r.Rows[0][0]) != want {
			t.Errorf("%s with a parameter of type %d: %q, %v", where, oid, r.Rows, r.Err)
		}
	}
	f("id = $1", pgtype.Int2OID, "2", "1")
	f("id = any($1)", pgtype.Int2ArrayOID, "{1,2}", "2")
	f("id = any($1)", pgtype.Int4ArrayOID, "{1,2}", "2")
	f("product = $1", pgtype.VarcharOID, "shoes", "1")
	f("note = $1", pgtype.TextOID, "fine", "1")
	f("amount = $1", pgtype.Float8OID, "12.5", "1")
	f("amount > $1", pgtype.Int4OID, "0", "1")
	f("price = $1", pgtype.NumericOID, "1.5", "1")
	f("ts > $1", pgtype.DateOID, "2024-01-01", "1")
	f("ts > $1", pgtype.TimestamptzOID, "2024-01-01 00:00:00+00", "1")
	f("ts BETWEEN $1 AND '2024-12-31T00:00:00Z'", 0, "2024-01-01T00:00:00Z", "1")
	f("product = any($1)", pgtype.TextArrayOID, "{shoes,boots}", "1")
	f("ok = $1", 0, "true", "1")
}

func TestBadParameters(t *testing.T) {
	pc := mustDial(t, serve(t, newServer(t, nil))).PgConn()
	f := func(typ string, format int16, value, code string) {
		t.Helper()
		r := pc.ExecParams(context.Background(), "SELECT $1::"+typ, [][]byte{[]byte(value)}, nil, []int16{format}, nil).Read()
		if sqlstate(r.Err) != code {
			t.Errorf("%s %q: %v, want SQLSTATE %s", typ, value, r.Err, code)
		}
	}
	f("text", formatText, "a\xff", "22021")
	f("text", formatBinary, "a\xff", "22021")
	f("text", formatText, "a\x00b", "22021")
	f("text", formatBinary, "a\x00b", "22021")
	f("int4", formatText, "99999999999", "22003")
	f("int4", formatBinary, "abc", "22P03")
	f("bool", formatText, "maybe", "22P02")
	f("timestamp", formatText, "2024-02-30", "22008")
	f("uuid", formatText, "xyz", "22P02")
	f("int4[]", formatText, "{1", "22P02")
	f("int4[]", formatBinary, "\x00\x00\x00\x01", "22P03")
	f("json", formatText, "{", "22P02")
	f("json", formatBinary, "{", "22P02")
	f("jsonb", formatBinary, "\x02{}", "22P03")
	f("numeric", formatText, "1e", "22P02")
}
