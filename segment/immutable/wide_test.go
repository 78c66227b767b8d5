package immutable

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
)

// wideSegment builds a segment with that many columns.
func wideSegment(tb testing.TB, fs vfs.FS, path string, columns, rows int) build.Result {
	tb.Helper()
	s := &schema.Schema{Name: "wide"}
	batch := &column.Batch{N: rows}
	for i := range columns {
		s.Fields = append(s.Fields, schema.Field{ID: uint32(i + 1), Name: fmt.Sprintf("column_%d", i), Type: schema.Int32})
		v := column.New(schema.Int32, rows)
		for j := range rows {
			v.Append(column.IntValue(schema.Int32, int64(j*i)))
		}
		batch.Cols = append(batch.Cols, v)
	}
	res, err := build.FromBatches(ctx, fs, path, []*column.Batch{batch}, build.Config{Table: &schema.Table{Schema: s}})
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

// TestWideTableOpensLazily checks over a real mapping that opening a wide
// table touches no column and that using one column touches only that.
func TestWideTableOpensLazily(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seg")
	res := wideSegment(t, vfs.OS, path, 5000, 3)
	if res.Bytes > 5000*300 {
		t.Errorf("%d bytes for 5,000 columns of three rows", res.Bytes)
	}
	s, err := Open(vfs.OS, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	if _, err := s.Column(4000); err != nil {
		t.Fatal(err)
	}
	used := 0
	for i := range s.columns {
		if s.columns[i].col != nil {
			used++
		}
	}
	if used != 1 {
		t.Errorf("%d columns were opened", used)
	}
}

func BenchmarkOpenWide(b *testing.B) {
	path := filepath.Join(b.TempDir(), "seg")
	wideSegment(b, vfs.OS, path, 5000, 3)
	for b.Loop() {
		s, err := Open(vfs.OS, path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Column(17); err != nil {
			b.Fatal(err)
		}
		s.Release()
	}
}

// TestConcurrentUse opens and reads columns from many goroutines while others
// retain and release.
func TestConcurrentUse(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 21))
	mem := vfs.NewMem()
	tb := smallTable(rng, 2000)
	tb.build(t, rng, mem, "seg")
	s, err := Open(mem, "seg", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			if !s.Retain() {
				t.Error("cannot retain")
				return
			}
			defer s.Release()
			for i := range s.columns {
				c, err := s.column((i + g) % len(s.columns))
				if err != nil {
					t.Error(err)
					return
				}
				if err := queryColumn(c, 2000, func([]byte) {}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s.Release()
	if _, err := s.Column(1); err != segment.ErrClosed {
		t.Errorf("closed segment: %v", err)
	}
}

func BenchmarkReadText(b *testing.B) {
	rng := rand.New(rand.NewPCG(22, 22))
	mem := vfs.NewMem()
	tb := smallTable(rng, 65536)
	tb.build(b, rng, mem, "seg")
	s, err := Open(mem, "seg", Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"dict", "for", "text", "float"} {
		c, err := s.Column(tb.cfg.Table.Schema.Fields[tb.cfg.Table.Schema.Index(name)].ID)
		if err != nil {
			b.Fatal(err)
		}
		var v column.Vector
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := c.Read(0, 65536, &v); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(65536*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
