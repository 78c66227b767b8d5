// Package encoding holds the forms in which column data lies in a segment
// file: bit-packed dictionary ids, sorted runs, raw and frame-of-reference
// integers, deltas, compressed chunks of variable-length values and null
// bitmaps. It knows bytes and typed slices; it does not know files, columns of
// a schema or queries.
//
// Every form has an Append function that writes it and a type that reads it
// from a byte slice without copying. The constructors of the readers check all
// that later accesses rely on, so that a reader over hostile bytes may give
// wrong values but never reads out of bounds.
//
// Bytes are little-endian and are viewed in place, so only little-endian
// machines are supported.
//
// # Packed blocks
//
// Integers of w bits are packed in blocks of 512 values which take 64·w bytes.
// A block of at most 32 bits a value is a matrix of w rows of sixteen 32-bit
// words. Word column l ("lane") holds the values at positions l, l+16, l+32, …
// one after the other as a bit stream, least significant bit first:
//
//	          lane 0     lane 1            lane 15
//	row 0   | w-bit values of positions 0, 16, 32, …  | 1, 17, … |  …  | 15, 31, … |
//	row 1   |            stream goes on               |          |     |           |
//	 …
//	row w-1
//
// So sixteen neighbouring values lie at the same bit of sixteen neighbouring
// words: a vector register unpacks or compares them with one shift and one
// mask, and plain Go handles two of them in one 64-bit word. Blocks of 33 to
// 64 bits a value are the same with eight lanes of 64-bit words.
package encoding

import (
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// BlockLen is the number of values in a packed block. segment.BlockRows is a
// multiple of it.
const BlockLen = 512

// blockWords is the number of bitmap words for one block.
const blockWords = BlockLen / 64

// IDs reads a column of dictionary ids. Ranges and positions lie within the
// column. Implementations are immutable and do not allocate.
type IDs interface {
	// Read fills dst with the ids at from, from+1, ….
	Read(from uint32, dst []uint32)
	// Gather fills dst[i] with the id at docs[i]; docs ascend.
	Gather(docs []uint32, dst []uint32)
	// Match sets bit i of dst (i < n) when the id at from+i is in set and
	// clears it otherwise.
	Match(from uint32, n int, set segment.IDSet, dst column.Bitmap)
}

// Number is a fixed-width kind.
type Number interface {
	int32 | int64 | float32 | float64
}

// Fixed reads a column of fixed-width values. Ranges and positions lie within
// the column. Implementations are immutable and do not allocate.
type Fixed[T Number] interface {
	// Read fills dst with the values at from, from+1, ….
	Read(from uint32, dst []T)
	// Gather fills dst[i] with the value at docs[i]; docs ascend.
	Gather(docs []uint32, dst []T)
	// Match sets bit i of dst (i < n) when lo <= value <= hi and clears it
	// otherwise. NaN is above all numbers.
	Match(from uint32, n int, lo, hi T, dst column.Bitmap)
}

// scratch is the working memory of one call. It is pooled because kernels are
// called through variables, which makes their arguments escape.
type scratch struct {
	u32  [BlockLen]uint32
	u64  [BlockLen]uint64
	bits [blockWords]uint64
}

var scratchPool = sync.Pool{New: func() any { return new(scratch) }}

func getScratch() *scratch  { return scratchPool.Get().(*scratch) }
func putScratch(s *scratch) { scratchPool.Put(s) }

// blocks returns the number of packed blocks for n values.
func blocks(n int) int { return (n + BlockLen - 1) / BlockLen }

// putBits writes bits [lo, hi) of a block's bitmap to bits at, at+1, … of dst.
func putBits(dst column.Bitmap, at int, src *[blockWords]uint64, lo, hi int) {
	if at&63 == 0 && lo == 0 {
		putWords(dst[at>>6:], src, hi)
		return
	}
	for lo < hi {
		k := min(64-lo&63, 64-at&63, hi-lo)
		mask := ^uint64(0) >> (64 - uint(k))
		x := src[lo>>6] >> (uint(lo) & 63) & mask
		sh := uint(at) & 63
		dst[at>>6] = dst[at>>6]&^(mask<<sh) | x<<sh
		lo, at = lo+k, at+k
	}
}

// putWords copies the first n bits and leaves later bits of the last word.
func putWords(dst column.Bitmap, src *[blockWords]uint64, n int) {
	full := n >> 6
	copy(dst[:full], src[:full])
	if rest := uint(n) & 63; rest != 0 {
		mask := uint64(1)<<rest - 1
		dst[full] = dst[full]&^mask | src[full]&mask
	}
}

// setRange sets (or clears) bits [lo, hi) of dst.
func setRange(dst column.Bitmap, lo, hi int, on bool) {
	for lo < hi {
		k := min(64-lo&63, hi-lo)
		mask := ^uint64(0) >> (64 - uint(k)) << (uint(lo) & 63)
		if on {
			dst[lo>>6] |= mask
		} else {
			dst[lo>>6] &^= mask
		}
		lo += k
	}
}
