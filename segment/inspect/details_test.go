package inspect

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/geo"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
)

// TestIndexDetails describes and verifies a segment with indexes of whole
// values.
func TestIndexDetails(t *testing.T) {
	s := &schema.Schema{Name: "visits", Version: 1, Fields: []schema.Field{
		{ID: 1, Name: "doc", Type: schema.JSON}, {ID: 2, Name: "note", Type: schema.Text}, {ID: 3, Name: "place", Type: schema.Bytea},
	}}
	cols := []*column.Vector{column.New(schema.JSON, 0), column.New(schema.Text, 0), column.New(schema.Bytea, 0)}
	const rows = 40
	for i := range rows {
		cols[0].AppendString(fmt.Sprintf(`{"n": %d, "tags": ["a", "b"]}`, i%4))
		cols[1].AppendString(fmt.Sprintf("visit number %d", i%5))
		if i == 0 {
			cols[2].AppendBytes([]byte("nowhere"))
			continue
		}
		cols[2].AppendBytes(geo.AppendPoint(nil, float64(i%3)*10, 50, true))
	}
	cfg := build.Config{
		Table: &schema.Table{Name: "visits", Schema: s, Config: &schema.TableConfig{Indexing: schema.IndexingConfig{
			JSON: map[string]schema.JSONIndexConfig{"doc": {}}, Text: []string{"note"},
			Geo: map[string]schema.GeoIndexConfig{"place": {Resolutions: []int{5}}},
		}}},
		Meta: &segment.Metadata{Name: "visits_0", Table: "visits"},
	}
	mem := vfs.NewMem()
	if _, err := build.FromBatches(ctx, mem, "seg", []*column.Batch{{N: rows, Cols: cols}}, cfg); err != nil {
		t.Fatal(err)
	}
	r, err := Describe(mem, "seg", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"json index: ", " paths, ", "text index: 7 words",
		"geo index: 3 cells of level 9, geographies, 1 documents without such a point", "  geo\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the dump lacks %q:\n%s", want, b.String())
		}
	}
	if _, err := Verify(ctx, mem, "seg"); err != nil {
		t.Error(err)
	}
}
