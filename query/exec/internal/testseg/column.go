package testseg

import (
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

func floatText(f float64) string { return fmt.Sprintf("%b", f) }

func (c *testColumn) Meta() *segment.ColumnMeta { return &c.meta }

func (c *testColumn) Dictionary() segment.Dictionary {
	if c.dict == nil {
		return nil
	}
	return c.dict
}

func (c *testColumn) Nulls() *roaring.Bitmap {
	if c.nulls.IsEmpty() {
		return nil
	}
	return c.nulls
}

func (c *testColumn) ReadIDs(from uint32, dst []uint32) { copy(dst, c.ids[from:]) }

// mustAscend panics where a caller breaks the rule that documents ascend, which
// real columns rely on.
func mustAscend(docs []uint32) {
	for i := 1; i < len(docs); i++ {
		if docs[i] <= docs[i-1] {
			panic(fmt.Sprintf("testseg: document %d after %d", docs[i], docs[i-1]))
		}
	}
}

func (c *testColumn) GatherIDs(docs []uint32, dst []uint32) {
	mustAscend(docs)
	for i, d := range docs {
		dst[i] = c.ids[d]
	}
}

func (c *testColumn) MatchIDs(from uint32, n int, set segment.IDSet, dst column.Bitmap) {
	clear(dst[:column.Words(n)])
	for i := range n {
		if set.Contains(c.ids[int(from)+i]) {
			dst.Set(i)
		}
	}
}

func (c *testColumn) Read(from uint32, n int, dst *column.Vector) error {
	dst.Reset(c.meta.Type)
	for i := range n {
		dst.AppendFrom(c.spec.Vec, int(from)+i)
	}
	return nil
}

func (c *testColumn) Gather(docs []uint32, dst *column.Vector) error {
	mustAscend(docs)
	dst.Reset(c.meta.Type)
	for _, d := range docs {
		dst.AppendFrom(c.spec.Vec, int(d))
	}
	return nil
}

func (c *testColumn) MatchRange(from uint32, n int, r segment.ValueRange, dst column.Bitmap) (bool, error) {
	if !c.spec.FastRange {
		return false, nil
	}
	clear(dst[:column.Words(n)])
	t := c.meta.Type
	for i := range n {
		v := c.spec.Vec.Value(int(from) + i)
		if v.Null {
			continue
		}
		lo, hi := column.IntValue(t, r.LoInt), column.IntValue(t, r.HiInt)
		if k := t.Kind(); k == schema.KindFloat32 || k == schema.KindFloat64 {
			lo, hi = column.FloatValue(t, r.LoFloat), column.FloatValue(t, r.HiFloat)
		}
		if compare(v, lo) >= 0 && compare(v, hi) <= 0 {
			dst.Set(i)
		}
	}
	return true, nil
}

func (c *testColumn) Zones() *segment.Zones { return c.zones }

func (c *testColumn) Inverted() segment.InvertedIndex {
	if c.dict == nil || !c.spec.Inverted {
		return nil
	}
	return inverted{c}
}

func (c *testColumn) Ranges() segment.SortedIndex {
	if c.dict == nil || !c.spec.Ranges || !c.spec.Sorted || !c.nulls.IsEmpty() {
		return nil
	}
	for i := 1; i < len(c.ids); i++ {
		if c.ids[i] < c.ids[i-1] {
			return nil
		}
	}
	return ranges{c}
}

// dictionary is a dictionary searched linearly.
type dictionary struct {
	sorted   bool
	vals     *column.Vector
	identity *segment.Identity
}

func (d *dictionary) Identity() *segment.Identity { return d.identity }
func (d *dictionary) Len() int                    { return d.vals.N }
func (d *dictionary) Sorted() bool                { return d.sorted }
func (d *dictionary) Values() *column.Vector      { return d.vals }

func (d *dictionary) Lookup(v column.Value) (uint32, bool) {
	for i := range d.vals.N {
		if keyOf(d.vals.Value(i)) == keyOf(v) {
			return uint32(i), true
		}
	}
	return 0, false
}

func (d *dictionary) LowerBound(v column.Value) uint32 {
	for i := range d.vals.N {
		if compare(d.vals.Value(i), v) >= 0 {
			return uint32(i)
		}
	}
	return uint32(d.vals.N)
}

type inverted struct{ c *testColumn }

func (x inverted) SetDocs(id uint32, dst column.Bitmap) error {
	for _, d := range x.c.posts[id].ToArray() {
		dst.Set(int(d))
	}
	return nil
}

func (x inverted) Postings(id uint32) (*roaring.Bitmap, error) { return x.c.posts[id], nil }

func (x inverted) Count(id uint32) uint32 {
	return uint32(x.c.posts[id].GetCardinality())
}

type ranges struct{ c *testColumn }

func (x ranges) Range(lo, hi uint32) (start, end uint32) {
	n := uint32(len(x.c.ids))
	start, end = n, n
	for i, id := range x.c.ids {
		if id >= lo && uint32(i) < start {
			start = uint32(i)
		}
		if id > hi {
			end = uint32(i)
			break
		}
	}
	return min(start, end), end
}
