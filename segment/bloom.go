package segment

import "github.com/alluviumdb/alluvium/internal/column"

// BloomFilter tells which values a column surely lacks.
type BloomFilter interface {
	// MayContain reports whether some row may hold a value with that
	// ValueHash. It is never wrong when it says no.
	MayContain(hash uint64) bool
}

// BloomReader is a segment whose columns may have Bloom filters. They are read
// without opening the column, so that a segment can be ruled out by touching
// one cache line.
type BloomReader interface {
	// Bloom returns the filter of a column, nil if it has none, and ErrCorrupt
	// when its buffer is damaged.
	Bloom(columnID uint32) (BloomFilter, error)
}

// ValueHash is the hash that Bloom filters keep: that of a row's cell without
// the column. Values that compare equal within one type hash equally. It is
// part of the segment format.
func ValueHash(v column.Value) uint64 { return mix64(canonical(v)) }

// valueHasher hashes cells as ValueHash does: a seed of zero changes nothing.
var valueHasher CellHasher

// ValueHashes fills dst[i] with the ValueHash of row i of v; what it writes for
// NULL rows means nothing.
func ValueHashes(v *column.Vector, dst []uint64) { valueHasher.Vector(v, dst) }
