package encoding

import (
	"math/bits"
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// deltaHeader describes one block of a Delta column: the first value, the
// smallest difference between neighbours, and where the packed rests of the
// differences begin (Offset·64 bytes of the body).
type deltaHeader struct {
	First  int64
	Min    int64
	Offset uint32
	Width  uint8
	_      [3]byte
}

const deltaHeaderBytes = int(unsafe.Sizeof(deltaHeader{}))

// Delta reads integers as differences between neighbours, which suits values
// that mostly ascend, such as _seq of reordered rows. Reading one value costs
// unpacking its block. Its buffer is laid out like that of FOR, with 24-byte
// headers.
type Delta[T Integer] struct {
	headers []deltaHeader
	words   []uint64
}

var (
	_ Fixed[int32] = (*Delta[int32])(nil)
	_ Fixed[int64] = (*Delta[int64])(nil)
)

// NewDelta returns a reader of n integers.
func NewDelta[T Integer](buf []byte, n int) (*Delta[T], error) {
	body := align64(blocks(n) * deltaHeaderBytes)
	if len(buf) < body {
		return nil, segment.Corruptf("%d integers in %d bytes", n, len(buf))
	}
	d := &Delta[T]{
		headers: View[deltaHeader](buf)[:blocks(n)],
		words:   View[uint64](buf[body:]),
	}
	for i := range d.headers {
		h := &d.headers[i]
		if h.Width > 64 || (uint64(h.Offset)+uint64(h.Width))*8 > uint64(len(d.words)) {
			return nil, segment.Corruptf("block %d of %d bits lies outside its buffer", i, h.Width)
		}
	}
	return d, nil
}

// decode leaves the values of block b, as two's complement, in s.u64.
func (d *Delta[T]) decode(b int, s *scratch) {
	h := &d.headers[b]
	at, w := uint64(h.Offset)*8, uint(h.Width)
	words := d.words[at : at+uint64(w)*8]
	if w > 32 {
		unpack64(&s.u64, words, w)
		addUp(&s.u64, &s.u64, uint64(h.First), uint64(h.Min))
		return
	}
	unpack32(&s.u32, words, w)
	addUp(&s.u64, &s.u32, uint64(h.First), uint64(h.Min))
}

// addUp sets dst to the values with differences src beyond least, from first on.
func addUp[T uint32 | uint64](dst *[BlockLen]uint64, src *[BlockLen]T, first, least uint64) {
	dst[0] = first
	for i := 1; i < BlockLen; i++ {
		first += uint64(src[i]) + least
		dst[i] = first
	}
}

// Read implements Fixed.
func (d *Delta[T]) Read(from uint32, dst []T) {
	s := getScratch()
	defer putScratch(s)
	for pos := int(from); len(dst) > 0; {
		b, lo := pos/BlockLen, pos%BlockLen
		k := min(BlockLen-lo, len(dst))
		d.decode(b, s)
		for i, x := range s.u64[lo:][:k] {
			dst[i] = T(x)
		}
		dst, pos = dst[k:], pos+k
	}
}

// Gather implements Fixed.
func (d *Delta[T]) Gather(docs []uint32, dst []T) {
	s := getScratch()
	defer putScratch(s)
	current := -1
	for i, doc := range docs {
		if b := int(doc / BlockLen); b != current {
			d.decode(b, s)
			current = b
		}
		dst[i] = T(s.u64[doc%BlockLen])
	}
}

// Match implements Fixed.
func (d *Delta[T]) Match(from uint32, n int, lo, hi T, dst column.Bitmap) {
	s := getScratch()
	defer putScratch(s)
	pos, end := int(from), int(from)+n
	for pos < end {
		b := pos / BlockLen
		first, last := pos-b*BlockLen, min(BlockLen, end-b*BlockLen)
		if lo > hi {
			s.bits = [blockWords]uint64{}
		} else {
			d.decode(b, s)
			matchUints(&s.bits, &s.u64, uint64(int64(lo)), uint64(int64(hi)))
		}
		putBits(dst, pos-int(from), &s.bits, first, last)
		pos = b*BlockLen + last
	}
}

// deltas fills rel with the differences of a block beyond the smallest, which
// it returns with the bits that they need. Padding positions are zero.
func deltas[T Integer](part []T, rel *[BlockLen]uint64) (least int64, w int) {
	clear(rel[:])
	if len(part) < 2 {
		return 0, 0
	}
	least, most := int64(part[1])-int64(part[0]), int64(part[1])-int64(part[0])
	for i := 2; i < len(part); i++ {
		x := int64(part[i]) - int64(part[i-1])
		least, most = min(least, x), max(most, x)
	}
	for i := 1; i < len(part); i++ {
		rel[i] = uint64(int64(part[i])-int64(part[i-1])) - uint64(least)
	}
	return least, bits.Len64(uint64(most) - uint64(least))
}

// SizeDelta returns the number of bytes that AppendDelta would append.
func SizeDelta[T Integer](v []T) int {
	size := align64(blocks(len(v)) * deltaHeaderBytes)
	var rel [BlockLen]uint64
	for b := range blocks(len(v)) {
		_, w := deltas(v[b*BlockLen:min(len(v), (b+1)*BlockLen)], &rel)
		size += 64 * w
	}
	return size
}

// AppendDelta appends v as differences.
func AppendDelta[T Integer](dst []byte, v []T) []byte {
	headers := make([]deltaHeader, blocks(len(v)))
	var words []uint64
	var rel [BlockLen]uint64
	var tmp [BlockLen]uint32
	for b := range headers {
		part := v[b*BlockLen : min(len(v), (b+1)*BlockLen)]
		least, w := deltas(part, &rel)
		headers[b] = deltaHeader{
			First: int64(part[0]), Min: least, Offset: uint32(len(words) / 8), Width: uint8(w),
		}
		words = appendBlock(words, &rel, uint(w), &tmp)
	}
	return appendHeaded(dst, Bytes(headers), words)
}
