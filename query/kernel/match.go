package kernel

import (
	"github.com/alluviumdb/alluvium/internal/column"
)

// The range filters set bit i of dst where lo <= v[i] <= hi and clear the
// other bits. For floats NaN lies above all numbers. They do what they can in
// vector registers, whole words of dst, and the rest by the plain loops.

// MatchInt32 is the range filter of int32.
func MatchInt32(v []int32, lo, hi int32, dst column.Bitmap) {
	n := 0
	if lo <= hi {
		n = matchInt32Wide(v, lo, hi, dst)
	}
	matchInts(v[n:], lo, hi, dst[n/64:])
}

// MatchInt64 is the range filter of int64.
func MatchInt64(v []int64, lo, hi int64, dst column.Bitmap) {
	n := 0
	if lo <= hi {
		n = matchInt64Wide(v, lo, hi, dst)
	}
	matchInts(v[n:], lo, hi, dst[n/64:])
}

// MatchFloat32 is the range filter of float32.
func MatchFloat32(v []float32, lo, hi float32, dst column.Bitmap) {
	n := matchFloat32Wide(v, lo, hi, dst)
	matchFloats(v[n:], lo, hi, dst[n/64:])
}

// MatchFloat64 is the range filter of float64.
func MatchFloat64(v []float64, lo, hi float64, dst column.Bitmap) {
	n := matchFloat64Wide(v, lo, hi, dst)
	matchFloats(v[n:], lo, hi, dst[n/64:])
}

// matchInts turns the two comparisons into one: v-lo as an unsigned number is
// at most hi-lo exactly within the range.
func matchInts[T int32 | int64](v []T, lo, hi T, dst column.Bitmap) {
	clear(dst)
	if lo > hi {
		return
	}
	span := uint64(hi) - uint64(lo)
	for len(v) >= 64 {
		var w uint64
		for j, x := range v[:64:64] {
			w |= b2u(uint64(x)-uint64(lo) <= span) << uint(j)
		}
		dst[0], dst, v = w, dst[1:], v[64:]
	}
	for j, x := range v {
		dst[0] |= b2u(uint64(x)-uint64(lo) <= span) << uint(j)
	}
}

func matchFloats[T float32 | float64](v []T, lo, hi T, dst column.Bitmap) {
	clear(dst)
	for i, x := range v {
		ok := CompareFloats(float64(x), float64(lo)) >= 0 && CompareFloats(float64(x), float64(hi)) <= 0
		dst[i>>6] |= b2u(ok) << (uint(i) & 63)
	}
}

// MatchIDBits sets bit i of dst where ids[i] is in set and clears the others.
func MatchIDBits(ids []uint32, set, dst column.Bitmap) {
	n := matchIDBitsWide(ids, set, dst)
	ids, dst = ids[n:], dst[n/64:]
	clear(dst)
	for i, id := range ids {
		dst[i>>6] |= set[id>>6] >> (id & 63) & 1 << (uint(i) & 63)
	}
}

// MatchIDRange sets bit i of dst where lo <= ids[i] <= hi and clears the others.
func MatchIDRange(ids []uint32, lo, hi uint32, dst column.Bitmap) {
	if lo > hi {
		clear(dst)
		return
	}
	n := matchIDRangeWide(ids, lo, hi, dst)
	ids, dst = ids[n:], dst[n/64:]
	clear(dst)
	span := hi - lo
	for i, id := range ids {
		dst[i>>6] |= b2u(id-lo <= span) << (uint(i) & 63)
	}
}

// SelectIDs appends the positions i with lo <= ids[i] <= hi.
func SelectIDs(ids []uint32, lo, hi uint32, dst []uint32) []uint32 {
	if lo > hi {
		return dst
	}
	span := hi - lo
	dst, n := selectIDsWide(ids, lo, hi, dst)
	for i, id := range ids[n:] {
		if id-lo <= span {
			dst = append(dst, uint32(n+i))
		}
	}
	return dst
}

// KeepIDRange sets bit docs[i]-first of dst where lo <= ids[i] <= hi and leaves
// the others.
func KeepIDRange(docs []uint32, first uint32, ids []uint32, lo, hi uint32, dst column.Bitmap) {
	if lo > hi {
		return
	}
	span := hi - lo
	docs = docs[:len(ids)]
	for i, id := range ids {
		at := docs[i] - first
		dst[at>>6] |= b2u(id-lo <= span) << (at & 63)
	}
}

// KeepIDBits sets bit docs[i]-first of dst where ids[i] is in set and leaves
// the others.
func KeepIDBits(docs []uint32, first uint32, ids []uint32, set, dst column.Bitmap) {
	docs = docs[:len(ids)]
	for i, id := range ids {
		at := docs[i] - first
		dst[at>>6] |= word(set, int(id>>6)) >> (id & 63) & 1 << (at & 63)
	}
}
