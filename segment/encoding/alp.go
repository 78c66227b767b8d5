package encoding

import (
	"encoding/binary"
	"sort"
	"sync"
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// Float is a floating-point kind.
type Float interface{ float32 | float64 }

// Doubles that were decimals are stored as scaled integers, after Afroozeh,
// Kuffo and Boncz, "ALP: Adaptive Lossless floating-Point Compression" (2023):
// each block has exponents e and f with which value = integer · 10^f · 10^-e
// gives the very bits back; values for which no such integer exists are
// exceptions, kept as they are. The buffer holds
//
//	number of exceptions (uint32), zeros to 64 bytes
//	per block of 512 values an 8-byte entry, zeros to a multiple of 64 bytes
//	the exceptions' values, zeros to a multiple of 64 bytes
//	their positions in the block, uint16, zeros to a multiple of 64 bytes
//	the integers in frame of reference

// alpEntry describes one block: N exceptions from number First on, and the
// exponents.
type alpEntry struct {
	First uint32
	N     uint16
	E, F  uint8
}

const (
	alpEntryBytes = int(unsafe.Sizeof(alpEntry{}))
	alpHead       = 64
	// maxExponent is the largest power of ten that is used.
	maxExponent = 18
	// maxScaled bounds the integers, which float64 holds exactly.
	maxScaled = 1 << 52
)

var powers = [maxExponent + 1]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
}

var inverses = [maxExponent + 1]float64{
	1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17, 1e-18,
}

// unscale returns the value of an integer. It never descends with the integer.
func unscale[T Float](d int64, e, f uint8) T { return T(float64(d) * powers[f] * inverses[e]) }

// ALP reads floats that are stored as scaled integers.
type ALP[T Float] struct {
	entries   []alpEntry
	values    []T      // the exceptions
	positions []uint16 // of the exceptions in their blocks
	ints      *FOR[int64]
}

var (
	_ Fixed[float32] = (*ALP[float32])(nil)
	_ Fixed[float64] = (*ALP[float64])(nil)
)

// NewALP returns a reader of n values.
func NewALP[T Float](buf []byte, n int) (*ALP[T], error) {
	if len(buf) < alpHead {
		return nil, segment.Corruptf("%d scaled floats in %d bytes", n, len(buf))
	}
	var t T
	count := int(binary.LittleEndian.Uint32(buf))
	values := alpHead + align64(blocks(n)*alpEntryBytes)
	positions := values + align64(count*int(unsafe.Sizeof(t)))
	body := positions + align64(count*2)
	if len(buf) < body {
		return nil, segment.Corruptf("%d scaled floats in %d bytes", n, len(buf))
	}
	ints, err := NewFOR[int64](buf[body:], n)
	if err != nil {
		return nil, err
	}
	a := &ALP[T]{
		entries:   View[alpEntry](buf[alpHead:])[:blocks(n)],
		values:    View[T](buf[values:])[:count:count],
		positions: View[uint16](buf[positions:])[:count:count],
		ints:      ints,
	}
	if !a.sound() {
		return nil, segment.Corruptf("exceptions of %d scaled floats", n)
	}
	return a, nil
}

// sound checks that the exceptions of each block follow those of the one before
// and ascend inside of it.
func (a *ALP[T]) sound() bool {
	next := 0
	for i := range a.entries {
		e := &a.entries[i]
		if int(e.First) != next || int(e.N) > len(a.positions)-next || e.E > maxExponent || e.F > maxExponent {
			return false
		}
		last := -1
		for _, p := range a.positions[next : next+int(e.N)] {
			if int(p) <= last || p >= BlockLen {
				return false
			}
			last = int(p)
		}
		next += int(e.N)
	}
	return next == len(a.positions)
}

// exceptions returns the exceptions of a block.
func (a *ALP[T]) exceptions(e *alpEntry) ([]uint16, []T) {
	return a.positions[e.First:][:e.N], a.values[e.First:][:e.N]
}

// alpScratch is the working memory of one call.
type alpScratch struct {
	ints [BlockLen]int64
	blk  scratch
}

var alpPool = sync.Pool{New: func() any { return new(alpScratch) }}

