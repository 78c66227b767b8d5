package build

import (
	"bufio"

	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment/format"
)

// fileWriter writes a segment file front to back and keeps its checksum.
type fileWriter struct {
	f      vfs.File
	w      *bufio.Writer
	size   int64
	crc    uint32
	closed bool
}

func createFile(fsys vfs.FS, name string) (*fileWriter, error) {
	f, err := fsys.Create(name)
	if err != nil {
		return nil, err
	}
	w := &fileWriter{f: f, w: bufio.NewWriterSize(f, 1<<20)}
	return w, nil
}

func (w *fileWriter) write(b []byte) error {
	n, err := w.w.Write(b)
	w.crc = format.UpdateCRC(w.crc, b[:n])
	w.size += int64(n)
	return err
}

var zeros [format.PageAlign]byte

// pad writes zeros up to a multiple of align.
func (w *fileWriter) pad(align int64) error {
	if rest := w.size % align; rest != 0 {
		return w.write(zeros[:align-rest])
	}
	return nil
}

// buffer writes one buffer, aligned, and returns its directory entry.
func (w *fileWriter) buffer(p pending) (format.Buffer, error) {
	if w.size == 0 {
		if err := w.write(format.Header()); err != nil {
			return format.Buffer{}, err
		}
	}
	if err := w.pad(format.AlignFor(len(p.bytes))); err != nil {
		return format.Buffer{}, err
	}
	b := format.Buffer{
		Role: p.role, Required: p.required,
		Offset: uint64(w.size), Length: uint64(len(p.bytes)), CRC: format.CRC(p.bytes),
	}
	return b, w.write(p.bytes)
}

// footer writes the footer and the trailer.
func (w *fileWriter) footer(f *format.Footer) error {
	if w.size == 0 {
		if err := w.write(format.Header()); err != nil {
			return err
		}
	}
	if err := w.pad(format.Align); err != nil {
		return err
	}
	body := format.AppendFooter(nil, f)
	t := format.Trailer{
		FooterOffset: uint64(w.size),
		FooterLength: uint64(len(body)),
		FileLength:   uint64(w.size) + uint64(len(body)) + format.TrailerBytes,
		FooterCRC:    format.CRC(body),
	}
	if err := w.write(body); err != nil {
		return err
	}
	return w.write(t.Append(nil))
}

// finish makes all that was written durable.
func (w *fileWriter) finish() error {
	if err := w.w.Flush(); err != nil {
		return err
	}
	if err := w.f.Sync(); err != nil {
		return err
	}
	w.closed = true
	return w.f.Close()
}

// close releases the file if finish did not come so far.
func (w *fileWriter) close() {
	if !w.closed {
		w.closed = true
		_ = w.f.Close() // the build has failed already
	}
}
