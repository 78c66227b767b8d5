package immutable

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
)

// bigDictRows is the number of rows, all different, of BenchmarkBigDictionary;
// ALLUVIUM_BENCH_DICT changes it.
func bigDictRows(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("ALLUVIUM_BENCH_DICT"))
	if os.Getenv("ALLUVIUM_BENCH_DICT") == "" {
		return 1_000_000
	}
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// bigKey is a key of 16 bytes that no neighbour resembles.
func bigKey(dst []byte, i int) []byte {
	return fmt.Appendf(dst, "%016x", uint64(i+1)*0x9e3779b97f4a7c15)
}

func buildBigDict(b *testing.B, path string, rows int) {
	s := &schema.Schema{Name: "t", Version: 1, Fields: []schema.Field{
		{ID: 1, Name: "key", Type: schema.Text}, {ID: 2, Name: "number", Type: schema.Int64, Role: schema.Metric},
	}}
	w, err := build.NewBuilder(build.Config{
		Table: &schema.Table{Name: "t", Schema: s, Config: &schema.TableConfig{Indexing: schema.IndexingConfig{Dictionary: []string{"key"}, Inverted: []string{"key"}}}},
		Meta:  &segment.Metadata{Name: "s", Table: "t"},
	})
	if err != nil {
		b.Fatal(err)
	}
	var key []byte
	for from := 0; from < rows; from += 65536 {
		n := min(65536, rows-from)
		batch := &column.Batch{N: n, Cols: []*column.Vector{column.New(schema.Text, n), column.New(schema.Int64, n)}}
		for i := range n {
			key = bigKey(key[:0], from+i)
			batch.Cols[0].AppendBytes(key)
			batch.Cols[1].Int64s = append(batch.Cols[1].Int64s, int64(i))
		}
		batch.Cols[1].N = n
		if err := w.Add(batch); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := w.Write(context.Background(), vfs.OS, path); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkBigDictionary measures what a dictionary of as many values as rows
// costs: the build, the opening of the segment, the first use of the other
// column and of this one, and one key's documents after that.
func BenchmarkBigDictionary(b *testing.B) {
	rows := bigDictRows(b)
	path := filepath.Join(b.TempDir(), "s")
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			buildBigDict(b, path, rows)
		}
	})
	open := func(b *testing.B) *Segment {
		s, err := Open(vfs.OS, path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	use := func(b *testing.B, s *Segment, id uint32) segment.Column {
		c, err := s.Column(id)
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			open(b).Release()
		}
	})
	b.Run("first use of number", func(b *testing.B) {
		for b.Loop() {
			s := open(b)
			use(b, s, 2)
			s.Release()
		}
	})
	b.Run("first use of key", func(b *testing.B) {
		for b.Loop() {
			s := open(b)
			use(b, s, 1)
			s.Release()
		}
	})
	b.Run("look-up", func(b *testing.B) {
		s := open(b)
		defer s.Release()
		c := use(b, s, 1)
		c.Inverted()
		var key []byte
		for i := 0; b.Loop(); i++ {
			key = bigKey(key[:0], i*7919%rows)
			id, ok := c.Dictionary().Lookup(column.BytesValue(schema.Text, key))
			if !ok {
				b.Fatalf("no %s", key)
			}
			if _, err := c.Inverted().Postings(id); err != nil {
				b.Fatal(err)
			}
		}
	})
}
