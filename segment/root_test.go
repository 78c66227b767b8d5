package segment

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func TestNames(t *testing.T) {
	name := Name("web__events", 3, 12, "20261124T0800Z")
	table, p, seq, created, ok := ParseName(name)
	if !ok || table != "web__events" || p != 3 || seq != 12 || created != "20261124T0800Z" {
		t.Errorf("%q: %q %d %d %q %v", name, table, p, seq, created, ok)
	}
	for _, bad := range []string{"", "a", "a__b", "a__1__2", "__1__2__x", "a__x__2__y", "a__1__-2__y"} {
		if _, _, _, _, ok := ParseName(bad); ok {
			t.Errorf("%q accepted", bad)
		}
	}
}

func dec(t *testing.T, s string) column.Value {
	t.Helper()
	d, err := column.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return column.DecimalValue(d)
}

func TestCompare(t *testing.T) {
	f := func(a, b column.Value, want int) {
		t.Helper()
		if got := Compare(a, b); got != want {
			t.Errorf("Compare(%+v, %+v) = %d", a, b, got)
		}
		if got := Compare(b, a); got != -want {
			t.Errorf("Compare(%+v, %+v) = %d", b, a, got)
		}
	}
	fl := func(x float64) column.Value { return column.FloatValue(schema.Float64, x) }
	iv := func(m, d int32, us int64) column.Value {
		return column.Value{Type: schema.Interval, Iv: column.Interval{Months: m, Days: d, Micros: us}}
	}
	list := func(xs ...string) column.Value {
		l := column.New(schema.Text, 0)
		for _, x := range xs {
			if x == "NULL" {
				l.AppendNull()
			} else {
				l.AppendString(x)
			}
		}
		return column.Value{Type: schema.Text.AsList(), List: l}
	}
	f(column.BoolValue(false), column.BoolValue(true), -1)
	f(column.IntValue(schema.Int32, -1), column.IntValue(schema.Int32, 1), -1)
	f(fl(1), fl(math.NaN()), -1)
	f(fl(math.Inf(1)), fl(math.NaN()), -1)
	f(fl(math.NaN()), fl(math.NaN()), 0)
	f(fl(0), fl(math.Copysign(0, -1)), 0)
	f(dec(t, "1.0"), dec(t, "1.00"), 0)
	f(dec(t, "1.01"), dec(t, "1.1"), -1)
	f(column.TextValue("Z"), column.TextValue("a"), -1)
	f(iv(1, 0, 0), iv(0, 30, 0), 0)
	f(iv(0, 0, -1), iv(0, 0, 0), -1)
	f(iv(0, 1, 0), iv(0, 0, 86_400_000_001), -1)
	f(list("a"), list("a", "b"), -1)
	f(list("a", "b"), list("b"), -1)
	f(list("z"), list("NULL"), -1)
	f(column.Value{Type: schema.Text.AsList()}, list(), 0)
}

func TestEqualValuesHashEqually(t *testing.T) {
	h := NewCellHasher(7)
	f := func(a, b column.Value, equal bool) {
		t.Helper()
		if (h.Value(a) == h.Value(b)) != equal {
			t.Errorf("hashes of %+v and %+v: equal is not %v", a, b, equal)
		}
	}
	f(dec(t, "1.0"), dec(t, "1.00"), true)
	f(dec(t, "0"), dec(t, "0.00"), true)
	f(dec(t, "10"), dec(t, "1"), false)
	f(dec(t, "123456789012345678901234567890.10"), dec(t, "123456789012345678901234567890.1"), true)
	f(dec(t, "NaN"), dec(t, "0"), false)
	f(column.FloatValue(schema.Float64, 0), column.FloatValue(schema.Float64, math.Copysign(0, -1)), true)
	f(column.FloatValue(schema.Float32, 0.5), column.FloatValue(schema.Float64, 0.5), true)
	f(column.IntValue(schema.Int32, 5), column.IntValue(schema.Int64, 5), true)
	f(column.TextValue(""), column.NullValue(schema.Text), false)
	if h.Null() == NewCellHasher(8).Null() {
		t.Error("NULLs of two columns hash equally")
	}
}

// TestRowSummer compares the columnar sum with the sum over rows, for vectors,
// dictionary ids and any order of columns.
func TestRowSummer(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 500
	text, num := column.New(schema.Text, 0), column.New(schema.Int64, 0)
	dict := column.New(schema.Text, 0)
	for _, s := range []string{"x", "y", "z"} {
		dict.AppendString(s)
	}
	ids := make([]uint32, n)
	var want uint64
	for i := range n {
		ids[i] = uint32(rng.IntN(3))
		text.AppendFrom(dict, int(ids[i]))
		if i%5 == 0 {
			num.AppendNull()
		} else {
			num.Append(column.IntValue(schema.Int64, int64(rng.IntN(9))))
		}
		want += RowHash([]uint32{1, 2}, []column.Value{text.Value(i), num.Value(i)})
	}
	cells := make([]uint64, n)
	a := NewRowSummer(n)
	NewCellHasher(1).Vector(text, cells)
	a.AddCells(0, cells)
	NewCellHasher(2).Vector(num, cells)
	a.AddCells(0, cells)
	if a.Sum() != want {
		t.Error("sum of vectors differs")
	}
	b := NewRowSummer(n)
	b.AddCells(0, cells)
	NewCellHasher(1).Vector(dict, cells[:3])
	b.AddIDs(0, ids, cells[:3])
	if b.Sum() != want {
		t.Error("sum of ids differs")
	}
	c := NewRowSummer(n)
	NewCellHasher(2).Vector(num, cells)
	c.AddCells(0, cells)
	c.AddAll(NewCellHasher(1).Null())
	for i := range n {
		c.AddOne(i, NewCellHasher(1).Value(text.Value(i))-NewCellHasher(1).Null())
	}
	if c.Sum() != want {
		t.Error("sum of single cells differs")
	}
}

