package mutable

import (
	"math/bits"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// inverted is the inverted index of a view: postings of closed blocks where
// they exist, chains of the rows after them, a scan of what has neither: the
// open block before there are chains, and ids with so many rows that
// following links would take longer.
type inverted struct{ col *Column }

var (
	_ segment.InvertedIndex = inverted{}
	_ segment.DocLister     = inverted{}
)

// source is where the rows of an id in one block come from.
type source struct {
	block int
	post  *postings // nil: a scan
	entry *posting
}

// sources calls f for the blocks before end that have postings of the id or
// must be scanned.
func (x inverted) sources(id uint32, end int, f func(s source)) {
	for k := range end {
		p := x.col.part(k)
		if p.post == nil {
			if !p.closed || p.lo <= id && id <= p.hi {
				f(source{block: k})
			}
			continue
		}
		if e := p.post.find(id); e != nil {
			f(source{block: k, post: p.post, entry: e})
		}
	}
}

// unchained is the number of blocks before those with chains.
func (x inverted) unchained() int {
	n := x.col.blocks()
	if c := x.col.st.chains; c != nil {
		n = min(n, int(c.from/segment.BlockRows))
	}
	return n
}

// chained returns the rows of an id from the chains, ascending, and the number
// of blocks that must be looked through otherwise.
func (x inverted) chained(id uint32, dst []uint32) (rows []uint32, blocks int) {
	c, before := x.col.st.chains, len(dst)
	if c == nil {
		return dst, x.col.blocks()
	}
	dst, ok := c.appendRows(id, x.col.rows, walkLimit(x.col.rows), dst)
	if !ok {
		return dst, x.col.blocks()
	}
	slices.Reverse(dst[before:])
	return dst, x.unchained()
}

// Postings implements segment.InvertedIndex.
func (x inverted) Postings(id uint32) (*roaring.Bitmap, error) {
	var room [64]uint32
	rows, blocks := x.chained(id, room[:0])
	var b containerBuilder
	var scan column.Bitmap
	x.sources(id, blocks, func(s source) {
		if s.post != nil {
			b.addPosting(uint16(s.block), s.post, s.entry)
			return
		}
		if scan == nil {
			scan = make(column.Bitmap, containerWords)
		}
		if n := x.scan(s.block, id, scan); n > 0 {
			b.addWords(uint16(s.block), scan, n)
		}
	})
	b.addRows(rows)
	bm := roaring.New()
	if b.keys == nil {
		return bm, nil
	}
	_, err := bm.FromBuffer(b.bytes())
	return bm, err
}

// AppendDocs implements segment.DocLister.
func (x inverted) AppendDocs(id uint32, limit int, dst []uint32) ([]uint32, bool, error) {
	c, before, blocks := x.col.st.chains, len(dst), x.unchained()
	room, ok := limit, true
	x.sources(id, blocks, func(s source) {
		if ok = ok && s.post != nil && int(s.entry.count) <= min(room, maxListed); !ok {
			return
		}
		room -= int(s.entry.count)
		for _, row := range s.post.rows[s.entry.at:][:s.entry.count] {
			dst = append(dst, uint32(s.block*segment.BlockRows)+uint32(row))
		}
	})
	if !ok {
		return dst[:before], false, nil
	}
	if c == nil {
		return dst, true, nil
	}
	listed := len(dst)
	dst, ok = c.appendRows(id, x.col.rows, min(room, walkLimit(x.col.rows)), dst)
	if !ok {
		return dst[:before], false, nil
	}
	slices.Reverse(dst[listed:])
	return dst, true, nil
}

// SetDocs implements segment.InvertedIndex.
func (x inverted) SetDocs(id uint32, dst column.Bitmap) error {
	var room [64]uint32
	rows, blocks := x.chained(id, room[:0])
	for _, row := range rows {
		dst.Set(int(row))
	}
	var scan column.Bitmap
	x.sources(id, blocks, func(s source) {
		words := dst[s.block*containerWords : min((s.block+1)*containerWords, len(dst))]
		if s.post != nil {
			s.post.set(s.entry, words)
			return
		}
		if scan == nil {
			scan = make(column.Bitmap, containerWords)
		}
		if x.scan(s.block, id, scan) > 0 {
			for i := range words {
				words[i] |= scan[i]
			}
		}
	})
	return nil
}

// Count implements segment.InvertedIndex.
func (x inverted) Count(id uint32) uint32 {
	total, blocks := 0, x.col.blocks()
	if c := x.col.st.chains; c != nil {
		if n, ok := c.countRows(id, x.col.rows, walkLimit(x.col.rows)); ok {
			total, blocks = n, x.unchained()
		}
	}
	var scan column.Bitmap
	x.sources(id, blocks, func(s source) {
		if s.post != nil {
			total += int(s.entry.count)
			return
		}
		if scan == nil {
			scan = make(column.Bitmap, containerWords)
		}
		total += x.scan(s.block, id, scan)
	})
	return uint32(total)
}

// scan sets dst to the rows of block k that have the id and returns their number.
func (x inverted) scan(k int, id uint32, dst column.Bitmap) int {
	p, n := x.col.part(k), x.col.rowsOf(k)
	clear(dst)
	p.ids.Match(0, n, segment.IDSet{Lo: id, Hi: id}, dst)
	count := 0
	for w := range column.Words(n) {
		if p.nulls != nil {
			dst[w] &^= p.nullWord(w)
		}
		count += bits.OnesCount64(dst[w])
	}
	return count
}
