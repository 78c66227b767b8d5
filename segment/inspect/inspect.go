// Package inspect describes and verifies segment files for people: the layout,
// the properties, and per column sizes, encodings and samples. It reads through
// segment/immutable like every other reader, so what it shows is what queries
// see.
package inspect

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

// Options of Describe.
type Options struct {
	// Samples is the number of dictionary values shown per column; 0 means 5,
	// negative none.
	Samples int
	// Columns limits the report to these names; empty means all.
	Columns []string
}

// Report describes a segment file.
type Report struct {
	Version       int      `json:"formatVersion"`
	Bytes         uint64   `json:"bytes"`
	Name          string   `json:"name"`
	Table         string   `json:"table"`
	TableID       uint32   `json:"tableId"`
	SchemaVersion uint32   `json:"schemaVersion"`
	Docs          uint32   `json:"docs"`
	RowSum        string   `json:"rowSum"`
	Stream        *Stream  `json:"stream,omitempty"`
	Time          *Time    `json:"time,omitempty"`
	CreatedMicros int64    `json:"createdMicros"`
	SealedMicros  int64    `json:"sealedMicros"`
	Columns       []Column `json:"columns"`
	// StarTrees is shown when all columns are.
	StarTrees []StarTree `json:"starTrees,omitempty"`
}

// Stream is where a streamed segment comes from. Offsets are hexadecimal.
type Stream struct {
	Partition   uint32 `json:"partition"`
	FirstSeq    uint64 `json:"firstSeq"`
	StartOffset string `json:"startOffset"`
	EndOffset   string `json:"endOffset"`
	Records     uint64 `json:"records"`
	Rejected    uint64 `json:"rejected"`
	SeqMarks    int    `json:"seqMarks"`
	Errors      int    `json:"errors"`
}

// Time is the range of the time column.
type Time struct {
	Column uint32 `json:"column"`
	Min    int64  `json:"min"`
	Max    int64  `json:"max"`
}

// Column describes one column.
type Column struct {
	ID          uint32   `json:"id"`
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Encoding    string   `json:"encoding"`
	Cardinality uint32   `json:"cardinality"`
	Nulls       uint32   `json:"nulls"`
	Sorted      bool     `json:"sorted"`
	Min         string   `json:"min,omitempty"`
	Max         string   `json:"max,omitempty"`
	Truncated   bool     `json:"truncated,omitempty"`
	Bytes       uint64   `json:"bytes"`
	BitsPerRow  float64  `json:"bitsPerRow"`
	Indexes     []string `json:"indexes,omitempty"`
	Details     []string `json:"details,omitempty"` // what indexes of whole values hold
	Buffers     []Buffer `json:"buffers"`
	Samples     []string `json:"samples,omitempty"`
	Elements    *Column  `json:"elements,omitempty"`
	Fault       string   `json:"fault,omitempty"`
}

// Buffer is the place of one buffer.
type Buffer struct {
	Role   string `json:"role"`
	Offset uint64 `json:"offset"`
	Bytes  uint64 `json:"bytes"`
	CRC    string `json:"crc"`
}

// Describe reads the segment file at path. Columns whose buffers are corrupt
// are described with a Fault; only a corrupt footer is an error.
func Describe(fsys vfs.FS, path string, opt Options) (*Report, error) {
	s, err := immutable.Open(fsys, path, immutable.Options{})
	if err != nil {
		return nil, err
	}
	defer s.Release()
	r := properties(s)
	dir := s.Directory()
	for i := range dir.Columns {
		c := &dir.Columns[i]
		if !wanted(c.Meta.Name, opt.Columns) {
			continue
		}
		d := describe(c, s.NumDocs())
		addSamples(&d, s, c.Meta.ID, opt.Samples)
		r.Columns = append(r.Columns, d)
	}
	if len(opt.Columns) == 0 {
		r.StarTrees = starTrees(s)
	}
	return r, nil
}

func wanted(name string, names []string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return len(names) == 0
}

