package ssb

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/alluviumdb/alluvium/internal/column"
)

func TestParquetHoldsAllRows(t *testing.T) {
	var buf bytes.Buffer
	if err := WriteParquet(&buf, New(5000)); err != nil {
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
	defer table.Release()
	if table.NumRows() != 5000 || table.NumCols() != 41 {
		t.Fatalf("%d rows, %d columns", table.NumRows(), table.NumCols())
	}
}

func TestJSONIsValid(t *testing.T) {
	var b column.Batch
	New(10).Next(10, &b)
	var row map[string]any
	if err := json.Unmarshal(AppendJSON(nil, &b, 3), &row); err != nil {
		t.Fatal(err)
	}
	if len(row) != 41 || row["lo_orderkey"] == nil {
		t.Fatalf("%d fields: %v", len(row), row)
	}
}
