package mutable

import (
	"encoding/binary"
	"math/bits"
	"sort"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
)

// postings are the rows of each dictionary id in one closed block, in the two
// forms of a roaring container: up to 4,096 rows are listed, more are a bitmap.
// So the answer for an id is put together from blocks by copying bytes.
type postings struct {
	entries []posting // by rising id
	rows    []uint16
	words   []uint64
}

// posting is one id: its count rows begin at rows[at], or at words[at] when
// they are more than maxListed.
type posting struct{ id, count, at uint32 }

const (
	// maxListed is the size of roaring's largest array container.
	maxListed      = 4096
	containerWords = segment.BlockRows / 64
	// maxPostings is the number of ids in a block beyond which postings would
	// take more memory than the packed ids that a scan reads.
	maxPostings = segment.BlockRows / 32
	// maxSpan bounds the range of ids that buildPostings counts over.
	maxSpan = 1 << 20
)

// buildPostings returns the postings of a block of ids in [lo, hi], or nil
// where the block has too many ids to make them worthwhile. Rows that are NULL
// have none.
func buildPostings(ids []uint32, nulls []uint64, lo, hi uint32) *postings {
	if hi < lo || hi-lo >= maxSpan {
		return nil
	}
	p := part{nulls: nulls}
	counts := make([]uint32, hi-lo+1)
	for row, id := range ids {
		if !p.isNull(row) {
			counts[id-lo]++
		}
	}
	post := layOut(counts, lo)
	if post == nil {
		return nil
	}
	// counts becomes the index of each id's entry, next the place of its next row.
	next := make([]uint32, len(post.entries))
	for i, e := range post.entries {
		counts[e.id-lo] = uint32(i)
		next[i] = e.at
	}
	for row, id := range ids {
		if p.isNull(row) {
			continue
		}
		i := counts[id-lo]
		if e := &post.entries[i]; e.count > maxListed {
			post.words[e.at+uint32(row>>6)] |= 1 << (row & 63)
			continue
		}
		post.rows[next[i]] = uint16(row)
		next[i]++
	}
	return post
}

// layOut gives every id with rows its place, nil if there are too many ids.
func layOut(counts []uint32, lo uint32) *postings {
	used, rows, words := 0, uint32(0), uint32(0)
	for _, c := range counts {
		if c > 0 {
			used++
		}
	}
	if used > maxPostings {
		return nil
	}
	post := &postings{entries: make([]posting, 0, used)}
	for i, c := range counts {
		e := posting{id: lo + uint32(i), count: c, at: rows}
		switch {
		case c == 0:
			continue
		case c > maxListed:
			e.at = words
			words += containerWords
		default:
			rows += c
		}
		post.entries = append(post.entries, e)
	}
	post.rows, post.words = make([]uint16, rows), make([]uint64, words)
	return post
}

func (p *postings) bytes() int64 {
	return int64(cap(p.entries))*12 + int64(cap(p.rows))*2 + int64(cap(p.words))*8
}

// find returns the entry of an id, nil when the block has no such row.
func (p *postings) find(id uint32) *posting {
	i := sort.Search(len(p.entries), func(i int) bool { return p.entries[i].id >= id })
	if i == len(p.entries) || p.entries[i].id != id {
		return nil
	}
	return &p.entries[i]
}

// set sets the bits of the rows of an entry.
func (p *postings) set(e *posting, dst column.Bitmap) {
	if e.count > maxListed {
		for i, w := range p.words[e.at:][:len(dst)] {
			dst[i] |= w
		}
		return
	}
	for _, row := range p.rows[e.at : e.at+e.count] {
		dst[row>>6] |= 1 << (row & 63)
	}
}

// containerBuilder writes a bitmap in roaring's portable format: a header of
// keys and cardinalities, the offsets, the containers.
type containerBuilder struct {
	keys []byte // uint16 key and cardinality-1 of each container
	ends []uint32
	body []byte
}

const roaringCookie = 12346

func (b *containerBuilder) addHeader(key uint16, count int) {
	b.keys = binary.LittleEndian.AppendUint16(b.keys, key)
	b.keys = binary.LittleEndian.AppendUint16(b.keys, uint16(count-1))
	b.ends = append(b.ends, uint32(len(b.body)))
}

func (b *containerBuilder) addPosting(key uint16, p *postings, e *posting) {
	if e.count > maxListed {
		b.addWords(key, p.words[e.at:e.at+containerWords], int(e.count))
		return
	}
	b.addHeader(key, int(e.count))
	for _, row := range p.rows[e.at : e.at+e.count] {
		b.body = binary.LittleEndian.AppendUint16(b.body, row)
	}
}

// addWords adds a block's rows given as a bitmap with count bits set.
func (b *containerBuilder) addWords(key uint16, words []uint64, count int) {
	b.addHeader(key, count)
	if count > maxListed {
		for _, w := range words {
			b.body = binary.LittleEndian.AppendUint64(b.body, w)
		}
		return
	}
	for i, w := range words {
		for ; w != 0; w &= w - 1 {
			b.body = binary.LittleEndian.AppendUint16(b.body, uint16(i<<6+bits.TrailingZeros64(w)))
		}
	}
}

// addRows adds ascending rows of the segment.
func (b *containerBuilder) addRows(rows []uint32) {
	for len(rows) > 0 {
		k, n := rows[0]/segment.BlockRows, 1
		for n < len(rows) && rows[n]/segment.BlockRows == k {
			n++
		}
		b.addBlockRows(uint16(k), rows[:n])
		rows = rows[n:]
	}
}

// addBlockRows adds ascending rows of one block.
func (b *containerBuilder) addBlockRows(key uint16, rows []uint32) {
	b.addHeader(key, len(rows))
	if len(rows) <= maxListed {
		for _, row := range rows {
			b.body = binary.LittleEndian.AppendUint16(b.body, uint16(row))
		}
		return
	}
	var words [containerWords]uint64
	for _, row := range rows {
		words[uint16(row)>>6] |= 1 << (row & 63)
	}
	for _, w := range words {
		b.body = binary.LittleEndian.AppendUint64(b.body, w)
	}
}

func (b *containerBuilder) bytes() []byte {
	n := len(b.ends)
	out := make([]byte, 0, 8+8*n+len(b.body))
	out = binary.LittleEndian.AppendUint32(out, roaringCookie)
	out = binary.LittleEndian.AppendUint32(out, uint32(n))
	out = append(out, b.keys...)
	for _, at := range b.ends {
		out = binary.LittleEndian.AppendUint32(out, uint32(8+8*n)+at)
	}
	return append(out, b.body...)
}
