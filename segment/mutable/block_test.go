package mutable

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// oneColumn returns a segment with a single column of id 1.
func oneColumn(t testing.TB, f schema.Field, ix schema.IndexingConfig) *Segment {
	t.Helper()
	f.ID, f.Name = 1, "c"
	s, err := New(Config{Table: &schema.Table{Name: "t", Schema: &schema.Schema{Name: "t", Fields: []schema.Field{f}},
		Config: &schema.TableConfig{Indexing: ix}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fill appends n values, publishes them and returns them as a vector.
func fill(t testing.TB, s *Segment, typ schema.Type, n int, value func(i int) column.Value) *column.Vector {
	t.Helper()
	v := column.New(typ, n)
	for i := range n {
		v.Append(value(i))
	}
	mustAppend(t, s, &column.Batch{N: n, Cols: []*column.Vector{v}})
	mustCommit(t, s, Commit{})
	return v
}

func onlyColumn(t testing.TB, v segment.Segment) segment.Column {
	t.Helper()
	c, err := v.Column(1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestBlocksWithRisingIDs covers closed blocks whose ids are stored less a
// base: values that come in rising order and repeat, as times do.
func TestBlocksWithRisingIDs(t *testing.T) {
	f := func(typ schema.Type, value func(i int) column.Value) {
		t.Helper()
		s := oneColumn(t, schema.Field{Type: typ}, schema.IndexingConfig{Inverted: []string{"c"}})
		want := fill(t, s, typ, 3*segment.BlockRows+777, value)
		col := onlyColumn(t, s.Snapshot()).(*Column)
		if p := col.part(2); p.lo < 1000 || p.ids.(packedIDs).base == 0 {
			t.Fatalf("block of ids %d..%d is not rebased", p.lo, p.hi)
		}
		r := rand.New(rand.NewPCG(3, 3))
		for range 5 {
			checkColumn(t, r, col, want, want.N)
		}
	}
	f(schema.Timestamp, func(i int) column.Value { return column.IntValue(schema.Timestamp, int64(i/40)*1_000_000) })
	f(schema.Text, func(i int) column.Value { return column.TextValue(fmt.Sprintf("t%07d", i/55)) })
}

// TestViewDoesNotSeeLaterValues checks that a dictionary ends where its view does.
func TestViewDoesNotSeeLaterValues(t *testing.T) {
	s := oneColumn(t, schema.Field{Type: schema.Text}, schema.IndexingConfig{Dictionary: []string{"c"}})
	text := func(i int) column.Value { return column.TextValue(fmt.Sprint("v", i)) }
	fill(t, s, schema.Text, 10, text) // the table has room for more: it is shared with later views
	early := onlyColumn(t, s.Snapshot())
	v := column.New(schema.Text, 0)
	v.AppendString("late")
	v.AppendString("v3")
	v.AppendNull()
	mustAppend(t, s, &column.Batch{N: 3, Cols: []*column.Vector{v}})
	unpublished := onlyColumn(t, s.Snapshot())
	mustCommit(t, s, Commit{})
	for _, c := range []segment.Column{early, unpublished} {
		if id, ok := c.Dictionary().Lookup(column.TextValue("late")); ok {
			t.Errorf("a value of a later commit has id %d", id)
		}
		if c.Dictionary().Len() != 10 || c.Meta().Cardinality != 10 || c.Nulls() != nil || string(c.Meta().Min.B) != "v0" {
			t.Errorf("%d values, %v, %+v", c.Dictionary().Len(), c.Nulls(), c.Meta())
		}
	}
	c := onlyColumn(t, s.Snapshot())
	if id, ok := c.Dictionary().Lookup(column.TextValue("late")); !ok || id != 10 || string(c.Meta().Min.B) != "late" {
		t.Errorf("the new value has id %d, %t", id, ok)
	}
}

// TestNullsBeyondTheView has NULLs come in the open block after a view was taken.
func TestNullsBeyondTheView(t *testing.T) {
	s := oneColumn(t, schema.Field{Type: schema.Float64}, schema.IndexingConfig{})
	value := func(i int) column.Value {
		if i%2 == 0 {
			return column.NullValue(schema.Float64)
		}
		return column.FloatValue(schema.Float64, float64(i))
	}
	want := fill(t, s, schema.Float64, 101, value)
	early := onlyColumn(t, s.Snapshot())
	fill(t, s, schema.Float64, 500, value)
	checkColumn(t, rand.New(rand.NewPCG(1, 1)), early, want, 101)
}

// TestDictionaryOfOneBigBlock keeps its dictionary: only the first block is
// full of new values, and not by half.
func TestDictionaryOfOneBigBlock(t *testing.T) {
	s := oneColumn(t, schema.Field{Type: schema.Int64}, schema.IndexingConfig{})
	const distinct = 32_000
	// The second block adds a few, so that all together exceed half a block.
	fill(t, s, schema.Int64, 3*segment.BlockRows, func(i int) column.Value {
		return column.IntValue(schema.Int64, int64(i%distinct+i/segment.BlockRows*1000))
	})
	if c := onlyColumn(t, s.Snapshot()); c.Dictionary() == nil {
		t.Error("the dictionary was given up")
	} else if n := c.Dictionary().Len(); n <= segment.BlockRows/2 {
		t.Errorf("%d values do not test what they should", n)
	}
}

// TestFloat32Range has bounds that lie between neighbouring float32 values.
func TestFloat32Range(t *testing.T) {
	s := oneColumn(t, schema.Field{Type: schema.Float32}, schema.IndexingConfig{})
	x := float64(float32(0.1)) // above 0.1
	y := float64(float32(0.7)) // below 0.7
	vals := []float64{x, y, math.NaN(), math.Inf(1), -1}
	fill(t, s, schema.Float32, len(vals), func(i int) column.Value { return column.FloatValue(schema.Float32, vals[i]) })
	col := onlyColumn(t, s.Snapshot())
	f := func(lo, hi float64, want uint64) {
		t.Helper()
		dst := column.NewBitmap(len(vals))
		ok, err := col.MatchRange(0, len(vals), segment.ValueRange{LoFloat: lo, HiFloat: hi}, dst)
		if !ok || err != nil || dst[0] != want {
			t.Errorf("[%v, %v]: %05b, want %05b (%t %v)", lo, hi, dst[0], want, ok, err)
		}
	}
	inf, nan := math.Inf(1), math.NaN()
	f(0.1, 0.7, 0b00011)
	f(math.Nextafter(x, 1), 0.7, 0b00010)
	f(math.Nextafter(x, 0), x, 0b00001)
	f(0.1, math.Nextafter(y, 0), 0b00001)
	f(-1, math.Nextafter(x, 0), 0b10000)
	f(math.Nextafter(y, 1), inf, 0b01000)
	f(-inf, nan, 0b11111)
	f(nan, nan, 0b00100)
	f(1, 0, 0)
}

// TestPostingsOfDenseAndSparseIDs covers both container forms, and NULLs, whose
// id 0 belongs to a value too.
func TestPostingsOfDenseAndSparseIDs(t *testing.T) {
	s := oneColumn(t, schema.Field{Type: schema.Text}, schema.IndexingConfig{Inverted: []string{"c"}})
	want := fill(t, s, schema.Text, segment.BlockRows+5000, func(i int) column.Value {
		switch {
		case i%7 == 1:
			return column.NullValue(schema.Text)
		case i%100 == 0:
			return column.TextValue("sparse")
		}
		return column.TextValue("dense")
	})
	col := onlyColumn(t, s.Snapshot()).(*Column)
	if p := col.part(0).post; p == nil || len(p.entries) != 2 || len(p.words) != containerWords || len(p.rows) == 0 {
		t.Fatalf("postings of the closed block: %+v", p)
	}
	checkColumn(t, rand.New(rand.NewPCG(1, 1)), col, want, want.N)
}

// TestLookupBesideInsertions has readers probe the very slots that the writer
// fills; under the race detector it guards the atomic access to them.
func TestLookupBesideInsertions(t *testing.T) {
	s := oneColumn(t, schema.Field{Type: schema.Int64}, schema.IndexingConfig{Dictionary: []string{"c"}})
	var done atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !done.Load() {
				probeAll(t, s)
			}
		})
	}
	for i := range 3000 {
		fill(t, s, schema.Int64, 2, func(k int) column.Value { return column.IntValue(schema.Int64, int64(2*i+k)) })
	}
	done.Store(true)
	wg.Wait()
}

// probeAll looks up the values of a view and those that are just being added.
func probeAll(t *testing.T, s *Segment) {
	v := s.Snapshot()
	defer v.Release()
	rows := int64(v.NumDocs())
	col, err := v.Column(1)
	if err != nil || rows == 0 {
		return
	}
	d := col.Dictionary()
	for x := max(0, rows-50); x < rows+500; x++ {
		id, ok := d.Lookup(column.IntValue(schema.Int64, x))
		if ok != (x < rows) || ok && int64(id) != x {
			t.Errorf("%d in a view of %d rows: id %d, %t", x, rows, id, ok)
			return
		}
	}
}
