package pgwire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// errMessageTooLarge is returned when a client announces a body above the limit.
var errMessageTooLarge = errors.New("message too large")

// boundedReader is the ChunkReader behind pgproto3: it bounds the size of
// every body before memory is taken for it, since pgproto3 itself does not.
// The limit is small until the client has authenticated.
type boundedReader struct {
	r     *bufio.Reader
	limit int
	// body is reused for bodies up to maxReuse; pgproto3 promises messages
	// only until the next Receive, and the session copies what it keeps.
	body []byte
}

const (
	// unauthenticatedLimit bounds messages before login: a password or SASL
	// message is far smaller.
	unauthenticatedLimit = 64 << 10
	maxReuse             = 64 << 10
)

func newBoundedReader(r io.Reader) *boundedReader {
	return &boundedReader{r: bufio.NewReaderSize(r, 8<<10), limit: unauthenticatedLimit}
}

// Next returns the next n bytes, valid until the next call but one: pgproto3
// asks for the header and then for the body.
func (b *boundedReader) Next(n int) ([]byte, error) {
	if n < 0 || n > b.limit {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", errMessageTooLarge, n, b.limit)
	}
	if n > maxReuse {
		return b.large(n)
	}
	if cap(b.body) < n {
		b.body = make([]byte, max(n, 1024))
	}
	_, err := io.ReadFull(b.r, b.body[:n])
	return b.body[:n], err
}

// large reads a body that is not kept. Memory is taken as the bytes arrive, not
// as they are announced.
func (b *boundedReader) large(n int) ([]byte, error) {
	var buf []byte
	for len(buf) < n {
		have := len(buf)
		next := min(n, max(2*have, maxReuse))
		buf = append(buf, make([]byte, next-have)...)
		if _, err := io.ReadFull(b.r, buf[have:]); err != nil {
			return nil, err
		}
	}
	return buf, nil
}
