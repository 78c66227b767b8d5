package decode

import (
	"fmt"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// jsonDecoder decodes JSON records straight into column vectors.
//
// A record is one or more objects, one after the other (white space between
// them is free), or arrays of objects; each object is a row. A record is
// atomic: if any of its rows cannot be taken, it gives no row and one
// Rejected. Of a key that occurs twice in an object the last occurrence
// counts, as in PostgreSQL's jsonb. Keys without a field are skipped, but the
// whole record must be well-formed JSON (RFC 8259) in valid UTF-8, without
// unpaired surrogates.
//
// While a row is read, every column has d.row rows, or one more if its value
// was already seen; endRow evens them out.
type jsonDecoder struct {
	scanner
	root     node
	targets  []*target
	cols     []*column.Vector
	maxBytes int

	row    int    // index of the row being read
	stamp  uint64 // counts rows read, rejected ones too
	filled int    // columns that have a value for the row
	record *ingest.Record
	// faulty is the field whose value was refused, nil for malformed JSON.
	faulty *target
	// value holds the unescaped form of the string being read.
	value   []byte
	rowsPer []uint32
}

// NewJSON returns a decoder of JSON records for a schema. Types that JSON
// cannot fill and paths that are not supported are refused by name.
func NewJSON(s *schema.Schema, opt Options) (ingest.Decoder, error) {
	d := &jsonDecoder{maxBytes: opt.MaxRecordBytes}
	d.maxDepth = opt.MaxDepth
	if d.maxDepth <= 0 {
		d.maxDepth = DefaultMaxDepth
	}
	if opt.TimeColumn != "" && s.Index(opt.TimeColumn) < 0 {
		return nil, fmt.Errorf("time column %q is not in the schema", opt.TimeColumn)
	}
	for i := range s.Fields {
		if err := d.addField(&s.Fields[i], opt); err != nil {
			return nil, fmt.Errorf("field %q: %w", s.Fields[i].Name, err)
		}
	}
	d.root.seal(opt.IgnoreCase)
	return d, nil
}

func (d *jsonDecoder) addField(f *schema.Field, opt Options) error {
	t, err := newTarget(f, opt)
	if err != nil {
		return err
	}
	d.targets = append(d.targets, t)
	d.cols = append(d.cols, t.vec)
	if f.FromArrival {
		return nil
	}
	keys := []string{f.Name}
	if f.Path != "" {
		if keys, err = parsePath(f.Path); err != nil {
			return err
		}
	}
	n := &d.root
	for _, k := range keys {
		n = n.child(k)
	}
	n.targets = append(n.targets, t)
	return nil
}

// Decode implements ingest.Decoder.
func (d *jsonDecoder) Decode(records []ingest.Record, out *ingest.Decoded) {
	for _, t := range d.targets {
		t.reset()
	}
	out.Rejected = out.Rejected[:0]
	d.row, d.rowsPer = 0, d.rowsPer[:0]
	uneven := false
	for i := range records {
		before := d.row
		if reason := d.decodeRecord(&records[i]); reason != "" {
			d.rollback(before)
			out.Rejected = append(out.Rejected, ingest.Rejected{Record: i, Reason: reason})
		}
		uneven = uneven || d.row != before+1
		d.rowsPer = append(d.rowsPer, uint32(d.row-before))
	}
	for _, t := range d.targets {
		t.finish()
	}
	out.Rows = column.Batch{N: d.row, Cols: d.cols}
	out.RecordRows = nil
	if uneven {
		out.RecordRows = d.rowsPer
	}
}

// rollback removes the rows from row n on, and what the row being read left.
func (d *jsonDecoder) rollback(n int) {
	d.row = n
	for _, t := range d.targets {
		truncate(t.vec, n)
	}
}

// decodeRecord appends the rows of a record. It returns the reason why the
// record is refused, "" if it is not.
func (d *jsonDecoder) decodeRecord(r *ingest.Record) string {
	b := r.Value
	if d.maxBytes > 0 && len(b) > d.maxBytes {
		return fmt.Sprintf("record of %d bytes exceeds the limit of %d bytes", len(b), d.maxBytes)
	}
	d.record, d.faulty = r, nil
	i := skipSpace(b, 0)
	if i == len(b) {
		return "record is empty"
	}
	for i < len(b) {
		if b[i] == '[' && len(d.root.targets) == 0 {
			i = d.rowArray(b, i+1)
		} else {
			i = d.oneRow(b, i, 0)
		}
		if i < 0 {
			if reason := ingest.EnvelopeReason(b); reason != "" {
				return reason
			}
			return d.reason()
		}
		i = skipSpace(b, i)
	}
	return ""
}

// reason words the fault that made a method return -1.
func (d *jsonDecoder) reason() string {
	if d.faulty != nil {
		return d.faulty.name + ": " + d.msg
	}
	return fmt.Sprintf("malformed JSON at byte %d: %s", d.at, d.msg)
}

// refuse fails for the value of a field.
func (d *jsonDecoder) refuse(t *target, msg string) int {
	d.faulty, d.msg = t, msg
	return -1
}

// rowArray reads a top-level array whose elements are rows.
func (d *jsonDecoder) rowArray(b []byte, i int) int {
	if i = skipSpace(b, i); i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i = d.oneRow(b, i, 1); i < 0 {
			return -1
		}
		var last bool
		if i, last = d.comma(b, i, ']'); i < 0 || last {
			return i
		}
	}
}

