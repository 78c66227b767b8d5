package load

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/alluviumdb/alluvium/bench/ssb"
	"github.com/alluviumdb/alluvium/ingest/file"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment/build"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustFind(t *testing.T, paths ...string) []file.Input {
	t.Helper()
	inputs, err := file.Find(context.Background(), paths, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return inputs
}

// collect returns an emit function and the segments that it got, by name.
func collect() (map[string]Built, func(context.Context, Built) error) {
	got := map[string]Built{}
	return got, func(_ context.Context, b Built) error {
		got[b.Name] = b
		return nil
	}
}

// TestParquetSegmentEqualsBatches checks that a segment built column by column
// from dictionary ids has the bytes of one built from the rows.
func TestParquetSegmentEqualsBatches(t *testing.T) {
	const rows = 20_000
	inputs := mustFind(t, ssbFile(t, rows))
	got, emit := collect()
	ctx := context.Background()
	sum, err := Build(ctx, Options{Table: ssbTable(), Dir: t.TempDir()}, inputs, emit)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || sum.Rows != rows || sum.Segments != 1 || len(sum.Names) != 1 {
		t.Fatalf("%d segments, summary %+v", len(got), sum)
	}
	b := got[sum.Names[0]]
	g := ssb.New(rows)
	var batches []*column.Batch
	for {
		var batch column.Batch
		if !g.Next(4096, &batch) {
			break
		}
		batches = append(batches, &batch)
	}
	want, err := build.FromBatches(ctx, vfs.OS, filepath.Join(t.TempDir(), "s"), batches, build.Config{Table: ssbTable(), Meta: b.Metadata})
	if err != nil {
		t.Fatal(err)
	}
	if want.CRC != b.CRC || want.Metadata.RowSum != b.Metadata.RowSum || want.Bytes != uint64(b.Bytes) {
		t.Fatalf("crc %x, %d bytes; from batches %x, %d bytes", b.CRC, b.Bytes, want.CRC, want.Bytes)
	}
}

// TestBuildIsDeterministic checks that neither workers nor a repetition change
// names or bytes, and that segments that are done are skipped.
func TestBuildIsDeterministic(t *testing.T) {
	path := ssbFile(t, 130_000) // two row groups, which are divided
	inputs := mustFind(t, path)
	load := func(workers int, done func(string) bool) (map[string]Built, Summary) {
		got, emit := collect()
		var last Progress
		sum, err := Build(context.Background(), Options{
			Table: ssbTable(), Dir: t.TempDir(), RowsPerSegment: 50_000, Workers: workers, Done: done,
			Progress: func(p Progress) { last = p },
		}, inputs, emit)
		if err != nil {
			t.Fatal(err)
		}
		if last.Rows != 130_000 || last.TotalRows != 130_000 || last.Bytes > last.TotalBytes || last.Files != 1 || last.Segments != len(sum.Names) {
			t.Fatalf("progress %+v", last)
		}
		return got, sum
	}
	one, sum := load(1, nil)
	two, sum2 := load(3, nil)
	if len(one) != 3 || !slices.Equal(sum.Names, sum2.Names) || sum.Rows != 130_000 {
		t.Fatalf("%d segments, %+v and %+v", len(one), sum, sum2)
	}
	for name, b := range one {
		if b.CRC != two[name].CRC || b.CRC == 0 || b.Metadata.NumDocs > 50_000 {
			t.Fatalf("%s: crc %x and %x, %d rows", name, b.CRC, two[name].CRC, b.Metadata.NumDocs)
		}
	}
	rest, sum3 := load(2, func(name string) bool { return name != sum.Names[1] })
	if len(rest) != 1 || sum3.Skipped != 2 || !slices.Equal(sum3.Names, sum.Names) || rest[sum.Names[1]].CRC != one[sum.Names[1]].CRC {
		t.Fatalf("resumed: %d segments, %+v", len(rest), sum3)
	}
}

func TestBuildFailures(t *testing.T) {
	good := ssbFile(t, 5000)
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, data []byte, want error) {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		_, emit := collect()
		_, err := Build(context.Background(), Options{Table: ssbTable(), Dir: dir}, mustFind(t, path), emit)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Fatalf("%s: %v", name, err)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 0 {
			t.Fatalf("%s: left behind %v %v", name, left, err)
		}
	}
	f("truncated.parquet", data[:len(data)/2], file.ErrCorrupt)
	f("empty.parquet", nil, file.ErrCorrupt)
	middle := slices.Clone(data)
	for i := range 2000 {
		middle[len(middle)/3+i] ^= 0x55
	}
	f("flipped.parquet", middle, file.ErrCorrupt)

	stop := errors.New("no room")
	_, err = Build(context.Background(), Options{Table: ssbTable(), Dir: t.TempDir()}, mustFind(t, good),
		func(context.Context, Built) error { return stop })
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, emit := collect()
	if _, err := Build(ctx, Options{Table: ssbTable(), Dir: t.TempDir()}, mustFind(t, good), emit); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// TestUnitsAreBalanced checks that row groups are divided evenly, with no
// segment above the limit and every row in one.
func TestUnitsAreBalanced(t *testing.T) {
	f := func(limit int, groups []int64, want int) {
		t.Helper()
		p := &planner{opt: &Options{RowsPerSegment: limit}, inputs: make([]file.Input, 1), rows: []int64{1}}
		var all []piece
		var total, got int64
		for i, n := range groups {
			all = append(all, piece{group: i, to: n})
			total += n
		}
		p.balance(all, total)
		least, most := total, int64(0)
		for _, u := range p.units {
			got += u.rows
			least, most = min(least, u.rows), max(most, u.rows)
		}
		if got != total || most > int64(limit) || len(p.units) != want || least < most/2 {
			t.Fatalf("%d of %d rows in %d units of %d to %d", got, total, len(p.units), least, most)
		}
	}
	f(3_000_000, slices.Repeat([]int64{122_880}, 97), 5)
	f(3_000_000, slices.Repeat([]int64{122_880}, 24), 1)
	f(3_000_000, []int64{12_000_000}, 4)
	f(100, []int64{7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}, 2)
	f(100, []int64{60, 60, 60, 60, 0, 1}, 3)
	f(1, []int64{5}, 5)
}
