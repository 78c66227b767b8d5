package startree

import (
	"math/bits"
	"slices"
)

// maxKeyBits is the most bits that the ids of all dimensions may take together.
const maxKeyBits = 128

// key is the ids of a record's dimensions, the first one in the highest bits,
// so that keys sort as the tree splits.
type key struct{ hi, lo uint64 }

func (a key) compare(b key) int {
	switch {
	case a.hi < b.hi || a.hi == b.hi && a.lo < b.lo:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// field is the place of one dimension in keys.
type field struct{ shift, width uint }

// layout places dimensions in keys.
type layout struct {
	fields []field
	bits   uint // of all fields
}

// newLayout returns false when the dimensions do not fit.
func newLayout(dims []Dimension) (layout, bool) {
	l := layout{fields: make([]field, len(dims))}
	for i := len(dims) - 1; i >= 0; i-- {
		w := uint(bits.Len(uint(max(dims[i].values(), 1) - 1)))
		l.fields[i] = field{shift: l.bits, width: w}
		l.bits += w
	}
	return l, l.bits <= maxKeyBits
}

// get returns the id of a dimension.
func (f field) get(k key) uint32 {
	x := k.lo >> f.shift // 0 from 64 on
	if f.shift >= 64 {
		x = k.hi >> (f.shift - 64)
	} else if f.shift > 0 {
		x |= k.hi << (64 - f.shift)
	}
	return uint32(x & (1<<f.width - 1))
}

// put adds the id of a dimension whose bits are zero.
func (f field) put(k *key, id uint32) {
	x := uint64(id)
	if f.shift >= 64 {
		k.hi |= x << (f.shift - 64)
		return
	}
	k.lo |= x << f.shift
	if f.shift > 0 {
		k.hi |= x >> (64 - f.shift)
	}
}

// below returns k with only the fields after this one.
func (f field) below(k key) key {
	if f.shift >= 64 {
		return key{hi: k.hi & (1<<(f.shift-64) - 1), lo: k.lo}
	}
	return key{lo: k.lo & (1<<f.shift - 1)}
}

// path returns k with only the first depth fields.
func (l *layout) path(k key, depth int) key {
	if depth == 0 {
		return key{}
	}
	b := l.fields[depth-1].below(k)
	return key{hi: k.hi &^ b.hi, lo: k.lo &^ b.lo}
}

// entry is a key with the row or record that it belongs to.
type entry struct {
	key key
	at  uint32
}

// radixFrom is the number of entries from which they are sorted by digits.
const radixFrom = 512

// sortEntries sorts by key, equal keys by position, where only the lowest bits
// of keys differ. It returns the sorted slice, which is entries or scratch.
func sortEntries(entries, scratch []entry, bits uint) []entry {
	if len(entries) < radixFrom {
		slices.SortFunc(entries, func(a, b entry) int {
			if c := a.key.compare(b.key); c != 0 {
				return c
			}
			return int(a.at) - int(b.at)
		})
		return entries
	}
	scratch = scratch[:len(entries)]
	for shift := uint(0); shift < bits; shift += 8 {
		if sortByte(entries, scratch, shift) {
			entries, scratch = scratch, entries
		}
	}
	return entries
}

// sortByte moves src to dst ordered by one byte of the key, stably. It returns
// false, having done nothing, when the byte is the same everywhere.
func sortByte(src, dst []entry, shift uint) bool {
	digit := func(k key) byte { return byte(k.lo >> (shift & 63)) }
	if shift >= 64 {
		digit = func(k key) byte { return byte(k.hi >> (shift & 63)) }
	}
	var starts [256]int
	for i := range src {
		starts[digit(src[i].key)]++
	}
	if starts[digit(src[0].key)] == len(src) {
		return false
	}
	at := 0
	for d, n := range starts {
		starts[d] = at
		at += n
	}
	for i := range src {
		d := digit(src[i].key)
		dst[starts[d]] = src[i]
		starts[d]++
	}
	return true
}
