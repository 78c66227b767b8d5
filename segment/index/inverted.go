package index

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// Inverted is an inverted index: for each dictionary id the documents that
// have it. Its buffer is
//
//	size of the offsets table in bytes (uint64), zeros to 64 bytes
//	n+1 offsets of the postings, in frame of reference (encoding.FOR of int64)
//	the postings, one after the other
//
// A posting is the number of documents as uvarint, then for at most shortMax
// documents their uvarint differences (the first as it is), for more a bitmap
// in the portable roaring format. NULL documents are in no posting.
//
// Postings are checked when they are first read. It is safe for concurrent use.
type Inverted struct {
	offsets *encoding.FOR[int64]
	body    []byte
	ids     int
	docs    uint32

	once    sync.Once
	checked []atomic.Uint64 // a bit per id whose posting was found sound
}

var (
	_ segment.InvertedIndex = (*Inverted)(nil)
	_ segment.DocLister     = (*Inverted)(nil)
)

const (
	invertedHead = 64
	// shortMax is the most documents of a posting without a bitmap.
	shortMax = 32
)

// OpenInverted returns the index over ids values and docs documents in buf.
func OpenInverted(buf []byte, ids int, docs uint32) (*Inverted, error) {
	if len(buf) < invertedHead {
		return nil, segment.Corruptf("inverted index of %d bytes", len(buf))
	}
	table := binary.LittleEndian.Uint64(buf)
	buf = buf[invertedHead:]
	if table > uint64(len(buf)) {
		return nil, segment.Corruptf("inverted index of %d bytes", len(buf))
	}
	offsets, err := encoding.NewFOR[int64](buf[:table], ids+1)
	if err != nil {
		return nil, err
	}
	return &Inverted{offsets: offsets, body: buf[table:], ids: ids, docs: docs}, nil
}

// posting returns the document count of an id and the rest of its bytes.
func (x *Inverted) posting(id uint32) (count uint32, body []byte, err error) {
	if int64(id) >= int64(x.ids) {
		return 0, nil, segment.Corruptf("posting %d of %d", id, x.ids)
	}
	var at [2]int64
	docs := [2]uint32{id, id + 1}
	x.offsets.Gather(docs[:], at[:])
	if at[0] < 0 || at[0] > at[1] || at[1] > int64(len(x.body)) {
		return 0, nil, segment.Corruptf("posting %d lies outside its index", id)
	}
	b := x.body[at[0]:at[1]]
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(x.docs) {
		return 0, nil, segment.Corruptf("posting %d", id)
	}
	return uint32(n), b[k:], nil
}

// Count implements segment.InvertedIndex. For a corrupt posting it returns the
// number of documents; Postings then returns the error.
func (x *Inverted) Count(id uint32) uint32 {
	n, _, err := x.posting(id)
	if err != nil {
		return x.docs
	}
	return n
}

// Postings implements segment.InvertedIndex.
func (x *Inverted) Postings(id uint32) (*roaring.Bitmap, error) {
	n, b, err := x.posting(id)
	if err != nil {
		return nil, err
	}
	if n > shortMax {
		return x.bitmap(id, n, b)
	}
	var docs [shortMax]uint32
	if err := x.short(id, docs[:n], b); err != nil {
		return nil, err
	}
	m := roaring.New()
	m.AddMany(docs[:n])
	return m, nil
}

// AppendDocs implements segment.DocLister.
func (x *Inverted) AppendDocs(id uint32, limit int, dst []uint32) ([]uint32, bool, error) {
	n, b, err := x.posting(id)
	if err != nil || int(n) > limit {
		return dst, false, err
	}
	before := len(dst)
	if n > shortMax {
		if err := x.checkOnce(id, n, b); err != nil {
			return dst, false, err
		}
		dst, err = encoding.AppendValues(b, dst)
		return dst, err == nil, err
	}
	dst = slices.Grow(dst, int(n))[:before+int(n)]
	if err := x.short(id, dst[before:], b); err != nil {
		return dst[:before], false, err
	}
	return dst, true, nil
}

