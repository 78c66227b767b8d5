package data

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

var testSchema = func() *schema.Schema {
	s := &schema.Schema{Name: "t", Version: 1}
	Fields(s, schema.Int16, schema.Dimension, "small")
	Fields(s, schema.Int32, schema.Dimension, "int")
	Fields(s, schema.Int64, schema.Metric, "long")
	Fields(s, schema.Date, schema.DateTime, "day")
	Fields(s, schema.Timestamp, schema.DateTime, "at")
	Fields(s, schema.Text, schema.Dimension, "word")
	return s
}()

type counter struct{ left, next int }

func (c *counter) Next(n int, b *column.Batch) bool {
	n = min(n, c.left)
	Prepare(testSchema, b, n)
	for range n {
		i := c.next
		c.next++
		w := Writer{B: b}
		w.Int(int32(i % 100))
		w.Int(int32(i))
		w.Long(int64(i))
		w.Int(15000)
		w.Long(1_372_636_800_000_000)
		w.Text("word")
	}
	c.left -= n
	return n > 0
}

func TestParquetHoldsTheNextRows(t *testing.T) {
	src := &counter{left: 5000}
	for _, want := range []int64{3000, 2000} {
		var buf bytes.Buffer
		if err := WriteParquet(&buf, testSchema, src, 3000); err != nil {
			t.Fatal(err)
		}
		pf, err := file.NewParquetReader(bytes.NewReader(buf.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		r, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		table, err := r.ReadTable(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if table.NumRows() != want || table.NumCols() != 6 {
			t.Fatalf("%d rows, %d columns", table.NumRows(), table.NumCols())
		}
		table.Release()
	}
}

func TestJSONIsValid(t *testing.T) {
	var b column.Batch
	(&counter{left: 10}).Next(10, &b)
	var row map[string]any
	if err := json.Unmarshal(AppendJSON(nil, testSchema, &b, 3), &row); err != nil {
		t.Fatal(err)
	}
	if len(row) != 6 || row["day"] != "2011-01-26" || row["at"] != "2013-07-01 00:00:00" {
		t.Fatalf("%d fields: %v", len(row), row)
	}
}

func TestSchemaIsReadBack(t *testing.T) {
	doc, err := PinotSchema(testSchema)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := schema.ParsePinotSchema(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range testSchema.Fields {
		if i := got.Index(f.Name); i < 0 || got.Fields[i].Type != f.Type {
			t.Fatalf("field %s is not read back", f.Name)
		}
	}
}

func TestZipfPrefersLowRanks(t *testing.T) {
	r := Rand(1)
	var low, all int
	for range 100_000 {
		x := r.Zipf(1000)
		if x < 0 || x >= 1000 {
			t.Fatalf("rank %d", x)
		}
		all++
		if x == 0 {
			low++
		}
	}
	if low < all/13 || low > all/7 {
		t.Fatalf("rank 0 came %d times", low)
	}
}
