package encoding

import "github.com/alluviumdb/alluvium/internal/column"

// The kernels work on one packed block. They are variables so that a build
// with SIMD can replace them in init; each plain version below is the
// reference for its twin.
var (
	// unpack32 unpacks 512 values of w <= 32 bits from 8·w words.
	unpack32 = unpack32Plain
	// unpack64 unpacks 512 values of w <= 64 bits from 8·w words that were
	// packed by pack64.
	unpack64 = unpack64Plain
	// matchRange32 sets bit i of dst when value i of a block of w <= 32 bits
	// lies in [lo, hi].
	matchRange32 = matchRange32Plain
	// matchSet32 sets bit i of dst when bit src[i] of set is one.
	matchSet32 = matchSet32Plain
	// matchUints sets bit i of dst when lo <= v[i] <= hi, all of it modulo 2^64.
	matchUints = matchUintsPlain
	// The match functions of raw values set bit i of dst when lo <= v[i] <= hi,
	// for 64 values per word of dst. No bound is NaN.
	matchInt32s   = matchWordsPlain[int32]
	matchInt64s   = matchWordsPlain[int64]
	matchFloat32s = matchWordsPlain[float32]
	matchFloat64s = matchWordsPlain[float64]
	// expandRuns32 and expandRuns64 set dst to the values of rows lo, lo+1, … of
	// a block of runs; vals has runPad values beyond those of the runs.
	expandRuns32 = expandRunsPlain[uint32]
	expandRuns64 = expandRunsPlain[uint64]
	// spreadRunBits gives the rows of a block the bits of their runs.
	spreadRunBits = spreadRunBitsPlain
)

const (
	lanePairs = 8  // words of two 32-bit lanes in a row
	slots32   = 32 // values per lane of a 32-bit block
	highBits  = 0x8000000080000000
)

// twice returns x in both halves of a word.
func twice(x uint32) uint64 { return uint64(x)<<32 | uint64(x) }

// lowMask returns w one-bits, w <= 32.
func lowMask(w uint) uint32 { return uint32(uint64(1)<<w - 1) }

// unpack32Plain takes two neighbouring lanes at a time: a shift moves bits of
// the upper lane into the lower one, where the mask removes them.
func unpack32Plain(dst *[BlockLen]uint32, src []uint64, w uint) {
	if w == 0 {
		clear(dst[:])
		return
	}
	out := pairs(dst)
	mask := twice(lowMask(w))
	for s := range uint(slots32) {
		bit := s * w
		row, sh := bit>>5, bit&31
		a := (*[lanePairs]uint64)(src[row*lanePairs:])
		d := (*[lanePairs]uint64)(out[s*lanePairs:])
		if sh+w <= 32 {
			d[0] = a[0] >> sh & mask
			d[1] = a[1] >> sh & mask
			d[2] = a[2] >> sh & mask
			d[3] = a[3] >> sh & mask
			d[4] = a[4] >> sh & mask
			d[5] = a[5] >> sh & mask
			d[6] = a[6] >> sh & mask
			d[7] = a[7] >> sh & mask
			continue
		}
		b := (*[lanePairs]uint64)(src[row*lanePairs+lanePairs:])
		joinRows(d, a, b, sh, w)
	}
}

// joinRows assembles values whose low bits end row a and whose high bits begin row b.
func joinRows(d, a, b *[lanePairs]uint64, sh, w uint) {
	up := 32 - sh
	lo, hi := twice(lowMask(up)), twice(lowMask(w-up))
	d[0] = a[0]>>sh&lo | b[0]&hi<<up
	d[1] = a[1]>>sh&lo | b[1]&hi<<up
	d[2] = a[2]>>sh&lo | b[2]&hi<<up
	d[3] = a[3]>>sh&lo | b[3]&hi<<up
	d[4] = a[4]>>sh&lo | b[4]&hi<<up
	d[5] = a[5]>>sh&lo | b[5]&hi<<up
	d[6] = a[6]>>sh&lo | b[6]&hi<<up
	d[7] = a[7]>>sh&lo | b[7]&hi<<up
}

// pack32 packs 512 values of at most w <= 32 bits into 8·w zeroed words.
func pack32(dst []uint64, src *[BlockLen]uint32, w uint) {
	if w == 0 {
		return
	}
	in := pairs(src)
	for s := range uint(slots32) {
		bit := s * w
		row, sh := bit>>5, bit&31
		fit := twice(lowMask(min(w, 32-sh)))
		for j := range uint(lanePairs) {
			dst[row*lanePairs+j] |= in[s*lanePairs+j] & fit << sh
		}
		if sh+w <= 32 {
			continue
		}
		up := 32 - sh
		rest := twice(lowMask(w - up))
		for j := range uint(lanePairs) {
			dst[(row+1)*lanePairs+j] |= in[s*lanePairs+j] >> up & rest
		}
	}
}

