package inspect

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
)

// TestDumpEncodings shows which encoding typical columns get, with the sizes
// and checksums of their buffers.
func TestDumpEncodings(t *testing.T) {
	s := &schema.Schema{Name: "lines", Version: 1, Fields: []schema.Field{
		{ID: 1, Name: "sorted", Type: schema.Text},
		{ID: 2, Name: "customer", Type: schema.Text},
		{ID: 3, Name: "order_total", Type: schema.Int64, Role: schema.Metric},
		{ID: 4, Name: "price", Type: schema.Float64, Role: schema.Metric},
		{ID: 5, Name: "angle", Type: schema.Float64, Role: schema.Metric},
		{ID: 6, Name: "at", Type: schema.Timestamp, Role: schema.DateTime},
		{ID: 7, Name: "number", Type: schema.Int64, Role: schema.Metric},
		{ID: 8, Name: "color", Type: schema.Text},
		{ID: 9, Name: "note", Type: schema.JSON},
		{ID: 10, Name: "same", Type: schema.Int32},
	}}
	cols := make([]*column.Vector, len(s.Fields))
	for i, f := range s.Fields {
		cols[i] = column.New(f.Type, 0)
	}
	const rows = 6000
	for i := range rows {
		order := i / 5
		hash := uint64(order) * 0x9e3779b97f4a7c15 >> 20
		row := uint64(i+1) * 0x9e3779b97f4a7c15 >> 20
		cols[0].AppendString(fmt.Sprintf("day %02d", i/300))
		cols[1].AppendString(fmt.Sprintf("customer %03d", hash%400))
		cols[2].Append(column.IntValue(schema.Int64, int64(hash%1_000_000_007)))
		cols[3].Append(column.FloatValue(schema.Float64, float64(row%1_000_000)/100))
		cols[4].Append(column.FloatValue(schema.Float64, float64(row)/float64(1<<44)))
		cols[5].Append(column.IntValue(schema.Timestamp, 1_760_000_000_000_000+int64(i)*1_000_000+int64(row%1000)))
		cols[6].Append(column.IntValue(schema.Int64, int64(row%100_000)))
		cols[7].AppendString([]string{"red", "green", "blue"}[row%3])
		cols[8].AppendString(fmt.Sprintf(`{"row": %d, "text": "some words that repeat"}`, i))
		cols[9].Append(column.IntValue(schema.Int32, 7))
	}
	mem := vfs.NewMem()
	cfg := build.Config{
		Table: &schema.Table{Name: "lines", Schema: s, Config: &schema.TableConfig{
			Indexing: schema.IndexingConfig{Inverted: []string{"color"}},
		}},
		Meta: &segment.Metadata{Name: "lines_0", Table: "lines"},
	}
	if _, err := build.FromBatches(ctx, mem, "seg", []*column.Batch{{N: rows, Cols: cols}}, cfg); err != nil {
		t.Fatal(err)
	}
	r, err := Describe(mem, "seg", Options{Samples: 2})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "encodings.txt", text.Bytes())
}
