package exec

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/bench/ssb"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/query/startree"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

// starTreeSegs builds, or opens, a table of ssbRows rows with star-trees, in ssbSegments
// segments; ALLUVIUM_BENCH_ROWS and ALLUVIUM_BENCH_DIR are as for the other.
var starTreeSegs = sync.OnceValues(func() ([]segment.Segment, error) {
	dir := os.Getenv("ALLUVIUM_BENCH_DIR")
	if dir == "" {
		d, err := os.MkdirTemp("", "startree-bench")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(d) // the files stay mapped
		dir = d
	}
	g := ssb.New(ssbRows)
	var out []segment.Segment
	for i := range ssbSegments {
		path := filepath.Join(dir, "ssb-tree-"+strconv.Itoa(ssbRows)+"-"+strconv.Itoa(i))
		if _, err := os.Stat(path); err != nil {
			if err := buildStarTrees(g, path, ssbRows/ssbSegments); err != nil {
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
})

func buildStarTrees(g *ssb.Generator, path string, rows int) error {
	table := ssbTable()
	var err error
	if table.Config.Indexing.StarTrees, err = ssb.StarTrees(); err != nil {
		return err
	}
	b, err := build.NewBuilder(build.Config{
		Table: table, StarTrees: startree.Compiler{}, Meta: &segment.Metadata{Name: filepath.Base(path), Table: "lineorder_flat"},
	})
	if err != nil {
		return err
	}
	var batch column.Batch
	for b.Rows() < rows && g.Next(min(10_000, rows-b.Rows()), &batch) {
		if err := b.Add(&batch); err != nil {
			return err
		}
	}
	_, err = b.Write(testContext().Context, vfs.OS, path)
	return err
}

// BenchmarkSSBStarTree runs the queries from star-trees.
func BenchmarkSSBStarTree(b *testing.B) {
	start := time.Now()
	segs, err := starTreeSegs()
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("segments built or opened in %v", time.Since(start))
	for _, s := range segs[:1] {
		for i, t := range s.(segment.StarTreed).StarTrees() {
			m := t.Meta()
			b.Logf("tree %d: %d base records, %d records, %d nodes, %d kB", i, m.Base, m.Records, m.Nodes, m.Bytes>>10)
		}
	}
	e, ctx := New(Config{}), testContext()
	for _, q := range ssb.Queries {
		b.Run(q.Name, func(b *testing.B) {
			leaf, want, err := leafOf(q.SQL)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			groups, cpu := 0, cpuTime()
			for b.Loop() {
				if groups, err = runQuery(e, ctx, leaf, want, segs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(groups), "rows")
		})
	}
}

// TestSSBStarTrees guards that the benchmark's config answers every query from
// a tree, with the answers of the rows.
func TestSSBStarTrees(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seg")
	if err := buildStarTrees(ssb.New(40_000), path, 40_000); err != nil {
		t.Fatal(err)
	}
	s, err := immutable.Open(vfs.OS, path, immutable.Options{VerifyAll: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	e := New(Config{Workers: -1})
	e.forceTrees = true
	for _, q := range ssb.Queries {
		leaf, _, err := leafOf(q.SQL)
		if err != nil {
			t.Fatal(err)
		}
		if treesUsed(t, e, leaf, s, nil) != 1 {
			t.Errorf("%s: no star-tree was used", q.Name)
		}
		compareTexts(t, q.Name, merged(t, e, leaf, []segment.Segment{s}), mergedFromRows(t, e, leaf, s))
	}
}
