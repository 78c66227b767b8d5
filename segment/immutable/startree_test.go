package immutable

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/startree/treetest"
)

// treeTable is a small table with two star-trees, one of them the default one.
func treeTable(rows int) (*column.Batch, build.Config) {
	rng := rand.New(rand.NewPCG(8, 8))
	s := &schema.Schema{Name: "t", Version: 1, Fields: []schema.Field{
		{ID: 1, Name: "country", Type: schema.Text}, {ID: 2, Name: "flag", Type: schema.Bool},
		{ID: 3, Name: "none", Type: schema.Text}, {ID: 4, Name: "amount", Type: schema.Int64, Role: schema.Metric},
	}}
	b := &column.Batch{N: rows, Cols: []*column.Vector{column.New(schema.Text, rows), column.New(schema.Bool, rows), nil, column.New(schema.Int64, rows)}}
	for i := range rows {
		if i%7 == 0 {
			b.Cols[0].AppendNull()
		} else {
			b.Cols[0].AppendString(fmt.Sprint("c", rng.IntN(4)))
		}
		b.Cols[1].Append(column.BoolValue(rng.IntN(2) == 0))
		b.Cols[3].Append(column.IntValue(schema.Int64, int64(rng.IntN(1000))))
	}
	cfg := &schema.TableConfig{Indexing: schema.IndexingConfig{
		SortedColumn: "country", DefaultStarTree: true,
		StarTrees: []schema.StarTreeConfig{{
			Dimensions: []string{"none", "country", "flag"}, SkipStar: []string{"flag"}, MaxLeaf: 1,
			Metrics: []schema.StarTreeMetric{{Function: "SUM", Column: "amount"}},
		}},
	}}
	return b, build.Config{Table: &schema.Table{Name: "t", Schema: s, Config: cfg}, StarTrees: treetest.Compiler{}}
}

