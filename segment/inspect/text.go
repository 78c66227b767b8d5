package inspect

import (
	"fmt"
	"io"
	"strings"
)

// WriteText writes the report for reading.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	r.text(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) text(b *strings.Builder) {
	fmt.Fprintf(b, "segment %s\n", r.Name)
	fmt.Fprintf(b, "  format %d, %d bytes, %d documents\n", r.Version, r.Bytes, r.Docs)
	fmt.Fprintf(b, "  table %s (id %d), schema version %d\n", r.Table, r.TableID, r.SchemaVersion)
	fmt.Fprintf(b, "  row sum %s\n", r.RowSum)
	if s := r.Stream; s != nil {
		fmt.Fprintf(b, "  partition %d, first seq %d, offsets [%s, %s)\n", s.Partition, s.FirstSeq, s.StartOffset, s.EndOffset)
		fmt.Fprintf(b, "  records %d, rejected %d, seq marks %d, kept errors %d\n", s.Records, s.Rejected, s.SeqMarks, s.Errors)
	}
	if t := r.Time; t != nil {
		fmt.Fprintf(b, "  time column %d: %d .. %d\n", t.Column, t.Min, t.Max)
	}
	fmt.Fprintf(b, "  created %d, sealed %d\n", r.CreatedMicros, r.SealedMicros)
	for i := range r.Columns {
		b.WriteByte('\n')
		r.Columns[i].text(b, "")
	}
	for i := range r.StarTrees {
		b.WriteByte('\n')
		r.StarTrees[i].text(b, i)
	}
}

func (c *Column) text(b *strings.Builder, indent string) {
	if indent == "" {
		fmt.Fprintf(b, "column %d %q %s\n", c.ID, c.Name, c.Type)
	} else {
		fmt.Fprintf(b, "%selements %s\n", indent, c.Type)
	}
	indent += "  "
	fmt.Fprintf(b, "%s%s, %d bytes, %.2f bits a row", indent, c.Encoding, c.Bytes, c.BitsPerRow)
	if c.Sorted {
		b.WriteString(", sorted")
	}
	if len(c.Indexes) > 0 {
		fmt.Fprintf(b, ", indexes: %s", strings.Join(c.Indexes, " "))
	}
	b.WriteByte('\n')
	fmt.Fprintf(b, "%scardinality %s, nulls %d", indent, count(c.Cardinality), c.Nulls)
	if c.Min != "" {
		fmt.Fprintf(b, ", range %s .. %s", c.Min, c.Max)
	}
	if c.Truncated {
		b.WriteString(" (truncated)")
	}
	b.WriteByte('\n')
	if c.Fault != "" {
		fmt.Fprintf(b, "%sFAULT %s\n", indent, c.Fault)
	}
	for _, x := range c.Buffers {
		fmt.Fprintf(b, "%s@%-8d %8d  %s  %s\n", indent, x.Offset, x.Bytes, x.CRC, x.Role)
	}
	for _, s := range c.Details {
		fmt.Fprintf(b, "%s%s\n", indent, s)
	}
	if len(c.Samples) > 0 {
		fmt.Fprintf(b, "%ssamples: %s\n", indent, strings.Join(c.Samples, ", "))
	}
	if c.Elements != nil {
		c.Elements.text(b, indent)
	}
}

func count(n uint32) string {
	if n == 0 {
		return "unknown"
	}
	return fmt.Sprint(n)
}
