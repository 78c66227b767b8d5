package file

import (
	"bytes"
	"context"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// csvReader reads CSV by RFC 4180, with lines that end in LF or CRLF and any
// one-byte delimiter. A cell without quotes that is spelled as Options.Null is
// NULL; a cell in quotes never is.
type csvReader struct {
	*stream
	rows    *rowFiller
	opt     Options
	delim   byte
	fields  []int // by column of the file; -1 where no field takes it
	cells   [][]byte
	quoted  []bool
	scratch []byte // cells that had doubled quotes
}

func delimiterOf(name string, opt Options) byte {
	if opt.Delimiter != 0 {
		return opt.Delimiter
	}
	if ext, _ := splitName(path.Base(name)); ext == ".tsv" {
		return '\t'
	}
	return ','
}

func openCSV(ctx context.Context, in Input, s *schema.Schema, opt Options) (*csvReader, error) {
	rows, err := newRowFiller(in, s, opt.Decode)
	if err != nil {
		return nil, err
	}
	r := &csvReader{rows: rows, opt: opt, delim: delimiterOf(in.Path, opt)}
	if r.stream, err = openStream(ctx, in, opt); err != nil {
		return nil, err
	}
	if err := r.header(); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// header maps columns to fields.
func (r *csvReader) header() error {
	names := r.opt.Header
	r.skipMark()
	if names == nil {
		ok, err := r.record()
		if err != nil {
			return err
		}
		if !ok {
			return nil // an empty file has no rows
		}
		for _, c := range r.cells {
			names = append(names, strings.TrimSpace(string(c)))
		}
	}
	for _, n := range names {
		f := r.rows.fieldFor(n, r.opt.Decode.IgnoreCase)
		if f >= 0 && r.rows.found[f] {
			return r.rows.corrupt("the header names column %q twice", n)
		}
		if f >= 0 {
			r.rows.found[f] = true
		}
		r.fields = append(r.fields, f)
	}
	return r.rows.anyFound()
}

// Next implements Reader.
func (r *csvReader) Next(ctx context.Context) (*column.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.rows.begin()
	for r.rows.batch.N < batchRows {
		r.rows.row++
		ok, err := r.record()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if err := r.addRow(); err != nil {
			return nil, err
		}
	}
	if r.rows.batch.N == 0 {
		return nil, io.EOF
	}
	return r.rows.finish()
}

func (r *csvReader) addRow() error {
	if len(r.cells) != len(r.fields) {
		return r.rows.corrupt("%d fields, the header has %d", len(r.cells), len(r.fields))
	}
	for i, f := range r.fields {
		if f < 0 {
			continue
		}
		if reason := r.cell(f, r.cells[i], r.quoted[i]); reason != "" {
			return r.rows.refuse(f, reason)
		}
	}
	r.rows.batch.N++
	return nil
}

func (r *csvReader) cell(field int, b []byte, quoted bool) string {
	f := r.rows.fillers[field]
	switch {
	case !quoted && string(b) == r.opt.Null:
		return f.Null()
	case !ascii(b) && !utf8.Valid(b):
		return "text is not valid UTF-8"
	case f.List():
		return r.list(field, b)
	}
	return f.Untyped(b)
}

// list reads a cell of several values.
func (r *csvReader) list(field int, b []byte) string {
	f := r.rows.fillers[field]
	delim := r.opt.ListDelimiter
	if delim == 0 {
		delim = ';'
	}
	f.BeginList()
	for len(b) > 0 {
		value, rest, _ := bytes.Cut(b, []byte{delim})
		if reason := f.Untyped(value); reason != "" {
			f.AbortList()
			return reason
		}
		b = rest
	}
	f.EndList()
	return ""
}

// BytesRead implements Reader.
func (r *csvReader) BytesRead() int64 { return r.raw.n }

// Close implements Reader.
func (r *csvReader) Close() error {
	r.close()
	return nil
}

// record reads the cells of the next record, which stay valid until the next
// call; false means the end. Empty lines are no records.
func (r *csvReader) record() (bool, error) {
	for {
		end := r.split(r.buf[r.at:])
		for end == needMore && r.fill() {
			end = r.split(r.buf[r.at:])
		}
		if r.err != nil {
			return false, r.err
		}
		if end == needMore { // the last line has no line feed
			end = r.split(append(r.buf[r.at:len(r.buf):len(r.buf)], '\n'))
			if end > 0 {
				end--
			}
		}
		switch {
		case end == badQuotes:
			return false, r.rows.corrupt("text after the closing quote of a field")
		case end == needMore && r.at < len(r.buf):
			return false, r.rows.corrupt("the file ends within a quoted field")
		case end == needMore || end == 0:
			return false, nil
		}
		r.at += end
		if len(r.cells) > 1 || len(r.cells[0]) > 0 || r.quoted[0] {
			return true, nil
		}
		if r.at == len(r.buf) && r.eof {
			return false, nil
		}
	}
}

const (
	needMore  = -1
	badQuotes = -2
)

// split divides the first record of b into cells and returns its length with
// the line feed.
func (r *csvReader) split(b []byte) int {
	r.cells, r.quoted, r.scratch = r.cells[:0], r.quoted[:0], r.scratch[:0]
	for i := 0; ; {
		var cell []byte
		quoted := i < len(b) && b[i] == '"'
		if quoted {
			if cell, i = r.quotedCell(b, i+1); i < 0 {
				return i
			}
		} else {
			start := i
			for i < len(b) && b[i] != r.delim && b[i] != '\n' {
				i++
			}
			cell = b[start:i]
		}
		if i == len(b) {
			return needMore
		}
		last := b[i] == '\n'
		if n := len(cell); last && !quoted && n > 0 && cell[n-1] == '\r' {
			cell = cell[:n-1]
		}
		r.cells, r.quoted = append(r.cells, cell), append(r.quoted, quoted)
		i++
		if last {
			return i
		}
	}
}

// quotedCell reads a cell after its opening quote and returns the position of
// what ends it.
func (r *csvReader) quotedCell(b []byte, i int) (cell []byte, next int) {
	start, from := i, len(r.scratch)
	for {
		k := bytes.IndexByte(b[i:], '"')
		if k < 0 {
			return nil, needMore
		}
		i += k
		if i+1 == len(b) {
			return nil, needMore
		}
		if b[i+1] != '"' {
			break
		}
		r.scratch = append(r.scratch, b[start:i+1]...)
		i += 2
		start = i
	}
	cell = b[start:i]
	if len(r.scratch) > from {
		// Cells before keep the memory that they point to when scratch grows.
		r.scratch = append(r.scratch, cell...)
		cell = r.scratch[from:]
	}
	i++
	if b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
		i++
	} else if b[i] == '\r' && i+1 == len(b) {
		return nil, needMore
	}
	if b[i] != r.delim && b[i] != '\n' {
		return nil, badQuotes
	}
	return cell, i
}
