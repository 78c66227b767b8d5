package build

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
)

var ctx = context.Background()

// arrival is a segment as a consuming one looks like: dictionaries in order of
// arrival, with values that no row of the view has, or plain values.
type arrival struct {
	meta segment.Metadata
	cols map[uint32]*arrivalColumn
}

func (a *arrival) Metadata() *segment.Metadata { return &a.meta }
func (a *arrival) NumDocs() uint32             { return a.meta.NumDocs }
func (a *arrival) Retain() bool                { return true }
func (a *arrival) Release()                    {}
func (a *arrival) Column(id uint32) (segment.Column, error) {
	if c := a.cols[id]; c != nil {
		return c, nil
	}
	return nil, nil
}

type arrivalColumn struct {
	segment.Column // what a build does not use
	meta           segment.ColumnMeta
	rows           *column.Vector
	nulls          *roaring.Bitmap
	dict           *column.Vector
	ids            []uint32
	err            error
}

func (c *arrivalColumn) Meta() *segment.ColumnMeta          { return &c.meta }
func (c *arrivalColumn) Nulls() *roaring.Bitmap             { return c.nulls }
func (c *arrivalColumn) ReadIDs(from uint32, dst []uint32)  { copy(dst, c.ids[from:]) }
func (c *arrivalColumn) Values() *column.Vector             { return c.dict }
func (c *arrivalColumn) Len() int                           { return c.dict.N }
func (c *arrivalColumn) Sorted() bool                       { return false }
func (c *arrivalColumn) Identity() *segment.Identity        { return nil }
func (c *arrivalColumn) Lookup(column.Value) (uint32, bool) { return 0, false }
func (c *arrivalColumn) LowerBound(column.Value) uint32     { return 0 }
func (c *arrivalColumn) Dictionary() segment.Dictionary {
	if c.dict == nil {
		return nil
	}
	return c
}

func (c *arrivalColumn) Read(from uint32, n int, dst *column.Vector) error {
	if c.err != nil {
		return c.err
	}
	dst.Reset(c.rows.Type)
	for i := range n {
		dst.AppendFrom(c.rows, int(from)+i)
	}
	return nil
}

// arrive makes the consuming form of rows; extra precedes the dictionary.
func arrive(rows *column.Vector, id uint32, withDict bool, extra ...column.Value) *arrivalColumn {
	c := &arrivalColumn{meta: segment.ColumnMeta{ID: id, Type: rows.Type}, rows: rows, nulls: roaring.New()}
	for i := range rows.N {
		if rows.IsNull(i) {
			c.nulls.Add(uint32(i))
		}
	}
	if !withDict {
		return c
	}
	c.dict = column.New(rows.Type, 0)
	ids := map[string]uint32{}
	add := func(v column.Value) uint32 {
		k := string(column.AppendValue(nil, v))
		if _, ok := ids[k]; !ok {
			ids[k] = uint32(c.dict.N)
			c.dict.Append(v)
		}
		return ids[k]
	}
	for _, v := range extra {
		add(v)
	}
	for i := range rows.N {
		id := uint32(0)
		if v := rows.Value(i); !v.Null {
			id = add(v)
		}
		c.ids = append(c.ids, id)
	}
	return c
}

func testTable(sorted string) *schema.Table {
	return &schema.Table{Name: "t", Config: &schema.TableConfig{TimeColumn: "day", Indexing: schema.IndexingConfig{
		SortedColumn: sorted, Inverted: []string{"country"},
	}}, Schema: &schema.Schema{Name: "t", Version: 1, Fields: []schema.Field{
		{ID: 1, Name: "country", Type: schema.Text},
		{ID: 2, Name: "amount", Type: schema.Float64, Role: schema.Metric},
		{ID: 3, Name: "code", Type: schema.Int64},
		{ID: 4, Name: "day", Type: schema.Date},
	}}}
}

func testRows(n int) []*column.Vector {
	rng := rand.New(rand.NewPCG(3, 3))
	cols := []*column.Vector{
		column.New(schema.Text, 0), column.New(schema.Float64, 0), column.New(schema.Int64, 0), column.New(schema.Date, 0),
	}
	for range n {
		if rng.IntN(20) == 0 {
			cols[0].AppendNull()
		} else {
			cols[0].AppendString([]string{"US", "DE", "CH", "AT"}[rng.IntN(4)])
		}
		cols[1].Append(column.FloatValue(schema.Float64, []float64{0, math.Copysign(0, -1), 1.5, math.NaN()}[rng.IntN(4)]))
		cols[2].Append(column.IntValue(schema.Int64, rng.Int64N(1<<40)))
		cols[3].Append(column.IntValue(schema.Date, 20000+rng.Int64N(30)))
	}
	return cols
}