// SetDocs implements segment.InvertedIndex.
func (x *Inverted) SetDocs(id uint32, dst column.Bitmap) error {
	n, b, err := x.posting(id)
	if err != nil {
		return err
	}
	if n > shortMax {
		if err := x.checkOnce(id, n, b); err != nil {
			return err
		}
		return encoding.SetBitmap(b, dst)
	}
	var docs [shortMax]uint32
	if err := x.short(id, docs[:n], b); err != nil {
		return err
	}
	for _, d := range docs[:n] {
		dst[d>>6] |= 1 << (d & 63)
	}
	return nil
}

// sound reports whether the posting of an id was checked before.
func (x *Inverted) sound(id uint32) bool {
	x.once.Do(func() { x.checked = make([]atomic.Uint64, (x.ids+63)/64) })
	return x.checked[id>>6].Load()&(1<<(id&63)) != 0
}

// checkOnce checks a posting of n documents that is a bitmap, unless it was
// found sound before.
func (x *Inverted) checkOnce(id, n uint32, b []byte) error {
	if x.sound(id) {
		return nil
	}
	_, err := x.bitmap(id, n, b)
	return err
}

// bitmap returns a posting of n documents that is a bitmap.
func (x *Inverted) bitmap(id, n uint32, b []byte) (*roaring.Bitmap, error) {
	if x.sound(id) {
		return encoding.OpenChecked(b)
	}
	m, err := encoding.OpenBitmap(b, x.docs)
	if err != nil {
		return nil, err
	}
	if m.GetCardinality() != uint64(n) {
		return nil, segment.Corruptf("posting %d has %d documents, not %d", id, m.GetCardinality(), n)
	}
	x.checked[id>>6].Or(1 << (id & 63))
	return m, nil
}

// short decodes a posting of len(docs) documents that are listed.
func (x *Inverted) short(id uint32, docs []uint32, b []byte) error {
	next := uint64(0)
	for i := range docs {
		d, k := binary.Uvarint(b)
		if k <= 0 || d > math.MaxUint32 || next+d >= uint64(x.docs) {
			return segment.Corruptf("posting %d", id)
		}
		docs[i] = uint32(next + d)
		next += d + 1
		b = b[k:]
	}
	if len(b) != 0 {
		return segment.Corruptf("posting %d", id)
	}
	return nil
}

// Check reads every posting.
func (x *Inverted) Check() error {
	for id := range uint32(x.ids) {
		if _, err := x.Postings(id); err != nil {
			return err
		}
	}
	return nil
}

// AppendInverted appends the index of a column: ids[i] is the dictionary id of
// document i, below cardinality; documents for which null reports true are
// left out.
func AppendInverted(dst []byte, ids []uint32, cardinality int, null func(doc uint32) bool) []byte {
	docs, starts := groupByID(ids, cardinality, null)
	return appendPostings(dst, docs, starts)
}

// groupByID returns the documents ordered by id (then document) and where each
// id's documents begin.
func groupByID(ids []uint32, cardinality int, null func(uint32) bool) (docs, starts []uint32) {
	starts = make([]uint32, cardinality+2)
	for i, id := range ids {
		if null == nil || !null(uint32(i)) {
			starts[id+2]++
		}
	}
	for i := 1; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	docs = make([]uint32, starts[cardinality+1])
	for i, id := range ids {
		if null == nil || !null(uint32(i)) {
			docs[starts[id+1]] = uint32(i)
			starts[id+1]++
		}
	}
	return docs, starts[:cardinality+1]
}

func appendPosting(dst []byte, docs []uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(docs)))
	if len(docs) > shortMax {
		return encoding.AppendSorted(dst, docs)
	}
	next := uint32(0)
	for _, d := range docs {
		dst = binary.AppendUvarint(dst, uint64(d-next))
		next = d + 1
	}
	return dst
}