func treeFile(t *testing.T, rows int) (vfs.FS, *Segment) {
	t.Helper()
	fs := vfs.NewMem()
	b, cfg := treeTable(rows)
	if _, err := build.FromBatches(ctx, fs, "seg", []*column.Batch{b}, cfg); err != nil {
		t.Fatal(err)
	}
	s, err := Open(fs, "seg", Options{VerifyAll: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Release)
	return fs, s
}

// sumOf adds a metric over the records of a selection.
func sumOf(t *testing.T, tree segment.StarTree, key string, sel segment.StarTreeSelection) int64 {
	t.Helper()
	recs, err := tree.Records()
	if err != nil {
		t.Fatal(err)
	}
	runs, _ := recs.Select(&sel, nil)
	var v column.Vector
	sum := int64(0)
	for _, r := range runs {
		if err := recs.State(tree.Meta().Metric(key), 0).Read(r.From, int(r.To-r.From), &v); err != nil {
			t.Fatal(err)
		}
		for _, x := range v.Int64s {
			sum += x
		}
	}
	return sum
}

func TestStarTreeRoundTrip(t *testing.T) {
	_, s := treeFile(t, 200)
	trees := s.StarTrees()
	if len(trees) != 2 {
		t.Fatalf("%d trees", len(trees))
	}
	b, _ := treeTable(200)
	var all, nulls int64
	for i := range b.N {
		all += b.Cols[3].Int64s[i]
		if b.Cols[0].IsNull(i) {
			nulls += b.Cols[3].Int64s[i]
		}
	}
	f := func(tree int, key string, want int64, dims ...segment.StarTreeDimension) {
		t.Helper()
		if got := sumOf(t, trees[tree], key, segment.StarTreeSelection{Dimensions: dims}); got != want {
			t.Errorf("tree %d, %s of %+v: %d, want %d", tree, key, dims, got, want)
		}
	}
	none, some := segment.IDSet{Lo: 1, Hi: 0}, segment.IDSet{Lo: 0, Hi: 9}
	any3 := make([]segment.StarTreeDimension, 3)
	f(0, "sum(amount)", all, any3...)
	f(0, "count()", 200, any3...)
	f(0, "sum(amount)", nulls, any3[0], segment.StarTreeDimension{Filtered: true, Set: none, Nulls: true}, any3[2])
	f(0, "sum(amount)", all-nulls, any3[0], segment.StarTreeDimension{Filtered: true, Set: some}, segment.StarTreeDimension{Needed: true})
	f(0, "count()", 200, segment.StarTreeDimension{Filtered: true, Set: none, Nulls: true}, any3[1], any3[2])
	f(1, "sum(amount)", all, make([]segment.StarTreeDimension, len(trees[1].Meta().Dimensions))...)
}

func TestStarTreeBuildNeedsCompiler(t *testing.T) {
	b, cfg := treeTable(10)
	cfg.StarTrees = nil
	fs := vfs.NewMem()
	if _, err := build.FromBatches(ctx, fs, "seg", []*column.Batch{b}, cfg); !errors.Is(err, segment.ErrUnsupported) {
		t.Errorf("build without a compiler: %v", err)
	}
}

func TestStarTreesAreDeterministic(t *testing.T) {
	a, _ := treeFile(t, 500)
	b, _ := treeFile(t, 500)
	x, err := vfs.ReadFile(a, "seg")
	if err != nil {
		t.Fatal(err)
	}
	if y, err := vfs.ReadFile(b, "seg"); err != nil || string(x) != string(y) {
		t.Errorf("the same rows gave different files (%v)", err)
	}
}

// queryTrees reads all star-trees and returns a digest.
func queryTrees(s *Segment) (uint64, error) {
	h := fnv.New64a()
	for _, tree := range s.StarTrees() {
		recs, err := tree.Records()
		if err != nil {
			return 0, err
		}
		n, dims := int(recs.NumDocs()), tree.Meta().Dimensions
		note := func(b []byte) { h.Write(b) }
		for _, id := range dims {
			c, err := recs.Column(id)
			if err != nil {
				return 0, err
			}
			if c != nil {
				if err := queryColumn(c.(*Column), n, note); err != nil {
					return 0, err
				}
			}
		}
		for m := range tree.Meta().Metrics {
			note([]byte(tree.Meta().Metrics[m].Key))
			if err := queryColumn(recs.State(m, 0).(*Column), n, note); err != nil {
				return 0, err
			}
		}
		for ask := range 1 << (2 * len(dims)) {
			sel := segment.StarTreeSelection{Dimensions: make([]segment.StarTreeDimension, len(dims))}
			for d := range dims {
				sel.Dimensions[d] = segment.StarTreeDimension{Needed: ask>>(2*d)&1 != 0, Filtered: ask>>(2*d)&2 != 0, Set: segment.IDSet{Lo: 1, Hi: 2}}
			}
			runs, _ := recs.Select(&sel, nil)
			note(encoding.Bytes(rangesOf(runs)))
		}
	}
	return h.Sum64(), nil
}

func rangesOf(runs []segment.DocRange) []uint32 {
	var out []uint32
	for _, r := range runs {
		out = append(out, r.From, r.To)
	}
	return out
}

func openTrees(b []byte) (uint64, error) {
	s, err := open(vfs.NewMapping(b, nil))
	if err != nil {
		return 0, err
	}
	defer s.Release()
	if s.NumDocs() > 1<<12 {
		return 0, s.Check()
	}
	for i := range s.footer.StarTrees {
		if s.footer.StarTrees[i].Meta.Records > 1<<16 {
			return 0, s.checkTrees()
		}
	}
	return queryTrees(s)
}

// TestEveryFlippedByteOfStarTrees is TestEveryFlippedByte for star-trees.
func TestEveryFlippedByteOfStarTrees(t *testing.T) {
	fs, s := treeFile(t, 40)
	file, err := vfs.ReadFile(fs, "seg")
	if err != nil {
		t.Fatal(err)
	}
	digest, err := queryTrees(s)
	if err != nil {
		t.Fatal(err)
	}
	sm := sample{file: file, footer: s.Directory(), at: s.end}
	rng := rand.New(rand.NewPCG(6, 6))
	buf := make([]byte, len(file))
	for pos := range buf {
		copy(buf, file)
		buf[pos] ^= 1 << rng.IntN(8)
		got, err := openTrees(buf)
		switch {
		case err == nil && got != digest:
			t.Fatalf("byte %d: wrong answer", pos)
		case err != nil && !errors.Is(err, segment.ErrCorrupt) && !errors.Is(err, segment.ErrUnsupported):
			t.Fatalf("byte %d: error without class: %v", pos, err)
		}
		if pos < len(buf)-format.TrailerBytes {
			_, _ = openTrees(repair(buf, sm))
		}
	}
}