func properties(s *immutable.Segment) *Report {
	m := s.Metadata()
	r := &Report{
		Version: format.Version, Bytes: s.SizeBytes(), Name: m.Name, Table: m.Table,
		TableID: m.TableID, SchemaVersion: m.SchemaVersion, Docs: m.NumDocs,
		RowSum:        fmt.Sprintf("%016x", m.RowSum),
		CreatedMicros: m.CreatedMicros, SealedMicros: m.SealedMicros,
	}
	if m.Streamed {
		r.Stream = &Stream{
			Partition: m.Partition, FirstSeq: m.FirstSeq, Records: m.Records, Rejected: m.Rejected,
			StartOffset: hex.EncodeToString([]byte(m.StartOffset)),
			EndOffset:   hex.EncodeToString([]byte(m.EndOffset)),
			SeqMarks:    len(m.SeqMarks), Errors: len(m.Errors),
		}
	}
	if m.HasTime {
		r.Time = &Time{Column: m.TimeColumn, Min: m.MinTime, Max: m.MaxTime}
	}
	return r
}

func describe(c *format.Column, rows uint32) Column {
	m := c.Meta
	d := Column{
		ID: m.ID, Name: m.Name, Type: m.Type.String(), Encoding: EncodingName(m.Encoding),
		Cardinality: m.Cardinality, Nulls: m.Nulls, Sorted: m.Sorted, Truncated: m.Truncated,
		Bytes: m.Bytes, Indexes: m.Indexes, Buffers: []Buffer{},
	}
	if rows > 0 {
		d.BitsPerRow = float64(m.Bytes*8*100/uint64(rows)) / 100
	}
	if m.HasRange {
		d.Min, d.Max = Text(m.Min), Text(m.Max)
	}
	for i := range c.Buffers {
		b := &c.Buffers[i]
		d.Buffers = append(d.Buffers, Buffer{
			Role: b.Role.String(), Offset: b.Offset, Bytes: b.Length, CRC: fmt.Sprintf("%08x", b.CRC),
		})
	}
	if c.Child != nil {
		child := describe(c.Child, c.ChildRows)
		d.Elements = &child
	}
	return d
}

func addSamples(d *Column, s *immutable.Segment, id uint32, n int) {
	c, err := s.Column(id)
	if err != nil {
		d.Fault = err.Error()
		return
	}
	d.Details = indexDetails(c)
	if n == 0 {
		n = 5
	}
	dict := c.Dictionary()
	if dict == nil || n < 0 {
		return
	}
	values := dict.Values()
	n = min(n, values.N)
	for i := range n {
		// Spread over the dictionary, first and last included.
		at := i
		if n > 1 {
			at = int(int64(i) * int64(values.N-1) / int64(n-1))
		}
		d.Samples = append(d.Samples, Text(values.Value(at)))
	}
}

// EncodingName returns the name of an encoding.
func EncodingName(e segment.Encoding) string {
	names := [...]string{1: "dict", "sorted-runs", "raw", "for", "delta", "chunked", "const", "rle", "alp", "derived"}
	if int(e) < len(names) && e > 0 {
		return names[e]
	}
	return fmt.Sprintf("encoding(%d)", e)
}

// maxText is the length at which values are cut for display.
const maxText = 60

// Text returns a value for display: text quoted and cut, other bytes in
// hexadecimal, points in time as their numbers.
func Text(v column.Value) string {
	if v.Null {
		return "NULL"
	}
	switch v.Type.Kind() {
	case schema.KindBool:
		return strconv.FormatBool(v.I != 0)
	case schema.KindFloat32:
		return strconv.FormatFloat(v.F, 'g', -1, 32)
	case schema.KindFloat64:
		return strconv.FormatFloat(v.F, 'g', -1, 64)
	case schema.KindDecimal:
		return v.D.String()
	case schema.KindInterval:
		return fmt.Sprintf("%d mon %d days %d us", v.Iv.Months, v.Iv.Days, v.Iv.Micros)
	case schema.KindBytes:
		return bytesText(v)
	case schema.KindInt64:
		if v.Type.ID == schema.TypeNumeric {
			return column.DecimalFromInt64(v.I, v.Type.Scale).String()
		}
	}
	return strconv.FormatInt(v.I, 10)
}

func bytesText(v column.Value) string {
	b, more := v.B, ""
	if len(b) > maxText {
		b, more = b[:maxText], "…"
	}
	if v.Type.ID == schema.TypeBytea || v.Type.ID == schema.TypeUUID || more == "" && !utf8.Valid(b) {
		return hex.EncodeToString(b) + more
	}
	return strconv.Quote(string(b)) + more
}

// WriteJSON writes the report as JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
