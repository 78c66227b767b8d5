package wide

import (
	"testing"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func TestSourcesAreComplete(t *testing.T) {
	f := func(table data.Table, rows, columns int) {
		t.Helper()
		src := table.New(rows)
		var b column.Batch
		n := 0
		for src.Next(1000, &b) {
			n += b.N
			for i, v := range b.Cols {
				if v.N != b.N {
					t.Fatalf("column %d has %d values of %d", i, v.N, b.N)
				}
			}
		}
		if n != rows || len(table.Schema.Fields) != columns {
			t.Errorf("%d rows, %d columns", n, len(table.Schema.Fields))
		}
		if _, _, _, _, err := schema.ParsePinotTable(table.Config); err != nil {
			t.Error(err)
		}
	}
	f(Columns(50), 3000, 51)
	f(Names(), 2500, 3)
}
