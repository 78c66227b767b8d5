package format

import (
	"errors"
	"reflect"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

func sampleFooter() *Footer {
	one := column.TextValue("one")
	m := &segment.Metadata{
		Name: "n", Table: "t", TableID: 1, SchemaVersion: 2, NumDocs: 100, Streamed: true, Partition: 3,
		FirstSeq: 4, StartOffset: "a", EndOffset: "b", Records: 5, Rejected: 1, RowSum: 1 << 63,
		SeqMarks:   []segment.SeqMark{{Offset: "a", Seq: 4}, {Offset: "aa", Seq: 50}},
		Errors:     []segment.RowError{{Partition: 3, Offset: "9", Time: -1, Reason: "r", Sample: "s"}},
		TimeColumn: 2, HasTime: true, MinTime: -3, MaxTime: 3, CreatedMicros: 7, SealedMicros: 8,
		Columns: []segment.ColumnMeta{
			{ID: 1, Name: "a", Type: schema.Text, Encoding: segment.EncodingDict, Cardinality: 9, Nulls: 1, HasRange: true,
				Truncated: true, Min: column.TextValue("a"), Max: column.TextValue("z"), Bytes: 30, Indexes: []string{"inverted"}},
			{ID: 2, Name: "b", Type: schema.Text, Encoding: segment.EncodingConst, Sorted: true, Cardinality: 1},
			{ID: 3, Name: "c", Type: schema.Numeric, Encoding: segment.EncodingFOR},
			{ID: 4, Name: "d", Type: schema.Int32.AsList(), Encoding: segment.EncodingRaw, Bytes: 12},
		},
	}
	return &Footer{Meta: m, Columns: []Column{
		{Meta: &m.Columns[0], Buffers: []Buffer{
			{Role: RoleForward, Required: true, Offset: 64, Length: 20, CRC: 1, Params: []byte{}},
			{Role: RoleInverted, Offset: 128, Length: 10, CRC: 2, Params: []byte{7}},
		}},
		{Meta: &m.Columns[1], Buffers: []Buffer{}, Const: &one},
		{Meta: &m.Columns[2], Buffers: []Buffer{}, DecimalScale: 4, HasDecimalScale: true},
		{Meta: &m.Columns[3], Buffers: []Buffer{}, ChildRows: 17, Child: &Column{
			isChild: true,
			Meta:    &segment.ColumnMeta{Type: schema.Int32, Encoding: segment.EncodingRaw, Bytes: 12},
			Buffers: []Buffer{{Role: RoleForward, Required: true, Offset: 192, Length: 12, Params: []byte{}}},
		}},
	}}
}

func TestFooter(t *testing.T) {
	want := sampleFooter()
	got, err := ReadFooter(AppendFooter(nil, want), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Meta, want.Meta) {
		t.Errorf("metadata\n%+v, want\n%+v", got.Meta, want.Meta)
	}
	if !reflect.DeepEqual(got.Columns, want.Columns) {
		t.Errorf("columns\n%+v, want\n%+v", got.Columns, want.Columns)
	}
}

func TestFooterRefusesDamage(t *testing.T) {
	b := AppendFooter(nil, sampleFooter())
	for n := range b {
		if _, err := ReadFooter(b[:n], 1000); !errors.Is(err, segment.ErrCorrupt) {
			t.Fatalf("footer cut at %d: %v", n, err)
		}
	}
	if _, err := ReadFooter(b, 200); !errors.Is(err, segment.ErrCorrupt) {
		t.Errorf("buffer beyond the end: %v", err)
	}
	if _, err := ReadFooter(append(b, b...), 1000); !errors.Is(err, segment.ErrCorrupt) {
		t.Errorf("sections twice: %v", err)
	}
}

// TestUnknownParts checks what lets a later version add to the format.
func TestUnknownParts(t *testing.T) {
	b := AppendFooter(nil, sampleFooter())
	section := func(flags byte) []byte {
		return append(append([]byte(nil), b...), 99, 0, flags, 0, 2, 0, 0, 0, 'x', 'y')
	}
	if _, err := ReadFooter(section(0), 1000); err != nil {
		t.Errorf("unknown optional section: %v", err)
	}
	if _, err := ReadFooter(section(sectionRequired), 1000); !errors.Is(err, segment.ErrUnsupported) {
		t.Errorf("unknown required section: %v", err)
	}
	f := sampleFooter()
	f.Columns[0].Buffers[1].Role = RoleBloom
	got, err := ReadFooter(AppendFooter(nil, f), 1000)
	if err != nil || got.Columns[0].Unsupported() != nil {
		t.Errorf("unknown optional buffer: %v", err)
	}
	f.Columns[0].Buffers[1].Required = true
	got, err = ReadFooter(AppendFooter(nil, f), 1000)
	if err != nil || !errors.Is(got.Columns[0].Unsupported(), segment.ErrUnsupported) {
		t.Errorf("unknown required buffer: %v", err)
	}
}

func TestTrailer(t *testing.T) {
	want := Trailer{FooterOffset: 128, FooterLength: 40, FileLength: 232, FooterCRC: 9}
	b := want.Append(nil)
	got, err := ReadTrailer(b, 232)
	if err != nil || got != want || len(b) != TrailerBytes {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := ReadTrailer(b, 233); !errors.Is(err, segment.ErrCorrupt) {
		t.Errorf("other length: %v", err)
	}
	for i := range b {
		b[i] ^= 1
		if _, err := ReadTrailer(b, 232); !errors.Is(err, segment.ErrCorrupt) {
			t.Errorf("flipped byte %d: %v", i, err)
		}
		b[i] ^= 1
	}
	if err := CheckHeader(Header()); err != nil {
		t.Error(err)
	}
	h := Header()
	h[8] = 2
	if err := CheckHeader(h); !errors.Is(err, segment.ErrUnsupported) {
		t.Errorf("version 2: %v", err)
	}
}

func FuzzReadFooter(f *testing.F) {
	f.Add(AppendFooter(nil, sampleFooter()))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ReadFooter(b, 1000)
		if err != nil {
			return
		}
		if _, err := ReadFooter(AppendFooter(nil, got), 1000); err != nil {
			t.Fatalf("footer does not survive a second round: %v", err)
		}
	})
}
