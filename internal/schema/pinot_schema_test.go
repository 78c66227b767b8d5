package schema

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files of testdata anew")

// golden compares got with a file of testdata.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

// TestSchemaRoundTrip prints every schema of testdata, reads it back, and
// expects the same schema.
func TestSchemaRoundTrip(t *testing.T) {
	files, err := filepath.Glob("testdata/pinot/*.schema.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no schemas", err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, warnings, err := ParsePinotSchema(in)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out, err := s.PinotJSON()
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := ParsePinotSchema(out)
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Errorf("%s: read back %+v, %v; want %+v", file, again, err, s)
		}
		out = append(out, "\n"+strings.Join(warnings, "\n")+"\n"...)
		golden(t, strings.Replace(file, ".schema.json", ".printed", 1), out)
	}
}

func TestSchemaFields(t *testing.T) {
	f := func(spec string, want Field) {
		t.Helper()
		s, _, err := ParsePinotSchema([]byte(`{"schemaName":"s","dateTimeFieldSpecs":[` + spec + `]}`))
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			return
		}
		want.Name, want.Role = "f", DateTime
		if s.Fields[0] != want {
			t.Errorf("%s: %+v, want %+v", spec, s.Fields[0], want)
		}
	}
	date := func(typ, format string) string {
		return `{"name":"f","dataType":"` + typ + `","format":"` + format + `","granularity":"1:DAYS"}`
	}
	f(date("LONG", "EPOCH"), Field{Type: Int64, Format: TimeFormat{Kind: FormatEpoch, Size: 1}})
	f(date("LONG", "EPOCH|SECONDS"), Field{Type: Int64, Format: TimeFormat{Kind: FormatEpoch, Unit: UnitSeconds, Size: 1}})
	f(date("INT", "EPOCH|DAYS|7"), Field{Type: Int32, Format: TimeFormat{Kind: FormatEpoch, Unit: UnitDays, Size: 7}})
	f(date("LONG", "5:MINUTES:EPOCH"), Field{Type: Int64, Format: TimeFormat{Kind: FormatEpoch, Unit: UnitMinutes, Size: 5}})
	f(date("TIMESTAMP", "TIMESTAMP"), Field{Type: Timestamp})
	f(date("TIMESTAMP", "1:MILLISECONDS:TIMESTAMP"), Field{Type: Timestamp})
	f(date("STRING", "SIMPLE_DATE_FORMAT|yyyy-MM-dd HH:mm:ss|Asia/Kolkata"),
		Field{Type: Text, Format: TimeFormat{Kind: FormatSimpleDate, Pattern: "yyyy-MM-dd HH:mm:ss", Zone: "Asia/Kolkata"}})
	f(date("STRING", "1:MILLISECONDS:SIMPLE_DATE_FORMAT:yyyy-MM-dd HH:mm:ss tz(America/Los_Angeles)"),
		Field{Type: Text, Format: TimeFormat{Kind: FormatSimpleDate, Pattern: "yyyy-MM-dd HH:mm:ss", Zone: "America/Los_Angeles"}})
	f(date("DATE", "SIMPLE_DATE_FORMAT|yyyyMMdd"), Field{Type: Date, Format: TimeFormat{Kind: FormatSimpleDate, Pattern: "yyyyMMdd"}})
	f(date("STRING", "SIMPLE_DATE_FORMAT"), Field{Type: Text})
}

func TestSchemaTypes(t *testing.T) {
	f := func(text string, want Type) {
		t.Helper()
		got, err := parseDataType(text)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
		if back, err := parseDataType(dataTypeName(got)); err != nil || back != want {
			t.Errorf("%s is printed as %s and read as %v, %v", text, dataTypeName(got), back, err)
		}
	}
	f("INT", Int32)
	f("long", Int64)
	f("BIG_DECIMAL", Numeric)
	f("NUMERIC(12,2)", Type{ID: TypeNumeric, Precision: 12, Scale: 2})
	f("numeric( 5 )", Type{ID: TypeNumeric, Precision: 5})
	f("VARCHAR(36)", Type{ID: TypeVarchar, Length: 36})
	f("VARCHAR", Varchar)
	f("SMALLINT", Int16)
	f("DATE", Date)
	f("TIMESTAMPTZ", TimestampTZ)
	f("UUID", UUID)
	f("JSON", JSON)
	f("BYTES", Bytea)
	f("BOOLEAN", Bool)
	for _, bad := range []string{"", "STRNG", "INT(3)", "NUMERIC(0,0)", "NUMERIC(39,1)", "NUMERIC(3,4)", "NUMERIC(1,2,3)", "VARCHAR(0)", "VARCHAR(x)", "VARCHAR(3"} {
		if typ, err := parseDataType(bad); err == nil {
			t.Errorf("%q is accepted as %v", bad, typ)
		}
	}
}

