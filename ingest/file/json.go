package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/ingest/decode"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// jsonReader reads JSON objects one after the other – one a line, or spread
// over lines – or a top-level array of objects. It finds where objects end;
// their content is for the decoder of stream records.
type jsonReader struct {
	*stream
	decoder ingest.Decoder
	records []ingest.Record
	out     ingest.Decoded
	state   jsonState
	rows    int64 // before the batch at hand
}

func openJSON(ctx context.Context, in Input, s *schema.Schema, opt Options) (*jsonReader, error) {
	d, err := decode.NewJSON(withoutArrival(s), opt.Decode)
	if err != nil {
		return nil, &Error{Path: in.Path, Err: err}
	}
	r := &jsonReader{decoder: d}
	if r.stream, err = openStream(ctx, in, opt); err != nil {
		return nil, err
	}
	r.skipMark()
	return r, nil
}

// withoutArrival returns a schema whose fields all come from the file: files
// have no arrival time.
func withoutArrival(s *schema.Schema) *schema.Schema {
	c := *s
	c.Fields = append([]schema.Field(nil), s.Fields...)
	for i := range c.Fields {
		c.Fields[i].FromArrival = false
	}
	return &c
}

// Next implements Reader.
func (r *jsonReader) Next(ctx context.Context) (*column.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.records = r.records[:0]
	for len(r.records) < batchRows {
		b, err := r.object(len(r.records) > 0)
		if errors.Is(err, errWindow) || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		r.records = append(r.records, ingest.Record{Value: b})
	}
	if len(r.records) == 0 {
		return nil, io.EOF
	}
	r.decoder.Decode(r.records, &r.out)
	if len(r.out.Rejected) > 0 {
		return nil, r.rejected(r.out.Rejected[0])
	}
	r.rows += int64(len(r.records))
	return &r.out.Rows, nil
}

func (r *jsonReader) rejected(x ingest.Rejected) error {
	e := &Error{Path: r.in.Path, Row: r.rows + int64(x.Record) + 1}
	kind := ErrMismatch
	if strings.HasPrefix(x.Reason, "malformed JSON") {
		kind = ErrCorrupt
	}
	e.Err = fmt.Errorf("%w: %s", kind, x.Reason)
	return e
}

// errWindow tells that the next object needs more of the file while objects of
// the batch point into the window.
var errWindow = errors.New("window is full")

// jsonState says what may come next.
type jsonState uint8

const (
	jsonStart   jsonState = iota // objects, or an array of them
	jsonObjects                  // objects one after the other
	jsonFirst                    // the array's first object or its end
	jsonComma                    // a comma or the array's end
	jsonObject                   // an object, after a comma
	jsonEnd                      // nothing, after the array
)

// object returns the bytes of the next object, io.EOF after the last. With
// pinned set the window must stay where it is.
func (r *jsonReader) object(pinned bool) ([]byte, error) {
	for {
		r.at = skipBlank(r.buf, r.at)
		if r.at < len(r.buf) {
			b, moved, err := r.token()
			if b != nil || err != nil {
				return b, err
			}
			if moved {
				continue
			}
		}
		if pinned && !r.eof {
			return nil, errWindow
		}
		if !r.fill() {
			return nil, r.atEnd()
		}
	}
}

// atEnd says what the end of the file means.
func (r *jsonReader) atEnd() error {
	switch {
	case r.err != nil:
		return r.err
	case r.at < len(r.buf):
		return r.bad("the file ends within an object")
	case r.state != jsonStart && r.state != jsonObjects && r.state != jsonEnd:
		return r.bad("the file ends within the array")
	}
	return io.EOF
}

func (r *jsonReader) bad(format string, args ...any) error {
	return &Error{Path: r.in.Path, Row: r.rows + int64(len(r.records)) + 1, Err: errPage(format, args...)}
}

func (r *jsonReader) takesObject() bool {
	return r.state == jsonObjects || r.state == jsonFirst || r.state == jsonObject
}

// token consumes what lies at the window's position: an object, which it
// returns, or one separator. It does not move on from an object that is not
// all there.
func (r *jsonReader) token() (object []byte, moved bool, err error) {
	c := r.buf[r.at]
	switch {
	case r.state == jsonStart:
		r.state = jsonObjects
		if c == '[' {
			r.state = jsonFirst
			r.at++
		}
	case c == ']' && (r.state == jsonFirst || r.state == jsonComma):
		r.state = jsonEnd
		r.at++
	case c == ',' && r.state == jsonComma:
		r.state = jsonObject
		r.at++
	case c == '{' && r.takesObject():
		end := objectEnd(r.buf, r.at)
		if end < 0 {
			return nil, false, nil
		}
		b := r.buf[r.at:end]
		r.at = end
		if r.state != jsonObjects {
			r.state = jsonComma
		}
		return b, true, nil
	default:
		want := [...]string{jsonObjects: "an object", jsonFirst: "an object or ']'", jsonComma: "',' or ']'",
			jsonObject: "an object", jsonEnd: "the end of the file"}
		return nil, false, r.bad("unexpected character %q, expected %s", c, want[r.state])
	}
	return nil, true, nil
}

// objectEnd returns the position after the object that begins at i, -1 if b
// does not hold it all. Brackets are only counted; whether the text is JSON is
// for the decoder.
func objectEnd(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		}
	}
	return -1
}

func skipBlank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// BytesRead implements Reader.
func (r *jsonReader) BytesRead() int64 { return r.raw.n }

// Close implements Reader.
func (r *jsonReader) Close() error {
	r.close()
	return nil
}
