package file

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

var testSchema = &schema.Schema{Name: "t", Fields: []schema.Field{
	{Name: "id", Type: schema.Int64},
	{Name: "name", Type: schema.Text},
	{Name: "score", Type: schema.Float64},
	{Name: "ok", Type: schema.Bool},
	{Name: "day", Type: schema.Date},
	{Name: "at", Type: schema.Timestamp, Role: schema.DateTime},
	{Name: "price", Type: schema.Type{ID: schema.TypeNumeric, Precision: 12, Scale: 2}},
	{Name: "tags", Type: schema.Text.AsList()},
	{Name: "doc", Type: schema.JSON},
	{Name: "missing", Type: schema.Int32},
}}

// row is one row of testSchema in text form; a nil member is NULL.
type row struct {
	id    *int64
	name  *string
	score *float64
	ok    *bool
	day   *int32 // days
	at    *int64 // µs
	price *int64 // hundredths
	tags  []string
	doc   *string
}

func ptr[T any](v T) *T { return &v }

// testRows returns n rows with all sorts of values and NULLs.
func testRows(n int) []row {
	names := []string{"plain", "", `qu"ote`, "com,ma", "line\nfeed", "größe", "tab\t", strings.Repeat("long", 30)}
	rows := make([]row, n)
	for i := range rows {
		r := &rows[i]
		if i%11 != 3 {
			r.id = ptr(int64(i)*1_000_003 - 500)
		}
		if i%7 != 2 {
			r.name = ptr(names[i%len(names)])
		}
		if i%5 != 1 {
			r.score = ptr(float64(i) / 8)
		}
		if i%13 != 4 {
			r.ok = ptr(i%3 == 0)
		}
		r.day = ptr(int32(19_000 + i%40))
		r.at = ptr(int64(1_700_000_000_000_000) + int64(i)*1_234_567)
		r.price = ptr(int64(i*37%100_000) - 1000)
		for k := range i % 4 {
			r.tags = append(r.tags, fmt.Sprint("t", (i+k)%6))
		}
		r.doc = ptr(fmt.Sprintf(`{"a":%d,"b":[true,null]}`, i%9))
	}
	return rows
}

func wantBatch(rows []row) *column.Batch {
	b := &column.Batch{N: len(rows)}
	for i := range testSchema.Fields {
		b.Cols = append(b.Cols, column.New(testSchema.Fields[i].Type, len(rows)))
	}
	put := func(i int, null bool, v func() column.Value) {
		if null {
			b.Cols[i].AppendNull()
			return
		}
		b.Cols[i].Append(v())
	}
	for _, r := range rows {
		put(0, r.id == nil, func() column.Value { return column.IntValue(schema.Int64, *r.id) })
		put(1, r.name == nil, func() column.Value { return column.TextValue(*r.name) })
		put(2, r.score == nil, func() column.Value { return column.FloatValue(schema.Float64, *r.score) })
		put(3, r.ok == nil, func() column.Value { return column.BoolValue(*r.ok) })
		put(4, r.day == nil, func() column.Value { return column.IntValue(schema.Date, int64(*r.day)) })
		put(5, r.at == nil, func() column.Value { return column.IntValue(schema.Timestamp, *r.at) })
		put(6, r.price == nil, func() column.Value { return column.IntValue(testSchema.Fields[6].Type, *r.price) })
		for _, t := range r.tags {
			b.Cols[7].Elems.AppendString(t)
		}
		b.Cols[7].Offsets = append(b.Cols[7].Offsets, uint32(b.Cols[7].Elems.N))
		b.Cols[7].N++
		put(8, r.doc == nil, func() column.Value { return column.BytesValue(schema.JSON, []byte(*r.doc)) })
		b.Cols[9].AppendNull()
	}
	return b
}

func decimalText(v int64) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	return fmt.Sprintf("%s%d.%02d", sign, v/100, v%100)
}

func unixText(micros int64, layout string) string { return time.UnixMicro(micros).UTC().Format(layout) }

