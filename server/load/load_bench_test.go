package load

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/bench/ssb"
	"github.com/alluviumdb/alluvium/ingest/file"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// ssbTable is the flat table as batch loads have it: sorted by order date,
// inverted indexes on the dimensions that queries filter by.
func ssbTable() *schema.Table {
	cfg := &schema.TableConfig{TimeColumn: "lo_orderdate", Indexing: schema.IndexingConfig{
		SortedColumn: "lo_orderdate",
		Inverted: []string{
			"lo_orderyear", "lo_orderyearmonth", "lo_orderweek", "lo_discount", "lo_quantity", "c_region", "c_nation",
			"c_city", "s_region", "s_nation", "s_city", "p_mfgr", "p_category", "p_brand",
		},
	}}
	s := *ssb.Schema()
	s.Fields = append([]schema.Field(nil), s.Fields...)
	for i := range s.Fields {
		s.Fields[i].ID = uint32(i + 1)
	}
	return schema.NewTable(1, 1, "lineorder_flat", schema.Offline, &s, cfg)
}

func ssbFile(tb testing.TB, rows int) string {
	path := filepath.Join(tb.TempDir(), "ssb.parquet")
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if err := data.WriteParquet(f, ssb.Schema(), ssb.New(rows), rows); err != nil {
		tb.Fatal(err)
	}
	return path
}

// BenchmarkLoadSSB loads the flat table from Parquet: 500,000 rows, or the
// file that ALLUVIUM_BENCH_PARQUET names.
func BenchmarkLoadSSB(b *testing.B) {
	path := os.Getenv("ALLUVIUM_BENCH_PARQUET")
	if path == "" {
		path = ssbFile(b, 500_000)
	}
	ctx := context.Background()
	inputs, err := file.Find(ctx, []string{path}, file.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		stop, peak := make(chan struct{}), make(chan uint64)
		go watchHeap(stop, peak)
		start := time.Now()
		sum, err := Build(ctx, Options{Table: ssbTable(), Dir: b.TempDir()}, inputs,
			func(_ context.Context, s Built) error { return os.Remove(s.Path) })
		if err != nil {
			b.Fatal(err)
		}
		close(stop)
		b.ReportMetric(float64(sum.Rows)/time.Since(start).Seconds(), "rows/s")
		b.ReportMetric(float64(<-peak)/(1<<20), "peak-MB")
		b.ReportMetric(float64(sum.SegmentBytes)/(1<<20), "segment-MB")
	}
}

// watchHeap sends the largest heap that it saw.
func watchHeap(stop <-chan struct{}, peak chan<- uint64) {
	var top uint64
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		top = max(top, m.HeapInuse)
		select {
		case <-stop:
			peak <- top
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}
