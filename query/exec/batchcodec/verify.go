package batchcodec

import (
	"encoding/binary"
	"fmt"
)

// The Arrow library trusts the flatbuffers that describe a stream and takes
// memory for whatever counts they hold. verifier walks them first: it checks
// that every table, vector and string that the library reads lies within the
// bytes, and refuses what Encode never writes (dictionaries, compression).
type verifier struct {
	b    []byte
	left int // tables that may still be visited: shared ones must not multiply
	bad  bool
}

// Message headers and field slots of Arrow's flatbuffers.
const (
	headerSchema      = 1
	headerRecordBatch = 3

	messageHeaderType = 1
	messageHeader     = 2

	schemaFields   = 1
	schemaMetadata = 2

	fieldName       = 0
	fieldType       = 3
	fieldDictionary = 4
	fieldChildren   = 5
	fieldMetadata   = 6

	batchNodes       = 1
	batchBuffers     = 2
	batchCompression = 3
	batchVariadic    = 4
)

// maxDepth bounds the nesting of lists.
const maxDepth = 4

// verify checks the metadata of one message.
func verify(meta []byte) error {
	v := &verifier{b: meta, left: len(meta)/8 + 1}
	root := v.table(v.ref(0))
	kind := v.u8(v.slot(root, messageHeaderType, 1))
	header := v.child(root, messageHeader)
	switch kind {
	case headerSchema:
		v.schema(header)
	case headerRecordBatch:
		v.batch(header)
	default:
		v.bad = true
	}
	if v.bad {
		return fmt.Errorf("%w: metadata", ErrMalformed)
	}
	return nil
}

func (v *verifier) schema(t int) {
	for _, f := range v.tables(t, schemaFields) {
		v.field(f, maxDepth)
	}
	v.metadata(t, schemaMetadata)
}

func (v *verifier) field(t, depth int) {
	if depth == 0 || v.slot(t, fieldDictionary, 4) != 0 {
		v.bad = true
	}
	if v.bad {
		return
	}
	v.text(t, fieldName)
	v.child(t, fieldType)
	v.metadata(t, fieldMetadata)
	for _, c := range v.tables(t, fieldChildren) {
		v.field(c, depth-1)
	}
}

// metadata checks a vector of key and value.
func (v *verifier) metadata(t, slot int) {
	for _, kv := range v.tables(t, slot) {
		v.text(kv, 0)
		v.text(kv, 1)
	}
}

func (v *verifier) batch(t int) {
	const structBytes = 16
	v.vector(t, batchNodes, structBytes)
	v.vector(t, batchBuffers, structBytes)
	if v.slot(t, batchCompression, 4) != 0 || v.slot(t, batchVariadic, 4) != 0 {
		v.bad = true
	}
}

// within reports whether n bytes at position p exist; otherwise the buffer is
// bad.
func (v *verifier) within(p, n int) bool {
	if p < 0 || n < 0 || p > len(v.b) || n > len(v.b)-p {
		v.bad = true
	}
	return !v.bad
}

func (v *verifier) u8(p int) int {
	if p == 0 || !v.within(p, 1) {
		return 0
	}
	return int(v.b[p])
}

func (v *verifier) u16(p int) int {
	if !v.within(p, 2) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(v.b[p:]))
}

func (v *verifier) u32(p int) int {
	if !v.within(p, 4) {
		return 0
	}
	return int(binary.LittleEndian.Uint32(v.b[p:]))
}

// ref follows the reference at p.
func (v *verifier) ref(p int) int { return p + v.u32(p) }

// table checks the table at p and its vtable and returns p.
func (v *verifier) table(p int) int {
	if v.left--; v.left < 0 {
		v.bad = true
	}
	vt := p - int(int32(v.u32(p)))
	if size := v.u16(vt); size < 4 || !v.within(vt, size) || !v.within(p, v.u16(vt+2)) {
		v.bad = true
	}
	return p
}

// slot returns the position of a field of n bytes of the table at t, 0 when it
// is absent.
func (v *verifier) slot(t, i, n int) int {
	if v.bad {
		return 0
	}
	vt := t - int(int32(v.u32(t)))
	at := 4 + 2*i
	if at >= v.u16(vt) {
		return 0
	}
	off := v.u16(vt + at)
	if off == 0 || !v.within(t+off, n) {
		return 0
	}
	return t + off
}

// child checks the table that a field refers to; a missing one is bad.
func (v *verifier) child(t, i int) int {
	p := v.slot(t, i, 4)
	if p == 0 {
		v.bad = true
		return 0
	}
	return v.table(v.ref(p))
}

// vector checks a vector of elements of n bytes and returns where they begin
// and how many there are.
func (v *verifier) vector(t, i, n int) (p, count int) {
	p = v.slot(t, i, 4)
	if p == 0 {
		return 0, 0
	}
	p = v.ref(p)
	count = v.u32(p)
	if count > len(v.b) || !v.within(p+4, count*n) {
		v.bad = true
		return 0, 0
	}
	return p + 4, count
}

func (v *verifier) text(t, i int) { v.vector(t, i, 1) }

// tables checks a vector of tables and returns their positions.
func (v *verifier) tables(t, i int) []int {
	p, n := v.vector(t, i, 4)
	var out []int
	for k := 0; k < n && !v.bad; k++ {
		out = append(out, v.table(v.ref(p+4*k)))
	}
	return out
}