// oneRow reads the value of one row, which is an object unless a field takes
// the whole record (path "$").
func (d *jsonDecoder) oneRow(b []byte, i, depth int) int {
	if (i >= len(b) || b[i] != '{') && len(d.root.targets) == 0 {
		return d.unexpected(b, i, "an object")
	}
	d.stamp++
	d.filled = 0
	if len(d.root.targets) == 0 {
		i = d.object(b, i+1, &d.root, depth+1)
	} else {
		i = d.branch(b, i, &d.root, depth)
	}
	if i < 0 || d.filled < len(d.targets) && !d.fillMissing() {
		return -1
	}
	d.row++
	return i
}

// fillMissing gives the columns that the record had no value for NULL or the
// arrival time.
func (d *jsonDecoder) fillMissing() bool {
	for _, t := range d.targets {
		if t.vec.N > d.row {
			continue
		}
		switch {
		case t.fromArrival:
			if !t.appendArrival(d.record.Timestamp) {
				d.refuse(t, "the record's timestamp is out of range")
				return false
			}
		case t.required != "":
			d.refuse(t, t.required)
			return false
		default:
			t.vec.AppendNull()
		}
	}
	return true
}

// object reads the members of an object after its opening brace.
func (d *jsonDecoder) object(b []byte, i int, n *node, depth int) int {
	if depth > d.maxDepth {
		return d.tooDeep(i)
	}
	if i = skipSpace(b, i); i < len(b) && b[i] == '}' {
		return i + 1
	}
	guess := &n.first
	for {
		if i >= len(b) || b[i] != '"' {
			return d.unexpected(b, i, "a key")
		}
		i++
		kid := *guess
		if q := kidQuoted(kid); len(q) > 0 && len(b)-i >= len(q) && string(b[i:i+len(q)]) == q {
			i += len(q)
		} else if kid, i = d.key(b, i, n); i < 0 {
			return -1
		}
		if i = d.colon(b, i); i < 0 {
			return -1
		}
		if kid == nil {
			i = d.skip(b, i, depth)
		} else {
			*guess = kid
			guess = &kid.next
			i = d.member(b, i, kid, depth)
		}
		if i < 0 {
			return -1
		}
		// The usual ends are tested here to save the call.
		if i < len(b) && b[i] == ',' {
			i = skipSpace(b, i+1)
			continue
		}
		var last bool
		if i, last = d.comma(b, i, '}'); i < 0 || last {
			return i
		}
	}
}

func kidQuoted(n *node) string {
	if n == nil {
		return ""
	}
	return n.quoted
}

// key reads a key that was not the expected one, without its opening quote. It
// returns its node, nil if the schema has none, and the position after it.
func (d *jsonDecoder) key(b []byte, i int, n *node) (*node, int) {
	end, escaped := d.text(b, i)
	if end < 0 {
		return nil, -1
	}
	key := b[i:end]
	if escaped {
		d.value = unescape(d.value[:0], key)
		key = d.value
	}
	return n.find(key), end + 1
}

// member reads the value at a node.
func (d *jsonDecoder) member(b []byte, i int, n *node, depth int) int {
	if i >= len(b) {
		return d.unexpected(b, i, "a value")
	}
	if len(n.targets) == 1 && len(n.kids) == 0 {
		return d.field(b, i, n.targets[0], depth)
	}
	return d.branch(b, i, n, depth)
}

