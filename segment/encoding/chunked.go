package encoding

import (
	"encoding/binary"
	"math"
	"sort"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// chunkEntry describes one chunk: the values of documents First to the next
// entry's First lie at Offset of the body, compressed to Bytes from Raw bytes.
// LenWidth is the size of one length in the chunk: 1, 2 or 4 bytes.
type chunkEntry struct {
	Offset   uint64
	First    uint32
	Raw      uint32
	Bytes    uint32
	Codec    uint8
	LenWidth uint8
	_        [2]byte
}

const (
	chunkEntryBytes = int(unsafe.Sizeof(chunkEntry{}))
	// chunkTarget closes a chunk; its decompression is what reading one value costs.
	chunkTarget = 32 << 10
	// chunkMaxRows closes a chunk of short values.
	chunkMaxRows = 4096
	// chunkHead is the size of the buffer's head: the number of chunks.
	chunkHead = 64
)

// Chunked reads variable-length values in compressed chunks. Its buffer is
//
//	number of chunks (uint32), zeros to 64 bytes
//	per chunk a 24-byte entry, zeros to a multiple of 64 bytes
//	the chunks: lengths of the values, then their bytes, compressed together
//
// It is safe for concurrent use.
type Chunked struct {
	entries []chunkEntry
	body    []byte
	docs    int
	id      uint64 // distinguishes columns in the chunk cache
}

// NewChunked returns a reader of n values.
func NewChunked(buf []byte, n int) (*Chunked, error) {
	if len(buf) < chunkHead {
		return nil, segment.Corruptf("chunk table in %d bytes", len(buf))
	}
	count := int(binary.LittleEndian.Uint32(buf))
	body := chunkHead + align64(count*chunkEntryBytes)
	if len(buf) < body || count == 0 && n > 0 {
		return nil, segment.Corruptf("%d chunks in %d bytes", count, len(buf))
	}
	c := &Chunked{
		entries: View[chunkEntry](buf[chunkHead:])[:count],
		body:    buf[body:],
		docs:    n,
		id:      nextColumn.Add(1),
	}
	for i := range c.entries {
		if !c.checkEntry(i) {
			return nil, segment.Corruptf("chunk %d lies outside its buffer", i)
		}
	}
	return c, nil
}

func (c *Chunked) checkEntry(i int) bool {
	e := &c.entries[i]
	rows := c.end(i) - int(e.First)
	size := uint64(len(c.body))
	return (i > 0 || e.First == 0) && rows > 0 &&
		(e.LenWidth == 1 || e.LenWidth == 2 || e.LenWidth == 4) &&
		uint64(rows)*uint64(e.LenWidth) <= uint64(e.Raw) && e.Raw <= maxChunkBytes &&
		e.Offset <= size && uint64(e.Bytes) <= size-e.Offset && e.Codec <= uint8(CodecZSTD)
}

// end returns the document that follows chunk i.
func (c *Chunked) end(i int) int {
	if i+1 < len(c.entries) {
		return int(c.entries[i+1].First)
	}
	return c.docs
}

// find returns the chunk of a document.
func (c *Chunked) find(doc uint32) int {
	return sort.Search(len(c.entries)-1, func(i int) bool { return c.entries[i+1].First > doc })
}

// chunk is a decoded chunk: value i is data[offsets[i]:offsets[i+1]].
type chunk struct {
	column  uint64
	number  int
	offsets []uint32
	data    []byte
}

func (k *chunk) value(i int) []byte { return k.data[k.offsets[i]:k.offsets[i+1]] }

// decode decompresses chunk i into k and reuses its memory.
func (c *Chunked) decode(i int, k *chunk) error {
	e := &c.entries[i]
	src := c.body[e.Offset : e.Offset+uint64(e.Bytes)]
	raw, err := Codec(e.Codec).decompress(k.data[:0], src, int(e.Raw))
	if err != nil {
		return err
	}
	rows := c.end(i) - int(e.First)
	k.column, k.number, k.data = c.id, i, raw
	k.offsets = append(k.offsets[:0], make([]uint32, rows+1)...)
	pos := uint64(rows * int(e.LenWidth))
	k.offsets[0] = uint32(pos)
	for j := range rows {
		pos += uint64(readLength(raw, j, e.LenWidth))
		k.offsets[j+1] = uint32(min(pos, math.MaxUint32))
	}
	if pos != uint64(len(raw)) {
		return segment.Corruptf("lengths of chunk %d do not sum up", i)
	}
	return nil
}

func readLength(raw []byte, i int, width uint8) uint32 {
	switch width {
	case 1:
		return uint32(raw[i])
	case 2:
		return uint32(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return binary.LittleEndian.Uint32(raw[4*i:])
}

var chunkPool = sync.Pool{New: func() any { return new(chunk) }}

// Read appends the values of n documents from from on to dst.
func (c *Chunked) Read(from uint32, n int, dst *column.Vector) error {
	if n == 0 {
		return nil
	}
	k := chunkPool.Get().(*chunk)
	defer chunkPool.Put(k)
	pos, end := int(from), int(from)+n
	for i := c.find(from); pos < end; i++ {
		if err := c.decode(i, k); err != nil {
			return err
		}
		first := int(c.entries[i].First)
		stop := min(end, c.end(i))
		if err := appendValues(dst, k, pos-first, stop-first); err != nil {
			return err
		}
		pos = stop
	}
	return nil
}

// appendValues appends values [lo, hi) of a chunk.
func appendValues(dst *column.Vector, k *chunk, lo, hi int) error {
	start, stop := k.offsets[lo], k.offsets[hi]
	base := uint64(len(dst.Data))
	if base+uint64(stop-start) > math.MaxUint32 {
		return segment.Unsupportedf("more than 4 GiB of text in one block of rows")
	}
	dst.Data = append(dst.Data, k.data[start:stop]...)
	shift := uint32(base) - start
	for _, o := range k.offsets[lo+1 : hi+1] {
		dst.Offsets = append(dst.Offsets, o+shift)
	}
	dst.N += hi - lo
	return nil
}

// Gather appends the values of docs, which ascend, to dst. Decoded chunks are
// shared through a small cache.
func (c *Chunked) Gather(docs []uint32, dst *column.Vector) error {
	var k *chunk
	for _, doc := range docs {
		if k == nil || int(doc) >= c.end(k.number) {
			var err error
			if k, err = c.cached(c.find(doc)); err != nil {
				return err
			}
		}
		v := k.value(int(doc - c.entries[k.number].First))
		if uint64(len(dst.Data))+uint64(len(v)) > math.MaxUint32 {
			return segment.Unsupportedf("more than 4 GiB of text in one block of rows")
		}
		dst.AppendBytes(v)
	}
	return nil
}

// The chunk cache is shared by all columns: a direct-mapped table of immutable
// decoded chunks without locks. Entries are copies, so they may outlive their
// segment; a colliding chunk replaces what was there. It holds at most
// cacheSlots chunks of at most cacheMaxChunk bytes (about 40 MB of ordinary
// chunks).
const (
	cacheSlots    = 1024
	cacheMaxChunk = 4 * chunkTarget
)

var (
	chunkCache [cacheSlots]atomic.Pointer[chunk]
	nextColumn atomic.Uint64
)

func (c *Chunked) cached(i int) (*chunk, error) {
	slot := &chunkCache[(c.id*31+uint64(i))%cacheSlots]
	if k := slot.Load(); k != nil && k.column == c.id && k.number == i {
		return k, nil
	}
	k := new(chunk)
	if err := c.decode(i, k); err != nil {
		return nil, err
	}
	if len(k.data) <= cacheMaxChunk {
		slot.Store(k)
	}
	return k, nil
}

// AppendChunked appends values as compressed chunks. NULL rows are written as
// empty values.
func AppendChunked(dst []byte, v *column.Vector, codec Codec) ([]byte, error) {
	var entries []chunkEntry
	var raw, body []byte
	for from := 0; from < v.N; {
		to, maxLen, err := chunkEnd(v, from)
		if err != nil {
			return nil, err
		}
		e := chunkEntry{Offset: uint64(len(body)), First: uint32(from), LenWidth: lenWidth(maxLen)}
		raw = appendChunk(raw[:0], v, from, to, e.LenWidth)
		var used Codec
		if body, used, err = codec.compress(body, raw); err != nil {
			return nil, err
		}
		e.Raw, e.Bytes, e.Codec = uint32(len(raw)), uint32(uint64(len(body))-e.Offset), uint8(used)
		entries = append(entries, e)
		from = to
	}
	head := make([]byte, chunkHead)
	binary.LittleEndian.PutUint32(head, uint32(len(entries)))
	dst = append(dst, head...)
	table := Bytes(entries)
	dst = append(dst, table...)
	dst = append(dst, make([]byte, align64(len(table))-len(table))...)
	return append(dst, body...), nil
}

// chunkEnd returns where the chunk that begins at a row ends and its longest value.
func chunkEnd(v *column.Vector, from int) (to, maxLen int, err error) {
	size := 0
	for to = from; to < v.N && to-from < chunkMaxRows; to++ {
		n := len(v.Bytes(to))
		if n > maxChunkBytes-8 {
			return 0, 0, segment.Unsupportedf("a value of %d bytes", n)
		}
		if to > from && size+n > chunkTarget {
			break
		}
		size += n
		maxLen = max(maxLen, n)
	}
	return to, maxLen, nil
}

func lenWidth(maxLen int) uint8 {
	switch {
	case maxLen <= math.MaxUint8:
		return 1
	case maxLen <= math.MaxUint16:
		return 2
	}
	return 4
}

func appendChunk(dst []byte, v *column.Vector, from, to int, width uint8) []byte {
	for i := from; i < to; i++ {
		n := uint32(len(v.Bytes(i)))
		switch width {
		case 1:
			dst = append(dst, byte(n))
		case 2:
			dst = binary.LittleEndian.AppendUint16(dst, uint16(n))
		default:
			dst = binary.LittleEndian.AppendUint32(dst, n)
		}
	}
	start, end := v.Offsets[from], v.Offsets[to]
	return append(dst, v.Data[start:end]...)
}
