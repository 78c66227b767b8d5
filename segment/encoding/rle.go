package encoding

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// Run-length encoding keeps one value per run of equal neighbours and, for
// each block of 512 rows, a bitmap of the rows at which a run begins. The run
// of a row is found by counting bits, so single rows stay cheap, and a block
// costs 64 bytes however short its runs are; one that is a single run has no
// bitmap. The buffer holds
//
//	number of runs (uint32), number of bitmaps (uint32), zeros to 64 bytes
//	per block an 8-byte entry, zeros to a multiple of 64 bytes
//	the bitmaps, 64 bytes each
//	the values of the runs: packed ids, frame of reference, or raw

// runEntry describes one block: First is the run of its first row, Map the
// number of its bitmap plus one, 0 for a block of one run.
type runEntry struct{ First, Map uint32 }

const (
	runEntryBytes = int(unsafe.Sizeof(runEntry{}))
	runHead       = 64
)

// runMap maps rows to runs.
type runMap struct {
	entries []runEntry
	maps    [][blockWords]uint64
	runs    int
}

// openRunMap reads the map of n rows and returns the bytes that follow it.
func openRunMap(buf []byte, n int) (*runMap, []byte, error) {
	if len(buf) < runHead {
		return nil, nil, segment.Corruptf("runs in %d bytes", len(buf))
	}
	runs, maps := int(binary.LittleEndian.Uint32(buf)), int(binary.LittleEndian.Uint32(buf[4:]))
	table := runHead + align64(blocks(n)*runEntryBytes)
	body := table + maps*BlockLen/8
	if len(buf) < body {
		return nil, nil, segment.Corruptf("runs of %d rows in %d bytes", n, len(buf))
	}
	m := &runMap{entries: View[runEntry](buf[runHead:])[:blocks(n)], runs: runs}
	if maps > 0 {
		m.maps = unsafe.Slice((*[blockWords]uint64)(unsafe.Pointer(&buf[table])), maps)
	}
	if !m.sound(n) {
		return nil, nil, segment.Corruptf("runs of %d rows do not fit together", n)
	}
	return m, buf[body:], nil
}

// sound reports whether the blocks follow each other and end with the last run.
func (m *runMap) sound(n int) bool {
	last := -1
	for b := range m.entries {
		e := &m.entries[b]
		if first := int(e.First); first != last && first != last+1 || first < 0 {
			return false
		}
		last = int(e.First)
		if e.Map == 0 {
			continue
		}
		if int(e.Map) > len(m.maps) {
			return false
		}
		w := &m.maps[e.Map-1]
		if w[0]&1 != 0 || beyond(w, n-b*BlockLen) {
			return false
		}
		last += countBlock(w)
	}
	return last+1 == m.runs
}

// beyond reports whether a bit at or above n is set.
func beyond(w *[blockWords]uint64, n int) bool {
	for i := n >> 6; i < blockWords; i++ {
		x := w[i]
		if i == n>>6 {
			x &^= 1<<(uint(n)&63) - 1
		}
		if x != 0 {
			return true
		}
	}
	return false
}

func countBlock(w *[blockWords]uint64) (n int) {
	for _, x := range w {
		n += bits.OnesCount64(x)
	}
	return n
}

// starts returns the bitmap of a block, nil for one run.
func (m *runMap) starts(b int) *[blockWords]uint64 {
	if e := m.entries[b]; e.Map != 0 {
		return &m.maps[e.Map-1]
	}
	return nil
}

// span returns the first and the number of the runs of a block.
func (m *runMap) span(b int) (first, n int) {
	first, n = int(m.entries[b].First), 1
	if w := m.starts(b); w != nil {
		n += countBlock(w)
	}
	return first, n
}

// find sets dst to the runs of documents, which ascend.
func (m *runMap) find(docs, dst []uint32) {
	current := ^uint32(0)
	var before [blockWords]uint32 // runs that begin before each word, plus the first one
	var w *[blockWords]uint64
	dst = dst[:len(docs)]
	for i, doc := range docs {
		if b := doc / BlockLen; b != current {
			current = b
			n := m.entries[b].First
			if w = m.starts(int(b)); w == nil {
				w = &noStarts
			}
			for j, x := range w {
				before[j] = n
				n += uint32(bits.OnesCount64(x))
			}
		}
		at := doc % BlockLen
		dst[i] = before[at>>6] + uint32(bits.OnesCount64(w[at>>6]&(2<<(at&63)-1)))
	}
}

var noStarts [blockWords]uint64

// matchStep is the number of blocks whose runs are matched at once.
const matchStep = 32

// runPad is how far kernels read beyond the values of a block's runs.
const runPad = 32

