package mutable

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// TestMetamorphic compares views over random tables, batch sizes and commit
// points with plain vectors of the same rows.
func TestMetamorphic(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 7))
			table, gens := randomTable(r, 5)
			target := []int{300, 20_000, 70_000, 140_000}[seed%4]
			runMetamorphic(t, r, table, gens, target)
		})
	}
}

// heldView is a view with the number of rows that it had when it was taken.
type heldView struct {
	view segment.Segment
	rows int
}

func runMetamorphic(t *testing.T, r *rand.Rand, table *schema.Table, gens []*generator, target int) {
	s, err := New(Config{Name: "t__0__0__x", Table: table, Partition: 3, FirstSeq: 100})
	if err != nil {
		t.Fatal(err)
	}
	ref := newNaive(table.Schema)
	committed := 0
	held := []heldView{{s.Snapshot(), 0}}
	for rows := 0; rows < target; {
		b := randomBatch(r, gens, r.IntN(1+min(target/3, 5000)))
		if err := s.Append(b); err != nil {
			t.Fatal(err)
		}
		ref.append(b)
		rows += b.N
		if int(s.Rows()) != committed {
			t.Fatalf("%d rows are visible before the commit", s.Rows())
		}
		if r.IntN(3) > 0 {
			if err := s.Commit(Commit{NextOffset: fmt.Sprint(rows), Records: 1}); err != nil {
				t.Fatal(err)
			}
			committed = rows
		}
		if r.IntN(1+target/6000) == 0 {
			held = append(held, heldView{s.Snapshot(), committed})
		}
	}
	if err := s.Commit(Commit{NextOffset: "end"}); err != nil {
		t.Fatal(err)
	}
	held = append(held, heldView{s.Snapshot(), ref.cols[0].N})
	for len(held) > 6 { // the ends and a few in between
		k := 1 + r.IntN(len(held)-2)
		held = append(held[:k], held[k+1:]...)
	}
	for _, h := range held {
		checkView(t, r, h, table, ref)
	}
}

func checkView(t *testing.T, r *rand.Rand, h heldView, table *schema.Table, ref *naive) {
	t.Helper()
	if int(h.view.NumDocs()) != h.rows || int(h.view.Metadata().NumDocs) != h.rows {
		t.Fatalf("view of %d rows, want %d", h.view.NumDocs(), h.rows)
	}
	for i, f := range table.Schema.Fields {
		col, err := h.view.Column(f.ID)
		if err != nil {
			t.Fatal(err)
		}
		checkColumn(t, r, col, ref.cols[i], h.rows)
	}
	h.view.Release()
}

// demoTable has a column of every storage form.
func demoTable() *schema.Table {
	return &schema.Table{ID: 5, Name: "demo", Type: schema.Realtime,
		Schema: &schema.Schema{Name: "demo", Version: 2, Fields: []schema.Field{
			{ID: 1, Name: "word", Type: schema.Text},
			{ID: 2, Name: "key", Type: schema.Text},
			{ID: 3, Name: "count", Type: schema.Int32},
			{ID: 4, Name: "at", Type: schema.Timestamp, Role: schema.DateTime},
			{ID: 5, Name: "ratio", Type: schema.Float64},
			{ID: 6, Name: "tags", Type: schema.Text.AsList()},
		}},
		Config: &schema.TableConfig{TimeColumn: "at", Indexing: schema.IndexingConfig{Inverted: []string{"word"}}},
	}
}

// demoBatch returns rows first, first+1, …, whose values follow from their number.
func demoBatch(first, n int) *column.Batch {
	b := &column.Batch{N: n}
	for _, f := range demoTable().Schema.Fields {
		b.Cols = append(b.Cols, column.New(f.Type, n))
	}
	for i := first; i < first+n; i++ {
		b.Cols[0].AppendString(fmt.Sprintf("word%d", i%17))
		b.Cols[1].AppendString(fmt.Sprintf("key-%d", i))
		if i%5 == 0 {
			b.Cols[2].AppendNull()
		} else {
			b.Cols[2].Append(column.IntValue(schema.Int32, int64(i%1000)))
		}
		b.Cols[3].Append(column.IntValue(schema.Timestamp, int64(i)*1000))
		b.Cols[4].Append(column.FloatValue(schema.Float64, float64(i)/4))
		tags := column.New(schema.Text, i%3)
		for range i % 3 {
			tags.AppendString("tag")
		}
		b.Cols[5].Append(column.Value{Type: schema.Text.AsList(), List: tags})
	}
	return b
}

