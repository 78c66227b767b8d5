package ssb

import (
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
)

func TestGenerateIsDeterministicAndComplete(t *testing.T) {
	sum := func(chunk int) (rows int, total int64, names int) {
		g := New(20_000)
		var b column.Batch
		for g.Next(chunk, &b) {
			rows += b.N
			for _, x := range b.Cols[Schema().Index("lo_revenue")].Int64s {
				total += x
			}
			names += len(b.Cols[Schema().Index("c_name")].Data)
		}
		return rows, total, names
	}
	r1, t1, n1 := sum(1000)
	r2, t2, n2 := sum(7777)
	if r1 != 20_000 || r1 != r2 || t1 != t2 || n1 != n2 {
		t.Fatalf("chunked differently: %d %d %d and %d %d %d", r1, t1, n1, r2, t2, n2)
	}
	if len(Schema().Fields) != 41 || len(Queries) != 13 || len(Dashboard) != 12 {
		t.Fatal("the benchmark has 41 columns, 13 and 12 queries")
	}
}

func BenchmarkGenerate(b *testing.B) {
	g := New(b.N)
	var batch column.Batch
	for g.Next(8192, &batch) {
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