// readStep is the number of blocks whose runs are read at once: those of a
// single block rarely fill one of their own.
const readStep = 8

// runScratch is the working memory of one call.
type runScratch struct {
	u32  [readStep*BlockLen + runPad]uint32
	u64  [readStep*BlockLen + runPad]uint64
	runs [(matchStep*BlockLen + 63) / 64]uint64
	out  [blockWords]uint64
}

var runScratchPool = sync.Pool{New: func() any { return new(runScratch) }}

// match sets the bits of n rows from row from on to those that f gives their
// runs: f sets bit i of dst for run first+i.
func (m *runMap) match(from uint32, n int, dst column.Bitmap, f func(first uint32, n int, dst column.Bitmap)) {
	s := runScratchPool.Get().(*runScratch)
	defer runScratchPool.Put(s)
	pos, end := int(from), int(from)+n
	for pos < end {
		b := pos / BlockLen
		until := min(b+matchStep, (end+BlockLen-1)/BlockLen)
		first := int(m.entries[b].First)
		last, k := m.span(until - 1)
		f(uint32(first), last+k-first, s.runs[:])
		for ; b < until; b++ {
			lo, hi := pos-b*BlockLen, min(BlockLen, end-b*BlockLen)
			m.spreadBits(b, first, s)
			putBits(dst, pos-int(from), &s.out, lo, hi)
			pos = b*BlockLen + hi
		}
	}
}

// spreadBits gives the rows of a block the bits of their runs in s.runs, whose
// bit 0 is run first.
func (m *runMap) spreadBits(b, first int, s *runScratch) {
	at := int(m.entries[b].First) - first
	w := m.starts(b)
	if w != nil {
		spreadRunBits(&s.out, w, s.runs[:], at)
		return
	}
	s.out = [blockWords]uint64{}
	if s.runs[at>>6]>>(uint(at)&63)&1 != 0 {
		fillBlock(&s.out)
	}
}

// spreadRunBitsPlain sets each bit of dst to the bit of the run of its row:
// starts has the rows at which runs begin, bit at of runs belongs to the first.
func spreadRunBitsPlain(dst, starts *[blockWords]uint64, runs []uint64, at int) {
	on := runs[at>>6] >> (uint(at) & 63) & 1
	for i, w := range starts {
		word := -on
		for ; w != 0; w &= w - 1 {
			at++
			if bit := runs[at>>6] >> (uint(at) & 63) & 1; bit != on {
				on = bit
				word ^= ^uint64(0) << (uint(bits.TrailingZeros64(w)) & 63)
			}
		}
		dst[i] = word
	}
}

// expandRuns sets dst to the values of rows lo, lo+1, … of a block; vals[0] is
// the value of the block's first run.
func expandRunsPlain[T uint32 | uint64](dst, vals []T, starts *[blockWords]uint64, lo int) {
	run := bits.OnesCount64(starts[lo>>6] & (2<<(uint(lo)&63) - 1))
	for _, w := range starts[:lo>>6] {
		run += bits.OnesCount64(w)
	}
	for row, done := lo, 0; done < len(dst); {
		next := nextStart(starts, row+1)
		stop := min(next-lo, len(dst))
		for x := vals[run]; done < stop; done++ {
			dst[done] = x
		}
		row, run = next, run+1
	}
}

// nextStart returns the first start at or after a row, BlockLen if none.
func nextStart(starts *[blockWords]uint64, row int) int {
	for i := row >> 6; i < blockWords; i++ {
		w := starts[i]
		if i == row>>6 {
			w &= ^uint64(0) << (uint(row) & 63)
		}
		if w != 0 {
			return i<<6 + bits.TrailingZeros64(w)
		}
	}
	return BlockLen
}

// RLEIDs reads run-length encoded dictionary ids.
type RLEIDs struct {
	*runMap
	ids *Packed
}

var _ IDs = (*RLEIDs)(nil)

// NewRLEIDs returns a reader of n ids below cardinality.
func NewRLEIDs(buf []byte, n, cardinality int) (*RLEIDs, error) {
	m, rest, err := openRunMap(buf, n)
	if err != nil {
		return nil, err
	}
	ids, err := NewPacked(rest, m.runs, Width(cardinality), cardinality)
	if err != nil {
		return nil, err
	}
	return &RLEIDs{m, ids}, nil
}

// Read implements IDs.
func (r *RLEIDs) Read(from uint32, dst []uint32) {
	s := runScratchPool.Get().(*runScratch)
	defer runScratchPool.Put(s)
	for pos := int(from); len(dst) > 0; {
		k, first, n := r.step(pos, len(dst))
		r.ids.Read(uint32(first), s.u32[:n])
		expandSteps(r.runMap, dst[:k], s.u32[:], first, pos, expand32)
		dst, pos = dst[k:], pos+k
	}
}

