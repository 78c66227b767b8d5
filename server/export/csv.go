package export

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// listDelimiter stands between the elements of a list.
const listDelimiter = ';'

// csvWriter writes CSV as RFC 4180 describes it, lines ending in LF.
type csvWriter struct {
	w      *bufio.Writer
	fields []schema.Field
	rows   int // written
	cell   []byte
}

func newCSV(w io.Writer, s *schema.Schema) *csvWriter {
	c := &csvWriter{w: bufio.NewWriterSize(w, 1<<16), fields: s.Fields}
	for i := range s.Fields {
		c.put(i, []byte(s.Fields[i].Name))
	}
	c.endRow()
	return c
}

func (c *csvWriter) block(cols []*column.Vector, rows int) error {
	for i := range rows {
		for k, v := range cols {
			if err := c.value(k, v, i); err != nil {
				return err
			}
		}
		c.endRow()
		c.rows++
	}
	return nil
}

func (c *csvWriter) value(k int, v *column.Vector, i int) error {
	switch {
	case v.IsNull(i):
		c.comma(k)
		return nil
	case v.Kind() == schema.KindList:
		if err := c.list(v, i); err != nil {
			return fmt.Errorf("row %d, column %q: %w", c.rows+1, c.fields[k].Name, err)
		}
	default:
		c.cell = text(c.cell[:0], v, i)
	}
	c.put(k, c.cell)
	return nil
}

// list makes the cell of a list. Elements have no quotes of their own, so some
// lists cannot be told from others.
func (c *csvWriter) list(v *column.Vector, i int) error {
	c.cell = c.cell[:0]
	for k := v.Offsets[i]; k < v.Offsets[i+1]; k++ {
		if k > v.Offsets[i] {
			c.cell = append(c.cell, listDelimiter)
		}
		start := len(c.cell)
		c.cell = text(c.cell, v.Elems, int(k))
		e := c.cell[start:]
		if v.Elems.IsNull(int(k)) || len(e) == 0 || bytes.IndexByte(e, listDelimiter) >= 0 {
			return fmt.Errorf("%w as CSV: an element that is NULL, empty or holds %q", ErrFormat, listDelimiter)
		}
	}
	return nil
}

func (c *csvWriter) comma(k int) {
	if k > 0 {
		c.w.WriteByte(',') // end tells errors
	}
}

// put writes a cell that is not NULL.
func (c *csvWriter) put(k int, b []byte) {
	c.comma(k)
	if len(b) > 0 && !bytes.ContainsAny(b, ",\"\r\n") {
		c.w.Write(b)
		return
	}
	c.w.WriteByte('"')
	c.w.Write(bytes.ReplaceAll(b, []byte{'"'}, []byte{'"', '"'}))
	c.w.WriteByte('"')
}

func (c *csvWriter) endRow() { c.w.WriteByte('\n') }

func (c *csvWriter) end() error { return c.w.Flush() }
