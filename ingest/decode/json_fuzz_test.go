package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// fuzzFields has fields that any value can fill, so that acceptance depends on
// the grammar alone, and numbers whose values are compared.
func fuzzFields() []schema.Field {
	return []schema.Field{
		{Name: "j", Type: schema.JSON},
		{Name: "s", Type: schema.JSON, Path: "o.s"},
		{Name: "k", Type: schema.JSON, Path: "o"},
	}
}

// reference decodes a record with encoding/json: the last value per key of
// each top-level object, or ok = false when it is malformed.
func reference(record []byte) (objects []map[string]json.RawMessage, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(record))
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return objects, len(objects) > 0
		}
		if err != nil {
			return nil, false
		}
		var elems []json.RawMessage
		if json.Unmarshal(raw, &elems) != nil || raw[0] != '[' {
			elems = []json.RawMessage{raw}
		} else if len(elems) == 0 {
			objects = append(objects, nil) // an empty array is no error
			continue
		}
		for _, e := range elems {
			var m map[string]json.RawMessage
			if len(e) == 0 || e[0] != '{' || json.Unmarshal(e, &m) != nil {
				return nil, false
			}
			objects = append(objects, m)
		}
	}
}

// strict tells that the record lies outside of what the two decoders are
// documented to judge differently: invalid UTF-8 and unpaired surrogates, which
// encoding/json replaces, and deep nesting.
func strict(record []byte) bool {
	if !utf8.Valid(record) || bytes.Count(record, []byte("["))+bytes.Count(record, []byte("{")) > 100 {
		return false
	}
	return !bytes.Contains(bytes.ToLower(record), []byte(`\ud`))
}

// FuzzJSON compares acceptance and values with encoding/json.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"j":1}`, `{"j":"a\u00e9\\","o":{"s":[1,2.5e3,{"x":null}]}}`, `[{"j":true},{}] {"o":{"s":" "}}`,
		`{"j":{"a" : "b"},"j":-0.1}`, `{"\u006a":"x"}`, `{"j":"{\"a\":1}"}`, `{"j":"\ud83d\ude00"}`, "{\"j\":\"\xff\"}",
		`{"o":{"s":1},"o":2}`, `{"j":01}`, `{"j":1e}`, `{"j":"` + "\t" + `"}`, `[]`, `{"j":tru}`,
	} {
		f.Add([]byte(seed))
	}
	d, err := NewJSON(&schema.Schema{Fields: fuzzFields()}, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		var out ingest.Decoded
		d.Decode([]ingest.Record{{Value: record}}, &out)
		want, ok := reference(record)
		if !strict(record) {
			return
		}
		if ok != (len(out.Rejected) == 0) {
			t.Fatalf("%q: rejected %v, encoding/json accepts: %t", record, out.Rejected, ok)
		}
		row := 0
		for _, m := range want {
			if m == nil {
				continue
			}
			compareRow(t, &out, row, m)
			row++
		}
		if ok && row != out.Rows.N {
			t.Fatalf("%q: %d rows, want %d", record, out.Rows.N, row)
		}
	})
}

func compareRow(t *testing.T, out *ingest.Decoded, row int, m map[string]json.RawMessage) {
	t.Helper()
	compareJSON(t, out.Rows.Cols[0].Value(row), m["j"])
	compareJSON(t, out.Rows.Cols[2].Value(row), m["o"])
	var o map[string]json.RawMessage
	if len(m["o"]) > 0 && m["o"][0] == '{' {
		if err := json.Unmarshal(m["o"], &o); err != nil {
			t.Fatal(err)
		}
	}
	compareJSON(t, out.Rows.Cols[1].Value(row), o["s"])
}

