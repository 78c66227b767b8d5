package encoding

// denseGather is the number of documents in a block above which it is cheaper
// to unpack the block than to fetch values one by one.
var denseGather = denseGatherPlain

const (
	denseGatherPlain = 64
	denseGatherSIMD  = 8
	// sparseGather is the number of documents in a block below which all are
	// fetched one by one without regard to blocks.
	sparseGather = 24
)

// isDense reports whether more than denseGather of the first documents, which
// ascend, lie in block b.
func isDense(docs []uint32, b uint32) bool {
	return len(docs) > denseGather && docs[denseGather]/BlockLen == b
}

// isSparse reports whether blocks have so few of the documents, which ascend,
// that each is better fetched without asking whether its block has changed: a
// branch that would be mispredicted once a block.
func isSparse(docs []uint32) bool {
	span := uint64(docs[len(docs)-1]-docs[0]) + BlockLen
	return uint64(len(docs))*BlockLen < sparseGather*span
}

// fetchPacked sets dst to the values of docs, packed in blocks of w bits each,
// 1 <= w <= 32.
func fetchPacked(dst []uint32, docs []uint32, words []uint64, w uint) {
	const lanes = 2 * lanePairs
	rows := View[uint32](Bytes(words))
	mask := lowMask(w)
	dst = dst[:len(docs)]
	for i, doc := range docs {
		bit := uint(doc%BlockLen/lanes) * w
		at, sh := uint(doc/BlockLen)*lanes*w+bit/32*lanes+uint(doc%lanes), bit&31
		next := at + (sh+w-1)/32*lanes
		x := uint64(rows[at]) | uint64(rows[next])<<32
		dst[i] = uint32(x>>(sh&31)) & mask
	}
}

// fetchFOR sets dst to the values of docs in frames of reference of at most 32
// bits. A block of no bits may lie at the end of words: what it reads is masked.
func fetchFOR[T Integer](dst []T, docs []uint32, headers []forHeader, words []uint64) {
	const lanes = 2 * lanePairs
	rows := View[uint32](Bytes(words))
	last := uint(len(rows) - 1)
	dst = dst[:len(docs)]
	for i, doc := range docs {
		h := &headers[doc/BlockLen]
		w := uint(h.Width)
		bit := uint(doc%BlockLen/lanes) * w
		at, sh := uint(h.Offset)*lanes+bit/32*lanes+uint(doc%lanes), bit&31
		next := at + (sh+w+31)>>6*lanes
		x := uint64(rows[min(at, last)]) | uint64(rows[min(next, last)])<<32
		dst[i] = T(h.Base) + T(uint32(x>>(sh&31))&uint32(1<<w-1))
	}
}

// gather32 sets dst to base plus the values, packed in w bits, 1 <= w <= 32, of
// the documents of block b, which come first, and returns their number.
func gather32[T uint32 | Integer](dst []T, docs []uint32, b uint32, src []uint64, w uint, base T) int {
	if isDense(docs, b) {
		s := getScratch()
		unpack32(&s.u32, src, w)
		n := pick(dst, docs, b, &s.u32, base)
		putScratch(s)
		return n
	}
	return fetch32(dst, docs, b, src, w, base)
}

// gatherInts is gather32 with the layout for the width, which may be 0 to 64.
func gatherInts[T Integer](dst []T, docs []uint32, b uint32, src []uint64, w uint, base T) int {
	switch {
	case w == 0:
		return fetchBase(dst, docs, b, base)
	case w <= 32:
		return gather32(dst, docs, b, src, w, base)
	case isDense(docs, b):
		s := getScratch()
		unpack64(&s.u64, src, w)
		n := pick(dst, docs, b, &s.u64, base)
		putScratch(s)
		return n
	}
	return fetch64(dst, docs, b, src, w, base)
}

// pick takes the values from an unpacked block.
func pick[T uint32 | Integer, V uint32 | uint64](dst []T, docs []uint32, b uint32, vals *[BlockLen]V, base T) int {
	dst = dst[:len(docs)]
	for i, doc := range docs {
		if doc/BlockLen != b {
			return i
		}
		dst[i] = base + T(vals[doc%BlockLen])
	}
	return len(docs)
}

// fetchBase serves a block of equal values.
func fetchBase[T Integer](dst []T, docs []uint32, b uint32, base T) int {
	dst = dst[:len(docs)]
	for i, doc := range docs {
		if doc/BlockLen != b {
			return i
		}
		dst[i] = base
	}
	return len(docs)
}

// fetch32 takes each value from its row and, when it straddles two, the next
// one; a branch on that would be mispredicted too often.
func fetch32[T uint32 | Integer](dst []T, docs []uint32, b uint32, src []uint64, w uint, base T) int {
	const lanes = 2 * lanePairs
	rows := View[uint32](Bytes(src[:lanePairs*w]))
	mask := lowMask(w)
	dst = dst[:len(docs)]
	for i, doc := range docs {
		if doc/BlockLen != b {
			return i
		}
		lane, bit := uint(doc%lanes), uint(doc%BlockLen/lanes)*w
		at, sh := bit/32*lanes+lane, bit&31
		next := at + (sh+w-1)/32*lanes
		x := uint64(rows[at]) | uint64(rows[next])<<32
		dst[i] = base + T(uint32(x>>(sh&31))&mask)
	}
	return len(docs)
}

// fetch64 serves blocks of more than 32 bits.
func fetch64[T Integer](dst []T, docs []uint32, b uint32, src []uint64, w uint, base T) int {
	dst = dst[:len(docs)]
	for i, doc := range docs {
		if doc/BlockLen != b {
			return i
		}
		dst[i] = base + T(get64(src, uint(doc%BlockLen), w))
	}
	return len(docs)
}
