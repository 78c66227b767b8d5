package decode

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// arrival is the stream's timestamp of all records in tests.
const arrival = int64(1_700_000_000_123_456)

func newJSON(t testing.TB, opt Options, fields ...schema.Field) ingest.Decoder {
	t.Helper()
	d, err := NewJSON(&schema.Schema{Name: "t", Fields: fields}, opt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func decodeAll(d ingest.Decoder, values ...string) *ingest.Decoded {
	records := make([]ingest.Record, len(values))
	for i, v := range values {
		records[i] = ingest.Record{Value: []byte(v), Timestamp: arrival}
	}
	out := &ingest.Decoded{}
	d.Decode(records, out)
	return out
}

// show prints a value for comparison.
func show(v column.Value) string {
	if v.Null {
		return "NULL"
	}
	switch v.Type.Kind() {
	case schema.KindBool:
		return fmt.Sprint(v.I != 0)
	case schema.KindInt32, schema.KindInt64:
		switch v.Type.ID {
		case schema.TypeTimestamp, schema.TypeTimestampTZ:
			return time.UnixMicro(v.I).UTC().Format("2006-01-02T15:04:05.999999")
		case schema.TypeDate:
			return time.Unix(v.I*86400, 0).UTC().Format("2006-01-02")
		}
		return fmt.Sprint(v.I)
	case schema.KindFloat32, schema.KindFloat64:
		return fmt.Sprint(v.F)
	case schema.KindDecimal:
		return v.D.String()
	case schema.KindBytes:
		if v.Type.ID == schema.TypeBytea || v.Type.ID == schema.TypeUUID {
			return hex.EncodeToString(v.B)
		}
		return string(v.B)
	}
	var parts []string
	for i := range v.List.N {
		parts = append(parts, show(v.List.Value(i)))
	}
	return "[" + strings.Join(parts, "|") + "]"
}

// rows prints all rows of a result, and the reasons of refused records.
func rows(out *ingest.Decoded) string {
	var b strings.Builder
	for i := range out.Rows.N {
		for c, v := range out.Rows.Cols {
			if c > 0 {
				b.WriteByte(',')
			}
			b.WriteString(show(v.Value(i)))
		}
		b.WriteByte('\n')
	}
	for _, r := range out.Rejected {
		fmt.Fprintf(&b, "#%d %s\n", r.Record, r.Reason)
	}
	return b.String()
}

func expect(t *testing.T, out *ingest.Decoded, want ...string) {
	t.Helper()
	if got := strings.TrimSuffix(rows(out), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	for _, v := range out.Rows.Cols {
		if v.N != out.Rows.N || v.Nulls != nil && len(v.Nulls) != column.Words(v.N) {
			t.Errorf("column of %d rows with %d words of nulls in a batch of %d", v.N, len(v.Nulls), out.Rows.N)
		}
	}
}

func TestJSONTypes(t *testing.T) {
	f := func(typ schema.Type, in, want string) {
		t.Helper()
		d := newJSON(t, Options{}, schema.Field{Name: "f", Type: typ})
		got := strings.TrimSuffix(rows(decodeAll(d, `{"f":`+in+`}`)), "\n")
		if got != want {
			t.Errorf("%s from %s: %s, want %s", typ, in, got, want)
		}
	}
	numeric := func(p, s uint8) schema.Type { return schema.Type{ID: schema.TypeNumeric, Precision: p, Scale: s} }
	varchar := schema.Type{ID: schema.TypeVarchar, Length: 3}
	char := schema.Type{ID: schema.TypeChar, Length: 4}

	f(schema.Int32, `12`, "12")
	f(schema.Int32, `-0`, "0")
	f(schema.Int32, `" 12 "`, "12")
	f(schema.Int32, `12.0`, "12")
	f(schema.Int32, `1.2e1`, "12")
	f(schema.Int32, `true`, "1")
	f(schema.Int32, `null`, "NULL")
	f(schema.Int32, `2147483647`, "2147483647")
	f(schema.Int32, `2147483648`, "#0 f: 2147483648 is out of range of INT")
	f(schema.Int32, `1e99999`, "#0 f: 1e99999 is out of range of INT")
	f(schema.Int32, `12.5`, "#0 f: cannot convert number 12.5 to INT")
	f(schema.Int32, `"abc"`, `#0 f: cannot convert string "abc" to INT`)
	f(schema.Int32, `""`, `#0 f: cannot convert string "" to INT`)
	f(schema.Int32, `{"a":1}`, `#0 f: cannot convert object {"a":1} to INT`)
	f(schema.Int32, `[1]`, `#0 f: cannot convert array [1] to INT`)
	f(schema.Int16, `32768`, "#0 f: 32768 is out of range of INT")
	f(schema.Int64, `9223372036854775807`, "9223372036854775807")
	f(schema.Int64, `-9223372036854775808`, "-9223372036854775808")
	f(schema.Int64, `9223372036854775808`, "#0 f: 9223372036854775808 is out of range of LONG")
	f(schema.Int64, `123456789012345678901234567890`, "#0 f: 123456789012345678901234567890 is out of range of LONG")

	f(schema.Float64, `0.1`, "0.1")
	f(schema.Float64, `1e22`, "1e+22")
	f(schema.Float64, `1.7976931348623157e308`, "1.7976931348623157e+308")
	f(schema.Float64, `123456789012345678901234567890.5`, "1.2345678901234568e+29")
	f(schema.Float64, `1e400`, "#0 f: 1e400 is out of range of DOUBLE")
	f(schema.Float64, `"NaN"`, "NaN")
	f(schema.Float64, `"-Infinity"`, "-Inf")
	f(schema.Float64, `"1.5"`, "1.5")
	f(schema.Float64, `"0x10"`, `#0 f: cannot convert string "0x10" to DOUBLE`)
	f(schema.Float32, `0.1`, fmt.Sprint(float64(float32(0.1))))
	f(schema.Float32, `16777217`, "1.6777216e+07")
	f(schema.Float32, `1e39`, "#0 f: 1e39 is out of range of FLOAT")
	f(schema.Float32, `"inf"`, "+Inf")

	f(schema.Numeric, `1.50`, "1.50")
	f(schema.Numeric, `1e3`, "1000")
	f(schema.Numeric, `12345678901234567890123.456`, "12345678901234567890123.456")
	f(schema.Numeric, `"NaN"`, "NaN")
	f(schema.Numeric, `"Infinity"`, `#0 f: cannot convert string "Infinity" to NUMERIC`)
	f(schema.Numeric, `1e40`, "#0 f: 1e40 is out of range of NUMERIC")
	f(numeric(10, 2), `12.345`, "1235")
	f(numeric(10, 2), `-12.345`, "-1235")
	f(numeric(10, 2), `"7"`, "700")
	f(numeric(4, 2), `99.994`, "9999")
	f(numeric(4, 2), `99.995`, "#0 f: 99.995 is out of range of NUMERIC(4,2)")
	f(numeric(4, 2), `0.00000000000000000000000000000001`, "0")
	f(numeric(30, 3), `1234567890123456789012.3456`, "1234567890123456789012.346")
	f(numeric(20, 0), `100000000000000000000`, "#0 f: 100000000000000000000 is out of range of NUMERIC(20,0)")

	f(schema.Bool, `true`, "true")
	f(schema.Bool, `0`, "false")
	f(schema.Bool, `1.0`, "true")
	f(schema.Bool, `"TRUE"`, "true")
	f(schema.Bool, `"0"`, "false")
	f(schema.Bool, `2`, "#0 f: cannot convert number 2 to BOOLEAN")
	f(schema.Bool, `"yes"`, `#0 f: cannot convert string "yes" to BOOLEAN`)

	f(schema.Text, `"a\u00e9\n\ud83d\ude00\/"`, "aé\n😀/")
	f(schema.Text, `0012`, "#0 malformed JSON at byte 6: number with a leading zero")
	f(schema.Text, `1.50`, "1.50")
	f(schema.Text, `true`, "true")
	f(schema.Text, `{"a" : [1, "x y"]}`, `{"a":[1,"x y"]}`)
	f(schema.Text, `"a\u0000b"`, `#0 f: text contains the character \u0000`)
	f(varchar, `"äöü"`, "äöü")
	f(varchar, `"abc  "`, "abc")
	f(varchar, `"abcd"`, "#0 f: value of 4 characters is too long for character varying(3)")
	f(char, `"ä"`, "ä   ")

	f(schema.JSON, `{"a" : [1, "x\" y"] , "b":{}}`, `{"a":[1,"x\" y"],"b":{}}`)
	f(schema.JSON, `"{\"lat\": 1.5}"`, `{"lat":1.5}`)
	f(schema.JSON, `"{broken"`, `"{broken"`)
	f(schema.JSON, `"text"`, `"text"`)
	f(schema.JSON, `17`, `17`)
	f(schema.JSON, `false`, `false`)
	f(schema.JSON, `null`, "NULL")

	f(schema.Bytea, `"00fFa1"`, "00ffa1")
	f(schema.Bytea, `"\\x0a"`, "0a")
	f(schema.Bytea, `"0"`, `#0 f: cannot convert string "0" to BYTES`)
	f(schema.Bytea, `12`, `#0 f: cannot convert number 12 to BYTES`)
	f(schema.UUID, `"123E4567-e89b-12d3-a456-426614174000"`, "123e4567e89b12d3a456426614174000")
	f(schema.UUID, `"{123e4567e89b12d3a456426614174000}"`, "123e4567e89b12d3a456426614174000")
	f(schema.UUID, `"123e4567"`, `#0 f: cannot convert string "123e4567" to UUID`)
	f(schema.UUID, `"123e4567-e89b-12d3-a456-426614174000-"`, `#0 f: cannot convert string "123e4567-e89b-12d3-a456-426614174000-" to UUID`)

	f(schema.Date, `"2024-02-29"`, "2024-02-29")
	f(schema.Date, `"2024-02-29T23:59:59Z"`, "2024-02-29")
	f(schema.Date, `"2023-02-29"`, `#0 f: cannot convert string "2023-02-29" to DATE`)
	f(schema.Date, `19000`, "#0 f: cannot convert number 19000 to DATE")
	f(schema.Time, `"12:34:56.5"`, "45296500000")
	f(schema.Timestamp, `"2024-05-06 07:08:09.1234567"`, "2024-05-06T07:08:09.123457")
	f(schema.Timestamp, `"2024-05-06T07:08:09+02:00"`, "2024-05-06T05:08:09")
	f(schema.TimestampTZ, `1700000000123`, "2023-11-14T22:13:20.123")
	f(schema.Timestamp, `"1700000000123"`, "2023-11-14T22:13:20.123")
	f(schema.Timestamp, `"soon"`, `#0 f: cannot convert string "soon" to TIMESTAMP`)
	f(schema.Timestamp, `true`, `#0 f: cannot convert boolean true to TIMESTAMP`)

	f(schema.Int32.AsList(), `[1,"2",null]`, "[1|2|NULL]")
	f(schema.Int32.AsList(), `[]`, "[]")
	f(schema.Int32.AsList(), `7`, "[7]")
	f(schema.Int32.AsList(), `null`, "NULL")
	f(schema.Int32.AsList(), `[1,"x"]`, `#0 f: cannot convert string "x" to INT`)
	f(schema.Text.AsList(), `["a",["b", 1]]`, `[a|["b",1]]`)
}

func TestJSONRecords(t *testing.T) {
	d := newJSON(t, Options{TimeColumn: "at", MaxRecordBytes: 200, MaxDepth: 5},
		schema.Field{Name: "a", Type: schema.Text},
		schema.Field{Name: "n", Type: schema.Int32, NotNull: true},
		schema.Field{Name: "at", Type: schema.Timestamp})
	f := func(in string, want ...string) {
		t.Helper()
		expect(t, decodeAll(d, in), want...)
	}
	const day = `"at":"2024-01-02"`
	const at = "2024-01-02T00:00:00"
	f(`{"a":"x","n":1,`+day+`}`, "x,1,"+at)
	f("{\n  \"n\" : 1 ,\r\n\t"+day+" \n}\n", "NULL,1,"+at)
	f(`{"n":1,`+day+`}{"n":2,`+day+"}\n{\"n\":3,"+day+`}`, "NULL,1,"+at, "NULL,2,"+at, "NULL,3,"+at)
	f(`[{"n":1,`+day+`}, {"n":2,`+day+`}]`, "NULL,1,"+at, "NULL,2,"+at)
	f(`[]`)
	f(`{"n":1,"n":2,"a":"x","a":null,`+day+`}`, "NULL,2,"+at)
	f(`{"a":null,"a":"y","n":1,`+day+`}`, "y,1,"+at)
	f(`{"other":{"x":[1,{}]},"n":1,"more":"é",`+day+`}`, "NULL,1,"+at)
	f(`{"\u006e":4,`+day+`}`, "NULL,4,"+at)

	f(`{"n":1}`, "#0 at: missing time value")
	f(`{"n":1,"at":null}`, "#0 at: missing time value")
	f(`{`+day+`}`, "#0 n: missing value (the field is NOT NULL)")
	f(`{"n":1,`+day+`}{"n":"x",`+day+`}`, `#0 n: cannot convert string "x" to INT`)
	f(`{"n":1,`+day+`} x`, "#0 malformed JSON at byte 26: unexpected character 'x', expected an object")
	f(`{"n":1,`+day+`},{}`, "#0 malformed JSON at byte 25: unexpected character ',', expected an object")
	f(`[{"n":1,`+day+`},3]`, "#0 malformed JSON at byte 27: unexpected character '3', expected an object")
	f(`5`, "#0 malformed JSON at byte 0: unexpected character '5', expected an object")
	f("\xf3\x89\x9a\xc2\n\x01k", "#0 record is aggregated by the Kinesis Producer Library, which is not supported: switch AggregationEnabled off in the producer")
	f(``, "#0 record is empty")
	f("  \n", "#0 record is empty")
	f(`{"n":1,`, "#0 malformed JSON at byte 7: unexpected end of record, expected a key")
	f(`{"n":1,}`, "#0 malformed JSON at byte 7: unexpected character '}', expected a key")
	f(`{"n" 1}`, "#0 malformed JSON at byte 5: unexpected character '1', expected ':'")
	f(`{"n":`, "#0 malformed JSON at byte 5: unexpected end of record, expected a value")
	f(`{"n":01}`, "#0 malformed JSON at byte 6: number with a leading zero")
	f(`{"n":1.}`, "#0 malformed JSON at byte 7: unexpected character '}', expected a digit")
	f(`{"n":nul}`, "#0 malformed JSON at byte 5: unexpected character 'n', expected a value")
	f(`{"a":"x`, "#0 malformed JSON at byte 7: unterminated string")
	f("{\"a\":\"x\ty\"}", `#0 malformed JSON at byte 7: control character '\t' in a string`)
	f("{\"a\":\"x\xff\"}", "#0 malformed JSON at byte 7: invalid UTF-8")
	f("{\"a\":\"\\n\xc0\x80\"}", "#0 malformed JSON at byte 8: invalid UTF-8")
	f(`{"a":"\ud800"}`, "#0 malformed JSON at byte 6: unpaired surrogate")
	f(`{"a":"\ud800\u0041"}`, "#0 malformed JSON at byte 6: unpaired surrogate")
	f(`{"a":"\udc00"}`, "#0 malformed JSON at byte 6: unpaired surrogate")
	f(`{"a":"\q"}`, `#0 malformed JSON at byte 6: invalid escape \q`)
	f(`{"a":"\u12g4"}`, `#0 malformed JSON at byte 6: invalid \u escape`)
	f(`{"x":[[[[1]]]],"n":1,`+day+`}`, "NULL,1,"+at)
	f(`{"x":[[[[[1]]]]]}`, "#0 malformed JSON at byte 9: nesting deeper than 5")
	f(`{"a":"`+strings.Repeat("y", 200)+`"}`, "#0 record of 208 bytes exceeds the limit of 200 bytes")
}

// TestJSONBatch checks that a refused record leaves its neighbours alone and
// that rows are assigned to records.
func TestJSONBatch(t *testing.T) {
	d := newJSON(t, Options{},
		schema.Field{Name: "s", Type: schema.Text},
		schema.Field{Name: "l", Type: schema.Int64.AsList()},
		schema.Field{Name: "n", Type: schema.Int32})
	for range 2 { // a decoder is reused
		out := decodeAll(d, `{"s":"a","n":1}`, `{"l":[1,2],"s":"b"}{"s":"c","l":[3],"n":"x"}`,
			`{"s":"d"}{"n":4,"l":[5]}`, `{"s":null,"l":[6`, `{"s":"e","n":6}`)
		expect(t, out, "a,NULL,1", "d,NULL,NULL", "NULL,[5],4", "e,NULL,6",
			`#1 n: cannot convert string "x" to INT`,
			"#3 malformed JSON at byte 16: unexpected end of record, expected ',' or ']'")
		if got := fmt.Sprint(out.RecordRows); got != "[1 0 2 0 1]" {
			t.Errorf("RecordRows %s", got)
		}
		out = decodeAll(d, `{"s":"a"}`, `{"n":1}`)
		if expect(t, out, "a,NULL,NULL", "NULL,NULL,1"); out.RecordRows != nil {
			t.Errorf("RecordRows %v", out.RecordRows)
		}
	}
}

func TestJSONPaths(t *testing.T) {
	d := newJSON(t, Options{},
		schema.Field{Name: "whole", Type: schema.JSON, Path: "$.a"},
		schema.Field{Name: "b", Type: schema.Int32, Path: "a.b"},
		schema.Field{Name: "b2", Type: schema.Text, Path: "$.a.b"},
		schema.Field{Name: "deep", Type: schema.Text, Path: "$['a']['x.y'].c"},
		schema.Field{Name: "dotted.name", Type: schema.Text})
	expect(t, decodeAll(d,
		`{"a":{"b":7, "x.y":{"c":"z"}}, "dotted.name":"q"}`,
		`{"a":[1]}`,
		`{"a":{"b":1,"b":2},"a":{"q":3}}`,
		`{"a":{"b":1},"a":4}`,
		`{}`),
		`{"b":7,"x.y":{"c":"z"}},7,7,z,q`,
		`[1],NULL,NULL,NULL,NULL`,
		`{"q":3},NULL,NULL,NULL,NULL`,
		`4,NULL,NULL,NULL,NULL`,
		`NULL,NULL,NULL,NULL,NULL`)
}

// TestJSONWholeRecord covers the path "$", with which bare values are rows too.
func TestJSONWholeRecord(t *testing.T) {
	d := newJSON(t, Options{},
		schema.Field{Name: "doc", Type: schema.JSON, Path: "$"},
		schema.Field{Name: "a", Type: schema.Int32})
	expect(t, decodeAll(d, `{"a": 1, "z": [2]}`, `3.5 "x"`, `[1, 2]`),
		`{"a":1,"z":[2]},1`, `3.5,NULL`, `"x",NULL`, `[1,2],NULL`)
}

func TestJSONOptions(t *testing.T) {
	fields := []schema.Field{
		{Name: "userID", Type: schema.Text, MaxLength: 3},
		{Name: "raw", Type: schema.Bytea},
	}
	in := `{"USERid":"äbcd","raw":"AQID/w=="}`
	d := newJSON(t, Options{IgnoreCase: true, Bytes: BytesBase64}, fields...)
	expect(t, decodeAll(d, in, `{"userID":"abcd"}`), "äbc,010203ff", "abc,NULL")
	d = newJSON(t, Options{Bytes: BytesBase64}, fields...)
	expect(t, decodeAll(d, in), "NULL,010203ff")
}

func TestJSONTimeFormats(t *testing.T) {
	f := func(typ schema.Type, format schema.TimeFormat, in, want string) {
		t.Helper()
		d := newJSON(t, Options{}, schema.Field{Name: "f", Type: typ, Role: schema.DateTime, Format: format})
		got := strings.TrimSuffix(rows(decodeAll(d, `{"f":`+in+`}`)), "\n")
		if got != want {
			t.Errorf("%s %+v from %s: %s, want %s", typ, format, in, got, want)
		}
	}
	epoch := func(u schema.TimeUnit, size int64) schema.TimeFormat {
		return schema.TimeFormat{Kind: schema.FormatEpoch, Unit: u, Size: size}
	}
	simple := func(p, zone string) schema.TimeFormat {
		return schema.TimeFormat{Kind: schema.FormatSimpleDate, Pattern: p, Zone: zone}
	}
	f(schema.Timestamp, epoch(schema.UnitSeconds, 0), `1700000000`, "2023-11-14T22:13:20")
	f(schema.Timestamp, epoch(schema.UnitSeconds, 1), `1700000000.25`, "2023-11-14T22:13:20.25")
	f(schema.Timestamp, epoch(schema.UnitNanos, 1), `1700000000123456789`, "2023-11-14T22:13:20.123457")
	f(schema.Timestamp, epoch(schema.UnitMinutes, 15), `"2"`, "1970-01-01T00:30:00")
	f(schema.Timestamp, epoch(schema.UnitDays, 1), `-1`, "1969-12-31T00:00:00")
	f(schema.Timestamp, epoch(schema.UnitDays, 1), `99999999999999`, "#0 f: cannot convert number 99999999999999 to TIMESTAMP")
	f(schema.Date, epoch(schema.UnitDays, 1), `19000`, "2022-01-08")
	f(schema.Date, epoch(schema.UnitMillis, 1), `-1`, "1969-12-31")
	f(schema.Int64, epoch(schema.UnitSeconds, 1), `"1700000000"`, "1700000000")
	f(schema.Timestamp, simple("yyyyMMdd", ""), `20240506`, "2024-05-06T00:00:00")
	f(schema.Timestamp, simple("yyyy-MM-dd hh:mm:ss", ""), `"2026-11-24 12:05:09"`, "2026-11-24T00:05:09")
	f(schema.Timestamp, simple("yyyy-MM-dd hh:mm:ss", ""), `"2026-11-24 13:05:09"`, `#0 f: cannot convert string "2026-11-24 13:05:09" to TIMESTAMP`)
	f(schema.Timestamp, simple("yyyy-MM-dd HH:mm", "Europe/Berlin"), `"2024-07-01 12:00"`, "2024-07-01T10:00:00")
	f(schema.Date, simple("dd.MM.yyyy", ""), `"24.12.2023"`, "2023-12-24")
	f(schema.Timestamp, schema.TimeFormat{Zone: "Asia/Tokyo"}, `"2024-07-01T12:00:00"`, "2024-07-01T03:00:00")
	f(schema.Text, simple("yyyy", ""), `"as it is"`, "as it is")
}

func TestJSONArrival(t *testing.T) {
	d := newJSON(t, Options{TimeColumn: "ts"},
		schema.Field{Name: "ts", Type: schema.TimestampTZ, FromArrival: true},
		schema.Field{Name: "day", Type: schema.Date, FromArrival: true},
		schema.Field{Name: "ms", Type: schema.Int64, FromArrival: true},
		schema.Field{Name: "mins", Type: schema.Int32, FromArrival: true,
			Format: schema.TimeFormat{Kind: schema.FormatEpoch, Unit: schema.UnitMinutes, Size: 5}},
		schema.Field{Name: "a", Type: schema.Int32})
	expect(t, decodeAll(d, `{"a":1,"ts":"ignored"}`), "2023-11-14T22:13:20.123456,2023-11-14,1700000000123,5666666,1")
}

func TestNewRefuses(t *testing.T) {
	f := func(want string, opt Options, field schema.Field) {
		t.Helper()
		_, err := NewJSON(&schema.Schema{Fields: []schema.Field{field}}, opt)
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	f(`field "i": type interval cannot be read from JSON`, Options{}, schema.Field{Name: "i", Type: schema.Interval})
	f(`field "i": path "a[0]": array positions and wildcards are not supported`, Options{}, schema.Field{Name: "i", Type: schema.Text, Path: "a[0]"})
	f(`field "i": path "a..b": empty key`, Options{}, schema.Field{Name: "i", Type: schema.Text, Path: "a..b"})
	f(`field "i": path "a.*": array positions and wildcards are not supported`, Options{}, schema.Field{Name: "i", Type: schema.Text, Path: "a.*"})
	f(`time column "t" is not in the schema`, Options{TimeColumn: "t"}, schema.Field{Name: "i", Type: schema.Text})
	f(`field "i": type text with format TIMESTAMP cannot hold the arrival time`, Options{}, schema.Field{Name: "i", Type: schema.Text, FromArrival: true})
	f(`field "i": unknown time zone "Mars/Base"`, Options{}, schema.Field{Name: "i", Type: schema.Timestamp, Format: schema.TimeFormat{Zone: "Mars/Base"}})
	f(`field "i": time pattern "YYYY-MM-DD": letter 'D' is the day of the year; the day of the month is 'd'`, Options{},
		schema.Field{Name: "i", Type: schema.Timestamp, Format: schema.TimeFormat{Kind: schema.FormatSimpleDate, Pattern: "YYYY-MM-DD"}})
	if _, err := New("avro", &schema.Schema{}, Options{}); err == nil || err.Error() != `decoder "avro" is not supported (known: json)` {
		t.Errorf("unknown kind: %v", err)
	}
	if d, err := New("JSON", demoSchema(), Options{}); err != nil || d == nil {
		t.Errorf("json: %v", err)
	}
}

// TestJSONDemo decodes the demo's events whatever the order of their keys.
func TestJSONDemo(t *testing.T) {
	d := newJSON(t, Options{TimeColumn: "creationTimestamp"}, demoSchema().Fields...)
	expect(t, decodeAll(d,
		`{"userID": "7", "productName": "Soft Hat", "color": "red", "department": "Toys", "product": "Hat", "campaign": "NONE", "price": 42, "creationTimestamp": "2026-11-24 01:02:03"}`,
		`{"creationTimestamp":"2026-11-24 12:02:03","price":"10","campaign":"10Percent","userID":8}`),
		"7,Soft Hat,red,Toys,Hat,NONE,42,2026-11-24T01:02:03",
		"8,NULL,NULL,NULL,NULL,10Percent,10,2026-11-24T00:02:03")
}

func TestJSONAllocations(t *testing.T) {
	d := newJSON(t, Options{TimeColumn: "creationTimestamp"}, demoSchema().Fields...)
	records := demoRecords(1000)
	records[7].Value = []byte(`{"userID":"\u0041","creationTimestamp":"2026-11-24 01:02:03"}`)
	var out ingest.Decoded
	d.Decode(records, &out)
	if allocs := testing.AllocsPerRun(10, func() { d.Decode(records, &out) }); allocs > 0 {
		t.Errorf("%v allocations per batch", allocs)
	}
	if out.Rows.N != 1000 || len(out.Rejected) > 0 {
		t.Errorf("%d rows", out.Rows.N)
	}
}

// TestJSONManyKeys has more keys than a guess can know, in changing order.
func TestJSONManyKeys(t *testing.T) {
	var fields []schema.Field
	for i := range 300 {
		fields = append(fields, schema.Field{Name: fmt.Sprintf("a_long_prefix_%d_and_tail", i), Type: schema.Int32})
	}
	d := newJSON(t, Options{}, fields...)
	var rec bytes.Buffer
	for row := range 5 {
		rec.WriteByte('{')
		for i := range 300 {
			fmt.Fprintf(&rec, `"a_long_prefix_%d_and_tail":%d,"unknown%d":0,`, (i*7+row)%300, i, i)
		}
		rec.WriteString(`"x":0}`)
	}
	out := decodeAll(d, rec.String())
	if out.Rows.N != 5 || len(out.Rejected) > 0 {
		t.Fatalf("%d rows, %v", out.Rows.N, out.Rejected)
	}
	for row := range 5 {
		for i := range 300 {
			if got := out.Rows.Cols[(i*7+row)%300].Int32s[row]; got != int32(i) {
				t.Fatalf("row %d key %d: %d", row, (i*7+row)%300, got)
			}
		}
	}
}
