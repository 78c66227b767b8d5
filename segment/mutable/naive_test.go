package mutable

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// naive keeps rows as plain vectors: the reference for a segment.
type naive struct{ cols []*column.Vector }

func newNaive(s *schema.Schema) *naive {
	n := &naive{}
	for _, f := range s.Fields {
		n.cols = append(n.cols, column.New(f.Type, 0))
	}
	return n
}

func (n *naive) append(b *column.Batch) {
	for c, v := range b.Cols {
		for i := range b.N {
			n.cols[c].AppendFrom(v, i)
		}
	}
}

// generator makes values of one column.
type generator struct {
	typ      schema.Type
	distinct int // number of different values, 0 for nearly all different
	nulls    float64
	rising   bool
	at       int64
}

func (g *generator) value(r *rand.Rand) column.Value {
	if r.Float64() < g.nulls {
		return column.NullValue(g.typ)
	}
	var k int64
	switch {
	case g.rising:
		g.at += int64(r.IntN(3))
		k = g.at
	case g.distinct > 0:
		k = int64(r.IntN(g.distinct))
	default:
		k = int64(r.Uint32())
	}
	return g.of(g.typ, k, r)
}

func (g *generator) of(t schema.Type, k int64, r *rand.Rand) column.Value {
	switch t.Kind() {
	case schema.KindBool:
		return column.Value{Type: t, I: k & 1}
	case schema.KindInt32:
		return column.IntValue(t, int64(int32(k*2654435761)))
	case schema.KindInt64:
		return column.IntValue(t, k-3)
	case schema.KindFloat32, schema.KindFloat64:
		if k%97 == 13 {
			return column.FloatValue(t, math.NaN())
		}
		return column.FloatValue(t, float64(float32(k)/8-100))
	case schema.KindDecimal:
		return column.Value{Type: t, D: column.DecimalFromInt64(k, uint8(k%5))}
	case schema.KindInterval:
		return column.Value{Type: t, Iv: column.Interval{Months: int32(k), Days: 1, Micros: k}}
	case schema.KindBytes:
		return column.BytesValue(t, fmt.Appendf(nil, "%.*s%d", int(k%7), "aäbcdefg", k))
	}
	list := column.New(t.Elem(), 0)
	for range r.IntN(4) {
		if r.IntN(9) == 0 {
			list.AppendNull()
		} else {
			list.Append(g.of(t.Elem(), k, r))
		}
	}
	return column.Value{Type: t, List: list}
}

func (g *generator) batch(r *rand.Rand, n int) *column.Vector {
	v := column.New(g.typ, n)
	for range n {
		v.Append(g.value(r))
	}
	return v
}

var allTypes = []schema.Type{
	schema.Bool, schema.Int16, schema.Int32, schema.Int64, schema.Float32, schema.Float64,
	{ID: schema.TypeNumeric, Precision: 10, Scale: 2}, schema.Numeric, schema.Date, schema.Timestamp,
	schema.Interval, schema.Text, schema.Symbol, schema.JSON, schema.UUID, schema.Bytea,
	schema.Int64.AsList(), schema.Text.AsList(),
}

// randomTable returns a table of n columns with generators for them.
func randomTable(r *rand.Rand, n int) (*schema.Table, []*generator) {
	s := &schema.Schema{Name: "t"}
	cfg := &schema.TableConfig{}
	var gens []*generator
	for i := range n {
		f := schema.Field{ID: uint32(10 + 3*i), Name: fmt.Sprintf("c%d", i), Type: allTypes[r.IntN(len(allTypes))]}
		g := &generator{typ: f.Type, distinct: []int{0, 1, 3, 500, 40_000, 90_000}[r.IntN(6)]}
		g.nulls = []float64{0, 0, 0.001, 0.4, 1}[r.IntN(5)]
		g.rising = r.IntN(5) == 0
		s.Fields = append(s.Fields, f)
		gens = append(gens, g)
		kind := f.Type.Kind()
		noIndex := kind == schema.KindList || kind == schema.KindInterval
		switch k := r.IntN(5); {
		case k <= 1 && !noIndex:
			cfg.Indexing.Inverted = append(cfg.Indexing.Inverted, f.Name)
		case k == 2 && f.Type.ID != schema.TypeSymbol:
			cfg.Indexing.NoDictionary = append(cfg.Indexing.NoDictionary, f.Name)
		case k == 3 && !noIndex:
			cfg.Indexing.Dictionary = append(cfg.Indexing.Dictionary, f.Name)
		}
	}
	return &schema.Table{ID: 1, Name: "t", Type: schema.Realtime, Schema: s, Config: cfg}, gens
}

func randomBatch(r *rand.Rand, gens []*generator, n int) *column.Batch {
	b := &column.Batch{N: n}
	for _, g := range gens {
		b.Cols = append(b.Cols, g.batch(r, n))
	}
	return b
}

