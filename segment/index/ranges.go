package index

import (
	"encoding/binary"
	"math"
	"slices"
	"sort"

	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// Range is a range index: buckets of about equally many documents with
// ascending values, each with its smallest and largest key, and the documents
// of each block by bucket. Keys are dictionary ids, whole numbers, or floats by
// FloatKey. Its buffer is, each part followed by zeros to a multiple of 64 bytes,
//
//	number of buckets n (uint32)
//	n smallest keys, then n largest keys (int64)
//	per block n positions (uint32) where its buckets begin among the documents; one more for the end
//	documents (uint16): offsets into their block
//
// It is safe for concurrent use.
type Range struct {
	low, high []int64
	starts    []uint32
	docs      []uint16
	blocks    int
	float     bool
}

var _ segment.RangeIndex = (*Range)(nil)

const (
	rangeHead = 64
	// A bucket has at least bucketRows documents, or finding it would cost more
	// than looking at them; maxBuckets bounds the table of positions to an
	// eighth of the documents.
	bucketRows = 256
	maxBuckets = 4096
	// rangeSample is the number of rows from which bounds are taken.
	rangeSample = 1 << 16
)

// FloatKey maps floats to integers of the same order; NaN is the largest.
func FloatKey(f float64) int64 {
	if f == 0 {
		return 0
	}
	if f != f {
		return math.MaxInt64
	}
	b := int64(math.Float64bits(f))
	if b < 0 {
		return b ^ math.MaxInt64
	}
	return b
}

func pad64(n int) int { return (n + 63) &^ 63 }

// OpenRange returns the index over docs documents in buf; float tells that the
// column is one of floats without dictionary.
func OpenRange(buf []byte, docs uint32, float bool) (*Range, error) {
	if len(buf) < rangeHead {
		return nil, segment.Corruptf("range index of %d bytes", len(buf))
	}
	n, blocks := int(binary.LittleEndian.Uint32(buf)), zoneCount(int(docs))
	starts := rangeHead + pad64(16*n)
	lists := starts + pad64(4*(blocks*n+1))
	if n == 0 || n > maxBuckets || len(buf) < lists || len(buf)%2 != 0 {
		return nil, segment.Corruptf("range index of %d buckets in %d bytes", n, len(buf))
	}
	bounds := encoding.View[int64](buf[rangeHead : rangeHead+16*n])
	x := &Range{
		low: bounds[:n:n], high: bounds[n:], blocks: blocks, float: float,
		starts: encoding.View[uint32](buf[starts : starts+4*(blocks*n+1)]),
		docs:   encoding.View[uint16](buf[lists:]),
	}
	if err := x.checkBounds(); err != nil {
		return nil, err
	}
	return x, x.checkDocs(docs)
}

func (x *Range) checkBounds() error {
	for i := range x.low {
		if x.low[i] > x.high[i] || i > 0 && x.low[i] <= x.high[i-1] {
			return segment.Corruptf("bucket %d of a range index does not ascend", i)
		}
	}
	return nil
}

// checkDocs verifies that every list lies inside, ascends, and names documents.
func (x *Range) checkDocs(docs uint32) error {
	pos := uint32(0)
	for i, end := range x.starts {
		if end < pos || int(end) > len(x.docs) {
			return segment.Corruptf("list %d of a range index lies outside", i)
		}
		if !ascending(x.docs[pos:end]) {
			return segment.Corruptf("list %d of a range index does not ascend", i)
		}
		if block := uint32((i - 1) / len(x.low)); end > pos && block*segment.BlockRows+uint32(x.docs[end-1]) >= docs {
			return segment.Corruptf("list %d of a range index names no document", i)
		}
		pos = end
	}
	if x.starts[0] != 0 || int(pos) != len(x.docs) {
		return segment.Corruptf("range index of %d documents in %d", pos, len(x.docs))
	}
	return nil
}

func ascending(v []uint16) bool {
	for i := 1; i < len(v); i++ {
		if v[i-1] >= v[i] {
			return false
		}
	}
	return true
}

// Span implements segment.RangeIndex.
func (x *Range) Span(r segment.ValueRange) segment.RangeSpan {
	lo, hi := r.LoInt, r.HiInt
	if x.float {
		lo, hi = FloatKey(r.LoFloat), FloatKey(r.HiFloat)
	}
	s := segment.RangeSpan{
		First: sort.Search(len(x.high), func(i int) bool { return x.high[i] >= lo }),
		End:   sort.Search(len(x.low), func(i int) bool { return x.low[i] > hi }),
	}
	if s.First >= s.End {
		return segment.RangeSpan{}
	}
	s.FullFirst, s.FullEnd = s.First, s.End
	if x.low[s.First] < lo {
		s.FullFirst++
	}
	if x.high[s.End-1] > hi {
		s.FullEnd--
	}
	s.FullEnd = max(s.FullEnd, s.FullFirst)
	return s
}

// Docs implements segment.RangeIndex.
func (x *Range) Docs(block, first, end int) []uint16 {
	at := block * len(x.low)
	return x.docs[x.starts[at+first]:x.starts[at+end]]
}

// Count implements segment.RangeIndex.
func (x *Range) Count(first, end int) int {
	n := 0
	for at := 0; at < len(x.starts)-1; at += len(x.low) {
		n += int(x.starts[at+end] - x.starts[at+first])
	}
	return n
}

// Buckets returns the number of buckets.
func (x *Range) Buckets() int { return len(x.low) }

// Blocks returns the number of blocks.
func (x *Range) Blocks() int { return x.blocks }

// Bounds returns the smallest and largest key of a bucket.
func (x *Range) Bounds(bucket int) (low, high int64) { return x.low[bucket], x.high[bucket] }

// AppendRange appends the index of a column whose documents have these keys;
// documents for which null reports true are left out. Not all may be NULL.
func AppendRange(dst []byte, keys []int64, null func(doc uint32) bool) []byte {
	low, high, buckets := assignBuckets(keys, null)
	n := len(low)
	starts := make([]uint32, 1, zoneCount(len(keys))*n+1)
	docs := make([]uint16, 0, len(keys))
	for from := 0; from < len(keys); from += segment.BlockRows {
		starts, docs = appendBlockDocs(starts, docs, buckets[from:min(len(keys), from+segment.BlockRows)], n)
	}
	head := make([]byte, 4)
	binary.LittleEndian.PutUint32(head, uint32(n))
	for _, part := range [][]byte{head, encoding.Bytes(append(low, high...)), encoding.Bytes(starts)} {
		dst = append(dst, part...)
		dst = append(dst, make([]byte, pad64(len(part))-len(part))...)
	}
	return append(dst, encoding.Bytes(docs)...)
}

// noBucket is the bucket of NULL documents.
const noBucket = maxBuckets

// appendBlockDocs appends the documents of one block by bucket, and where each
// bucket ends.
func appendBlockDocs(starts []uint32, docs []uint16, buckets []uint16, n int) ([]uint32, []uint16) {
	next := make([]uint32, n+1) // next[b] counts documents of buckets below b
	for _, b := range buckets {
		if b != noBucket {
			next[b+1]++
		}
	}
	at := uint32(len(docs))
	for b := range n {
		next[b+1] += next[b]
		starts = append(starts, at+next[b+1])
	}
	docs = docs[:at+next[n]]
	for i, b := range buckets {
		if b != noBucket {
			docs[at+next[b]] = uint16(i)
			next[b]++
		}
	}
	return starts, docs
}

// assignBuckets returns the bounds of the buckets and the bucket of each document.
func assignBuckets(keys []int64, null func(uint32) bool) (low, high []int64, buckets []uint16) {
	tops := bucketTops(keys, null)
	buckets = make([]uint16, len(keys))
	low, high = make([]int64, len(tops)), make([]int64, len(tops))
	for i := range low {
		low[i], high[i] = math.MaxInt64, math.MinInt64
	}
	for i, k := range keys {
		if null != nil && null(uint32(i)) {
			buckets[i] = noBucket
			continue
		}
		b, _ := slices.BinarySearch(tops, k)
		buckets[i], low[b], high[b] = uint16(b), min(low[b], k), max(high[b], k)
	}
	return dropEmpty(low, high, buckets)
}

// bucketTops returns the largest key that may be in each bucket; that of the
// last is above all. They are taken from rows here and there, which is exact
// enough, at places that depend on the number of rows only.
func bucketTops(keys []int64, null func(uint32) bool) []int64 {
	sample := make([]int64, 0, min(len(keys), rangeSample))
	for i := range cap(sample) {
		at := uint64(i)
		if len(keys) > rangeSample {
			at = at * 0x9e3779b97f4a7c15 >> 32 * uint64(len(keys)) >> 32
		}
		if null == nil || !null(uint32(at)) {
			sample = append(sample, keys[at])
		}
	}
	slices.Sort(sample)
	n := max(1, min(maxBuckets, len(keys)/bucketRows, len(sample)))
	var tops []int64
	for i := 1; i < n; i++ {
		top := sample[i*len(sample)/n]
		if len(tops) == 0 || tops[len(tops)-1] < top {
			tops = append(tops, top)
		}
	}
	if len(tops) == 0 || tops[len(tops)-1] < math.MaxInt64 {
		tops = append(tops, math.MaxInt64)
	}
	return tops
}

// dropEmpty removes the buckets without documents and renumbers the others.
func dropEmpty(low, high []int64, buckets []uint16) ([]int64, []int64, []uint16) {
	renumber := make([]uint16, maxBuckets+1)
	renumber[noBucket] = noBucket
	n := 0
	for b := range low {
		if low[b] > high[b] {
			continue
		}
		low[n], high[n], renumber[b] = low[b], high[b], uint16(n)
		n++
	}
	for i, b := range buckets {
		buckets[i] = renumber[b]
	}
	return low[:n:n], high[:n], buckets
}
