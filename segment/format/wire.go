package format

import (
	"encoding/binary"
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// writer appends the primitives of the footer.
type writer struct{ b []byte }

func (w *writer) byte(x byte)      { w.b = append(w.b, x) }
func (w *writer) uvarint(x uint64) { w.b = binary.AppendUvarint(w.b, x) }
func (w *writer) varint(x int64)   { w.b = binary.AppendVarint(w.b, x) }
func (w *writer) uint32(x uint32)  { w.b = binary.LittleEndian.AppendUint32(w.b, x) }
func (w *writer) uint64(x uint64)  { w.b = binary.LittleEndian.AppendUint64(w.b, x) }
func (w *writer) bytes(x []byte) {
	w.uvarint(uint64(len(x)))
	w.b = append(w.b, x...)
}
func (w *writer) string(x string) {
	w.uvarint(uint64(len(x)))
	w.b = append(w.b, x...)
}

// reader consumes the primitives of the footer and remembers the first fault,
// after which everything reads as zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(what string) {
	r.b = nil
	if r.err == nil {
		r.err = segment.Corruptf("footer: %s", what)
	}
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail("ends early")
		return nil
	}
	x := r.b[:n:n]
	r.b = r.b[n:]
	return x
}

func (r *reader) byte() byte {
	if x := r.take(1); len(x) == 1 {
		return x[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("bad number")
		return 0
	}
	r.b = r.b[n:]
	return x
}

func (r *reader) varint() int64 {
	x, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail("bad number")
		return 0
	}
	r.b = r.b[n:]
	return x
}

func (r *reader) uint32v() uint32 {
	x := r.uvarint()
	if x > math.MaxUint32 {
		r.fail("number too large")
		return 0
	}
	return uint32(x)
}

func (r *reader) uint32() uint32 {
	if x := r.take(4); len(x) == 4 {
		return binary.LittleEndian.Uint32(x)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if x := r.take(8); len(x) == 8 {
		return binary.LittleEndian.Uint64(x)
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if x := r.take(2); len(x) == 2 {
		return binary.LittleEndian.Uint16(x)
	}
	return 0
}

func (r *reader) bytes() []byte  { return r.take(r.uvarint()) }
func (r *reader) string() string { return string(r.bytes()) }

// sub returns a reader of the next length-prefixed bytes, which carries on r's fault.
func (r *reader) sub() *reader {
	b := r.bytes()
	return &reader{b: b, err: r.err}
}

// count reads the number of things that take at least size bytes each.
func (r *reader) count(size uint64) int {
	n := r.uvarint()
	if n > uint64(len(r.b))/size {
		r.fail("bad count")
		return 0
	}
	return int(n)
}

func (r *reader) typ() schema.Type {
	t, n, err := column.DecodeType(r.b)
	if err != nil {
		r.fail("bad type")
		return t
	}
	r.b = r.b[n:]
	return t
}

// value reads a non-NULL value of type t.
func (r *reader) value(t schema.Type) column.Value {
	v, n, err := column.DecodeValueOf(r.b, t)
	if err != nil || v.Null {
		r.fail("bad value")
		return column.Value{Type: t}
	}
	r.b = r.b[n:]
	return v
}
