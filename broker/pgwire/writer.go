package pgwire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/jackc/pgproto3/v2"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/plan"
)

// writer buffers messages to the client. Row messages, which are most of the
// traffic, are built in place; the rare ones go through pgproto3.
type writer struct {
	w   *bufio.Writer
	buf []byte
	err error
}

func newWriter(w io.Writer) *writer {
	return &writer{w: bufio.NewWriterSize(w, 16<<10)}
}

// send queues a message; the first error sticks and is returned by flush.
func (w *writer) send(m pgproto3.BackendMessage) {
	if w.err != nil {
		return
	}
	buf, err := m.Encode(w.buf[:0])
	if err != nil {
		w.err = err
		return
	}
	w.buf = buf
	_, w.err = w.w.Write(buf)
}

// raw queues bytes that are already a whole message.
func (w *writer) raw(b []byte) {
	if w.err == nil {
		_, w.err = w.w.Write(b)
	}
}

func (w *writer) flush() error {
	if w.err != nil {
		return w.err
	}
	w.err = w.w.Flush()
	return w.err
}

// begin starts a message in the scratch buffer; end patches its length and
// queues it.
func (w *writer) begin(kind byte) {
	w.buf = append(w.buf[:0], kind, 0, 0, 0, 0)
}

func (w *writer) end() {
	binary.BigEndian.PutUint32(w.buf[1:], uint32(len(w.buf)-1))
	w.raw(w.buf)
}

func (w *writer) int16(x int16) { w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(x)) }
func (w *writer) int32(x int32) { w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(x)) }
func (w *writer) cstring(s string) {
	w.buf = append(append(w.buf, s...), 0)
}

// rowDescription queues the description of the columns in the given formats.
func (w *writer) rowDescription(cols []plan.OutCol, formats []int16) {
	w.begin('T')
	w.int16(int16(len(cols)))
	for i, c := range cols {
		w.cstring(c.Name)
		w.int32(int32(c.TableOID))
		w.int16(c.AttNum)
		w.int32(int32(wireOID(c.Type)))
		w.int16(c.Type.Size())
		w.int32(c.Type.Typmod())
		w.int16(formatOf(formats, i))
	}
	w.end()
}

// formatOf applies the rule for format lists: none means text, one stands for
// all, otherwise one each.
func formatOf(formats []int16, i int) int16 {
	switch {
	case len(formats) == 0:
		return formatText
	case len(formats) == 1:
		return formats[0]
	case i < len(formats):
		return formats[i]
	}
	return formatText
}

func (w *writer) parameterStatus(name, value string) {
	w.begin('S')
	w.cstring(name)
	w.cstring(value)
	w.end()
}

func (w *writer) commandComplete(tag string) {
	w.begin('C')
	w.cstring(tag)
	w.end()
}

func (w *writer) readyForQuery(status byte) {
	w.begin('Z')
	w.buf = append(w.buf, status)
	w.end()
}

// errorResponse queues an ErrorResponse of the given severity ("ERROR",
// "FATAL"). sql is the statement's text, from which byte positions are turned
// into the protocol's character positions.
func (w *writer) errorResponse(severity string, err error, sql string) {
	e := asSQLError(err)
	w.send(&pgproto3.ErrorResponse{
		Severity: severity, SeverityUnlocalized: severity,
		Code: e.Code, Message: e.Message, Detail: e.Detail, Hint: e.Hint,
		Position: charPosition(sql, e.Position),
	})
}

func (w *writer) notice(severity, code, message string) {
	w.send(&pgproto3.NoticeResponse{
		Severity: severity, SeverityUnlocalized: severity, Code: code, Message: message,
	})
}

func asSQLError(err error) *sqlerr.Error {
	var e *sqlerr.Error
	if errors.As(err, &e) {
		return e
	}
	return &sqlerr.Error{Code: sqlerr.InternalError, Message: err.Error()}
}

// charPosition turns a byte position (from 1) into a character position.
func charPosition(sql string, pos int) int32 {
	if pos <= 0 {
		return 0
	}
	n := min(pos-1, len(sql))
	return int32(len([]rune(sql[:n]))) + 1
}