func TestConstVectorHash(t *testing.T) {
	v := column.NewConst(column.TextValue("k"), 3)
	var cells [3]uint64
	NewCellHasher(1).Vector(v, cells[:])
	if want := NewCellHasher(1).Value(column.TextValue("k")); cells != [3]uint64{want, want, want} {
		t.Errorf("cells %x, want %x", cells, want)
	}
}

func statsMetadata() *Metadata {
	long := strings.Repeat("m", 100)
	return &Metadata{
		NumDocs: 10, TimeColumn: 2, HasTime: true, MinTime: -5, MaxTime: 7,
		Columns: []ColumnMeta{
			{ID: 9, Type: schema.Float64, HasRange: true, Nulls: 1,
				Min: column.FloatValue(schema.Float64, 1), Max: column.FloatValue(schema.Float64, math.Inf(1))},
			{ID: 2, Type: schema.Timestamp, HasRange: true, Cardinality: 3,
				Min: column.IntValue(schema.Timestamp, -5), Max: column.IntValue(schema.Timestamp, 7)},
			{ID: 3, Type: schema.Text, HasRange: true, Min: column.TextValue(long), Max: column.TextValue(long + "z")},
			{ID: 4, Type: schema.Bytea, HasRange: true, Min: column.BytesValue(schema.Bytea, nil),
				Max: column.BytesValue(schema.Bytea, bytes.Repeat([]byte{0xff}, 90))},
			{ID: 5, Type: schema.Text.AsList(), Nulls: 10},
			{ID: SeqColumnID, Type: schema.Int64},
		},
	}
}

func TestStats(t *testing.T) {
	m := statsMetadata()
	s, err := DecodeStats(EncodeStats(m))
	if err != nil {
		t.Fatal(err)
	}
	if s.NumDocs != 10 || s.TimeColumn != 2 || !s.HasTime || s.MinTime != -5 || s.MaxTime != 7 || len(s.Columns) != 5 {
		t.Errorf("stats %+v", s)
	}
	for i := range m.Columns[:5] {
		want, got := &m.Columns[i], s.Column(m.Columns[i].ID)
		if got == nil || got.Type != want.Type || got.Nulls != want.Nulls || got.Cardinality != want.Cardinality {
			t.Errorf("column %d: %+v", want.ID, got)
			continue
		}
		if got.HasRange && (Compare(got.Min, want.Min) > 0 || Compare(got.Max, want.Max) < 0) {
			t.Errorf("column %d: [%v, %v] does not bound", want.ID, got.Min, got.Max)
		}
	}
	if c := s.Column(3); !c.Truncated || len(c.Min.B) > statsTextBytes || len(c.Max.B) > statsTextBytes {
		t.Errorf("long text is not truncated: %+v", c)
	}
	if s.Column(4).HasRange || s.Column(1) != nil || s.Column(SeqColumnID) != nil {
		t.Error("range without an upper bound, or column that is not there")
	}
}

func FuzzDecodeStats(f *testing.F) {
	f.Add(EncodeStats(statsMetadata()))
	f.Add(EncodeStats(&Metadata{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeStats(b)
		if err != nil {
			return
		}
		m := &Metadata{NumDocs: s.NumDocs, TimeColumn: s.TimeColumn, HasTime: s.HasTime, MinTime: s.MinTime, MaxTime: s.MaxTime}
		for _, c := range s.Columns {
			m.Columns = append(m.Columns, ColumnMeta{ID: c.ID, Type: c.Type, Nulls: c.Nulls, Cardinality: c.Cardinality})
		}
		again, err := DecodeStats(EncodeStats(m))
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Columns {
			c := &s.Columns[i]
			if c.ID != SeqColumnID && !reflect.DeepEqual(again.Column(c.ID).Type, c.Type) {
				t.Fatal("column is lost")
			}
		}
	})
}

func TestTruncateBounds(t *testing.T) {
	f := func(lo, hi, wantLo, wantHi string, ok bool) {
		t.Helper()
		l, h, _, got := TruncateBounds(column.TextValue(lo), column.TextValue(hi), 3)
		if got != ok || ok && (string(l.B) != wantLo || string(h.B) != wantHi) {
			t.Errorf("[%q, %q] became [%q, %q], %v", lo, hi, l.B, h.B, got)
		}
	}
	f("ab", "abc", "ab", "abc", true)
	f("abcd", "abcd", "abc", "abd", true)
	f("a", "ab\xffz", "a", "ac", true)
	f("a", "\xff\xff\xff\xff", "", "", false)
}