// Read implements Fixed.
func (a *ALP[T]) Read(from uint32, dst []T) {
	s := alpPool.Get().(*alpScratch)
	defer alpPool.Put(s)
	for pos := int(from); len(dst) > 0; {
		b, lo := pos/BlockLen, pos%BlockLen
		k := min(BlockLen-lo, len(dst))
		e := &a.entries[b]
		a.ints.readBlock(&a.ints.headers[b], lo, s.ints[:k], &s.blk)
		unscaleAll(dst[:k], s.ints[:k], e)
		at, vals := a.exceptions(e)
		for i, p := range at {
			if j := int(p) - lo; j >= 0 && j < k {
				dst[j] = vals[i]
			}
		}
		dst, pos = dst[k:], pos+k
	}
}

// Gather implements Fixed.
func (a *ALP[T]) Gather(docs []uint32, dst []T) {
	s := alpPool.Get().(*alpScratch)
	defer alpPool.Put(s)
	for len(docs) > 0 {
		b := docs[0] / BlockLen
		h, e := &a.ints.headers[b], &a.entries[b]
		part := docs[:min(BlockLen, len(docs))]
		n := gatherInts(s.ints[:len(part)], part, b, a.ints.block(h), uint(h.Width), h.Base)
		unscaleAll(dst[:n], s.ints[:n], e)
		a.patch(e, docs[:n], dst)
		docs, dst = docs[n:], dst[n:]
	}
}

// patch puts the exceptions among docs, all of one block, in their places.
func (a *ALP[T]) patch(e *alpEntry, docs []uint32, dst []T) {
	at, vals := a.exceptions(e)
	if len(at) == 0 {
		return
	}
	next := 0
	for i, doc := range docs {
		p := uint16(doc % BlockLen)
		for next < len(at) && at[next] < p {
			next++
		}
		if next == len(at) {
			return
		}
		if at[next] == p {
			dst[i] = vals[next]
		}
	}
}

// unscaleAll sets dst to the values of the integers src.
func unscaleAll[T Float](dst []T, src []int64, e *alpEntry) {
	up, down := powers[e.F], inverses[e.E]
	i := 0
	if d, ok := any(dst).([]float64); ok {
		i = unscaleWide(d, src, up, down)
	}
	src = src[:len(dst)]
	for ; i < len(dst); i++ {
		dst[i] = T(float64(src[i]) * up * down)
	}
}

// Match implements Fixed. The bounds are turned into integers once for each
// pair of exponents, so that the packed integers are compared.
func (a *ALP[T]) Match(from uint32, n int, lo, hi T, dst column.Bitmap) {
	s := getScratch()
	defer putScratch(s)
	var bounds alpBounds
	pos, end := int(from), int(from)+n
	for pos < end {
		b := pos / BlockLen
		first, last := pos-b*BlockLen, min(BlockLen, end-b*BlockLen)
		e := &a.entries[b]
		if !bounds.known || bounds.e != e.E || bounds.f != e.F {
			bounds = boundsOf(lo, hi, e.E, e.F)
		}
		a.ints.matchBlock(&a.ints.headers[b], bounds.lo, bounds.hi, s)
		at, vals := a.exceptions(e)
		for i, p := range at {
			bit := rangeBits(vals[i:i+1], lo, hi)
			word, sh := &s.bits[p>>6], p&63
			*word = *word&^(1<<sh) | bit<<sh
		}
		putBits(dst, pos-int(from), &s.bits, first, last)
		pos = b*BlockLen + last
	}
}

// alpBounds is a range of the integers of one pair of exponents.
type alpBounds struct {
	known  bool
	e, f   uint8
	lo, hi int64
}

// boundsOf returns the integers whose values lie in [lo, hi].
func boundsOf[T Float](lo, hi T, e, f uint8) alpBounds {
	b := alpBounds{known: true, e: e, f: f, lo: 1, hi: 0}
	if lo != lo {
		return b // no integer is NaN
	}
	const span = 2*maxScaled + 1
	b.lo = int64(sort.Search(span, func(i int) bool { return unscale[T](int64(i)-maxScaled, e, f) >= lo })) - maxScaled
	b.hi = maxScaled
	if hi == hi {
		b.hi = int64(sort.Search(span, func(i int) bool { return unscale[T](int64(i)-maxScaled, e, f) > hi })) - maxScaled - 1
	}
	return b
}
