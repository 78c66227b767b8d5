package build

import (
	"context"
	"errors"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
)

// vectors are columns in memory, read in runs.
type vectors []*column.Vector

func (v vectors) Rows() int { return v[0].N }

func (v vectors) Read(_ context.Context, i int, f func(*column.Encoded) error) error {
	for from := 0; from < v[i].N; from += 1000 {
		part := v[i].Slice(from, min(v[i].N, from+1000))
		if err := f(&column.Encoded{N: part.N, Values: part}); err != nil {
			return err
		}
	}
	return nil
}

// TestColumnsEqualBatches reads columns that have too many values for a
// dictionary, exactly as many as allowed, and few; the batch builder does not
// know the number of rows and must come to the same bytes.
func TestColumnsEqualBatches(t *testing.T) {
	const rows = 6000
	times := make([]int64, rows)
	atLimit, few := make([]int64, rows), make([]int64, rows)
	text := column.New(schema.Text, 0)
	for i := range rows {
		times[i] = int64(i*7919%rows) * 1_000_003
		atLimit[i], few[i] = int64(i%(rows/4))*1_000_000_007, int64(i%9)
		text.AppendString(string(rune('a'+i%26)) + string(rune('a'+i/26)))
	}
	s := &schema.Schema{Name: "t", Version: 1, Fields: []schema.Field{
		{ID: 1, Name: "ts", Type: schema.Timestamp}, {ID: 2, Name: "limit", Type: schema.Int64},
		{ID: 3, Name: "few", Type: schema.Int64}, {ID: 4, Name: "word", Type: schema.Text},
	}}
	cfg := Config{Table: schema.NewTable(1, 1, "t", schema.Offline, s, &schema.TableConfig{Indexing: schema.IndexingConfig{
		SortedColumn: "few",
		Timestamps:   map[string][]schema.Granularity{"ts": {schema.GranularityMinute}},
	}})}
	cols := vectors{
		{Type: schema.Timestamp, N: rows, Int64s: times}, {Type: schema.Int64, N: rows, Int64s: atLimit},
		{Type: schema.Int64, N: rows, Int64s: few}, text,
	}
	ctx, fsys := context.Background(), vfs.NewMem()
	got, err := FromColumns(ctx, fsys, "columns", cols, cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Ahead = true
	ahead, err := FromColumns(ctx, fsys, "ahead", cols, cfg)
	if err != nil || ahead.CRC != got.CRC {
		t.Errorf("columns loaded ahead: checksum %08x, not %08x, %v", ahead.CRC, got.CRC, err)
	}
	want, err := FromBatches(ctx, fsys, "batches", []*column.Batch{{N: rows, Cols: cols}}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got.CRC != want.CRC || got.Bytes != want.Bytes {
		t.Errorf("%d bytes with checksum %08x, of batches %d with %08x", got.Bytes, got.CRC, want.Bytes, want.CRC)
	}
	id, _ := segment.TruncatedColumnID(1, schema.GranularityMinute)
	if m := got.Metadata.Column(id); m == nil || m.Cardinality == 0 {
		t.Error("the truncated times have no dictionary")
	}
}

// failing fails at its second column.
type failing struct{ vectors }

var errSource = errors.New("no second column")

func (f failing) Read(ctx context.Context, i int, g func(*column.Encoded) error) error {
	if i == 1 {
		return errSource
	}
	return f.vectors.Read(ctx, i, g)
}

func TestAheadStops(t *testing.T) {
	s := &schema.Schema{Name: "t", Version: 1}
	var cols vectors
	for i := range 4 {
		s.Fields = append(s.Fields, schema.Field{ID: uint32(i + 1), Name: string(rune('a' + i)), Type: schema.Int64})
		cols = append(cols, &column.Vector{Type: schema.Int64, N: 10, Int64s: make([]int64, 10)})
	}
	cfg := Config{Table: schema.NewTable(1, 1, "t", schema.Offline, s, &schema.TableConfig{}), Ahead: true}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := FromColumns(ctx, vfs.NewMem(), "s", failing{cols}, cfg); !errors.Is(err, errSource) {
		t.Errorf("error %v, want that of the source", err)
	}
	cancel()
	if _, err := FromColumns(ctx, vfs.NewMem(), "s", cols, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after the context ended", err)
	}
}
