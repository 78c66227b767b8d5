package exec

import (
	"sync"
	"testing"

	"github.com/alluviumdb/alluvium/bench/hits"
	"github.com/alluviumdb/alluvium/bench/ssb"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// hitsTable has the config of the benchmark's table.
func hitsTable() *schema.Table {
	cfg := &schema.TableConfig{}
	cfg.Indexing.SortedColumn = "EventDate"
	cfg.Indexing.Inverted = []string{"CounterID", "AdvEngineID"}
	return &schema.Table{ID: 2, Name: "hits", Type: schema.Offline, Schema: hits.Schema(), Config: cfg}
}

var hitsSegs = sync.OnceValues(func() ([]segment.Segment, error) {
	return benchSegs("hits", hitsTable(), hits.New(ssbRows))
})

// BenchmarkHits runs the leaves of the ClickBench-shaped queries.
func BenchmarkHits(b *testing.B) {
	segs, err := hitsSegs()
	if err != nil {
		b.Fatal(err)
	}
	var queries []ssb.Query
	for _, q := range hits.Queries(ssbRows) {
		queries = append(queries, ssb.Query{Name: q.Name, SQL: q.SQL})
	}
	benchmarkQueries(b, New(Config{ResultCacheBytes: -1}), segs, queries, 0)
}
