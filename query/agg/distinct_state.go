package agg

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// Version 2 of the state of distinct values, for kinds of at most 64 bits: the
// header, the uvarint number of values, the form (u8), and
//   - form 0: the values as appendValue writes them, in any order;
//   - form 1, whole numbers that lie close together: the least one (u64), the
//     uvarint number of 64-bit blocks, and a bitmap of as many blocks (u64
//     each) in which bit i stands for the least number plus i.
//
// Both are written and merged in time linear in the values. Version 1, which
// other kinds have, is still read for all.
const (
	distinctVersion = 2

	distinctWords  = 0
	distinctBitmap = 1
)

// wordWidth is the number of bytes of a value in form 0.
func (a *distinct) wordWidth() int {
	switch a.spec.Args[0].Kind() {
	case schema.KindBool:
		return 1
	case schema.KindInt32, schema.KindFloat32:
		return 4
	}
	return 8
}

// appendWordSet encodes the words of a group.
func (a *distinct) appendWordSet(dst []byte, words []uint64) []byte {
	dst = append(binary.LittleEndian.AppendUint16(dst, uint16(a.spec.ID)), distinctVersion)
	dst = binary.AppendUvarint(dst, uint64(len(words)))
	if least, blocks := wordSpan(words); blocks > 0 && !isFloat(a.spec.Args[0]) && blocks < len(words)*a.wordWidth()/8-2 {
		return appendWordBitmap(append(dst, distinctBitmap), words, least, blocks)
	}
	dst = append(dst, distinctWords)
	le := binary.LittleEndian
	for _, w := range words {
		switch {
		case a.spec.Args[0].Kind() == schema.KindFloat32:
			dst = le.AppendUint32(dst, math.Float32bits(float32(kernel.FloatOfKey(int64(w)))))
		case a.wordWidth() == 1:
			dst = append(dst, byte(w))
		case a.wordWidth() == 4:
			dst = le.AppendUint32(dst, uint32(w))
		default:
			dst = le.AppendUint64(dst, w)
		}
	}
	return dst
}

// wordSpan returns the least of words that are whole numbers, and the blocks of
// a bitmap from there to the greatest; 0 if they are too many to count.
func wordSpan(words []uint64) (least int64, blocks int) {
	if len(words) == 0 {
		return 0, 0
	}
	least, greatest := int64(words[0]), int64(words[0])
	for _, w := range words {
		least, greatest = min(least, int64(w)), max(greatest, int64(w))
	}
	span := uint64(greatest) - uint64(least)
	if span >= math.MaxInt32*64 {
		return 0, 0
	}
	return least, int(span/64) + 1
}

func appendWordBitmap(dst []byte, words []uint64, least int64, blocks int) []byte {
	set := make([]uint64, blocks)
	for _, w := range words {
		i := w - uint64(least)
		set[i/64] |= 1 << (i % 64)
	}
	le := binary.LittleEndian
	dst = binary.AppendUvarint(le.AppendUint64(dst, uint64(least)), uint64(blocks))
	for _, b := range set {
		dst = le.AppendUint64(dst, b)
	}
	return dst
}

// isWordSet reports whether an encoded state has version 2.
func isWordSet(b []byte) bool { return len(b) > 2 && b[2] == distinctVersion }

// mergeWordSet adds the values of an encoded set to a group.
func (a *distinct) mergeWordSet(g uint32, b []byte) error {
	if id := ID(binary.LittleEndian.Uint16(b)); id != a.spec.ID || !a.word() || a.keepsNull() {
		return fmt.Errorf("%w: words of aggregation %d", ErrCorruptState, id)
	}
	d := decoder{b: b[3:]}
	n := d.uvarint()
	switch d.take(1)[0] {
	case distinctWords:
		a.mergeWords(g, &d, n)
	case distinctBitmap:
		a.mergeBitmap(g, &d, n)
	default:
		d.failed = true
	}
	d.failed = d.failed || len(d.b) > 0
	return d.err("set of distinct values")
}

func (a *distinct) mergeWords(g uint32, d *decoder, n uint64) {
	width := a.wordWidth()
	if d.failed = d.failed || n > uint64(len(d.b)/width); d.failed {
		return
	}
	vals := d.take(int(n) * width)
	le := binary.LittleEndian
	for ; len(vals) >= width; vals = vals[width:] {
		switch a.spec.Args[0].Kind() {
		case schema.KindBool:
			a.add(g, uint64(vals[0]&1))
		case schema.KindInt32:
			a.add(g, uint64(int64(int32(le.Uint32(vals)))))
		case schema.KindFloat32:
			a.add(g, uint64(kernel.FloatKey(float64(math.Float32frombits(le.Uint32(vals))))))
		case schema.KindFloat64:
			a.add(g, uint64(kernel.FloatKey(math.Float64frombits(le.Uint64(vals)))))
		default:
			a.add(g, le.Uint64(vals))
		}
	}
}

func (a *distinct) mergeBitmap(g uint32, d *decoder, n uint64) {
	least, blocks := int64(binary.LittleEndian.Uint64(d.take(8))), d.uvarint()
	if d.failed = d.failed || blocks == 0 || blocks > uint64(len(d.b)/8) || isFloat(a.spec.Args[0]); d.failed {
		return
	}
	set := d.take(int(blocks) * 8)
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	switch a.spec.Args[0].Kind() {
	case schema.KindInt32:
		lo, hi = math.MinInt32, math.MaxInt32
	case schema.KindBool:
		lo, hi = 0, 1
	}
	for at := uint64(0); len(set) > 0; at, set = at+64, set[8:] {
		b := binary.LittleEndian.Uint64(set)
		n -= uint64(bits.OnesCount64(b))
		for ; b != 0; b &= b - 1 {
			w := uint64(least) + at + uint64(bits.TrailingZeros64(b))
			if x := int64(w); x < least || x < lo || x > hi {
				d.failed = true
				return
			}
			a.add(g, w)
		}
	}
	d.failed = n != 0
}
