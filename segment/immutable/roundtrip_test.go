package immutable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
)

var types = []schema.Type{
	schema.Bool, schema.Int16, schema.Int32, schema.Int64, schema.Float32, schema.Float64,
	schema.Numeric, {ID: schema.TypeNumeric, Precision: 12, Scale: 2}, schema.Date,
	schema.Timestamp, schema.Interval, schema.Text, schema.Symbol, schema.JSON, schema.UUID,
	schema.Text.AsList(), schema.Int64.AsList(), schema.Numeric.AsList(),
}

func randomValue(rng *rand.Rand, t schema.Type, card int) column.Value {
	k := rng.IntN(card)
	switch t.Kind() {
	case schema.KindBool:
		return column.Value{Type: t, I: int64(k & 1)}
	case schema.KindInt32:
		return column.IntValue(t, int64(int32(k*7919-card)))
	case schema.KindInt64:
		return column.IntValue(t, int64(k)*1_000_003-int64(card))
	case schema.KindFloat32:
		return column.FloatValue(t, float64(float32(k)/8))
	case schema.KindFloat64:
		special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0}
		if k < len(special) {
			return column.FloatValue(t, special[k])
		}
		if card&1 == 0 {
			return column.FloatValue(t, float64(k)/100)
		}
		return column.FloatValue(t, float64(k)/3)
	case schema.KindDecimal:
		return column.Value{Type: t, D: column.DecimalFromInt64(int64(k), uint8(card%3))}
	case schema.KindInterval:
		return column.Value{Type: t, Iv: column.Interval{Months: int32(k), Days: int32(k % 7), Micros: int64(k) * 1e6}}
	case schema.KindBytes:
		if t.ID == schema.TypeUUID {
			return column.BytesValue(t, bytes.Repeat([]byte{byte(k)}, 16))
		}
		return column.BytesValue(t, []byte(strings.Repeat("x", k%40)+fmt.Sprint(k)))
	case schema.KindList:
		l := column.New(t.Elem(), 0)
		for range rng.IntN(4) {
			if rng.IntN(9) == 0 {
				l.AppendNull()
			} else {
				l.Append(randomValue(rng, t.Elem(), card))
			}
		}
		return column.Value{Type: t, List: l}
	}
	panic("kind")
}

// table is a random table with its rows.
type table struct {
	cfg  build.Config
	cols []*column.Vector
	n    int
}

func randomTable(rng *rand.Rand, rows int) *table {
	tb := &table{n: rows}
	s := &schema.Schema{Name: "t", Version: 3}
	ix := schema.IndexingConfig{Compression: map[string]string{}}
	for i := range 2 + rng.IntN(8) {
		f := schema.Field{
			ID: uint32(i*3 + 1), Name: fmt.Sprintf("c%d", i),
			Type: types[rng.IntN(len(types))], Role: schema.Role(rng.IntN(3)),
		}
		s.Fields = append(s.Fields, f)
		tb.cols = append(tb.cols, randomColumn(rng, f.Type, rows))
		if i > 0 && rng.IntN(4) == 0 {
			tb.follow(rng, i)
		}
		randomIndexing(rng, &f, &ix)
	}
	name := s.Fields[rng.IntN(len(s.Fields))]
	if name.Type.Kind() != schema.KindList && rng.IntN(2) == 0 {
		ix.SortedColumn = name.Name
	}
	tb.cfg = build.Config{
		Table: &schema.Table{Name: "t", Schema: s, Config: &schema.TableConfig{Indexing: ix}},
		Meta: &segment.Metadata{
			Name: "t__0__1__x", Table: "t", TableID: 4, Streamed: true, Partition: 2, FirstSeq: 1000,
			StartOffset: "a", EndOffset: "b", Records: uint64(rows) + 1, Rejected: 1,
			SeqMarks:      []segment.SeqMark{{Offset: "a", Seq: 1000}},
			Errors:        []segment.RowError{{Partition: 2, Offset: "7", Time: 5, Reason: "bad", Sample: "{"}},
			CreatedMicros: 10, SealedMicros: 20,
		},
	}
	return tb
}

