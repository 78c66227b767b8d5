package mutable

import (
	"math/bits"
	"sync/atomic"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// part is one block of one column as readers see it: dictionary ids or raw
// values, and NULLs. A closed part is complete. The part of an open block
// covers the whole capacity of the writer's arrays; its reader knows how many
// rows count. Parts are immutable: when the writer replaces an array it makes
// a new part.
type part struct {
	ids  idReader // dictionary-encoded if not nil
	vals values   // otherwise
	// nulls has a bit per row, nil when no row is NULL. Its words are read
	// atomically because those of an open block are still written.
	nulls []uint64
	// lo and hi bound the ids of a closed block.
	lo, hi uint32
	closed bool
	post   *postings // nil when there are none
	zone   *zone     // of a closed block of raw numbers
}

// idReader reads the dictionary ids of one block.
type idReader = encoding.IDs

// values reads the raw values of one block. Methods append or set values of
// NULL rows too, whatever they are.
type values interface {
	// read appends n values from row from on to dst.
	read(from, n int, dst *column.Vector)
	// gather appends the values of rows docs[i]-base to dst.
	gather(docs []uint32, base uint32, dst *column.Vector)
	// match sets bit i of dst (i < n) when the value of row from+i lies in r
	// and clears it otherwise; false means that the kind has no ranges.
	match(from uint32, n int, r segment.ValueRange, dst column.Bitmap) bool
}

const nullWords = segment.BlockRows / 64

// nullWord returns a word of the null bitmap.
func (p *part) nullWord(i int) uint64 { return atomic.LoadUint64(&p.nulls[i]) }

// isNull reports whether a row is NULL.
func (p *part) isNull(row int) bool {
	return p.nulls != nil && p.nullWord(row>>6)>>(uint(row)&63)&1 != 0
}

// setNulls marks the NULLs among rows [from, from+n) of the block in dst,
// whose row at is the first of them.
func (p *part) setNulls(from, n int, dst *column.Vector, at int) {
	if p.nulls == nil {
		return
	}
	for w := from >> 6; w <= (from+n-1)>>6; w++ {
		for word := p.nullWord(w); word != 0; word &= word - 1 {
			row := w<<6 + bits.TrailingZeros64(word)
			if row >= from && row < from+n {
				dst.SetNull(at + row - from)
			}
		}
	}
}

// countNulls counts the NULLs among the first n rows.
func (p *part) countNulls(n int) uint32 {
	if p.nulls == nil {
		return 0
	}
	count := 0
	for w := range column.Words(n) {
		count += bits.OnesCount64(p.nullWord(w) & prefixMask(n-w<<6))
	}
	return uint32(count)
}

// prefixMask returns a word whose lowest n bits are set; n may be beyond 64.
func prefixMask(n int) uint64 {
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<uint(n) - 1
}

// openIDs16 and openIDs32 read the ids of an open block, which lie as they
// came. A dictionary of up to 65,536 values needs two bytes an id.
type (
	openIDs16 []uint16
	openIDs32 []uint32
)

// Read implements encoding.IDs.
func (ids openIDs16) Read(from uint32, dst []uint32) {
	for i, id := range ids[from:][:len(dst)] {
		dst[i] = uint32(id)
	}
}

// Gather implements encoding.IDs.
func (ids openIDs16) Gather(docs []uint32, dst []uint32) {
	for i, doc := range docs {
		dst[i] = uint32(ids[doc])
	}
}

// Match implements encoding.IDs.
func (ids openIDs16) Match(from uint32, n int, set segment.IDSet, dst column.Bitmap) {
	matchOpen(ids[from:][:n], set, dst)
}

// Read implements encoding.IDs.
func (ids openIDs32) Read(from uint32, dst []uint32) { copy(dst, ids[from:][:len(dst)]) }

// Gather implements encoding.IDs.
func (ids openIDs32) Gather(docs []uint32, dst []uint32) {
	for i, doc := range docs {
		dst[i] = ids[doc]
	}
}

// Match implements encoding.IDs.
func (ids openIDs32) Match(from uint32, n int, set segment.IDSet, dst column.Bitmap) {
	matchOpen(ids[from:][:n], set, dst)
}

// matchOpen tests ids word by word.
func matchOpen[T uint16 | uint32](ids []T, set segment.IDSet, dst column.Bitmap) {
	for w := 0; len(ids) > 0; w++ {
		n := min(64, len(ids))
		var word uint64
		if set.Bits == nil {
			word = rangeWord(ids[:n], set.Lo, set.Hi)
		} else {
			word = setWord(ids[:n], set.Bits)
		}
		mask := prefixMask(n)
		dst[w] = dst[w]&^mask | word
		ids = ids[n:]
	}
}

func rangeWord[T uint16 | uint32](ids []T, lo, hi uint32) (word uint64) {
	for i, id := range ids {
		var b uint64
		if lo <= uint32(id) && uint32(id) <= hi {
			b = 1
		}
		word |= b << (uint(i) & 63)
	}
	return word
}

func setWord[T uint16 | uint32](ids []T, set column.Bitmap) (word uint64) {
	for i, id := range ids {
		if set.Get(int(id)) {
			word |= 1 << (uint(i) & 63)
		}
	}
	return word
}

// packedIDs reads the packed ids of a closed block. They are stored less
// base, a multiple of 64, because the ids of a block lie close together where
// values come in rising order, as times do.
type packedIDs struct {
	ids  *encoding.Packed
	base uint32
}

// packIDs packs the ids of a block, which lie in [lo, hi].
func packIDs(ids []uint32, lo, hi uint32) (packedIDs, int64) {
	base := lo &^ 63
	if base > 0 {
		for i := range ids {
			ids[i] -= base
		}
	}
	cardinality := int(hi-base) + 1
	width := encoding.Width(cardinality)
	buf := encoding.AppendPacked(nil, ids, width)
	packed, err := encoding.NewPacked(buf, len(ids), width, cardinality)
	if err != nil {
		panic("mutable: packed ids do not read back: " + err.Error()) // our own bytes
	}
	return packedIDs{ids: packed, base: base}, int64(cap(buf))
}

// Read implements encoding.IDs.
func (p packedIDs) Read(from uint32, dst []uint32) {
	p.ids.Read(from, dst)
	p.rebase(dst)
}

// Gather implements encoding.IDs.
func (p packedIDs) Gather(docs []uint32, dst []uint32) {
	p.ids.Gather(docs, dst)
	p.rebase(dst[:len(docs)])
}

func (p packedIDs) rebase(ids []uint32) {
	if p.base == 0 {
		return
	}
	for i := range ids {
		ids[i] += p.base
	}
}

// Match implements encoding.IDs: the set is moved, not the ids.
func (p packedIDs) Match(from uint32, n int, set segment.IDSet, dst column.Bitmap) {
	switch {
	case p.base == 0:
	case set.Bits != nil:
		skip := min(int(p.base/64), len(set.Bits))
		set.Bits = set.Bits[skip:]
	case set.Hi < p.base || set.Lo > set.Hi:
		set.Lo, set.Hi = 1, 0
	default:
		set.Lo, set.Hi = max(set.Lo, p.base)-p.base, set.Hi-p.base
	}
	p.ids.Match(from, n, set, dst)
}
