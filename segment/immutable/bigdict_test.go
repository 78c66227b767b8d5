package immutable

import (
	"fmt"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/format"
)

// TestLookUpTouchesFewValues checks that a large dictionary costs nothing until
// its column is used, and that a look-up then reads a logarithmic number of its
// values: all others may be overwritten.
func TestLookUpTouchesFewValues(t *testing.T) {
	const rows = 50_000
	batch := &column.Batch{N: rows, Cols: []*column.Vector{column.New(schema.Text, rows), column.New(schema.Int64, rows)}}
	for i := range rows {
		batch.Cols[0].AppendString(fmt.Sprintf("key %06d", i))
		batch.Cols[1].Append(column.IntValue(schema.Int64, int64(i)))
	}
	mem := vfs.NewMem()
	s := &schema.Schema{Name: "t", Fields: []schema.Field{{ID: 1, Name: "key", Type: schema.Text}, {ID: 2, Name: "number", Type: schema.Int64}}}
	cfg := build.Config{Table: &schema.Table{Schema: s, Config: &schema.TableConfig{Indexing: schema.IndexingConfig{Dictionary: []string{"key"}}}}}
	if _, err := build.FromBatches(ctx, mem, "s", []*column.Batch{batch}, cfg); err != nil {
		t.Fatal(err)
	}
	raw, err := vfs.ReadFile(mem, "s")
	if err != nil {
		t.Fatal(err)
	}
	seg, err := open(&vfs.Mapping{Data: raw})
	if err != nil {
		t.Fatal(err)
	}
	data := seg.data // that which the segment reads: raw, or an aligned copy
	dict := seg.footer.Columns[0].Buffer(format.RoleDictionary)

	// The other column does not look at the dictionary.
	data[dict.Offset+dict.Length/2] ^= 0xff
	if _, err := seg.Column(2); err != nil {
		t.Fatalf("the other column: %v", err)
	}
	data[dict.Offset+dict.Length/2] ^= 0xff

	c, err := seg.Column(1)
	if err != nil {
		t.Fatal(err)
	}
	const key, halvings = 12_345, 16
	v := c.Dictionary().Values()
	need := map[int]bool{key: true}
	for lo, hi := 0, rows; lo < hi; {
		mid := (lo + hi) / 2
		need[mid] = true
		if mid < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if len(need) > halvings+1 {
		t.Fatalf("%d steps", len(need))
	}
	for i := range rows {
		if !need[i] {
			clear(v.Data[v.Offsets[i]:v.Offsets[i+1]])
		}
	}
	id, ok := c.Dictionary().Lookup(column.BytesValue(schema.Text, fmt.Appendf(nil, "key %06d", key)))
	if !ok || id != key {
		t.Fatalf("the look-up read overwritten values: %d, %v", id, ok)
	}
	var got column.Vector
	if err := c.Gather([]uint32{key}, &got); err != nil || string(got.Bytes(0)) != fmt.Sprintf("key %06d", key) {
		t.Fatalf("gathered %q, %v", got.Bytes(0), err)
	}
}