// follow makes column i follow from the one before it: to each of its values
// belongs one value of column i.
func (tb *table) follow(rng *rand.Rand, i int) {
	base, v := &tb.cols[i-1], tb.cols[i]
	if (*base).Kind() == schema.KindBool || (*base).Kind() == schema.KindList || v.Kind() == schema.KindList {
		return
	}
	const card = 700
	key, own := column.New((*base).Type, tb.n), column.New(v.Type, tb.n)
	salt := rng.Uint64()
	for range tb.n {
		from := rand.NewPCG(salt, rng.Uint64N(card))
		same := *from
		k := rand.New(&same).IntN(card) // which decides the key
		key.Append(randomValue(rand.New(from), key.Type, card))
		own.Append(randomValue(rand.New(rand.NewPCG(salt, uint64(card+k))), own.Type, card))
	}
	*base, tb.cols[i] = key, own
}

func randomColumn(rng *rand.Rand, t schema.Type, rows int) *column.Vector {
	card := []int{1, 2, 50, 3001, 1 << 20, 1<<30 + 1}[rng.IntN(6)]
	nulls := []int{0, 0, 1, 3, 100}[rng.IntN(5)]
	run := []int{1, 1, 1, 5, 300}[rng.IntN(5)] // how often a value follows itself
	v := column.New(t, rows)
	if t.Kind() == schema.KindInt64 && rng.IntN(4) == 0 {
		for at := int64(rng.IntN(1 << 40)); v.N < rows; at += int64(rng.IntN(30)) {
			v.Append(column.IntValue(t, at))
		}
		return v
	}
	for i := range rows {
		if i > 0 && rng.IntN(run) != 0 {
			v.AppendFrom(v, i-1)
		} else if nulls > 0 && rng.IntN(nulls) == 0 {
			v.AppendNull()
		} else {
			v.Append(randomValue(rng, t, card))
		}
	}
	return v
}

func randomIndexing(rng *rand.Rand, f *schema.Field, ix *schema.IndexingConfig) {
	k := f.Type.Kind()
	if schema.CheckBloom(f.Type) == nil && rng.IntN(3) == 0 {
		if ix.Bloom == nil {
			ix.Bloom = map[string]schema.BloomConfig{}
		}
		ix.Bloom[f.Name] = schema.BloomConfig{MaxBytes: rng.IntN(2) * 96}
	}
	if schema.CheckRange(f.Type, false) == nil && rng.IntN(3) == 0 {
		ix.Range = append(ix.Range, f.Name)
		if schema.CheckRange(f.Type, true) != nil {
			return // needs its dictionary
		}
	}
	if k == schema.KindInterval || f.Type.ID == schema.TypeSymbol {
		return
	}
	switch rng.IntN(6) {
	case 0:
		ix.Inverted = append(ix.Inverted, f.Name)
	case 1:
		if k != schema.KindBool {
			ix.NoDictionary = append(ix.NoDictionary, f.Name)
		}
	case 2:
		ix.Dictionary = append(ix.Dictionary, f.Name)
	case 3:
		ix.Compression[f.Name] = []string{"LZ4", "ZSTANDARD", "PASS_THROUGH"}[rng.IntN(3)]
	}
}

func (tb *table) batches(rng *rand.Rand) []*column.Batch {
	var out []*column.Batch
	for from := 0; from < tb.n; {
		to := min(tb.n, from+1+rng.IntN(tb.n))
		b := &column.Batch{N: to - from}
		for _, c := range tb.cols {
			b.Cols = append(b.Cols, c.Slice(from, to))
		}
		out = append(out, b)
		from = to
	}
	return out
}

