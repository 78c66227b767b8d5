package exec

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/bench/ssb"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/sql"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

// ssbRows and ssbSegments are the size of the benchmark table;
// ALLUVIUM_BENCH_ROWS changes the rows, ALLUVIUM_BENCH_DIR keeps the segments.
var ssbRows = envInt("ALLUVIUM_BENCH_ROWS", 400_000)

const ssbSegments = 4

var ssbQueries = append(ssb.Queries[:len(ssb.Queries):len(ssb.Queries)], ssb.Dashboard...)

func envInt(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// ssbTable has the peers' inverted indexes and is sorted by date, as
// ClickHouse's table is.
func ssbTable() *schema.Table {
	cfg := &schema.TableConfig{}
	cfg.Indexing.SortedColumn = "lo_orderdate"
	cfg.Indexing.Inverted = []string{"lo_orderyear", "lo_orderyearmonth", "lo_orderweek", "lo_discount", "lo_quantity", "lo_custkey",
		"c_region", "c_nation", "c_city", "s_region", "s_nation", "s_city", "p_mfgr", "p_category", "p_brand", "c_mktsegment"}
	return &schema.Table{ID: 1, Name: "lineorder_flat", Type: schema.Offline, Schema: ssb.Schema(), Config: cfg}
}

// ssbSegs builds, or opens, the benchmark's segments once.
var ssbSegs = sync.OnceValues(func() ([]segment.Segment, error) {
	return benchSegs("ssb", ssbTable(), ssb.New(ssbRows))
})

// benchSegs builds, or opens, the segments of a generated table.
func benchSegs(name string, table *schema.Table, g data.Source) ([]segment.Segment, error) {
	dir := os.Getenv("ALLUVIUM_BENCH_DIR")
	if dir == "" {
		d, err := os.MkdirTemp("", "exec-bench")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(d) // the files stay mapped
		dir = d
	}
	var out []segment.Segment
	for i := range ssbSegments {
		path := filepath.Join(dir, fmt.Sprintf("%s-%d-%d", name, ssbRows, i))
		if _, err := os.Stat(path); err != nil {
			if err := buildBench(g, table, path, ssbRows/ssbSegments); err != nil {
				return nil, err
			}
		}
		s, err := immutable.Open(vfs.OS, path, immutable.Options{})
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func buildBench(g data.Source, table *schema.Table, path string, rows int) error {
	b, err := build.NewBuilder(build.Config{Table: table, Meta: &segment.Metadata{Name: filepath.Base(path), Table: table.Name}})
	if err != nil {
		return err
	}
	var batch column.Batch
	for b.Rows() < rows && g.Next(min(10_000, rows-b.Rows()), &batch) {
		if err := b.Add(&batch); err != nil {
			return err
		}
	}
	_, err = b.Write(context.Background(), vfs.OS, path)
	return err
}

type ssbCatalog struct{}

func (ssbCatalog) Relation(_ context.Context, _, name string, _ bool) (*plan.Relation, error) {
	if name == "hits" {
		return &plan.Relation{Table: hitsTable(), OID: 20001}, nil
	}
	return &plan.Relation{Table: ssbTable(), OID: 20000}, nil
}

func (ssbCatalog) RelationNames() []string { return nil }

// leafOf plans a query and returns its leaf and what is wanted of its groups.
func leafOf(text string) (*plan.Leaf, *plan.Wanted, error) {
	stmts, err := sql.Parse(text, false)
	if err != nil {
		return nil, nil, err
	}
	ctx := testContext()
	q, err := plan.Prepare(ctx, &stmts[0], plan.Options{Catalog: ssbCatalog{}})
	if err != nil {
		return nil, nil, err
	}
	node, err := q.Bind(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	var want *plan.Wanted
	for {
		switch n := node.(type) {
		case *plan.Leaf:
			return n, want, nil
		case *plan.MergeAgg:
			want = &n.Wanted
		}
		if len(node.Inputs()) != 1 {
			return nil, nil, fmt.Errorf("no leaf below %T", node)
		}
		node = node.Inputs()[0]
	}
}

// runQuery runs a leaf to its finished groups or rows and returns their number.
func runQuery(e *Engine, ctx *fn.Context, leaf *plan.Leaf, want *plan.Wanted, segs []segment.Segment) (int, error) {
	rows := 0
	_, err := e.RunLeaf(ctx, leaf, segs, Options{Wanted: want}, func(b *column.Batch) error {
		rows += b.N
		return nil
	})
	return rows, err
}

func BenchmarkSSB(b *testing.B) {
	segs, err := ssbSegs()
	if err != nil {
		b.Fatal(err)
	}
	benchmarkQueries(b, New(Config{ResultCacheBytes: -1}), segs, ssbQueries, 0)
}

// BenchmarkRepeated asks the same queries again and again, with the result
// cache.
func BenchmarkRepeated(b *testing.B) {
	segs, err := ssbSegs()
	if err != nil {
		b.Fatal(err)
	}
	benchmarkQueries(b, New(Config{}), segs, ssbQueries, 3)
}

// BenchmarkRepeatedWithTail does so while a small segment may change, as one
// that consumes.
func BenchmarkRepeatedWithTail(b *testing.B) {
	segs, err := ssbSegs()
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "tail")
	if err := buildBench(ssb.New(ssbRows), ssbTable(), path, 2000); err != nil {
		b.Fatal(err)
	}
	tail, err := immutable.Open(vfs.OS, path, immutable.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer tail.Release()
	changing := struct{ segment.Segment }{tail} // without an identity
	benchmarkQueries(b, New(Config{}), append(segs[:len(segs):len(segs)], changing), ssbQueries, 3)
}

// benchmarkQueries runs each query, first warm times without measuring.
func benchmarkQueries(b *testing.B, e *Engine, segs []segment.Segment, queries []ssb.Query, warm int) {
	ctx := testContext()
	for _, q := range queries {
		b.Run(q.Name, func(b *testing.B) {
			leaf, want, err := leafOf(q.SQL)
			if err != nil {
				b.Logf("not planned: %v", err) // an aggregation that does not exist yet
				return
			}
			for range warm {
				if _, err := runQuery(e, ctx, leaf, want, segs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			groups, cpu := 0, cpuTime()
			for b.Loop() {
				if groups, err = runQuery(e, ctx, leaf, want, segs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(groups), "rows")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(ssbRows), "ns/tablerow")
		})
	}
}
