package format

import (
	"github.com/alluviumdb/alluvium/segment"
)

// Footer is the decoded footer. Columns[i] belongs to Meta.Columns[i].
type Footer struct {
	Meta      *segment.Metadata
	Columns   []Column
	StarTrees []StarTree
}

// A footer is a list of sections:
//
//	type uint16 | flags uint16 (bit 0 = required) | length uint32 | content
//
// A reader skips sections of unknown type, unless they are required.
const (
	sectionProperties = 1
	sectionColumns    = 2
	sectionLayout     = 3  // optional: rows answer everything
	sectionStarTrees  = 16 // optional: rows answer everything

	sectionRequired = 1
)

// AppendFooter appends the encoding of f.
func AppendFooter(dst []byte, f *Footer) []byte {
	dst = appendSection(dst, sectionProperties, sectionRequired, appendProperties(f.Meta))
	dst = appendSection(dst, sectionColumns, sectionRequired, appendColumns(f))
	if f.Meta.Layout != "" {
		dst = appendSection(dst, sectionLayout, 0, []byte(f.Meta.Layout))
	}
	if len(f.StarTrees) > 0 {
		dst = appendSection(dst, sectionStarTrees, 0, appendStarTrees(f.StarTrees))
	}
	return dst
}

func appendSection(dst []byte, typ uint16, flags byte, content []byte) []byte {
	w := writer{b: dst}
	w.byte(byte(typ))
	w.byte(byte(typ >> 8))
	w.byte(flags)
	w.byte(0)
	w.uint32(uint32(len(content)))
	return append(w.b, content...)
}

// ReadFooter decodes a footer. limit is the end of the buffers' region.
func ReadFooter(b []byte, limit uint64) (*Footer, error) {
	f := &Footer{Meta: &segment.Metadata{}}
	seen := map[uint16]bool{}
	for r := (&reader{b: b}); len(r.b) > 0; {
		typ, flags := r.uint16(), r.uint16()
		content := r.take(uint64(r.uint32()))
		if r.err != nil {
			return nil, r.err
		}
		if seen[typ] {
			return nil, segment.Corruptf("footer: section %d twice", typ)
		}
		seen[typ] = true
		if err := f.section(typ, flags, content, limit); err != nil {
			return nil, err
		}
	}
	if !seen[sectionProperties] || !seen[sectionColumns] {
		return nil, segment.Corruptf("footer: section missing")
	}
	return f, nil
}

func (f *Footer) section(typ, flags uint16, content []byte, limit uint64) error {
	r := &reader{b: content}
	switch typ {
	case sectionProperties:
		f.readProperties(r)
	case sectionColumns:
		f.readColumns(r, limit)
	case sectionLayout:
		f.Meta.Layout = string(r.take(uint64(len(r.b))))
	case sectionStarTrees:
		f.readStarTrees(r, limit)
	default:
		if flags&sectionRequired != 0 {
			return segment.Unsupportedf("required footer section %d", typ)
		}
		return nil
	}
	if r.err == nil && len(r.b) != 0 {
		r.fail("bytes follow a section")
	}
	return r.err
}

// Flags of the properties section.
const (
	flagStreamed = 1
	flagHasTime  = 2
)

func appendProperties(m *segment.Metadata) []byte {
	var w writer
	var flags byte
	if m.Streamed {
		flags |= flagStreamed
	}
	if m.HasTime {
		flags |= flagHasTime
	}
	w.byte(flags)
	w.string(m.Name)
	w.string(m.Table)
	w.uvarint(uint64(m.TableID))
	w.uvarint(uint64(m.SchemaVersion))
	w.uvarint(uint64(m.NumDocs))
	w.uvarint(uint64(m.Partition))
	w.uvarint(m.FirstSeq)
	w.string(m.StartOffset)
	w.string(m.EndOffset)
	w.uvarint(m.Records)
	w.uvarint(m.Rejected)
	w.uint64(m.RowSum)
	w.uvarint(uint64(m.TimeColumn))
	w.varint(m.MinTime)
	w.varint(m.MaxTime)
	w.varint(m.CreatedMicros)
	w.varint(m.SealedMicros)
	w.uvarint(uint64(len(m.SeqMarks)))
	for _, s := range m.SeqMarks {
		w.string(s.Offset)
		w.uvarint(s.Seq)
	}
	w.uvarint(uint64(len(m.Errors)))
	for i := range m.Errors {
		appendRowError(&w, &m.Errors[i])
	}
	return w.b
}

func appendRowError(w *writer, e *segment.RowError) {
	w.uvarint(uint64(e.Partition))
	w.string(e.Offset)
	w.varint(e.Time)
	w.string(e.Reason)
	w.string(e.Sample)
}

func (f *Footer) readProperties(r *reader) {
	m := f.Meta
	flags := r.byte()
	m.Streamed, m.HasTime = flags&flagStreamed != 0, flags&flagHasTime != 0
	m.Name, m.Table = r.string(), r.string()
	m.TableID, m.SchemaVersion, m.NumDocs = r.uint32v(), r.uint32v(), r.uint32v()
	m.Partition, m.FirstSeq = r.uint32v(), r.uvarint()
	m.StartOffset, m.EndOffset = r.string(), r.string()
	m.Records, m.Rejected, m.RowSum = r.uvarint(), r.uvarint(), r.uint64()
	m.TimeColumn = r.uint32v()
	m.MinTime, m.MaxTime = r.varint(), r.varint()
	m.CreatedMicros, m.SealedMicros = r.varint(), r.varint()
	if n := r.count(2); n > 0 {
		m.SeqMarks = make([]segment.SeqMark, n)
		for i := range m.SeqMarks {
			m.SeqMarks[i] = segment.SeqMark{Offset: r.string(), Seq: r.uvarint()}
		}
	}
	if n := r.count(5); n > 0 {
		m.Errors = make([]segment.RowError, n)
		for i := range m.Errors {
			m.Errors[i] = segment.RowError{
				Partition: r.uint32v(), Offset: r.string(), Time: r.varint(),
				Reason: r.string(), Sample: r.string(),
			}
		}
	}
}