func crcOf(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

func deflated(b []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestSpeed)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func decimalNum(v int64) decimal128.Num { return decimal128.FromI64(v) }

func dayText(d int32) string { return unixText(int64(d)*86_400_000_000, "2006-01-02") }

func writeCSV(rows []row) []byte { return writeCSVWith(rows, ",") }

func writeCSVWith(rows []row, delim string) []byte {
	var b bytes.Buffer
	b.WriteString(strings.ReplaceAll("ignored,id,name,score,ok,day,at,price,tags,doc\r\n", ",", delim))
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	for i, r := range rows {
		var cells []string
		cell := func(null bool, f func() string) {
			if null {
				cells = append(cells, "")
				return
			}
			cells = append(cells, f())
		}
		cells = append(cells, "x")
		cell(r.id == nil, func() string { return fmt.Sprint(*r.id) })
		cell(r.name == nil, func() string {
			if *r.name == "plain" {
				return *r.name
			}
			return quote(*r.name)
		})
		cell(r.score == nil, func() string { return fmt.Sprint(*r.score) })
		cell(r.ok == nil, func() string { return fmt.Sprint(*r.ok) })
		cell(false, func() string { return dayText(*r.day) })
		cell(false, func() string { return unixText(*r.at, "2006-01-02 15:04:05.999999") })
		cell(false, func() string { return decimalText(*r.price) })
		cell(false, func() string { return quote(strings.Join(r.tags, ";")) })
		cell(false, func() string { return quote(*r.doc) })
		b.WriteString(strings.Join(cells, delim))
		if i < len(rows)-1 {
			b.WriteString("\n")
		}
	}
	return b.Bytes()
}

func writeJSON(rows []row, array bool) []byte {
	var b bytes.Buffer
	if array {
		b.WriteString("[ ")
	}
	for i, r := range rows {
		if array && i > 0 {
			b.WriteString(" ,\n")
		}
		var m []string
		add := func(name string, null bool, f func() string) {
			if null {
				m = append(m, fmt.Sprintf("%q: null", name))
				return
			}
			m = append(m, fmt.Sprintf("%q:%s", name, f()))
		}
		text := func(s string) string { return string(decode.AppendQuoted(nil, []byte(s))) }
		add("id", r.id == nil, func() string { return fmt.Sprint(*r.id) })
		add("name", r.name == nil, func() string { return text(*r.name) })
		add("score", r.score == nil, func() string { return fmt.Sprint(*r.score) })
		add("ok", r.ok == nil, func() string { return fmt.Sprint(*r.ok) })
		add("day", false, func() string { return text(dayText(*r.day)) })
		add("at", false, func() string { return text(unixText(*r.at, "2006-01-02T15:04:05.999999Z")) })
		add("price", false, func() string { return decimalText(*r.price) })
		add("tags", false, func() string {
			var t []string
			for _, s := range r.tags {
				t = append(t, text(s))
			}
			return "[" + strings.Join(t, ",") + "]"
		})
		add("doc", false, func() string { return *r.doc })
		sep := ","
		if i%5 == 0 {
			sep = ",\n  "
		}
		b.WriteString("{" + strings.Join(m, sep) + "}")
		if !array {
			b.WriteString("\n")
		}
	}
	if array {
		b.WriteString("]\n")
	}
	return b.Bytes()
}

const avroSchemaText = `{"type":"record","name":"r","fields":[
 {"name":"id","type":["null","long"]},
 {"name":"name","type":["null","string"]},
 {"name":"unused","type":{"type":"map","values":"double"}},
 {"name":"score","type":["null","double"]},
 {"name":"ok","type":["null","boolean"]},
 {"name":"day","type":{"type":"int","logicalType":"date"}},
 {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
 {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}},
 {"name":"tags","type":{"type":"array","items":"string"}},
 {"name":"doc","type":{"type":"record","name":"d","fields":[{"name":"a","type":"int"},{"name":"b","type":{"type":"array","items":["boolean","null"]}}]}}
]}`

func writeAvro(rows []row, codec string) []byte {
	long := func(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }
	str := func(b []byte, s string) []byte { return append(long(b, int64(len(s))), s...) }
	out := append([]byte("Obj\x01"), long(nil, 2)...)
	out = str(str(out, "avro.schema"), avroSchemaText)
	out = append(str(str(out, "avro.codec"), codec), 0)
	mark := []byte("0123456789abcdef")
	out = append(out, mark...)
	for len(rows) > 0 {
		part := rows[:min(100, len(rows))]
		rows = rows[len(part):]
		var b []byte
		for _, r := range part {
			opt := func(null bool, f func()) {
				if null {
					b = append(b, 0)
					return
				}
				b = append(b, 2)
				f()
			}
			opt(r.id == nil, func() { b = long(b, *r.id) })
			opt(r.name == nil, func() { b = str(b, *r.name) })
			b = append(binary.LittleEndian.AppendUint64(str(long(b, 1), "k"), math.Float64bits(1.5)), 0)
			opt(r.score == nil, func() { b = binary.LittleEndian.AppendUint64(b, math.Float64bits(*r.score)) })
			opt(r.ok == nil, func() {
				if *r.ok {
					b = append(b, 1)
				} else {
					b = append(b, 0)
				}
			})
			b = long(long(b, int64(*r.day)), *r.at)
			b = append(long(b, 4), byte(*r.price>>24), byte(*r.price>>16), byte(*r.price>>8), byte(*r.price))
			if len(r.tags) > 0 {
				b = long(b, int64(len(r.tags)))
				for _, t := range r.tags {
					b = str(b, t)
				}
			}
			b = append(b, 0)
			var a int64
			fmt.Sscanf(*r.doc, `{"a":%d`, &a)
			b = append(long(long(b, a), 2), 0, 1, 2, 0)
		}
		switch codec {
		case "snappy":
			sum := crcOf(b)
			b = binary.BigEndian.AppendUint32(snappy.Encode(nil, b), sum)
		case "zstandard":
			z, _ := zstd.NewWriter(nil)
			b = z.EncodeAll(b, nil)
		case "deflate":
			b = deflated(b)
		}
		out = long(long(out, int64(len(part))), int64(len(b)))
		out = append(append(out, b...), mark...)
	}
	return out
}

func writeParquet(rows []row, dict bool, codec compress.Compression, v2 bool) []byte {
	decimal := &arrow.Decimal128Type{Precision: 12, Scale: 2}
	s := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "score", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "ok", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "price", Type: decimal},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "doc", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	rb := array.NewRecordBuilder(memory.DefaultAllocator, s)
	for _, r := range rows {
		appendOpt(rb.Field(0).(*array.Int64Builder), r.id)
		appendOpt(rb.Field(1).(*array.StringBuilder), r.name)
		appendOpt(rb.Field(2).(*array.Float64Builder), r.score)
		appendOpt(rb.Field(3).(*array.BooleanBuilder), r.ok)
		rb.Field(4).(*array.Date32Builder).Append(arrow.Date32(*r.day))
		rb.Field(5).(*array.TimestampBuilder).Append(arrow.Timestamp(*r.at))
		rb.Field(6).(*array.Decimal128Builder).Append(decimalNum(*r.price))
		l := rb.Field(7).(*array.ListBuilder)
		l.Append(true)
		for _, t := range r.tags {
			l.ValueBuilder().(*array.StringBuilder).Append(t)
		}
		appendOpt(rb.Field(8).(*array.StringBuilder), r.doc)
	}
	rec := rb.NewRecord()
	opts := []parquet.WriterProperty{parquet.WithDictionaryDefault(dict), parquet.WithCompression(codec),
		parquet.WithMaxRowGroupLength(int64(max(len(rows)/2, 1))), parquet.WithDataPageSize(2000)}
	if v2 {
		opts = append(opts, parquet.WithDataPageVersion(parquet.DataPageV2))
	}
	var buf bytes.Buffer
	w, err := pqarrow.NewFileWriter(s, &buf, parquet.NewWriterProperties(opts...), pqarrow.DefaultWriterProps())
	if err == nil {
		err = w.Write(rec)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func appendOpt[T any](b interface {
	Append(T)
	AppendNull()
}, v *T) {
	if v == nil {
		b.AppendNull()
		return
	}
	b.Append(*v)
}

func gzipBytes(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func zstdBytes(b []byte) []byte {
	z, _ := zstd.NewWriter(nil)
	return z.EncodeAll(b, nil)
}

// readAll reads all rows of a file.
func readAll(path string, s *schema.Schema, opt Options) (*column.Batch, error) {
	ctx := context.Background()
	inputs, err := Find(ctx, []string{path}, opt)
	if err != nil {
		return nil, err
	}
	r, err := Open(ctx, inputs[0], s, opt)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := &column.Batch{}
	for i := range s.Fields {
		out.Cols = append(out.Cols, column.New(s.Fields[i].Type, 0))
	}
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for i, v := range b.Cols {
			for k := range b.N {
				out.Cols[i].AppendFrom(v, k)
			}
		}
		out.N += b.N
	}
}

func writeTemp(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func sameBatch(t *testing.T, got, want *column.Batch, s *schema.Schema) {
	t.Helper()
	if got.N != want.N {
		t.Fatalf("%d rows, want %d", got.N, want.N)
	}
	for c := range want.Cols {
		for i := range want.N {
			g, w := show(got.Cols[c], i), show(want.Cols[c], i)
			if g != w {
				t.Fatalf("row %d, column %s: %s, want %s", i, s.Fields[c].Name, g, w)
			}
		}
	}
}

func show(v *column.Vector, i int) string {
	if v.IsNull(i) {
		return "NULL"
	}
	x := v.Value(i)
	if x.List != nil {
		var parts []string
		for k := range x.List.N {
			parts = append(parts, show(x.List, k))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return fmt.Sprintf("%d %v %q %s", x.I, x.F, x.B, x.D)
}

// TestFormatsAgree reads the same rows from every format and compression.
func TestFormatsAgree(t *testing.T) {
	rows := testRows(3000)
	want := wantBatch(rows)
	f := func(name string, data []byte) {
		t.Helper()
		got, err := readAll(writeTemp(t, name, data), testSchema, Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sameBatch(t, got, want, testSchema)
	}
	csv, lines := writeCSV(rows), writeJSON(rows, false)
	f("a.csv", csv)
	f("a.csv.gz", gzipBytes(csv))
	f("a.csv.zst", zstdBytes(csv))
	f("a.tsv", writeCSVWith(rows, "\t"))
	f("a.json", lines)
	f("a.ndjson.gz", gzipBytes(lines))
	f("a.json", writeJSON(rows, true))
	f("a.avro", writeAvro(rows, "null"))
	f("a.avro", writeAvro(rows, "deflate"))
	f("a.avro", writeAvro(rows, "snappy"))
	f("a.avro", writeAvro(rows, "zstandard"))
	f("a.parquet", writeParquet(rows, true, compress.Codecs.Zstd, false))
	f("a.parquet", writeParquet(rows, false, compress.Codecs.Snappy, false))
	f("a.parquet", writeParquet(rows, true, compress.Codecs.Gzip, true))
	f("a.parquet", writeParquet(rows, false, compress.Codecs.Uncompressed, true))
}

// TestParquetRanges cuts rows out of row groups.
func TestParquetRanges(t *testing.T) {
	rows := testRows(5000)
	want := wantBatch(rows)
	for _, dict := range []bool{true, false} {
		path := writeTemp(t, "a.parquet", writeParquet(rows, dict, compress.Codecs.Snappy, false))
		ctx := context.Background()
		inputs, err := Find(ctx, []string{path}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := OpenParquet(ctx, inputs[0], testSchema, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for c := range testSchema.Fields {
			for _, r := range [][2]int64{{0, 2500}, {0, 1}, {63, 64}, {100, 2300}, {2499, 2500}} {
				got := column.New(testSchema.Fields[c].Type, 0)
				if err := p.ReadColumn(ctx, 1, c, r[0], r[1], func(e *column.Encoded) error {
					appendEncoded(got, e)
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				for i := range int(r[1] - r[0]) {
					if g, w := show(got, i), show(want.Cols[c], 2500+int(r[0])+i); g != w || got.N != int(r[1]-r[0]) {
						t.Fatalf("column %s, rows %v, row %d of %d: %s, want %s", testSchema.Fields[c].Name, r, i, got.N, g, w)
					}
				}
			}
		}
	}
}
