package reduce

import (
	"fmt"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// TestGrowthBounds demands that what a merger says before a batch covers what it
// holds more afterwards.
func TestGrowthBounds(t *testing.T) {
	spec, _, err := agg.Resolve("count", nil, false, fn.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	m := NewMerger(1, []schema.Type{schema.Text}, []plan.AggCall{{Spec: spec}})
	for from := 0; from < 200_000; from += 4096 {
		b := &column.Batch{N: 4096, Cols: []*column.Vector{column.New(schema.Text, 0), column.New(schema.Int64, 0)}}
		for i := range b.N {
			b.Cols[0].AppendBytes(fmt.Appendf(nil, "group %08d", from+i))
			b.Cols[1].Append(column.IntValue(schema.Int64, 1))
		}
		before, said := m.Bytes(), m.Growth(b.N)
		if err := m.Add(b); err != nil {
			t.Fatal(err)
		}
		const first = 256 << 10 // values of the first batch have no known length
		if grown := m.Bytes() - before; grown > said+first {
			t.Fatalf("after %d rows: %d bytes more, %d were announced", from, grown, said)
		}
	}
}
