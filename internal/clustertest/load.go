package clustertest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Content is what tells the rows of a table from those of another moment.
type Content struct{ Rows, Sum int64 }

// Orders makes rows for batch loads: ids count up, cities and prices are
// random.
type Orders struct {
	rng  *rand.Rand
	next int64
	// Made is the content of all rows so far.
	Made Content
}

// NewOrders returns a source with a seed.
func NewOrders(seed uint64) *Orders { return &Orders{rng: rand.New(rand.NewPCG(seed, 1))} }

// Schema implements data.Source.
func (o *Orders) Schema() *schema.Schema {
	s := &schema.Schema{Name: "orders"}
	data.Fields(s, schema.Text, schema.Dimension, "city")
	data.Fields(s, schema.Int64, schema.Dimension, "id", "price")
	return s
}

// Next implements data.Source.
func (o *Orders) Next(n int, b *column.Batch) bool {
	data.Prepare(o.Schema(), b, n)
	for range n {
		w := data.Writer{B: b}
		w.Text(fmt.Sprint("city ", o.rng.IntN(2000)))
		w.Long(o.next)
		w.Long(o.rng.Int64N(1 << 40))
		o.Made.Rows++
		o.Made.Sum += o.next
		o.next++
	}
	return true
}

// Write writes so many Parquet files into a folder and returns what they hold.
func (o *Orders) Write(t *testing.T, dir string, files, rows int) Content {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	before := o.Made
	for i := range files {
		var buf bytes.Buffer
		if err := data.WriteParquet(&buf, o.Schema(), o, rows); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("part-%d.parquet", i)), buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Content{o.Made.Rows - before.Rows, o.Made.Sum - before.Sum}
}

// Texts runs a statement at one broker and returns its first column.
func Texts(ctx context.Context, pg, sql string) ([]string, error) {
	conn, err := connect(ctx, pg)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