// step returns how many of n rows from row pos on are read at once, and the
// first and the number of their runs.
func (m *runMap) step(pos, n int) (rows, first, runs int) {
	b := pos / BlockLen
	rows = min(n, (b+readStep)*BlockLen-pos)
	first = int(m.entries[b].First)
	last, k := m.span((pos + rows - 1) / BlockLen)
	return rows, first, last + k - first
}

// expandSteps sets dst to the values of the rows from row pos on; vals[0] is
// the value of run first.
func expandSteps[T uint32 | uint64](m *runMap, dst, vals []T, first, pos int, expand func(dst, vals []T, starts *[blockWords]uint64, lo int)) {
	for len(dst) > 0 {
		b, lo := pos/BlockLen, pos%BlockLen
		k := min(BlockLen-lo, len(dst))
		expand(dst[:k], vals[int(m.entries[b].First)-first:], m.starts(b), lo)
		dst, pos = dst[k:], pos+k
	}
}

// Gather implements IDs.
func (r *RLEIDs) Gather(docs []uint32, dst []uint32) {
	s := runScratchPool.Get().(*runScratch)
	defer runScratchPool.Put(s)
	for len(docs) > 0 {
		k := min(BlockLen, len(docs))
		r.find(docs[:k], s.u32[:k])
		r.ids.Gather(s.u32[:k], dst[:k])
		docs, dst = docs[k:], dst[k:]
	}
}

// Match implements IDs.
func (r *RLEIDs) Match(from uint32, n int, set segment.IDSet, dst column.Bitmap) {
	r.match(from, n, dst, func(first uint32, n int, dst column.Bitmap) { r.ids.Match(first, n, set, dst) })
}

// expand32 sets dst to the values of rows lo, lo+1, … of a block.
func expand32(dst, vals []uint32, starts *[blockWords]uint64, lo int) {
	if starts == nil {
		fill(dst, vals[0])
		return
	}
	expandRuns32(dst, vals, starts, lo)
}

func expand64(dst, vals []uint64, starts *[blockWords]uint64, lo int) {
	if starts == nil {
		fill(dst, vals[0])
		return
	}
	expandRuns64(dst, vals, starts, lo)
}

func fill[T any](dst []T, x T) {
	for i := range dst {
		dst[i] = x
	}
}

// RLE reads run-length encoded numbers.
type RLE[T Number] struct {
	*runMap
	vals Fixed[T]
}

// NewRLE returns a reader of n numbers; open gives the reader of the values of
// the runs.
func NewRLE[T Number](buf []byte, n int, open func(buf []byte, runs int) (Fixed[T], error)) (*RLE[T], error) {
	m, rest, err := openRunMap(buf, n)
	if err != nil {
		return nil, err
	}
	vals, err := open(rest, m.runs)
	if err != nil {
		return nil, err
	}
	return &RLE[T]{m, vals}, nil
}

// Read implements Fixed.
func (r *RLE[T]) Read(from uint32, dst []T) {
	s := runScratchPool.Get().(*runScratch)
	defer runScratchPool.Put(s)
	for pos := int(from); len(dst) > 0; {
		k, first, n := r.step(pos, len(dst))
		if unsafe.Sizeof(dst[0]) == 4 {
			r.vals.Read(uint32(first), View[T](Bytes(s.u32[:n])))
			expandSteps(r.runMap, View[uint32](Bytes(dst[:k])), s.u32[:], first, pos, expand32)
		} else {
			r.vals.Read(uint32(first), View[T](Bytes(s.u64[:n])))
			expandSteps(r.runMap, View[uint64](Bytes(dst[:k])), s.u64[:], first, pos, expand64)
		}
		dst, pos = dst[k:], pos+k
	}
}

// Gather implements Fixed.
func (r *RLE[T]) Gather(docs []uint32, dst []T) {
	s := runScratchPool.Get().(*runScratch)
	defer runScratchPool.Put(s)
	for len(docs) > 0 {
		k := min(BlockLen, len(docs))
		r.find(docs[:k], s.u32[:k])
		r.vals.Gather(s.u32[:k], dst[:k])
		docs, dst = docs[k:], dst[k:]
	}
}

// Match implements Fixed.
func (r *RLE[T]) Match(from uint32, n int, lo, hi T, dst column.Bitmap) {
	r.match(from, n, dst, func(first uint32, n int, dst column.Bitmap) { r.vals.Match(first, n, lo, hi, dst) })
}
