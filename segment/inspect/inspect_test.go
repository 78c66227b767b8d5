package inspect

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

var ctx = context.Background()

// events builds a small segment with typical columns.
func events(t *testing.T) (vfs.FS, build.Result) {
	t.Helper()
	s := &schema.Schema{Name: "events", Version: 2, Fields: []schema.Field{
		{ID: 1, Name: "country", Type: schema.Text},
		{ID: 2, Name: "user", Type: schema.Text},
		{ID: 3, Name: "price", Type: schema.Float64, Role: schema.Metric},
		{ID: 4, Name: "ts", Type: schema.TimestampTZ, Role: schema.DateTime},
		{ID: 5, Name: "payload", Type: schema.JSON},
		{ID: 6, Name: "tags", Type: schema.Text.AsList()},
		{ID: 8, Name: "later", Type: schema.Int32},
	}}
	cols := make([]*column.Vector, len(s.Fields))
	for i, f := range s.Fields {
		cols[i] = column.New(f.Type, 0)
	}
	const rows = 200
	for i := range rows {
		cols[0].AppendString([]string{"AT", "CH", "DE"}[i*7%3])
		cols[1].AppendString(fmt.Sprintf("user-%03d", i*37%50))
		if i%10 == 0 {
			cols[2].AppendNull()
		} else {
			cols[2].Append(column.FloatValue(schema.Float64, float64(i)/4))
		}
		cols[3].Append(column.IntValue(schema.TimestampTZ, 1_760_000_000_000_000+int64(i)*1000))
		cols[4].AppendString(fmt.Sprintf(`{"row": %d}`, i))
		tags := column.New(schema.Text, 0)
		for j := range i % 3 {
			tags.AppendString([]string{"new", "mobile"}[j])
		}
		cols[5].Append(column.Value{Type: schema.Text.AsList(), List: tags})
	}
	cols[6] = nil
	cfg := build.Config{
		Table: &schema.Table{Name: "events", Schema: s, Config: &schema.TableConfig{
			TimeColumn: "ts",
			Indexing:   schema.IndexingConfig{SortedColumn: "country", Inverted: []string{"user"}, Range: []string{"price", "ts"}, Timestamps: map[string][]schema.Granularity{"ts": {schema.GranularityMinute}}, Bloom: map[string]schema.BloomConfig{"user": {}}},
		}},
		Meta: &segment.Metadata{
			Name: "events__1__7__20261124T0800Z", Table: "events", TableID: 9, Streamed: true, Partition: 1,
			FirstSeq: 5000, StartOffset: "\x00\x10", EndOffset: "\x00\xd8", Records: rows, CreatedMicros: 1, SealedMicros: 2,
		},
	}
	mem := vfs.NewMem()
	res, err := build.FromBatches(ctx, mem, "seg", []*column.Batch{{N: rows, Cols: cols}}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return mem, res
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (run with -rewrite and look at the difference):\n%s", path, got)
	}
}

// TestDumpGolden also guards the bytes of the format: the checksums of all
// buffers are in the golden files.
func TestDumpGolden(t *testing.T) {
	fs, _ := events(t)
	r, err := Describe(fs, "seg", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var text, js bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteJSON(&js); err != nil {
		t.Fatal(err)
	}
	golden(t, "dump.txt", text.Bytes())
	golden(t, "dump.json", js.Bytes())
}

func TestDescribeNamedColumns(t *testing.T) {
	fs, _ := events(t)
	r, err := Describe(fs, "seg", Options{Columns: []string{"user"}, Samples: -1})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Columns) != 1 || r.Columns[0].Name != "user" || r.Columns[0].Samples != nil {
		t.Errorf("columns: %+v", r.Columns)
	}
}

func TestVerify(t *testing.T) {
	fs, res := events(t)
	v, err := Verify(ctx, fs, "seg")
	if err != nil {
		t.Fatal(err)
	}
	if v.CRC != res.CRC || v.Bytes != res.Bytes || v.Docs != 200 {
		t.Errorf("verified %+v, built %d bytes with CRC %08x", v, res.Bytes, res.CRC)
	}
	b, err := vfs.ReadFile(fs, "seg")
	if err != nil {
		t.Fatal(err)
	}
	for pos := 64; pos < len(b); pos += 97 {
		b[pos] ^= 4
		if err := vfs.WriteFile(fs, "bad", b); err != nil {
			t.Fatal(err)
		}
		b[pos] ^= 4
		if _, err := Verify(ctx, fs, "bad"); !errors.Is(err, segment.ErrCorrupt) && !errors.Is(err, segment.ErrUnsupported) {
			t.Fatalf("flipped bit of byte %d: %v", pos, err)
		}
	}
}

func TestDescribeNamesFaults(t *testing.T) {
	fs, _ := events(t)
	r, err := Describe(fs, "seg", Options{Columns: []string{"price"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := vfs.ReadFile(fs, "seg")
	if err != nil {
		t.Fatal(err)
	}
	b[r.Columns[0].Buffers[0].Offset] ^= 1
	if err := vfs.WriteFile(fs, "bad", b); err != nil {
		t.Fatal(err)
	}
	if r, err = Describe(fs, "bad", Options{Columns: []string{"price"}}); err != nil {
		t.Fatal(err)
	}
	if r.Columns[0].Fault == "" {
		t.Error("no fault shown for a corrupt column")
	}
}

func TestText(t *testing.T) {
	f := func(v column.Value, want string) {
		t.Helper()
		if got := Text(v); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(column.NullValue(schema.Int32), "NULL")
	f(column.BoolValue(true), "true")
	f(column.TextValue("a\"b"), `"a\"b"`)
	f(column.BytesValue(schema.Bytea, []byte{1, 255}), "01ff")
	f(column.FloatValue(schema.Float32, float64(float32(0.1))), "0.1")
	f(column.IntValue(schema.Type{ID: schema.TypeNumeric, Precision: 9, Scale: 2}, 1234), "12.34")
	f(column.Value{Type: schema.Interval, Iv: column.Interval{Months: 1, Days: 2, Micros: 3}}, "1 mon 2 days 3 us")
}
