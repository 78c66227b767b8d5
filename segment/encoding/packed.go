package encoding

import (
	"math/bits"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// Packed reads dictionary ids of one width in packed blocks. Its buffer holds
// ceil(n/512) blocks of 64·w bytes; the last is padded with zeros.
type Packed struct {
	words []uint64
	width uint
}

var _ IDs = (*Packed)(nil)

// Width returns the bits needed for ids below cardinality.
func Width(cardinality int) uint {
	if cardinality <= 1 {
		return 0
	}
	return uint(bits.Len(uint(cardinality - 1)))
}

// PackedBytes returns the size of n packed values of w bits.
func PackedBytes(n int, w uint) int { return blocks(n) * 64 * int(w) }

// NewPacked returns a reader of n ids of w bits below cardinality. It checks
// every id, since callers index tables with them.
func NewPacked(buf []byte, n int, w uint, cardinality int) (*Packed, error) {
	if w > 32 || len(buf) != PackedBytes(n, w) {
		return nil, segment.Corruptf("%d ids of %d bits in %d bytes", n, w, len(buf))
	}
	p := &Packed{words: View[uint64](buf), width: w}
	if cardinality < 1 && n > 0 {
		return nil, segment.Corruptf("ids without a dictionary")
	}
	if uint64(lowMask(w)) >= uint64(cardinality) && p.above(blocks(n), uint32(cardinality)) {
		return nil, segment.Corruptf("id beyond the dictionary of %d values", cardinality)
	}
	return p, nil
}

// above reports whether a value in the first n blocks is limit or more.
func (p *Packed) above(n int, limit uint32) bool {
	s := getScratch()
	defer putScratch(s)
	for b := range n {
		matchRange32(&s.bits, p.block(b), p.width, limit, ^uint32(0))
		if column.Bitmap(s.bits[:]).Any() {
			return true
		}
	}
	return false
}

func (p *Packed) block(b int) []uint64 {
	k := int(8 * p.width)
	return p.words[b*k : (b+1)*k : (b+1)*k]
}

// Read implements IDs.
func (p *Packed) Read(from uint32, dst []uint32) {
	pos := int(from)
	for len(dst) > 0 {
		b, lo := pos/BlockLen, pos%BlockLen
		if lo == 0 && len(dst) >= BlockLen {
			unpack32((*[BlockLen]uint32)(dst), p.block(b), p.width)
			dst, pos = dst[BlockLen:], pos+BlockLen
			continue
		}
		k := p.readPart(b, lo, dst)
		dst, pos = dst[k:], pos+k
	}
}

// readPart copies values from position lo of a block on and returns their number.
func (p *Packed) readPart(b, lo int, dst []uint32) int {
	s := getScratch()
	unpack32(&s.u32, p.block(b), p.width)
	k := copy(dst, s.u32[lo:])
	putScratch(s)
	return k
}

// Gather implements IDs.
func (p *Packed) Gather(docs []uint32, dst []uint32) {
	if p.width == 0 {
		clear(dst[:len(docs)])
		return
	}
	if len(docs) > 0 && isSparse(docs) {
		fetchPacked(dst, docs, p.words, p.width)
		return
	}
	for len(docs) > 0 {
		b := docs[0] / BlockLen
		n := gather32(dst, docs, b, p.block(int(b)), p.width, 0)
		docs, dst = docs[n:], dst[n:]
	}
}

// Match implements IDs.
func (p *Packed) Match(from uint32, n int, set segment.IDSet, dst column.Bitmap) {
	s := getScratch()
	defer putScratch(s)
	pos, end := int(from), int(from)+n
	for pos < end {
		b := pos / BlockLen
		lo, hi := pos-b*BlockLen, min(BlockLen, end-b*BlockLen)
		p.matchBlock(b, &set, s)
		putBits(dst, pos-int(from), &s.bits, lo, hi)
		pos = b*BlockLen + hi
	}
}

func (p *Packed) matchBlock(b int, set *segment.IDSet, s *scratch) {
	if set.Bits == nil {
		matchRange32(&s.bits, p.block(b), p.width, set.Lo, set.Hi)
		return
	}
	unpack32(&s.u32, p.block(b), p.width)
	matchSet32(&s.bits, &s.u32, set.Bits)
}

// AppendPacked appends ids of at most w bits as packed blocks.
func AppendPacked(dst []byte, ids []uint32, w uint) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, PackedBytes(len(ids), w))...)
	words := make([]uint64, 8*w)
	var last [BlockLen]uint32
	for b := range blocks(len(ids)) {
		src := &last
		if rest := ids[b*BlockLen:]; len(rest) >= BlockLen {
			src = (*[BlockLen]uint32)(rest)
		} else {
			copy(last[:], rest)
		}
		clear(words)
		pack32(words, src, w)
		at += copy(dst[at:], Bytes(words))
	}
	return dst
}
