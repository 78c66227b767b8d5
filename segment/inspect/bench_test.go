package inspect

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
)

func TestBench(t *testing.T) {
	fs, _ := events(t)
	cols, err := Bench(ctx, fs, "seg", BenchOptions{Time: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Describe(fs, "seg", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(cols) != len(r.Columns) {
		t.Fatalf("%d columns measured of %d", len(cols), len(r.Columns))
	}
	for i, c := range cols {
		if c.Read <= 0 || c.Gather <= 0 || c.Bytes != r.Columns[i].Bytes || c.IndexBytes > c.Bytes {
			t.Errorf("%+v", c)
		}
		// Lists, documents in chunks and columns that are all NULL are not compared.
		if matched := c.Match > 0; matched == (c.Name == "payload" || c.Name == "tags" || c.Name == "later") {
			t.Errorf("%s: matched %v rows/s", c.Name, c.Match)
		}
	}
	if cols[1].Name != "user" || cols[1].IndexBytes == 0 {
		t.Errorf("no index bytes: %+v", cols[1])
	}
	var b strings.Builder
	if err := WriteBench(&b, cols); err != nil || strings.Count(b.String(), "\n") != len(cols)+1 {
		t.Errorf("%v:\n%s", err, b.String())
	}
	if cols, err = Bench(ctx, fs, "seg", BenchOptions{Columns: []string{"price"}}); err != nil || len(cols) != 1 {
		t.Errorf("%d columns, %v", len(cols), err)
	}
}

func TestBenchFaults(t *testing.T) {
	fs, _ := events(t)
	b, err := vfs.ReadFile(fs, "seg")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Describe(fs, "seg", Options{Columns: []string{"price"}})
	if err != nil {
		t.Fatal(err)
	}
	b[r.Columns[0].Buffers[0].Offset] ^= 1
	if err := vfs.WriteFile(fs, "bad", b); err != nil {
		t.Fatal(err)
	}
	if _, err := Bench(ctx, fs, "bad", BenchOptions{}); !errors.Is(err, segment.ErrCorrupt) {
		t.Errorf("corrupt column: %v", err)
	}
}
