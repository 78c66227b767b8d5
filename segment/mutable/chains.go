package mutable

import (
	"slices"
	"sync/atomic"

	"github.com/alluviumdb/alluvium/segment"
)

// chains link the rows of each dictionary id, from the newest to older ones:
// the inverted index of rows whose blocks have too many ids for postings. An
// id's rows are found in time that grows with their number, not with the
// segment's, and in the open block too.
//
// The writer links a row before a state publishes it, so readers walk past
// rows newer than their view. A link is stored before the head that leads to
// it, and the block of a link before the link; heads are read and written
// atomically, links never change once a head leads to them.
type chains struct {
	from  uint32                       // the first row with a link
	heads atomic.Pointer[[]uint32]     // by id: the newest row + 1, 0 without one
	links atomic.Pointer[[]*linkBlock] // of blocks from from/BlockRows on
	open  *linkBlock                   // the writer's
	// count is the number of links in open.
	count int
}

// linkBlock holds for each row of a block the next older row with its id, + 1.
type linkBlock [segment.BlockRows]uint32

// newChains returns chains of the rows from from on, which begins a block.
func newChains(from uint32) *chains {
	c := &chains{from: from, count: segment.BlockRows}
	heads, links := []uint32{}, []*linkBlock{}
	c.heads.Store(&heads)
	c.links.Store(&links)
	return c
}

// add links rows first, first+1, … with their ids, which are less than size.
// NULL rows, given by p, get no link that anything leads to.
func (c *chains) add(first uint32, ids []uint32, p *part, size int) {
	heads := c.headsFor(size)
	for i, id := range ids {
		row := first + uint32(i)
		if c.count == segment.BlockRows {
			c.addBlock()
		}
		c.count++
		if p.nulls != nil && p.isNull(int(row%segment.BlockRows)) {
			continue
		}
		c.open[row%segment.BlockRows] = heads[id]
		atomic.StoreUint32(&heads[id], row+1)
	}
}

// headsFor returns heads for size ids. Readers of the old ones miss new rows
// only.
func (c *chains) headsFor(size int) []uint32 {
	heads := *c.heads.Load()
	if len(heads) >= size {
		return heads
	}
	larger := make([]uint32, max(size, 2*len(heads)))
	copy(larger, heads)
	c.heads.Store(&larger)
	return larger
}

func (c *chains) addBlock() {
	c.open, c.count = new(linkBlock), 0
	links := append(slices.Clip(*c.links.Load()), c.open)
	c.links.Store(&links)
}

// appendRows appends the rows below end with an id, the newest first. It gives
// up after limit rows and returns false.
func (c *chains) appendRows(id, end uint32, limit int, dst []uint32) ([]uint32, bool) {
	head, before := uint32(0), len(dst)
	if heads := *c.heads.Load(); int(id) < len(heads) {
		head = atomic.LoadUint32(&heads[id])
	}
	links := *c.links.Load() // after the head: it covers all that follows from it
	for head != 0 {
		row := head - 1
		if row < end {
			if len(dst)-before == limit {
				return dst[:before], false
			}
			dst = append(dst, row)
		}
		at := row - c.from
		head = links[at/segment.BlockRows][at%segment.BlockRows]
	}
	return dst, true
}

// countRows counts the rows below end with an id, and gives up after limit.
func (c *chains) countRows(id, end uint32, limit int) (int, bool) {
	head, n := uint32(0), 0
	if heads := *c.heads.Load(); int(id) < len(heads) {
		head = atomic.LoadUint32(&heads[id])
	}
	links := *c.links.Load()
	for head != 0 {
		row := head - 1
		if row < end {
			if n++; n > limit {
				return 0, false
			}
		}
		at := row - c.from
		head = links[at/segment.BlockRows][at%segment.BlockRows]
	}
	return n, true
}

// walkLimit is the number of rows beyond which a scan of rows ids is quicker
// than to follow links.
func walkLimit(rows uint32) int { return 64 + int(rows/256) }

// bytes is the memory that the chains hold.
func (c *chains) bytes() int64 {
	if c == nil {
		return 0
	}
	return int64(cap(*c.heads.Load()))*4 + int64(len(*c.links.Load()))*(segment.BlockRows*4+8)
}
