package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// stream is the content of a text file from its start, decompressed, through
// a window that grows with the longest record.
type stream struct {
	in     Input
	blob   blob
	src    io.ReadCloser
	text   io.Reader
	closer func()
	raw    counter

	buf []byte
	at  int   // what is before it was consumed
	eof bool  // buf holds the rest
	err error // of reading
}

const (
	windowBytes = 1 << 20
	// maxRecordBytes bounds one record of a text file.
	maxRecordBytes = 256 << 20
)

// counter counts what is read of the file itself.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func openStream(ctx context.Context, in Input, opt Options) (*stream, error) {
	b, err := openBlob(ctx, in, opt)
	if err != nil {
		return nil, &Error{Path: in.Path, Err: err}
	}
	s := &stream{in: in, blob: b, closer: func() {}}
	if s.src, err = b.Stream(ctx); err == nil {
		s.raw.r = s.src
		err = s.decompress()
	}
	if err != nil {
		s.close()
		return nil, s.fault(err)
	}
	return s, nil
}

func (s *stream) decompress() error {
	s.text = &s.raw
	_, c := splitName(s.in.Path)
	switch c {
	case gzipped:
		z, err := gzip.NewReader(&s.raw)
		if err != nil {
			return err
		}
		s.text = z
	case zstandard:
		z, err := zstd.NewReader(&s.raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return err
		}
		s.text, s.closer = z, z.Close
	}
	return nil
}

// fault names the file; what a decompressor found is corruption, what storage
// said is not.
func (s *stream) fault(err error) error {
	for _, bad := range []error{io.EOF, io.ErrUnexpectedEOF, gzip.ErrHeader, gzip.ErrChecksum, zstd.ErrMagicMismatch,
		zstd.ErrCRCMismatch, zstd.ErrReservedBlockType, zstd.ErrWindowSizeExceeded, zstd.ErrDecoderSizeExceeded} {
		if errors.Is(err, bad) {
			return &Error{Path: s.in.Path, Err: fmt.Errorf("%w: %w", ErrCorrupt, err)}
		}
	}
	if _, plainText := s.text.(*counter); !plainText && !errors.Is(err, context.Canceled) {
		err = corrupt(err)
	}
	return &Error{Path: s.in.Path, Err: err}
}

// fill reads more; false means that there is no more (s.err tells whether for
// a fault).
func (s *stream) fill() bool {
	if s.eof || s.err != nil {
		return false
	}
	rest := copy(s.buf, s.buf[s.at:])
	s.buf, s.at = s.buf[:rest], 0
	if rest > maxRecordBytes {
		s.err = &Error{Path: s.in.Path, Err: fmt.Errorf("%w: record of more than %d bytes", ErrUnsupported, maxRecordBytes)}
		return false
	}
	window := windowBytes
	if _, c := splitName(s.in.Path); c == plain {
		window = int(min(windowBytes, max(s.in.Bytes, 4096))) // a small file needs no more
	}
	want := max(window, rest) // doubling, as a long record is looked at anew
	if cap(s.buf)-rest < want {
		s.buf = append(make([]byte, 0, rest+want), s.buf...)
	}
	n, err := io.ReadFull(s.text, s.buf[rest:rest+want])
	s.buf = s.buf[:rest+n]
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && s.ended():
		s.eof = true
	case err != nil:
		s.err = s.fault(err)
	}
	return s.err == nil
}

// ended tells the end of the text, which ReadFull words like a text that was
// cut, from such a text: there the next read fails again.
func (s *stream) ended() bool {
	var one [1]byte
	n, err := s.text.Read(one[:])
	return n == 0 && errors.Is(err, io.EOF)
}

func (s *stream) close() {
	s.closer()
	if s.src != nil {
		_ = s.src.Close() // opened for reading
	}
	_ = s.blob.Close()
}

// skipMark passes over the byte order mark of UTF-8.
func (s *stream) skipMark() {
	s.fill()
	if bytes.HasPrefix(s.buf, []byte("\xef\xbb\xbf")) {
		s.at = 3
	}
}
