package encoding

import (
	"encoding/binary"
	"math/bits"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// Bitmaps lie in the portable roaring format and are used in place. The
// library trusts what it reads, so OpenBitmap checks all of it first.

const (
	roaringCookie     = 12346 // without run containers
	roaringRunCookie  = 12347 // with run containers
	roaringOffsetsMin = 4     // from this number of containers on offsets follow the header
	roaringArrayMax   = 4096  // values in an array container
	roaringBitsBytes  = 8192  // size of a bitmap container
)

// AppendBitmap appends b in the portable roaring format.
func AppendBitmap(dst []byte, b *roaring.Bitmap) ([]byte, error) {
	raw, err := b.ToBytes()
	if err != nil {
		return nil, err
	}
	return append(dst, raw...), nil
}

// OpenBitmap returns the bitmap in buf without copying. All values must be
// below limit and exactly the whole of buf must be used.
func OpenBitmap(buf []byte, limit uint32) (*roaring.Bitmap, error) {
	if err := checkBitmap(buf, limit); err != nil {
		return nil, err
	}
	return OpenChecked(buf)
}

// OpenChecked returns the bitmap of bytes that OpenBitmap accepted before.
func OpenChecked(buf []byte) (*roaring.Bitmap, error) {
	b := roaring.New()
	if _, err := b.FromUnsafeBytes(buf); err != nil {
		return nil, segment.Corruptf("bitmap: %v", err)
	}
	return b, nil
}

// checkBitmap walks a serialized bitmap.
func checkBitmap(buf []byte, limit uint32) error {
	h, err := readRoaringHeader(buf)
	if err != nil {
		return err
	}
	rest, prev := buf[h.size:], -1
	for i := range h.containers {
		key := int(binary.LittleEndian.Uint16(h.keys[4*i:]))
		if key <= prev {
			return segment.Corruptf("bitmap containers do not ascend")
		}
		prev = key
		count := int(binary.LittleEndian.Uint16(h.keys[4*i+2:])) + 1
		n, last, ok := checkContainer(rest, count, h.isRun(i))
		if !ok || uint64(key)<<16|uint64(last) >= uint64(limit) {
			return segment.Corruptf("bitmap container %d", i)
		}
		rest = rest[n:]
	}
	if len(rest) != 0 {
		return segment.Corruptf("%d bytes follow a bitmap", len(rest))
	}
	return nil
}

type roaringHeader struct {
	containers int
	runs       []byte // a bit per container
	keys       []byte // key and cardinality-1 of each container
	size       int
}

func (h *roaringHeader) isRun(i int) bool {
	return h.runs != nil && h.runs[i/8]>>(i%8)&1 != 0
}

func readRoaringHeader(buf []byte) (h roaringHeader, err error) {
	if len(buf) < 8 {
		return h, segment.Corruptf("bitmap of %d bytes", len(buf))
	}
	cookie := binary.LittleEndian.Uint32(buf)
	switch {
	case cookie&0xffff == roaringRunCookie:
		h.containers = int(cookie>>16) + 1
		n := (h.containers + 7) / 8
		if len(buf) < 4+n {
			return h, segment.Corruptf("bitmap of %d bytes", len(buf))
		}
		h.runs, h.size = buf[4:4+n], 4+n
	case cookie == roaringCookie:
		n := binary.LittleEndian.Uint32(buf[4:])
		if n > 1<<16 {
			return h, segment.Corruptf("bitmap of %d containers", n)
		}
		h.containers, h.size = int(n), 8
	default:
		return h, segment.Corruptf("bitmap with cookie %#x", cookie)
	}
	keys := h.size
	h.size += 4 * h.containers
	if h.runs == nil || h.containers >= roaringOffsetsMin {
		h.size += 4 * h.containers
	}
	if len(buf) < h.size {
		return h, segment.Corruptf("bitmap of %d bytes", len(buf))
	}
	h.keys = buf[keys:]
	return h, nil
}

// checkContainer checks the container at the head of b and returns its size
// and its largest value.
func checkContainer(b []byte, count int, run bool) (size int, last uint16, ok bool) {
	switch {
	case run:
		return checkRuns(b, count)
	case count > roaringArrayMax:
		return checkBits(b, count)
	}
	if len(b) < 2*count {
		return 0, 0, false
	}
	prev := -1
	for i := range count {
		x := int(binary.LittleEndian.Uint16(b[2*i:]))
		if x <= prev {
			return 0, 0, false
		}
		prev = x
	}
	return 2 * count, uint16(prev), true
}

func checkRuns(b []byte, count int) (size int, last uint16, ok bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	n := int(binary.LittleEndian.Uint16(b))
	if n == 0 || len(b) < 2+4*n {
		return 0, 0, false
	}
	end, total := -2, 0
	for i := range n {
		start := int(binary.LittleEndian.Uint16(b[2+4*i:]))
		length := int(binary.LittleEndian.Uint16(b[4+4*i:]))
		if start <= end+1 || start+length > 0xffff {
			return 0, 0, false
		}
		end = start + length
		total += length + 1
	}
	return 2 + 4*n, uint16(end), total == count
}

func checkBits(b []byte, count int) (size int, last uint16, ok bool) {
	if len(b) < roaringBitsBytes {
		return 0, 0, false
	}
	total := 0
	for i := 0; i < roaringBitsBytes; i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		total += bits.OnesCount64(x)
		if x != 0 {
			last = uint16(i*8 + 63 - bits.LeadingZeros64(x))
		}
	}
	return roaringBitsBytes, last, total == count
}

var iteratorPool = sync.Pool{New: func() any { return new(roaring.IntIterator) }}

// SetNulls marks rows at, at+1, … of v (which has at+n rows) as NULL where
// bitmap b holds from, from+1, ….
func SetNulls(b *roaring.Bitmap, from uint32, n int, v *column.Vector, at int) {
	if b == nil || n == 0 {
		return
	}
	it := iteratorPool.Get().(*roaring.IntIterator)
	defer iteratorPool.Put(it)
	it.Initialize(b)
	it.AdvanceIfNeeded(from)
	for it.HasNext() {
		doc := it.Next()
		if doc-from >= uint32(n) {
			return
		}
		v.SetNull(at + int(doc-from))
	}
}

// GatherNulls marks row i of v as NULL where b holds docs[i]; docs ascend.
func GatherNulls(b *roaring.Bitmap, docs []uint32, v *column.Vector) {
	if b == nil || len(docs) == 0 {
		return
	}
	it := iteratorPool.Get().(*roaring.IntIterator)
	defer iteratorPool.Put(it)
	it.Initialize(b)
	for i, doc := range docs {
		it.AdvanceIfNeeded(doc)
		if !it.HasNext() {
			return
		}
		if it.PeekNext() == doc {
			v.SetNull(i)
		}
	}
}
