package immutable

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// queryElements reads the elements of a list column in every way.
func queryElements(c *Column, note func([]byte)) error {
	e := c.Elements()
	if e == nil {
		return nil
	}
	starts := make([]int64, c.rows+1)
	e.Starts(0, starts)
	note(encoding.Bytes(starts))
	ids := make([]uint32, starts[c.rows])
	e.Column().ReadIDs(0, ids)
	note(encoding.Bytes(ids))
	inv := e.Inverted()
	if inv == nil {
		return nil
	}
	for id := range e.Column().Dictionary().Len() {
		docs, err := inv.Postings(uint32(id))
		if err != nil {
			return err
		}
		note(encoding.Bytes(docs.ToArray()))
	}
	return nil
}

// listTable has a column of lists of numbers: some NULL, some empty, some with
// NULLs and repeated elements.
func listTable(rng *rand.Rand, rows, card int, ix schema.IndexingConfig) (*table, [][]int64) {
	v, want := column.New(schema.Int64.AsList(), rows), make([][]int64, rows)
	for i := range rows {
		if rng.IntN(9) == 0 {
			v.AppendNull()
			continue
		}
		l := column.New(schema.Int64, 0)
		for range rng.IntN(5) {
			if rng.IntN(9) == 0 {
				l.AppendNull()
				continue
			}
			x := int64(rng.IntN(card)) * 7
			l.Append(column.IntValue(schema.Int64, x))
			want[i] = append(want[i], x)
		}
		v.Append(column.Value{Type: schema.Int64.AsList(), List: l})
	}
	s := &schema.Schema{Name: "t", Version: 1, Fields: []schema.Field{{ID: 1, Name: "mv", Type: v.Type}}}
	return &table{n: rows, cols: []*column.Vector{v}, cfg: build.Config{
		Table: &schema.Table{Name: "t", Schema: s, Config: &schema.TableConfig{Indexing: ix}}, Meta: &segment.Metadata{Name: "s", Table: "t"},
	}}, want
}

func TestElements(t *testing.T) {
	f := func(rows, card int, ix schema.IndexingConfig, indexed bool) {
		t.Helper()
		rng := rand.New(rand.NewPCG(uint64(rows), uint64(card)))
		tb, want := listTable(rng, rows, card, ix)
		fs := vfs.NewMem()
		tb.build(t, rng, fs, "s")
		s, err := Open(fs, "s", Options{VerifyAll: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Release()
		c, err := s.Column(1)
		if err != nil {
			t.Fatal(err)
		}
		if c.Dictionary() != nil || c.Inverted() != nil {
			t.Fatal("a list column has a dictionary or index of its own")
		}
		e := c.(segment.MultiValued).Elements()
		if e == nil {
			t.Fatal("elements have no dictionary")
		}
		inv := e.Inverted()
		if indexed != (inv != nil) || indexed != slices.Contains(c.Meta().Indexes, "inverted") {
			t.Fatalf("index %v, named %v", inv != nil, c.Meta().Indexes)
		}
		if !indexed {
			return
		}
		dict := e.Column().Dictionary()
		for id := range uint32(dict.Len()) {
			docs, err := inv.Postings(id)
			if err != nil {
				t.Fatal(err)
			}
			x := dict.Values().Int64s[id]
			var holds []uint32
			for i, l := range want {
				if slices.Contains(l, x) {
					holds = append(holds, uint32(i))
				}
			}
			if !slices.Equal(docs.ToArray(), holds) || int(inv.Count(id)) != len(holds) {
				t.Fatalf("documents with %d: %v, want %v", x, docs.ToArray(), holds)
			}
		}
	}
	f(500, 20, schema.IndexingConfig{}, false)
	f(500, 20, schema.IndexingConfig{Inverted: []string{"mv"}}, true)
	f(3000, 1, schema.IndexingConfig{Inverted: []string{"mv"}}, true)
	f(2000, 1500, schema.IndexingConfig{Inverted: []string{"mv"}}, true)
	f(2000, 100_000, schema.IndexingConfig{Dictionary: []string{"mv"}}, false)
}

func TestElementPlans(t *testing.T) {
	f := func(typ schema.Type, ix schema.IndexingConfig, ok bool) {
		t.Helper()
		s := &schema.Schema{Name: "t", Version: 1, Fields: []schema.Field{{ID: 1, Name: "mv", Type: typ}}}
		err := build.CheckConfig(&schema.Table{Name: "t", Schema: s, Config: &schema.TableConfig{Indexing: ix}})
		if (err == nil) != ok || err != nil && !errors.Is(err, segment.ErrUnsupported) {
			t.Errorf("%v %+v: %v", typ, ix, err)
		}
	}
	mv := []string{"mv"}
	f(schema.Text.AsList(), schema.IndexingConfig{Inverted: mv}, true)
	f(schema.Symbol.AsList(), schema.IndexingConfig{Inverted: mv}, true)
	f(schema.Text.AsList(), schema.IndexingConfig{Inverted: mv, NoDictionary: mv}, false)
	f(schema.Interval.AsList(), schema.IndexingConfig{Inverted: mv}, false)
	f(schema.Text.AsList(), schema.IndexingConfig{SortedColumn: "mv"}, false)
	f(schema.Text.AsList(), schema.IndexingConfig{NoDictionary: mv}, true)
}
