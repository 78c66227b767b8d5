package batchcodec

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// Decode reads what Encode wrote. The batch does not share memory with data.
// Every length is checked against data before memory is taken for it, and a
// panic of the Arrow library on malformed bytes becomes ErrMalformed.
func Decode(data []byte) (b *column.Batch, err error) {
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("%w: %v", ErrMalformed, r)
		}
	}()
	mem := &boundedAllocator{left: 4*len(data) + 1<<16}
	r, err := ipc.NewReaderFromMessageReader(&messages{rest: data}, ipc.WithAllocator(mem))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !r.Next() {
		return nil, fmt.Errorf("%w: no record: %v", ErrMalformed, r.Err())
	}
	return decodeRecord(r.Record(), len(data))
}

// boundedAllocator fails instead of taking more memory than a well-formed
// stream of the same length needs. The garbage collector frees.
type boundedAllocator struct {
	memory.GoAllocator
	left int
}

func (a *boundedAllocator) take(n int) {
	if n < 0 || n > a.left {
		panic("a length beyond the data")
	}
	a.left -= n
}

// Allocate implements memory.Allocator.
func (a *boundedAllocator) Allocate(size int) []byte {
	a.take(size)
	return a.GoAllocator.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (a *boundedAllocator) Reallocate(size int, b []byte) []byte {
	a.take(max(size-len(b), 0))
	return a.GoAllocator.Reallocate(size, b)
}

// messages splits a stream held in memory into messages without copying.
type messages struct{ rest []byte }

// Retain and Release implement ipc.MessageReader.
func (m *messages) Retain()  {}
func (m *messages) Release() {}

const continuation = 0xFFFFFFFF

// Message returns the next message, io.EOF at the end of the stream.
func (m *messages) Message() (*ipc.Message, error) {
	if len(m.rest) < 8 {
		return nil, io.EOF
	}
	if binary.LittleEndian.Uint32(m.rest) != continuation {
		return nil, fmt.Errorf("%w: no continuation mark", ErrMalformed)
	}
	n := binary.LittleEndian.Uint32(m.rest[4:])
	if n == 0 {
		return nil, io.EOF
	}
	rest := m.rest[8:]
	if uint64(n) > uint64(len(rest)) {
		return nil, fmt.Errorf("%w: metadata of %d bytes", ErrMalformed, n)
	}
	meta, rest := memory.NewBufferBytes(rest[:n:n]), rest[n:]
	if err := verify(meta.Bytes()); err != nil {
		return nil, err
	}
	size := ipc.NewMessage(meta, memory.NewBufferBytes(nil)).BodyLen()
	if size < 0 || size > int64(len(rest)) {
		return nil, fmt.Errorf("%w: body of %d bytes", ErrMalformed, size)
	}
	m.rest = rest[size:]
	return ipc.NewMessage(meta, memory.NewBufferBytes(rest[:size:size])), nil
}

func decodeRecord(rec arrow.Record, size int) (*column.Batch, error) {
	b := &column.Batch{N: int(rec.NumRows())}
	if b.N < 0 || b.N > math.MaxInt32 || rec.NumCols() > 0 && b.N > 8*size {
		return nil, fmt.Errorf("%w: %d rows", ErrMalformed, rec.NumRows())
	}
	for i, f := range rec.Schema().Fields() {
		text, _ := f.Metadata.GetValue(typeKey)
		t, err := parseType(text)
		if err != nil {
			return nil, err
		}
		want, err := arrowType(t)
		if err != nil || !arrow.TypeEqual(want, f.Type) {
			return nil, fmt.Errorf("%w: column %d of type %s is %s", ErrMalformed, i, t, f.Type)
		}
		v, err := decodeVector(rec.Column(i).Data(), t)
		if err != nil {
			return nil, err
		}
		if v.N != b.N {
			return nil, fmt.Errorf("%w: column %d has %d of %d rows", ErrMalformed, i, v.N, b.N)
		}
		b.Cols = append(b.Cols, v)
	}
	return b, nil
}

// decodeVector copies Arrow data into a vector.
func decodeVector(d arrow.ArrayData, t schema.Type) (*column.Vector, error) {
	v := &column.Vector{Type: t, N: d.Len()}
	if d.Offset() != 0 || v.N < 0 {
		return nil, fmt.Errorf("%w: sliced data", ErrMalformed)
	}
	if err := decodeNulls(d, v); err != nil {
		return nil, err
	}
	switch t.Kind() {
	case schema.KindBytes:
		return v, decodeBytes(d, v)
	case schema.KindList:
		return v, decodeList(d, v)
	case schema.KindBool:
		b, err := values(d, (v.N+7)/8)
		if err != nil {
			return nil, err
		}
		v.Bools = make([]bool, v.N)
		for i := range v.Bools {
			v.Bools[i] = b[i>>3]>>(i&7)&1 != 0
		}
		return v, nil
	}
	return v, decodeFixed(d, v)
}

// values returns the value buffer, which must have n bytes.
func values(d arrow.ArrayData, n int) ([]byte, error) { return bufferAt(d, 1, n) }

func bufferAt(d arrow.ArrayData, i, n int) ([]byte, error) {
	if len(d.Buffers()) <= i || d.Buffers()[i] == nil {
		if n == 0 {
			return nil, nil
		}
		return nil, fmt.Errorf("%w: no values", ErrMalformed)
	}
	b := d.Buffers()[i].Bytes()
	if n < 0 || len(b) < n {
		return nil, fmt.Errorf("%w: %d bytes of values, not %d", ErrMalformed, len(b), n)
	}
	return b[:n], nil
}

func decodeNulls(d arrow.ArrayData, v *column.Vector) error {
	if d.NullN() == 0 || len(d.Buffers()) == 0 || d.Buffers()[0] == nil {
		return nil
	}
	b, err := bufferAt(d, 0, (v.N+7)/8)
	if err != nil {
		return err
	}
	nulls := column.NewBitmap(v.N)
	for i, x := range b {
		nulls[i>>3] |= uint64(x) << (i & 7 * 8)
	}
	kernel.Not(nulls, v.N)
	if nulls.Any() {
		v.Nulls = nulls
	}
	return nil
}

func decodeFixed(d arrow.ArrayData, v *column.Vector) error {
	width := map[schema.Kind]int{
		schema.KindInt32: 4, schema.KindInt64: 8, schema.KindFloat32: 4, schema.KindFloat64: 8,
		schema.KindDecimal: decimalBytes, schema.KindInterval: intervalBytes,
	}[v.Kind()]
	b, err := values(d, v.N*width)
	if err != nil {
		return err
	}
	switch v.Kind() {
	case schema.KindInt32:
		v.Int32s = make([]int32, v.N)
		copy(arrow.Int32Traits.CastToBytes(v.Int32s), b)
	case schema.KindInt64:
		v.Int64s = make([]int64, v.N)
		copy(arrow.Int64Traits.CastToBytes(v.Int64s), b)
	case schema.KindFloat32:
		v.Float32s = make([]float32, v.N)
		copy(arrow.Float32Traits.CastToBytes(v.Float32s), b)
	case schema.KindFloat64:
		v.Float64s = make([]float64, v.N)
		copy(arrow.Float64Traits.CastToBytes(v.Float64s), b)
	case schema.KindDecimal:
		v.Decimals = decimalsFromBytes(b, v.N)
	default:
		v.Intervals = intervalsFromBytes(b, v.N)
	}
	return nil
}

func decimalsFromBytes(b []byte, n int) []column.Decimal {
	out := make([]column.Decimal, n)
	for i := range out {
		p := b[i*decimalBytes:]
		out[i].Coef = column.Int128{Lo: binary.LittleEndian.Uint64(p), Hi: int64(binary.LittleEndian.Uint64(p[8:]))}
		out[i].Scale = p[16]
	}
	return out
}

func intervalsFromBytes(b []byte, n int) []column.Interval {
	out := make([]column.Interval, n)
	for i := range out {
		p := b[i*intervalBytes:]
		out[i].Months = int32(binary.LittleEndian.Uint32(p))
		out[i].Days = int32(binary.LittleEndian.Uint32(p[4:]))
		out[i].Micros = int64(binary.LittleEndian.Uint64(p[8:]))
	}
	return out
}

// decodeOffsets reads the offsets and checks that they rise from 0 to at most
// limit.
func decodeOffsets(d arrow.ArrayData, v *column.Vector, limit int) error {
	if v.N == 0 {
		v.Offsets = []uint32{0}
		return nil
	}
	b, err := values(d, 4*(v.N+1))
	if err != nil {
		return err
	}
	v.Offsets = make([]uint32, v.N+1)
	copy(arrow.Uint32Traits.CastToBytes(v.Offsets), b)
	last := uint32(0)
	for _, o := range v.Offsets {
		if o < last || int64(o) > int64(limit) {
			return fmt.Errorf("%w: offset %d", ErrMalformed, o)
		}
		last = o
	}
	return nil
}

func decodeBytes(d arrow.ArrayData, v *column.Vector) error {
	var data []byte
	if len(d.Buffers()) > 2 && d.Buffers()[2] != nil {
		data = d.Buffers()[2].Bytes()
	}
	if err := decodeOffsets(d, v, len(data)); err != nil {
		return err
	}
	v.Data = append([]byte(nil), data[:v.Offsets[v.N]]...)
	return nil
}

func decodeList(d arrow.ArrayData, v *column.Vector) error {
	if len(d.Children()) != 1 {
		return fmt.Errorf("%w: list without elements", ErrMalformed)
	}
	elems, err := decodeVector(d.Children()[0], v.Type.Elem())
	if err != nil {
		return err
	}
	v.Elems = elems
	return decodeOffsets(d, v, elems.N)
}