// branch reads the value at a node that has fields below it or several fields
// that take the value itself.
func (d *jsonDecoder) branch(b []byte, i int, n *node, depth int) int {
	if len(n.kids) > 0 && n.row == d.stamp {
		d.forget(n)
	}
	n.row = d.stamp
	var end int
	if len(n.kids) > 0 && b[i] == '{' {
		end = d.object(b, i+1, n, depth+1)
	} else {
		end = d.skip(b, i, depth)
	}
	for _, t := range n.targets {
		if end < 0 {
			return -1
		}
		end = d.field(b, i, t, depth)
	}
	return end
}

// forget drops what an earlier occurrence of an object gave the row.
func (d *jsonDecoder) forget(n *node) {
	for _, t := range n.leaves {
		if t.vec.N > d.row {
			truncate(t.vec, d.row)
			d.filled--
		}
	}
}

// field reads the value of a field into its column.
func (d *jsonDecoder) field(b []byte, i int, t *target, depth int) int {
	if t.vec.N > d.row {
		truncate(t.vec, d.row)
		d.filled--
	}
	d.filled++
	if t.elem == nil {
		return d.scalar(b, i, t, depth)
	}
	return d.list(b, i, t, depth)
}

// list reads an array into a multi-value column; a scalar is an array of one.
func (d *jsonDecoder) list(b []byte, i int, t *target, depth int) int {
	switch {
	case b[i] == 'n':
		return d.null(b, i, t)
	case b[i] != '[':
		i = d.scalar(b, i, t.elem, depth)
	default:
		i = d.elements(b, i+1, t.elem, depth+1)
	}
	if i < 0 {
		return -1
	}
	t.vec.Offsets = append(t.vec.Offsets, uint32(t.vec.Elems.N))
	t.vec.N++
	return i
}

func (d *jsonDecoder) elements(b []byte, i int, elem *target, depth int) int {
	if depth > d.maxDepth {
		return d.tooDeep(i)
	}
	if i = skipSpace(b, i); i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i >= len(b) {
			return d.unexpected(b, i, "a value")
		}
		if i = d.scalar(b, i, elem, depth); i < 0 {
			return -1
		}
		var last bool
		if i, last = d.comma(b, i, ']'); i < 0 || last {
			return i
		}
	}
}

func (d *jsonDecoder) null(b []byte, i int, t *target) int {
	if i = d.literal(b, i, "null"); i < 0 {
		return -1
	}
	if t.required != "" {
		return d.refuse(t, t.required)
	}
	t.vec.AppendNull()
	return i
}

// scalar reads any value that becomes one value of t.
func (d *jsonDecoder) scalar(b []byte, i int, t *target, depth int) int {
	switch c := b[i]; c {
	case '"':
		return d.stringValue(b, i, t)
	case '{', '[':
		return d.composite(b, i, t, depth)
	case 'n':
		return d.null(b, i, t)
	case 't', 'f':
		return d.boolean(b, i, t)
	default:
		if c != '-' && !isDigit(c) {
			return d.unexpected(b, i, "a value")
		}
		return d.numberValue(b, i, t)
	}
}

func (d *jsonDecoder) stringValue(b []byte, i int, t *target) int {
	end, escaped := d.text(b, i+1)
	if end < 0 {
		return -1
	}
	s := b[i+1 : end]
	if escaped {
		d.value = unescape(d.value[:0], s)
		s = d.value
	}
	if msg := t.fromText(s, b[i:end+1]); msg != "" {
		return d.refuse(t, msg)
	}
	return end + 1
}

func (d *jsonDecoder) numberValue(b []byte, i int, t *target) int {
	if t.op == opInt {
		if v, end, ok := integerFast(b, i); ok && t.putInt(v) {
			return end
		}
	}
	end := d.number(b, i)
	if end < 0 {
		return -1
	}
	if msg := t.fromNumber(b[i:end]); msg != "" {
		return d.refuse(t, msg)
	}
	return end
}

func (d *jsonDecoder) boolean(b []byte, i int, t *target) int {
	word := "false"
	if b[i] == 't' {
		word = "true"
	}
	end := d.literal(b, i, word)
	if end < 0 {
		return -1
	}
	if msg := t.fromBool(word); msg != "" {
		return d.refuse(t, msg)
	}
	return end
}

// composite reads an object or array into a text or JSON field, which keeps it
// as JSON text without white space.
func (d *jsonDecoder) composite(b []byte, i int, t *target, depth int) int {
	end := d.skip(b, i, depth)
	if end < 0 {
		return -1
	}
	if msg := t.fromJSON(b[i:end]); msg != "" {
		return d.refuse(t, msg)
	}
	return end
}
