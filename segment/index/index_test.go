package index

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

func dictionaryOf(typ schema.Type, values ...column.Value) *column.Vector {
	v := column.New(typ, 0)
	for _, x := range values {
		x.Type = typ
		v.Append(x)
	}
	return v
}

func TestDictionary(t *testing.T) {
	f := func(v *column.Vector, below, above column.Value) {
		t.Helper()
		buf := AppendDictionary(nil, v)
		if size, ok := DictionarySize(v); !ok || size != len(buf) {
			t.Errorf("%v: %d bytes, predicted %d", v.Type, len(buf), size)
		}
		d, err := OpenDictionary(encoding.AlignedCopy(buf), v.N, v.Type)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.CheckOrder(); err != nil || d.Len() != v.N || !d.Sorted() {
			t.Errorf("%v: %v", v.Type, err)
		}
		for i := range v.N {
			if id, ok := d.Lookup(v.Value(i)); !ok || int(id) != i || d.LowerBound(v.Value(i)) != id {
				t.Errorf("%v: value %d has id %d", v.Type, i, id)
			}
		}
		below.Type, above.Type = v.Type, v.Type
		if _, ok := d.Lookup(below); ok || d.LowerBound(below) != 0 {
			t.Errorf("%v: value below all", v.Type)
		}
		if _, ok := d.Lookup(above); ok || int(d.LowerBound(above)) != v.N {
			t.Errorf("%v: value above all", v.Type)
		}
		if _, err := OpenDictionary(encoding.AlignedCopy(append(buf, 0)), v.N, v.Type); !errors.Is(err, segment.ErrCorrupt) {
			t.Errorf("%v: longer buffer: %v", v.Type, err)
		}
		if _, err := OpenDictionary(encoding.AlignedCopy(buf[:len(buf)-1]), v.N, v.Type); !errors.Is(err, segment.ErrCorrupt) {
			t.Errorf("%v: shorter buffer: %v", v.Type, err)
		}
	}
	i := func(x int64) column.Value { return column.Value{I: x} }
	fl := func(x float64) column.Value { return column.Value{F: x} }
	b := func(s string) column.Value { return column.Value{B: []byte(s)} }
	dec := func(x int64, scale uint8) column.Value { return column.Value{D: column.DecimalFromInt64(x, scale)} }
	f(dictionaryOf(schema.Int32, i(-5), i(0), i(9)), i(-6), i(10))
	f(dictionaryOf(schema.Timestamp, i(math.MinInt64+1), i(7)), i(math.MinInt64), i(8))
	f(dictionaryOf(schema.Float32, fl(-0.5), fl(2)), fl(-1), fl(math.NaN()))
	f(dictionaryOf(schema.Float64, fl(-1e300), fl(0), fl(1e300)), fl(math.Inf(-1)), fl(math.NaN()))
	f(dictionaryOf(schema.Text, b("a"), b("ab"), b("b")), b(""), b("c"))
	f(dictionaryOf(schema.Numeric, dec(-1, 0), dec(15, 1), dec(2, 0)), dec(-2, 0), dec(21, 1))
}

func TestDictionaryOfNaN(t *testing.T) {
	v := dictionaryOf(schema.Float64, column.Value{F: 1}, column.Value{F: math.NaN()})
	d := NewDictionary(v)
	if id, ok := d.Lookup(column.FloatValue(schema.Float64, math.NaN())); !ok || id != 1 {
		t.Errorf("NaN has id %d, %v", id, ok)
	}
}

func TestDictionaryRefusesDisorder(t *testing.T) {
	f := func(v *column.Vector) {
		t.Helper()
		d, err := OpenDictionary(encoding.AlignedCopy(AppendDictionary(nil, v)), v.N, v.Type)
		if err == nil {
			err = d.CheckOrder()
		}
		if !errors.Is(err, segment.ErrCorrupt) {
			t.Errorf("%v: %v", v.Type, err)
		}
	}
	f(dictionaryOf(schema.Int32, column.Value{I: 1}, column.Value{I: 1}))
	f(dictionaryOf(schema.Int64, column.Value{I: 2}, column.Value{I: 1}))
	f(dictionaryOf(schema.Float64, column.Value{F: math.NaN()}, column.Value{F: 1}))
	f(dictionaryOf(schema.Text, column.Value{B: []byte("b")}, column.Value{B: []byte("a")}))
	f(dictionaryOf(schema.Bool, column.Value{I: 1}, column.Value{}))
	f(dictionaryOf(schema.Numeric, column.Value{D: column.DecimalFromInt64(10, 1)}, column.Value{D: column.DecimalFromInt64(1, 0)}))
}