func newDemo(t testing.TB) *Segment {
	t.Helper()
	s, err := New(Config{Name: "demo__1__0__x", Table: demoTable(), Partition: 1, FirstSeq: 1000,
		StartOffset: "a", CreatedMicros: 77})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustAppend(t testing.TB, s *Segment, b *column.Batch) {
	t.Helper()
	if err := s.Append(b); err != nil {
		t.Fatal(err)
	}
}

func mustCommit(t testing.TB, s *Segment, c Commit) {
	t.Helper()
	if err := s.Commit(c); err != nil {
		t.Fatal(err)
	}
}

func TestSegmentMetadata(t *testing.T) {
	s := newDemo(t)
	mustAppend(t, s, demoBatch(0, 10))
	if m := s.Metadata(); m.NumDocs != 0 || m.EndOffset != "a" || m.HasTime {
		t.Fatalf("metadata before the commit: %+v", m)
	}
	rowErr := segment.RowError{Partition: 1, Offset: "7", Reason: "bad"}
	mustCommit(t, s, Commit{NextOffset: "b", Records: 12, Rejected: 2, Errors: []segment.RowError{rowErr},
		MaxEventMicros: 9000, MaxArrivalMicros: 50})
	mustAppend(t, s, demoBatch(10, 5))
	mustCommit(t, s, Commit{NextOffset: "c", Records: 5, MaxEventMicros: 14000})

	got := *s.Metadata()
	if len(got.Columns) != 6 {
		t.Fatalf("%d columns", len(got.Columns))
	}
	at := got.Columns[3]
	got.Columns = nil
	want := segment.Metadata{Name: "demo__1__0__x", Table: "demo", TableID: 5, SchemaVersion: 2, NumDocs: 15,
		Streamed: true, Partition: 1, FirstSeq: 1000, StartOffset: "a", EndOffset: "c",
		SeqMarks: []segment.SeqMark{{Offset: "a", Seq: 1000}}, Records: 17, Rejected: 2,
		Errors: []segment.RowError{rowErr}, TimeColumn: 4, HasTime: true, MinTime: 0, MaxTime: 14000,
		CreatedMicros: 77, Consuming: true}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("metadata\n got %+v\nwant %+v", got, want)
	}
	if at.Cardinality != 15 || at.Encoding != segment.EncodingDict || at.Min.I != 0 || at.Max.I != 14000 {
		t.Errorf("time column: %+v", at)
	}
	st := s.Stats()
	if st.Rows != 15 || st.MaxEventMicros != 14000 || st.MaxArrivalMicros != 50 || st.NextOffset != "c" {
		t.Errorf("stats: %+v", st)
	}
}

func TestSegmentMarksAndErrorsAreBounded(t *testing.T) {
	s := newDemo(t)
	errs := make([]segment.RowError, 300)
	for i := range 40 {
		mustAppend(t, s, demoBatch(i*5000, 5000))
		mustCommit(t, s, Commit{NextOffset: fmt.Sprint(i), Records: 5300, Rejected: 300, Errors: errs})
	}
	m := s.Metadata()
	if len(m.Errors) != MaxErrors || m.Rejected != 12_000 {
		t.Errorf("%d errors kept, %d counted", len(m.Errors), m.Rejected)
	}
	want := []segment.SeqMark{{Offset: "a", Seq: 1000}, {Offset: "13", Seq: 71_000}, {Offset: "27", Seq: 141_000}}
	if !reflect.DeepEqual(m.SeqMarks, want) {
		t.Errorf("marks %+v, want %+v", m.SeqMarks, want)
	}
}

func TestSegmentSeal(t *testing.T) {
	s := newDemo(t)
	mustAppend(t, s, demoBatch(0, 3))
	mustCommit(t, s, Commit{NextOffset: "b"})
	mustAppend(t, s, demoBatch(3, 3))
	s.Seal()
	if err := s.Append(demoBatch(6, 1)); !errors.Is(err, ErrSealed) {
		t.Errorf("Append: %v", err)
	}
	if err := s.Commit(Commit{}); !errors.Is(err, ErrSealed) {
		t.Errorf("Commit: %v", err)
	}
	if s.Rows() != 3 || !s.Stats().Sealed {
		t.Errorf("rows %d", s.Rows())
	}
}

