package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/ingest/file"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

var ctx = context.Background()

func text3(i int) column.Value {
	return column.TextValue([]string{"plain", `with "quotes", commas`, "", "lines\nand\ttabs é"}[i%4])
}

// columns is a column of each type: its values by row.
var columns = []struct {
	name  string
	typ   schema.Type
	value func(i int) column.Value
}{
	{"flag", schema.Bool, func(i int) column.Value { return column.BoolValue(i%2 == 0) }},
	{"small", schema.Int16, func(i int) column.Value { return column.IntValue(schema.Int16, int64(i)-50) }},
	{"whole", schema.Int32, func(i int) column.Value { return column.IntValue(schema.Int32, int64(i)<<20) }},
	{"long", schema.Int64, func(i int) column.Value { return column.IntValue(schema.Int64, -int64(i)<<40) }},
	{"real", schema.Float32, func(i int) column.Value { return column.FloatValue(schema.Float32, float64(float32(i)/3)) }},
	{"double", schema.Float64, func(i int) column.Value { return column.FloatValue(schema.Float64, float64(i)/7) }},
	{"money", schema.Type{ID: schema.TypeNumeric, Precision: 12, Scale: 2}, func(i int) column.Value {
		return column.IntValue(schema.Type{ID: schema.TypeNumeric, Precision: 12, Scale: 2}, int64(i)*33-99)
	}},
	{"exact", schema.Numeric, func(i int) column.Value {
		return column.Value{Type: schema.Numeric, D: column.DecimalFromInt64(int64(i)*1001, 3)}
	}},
	{"day", schema.Date, func(i int) column.Value { return column.IntValue(schema.Date, int64(i)*300) }},
	{"clock", schema.Time, func(i int) column.Value { return column.IntValue(schema.Time, int64(i)*1_234_567) }},
	{"at", schema.Timestamp, func(i int) column.Value { return column.IntValue(schema.Timestamp, int64(i)*1e12+5) }},
	{"instant", schema.TimestampTZ, func(i int) column.Value { return column.IntValue(schema.TimestampTZ, int64(i)*1e12+5) }},
	{"words", schema.Text, text3},
	{"doc", schema.JSON, func(i int) column.Value {
		return column.BytesValue(schema.JSON, fmt.Appendf(nil, `{"row":%d,"tags":["a\n","b"]}`, i))
	}},
	{"raw", schema.Bytea, func(i int) column.Value { return column.BytesValue(schema.Bytea, []byte{byte(i), 0, 255}) }},
	{"uuid", schema.UUID, func(i int) column.Value { return column.BytesValue(schema.UUID, fmt.Appendf(nil, "%016d", i)) }},
	{"tags", schema.Text.AsList(), func(i int) column.Value {
		l := column.New(schema.Text, 0)
		for k := range i % 3 {
			l.AppendString([]string{"new", "mobile, blue"}[k])
		}
		return column.Value{Type: schema.Text.AsList(), List: l}
	}},
	{"numbers", schema.Int64.AsList(), func(i int) column.Value {
		l := column.New(schema.Int64, 0)
		for k := range i % 4 {
			l.Append(column.IntValue(schema.Int64, int64(i*k)))
		}
		return column.Value{Type: schema.Int64.AsList(), List: l}
	}},
}

func table(rows int, keep func(schema.Type) bool) (*schema.Table, *column.Batch) {
	s := &schema.Schema{Name: "t", Version: 1}
	b := &column.Batch{N: rows}
	for k, c := range columns {
		if !keep(c.typ) {
			continue
		}
		s.Fields = append(s.Fields, schema.Field{ID: uint32(k + 1), Name: c.name, Type: c.typ})
		v := column.New(c.typ, rows)
		for i := range rows {
			if (i+k)%11 == 0 {
				v.AppendNull()
			} else {
				v.Append(c.value(i))
			}
		}
		b.Cols = append(b.Cols, v)
	}
	return schema.NewTable(1, 1, "t", schema.Offline, s, &schema.TableConfig{}), b
}