func TestInverted(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const docs, card = 20_000, 60
	ids := make([]uint32, docs)
	for i := range ids {
		ids[i] = uint32(rng.ExpFloat64() * 6)
		if ids[i] >= card {
			ids[i] = card - 1
		}
	}
	null := func(doc uint32) bool { return doc%11 == 0 }
	buf := AppendInverted(nil, ids, card, null)
	x, err := OpenInverted(encoding.AlignedCopy(buf), card, docs)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Check(); err != nil {
		t.Fatal(err)
	}
	total := 0
	for id := range uint32(card) {
		p, err := x.Postings(id)
		if err != nil {
			t.Fatal(err)
		}
		if p.GetCardinality() != uint64(x.Count(id)) {
			t.Errorf("id %d: count %d, %d documents", id, x.Count(id), p.GetCardinality())
		}
		for _, doc := range p.ToArray() {
			if ids[doc] != id || null(doc) {
				t.Fatalf("document %d in posting %d", doc, id)
			}
			total++
		}
		checkSetDocs(t, x, id, p, docs)
	}
	if want := docs - (docs+10)/11; total != want {
		t.Errorf("%d documents in all postings, want %d", total, want)
	}
	if _, err := x.Postings(card); !errors.Is(err, segment.ErrCorrupt) {
		t.Errorf("posting beyond the last: %v", err)
	}
}

// checkSetDocs compares the bits that are set for an id with its posting.
func checkSetDocs(t *testing.T, x *Inverted, id uint32, p *roaring.Bitmap, docs int) {
	t.Helper()
	bits := column.NewBitmap(docs)
	if err := x.SetDocs(id, bits); err != nil {
		t.Fatalf("SetDocs(%d): %v", id, err)
	}
	if got := bits.Positions(0, nil); !slices.Equal(got, p.ToArray()) {
		t.Fatalf("id %d: %d bits are set, the posting has %d documents", id, len(got), p.GetCardinality())
	}
}

func FuzzInverted(f *testing.F) {
	ids := make([]uint32, 300)
	for i := range ids {
		ids[i] = uint32(i % 7 % 5)
	}
	buf := AppendInverted(nil, ids, 5, nil)
	f.Add(buf)
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := OpenInverted(encoding.AlignedCopy(b), 5, 300)
		if err != nil {
			return
		}
		for id := range uint32(5) {
			for range 2 { // the second time through the remembered check
				p, err := x.Postings(id)
				if err == nil && (p.GetCardinality() > 300 || !p.IsEmpty() && p.Maximum() >= 300) {
					t.Fatal("documents that do not exist")
				}
				if err == nil {
					checkSetDocs(t, x, id, p, 300)
				}
			}
			if _, err := x.Postings(id); err != nil && x.SetDocs(id, column.NewBitmap(300)) == nil {
				t.Fatalf("posting %d is corrupt, its bits are not", id)
			}
			x.Count(id)
		}
	})
}

func TestZones(t *testing.T) {
	const n = segment.BlockRows + 10
	ints, floats := make([]int64, n), make([]float64, n)
	for i := range ints {
		ints[i], floats[i] = int64(i)-5, float64(i)
	}
	floats[100] = math.NaN()
	tail := func(doc uint32) bool { return doc >= segment.BlockRows }
	z, err := OpenZones(encoding.AlignedCopy(AppendIntZones(nil, ints, nil)), n, false)
	if err != nil {
		t.Fatal(err)
	}
	if z.MinInt[0] != -5 || z.MaxInt[0] != segment.BlockRows-6 || z.MinInt[1] != segment.BlockRows-5 || z.MaxInt[1] != n-6 {
		t.Errorf("zones %+v", z)
	}
	if z, err = OpenZones(encoding.AlignedCopy(AppendIntZones(nil, ints, tail)), n, false); err != nil || z.MinInt[1] <= z.MaxInt[1] {
		t.Errorf("block of NULLs: %+v, %v", z, err)
	}
	if z, err = OpenZones(encoding.AlignedCopy(AppendFloatZones(nil, floats, tail)), n, true); err != nil {
		t.Fatal(err)
	}
	if z.MinFloat[0] != 0 || !math.IsNaN(z.MaxFloat[0]) || z.MinFloat[1] <= z.MaxFloat[1] {
		t.Errorf("zones of floats %+v", z)
	}
	if _, err := OpenZones(make([]byte, 24), n, false); !errors.Is(err, segment.ErrCorrupt) {
		t.Errorf("short zone map: %v", err)
	}
}

func BenchmarkPostings(b *testing.B) {
	ids := make([]uint32, 1<<20)
	for i := range ids {
		ids[i] = uint32(i * 7919 % 1000)
	}
	buf := AppendInverted(nil, ids, 1000, nil)
	x, err := OpenInverted(encoding.AlignedCopy(buf), 1000, 1<<20)
	if err != nil {
		b.Fatal(err)
	}
	for id := uint32(0); b.Loop(); id = (id + 1) % 1000 {
		if _, err := x.Postings(id); err != nil {
			b.Fatal(err)
		}
	}
}
