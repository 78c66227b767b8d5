package mutable

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// bytesValues are the values of a block of text or bytes, one after the other:
// value i is data[offsets[i]:offsets[i+1]].
type bytesValues struct {
	offsets []uint32
	data    []byte
}

func (b *bytesValues) read(from, n int, dst *column.Vector) {
	first := b.offsets[from]
	shift := uint32(len(dst.Data)) - first
	for _, end := range b.offsets[from+1 : from+n+1] {
		dst.Offsets = append(dst.Offsets, end+shift)
	}
	dst.Data = append(dst.Data, b.data[first:b.offsets[from+n]]...)
	dst.N += n
}

func (b *bytesValues) gather(docs []uint32, base uint32, dst *column.Vector) {
	for _, doc := range docs {
		row := doc - base
		dst.AppendBytes(b.data[b.offsets[row]:b.offsets[row+1]])
	}
}

func (b *bytesValues) match(uint32, int, segment.ValueRange, column.Bitmap) bool { return false }

// bytesWriter keeps the open block of raw text or bytes.
type bytesWriter struct {
	bytesValues
	reader *bytesValues
}

func newBytesWriter() *bytesWriter {
	w := &bytesWriter{}
	w.offsets = append(make([]uint32, 0, initialRows+1), 0)
	return w
}

// fits tells that n more bytes can be addressed by the block's offsets.
func (w *bytesWriter) fits(n int) bool { return uint64(len(w.data))+uint64(n) <= math.MaxUint32 }

func (w *bytesWriter) append(v *column.Vector, from, n int) {
	first, last := v.Offsets[from], v.Offsets[from+n]
	size := int(last - first)
	if cap(w.offsets)-len(w.offsets) < n || cap(w.data)-len(w.data) < size {
		w.offsets = grow(w.offsets, n, segment.BlockRows+1)
		w.data = grow(w.data, size, math.MaxUint32)
		w.reader = nil
	}
	shift := uint32(len(w.data)) - first
	for _, end := range v.Offsets[from+1 : from+n+1] {
		w.offsets = append(w.offsets, end+shift)
	}
	w.data = append(w.data, v.Data[first:last]...)
}

func (w *bytesWriter) values() values {
	if w.reader == nil {
		w.reader = &bytesValues{offsets: w.offsets[:cap(w.offsets)], data: w.data[:cap(w.data)]}
	}
	return w.reader
}

// close keeps the arrays as they are unless much of the data array is unused.
func (w *bytesWriter) close() (values, int64) {
	full := &bytesValues{offsets: w.offsets, data: w.data}
	if cap(full.data)-len(full.data) > len(full.data)/8 {
		full.data = append(make([]byte, 0, len(w.data)), w.data...)
	}
	w.offsets = append(make([]uint32, 0, segment.BlockRows+1), 0)
	w.data = make([]byte, 0, len(w.data)) // the next block is likely to be like this one
	w.reader = nil
	return full, int64(cap(full.offsets))*4 + int64(cap(full.data))
}

func (w *bytesWriter) zone() *zone { return nil }

func (w *bytesWriter) heldBytes() int64 { return int64(cap(w.offsets))*4 + int64(cap(w.data)) }

func (w *bytesWriter) packedBytes() int64 { return int64(len(w.offsets))*4 + int64(len(w.data)) }
