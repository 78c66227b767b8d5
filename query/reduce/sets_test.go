package reduce

import (
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// TestSetsMerger merges the partial groups (1, NULL), (1, 2) and (1, NULL)
// again, with counts, for the sets (b), (a) and ().
func TestSetsMerger(t *testing.T) {
	spec, _, err := agg.Resolve("count", nil, false, fn.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	types := []schema.Type{schema.Int32, schema.Int64}
	m := NewSetsMerger([][]int{{1}, {0}, {}}, types, []plan.AggCall{{Spec: spec}})
	b := &column.Batch{N: 3}
	for _, typ := range append(types, schema.Int64) {
		b.Cols = append(b.Cols, column.New(typ, 3))
	}
	for i, n := range []int64{10, 20, 30} {
		b.Cols[0].Append(column.IntValue(types[0], 1))
		if i == 1 {
			b.Cols[1].Append(column.IntValue(types[1], 2))
		} else {
			b.Cols[1].AppendNull()
		}
		b.Cols[2].Append(column.IntValue(schema.Int64, n))
	}
	if err := m.Add(b); err != nil {
		t.Fatal(err)
	}
	if m.Bytes() <= 0 {
		t.Errorf("holds %d bytes", m.Bytes())
	}
	out, err := m.Finish(true)
	if err != nil {
		t.Fatal(err)
	}
	const null = -1
	want := [][]int64{{null, null, 40, 0}, {null, 2, 20, 0}, {1, null, 60, 1}, {null, null, 60, 2}}
	if out.N != len(want) {
		t.Fatalf("%d rows, want %d", out.N, len(want))
	}
	for i, row := range want {
		for k, x := range row {
			v := out.Cols[k].Value(i)
			if v.Null != (x == null) || !v.Null && v.I != x {
				t.Errorf("row %d column %d: %v, want %d", i, k, v, x)
			}
		}
	}
}
