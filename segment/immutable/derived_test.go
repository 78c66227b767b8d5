package immutable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
)

// customers has rows of a table that was joined with its customers: the name
// ascends with the key, address and phone do not, the city repeats.
func customers(t *testing.T, rows int) (*Segment, []*column.Vector) {
	t.Helper()
	s := &schema.Schema{Name: "sales", Fields: []schema.Field{
		{ID: 1, Name: "key", Type: schema.Int32}, {ID: 2, Name: "name", Type: schema.Text},
		{ID: 3, Name: "address", Type: schema.Text}, {ID: 4, Name: "phone", Type: schema.Int64},
		{ID: 5, Name: "city", Type: schema.Text}, {ID: 6, Name: "other", Type: schema.Int32},
		{ID: 7, Name: "holes", Type: schema.Text},
	}}
	cols := make([]*column.Vector, len(s.Fields))
	for i, f := range s.Fields {
		cols[i] = column.New(f.Type, rows)
	}
	rng := rand.New(rand.NewPCG(71, 72))
	for i := range rows {
		k := rng.IntN(1000)
		cols[0].Append(column.IntValue(schema.Int32, int64(k)*1_000_003))
		cols[1].AppendString(fmt.Sprintf("customer %04d", k))
		cols[2].AppendString(fmt.Sprintf("street %d", k*7919%1009/2))
		cols[3].Append(column.IntValue(schema.Int64, int64(k)*982_451_653%1_000_003))
		cols[4].AppendString(fmt.Sprintf("city %d", k%90))
		cols[5].Append(column.IntValue(schema.Int32, int64(rng.IntN(900))*999_983))
		if i%100 == 0 {
			cols[6].AppendNull()
		} else {
			cols[6].AppendString(fmt.Sprintf("maybe %d", k))
		}
	}
	mem := vfs.NewMem()
	table := &schema.Table{Name: "sales", Schema: s, Config: &schema.TableConfig{Indexing: schema.IndexingConfig{Inverted: []string{"address"}}}}
	if _, err := build.FromBatches(ctx, mem, "seg", []*column.Batch{{N: rows, Cols: cols}}, build.Config{Table: table}); err != nil {
		t.Fatal(err)
	}
	seg, err := Open(mem, "seg", Options{VerifyAll: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(seg.Release)
	return seg, cols
}

func TestColumnsThatFollowFromOthers(t *testing.T) {
	const rows = 20_000
	s, cols := customers(t, rows)
	want := map[uint32]segment.Encoding{
		1: segment.EncodingDict, 2: segment.EncodingDerived, 3: segment.EncodingDerived, 4: segment.EncodingDerived,
		5: segment.EncodingDict, 6: segment.EncodingDict, 7: segment.EncodingDict,
	}
	var v column.Vector
	for id, enc := range want {
		c, err := s.Column(id)
		if err != nil {
			t.Fatal(err)
		}
		if c.Meta().Encoding != enc {
			t.Errorf("column %s has encoding %d, want %d", c.Meta().Name, c.Meta().Encoding, enc)
		}
		if err := c.Read(0, rows, &v); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if a, b := v.Value(i), cols[id-1].Value(i); !v.IsNull(i) && segment.Compare(a, b) != 0 {
				t.Fatalf("column %s, row %d: %v, want %v", c.Meta().Name, i, a, b)
			}
		}
		if c.Dictionary() != nil {
			checkMatchIDs(t, c, rows)
		}
	}
}

// checkMatchIDs compares MatchIDs with ReadIDs.
func checkMatchIDs(t *testing.T, c segment.Column, rows int) {
	t.Helper()
	ids, bits := make([]uint32, rows), column.NewBitmap(rows)
	c.ReadIDs(0, ids)
	odd := column.NewBitmap(c.Dictionary().Len())
	for i := 1; i < c.Dictionary().Len(); i += 2 {
		odd.Set(i)
	}
	for _, set := range []segment.IDSet{{Lo: 3, Hi: 60}, {Lo: 0, Hi: ^uint32(0)}, {Lo: 2, Hi: 1}, {Bits: odd}} {
		const from = 700
		c.MatchIDs(from, rows-from, set, bits)
		for i := range rows - from {
			if bits.Get(i) != set.Contains(ids[from+i]) {
				t.Fatalf("column %s: row %d with id %d in %+v: %v", c.Meta().Name, from+i, ids[from+i], set, bits.Get(i))
			}
		}
	}
	n := testing.AllocsPerRun(20, func() { c.MatchIDs(70, 4096, segment.IDSet{Lo: 1, Hi: 9}, bits) })
	if n > 0.5 && !raceEnabled {
		t.Errorf("column %s: %v allocations", c.Meta().Name, n)
	}
}

func TestDerivedRefusesStrangeBases(t *testing.T) {
	s, _ := customers(t, 20_000)
	c, err := s.column(s.byID[3])
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []uint32{2, 3, 5, 7, 99} {
		fresh := *s.footer.Columns[s.byID[3]].Meta
		x := &Column{seg: s, entry: c.entry, meta: &fresh, rows: c.rows, dict: c.dict}
		raw := make([]byte, 64)
		binary.LittleEndian.PutUint32(raw, id)
		if err := x.openDerived(raw); !errors.Is(err, segment.ErrCorrupt) {
			t.Errorf("ids from column %d: %v", id, err)
		}
	}
}