// TestSameRowsSameBytes builds one table from batches of different sizes and
// from consuming segments with and without dictionaries.
func TestSameRowsSameBytes(t *testing.T) {
	const n = 3000
	for _, sorted := range []string{"", "country", "code"} {
		cols := testRows(n)
		meta := &segment.Metadata{Name: "s", Streamed: true, FirstSeq: 7}
		cfg := Config{Table: testTable(sorted), Meta: meta}
		fs := vfs.NewMem()
		want, err := FromBatches(ctx, fs, "a", []*column.Batch{{N: n, Cols: cols}}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		var parts []*column.Batch
		for from := 0; from < n; from += 700 {
			b := &column.Batch{N: min(700, n-from)}
			for _, c := range cols {
				b.Cols = append(b.Cols, c.Slice(from, from+b.N))
			}
			parts = append(parts, b)
		}
		if got, err := FromBatches(ctx, fs, "b", parts, cfg); err != nil || got.CRC != want.CRC {
			t.Errorf("sorted %q: batches of other sizes give other bytes: %v", sorted, err)
		}
		for _, withDict := range []bool{false, true} {
			src := &arrival{meta: *meta, cols: map[uint32]*arrivalColumn{}}
			src.meta.NumDocs, src.meta.Consuming = n, true
			for i, c := range cols {
				extra := column.NullValue(c.Type)
				extra.Null, extra.B = false, []byte("unused")
				extra.I, extra.F = -77, -77
				src.cols[uint32(i+1)] = arrive(c, uint32(i+1), withDict, extra)
			}
			got, err := Segment(ctx, fs, "c", src, Config{Table: cfg.Table})
			if err != nil || got.CRC != want.CRC || got.Metadata.RowSum != want.Metadata.RowSum {
				t.Errorf("sorted %q, dictionary %v: consuming segment gives other bytes: %v", sorted, withDict, err)
			}
		}
	}
}

func TestMetadata(t *testing.T) {
	cols := testRows(500)
	res, err := FromBatches(ctx, vfs.NewMem(), "a", []*column.Batch{{N: 500, Cols: cols}}, Config{Table: testTable("")})
	if err != nil {
		t.Fatal(err)
	}
	m := res.Metadata
	days := slices.Clone(cols[3].Int32s)
	slices.Sort(days)
	if !m.HasTime || m.TimeColumn != 4 || m.MinTime != int64(days[0])*dayMicros || m.MaxTime != int64(days[499])*dayMicros {
		t.Errorf("time range [%d, %d] of column %d", m.MinTime, m.MaxTime, m.TimeColumn)
	}
	if c := m.Column(1); c.Cardinality != 4 || string(c.Min.B) != "AT" || string(c.Max.B) != "US" ||
		c.Encoding != segment.EncodingDict || !slices.Equal(c.Indexes, []string{"inverted"}) {
		t.Errorf("column country: %+v", c)
	}
	if c := m.Column(3); c.Encoding != segment.EncodingFOR || c.Cardinality != 0 {
		t.Errorf("column code: %+v", c)
	}
	if m.Consuming || m.SchemaVersion != 1 || m.NumDocs != 500 {
		t.Errorf("metadata %+v", m)
	}
}

func TestWideningAndMissingColumns(t *testing.T) {
	old := column.New(schema.Int32, 0)
	for i := range 10 {
		old.Append(column.IntValue(schema.Int32, int64(i)))
	}
	src := &arrival{meta: segment.Metadata{NumDocs: 10}, cols: map[uint32]*arrivalColumn{1: arrive(old, 1, true)}}
	table := &schema.Table{Schema: &schema.Schema{Fields: []schema.Field{
		{ID: 1, Name: "a", Type: schema.Int64}, {ID: 9, Name: "added", Type: schema.Text},
	}}}
	fs := vfs.NewMem()
	res, err := Segment(ctx, fs, "a", src, Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	if c := res.Metadata.Column(1); c.Type != schema.Int64 || c.Max.I != 9 {
		t.Errorf("widened column: %+v", c)
	}
	if c := res.Metadata.Column(9); c.Nulls != 10 || c.Encoding != segment.EncodingConst {
		t.Errorf("added column: %+v", c)
	}
	table.Schema.Fields[0].Type = schema.Text
	if _, err := Segment(ctx, fs, "b", src, Config{Table: table}); !errors.Is(err, segment.ErrUnsupported) {
		t.Errorf("integer as text: %v", err)
	}
}

func TestSourceErrorsAreReturned(t *testing.T) {
	c := arrive(testRows(10)[2], 3, false)
	c.err = segment.Corruptf("block")
	src := &arrival{meta: segment.Metadata{NumDocs: 10}, cols: map[uint32]*arrivalColumn{3: c}}
	fs := vfs.NewMem()
	if _, err := Segment(ctx, fs, "a", src, Config{Table: testTable("")}); !errors.Is(err, segment.ErrCorrupt) {
		t.Errorf("corrupt source: %v", err)
	}
	if names, _ := fs.List("."); len(names) != 0 {
		t.Errorf("left %v", names)
	}
}

func TestCheckConfig(t *testing.T) {
	f := func(change func(*schema.Table), want string) {
		t.Helper()
		table := testTable("country")
		change(table)
		err := CheckConfig(table)
		if want == "" {
			if err != nil {
				t.Error(err)
			}
			return
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	ix := func(change func(*schema.IndexingConfig)) func(*schema.Table) {
		return func(tb *schema.Table) { change(&tb.Config.Indexing) }
	}
	f(func(*schema.Table) {}, "")
	f(ix(func(x *schema.IndexingConfig) { x.Range = []string{"nope"} }), `rangeIndexColumns: no column "nope"`)
	f(func(tb *schema.Table) {
		tb.Schema.Fields[0].Type = schema.JSON
		tb.Config.Indexing = schema.IndexingConfig{Range: []string{"country"}}
	}, `range index of column "country"`)
	f(ix(func(x *schema.IndexingConfig) { x.Bloom = map[string]schema.BloomConfig{"nope": {}} }), `bloomFilterColumns: no column "nope"`)
	f(func(tb *schema.Table) {
		tb.Schema.Fields[0].Type = schema.JSON
		tb.Config.Indexing = schema.IndexingConfig{Bloom: map[string]schema.BloomConfig{"country": {}}}
	}, `bloom filter of column "country"`)
	f(ix(func(x *schema.IndexingConfig) { x.SortedColumn = "nope" }), `no column "nope"`)
	f(ix(func(x *schema.IndexingConfig) { x.NoDictionary = []string{"country"} }), "no dictionary")
	f(ix(func(x *schema.IndexingConfig) { x.Compression = map[string]string{"code": "CLP"} }), `codec "CLP"`)
	f(func(tb *schema.Table) { tb.Schema.Fields[1].ID = 1 }, `"amount"`)
	f(func(tb *schema.Table) { tb.Schema.Fields[0].Type = schema.Text.AsList() }, "sorting by column")
	f(func(tb *schema.Table) { tb.Schema = nil }, "no schema")
}

func TestEncodingChoices(t *testing.T) {
	const n = 20_000
	f := func(name string, typ schema.Type, value func(i int) column.Value, change func(*schema.IndexingConfig, *schema.Field), want segment.Encoding) {
		t.Helper()
		v := column.New(typ, n)
		for i := range n {
			v.Append(value(i))
		}
		field := schema.Field{ID: 1, Name: "c", Type: typ}
		table := &schema.Table{Config: &schema.TableConfig{}}
		if change != nil {
			change(&table.Config.Indexing, &field)
		}
		table.Schema = &schema.Schema{Fields: []schema.Field{field}}
		res, err := FromBatches(ctx, vfs.NewMem(), "a", []*column.Batch{{N: n, Cols: []*column.Vector{v}}}, Config{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Metadata.Columns[0].Encoding; got != want {
			t.Errorf("%s: encoding %d, want %d", name, got, want)
		}
	}
	integer := func(g func(i int) int64) func(int) column.Value {
		return func(i int) column.Value { return column.IntValue(schema.Int64, g(i)) }
	}
	text := func(g func(i int) string) func(int) column.Value {
		return func(i int) column.Value { return column.TextValue(g(i)) }
	}
	noDict := func(ix *schema.IndexingConfig, _ *schema.Field) { ix.NoDictionary = []string{"c"} }
	dict := func(ix *schema.IndexingConfig, _ *schema.Field) { ix.Dictionary = []string{"c"} }
	pass := func(ix *schema.IndexingConfig, _ *schema.Field) {
		ix.NoDictionary, ix.Compression = []string{"c"}, map[string]string{"c": "PASS_THROUGH"}
	}
	metric := func(_ *schema.IndexingConfig, f *schema.Field) { f.Role = schema.Metric }
	small := integer(func(i int) int64 { return int64(i*7919%50) * 1_000_000 })

	f("few values", schema.Int64, small, nil, segment.EncodingDict)
	f("few values without dictionary", schema.Int64, small, noDict, segment.EncodingFOR)
	f("few values passed through", schema.Int64, small, pass, segment.EncodingRaw)
	f("metric of dense values", schema.Int64, integer(func(i int) int64 { return int64(i * 7919 % 50) }), metric, segment.EncodingFOR)
	f("sorted", schema.Int64, integer(func(i int) int64 { return int64(i / 1000) }), nil, segment.EncodingSortedRuns)
	f("ascending", schema.Int64, integer(func(i int) int64 { return int64(i) * 1_000_000 }), nil, segment.EncodingDelta)
	random := integer(func(i int) int64 { return int64(segment.NewCellHasher(uint32(i)).Null()) })
	f("random", schema.Int64, random, nil, segment.EncodingRaw)
	f("random with dictionary", schema.Int64, random, dict, segment.EncodingDict)
	f("one value", schema.Int64, integer(func(int) int64 { return 5 }), nil, segment.EncodingConst)
	f("unique names", schema.Text, text(func(i int) string { return fmt.Sprint("user-", i*7919%n) }), nil, segment.EncodingDict)
	f("names without dictionary", schema.Text, text(func(i int) string { return fmt.Sprint(i) }), noDict, segment.EncodingChunked)
	f("documents", schema.JSON, func(i int) column.Value {
		return column.BytesValue(schema.JSON, fmt.Appendf(nil, `{"some": "document", "number": %d}`, i))
	}, nil, segment.EncodingChunked)
}

func TestBuilderRefusesWrongBatches(t *testing.T) {
	b, err := NewBuilder(Config{Table: testTable("")})
	if err != nil {
		t.Fatal(err)
	}
	cols := testRows(5)
	f := func(batch *column.Batch) {
		t.Helper()
		if b.Add(batch) == nil {
			t.Error("batch accepted")
		}
	}
	f(&column.Batch{N: 5, Cols: cols[:3]})
	f(&column.Batch{N: 6, Cols: cols})
	f(&column.Batch{N: 5, Cols: []*column.Vector{cols[1], cols[1], cols[2], cols[3]}})
	if b.Rows() != 0 {
		t.Errorf("%d rows after refused batches", b.Rows())
	}
}

func TestDecimalsOfSeveralScales(t *testing.T) {
	v := column.New(schema.Numeric, 0)
	for i := range 100 {
		v.Append(column.DecimalValue(column.DecimalFromInt64(int64(i%3)*10, 1)))
		v.Append(column.DecimalValue(column.DecimalFromInt64(int64(i%3)*100, 2)))
	}
	build := func(ix schema.IndexingConfig) *segment.ColumnMeta {
		t.Helper()
		table := &schema.Table{
			Schema: &schema.Schema{Fields: []schema.Field{{ID: 1, Name: "d", Type: schema.Numeric}}},
			Config: &schema.TableConfig{Indexing: ix},
		}
		res, err := FromBatches(ctx, vfs.NewMem(), "a", []*column.Batch{{N: v.N, Cols: []*column.Vector{v}}}, Config{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		return &res.Metadata.Columns[0]
	}
	if m := build(schema.IndexingConfig{}); m.Encoding != segment.EncodingRaw {
		t.Errorf("equal decimals of different scale got encoding %d", m.Encoding)
	}
	if m := build(schema.IndexingConfig{Inverted: []string{"d"}}); m.Encoding != segment.EncodingDict || m.Cardinality != 3 {
		t.Errorf("forced dictionary: %+v", m)
	}
}

func BenchmarkFromBatches(b *testing.B) {
	const n = 200_000
	cols := testRows(n)
	batch := []*column.Batch{{N: n, Cols: cols}}
	cfg := Config{Table: testTable("")}
	for b.Loop() {
		if _, err := FromBatches(ctx, vfs.NewMem(), "a", batch, cfg); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkSeal(b *testing.B) {
	const n = 200_000
	cols := testRows(n)
	src := &arrival{meta: segment.Metadata{NumDocs: n}, cols: map[uint32]*arrivalColumn{}}
	for i, c := range cols {
		src.cols[uint32(i+1)] = arrive(c, uint32(i+1), i != 2)
	}
	cfg := Config{Table: testTable("country")}
	for b.Loop() {
		if _, err := Segment(ctx, vfs.NewMem(), "a", src, cfg); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}