func segmentOf(t *testing.T, tab *schema.Table, batches ...*column.Batch) *immutable.Segment {
	t.Helper()
	mem := vfs.NewMem()
	if _, err := build.FromBatches(ctx, mem, "s", batches, build.Config{Table: tab, Meta: &segment.Metadata{Name: "s", Table: "t"}}); err != nil {
		t.Fatal(err)
	}
	seg, err := immutable.Open(mem, "s", immutable.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(seg.Release)
	return seg
}

// TestRoundTrip checks that the rows of a written file are those of the segment.
func TestRoundTrip(t *testing.T) {
	f := func(format Format, name string) {
		t.Helper()
		tab, rows := table(300, func(schema.Type) bool { return true })
		seg := segmentOf(t, tab, rows)
		path := filepath.Join(t.TempDir(), name)
		var out bytes.Buffer
		if err := Write(ctx, &out, format, seg); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		back := segmentOf(t, tab, readBack(t, path, tab.Schema)...)
		if got, want := back.Metadata().RowSum, seg.Metadata().RowSum; got != want {
			t.Errorf("%s: rows have the sum %x, want %x", name, got, want)
			difference(t, seg, back)
		}
	}
	f(CSV, "a.csv")
	f(JSON, "a.json")
	f(Parquet, "a.parquet")
}

func readBack(t *testing.T, path string, s *schema.Schema) []*column.Batch {
	t.Helper()
	inputs, err := file.Find(ctx, []string{path}, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := file.Open(ctx, inputs[0], s, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out []*column.Batch
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		part := &column.Batch{N: b.N}
		for _, v := range b.Cols {
			c := column.New(v.Type, v.N)
			for i := range v.N {
				c.AppendFrom(v, i)
			}
			part.Cols = append(part.Cols, c)
		}
		out = append(out, part)
	}
}

// difference names the columns that differ.
func difference(t *testing.T, a, b *immutable.Segment) {
	t.Helper()
	for i := range a.Metadata().Columns {
		m := &a.Metadata().Columns[i]
		x, _ := a.Column(m.ID)
		y, _ := b.Column(m.ID)
		var v, w column.Vector
		if x.Read(0, int(a.NumDocs()), &v) != nil || y.Read(0, int(b.NumDocs()), &w) != nil {
			continue
		}
		for k := range v.N {
			if got, want := fmt.Sprintf("%+v", w.Value(k)), fmt.Sprintf("%+v", v.Value(k)); got != want && v.Kind() != schema.KindList {
				t.Errorf("%s, row %d: got %s, want %s", m.Name, k, got, want)
				break
			}
		}
	}
}

func TestTextForms(t *testing.T) {
	f := func(format Format, want string) {
		t.Helper()
		s := &schema.Schema{Name: "t", Version: 1, Fields: []schema.Field{
			{ID: 1, Name: "a", Type: schema.Text}, {ID: 2, Name: "f", Type: schema.Float64}, {ID: 3, Name: "d", Type: schema.JSON},
		}}
		b := &column.Batch{N: 2, Cols: []*column.Vector{column.New(schema.Text, 0), column.New(schema.Float64, 0), column.New(schema.JSON, 0)}}
		b.Cols[0].AppendString(`say "x"`)
		b.Cols[0].AppendNull()
		for _, x := range []string{"1.5", "NaN"} {
			var v float64
			fmt.Sscan(x, &v)
			b.Cols[1].Append(column.FloatValue(schema.Float64, v))
		}
		b.Cols[2].AppendString(`{"k":[1]}`)
		b.Cols[2].AppendString(`"text"`)
		seg := segmentOf(t, schema.NewTable(1, 1, "t", schema.Offline, s, &schema.TableConfig{}), b)
		var out strings.Builder
		if err := Write(ctx, &out, format, seg); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	}
	f(CSV, "a,f,d\n\"say \"\"x\"\"\",1.5,\"{\"\"k\"\":[1]}\"\n,NaN,\"\"\"text\"\"\"\n")
	f(JSON, "{\"a\":\"say \\\"x\\\"\",\"f\":1.5,\"d\":{\"k\":[1]}}\n{\"f\":\"NaN\",\"d\":\"text\"}\n")
}

func TestWriteErrors(t *testing.T) {
	s := &schema.Schema{Name: "t", Version: 1, Fields: []schema.Field{{ID: 1, Name: "tags", Type: schema.Text.AsList()}}}
	l := column.New(schema.Text, 0)
	l.AppendString("a;b")
	b := &column.Batch{N: 1, Cols: []*column.Vector{column.New(schema.Text.AsList(), 0)}}
	b.Cols[0].Append(column.Value{Type: schema.Text.AsList(), List: l})
	seg := segmentOf(t, schema.NewTable(1, 1, "t", schema.Offline, s, &schema.TableConfig{}), b)
	if err := Write(ctx, io.Discard, CSV, seg); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), `row 1, column "tags"`) {
		t.Errorf("CSV of an element with a semicolon: %v", err)
	}
	full := errors.New("disk full")
	for _, f := range []Format{Parquet, JSON} {
		if err := Write(ctx, failing{full}, f, seg); !errors.Is(err, full) {
			t.Errorf("format %d on a full disk: %v", f, err)
		}
	}
	if _, err := ParseFormat("xml"); !errors.Is(err, ErrFormat) {
		t.Errorf("xml: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
