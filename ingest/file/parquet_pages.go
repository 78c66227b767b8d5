package file

import (
	"io"

	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// newPageReader reads a column chunk into memory and returns its pages.
func newPageReader(at *blobReader, start, size, values int64, c compress.Compression) (file.PageReader, error) {
	data := make([]byte, size)
	if _, err := at.ReadAt(data, start); err != nil {
		return nil, err
	}
	pages, err := file.NewPageReader(&chunkBytes{rest: data}, values, c, nil, nil)
	if err != nil {
		return nil, unsupported(err)
	}
	return pages, nil
}

// chunkBytes is a column chunk in memory as the library's BufferedReader.
type chunkBytes struct{ rest []byte }

func (c *chunkBytes) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *chunkBytes) Peek(n int) ([]byte, error) {
	if n > len(c.rest) {
		return c.rest, io.EOF
	}
	return c.rest[:n], nil
}

func (c *chunkBytes) Discard(n int) (int, error) {
	if n > len(c.rest) {
		n = len(c.rest)
		c.rest = nil
		return n, io.EOF
	}
	c.rest = c.rest[n:]
	return n, nil
}
