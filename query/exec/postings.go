package exec

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// sparseMany is the number of documents per posting list of a union from which
// on lists are added document by document.
const sparseMany = 32

// newPostingsNode is newBitmapNode for the union of posting lists. A single
// sparse one becomes a list, all else goes straight into one dense bitmap.
func newPostingsNode(p *predIDs, share float64, maps []*roaring.Bitmap, sp *segPlan) *bitmapNode {
	switch len(maps) {
	case 0:
		return &bitmapNode{pred: p, share: share}
	case 1:
		return newBitmapNode(p, share, maps[0], sp)
	}
	x := &bitmapNode{pred: p, share: share}
	u := newUnion(sp)
	for _, m := range maps {
		u.add(m)
	}
	x.dense = u.bits()
	return x
}

// union collects documents in a dense bitmap over a segment.
type union struct {
	docs    uint32
	buf     *buffers
	out     column.Bitmap
	scratch column.Bitmap
	list    []uint32
}

func newUnion(sp *segPlan) *union {
	// Room for whole containers, which are written as such.
	n := (int(sp.docs) + 1<<16 - 1) >> 16 << 16
	return &union{docs: sp.docs, buf: sp.buf, out: sp.buf.bitmap(n)}
}

// add adds the documents of m; those beyond the segment are dropped.
func (u *union) add(m *roaring.Bitmap) {
	n := m.GetCardinality()
	if n == 0 || m.Minimum() >= u.docs {
		return
	}
	if n*sparseMany > uint64(u.docs) && m.Maximum()>>6 < uint32(len(u.out)) {
		u.addDense(m)
		return
	}
	if u.list == nil {
		u.list = u.buf.uint32s(chunkRows)
	}
	it := m.ManyIterator()
	for k := it.NextMany(u.list); k > 0; k = it.NextMany(u.list) {
		part := u.list[:k]
		if part[k-1]>>6 >= uint32(len(u.out)) {
			part = below(part, u.docs)
		}
		kernel.SetBits(u.out, part)
	}
}

// below cuts ascending documents at the end of the segment.
func below(list []uint32, docs uint32) []uint32 {
	for len(list) > 0 && list[len(list)-1] >= docs {
		list = list[:len(list)-1]
	}
	return list
}

func (u *union) addDense(m *roaring.Bitmap) {
	if u.scratch == nil {
		u.scratch = u.buf.bitmap(len(u.out) * 64)
	} else {
		clear(u.scratch)
	}
	m.WriteDenseTo(u.scratch)
	kernel.Or(u.out, u.scratch)
}

func (u *union) bits() column.Bitmap {
	kernel.Trim(u.out, int(u.docs))
	return u.out[:column.Words(int(u.docs))]
}
