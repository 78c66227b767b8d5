package inspect

import (
	"bytes"
	"errors"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/startree/treetest"
)

// treeFile writes a segment with one star-tree.
func treeFile(t *testing.T) vfs.FS {
	t.Helper()
	s := &schema.Schema{Name: "t", Version: 1, Fields: []schema.Field{
		{ID: 1, Name: "country", Type: schema.Text}, {ID: 2, Name: "day", Type: schema.Date},
		{ID: 3, Name: "amount", Type: schema.Int64, Role: schema.Metric},
	}}
	b := &column.Batch{N: 60}
	for i := range s.Fields {
		b.Cols = append(b.Cols, column.New(s.Fields[i].Type, 0))
	}
	for i := range b.N {
		b.Cols[0].AppendString([]string{"AT", "CH", "DE"}[i%3])
		b.Cols[1].Append(column.IntValue(schema.Date, int64(i%4)))
		b.Cols[2].Append(column.IntValue(schema.Int64, int64(i*i)))
	}
	cfg := build.Config{StarTrees: treetest.Compiler{}, Table: &schema.Table{Name: "t", Schema: s, Config: &schema.TableConfig{
		Indexing: schema.IndexingConfig{StarTrees: []schema.StarTreeConfig{{
			Dimensions: []string{"country", "day"}, SkipStar: []string{"day"}, MaxLeaf: 1,
			Metrics: []schema.StarTreeMetric{{Function: "SUM", Column: "amount"}},
		}}},
	}}}
	mem := vfs.NewMem()
	if _, err := build.FromBatches(ctx, mem, "seg", []*column.Batch{b}, cfg); err != nil {
		t.Fatal(err)
	}
	return mem
}

// TestStarTreeGolden also guards the bytes of star-trees.
func TestStarTreeGolden(t *testing.T) {
	r, err := Describe(treeFile(t), "seg", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var text, js bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteJSON(&js); err != nil {
		t.Fatal(err)
	}
	golden(t, "startree.txt", text.Bytes())
	golden(t, "startree.json", js.Bytes())
}

func TestStarTreeFaults(t *testing.T) {
	fs := treeFile(t)
	r, err := Describe(fs, "seg", Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := vfs.ReadFile(fs, "seg")
	if err != nil {
		t.Fatal(err)
	}
	b[r.StarTrees[0].NodeBuffer.Offset+8] ^= 1
	if err := vfs.WriteFile(fs, "bad", b); err != nil {
		t.Fatal(err)
	}
	if r, err = Describe(fs, "bad", Options{}); err != nil || r.StarTrees[0].Fault == "" {
		t.Errorf("no fault shown for a corrupt star-tree (%v)", err)
	}
	if _, err := Verify(ctx, fs, "bad"); !errors.Is(err, segment.ErrCorrupt) {
		t.Errorf("verify: %v", err)
	}
}
