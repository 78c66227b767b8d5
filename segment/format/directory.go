package format

import (
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// Role says what a buffer holds. The numbers are part of the format.
type Role uint8

// The roles. Those without a writer in this version are reserved, so that
// files which have them are named well in errors and dumps.
const (
	RoleForward    Role = 1 // values or dictionary ids in document order
	RoleDictionary Role = 2
	RoleNulls      Role = 3 // roaring bitmap of NULL documents
	RoleZones      Role = 4
	RoleInverted   Role = 5
	RoleOffsets    Role = 6 // where each list begins among the elements
	RoleRange      Role = 7
	RoleBloom      Role = 8
	RoleText       Role = 9
	RoleJSON       Role = 10
	RoleGeo        Role = 11
	RoleTimestamp  Role = 12
)

func (r Role) String() string {
	if r == RoleNodes {
		return "nodes"
	}
	names := [...]string{1: "forward", "dictionary", "nulls", "zones", "inverted", "offsets",
		"range", "bloom", "text", "json", "geo", "timestamp"}
	if int(r) < len(names) && r > 0 {
		return names[r]
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// known reports whether this version reads buffers of the role.
func (r Role) known() bool { return r >= RoleForward && r <= RoleOffsets }

// Optional reports whether a reader may do without buffers of the role: they
// make reading faster and hold no rows.
func (r Role) Optional() bool {
	return r == RoleZones || r == RoleInverted || r >= RoleRange && r <= RoleTimestamp
}

// Buffer is one run of bytes of a column.
type Buffer struct {
	Role Role
	// Required tells that a reader that does not know the role must refuse
	// the column; otherwise it ignores the buffer.
	Required bool
	Offset   uint64 // from the start of the file
	Length   uint64
	CRC      uint32 // CRC32C of the bytes
	// Params are parameters of the role; empty for the roles of this version.
	Params []byte
}

// Column is the directory entry of one column.
type Column struct {
	Meta    *segment.ColumnMeta
	Buffers []Buffer
	// Const is the value of all rows of an EncodingConst column, nil for NULL.
	Const *column.Value
	// DecimalScale is the common scale of decimals that are stored as scaled
	// integers; HasDecimalScale tells that they are.
	DecimalScale    uint8
	HasDecimalScale bool
	// Child is the column of the elements of a list column; its rows are
	// elements, and ChildRows is their number.
	Child     *Column
	ChildRows uint32

	isChild bool
}

// Buffer returns the buffer with that role, or nil.
func (c *Column) Buffer(role Role) *Buffer {
	for i := range c.Buffers {
		if c.Buffers[i].Role == role {
			return &c.Buffers[i]
		}
	}
	return nil
}

// Flags of an entry, of a buffer and of an extension.
const (
	entrySorted    = 1
	entryHasRange  = 2
	entryTruncated = 4

	bufferRequired = 1

	extensionRequired = 1
)

// The extensions of an entry: type uvarint | flags byte | length uvarint | content.
const (
	extConst        = 1
	extDecimalScale = 2
	extChild        = 3
)

func appendColumns(f *Footer) []byte {
	var w writer
	w.uvarint(uint64(len(f.Columns)))
	for i := range f.Columns {
		w.bytes(appendEntry(&f.Columns[i]))
	}
	return w.b
}

func appendEntry(c *Column) []byte {
	var w writer
	m := c.Meta
	var flags byte
	if m.Sorted {
		flags |= entrySorted
	}
	if m.HasRange {
		flags |= entryHasRange
	}
	if m.Truncated {
		flags |= entryTruncated
	}
	w.byte(flags)
	w.byte(byte(m.Encoding))
	w.uvarint(uint64(m.ID))
	w.string(m.Name)
	w.b = column.AppendType(w.b, m.Type)
	w.uvarint(uint64(m.Cardinality))
	w.uvarint(uint64(m.Nulls))
	if m.HasRange {
		w.b = column.AppendValueOf(w.b, m.Min)
		w.b = column.AppendValueOf(w.b, m.Max)
	}
	w.uvarint(uint64(len(c.Buffers)))
	for i := range c.Buffers {
		appendBuffer(&w, &c.Buffers[i])
	}
	appendExtensions(&w, c)
	return w.b
}

func appendBuffer(w *writer, b *Buffer) {
	w.byte(byte(b.Role))
	var flags byte
	if b.Required {
		flags = bufferRequired
	}
	w.byte(flags)
	w.uvarint(b.Offset)
	w.uvarint(b.Length)
	w.uint32(b.CRC)
	w.bytes(b.Params)
}

func appendExtensions(w *writer, c *Column) {
	ext := func(typ uint64, content []byte) {
		w.uvarint(typ)
		w.byte(extensionRequired)
		w.bytes(content)
	}
	if c.Const != nil {
		ext(extConst, column.AppendValueOf(nil, *c.Const))
	}
	if c.HasDecimalScale {
		ext(extDecimalScale, []byte{c.DecimalScale})
	}
	if c.Child != nil {
		var child writer
		child.uvarint(uint64(c.ChildRows))
		child.b = append(child.b, appendEntry(c.Child)...)
		ext(extChild, child.b)
	}
}

func (f *Footer) readColumns(r *reader, limit uint64) {
	n := r.count(8)
	f.Meta.Columns = make([]segment.ColumnMeta, n)
	f.Columns = make([]Column, n)
	ids := make(map[uint32]bool, n)
	for i := range f.Columns {
		c := &f.Columns[i]
		c.Meta = &f.Meta.Columns[i]
		e := r.sub()
		readEntry(e, c, limit, f.Meta.NumDocs)
		if r.err = e.err; r.err != nil {
			return
		}
		if ids[c.Meta.ID] {
			r.fail("column id twice")
		}
		ids[c.Meta.ID] = true
	}
}

// readEntry reads an entry to the end of r.
func readEntry(r *reader, c *Column, limit uint64, docs uint32) {
	m := c.Meta
	flags := r.byte()
	m.Sorted, m.HasRange = flags&entrySorted != 0, flags&entryHasRange != 0
	m.Truncated = flags&entryTruncated != 0
	m.Encoding = segment.Encoding(r.byte())
	m.ID, m.Name, m.Type = r.uint32v(), r.string(), r.typ()
	m.Cardinality, m.Nulls = r.uint32v(), r.uint32v()
	if m.HasRange {
		m.Min, m.Max = r.value(m.Type), r.value(m.Type)
	}
	if r.err == nil && (m.Nulls > docs || m.Cardinality > docs) {
		r.fail("more values than documents")
	}
	c.Buffers = make([]Buffer, r.count(9))
	for i := range c.Buffers {
		readBuffer(r, &c.Buffers[i], limit)
		m.Bytes += c.Buffers[i].Length
	}
	for len(r.b) > 0 {
		c.readExtension(r, limit)
	}
	c.SetIndexNames()
}

func readBuffer(r *reader, b *Buffer, limit uint64) {
	b.Role = Role(r.byte())
	b.Required = r.byte()&bufferRequired != 0
	b.Offset, b.Length, b.CRC, b.Params = r.uvarint(), r.uvarint(), r.uint32(), r.bytes()
	if b.Offset < HeaderBytes || b.Offset%Align != 0 || b.Offset > limit || b.Length > limit-b.Offset {
		r.fail("buffer lies outside the file")
	}
}

func (c *Column) readExtension(r *reader, limit uint64) {
	typ, flags := r.uvarint(), r.byte()
	e := r.sub()
	switch typ {
	case extConst:
		v := e.value(c.Meta.Type)
		c.Const = &v
	case extDecimalScale:
		c.DecimalScale, c.HasDecimalScale = e.byte(), true
	case extChild:
		c.readChild(e, limit)
	default:
		if flags&extensionRequired != 0 && r.err == nil {
			r.b, r.err = nil, segment.Unsupportedf("extension %d of column %q", typ, c.Meta.Name)
		}
		return
	}
	if r.err = e.err; r.err == nil && len(e.b) != 0 {
		r.fail("bytes follow an extension")
	}
	if r.err != nil {
		r.b = nil
	}
}

func (c *Column) readChild(r *reader, limit uint64) {
	if c.isChild || c.Meta.Type.Kind() != schema.KindList || c.Child != nil {
		r.fail("elements of a column that is no list")
		return
	}
	c.ChildRows = r.uint32v()
	child := &Column{Meta: &segment.ColumnMeta{}, isChild: true}
	readEntry(r, child, limit, c.ChildRows)
	if r.err == nil && child.Meta.Type.Kind() == schema.KindList {
		r.fail("list of lists")
	}
	c.Child = child
	c.Meta.Bytes += child.Meta.Bytes
}

// SetIndexNames fills in the names of the column's indexes from its buffers.
func (c *Column) SetIndexNames() {
	var names []string
	if c.Meta.Encoding == segment.EncodingSortedRuns {
		names = append(names, "sorted")
	}
	for i := range c.Buffers {
		if r := c.Buffers[i].Role; r == RoleInverted || r > RoleOffsets {
			names = append(names, r.String())
		}
	}
	c.Meta.Indexes = names
}

// Unsupported returns the error for a column that has a required buffer of an
// unknown role, nil if it has none.
func (c *Column) Unsupported() error {
	for i := range c.Buffers {
		if b := &c.Buffers[i]; b.Required && !b.Role.known() {
			return segment.Unsupportedf("buffer %v of column %q", b.Role, c.Meta.Name)
		}
	}
	if c.Child != nil {
		return c.Child.Unsupported()
	}
	return nil
}
