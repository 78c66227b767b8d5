package mutable

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

// TestSealedEqualsConsuming writes a view to a file and reads it back: the
// same rows, NULLs included, in every column.
func TestSealedEqualsConsuming(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 11))
			table, gens := randomTable(r, 6)
			s, err := New(Config{Name: "t__3__0__x", Table: table, Partition: 3, FirstSeq: 10, StartOffset: "a"})
			if err != nil {
				t.Fatal(err)
			}
			ref := newNaive(table.Schema)
			target := []int{0, 1000, 30_000, 80_000}[seed]
			for rows := 0; rows < target; {
				b := randomBatch(r, gens, 1+r.IntN(target/4))
				mustAppend(t, s, b)
				ref.append(b)
				rows += b.N
			}
			mustCommit(t, s, Commit{NextOffset: "z", Records: 7, Rejected: 1})
			s.Seal()
			compareSealed(t, s.Snapshot(), ref, build.Config{Table: table})
		})
	}
}

func compareSealed(t *testing.T, view segment.Segment, ref *naive, cfg build.Config) {
	t.Helper()
	fs := vfs.NewMem()
	if _, err := build.Segment(context.Background(), fs, "seg", view, cfg); err != nil {
		t.Fatal(err)
	}
	sealed, err := immutable.Open(fs, "seg", immutable.Options{VerifyAll: true})
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Release()
	m := sealed.Metadata()
	if m.NumDocs != view.NumDocs() || m.FirstSeq != 10 || m.EndOffset != "z" || m.Records != 7 || m.Rejected != 1 || m.Consuming {
		t.Errorf("metadata of the sealed segment: %+v", m)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i, f := range cfg.Table.Schema.Fields {
		col, err := sealed.Column(f.ID)
		if err != nil {
			t.Fatal(err)
		}
		if col == nil {
			t.Fatalf("the sealed segment lacks column %s", f.Name)
		}
		checkRead(t, r, col, ref.cols[i], int(m.NumDocs))
		checkNulls(t, col, ref.cols[i], int(m.NumDocs))
	}
}

// TestNewAgreesWithBuild goes through all types and storage options: a table
// whose sealed segments cannot be built must not begin to consume, and no other
// may be refused.
func TestNewAgreesWithBuild(t *testing.T) {
	c := []string{"c"}
	options := []schema.IndexingConfig{
		{}, {Inverted: c}, {NoDictionary: c}, {Dictionary: c}, {SortedColumn: "c"},
		{Inverted: c, NoDictionary: c}, {Dictionary: c, NoDictionary: c}, {Inverted: c, Dictionary: c},
		{Compression: map[string]string{"c": "ZSTANDARD"}}, {Compression: map[string]string{"c": "nonsense"}},
	}
	for _, typ := range allTypes {
		s := &schema.Schema{Name: "t", Fields: []schema.Field{{ID: 1, Name: "c", Type: typ}}}
		plain, err := New(Config{Table: &schema.Table{Name: "t", Schema: s}})
		if err != nil {
			t.Fatal(err)
		}
		for _, ix := range options {
			table := &schema.Table{Name: "t", Schema: s, Config: &schema.TableConfig{Indexing: ix}}
			_, buildErr := build.Segment(context.Background(), vfs.NewMem(), "seg", plain.Snapshot(), build.Config{Table: table})
			_, newErr := New(Config{Table: table})
			if (buildErr == nil) != (newErr == nil) {
				t.Errorf("%s with %+v: New says %v, build says %v", typ, ix, newErr, buildErr)
			}
		}
	}
}