func (tb *table) build(t testing.TB, rng *rand.Rand, fs vfs.FS, path string) build.Result {
	t.Helper()
	res, err := build.FromBatches(context.Background(), fs, path, tb.batches(rng), tb.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func (tb *table) rowSum() uint64 {
	var ids []uint32
	for _, f := range tb.cfg.Table.Schema.Fields {
		ids = append(ids, f.ID)
	}
	var sum uint64
	row := make([]column.Value, len(ids))
	for i := range tb.n {
		for j, c := range tb.cols {
			row[j] = c.Value(i)
		}
		sum += segment.RowHash(ids, row)
	}
	return sum
}

func equalValues(a, b column.Value) bool {
	if a.Null || b.Null {
		return a.Null && b.Null
	}
	if a.Type.Kind() == schema.KindList && (a.List.N != b.List.N) {
		return false
	}
	return segment.Compare(a, b) == 0
}

// order returns the rows of the table in the order of the segment.
func (tb *table) order(t *testing.T, s *Segment) []int {
	t.Helper()
	order := make([]int, tb.n)
	for i := range order {
		order[i] = i
	}
	c, err := s.Column(segment.SeqColumnID)
	if err != nil {
		t.Fatal(err)
	}
	if c == nil {
		return order
	}
	var v column.Vector
	if err := c.Read(0, tb.n, &v); err != nil {
		t.Fatal(err)
	}
	for i, x := range v.Int64s {
		order[i] = int(x) - 1000
	}
	return order
}

func TestRoundTrip(t *testing.T) {
	seeds := uint64(150)
	if raceEnabled {
		seeds = 40
	}
	seen := map[segment.Encoding]bool{}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 99))
		rows := []int{0, 1, 40, 600, 5000}[rng.IntN(5)]
		if seed == 7 {
			rows = 140_000
		}
		tb := randomTable(rng, rows)
		fs := vfs.NewMem()
		res := tb.build(t, rng, fs, "seg")
		s, err := Open(fs, "seg", Options{VerifyAll: true})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(normal(*res.Metadata), normal(*s.Metadata())) {
			t.Fatalf("seed %d: metadata differ:\n%+v\n%+v", seed, res.Metadata, s.Metadata())
		}
		if res.Metadata.RowSum != tb.rowSum() {
			t.Fatalf("seed %d: RowSum differs", seed)
		}
		order := tb.order(t, s)
		for i, f := range tb.cfg.Table.Schema.Fields {
			c, err := s.Column(f.ID)
			if err != nil || c == nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			seen[c.Meta().Encoding] = true
			if msg := checkColumn(rng, c, tb.cols[i], order); msg != "" {
				t.Fatalf("seed %d: column %d %v (%v, encoding %d): %s", seed, f.ID, f.Type, tb.n, c.Meta().Encoding, msg)
			}
		}
		checkSorted(t, s, tb)
		s.Release()
		checkRebuild(t, fs, tb, res)
	}
	for e := segment.EncodingDict; e <= segment.EncodingDerived; e++ {
		if !seen[e] && !raceEnabled {
			t.Errorf("no random table has a column of encoding %d", e)
		}
	}
}

// normal makes metadata with NaN bounds comparable.
func normal(m segment.Metadata) segment.Metadata {
	m.Columns = slices.Clone(m.Columns)
	for i := range m.Columns {
		c := &m.Columns[i]
		for _, v := range []*column.Value{&c.Min, &c.Max} {
			if v.F != v.F {
				v.F = 1.2345e300
			}
		}
	}
	return m
}

func checkSorted(t *testing.T, s *Segment, tb *table) {
	t.Helper()
	name := tb.cfg.Table.Config.Indexing.SortedColumn
	if name == "" {
		return
	}
	f := tb.cfg.Table.Schema.Fields[tb.cfg.Table.Schema.Index(name)]
	m := s.Metadata().Column(f.ID)
	switch f.Type.Kind() {
	case schema.KindBytes, schema.KindDecimal, schema.KindInterval:
		return // the values form does not track order for these
	}
	if m.Nulls == 0 && tb.n > 0 && !m.Sorted {
		t.Fatalf("sort column %s of %v is not sorted", name, f.Type)
	}
}

