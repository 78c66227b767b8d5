package agg

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// hasher hashes the values of a vector, equal ones to equal hashes, for
// sketches of distinct values. The hash is XXH64 of the key bytes of a value
// (kernel.AppendKey). It is part of the states' format: the sketches of all
// servers must agree.
type hasher struct {
	key    []byte
	hashes []uint64
	rows   []uint32
}

// hash returns the hashes of the first n values that are not NULL, and their
// groups, nil where groups is. They are valid until the next call.
func (h *hasher) hash(groups []uint32, n int, v *column.Vector) ([]uint64, []uint32) {
	if v.HasNulls() {
		return h.hashPresent(groups, n, v)
	}
	h.hashes = extend(h.hashes, n)[:n]
	if v.Const && n > 0 {
		x := h.one(v, 0)
		for i := range h.hashes {
			h.hashes[i] = x
		}
		return h.hashes, groups
	}
	switch v.Kind() {
	case schema.KindInt32:
		for i, x := range v.Int32s[:n] {
			h.hashes[i] = hashKeyWord(uint64(int64(x)))
		}
	case schema.KindInt64:
		for i, x := range v.Int64s[:n] {
			h.hashes[i] = hashKeyWord(uint64(x))
		}
	case schema.KindFloat32:
		for i, x := range v.Float32s[:n] {
			h.hashes[i] = hashKeyWord(uint64(kernel.FloatKey(float64(x))))
		}
	case schema.KindFloat64:
		for i, x := range v.Float64s[:n] {
			h.hashes[i] = hashKeyWord(uint64(kernel.FloatKey(x)))
		}
	default:
		for i := range h.hashes {
			h.hashes[i] = h.one(v, i)
		}
	}
	return h.hashes, groups
}

// hashPresent hashes the values that are not NULL.
func (h *hasher) hashPresent(groups []uint32, n int, v *column.Vector) ([]uint64, []uint32) {
	h.hashes, h.rows = h.hashes[:0], h.rows[:0]
	for i := range n {
		if v.IsNull(i) {
			continue
		}
		if w, ok := wordKey(v, i); ok {
			h.hashes = append(h.hashes, hashKeyWord(w))
		} else {
			h.hashes = append(h.hashes, h.one(v, i))
		}
		if groups != nil {
			h.rows = append(h.rows, groups[i])
		}
	}
	if groups == nil {
		return h.hashes, nil
	}
	return h.hashes, h.rows
}

func wordKey(v *column.Vector, i int) (uint64, bool) {
	if v.Const {
		i = 0
	}
	w, ok := kernel.WordKey(v, i)
	return uint64(w), ok
}

func (h *hasher) one(v *column.Vector, i int) uint64 {
	h.key = kernel.AppendKey(h.key[:0], v, i)
	return xxhash.Sum64(h.key)
}

// The primes of XXH64.
const (
	xxPrime1 = 0x9E3779B185EBCA87
	xxPrime2 = 0xC2B2AE3D27D4EB4F
	xxPrime3 = 0x165667B19E3779F9
	xxPrime4 = 0x85EBCA77C2B2AE63
	xxPrime5 = 0x27D4EB2F165667C5
)

// hashKeyWord is XXH64 of the nine key bytes of a word, the byte 1 and the word
// in little-endian, without writing them to memory.
func hashKeyWord(w uint64) uint64 {
	const first = 1
	low, last := w<<8|first, w>>56
	p1, p2, p3, p4, p5 := uint64(xxPrime1), uint64(xxPrime2), uint64(xxPrime3), uint64(xxPrime4), uint64(xxPrime5)
	h := p5 + 9
	h ^= bits.RotateLeft64(low*p2, 31) * p1
	h = bits.RotateLeft64(h, 27)*p1 + p4
	h ^= last * p5
	h = bits.RotateLeft64(h, 11) * p1
	h ^= h >> 33
	h *= p2
	h ^= h >> 29
	h *= p3
	return h ^ h>>32
}
