package encoding

import (
	"math/bits"
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// Integer is an integer kind.
type Integer interface{ int32 | int64 }

// forHeader describes one block of a FOR column: values are Base plus the
// packed unsigned differences, which begin at Offset·64 bytes of the body.
type forHeader struct {
	Base   int64
	Offset uint32
	Width  uint8
	_      [3]byte
}

const forHeaderBytes = int(unsafe.Sizeof(forHeader{}))

// FOR reads integers in frame of reference: per block of 512 values the
// smallest value and the packed differences to it. Its buffer holds one
// 16-byte header per block, zeros to a multiple of 64 bytes, and the blocks.
type FOR[T Integer] struct {
	headers []forHeader
	words   []uint64
	wide    bool // a block has more than 32 bits a value
}

var (
	_ Fixed[int32] = (*FOR[int32])(nil)
	_ Fixed[int64] = (*FOR[int64])(nil)
)

// NewFOR returns a reader of n integers.
func NewFOR[T Integer](buf []byte, n int) (*FOR[T], error) {
	body := align64(blocks(n) * forHeaderBytes)
	if len(buf) < body {
		return nil, segment.Corruptf("%d integers in %d bytes", n, len(buf))
	}
	f := &FOR[T]{
		headers: View[forHeader](buf)[:blocks(n)],
		words:   View[uint64](buf[body:]),
	}
	for i := range f.headers {
		h := &f.headers[i]
		if h.Width > 64 || (uint64(h.Offset)+uint64(h.Width))*8 > uint64(len(f.words)) {
			return nil, segment.Corruptf("block %d of %d bits lies outside its buffer", i, h.Width)
		}
		f.wide = f.wide || h.Width > 32
	}
	return f, nil
}

func align64(n int) int { return (n + 63) &^ 63 }

func (f *FOR[T]) block(h *forHeader) []uint64 {
	at := uint64(h.Offset) * 8
	return f.words[at : at+uint64(h.Width)*8]
}

// Read implements Fixed.
func (f *FOR[T]) Read(from uint32, dst []T) {
	s := getScratch()
	defer putScratch(s)
	for pos := int(from); len(dst) > 0; {
		b, lo := pos/BlockLen, pos%BlockLen
		k := min(BlockLen-lo, len(dst))
		f.readBlock(&f.headers[b], lo, dst[:k], s)
		dst, pos = dst[k:], pos+k
	}
}

func (f *FOR[T]) readBlock(h *forHeader, lo int, dst []T, s *scratch) {
	w, base := uint(h.Width), T(h.Base)
	if w <= 32 {
		unpack32(&s.u32, f.block(h), w)
		addBase(dst, s.u32[lo:], base)
		return
	}
	unpack64(&s.u64, f.block(h), w)
	src := s.u64[lo:][:len(dst)]
	for i, x := range src {
		dst[i] = base + T(x)
	}
}

// addBase sets dst to the differences src beyond base.
func addBase[T Integer](dst []T, src []uint32, base T) {
	switch d := any(dst).(type) {
	case []int32:
		addBase32(d, src[:len(d)], int32(base))
	case []int64:
		addBase64(d, src[:len(d)], int64(base))
	}
}

func addBasePlain[T Integer](dst []T, src []uint32, base T) {
	src = src[:len(dst)]
	for i, x := range src {
		dst[i] = base + T(x)
	}
}

// Gather implements Fixed.
func (f *FOR[T]) Gather(docs []uint32, dst []T) {
	if len(docs) > 0 && !f.wide && len(f.words) > 0 && isSparse(docs) {
		fetchFOR(dst, docs, f.headers, f.words)
		return
	}
	for len(docs) > 0 {
		b := docs[0] / BlockLen
		h := &f.headers[b]
		n := gatherInts(dst, docs, b, f.block(h), uint(h.Width), T(h.Base))
		docs, dst = docs[n:], dst[n:]
	}
}

// Match implements Fixed. Blocks whose bounds lie inside or outside of the
// range are not unpacked.
func (f *FOR[T]) Match(from uint32, n int, lo, hi T, dst column.Bitmap) {
	s := getScratch()
	defer putScratch(s)
	pos, end := int(from), int(from)+n
	for pos < end {
		b := pos / BlockLen
		first, last := pos-b*BlockLen, min(BlockLen, end-b*BlockLen)
		f.matchBlock(&f.headers[b], int64(lo), int64(hi), s)
		putBits(dst, pos-int(from), &s.bits, first, last)
		pos = b*BlockLen + last
	}
}

func (f *FOR[T]) matchBlock(h *forHeader, lo, hi int64, s *scratch) {
	if hi < h.Base || lo > hi {
		s.bits = [blockWords]uint64{}
		return
	}
	w := uint(h.Width)
	// Differences of ordered int64 fit a uint64.
	rlo, rhi := uint64(0), uint64(hi)-uint64(h.Base)
	if lo > h.Base {
		rlo = uint64(lo) - uint64(h.Base)
	}
	switch limit := lowMask64(w); {
	case rlo > limit:
		s.bits = [blockWords]uint64{}
	case rlo == 0 && rhi >= limit:
		fillBlock(&s.bits)
	case w <= 32:
		matchRange32(&s.bits, f.block(h), w, uint32(rlo), uint32(min(rhi, limit)))
	default:
		unpack64(&s.u64, f.block(h), w)
		matchUints(&s.bits, &s.u64, rlo, rhi)
	}
}

func matchUintsPlain(dst *[blockWords]uint64, v *[BlockLen]uint64, lo, hi uint64) {
	span := hi - lo
	for i := range dst {
		var word uint64
		for j, x := range v[i*64 : i*64+64] {
			var b uint64
			if x-lo <= span {
				b = 1
			}
			word |= b << (uint(j) & 63)
		}
		dst[i] = word
	}
}

// SizeFOR returns the number of bytes that AppendFOR would append.
func SizeFOR[T Integer](v []T) int {
	size := align64(blocks(len(v)) * forHeaderBytes)
	for b := range blocks(len(v)) {
		lo, hi := bounds(v[b*BlockLen : min(len(v), (b+1)*BlockLen)])
		size += 64 * bits.Len64(uint64(hi)-uint64(lo))
	}
	return size
}

func bounds[T Integer](v []T) (lo, hi int64) {
	mn, mx := v[0], v[0]
	for _, x := range v {
		mn, mx = min(mn, x), max(mx, x)
	}
	return int64(mn), int64(mx)
}

// AppendFOR appends v in frame of reference.
func AppendFOR[T Integer](dst []byte, v []T) []byte {
	headers := make([]forHeader, blocks(len(v)))
	var words []uint64
	var rel [BlockLen]uint64
	var tmp [BlockLen]uint32
	for b := range headers {
		part := v[b*BlockLen : min(len(v), (b+1)*BlockLen)]
		lo, hi := bounds(part)
		w := bits.Len64(uint64(hi) - uint64(lo))
		headers[b] = forHeader{Base: lo, Offset: uint32(len(words) / 8), Width: uint8(w)}
		clear(rel[:])
		for i, x := range part {
			rel[i] = uint64(int64(x)) - uint64(lo)
		}
		words = appendBlock(words, &rel, uint(w), &tmp)
	}
	return appendHeaded(dst, Bytes(headers), words)
}

// appendBlock appends a packed block of w bits a value.
func appendBlock(words []uint64, rel *[BlockLen]uint64, w uint, tmp *[BlockLen]uint32) []uint64 {
	at := len(words)
	words = append(words, make([]uint64, 8*w)...)
	packInts(words[at:], rel, w, tmp)
	return words
}

// appendHeaded appends headers, zeros to a multiple of 64 bytes, and words.
func appendHeaded(dst, headers []byte, words []uint64) []byte {
	dst = append(dst, headers...)
	dst = append(dst, make([]byte, align64(len(headers))-len(headers))...)
	return append(dst, Bytes(words)...)
}