func TestSchemaErrors(t *testing.T) {
	f := func(doc string, want ...string) {
		t.Helper()
		s, _, err := ParsePinotSchema([]byte(doc))
		if err == nil {
			t.Errorf("%s is accepted: %+v", doc, s)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q does not contain %q", doc, err, w)
			}
		}
	}
	dim := func(specs string) string { return `{"schemaName":"s","dimensionFieldSpecs":[` + specs + `]}` }
	f(`{`, "line 1, column 2")
	f("{\n \"a\": tru }", "line 2")
	f(`[]`, "must be a JSON object")
	f(`{} {}`, "text follows")
	f(`{}`, "schemaName is missing", "no fields")
	f(dim(`{"name":"a","dataType":"INT"},{"name":"b","dataType":"INT"},{"name":"c","dataType":"INT"},{"name":"d","dataType":"STRNG"}`),
		`dimensionFieldSpecs[3].dataType: unknown type "STRNG", did you mean STRING?`)
	f(dim(`{"dataType":"INT"}`), "dimensionFieldSpecs[0].name: is missing")
	f(dim(`{"name":"a"}`), "dimensionFieldSpecs[0].dataType: is missing")
	f(dim(`{"name":"a","dataType":3}`), `unknown type "3"`)
	f(dim(`{"name":"a","dataType":{}}`), "must be a string, not an object")
	f(dim(`{"name":"a","dataType":"INT","defaultNullValue":"x"}`), `defaultNullValue: "x" is no value of type INT`)
	f(dim(`{"name":"a","dataType":"INT","defaultNullValue":[1]}`), `not an array`)
	f(dim(`{"name":"a","dataType":"INT","maxLength":-1}`), "maxLength: must be a whole number")
	f(dim(`{"name":"a","dataType":"INT","singleValueField":"maybe"}`), "must be true or false")
	f(dim(`{"name":"a","dataType":"INT","transformFunction":"x()"}`), "transformFunction: is not supported yet")
	f(dim(`{"name":"a","dataType":"INT"},{"name":"A","dataType":"INT"}`), "differ only by case")
	f(dim(`{"name":"_a","dataType":"INT"}`), "reserved")
	f(dim(`7`), "dimensionFieldSpecs[0]: must be an object, not a number")
	f(`{"schemaName":"s","dimensionFieldSpecs":{}}`, "dimensionFieldSpecs: must be an array")
	f(`{"schemaName":"s","metricFieldSpecs":[{"name":"a","dataType":"INT","singleValueField":false}]}`, "only dimensions")
	f(`{"schemaName":"s","dateTimeFieldSpecs":[{"name":"a","dataType":"LONG"}]}`, "dateTimeFieldSpecs[0].format: is missing")
	f(`{"schemaName":"s","dateTimeFieldSpecs":[{"name":"a","dataType":"LONG","format":"EPOCH|FORTNIGHTS|1"}]}`, "unknown time unit")
	f(`{"schemaName":"s","dateTimeFieldSpecs":[{"name":"a","dataType":"BYTES","format":"EPOCH|DAYS|1"}]}`, "does not fit the type BYTES")
	f(`{"schemaName":"s","dateTimeFieldSpecs":[{"name":"a","dataType":"STRING","format":"SIMPLE_DATE_FORMAT|yyyy|Mars/Base"}]}`, "unknown time zone")
	f(`{"schemaName":"s","dateTimeFieldSpecs":[{"name":"a","dataType":"LONG","format":"EPOCH","granularity":"often"}]}`, "granularity")
	f(`{"schemaName":"s","timeFieldSpec":{"incomingGranularitySpec":{}, "x":1}}`, "timeFieldSpec: is not supported")
	f(`{"schemaName":"s","complexFieldSpecs":[{"name":"m"}]}`, "complexFieldSpecs: is not supported yet")
	f(strings.TrimSuffix(dim(`{"name":"a","dataType":"INT"}`), "}")+`,"primaryKeyColumns":["b"]}`, `primaryKeyColumns: no field "b"`)
}

func TestSchemaWarnings(t *testing.T) {
	_, warnings, err := ParsePinotSchema([]byte(`{"schemaName":"s","enableColumnBasedNullHandling":true,"dimensionFieldSpec":[],
 "dimensionFieldSpecs":[{"name":"a","dataType":"INT","notnull":true,"format":"x"}]}`))
	want := []string{
		"dimensionFieldSpec: unknown key, it has no effect; did you mean dimensionFieldSpecs?",
		"dimensionFieldSpecs[0].format: has no effect on a field that is not one of dateTimeFieldSpecs",
		"dimensionFieldSpecs[0].notnull: unknown key, it has no effect; did you mean notNull?",
		"enableColumnBasedNullHandling: has no effect in Alluvium",
	}
	if err != nil || !slices.Equal(warnings, want) {
		t.Errorf("warnings %q, %v", warnings, err)
	}
}

func TestClientJSON(t *testing.T) {
	s, _, err := ParsePinotSchema([]byte(`{"schemaName":"s","dimensionFieldSpecs":[{"name":"a","dataType":"NUMERIC(5,2)"},
 {"name":"b","dataType":"SMALLINT","singleValueField":false}],"dateTimeFieldSpecs":[{"name":"d","dataType":"DATE","format":"TIMESTAMP"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := s.PinotClientJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, ours := range []string{"NUMERIC", "SMALLINT", "DATE\""} {
		if strings.Contains(string(doc), ours) {
			t.Errorf("%s stands in %s", ours, doc)
		}
	}
}

func FuzzParsePinotSchema(f *testing.F) {
	files, _ := filepath.Glob("testdata/pinot/*.schema.json")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, _, err := ParsePinotSchema(b)
		if err != nil {
			return
		}
		out, err := s.PinotJSON()
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := ParsePinotSchema(out)
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("read back %+v, %v; want %+v from\n%s", again, err, s, out)
		}
	})
}