// spread puts the bits of a byte at the even positions of 16 bits.
var spread = func() (t [256]uint16) {
	for i := range t {
		for b := range 8 {
			t[i] |= uint16(i>>b&1) << (2 * b)
		}
	}
	return t
}()

// matchRange32Plain compares two values in one word: with the free top bit of
// each half as a guard, (2^31 + hi) - v keeps it exactly when v <= hi, and
// (2^31 + v) - lo when v >= lo. Values of 32 bits have no free bit and are
// compared one by one.
func matchRange32Plain(dst *[blockWords]uint64, src []uint64, w uint, lo, hi uint32) {
	hi = min(hi, lowMask(w))
	switch {
	case lo > hi:
		*dst = [blockWords]uint64{}
		return
	case w == 0:
		fillBlock(dst)
		return
	case w == 32:
		matchWide(dst, src, lo, hi)
		return
	}
	mask, hi2, lo2 := twice(lowMask(w)), twice(hi)|highBits, twice(lo)
	var v [lanePairs]uint64
	for s := range uint(slots32) {
		bit := s * w
		row, sh := bit>>5, bit&31
		a := (*[lanePairs]uint64)(src[row*lanePairs:])
		var even, odd uint64
		if sh+w <= 32 {
			m := matchPairs(a, sh, mask, hi2, lo2)
			even, odd = m&0xff, m>>32&0xff
		} else {
			joinRows(&v, a, (*[lanePairs]uint64)(src[row*lanePairs+lanePairs:]), sh, w)
			m := matchPairs(&v, 0, mask, hi2, lo2)
			even, odd = m&0xff, m>>32&0xff
		}
		m16 := uint64(spread[even]) | uint64(spread[odd])<<1
		if s&3 == 0 {
			dst[s>>2] = m16
		} else {
			dst[s>>2] |= m16 << (s & 3 * 16)
		}
	}
}

// matchPairs returns the results for a row of sixteen values: those of even
// lanes in bits 0..7, those of odd lanes in bits 32..39.
func matchPairs(a *[lanePairs]uint64, sh uint, mask, hi, lo uint64) uint64 {
	v0, v1, v2, v3 := a[0]>>sh&mask, a[1]>>sh&mask, a[2]>>sh&mask, a[3]>>sh&mask
	v4, v5, v6, v7 := a[4]>>sh&mask, a[5]>>sh&mask, a[6]>>sh&mask, a[7]>>sh&mask
	m := (hi - v0) & (v0 | highBits - lo) & highBits >> 31
	m |= (hi - v1) & (v1 | highBits - lo) & highBits >> 30
	m |= (hi - v2) & (v2 | highBits - lo) & highBits >> 29
	m |= (hi - v3) & (v3 | highBits - lo) & highBits >> 28
	m |= (hi - v4) & (v4 | highBits - lo) & highBits >> 27
	m |= (hi - v5) & (v5 | highBits - lo) & highBits >> 26
	m |= (hi - v6) & (v6 | highBits - lo) & highBits >> 25
	m |= (hi - v7) & (v7 | highBits - lo) & highBits >> 24
	return m
}

func fillBlock(dst *[blockWords]uint64) {
	for i := range dst {
		dst[i] = ^uint64(0)
	}
}

func matchWide(dst *[blockWords]uint64, src []uint64, lo, hi uint32) {
	v := View[uint32](Bytes(src[:BlockLen/2]))
	for i := range dst {
		dst[i] = rangeWord(v[i*64:i*64+64], lo, hi)
	}
}

// rangeWord returns a word with bit i set when v[i] lies in [lo, hi].
func rangeWord(v []uint32, lo, hi uint32) (word uint64) {
	span := hi - lo
	for i, x := range v {
		var b uint64
		if x-lo <= span {
			b = 1
		}
		word |= b << (uint(i) & 63)
	}
	return word
}

func matchSet32Plain(dst *[blockWords]uint64, src *[BlockLen]uint32, set column.Bitmap) {
	for i := range dst {
		var word uint64
		v := (*[64]uint32)(src[i*64:])
		for j, x := range v {
			if k := int(x >> 6); k < len(set) {
				word |= set[k] >> (x & 63) & 1 << uint(j&63)
			}
		}
		dst[i] = word
	}
}