// compareJSON compares a JSON column's value with the raw value by meaning.
func compareJSON(t *testing.T, got column.Value, want json.RawMessage) {
	t.Helper()
	if want == nil || string(want) == "null" {
		if !got.Null {
			t.Fatalf("got %s, want NULL", got.B)
		}
		return
	}
	if got.Null {
		t.Fatalf("got NULL, want %s", want)
	}
	var text string
	if json.Unmarshal(want, &text) == nil {
		trimmed := strings.TrimSpace(text)
		if trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid([]byte(trimmed)) {
			want = json.RawMessage(trimmed)
		}
	}
	var plain bytes.Buffer
	if err := json.Compact(&plain, want); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(plain.Bytes(), got.B) {
		t.Fatalf("got %s, want %s", got.B, plain.Bytes())
	}
}

// FuzzJSONScalars compares strings and numbers with encoding/json and strconv.
func FuzzJSONScalars(f *testing.F) {
	for _, seed := range []string{`1`, `-0.0`, `1e400`, `9007199254740993`, `0.1e-10`, `"12"`, `"a\nb"`, `true`, `2147483648`,
		`123456789012345678901234567890.123`, `4.35`, `1.7976931348623159e308`, `5e-324`} {
		f.Add([]byte(seed))
	}
	text := newJSON(f, Options{}, schema.Field{Name: "f", Type: schema.Text})
	// One decoder per type: a record that one field refuses gives no row, which
	// would hide the others from the comparison.
	numbers := []ingest.Decoder{}
	for _, typ := range []schema.Type{schema.Float64, schema.Float32, schema.Numeric, schema.Int64} {
		numbers = append(numbers, newJSON(f, Options{}, schema.Field{Name: "f", Type: typ}))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		record := append(append([]byte(`{"f":`), value...), '}')
		var out ingest.Decoded
		text.Decode([]ingest.Record{{Value: record}}, &out)
		var s string
		if strict(record) && json.Unmarshal(value, &s) == nil && !strings.Contains(s, "\x00") && string(bytes.TrimSpace(value)) != "null" {
			if len(out.Rejected) > 0 || string(out.Rows.Cols[0].Bytes(0)) != s {
				t.Fatalf("%s: %v %v", value, out.Rejected, out.Rows.Cols[0].Value(0))
			}
		}
		// Only a JSON number: json.Number takes quoted ones and null too.
		var n json.Number
		trimmed := bytes.TrimSpace(value)
		if json.Unmarshal(value, &n) != nil || trimmed[0] != '-' && !isDigit(trimmed[0]) {
			return
		}
		for _, d := range numbers {
			d.Decode([]ingest.Record{{Value: record}}, &out)
			compareNumber(t, &out, n.String())
		}
	})
}

// compareNumber checks what one numeric type made of a number, refusals too.
func compareNumber(t *testing.T, out *ingest.Decoded, n string) {
	t.Helper()
	col := out.Rows.Cols[0]
	taken := len(out.Rejected) == 0
	exact, exactErr := column.ParseDecimal(n)
	switch col.Kind() {
	case schema.KindFloat64:
		want, err := strconv.ParseFloat(n, 64)
		if taken != (err == nil) || taken && math.Float64bits(want) != math.Float64bits(col.Float64s[0]) {
			t.Errorf("%s as float64: %s, want %v (%v)", n, rows(out), want, err)
		}
	case schema.KindFloat32:
		want, err := strconv.ParseFloat(n, 32)
		if taken != (err == nil) || taken && math.Float32bits(float32(want)) != math.Float32bits(col.Float32s[0]) {
			t.Errorf("%s as float32: %s, want %v (%v)", n, rows(out), want, err)
		}
	case schema.KindDecimal:
		// ParseDecimal refuses exponents of five digits, even of zero.
		if exactErr == nil && (!taken || exact.Cmp(col.Decimals[0]) != 0) {
			t.Errorf("%s as numeric: %s, want %v", n, rows(out), exact)
		}
	case schema.KindInt64:
		if taken && exactErr == nil && exact.Cmp(column.DecimalFromInt64(col.Int64s[0], 0)) != 0 {
			t.Errorf("%s as bigint: %s", n, rows(out))
		}
		if want, err := strconv.ParseInt(n, 10, 64); err == nil && (!taken || col.Int64s[0] != want) {
			t.Errorf("%s as bigint: %s, want %d", n, rows(out), want)
		}
	}
}
