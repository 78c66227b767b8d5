// Package export writes the rows of a segment as Parquet, CSV or JSON, in the
// forms that ingest/file reads back. It reads through the interfaces of package
// segment and knows neither segment files nor where its output goes.
//
// All formats hold the columns of the table; hidden columns (sequence numbers,
// truncated times) are left out. Points in time are in UTC.
package export

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/segment"
)

// Format is a format of files.
type Format uint8

// The formats.
const (
	Parquet Format = iota + 1 // ZSTD compressed, with dictionaries
	CSV                       // with a header; NULL is empty and empty text ""
	JSON                      // one object per line, without members that are NULL
)

// ErrFormat is returned for a name of no format, and for rows that a format
// cannot hold.
var ErrFormat = errors.New("cannot be written")

// ParseFormat returns the format of that name.
func ParseFormat(name string) (Format, error) {
	switch name {
	case "parquet":
		return Parquet, nil
	case "csv":
		return CSV, nil
	case "json":
		return JSON, nil
	}
	return 0, fmt.Errorf("%w: there is no format %q; it is parquet, csv or json", ErrFormat, name)
}

// blockRows is the number of rows that are read at a time, and that a row group
// of Parquet has.
const blockRows = 2 * segment.BlockRows

// writer writes blocks of rows. Vectors are in the order of the fields and flat.
type writer interface {
	block(cols []*column.Vector, rows int) error
	// end writes what follows the last row. It does not close the output.
	end() error
}

// Write writes all rows of seg to w.
func Write(ctx context.Context, w io.Writer, f Format, seg segment.Segment) error {
	s := SchemaOf(seg.Metadata())
	out, err := newWriter(w, f, s)
	if err != nil {
		return err
	}
	cols := make([]*column.Vector, len(s.Fields))
	for i := range cols {
		cols[i] = new(column.Vector)
	}
	for from := uint32(0); from < seg.NumDocs(); from += blockRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := int(min(blockRows, seg.NumDocs()-from))
		if err := read(seg, s, from, n, cols); err != nil {
			return err
		}
		if err := out.block(cols, n); err != nil {
			return err
		}
	}
	return out.end()
}

func newWriter(w io.Writer, f Format, s *schema.Schema) (writer, error) {
	switch f {
	case Parquet:
		return newParquet(w, s)
	case CSV:
		return newCSV(w, s), nil
	case JSON:
		return newJSON(w, s), nil
	}
	return nil, fmt.Errorf("%w: format %d", ErrFormat, f)
}

// read fills cols with n rows.
func read(seg segment.Segment, s *schema.Schema, from uint32, n int, cols []*column.Vector) error {
	for i := range s.Fields {
		c, err := seg.Column(s.Fields[i].ID)
		if err == nil {
			err = c.Read(from, n, cols[i])
		}
		if err != nil {
			return fmt.Errorf("column %q: %w", s.Fields[i].Name, err)
		}
		cols[i] = cols[i].Flatten()
	}
	return nil
}

// SchemaOf returns the schema of a segment's rows, with the ids of its columns.
// What a segment does not keep of the table's (formats, paths, which columns
// are metrics) is not in it.
func SchemaOf(m *segment.Metadata) *schema.Schema {
	s := &schema.Schema{Name: m.Table, Version: m.SchemaVersion}
	for i := range m.Columns {
		c := &m.Columns[i]
		if segment.Hidden(c.ID) {
			continue
		}
		f := schema.Field{ID: c.ID, Name: c.Name, Type: c.Type, Role: schema.Dimension}
		if c.Type.IsTime() && !c.Type.List {
			f.Role = schema.DateTime
		}
		s.Fields = append(s.Fields, f)
	}
	return s
}

// text appends a value that is no list as text that ingestion reads back.
func text(dst []byte, v *column.Vector, i int) []byte {
	if v.Kind() == schema.KindBool {
		if v.Bools[i] {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	}
	return fn.FormatText(dst, nil, v, i)
}