// checkRebuild reads the segment back into a build: the bytes must not change,
// whatever form the source was in.
func checkRebuild(t *testing.T, fs vfs.FS, tb *table, res build.Result) {
	t.Helper()
	s, err := Open(fs, "seg", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	again, err := build.Segment(context.Background(), fs, "again", s, build.Config{Table: tb.cfg.Table})
	if err != nil {
		t.Fatal(err)
	}
	if again.CRC != res.CRC || again.Bytes != res.Bytes {
		t.Fatalf("rebuilt segment differs: %d bytes, %d before", again.Bytes, res.Bytes)
	}
}

// checkColumn compares every way to read a column with the rows.
func checkColumn(rng *rand.Rand, c segment.Column, rows *column.Vector, order []int) string {
	if len(order) == 0 {
		return ""
	}
	want := func(doc int) column.Value { return rows.Value(order[doc]) }
	var v column.Vector
	for range 3 {
		from := rng.IntN(len(order))
		n := rng.IntN(len(order)-from) + 1
		if err := c.Read(uint32(from), n, &v); err != nil {
			return err.Error()
		}
		if v.N != n {
			return fmt.Sprintf("%d rows read, want %d", v.N, n)
		}
		for i := range n {
			if !equalValues(v.Value(i), want(from+i)) {
				return fmt.Sprintf("row %d is %v, want %v", from+i, v.Value(i), want(from+i))
			}
		}
	}
	var docs []uint32
	for doc := range order {
		if rng.IntN(4) == 0 {
			docs = append(docs, uint32(doc))
		}
	}
	if err := c.Gather(docs, &v); err != nil {
		return err.Error()
	}
	for i, doc := range docs {
		if !equalValues(v.Value(i), want(int(doc))) {
			return fmt.Sprintf("gathered row %d is %v, want %v", doc, v.Value(i), want(int(doc)))
		}
	}
	for doc := range order {
		if null := c.Nulls() != nil && c.Nulls().Contains(uint32(doc)); null != want(doc).Null {
			return fmt.Sprintf("row %d: NULL is %v", doc, null)
		}
	}
	if msg := checkBounds(c, want, len(order)); msg != "" {
		return msg
	}
	if c.Dictionary() != nil {
		return checkDictionary(rng, c, want, len(order))
	}
	return checkMatchRange(rng, c, want, len(order))
}

func checkBounds(c segment.Column, want func(int) column.Value, n int) string {
	m, distinct := c.Meta(), map[string]bool{}
	for doc := range n {
		x := want(doc)
		if x.Null || m.Type.Kind() == schema.KindList {
			continue
		}
		if m.HasRange && (segment.Compare(x, m.Min) < 0 || segment.Compare(x, m.Max) > 0) {
			return fmt.Sprintf("%v lies outside [%v, %v]", x, m.Min, m.Max)
		}
		if !m.HasRange && len(x.B) < 256 {
			return "no range"
		}
		distinct[string(column.AppendValue(nil, x))] = true
	}
	if m.Cardinality != 0 && int(m.Cardinality) != len(distinct) {
		return fmt.Sprintf("cardinality %d, want %d", m.Cardinality, len(distinct))
	}
	return checkZones(c, want, n)
}

func checkZones(c segment.Column, want func(int) column.Value, n int) string {
	z := c.Zones()
	if z == nil {
		return ""
	}
	for doc := range n {
		x, b := want(doc), doc/segment.BlockRows
		switch {
		case x.Null:
		case z.MinFloat != nil:
			if segment.CompareFloat(x.F, z.MinFloat[b]) < 0 || segment.CompareFloat(x.F, z.MaxFloat[b]) > 0 {
				return "zone does not bound " + fmt.Sprint(x.F)
			}
		default:
			i := x.I
			if d := c.Dictionary(); d != nil {
				id, _ := d.Lookup(x)
				i = int64(id)
			}
			if i < z.MinInt[b] || i > z.MaxInt[b] {
				return fmt.Sprintf("zone does not bound %d", i)
			}
		}
	}
	return ""
}

func checkDictionary(rng *rand.Rand, c segment.Column, want func(int) column.Value, n int) string {
	d := c.Dictionary()
	ids := make([]uint32, n)
	c.ReadIDs(0, ids)
	for doc, id := range ids {
		x := want(doc)
		if x.Null {
			if id != 0 {
				return "id of NULL is not 0"
			}
			continue
		}
		got, ok := d.Lookup(x)
		if !ok || got != id || !equalValues(d.Values().Value(int(id)), x) {
			return fmt.Sprintf("row %d has id %d, its value %d", doc, id, got)
		}
	}
	set := segment.IDSet{Lo: uint32(rng.IntN(d.Len())), Hi: uint32(rng.IntN(d.Len()))}
	bits := column.NewBitmap(n)
	c.MatchIDs(0, n, set, bits)
	for doc, id := range ids {
		if bits.Get(doc) != set.Contains(id) {
			return fmt.Sprintf("MatchIDs is wrong for row %d", doc)
		}
	}
	return checkIndexes(c, ids, n)
}

func checkIndexes(c segment.Column, ids []uint32, n int) string {
	counts := make([]uint32, c.Dictionary().Len())
	for doc, id := range ids {
		if c.Nulls() == nil || !c.Nulls().Contains(uint32(doc)) {
			counts[id]++
		}
	}
	if x := c.Inverted(); x != nil {
		for id, want := range counts {
			p, err := x.Postings(uint32(id))
			if err != nil {
				return err.Error()
			}
			if x.Count(uint32(id)) != want || p.GetCardinality() != uint64(want) {
				return fmt.Sprintf("posting %d has %d documents, want %d", id, x.Count(uint32(id)), want)
			}
			for it := p.Iterator(); it.HasNext(); {
				if doc := it.Next(); ids[doc] != uint32(id) {
					return fmt.Sprintf("document %d is in posting %d", doc, id)
				}
			}
		}
	}
	if r := c.Ranges(); r != nil {
		for id, want := range counts {
			if a, b := r.Range(uint32(id), uint32(id)); b-a != want || ids[a] != uint32(id) {
				return fmt.Sprintf("range of id %d is [%d, %d)", id, a, b)
			}
		}
	}
	return ""
}

func checkMatchRange(rng *rand.Rand, c segment.Column, want func(int) column.Value, n int) string {
	a, b := want(rng.IntN(n)), want(rng.IntN(n))
	bits := column.NewBitmap(n)
	r := segment.ValueRange{LoInt: a.I, HiInt: b.I, LoFloat: a.F, HiFloat: b.F}
	ok, err := c.MatchRange(0, n, r, bits)
	if err != nil || !ok {
		return ""
	}
	for doc := range n {
		x := want(doc)
		if x.Null {
			continue
		}
		in := x.I >= a.I && x.I <= b.I
		if k := c.Meta().Type.Kind(); k == schema.KindFloat32 || k == schema.KindFloat64 {
			in = segment.CompareFloat(x.F, a.F) >= 0 && segment.CompareFloat(x.F, b.F) <= 0
		}
		if bits.Get(doc) != in {
			return fmt.Sprintf("MatchRange [%v, %v] is wrong for %v", a, b, x)
		}
	}
	return ""
}

func TestReleaseUnmaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	fs := vfs.NewMem()
	tb := randomTable(rng, 100)
	tb.build(t, rng, fs, "seg")
	s, err := Open(fs, "seg", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Retain() {
		t.Fatal("cannot retain an open segment")
	}
	s.Release()
	if _, err := s.Column(1); err != nil {
		t.Fatal(err)
	}
	s.Release()
	if s.Retain() {
		t.Fatal("retained a closed segment")
	}
	if _, err := s.Column(4); !errors.Is(err, segment.ErrClosed) {
		t.Fatalf("column of a closed segment: %v", err)
	}
}
