// Package immutable opens segment files and reads them through the interfaces
// of package segment. It trusts no byte: whatever a file holds, the outcome is
// the data that was written or an error of class segment.ErrCorrupt.
//
// Opening reads the footer only. The buffers of a column are checked when the
// column is first used: their checksums, and then every offset, width, id and
// bitmap that later reads rely on, so that reads need no checks of their own.
package immutable

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
)

// Options of Open.
type Options struct {
	// VerifyAll checks all buffers at open instead of each column's at its
	// first use.
	VerifyAll bool
}

// Segment is an open segment file. It is safe for concurrent use.
//
// refs counts the opener and every Retain; the file is unmapped by the Release
// that brings it to zero, and it never rises from zero again.
type Segment struct {
	mapping *vfs.Mapping
	data    []byte
	footer  *format.Footer
	end     uint64 // of the buffers' region: where the footer begins
	byID    map[uint32]int
	columns []lazyColumn
	trees   []segment.StarTree
	refs    atomic.Int64
	// identity is apart, so that holding it does not hold the segment.
	identity *segment.Identity
}

// lazyColumn is a column that is opened at its first use.
type lazyColumn struct {
	once sync.Once
	col  *Column
	err  error

	bloom lazyBloom // of its own, since it is used without the column
}

var _ segment.Segment = (*Segment)(nil)
var _ segment.Identified = (*Segment)(nil)

// Open maps the file at path and verifies its footer. The caller owns one
// reference, which Release gives back.
func Open(fsys vfs.FS, path string, opt Options) (*Segment, error) {
	m, err := fsys.Map(path)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	s, err := open(m)
	if err == nil && opt.VerifyAll {
		err = s.Check()
	}
	if err != nil {
		_ = m.Unmap() // the first error is the one that matters
		return nil, fmt.Errorf("segment %s: %w", path, err)
	}
	return s, nil
}

func open(m *vfs.Mapping) (*Segment, error) {
	data := m.Data
	if !encoding.Aligned(data) {
		data = encoding.AlignedCopy(data)
	}
	size := len(data)
	if size < format.HeaderBytes+format.TrailerBytes {
		return nil, segment.Corruptf("file of %d bytes", size)
	}
	if err := format.CheckHeader(data[:format.HeaderBytes]); err != nil {
		return nil, err
	}
	t, err := format.ReadTrailer(data[size-format.TrailerBytes:], uint64(size))
	if err != nil {
		return nil, err
	}
	footer := data[t.FooterOffset : t.FooterOffset+t.FooterLength]
	if format.CRC(footer) != t.FooterCRC {
		return nil, segment.Corruptf("checksum of the footer")
	}
	f, err := format.ReadFooter(footer, t.FooterOffset)
	if err != nil {
		return nil, err
	}
	s := &Segment{
		mapping: m, data: data, footer: f, end: t.FooterOffset,
		byID:    make(map[uint32]int, len(f.Columns)),
		columns: make([]lazyColumn, len(f.Columns)), identity: new(segment.Identity),
	}
	for i := range f.Columns {
		s.byID[f.Columns[i].Meta.ID] = i
	}
	s.listTrees()
	s.refs.Store(1)
	return s, nil
}

// Metadata implements segment.Segment.
func (s *Segment) Metadata() *segment.Metadata { return s.footer.Meta }

// NumDocs implements segment.Segment.
func (s *Segment) NumDocs() uint32 { return s.footer.Meta.NumDocs }

// Identity implements segment.Identified.
func (s *Segment) Identity() *segment.Identity { return s.identity }

// Directory returns the decoded footer with the place of every buffer. Read-only.
func (s *Segment) Directory() *format.Footer { return s.footer }

// SizeBytes returns the size of the file.
func (s *Segment) SizeBytes() uint64 { return uint64(len(s.data)) }

// Column implements segment.Segment.
func (s *Segment) Column(id uint32) (segment.Column, error) {
	i, ok := s.byID[id]
	if !ok {
		return nil, nil
	}
	c, err := s.column(i)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (s *Segment) column(i int) (*Column, error) {
	if s.refs.Load() <= 0 {
		return nil, segment.ErrClosed
	}
	l := &s.columns[i]
	l.once.Do(func() {
		entry := &s.footer.Columns[i]
		l.col, l.err = s.openColumn(entry, s.NumDocs())
		if l.err != nil {
			l.err = fmt.Errorf("column %q: %w", entry.Meta.Name, l.err)
		}
	})
	return l.col, l.err
}

// Retain implements segment.Segment.
func (s *Segment) Retain() bool {
	for {
		n := s.refs.Load()
		if n <= 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release implements segment.Segment.
func (s *Segment) Release() {
	n := s.refs.Add(-1)
	if n < 0 {
		panic("immutable: segment released more often than retained")
	}
	if n == 0 {
		s.data = nil
		_ = s.mapping.Unmap() // nothing can be done about a failing munmap
	}
}

// bytes returns the content of a buffer after checking its checksum.
func (s *Segment) bytes(b *format.Buffer) ([]byte, error) {
	raw := s.data[b.Offset : b.Offset+b.Length : b.Offset+b.Length]
	if format.CRC(raw) != b.CRC {
		return nil, segment.Corruptf("checksum of the %v buffer", b.Role)
	}
	return raw, nil
}

// required returns the content of a buffer that the column must have.
func (s *Segment) required(c *format.Column, role format.Role) ([]byte, error) {
	b := c.Buffer(role)
	if b == nil {
		return nil, segment.Corruptf("no %v buffer", role)
	}
	return s.bytes(b)
}

// Check verifies everything: all checksums, the structure of all columns and
// indexes, the order of dictionaries, and that the bytes between buffers are
// zero.
func (s *Segment) Check() error {
	for i := range s.columns {
		c, err := s.column(i)
		if err != nil {
			return err
		}
		if err := c.check(); err != nil {
			return fmt.Errorf("column %q: %w", c.meta.Name, err)
		}
	}
	if err := s.checkTrees(); err != nil {
		return err
	}
	return s.checkGaps()
}
