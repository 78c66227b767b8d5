package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// textBatch has n rows of a number and a text of some length.
func textBatch(n, length int) *column.Batch {
	b := &column.Batch{N: n, Cols: []*column.Vector{column.New(schema.Int32, n), column.New(schema.Text, n)}}
	for i := range n {
		b.Cols[0].Append(column.IntValue(schema.Int32, int64(i)))
		b.Cols[1].AppendString(strings.Repeat("x", length))
	}
	return b
}

func TestRowBlocks(t *testing.T) {
	f := func(batches, rows, length int) {
		t.Helper()
		var r rowBlocks
		for range batches {
			if err := r.add(&fn.Context{}, textBatch(rows, length)); err != nil {
				t.Fatal(err)
			}
		}
		var buf bytes.Buffer
		r.write(&buf)
		var got [][]any
		if err := json.Unmarshal(buf.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got) != batches*rows {
			t.Fatalf("%d rows, want %d", len(got), batches*rows)
		}
		for i, row := range got {
			if fmt.Sprint(row[0]) != fmt.Sprint(i%rows) || len(row[1].(string)) != length {
				t.Fatalf("row %d is %.40v", i, row)
			}
		}
	}
	f(0, 1, 1)
	f(1, 1, 0)
	f(3, 1000, 20)
	f(2, 5, 100_000)
}

func TestRowBlocksAreLimited(t *testing.T) {
	r := rowBlocks{limit: 1 << 20}
	var err error
	rows := 0
	for ; err == nil && rows < 1<<20; rows += 100 {
		err = r.add(&fn.Context{}, textBatch(100, 50))
	}
	if sqlerr.Code(err) != sqlerr.OutOfMemory || !strings.Contains(err.Error(), "1048576 bytes (memory_limit)") {
		t.Errorf("after %d rows: %v", rows, err)
	}
	if r.held > r.limit+rowBlockBytes || rows*60 > 2<<20 {
		t.Errorf("%d bytes are held after %d rows", r.held, rows)
	}
}