// same compares values bit by bit, NaN equal to NaN.
func same(a, b column.Value) bool {
	if a.Null || b.Null {
		return a.Null == b.Null
	}
	switch a.Type.Kind() {
	case schema.KindFloat32, schema.KindFloat64:
		return a.F == b.F || math.IsNaN(a.F) && math.IsNaN(b.F)
	case schema.KindDecimal:
		return a.D == b.D
	case schema.KindInterval:
		return a.Iv == b.Iv
	case schema.KindBytes:
		return string(a.B) == string(b.B)
	case schema.KindList:
		if a.List.N != b.List.N {
			return false
		}
		for i := range a.List.N {
			if !same(a.List.Value(i), b.List.Value(i)) {
				return false
			}
		}
		return true
	}
	return a.I == b.I
}

// checkColumn compares everything that a column answers with the first n rows
// of want.
func checkColumn(t *testing.T, r *rand.Rand, col segment.Column, want *column.Vector, n int) {
	t.Helper()
	checkRead(t, r, col, want, n)
	checkNulls(t, col, want, n)
	checkZones(t, col, want, n)
	if d := col.Dictionary(); d != nil {
		checkDictionary(t, r, col, d, want, n)
	} else {
		checkRanges(t, r, col, want, n)
	}
	checkMeta(t, col, want, n)
}

func checkRead(t *testing.T, r *rand.Rand, col segment.Column, want *column.Vector, n int) {
	t.Helper()
	var got column.Vector
	if err := col.Read(0, n, &got); err != nil || got.N != n {
		t.Fatalf("Read: %d rows, %v", got.N, err)
	}
	for i := range n {
		if !same(got.Value(i), want.Value(i)) {
			t.Fatalf("row %d: %+v, want %+v", i, got.Value(i), want.Value(i))
		}
	}
	if n == 0 {
		return
	}
	from := r.IntN(n)
	m := r.IntN(n - from + 1)
	if err := col.Read(uint32(from), m, &got); err != nil {
		t.Fatal(err)
	}
	for i := range m {
		if !same(got.Value(i), want.Value(from+i)) {
			t.Fatalf("Read(%d, %d): row %d differs", from, m, i)
		}
	}
	docs := randomDocs(r, n)
	if err := col.Gather(docs, &got); err != nil || got.N != len(docs) {
		t.Fatalf("Gather: %d rows, %v", got.N, err)
	}
	for i, doc := range docs {
		if !same(got.Value(i), want.Value(int(doc))) {
			t.Fatalf("Gather: doc %d differs", doc)
		}
	}
}

func randomDocs(r *rand.Rand, n int) []uint32 {
	var docs []uint32
	step := 1 + r.IntN(200)
	for doc := r.IntN(step); doc < n; doc += 1 + r.IntN(step) {
		docs = append(docs, uint32(doc))
	}
	return docs
}

func checkNulls(t *testing.T, col segment.Column, want *column.Vector, n int) {
	t.Helper()
	nulls := col.Nulls()
	count := 0
	for i := range n {
		isNull := nulls != nil && nulls.Contains(uint32(i))
		if isNull != want.IsNull(i) {
			t.Fatalf("Nulls: row %d", i)
		}
		if isNull {
			count++
		}
	}
	if nulls != nil && int(nulls.Maximum()) >= n {
		t.Fatalf("Nulls: row %d lies beyond the view of %d rows", nulls.Maximum(), n)
	}
	if nulls != nil && (count == 0 || int(nulls.GetCardinality()) != count) {
		t.Fatalf("Nulls: %d rows, want %d", nulls.GetCardinality(), count)
	}
	if int(col.Meta().Nulls) != count {
		t.Fatalf("Meta().Nulls = %d, want %d", col.Meta().Nulls, count)
	}
}

func checkZones(t *testing.T, col segment.Column, want *column.Vector, n int) {
	t.Helper()
	z := col.Zones()
	if z == nil {
		return
	}
	for i := range n {
		if want.IsNull(i) {
			continue
		}
		k, x := i/segment.BlockRows, want.Value(i)
		if z.MinInt != nil && (x.I < z.MinInt[k] || x.I > z.MaxInt[k]) {
			t.Fatalf("Zones: row %d outside of block %d", i, k)
		}
		if z.MinFloat != nil && (segment.CompareFloat(x.F, z.MinFloat[k]) < 0 || segment.CompareFloat(x.F, z.MaxFloat[k]) > 0) {
			t.Fatalf("Zones: row %d outside of block %d", i, k)
		}
	}
}

