package hits

import (
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
)

func TestGenerateIsDeterministicAndSkewed(t *testing.T) {
	const rows = 20_000
	sum := func(chunk int) (n, bytes, main, searched int, users uint64) {
		g := New(rows)
		var b column.Batch
		for g.Next(chunk, &b) {
			n += b.N
			for i := range b.N {
				if b.Cols[Schema().Index("CounterID")].Int32s[i] == mainCounter {
					main++
				}
				if len(b.Cols[Schema().Index("SearchPhrase")].Bytes(i)) > 0 {
					searched++
				}
				users ^= uint64(b.Cols[Schema().Index("UserID")].Int64s[i])
			}
			for i, v := range b.Cols {
				if v.N != b.N {
					t.Fatalf("column %s has %d values of %d", Schema().Fields[i].Name, v.N, b.N)
				}
				bytes += len(v.Data)
			}
		}
		return
	}
	n1, b1, m1, s1, u1 := sum(1000)
	n2, b2, m2, s2, u2 := sum(777)
	if n1 != rows || n1 != n2 || b1 != b2 || m1 != m2 || s1 != s2 || u1 != u2 {
		t.Fatal("chunked differently")
	}
	if m1 < rows/16 || m1 > rows/10 || s1 < rows/10 || s1 > rows/6 {
		t.Fatalf("%d views of the main site, %d with a search", m1, s1)
	}
	if len(Schema().Fields) != 105 || len(Queries(rows)) != 43 {
		t.Fatalf("%d columns, %d queries", len(Schema().Fields), len(Queries(rows)))
	}
}

func BenchmarkGenerate(b *testing.B) {
	g := New(b.N)
	var batch column.Batch
	for g.Next(8192, &batch) {
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