func TestSegmentRefusesBatches(t *testing.T) {
	s := newDemo(t)
	f := func(name string, want error, change func(b *column.Batch)) {
		t.Helper()
		b := demoBatch(0, 2)
		change(b)
		if err := s.Append(b); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f("columns", ErrBatch, func(b *column.Batch) { b.Cols = b.Cols[:5] })
	f("rows", ErrBatch, func(b *column.Batch) { b.Cols[5] = demoBatch(0, 3).Cols[5] })
	f("nil", ErrBatch, func(b *column.Batch) { b.Cols[1] = nil })
	f("kind", ErrBatch, func(b *column.Batch) { b.Cols[2], b.Cols[3] = b.Cols[3], b.Cols[2] })
	f("const", ErrBatch, func(b *column.Batch) { b.Cols[4] = column.NewConst(column.FloatValue(schema.Float64, 1), 2) })
	f("list", ErrBatch, func(b *column.Batch) {
		b.Cols[5] = column.New(schema.Int64.AsList(), 0)
		b.Cols[5].AppendNull()
		b.Cols[5].AppendNull()
	})
	f("full", ErrFull, func(b *column.Batch) { b.N = maxRows + 1 })
	mustAppend(t, s, demoBatch(0, 2))
	mustCommit(t, s, Commit{})
	if s.Rows() != 2 {
		t.Errorf("%d rows after refused batches", s.Rows())
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("no error without a table")
	}
	f := func(typ schema.Type, ix schema.IndexingConfig, want error) {
		t.Helper()
		_, err := New(Config{Table: &schema.Table{Schema: &schema.Schema{Fields: []schema.Field{{ID: 1, Name: "c", Type: typ}}},
			Config: &schema.TableConfig{Indexing: ix}}})
		if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), `column "c"`) {
			t.Errorf("%s with %+v: %v, want %v", typ, ix, err, want)
		}
	}
	c := []string{"c"}
	f(schema.Text, schema.IndexingConfig{Inverted: c}, nil)
	f(schema.Float64, schema.IndexingConfig{Inverted: c}, nil)
	f(schema.Text, schema.IndexingConfig{Inverted: c, NoDictionary: c}, segment.ErrUnsupported)
	f(schema.Text.AsList(), schema.IndexingConfig{Inverted: c}, nil)
	f(schema.Text.AsList(), schema.IndexingConfig{Inverted: c, NoDictionary: c}, segment.ErrUnsupported)
	f(schema.Interval.AsList(), schema.IndexingConfig{Inverted: c}, segment.ErrUnsupported)
	f(schema.Interval, schema.IndexingConfig{Inverted: c}, segment.ErrUnsupported)
	f(schema.Text.AsList(), schema.IndexingConfig{SortedColumn: "c"}, segment.ErrUnsupported)
}

func TestViewLifetime(t *testing.T) {
	s := newDemo(t)
	mustAppend(t, s, demoBatch(0, 3))
	mustCommit(t, s, Commit{})
	v := s.Snapshot()
	if !v.Retain() {
		t.Fatal("Retain of an open view")
	}
	v.Release()
	if c, err := v.Column(1); err != nil || c == nil {
		t.Fatalf("column of a retained view: %v", err)
	}
	if c, err := v.Column(99); err != nil || c != nil {
		t.Fatalf("unknown column: %v %v", c, err)
	}
	v.Release()
	if v.Retain() {
		t.Error("Retain of a closed view")
	}
	if _, err := v.Column(1); !errors.Is(err, segment.ErrClosed) {
		t.Errorf("column of a closed view: %v", err)
	}
}

// TestEncodingFollowsCardinality pins which columns keep their dictionary.
func TestEncodingFollowsCardinality(t *testing.T) {
	s := newDemo(t)
	for i := range 30 {
		mustAppend(t, s, demoBatch(i*5000, 5000))
	}
	mustCommit(t, s, Commit{})
	f := func(id uint32, wantDict, wantInverted bool) {
		t.Helper()
		c, err := s.Snapshot().Column(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Dictionary() != nil; got != wantDict {
			t.Errorf("%s: dictionary %t", c.Meta().Name, got)
		}
		if got := c.Inverted() != nil; got != wantInverted {
			t.Errorf("%s: inverted %t", c.Meta().Name, got)
		}
	}
	f(1, true, true)   // few values
	f(2, false, false) // unique text: raw from the second block on
	f(3, true, false)
	f(4, false, false) // unique times
	f(5, false, false) // floats are always raw
	f(6, false, false) // lists too
}