func checkDictionary(t *testing.T, r *rand.Rand, col segment.Column, d segment.Dictionary, want *column.Vector, n int) {
	t.Helper()
	ids := make([]uint32, n)
	col.ReadIDs(0, ids)
	values := d.Values()
	if values.N != d.Len() || d.Sorted() {
		t.Fatalf("dictionary of %d values says %d", values.N, d.Len())
	}
	used := make([]bool, d.Len())
	for i, id := range ids {
		if want.IsNull(i) {
			if id != 0 {
				t.Fatalf("NULL row %d has id %d", i, id)
			}
			continue
		}
		used[id] = true
		if !same(values.Value(int(id)), want.Value(i)) {
			t.Fatalf("row %d: id %d has another value", i, id)
		}
	}
	for id, u := range used {
		if !u {
			t.Fatalf("no row of the view has id %d", id)
		}
		if got, ok := d.Lookup(values.Value(id)); !ok || got != uint32(id) {
			t.Fatalf("Lookup of id %d: %d, %t", id, got, ok)
		}
	}
	docs := randomDocs(r, n)
	gathered := make([]uint32, len(docs))
	col.GatherIDs(docs, gathered)
	for i, doc := range docs {
		if gathered[i] != ids[doc] {
			t.Fatalf("GatherIDs: doc %d", doc)
		}
	}
	checkMatchIDs(t, r, col, ids, d.Len())
	checkInverted(t, r, col, ids, d.Len(), want)
}

func checkMatchIDs(t *testing.T, r *rand.Rand, col segment.Column, ids []uint32, card int) {
	t.Helper()
	bits := column.NewBitmap(card + 1)
	for i := range card {
		if r.IntN(3) == 0 {
			bits.Set(i)
		}
	}
	lo := uint32(r.IntN(card + 1))
	sets := []segment.IDSet{{Bits: bits}, {Lo: lo, Hi: lo + uint32(r.IntN(card+1))}, {Lo: lo, Hi: lo}, {Lo: 1, Hi: 0}}
	for _, set := range sets {
		from := r.IntN(len(ids) + 1)
		m := r.IntN(len(ids) - from + 1)
		dst := column.NewBitmap(m + 64)
		for i := range dst {
			dst[i] = r.Uint64()
		}
		col.MatchIDs(uint32(from), m, set, dst)
		for i := range m {
			if dst.Get(i) != set.Contains(ids[from+i]) {
				t.Fatalf("MatchIDs(%d, %d): row %d with id %d", from, m, i, ids[from+i])
			}
		}
	}
}

func checkInverted(t *testing.T, r *rand.Rand, col segment.Column, ids []uint32, card int, want *column.Vector) {
	t.Helper()
	ix := col.Inverted()
	if ix == nil {
		return
	}
	for range min(card, 5) {
		id := uint32(r.IntN(card))
		bm, err := ix.Postings(id)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		bits := column.NewBitmap(len(ids))
		if err := ix.SetDocs(id, bits); err != nil {
			t.Fatal(err)
		}
		for i := range ids {
			has := ids[i] == id && !want.IsNull(i)
			if has {
				count++
			}
			if bm.Contains(uint32(i)) != has || bits.Get(i) != has {
				t.Fatalf("Postings(%d): row %d", id, i)
			}
		}
		if int(bm.GetCardinality()) != count || int(ix.Count(id)) != count {
			t.Fatalf("Postings(%d): %d rows, Count %d, want %d", id, bm.GetCardinality(), ix.Count(id), count)
		}
	}
}

func checkRanges(t *testing.T, r *rand.Rand, col segment.Column, want *column.Vector, n int) {
	t.Helper()
	if n == 0 {
		return
	}
	a, b := want.Value(r.IntN(n)), want.Value(r.IntN(n))
	rng := segment.ValueRange{LoInt: min(a.I, b.I), HiInt: max(a.I, b.I), LoFloat: a.F, HiFloat: b.F}
	from := r.IntN(n)
	m := r.IntN(n - from + 1)
	dst := column.NewBitmap(m + 64)
	ok, err := col.MatchRange(uint32(from), m, rng, dst)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return
	}
	for i := range m {
		x := want.Value(from + i)
		if x.Null {
			continue
		}
		in := rng.LoInt <= x.I && x.I <= rng.HiInt
		if k := want.Kind(); k == schema.KindFloat32 || k == schema.KindFloat64 {
			in = segment.CompareFloat(x.F, rng.LoFloat) >= 0 && segment.CompareFloat(x.F, rng.HiFloat) <= 0
		}
		if dst.Get(i) != in {
			t.Fatalf("MatchRange %+v: row %d is %+v", rng, from+i, x)
		}
	}
}

func checkMeta(t *testing.T, col segment.Column, want *column.Vector, n int) {
	t.Helper()
	m := col.Meta()
	if !m.HasRange {
		return
	}
	var lo, hi column.Value
	seen := false
	for i := range n {
		x := want.Value(i)
		if x.Null {
			continue
		}
		if !seen || segment.Compare(x, lo) < 0 {
			lo = x
		}
		if !seen || segment.Compare(x, hi) > 0 {
			hi = x
		}
		seen = true
	}
	if !seen || segment.Compare(m.Min, lo) != 0 || segment.Compare(m.Max, hi) != 0 {
		t.Fatalf("Meta bounds %+v..%+v, want %+v..%+v", m.Min, m.Max, lo, hi)
	}
}
