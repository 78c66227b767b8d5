package immutable

import (
	"fmt"
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// lazyRange is a range index that is opened at its first use.
type lazyRange struct {
	once sync.Once
	x    *index.Range
	err  error
}

var _ segment.RangeIndexed = (*Column)(nil)

// RangeIndex implements segment.RangeIndexed.
func (c *Column) RangeIndex() (segment.RangeIndex, error) {
	x, err := c.openedRange()
	if err != nil || x == nil {
		return nil, err
	}
	return x, nil
}

func (c *Column) openedRange() (*index.Range, error) {
	b := c.entry.Buffer(format.RoleRange)
	if b == nil {
		return nil, nil
	}
	l := &c.ranges
	l.once.Do(func() {
		raw, err := c.seg.bytes(b)
		if err == nil {
			l.x, err = index.OpenRange(raw, c.rows, c.rawFloat())
		}
		if err != nil {
			l.err = fmt.Errorf("column %q: %w", c.meta.Name, err)
		}
	})
	return l.x, l.err
}

// rawFloat reports whether the column holds floats without a dictionary.
func (c *Column) rawFloat() bool {
	k := c.meta.Type.Kind()
	return c.dict == nil && (k == schema.KindFloat32 || k == schema.KindFloat64)
}

// checkRange verifies that each document with a value is in one bucket, and
// its value within the bucket's bounds.
func (c *Column) checkRange() error {
	x, err := c.openedRange()
	if err != nil || x == nil {
		return err
	}
	for b := range x.Buckets() {
		var docs []uint32
		for block := range x.Blocks() {
			for _, at := range x.Docs(block, b, b+1) {
				docs = append(docs, uint32(block)*segment.BlockRows+uint32(at))
			}
		}
		if err := c.checkBucket(x, b, docs); err != nil {
			return err
		}
	}
	if n := x.Count(0, x.Buckets()); n != int(c.rows-c.meta.Nulls) {
		return segment.Corruptf("range index of %d documents", n)
	}
	return nil
}

func (c *Column) checkBucket(x *index.Range, b int, docs []uint32) error {
	keys, err := c.rangeKeys(docs)
	if err != nil {
		return err
	}
	low, high := x.Bounds(b)
	for i, k := range keys {
		if k < low || k > high || c.nulls != nil && c.nulls.Contains(docs[i]) {
			return segment.Corruptf("document %d is in the wrong bucket of a range index", docs[i])
		}
	}
	return nil
}

// rangeKeys returns the keys of documents in the order of the range index.
func (c *Column) rangeKeys(docs []uint32) ([]int64, error) {
	keys := make([]int64, len(docs))
	if c.dict != nil {
		ids := make([]uint32, len(docs))
		c.GatherIDs(docs, ids)
		for i, id := range ids {
			keys[i] = int64(id)
		}
		return keys, nil
	}
	var v column.Vector
	if err := c.Gather(docs, &v); err != nil {
		return nil, err
	}
	for i := range keys {
		x := v.Value(i)
		if keys[i] = x.I; c.rawFloat() {
			keys[i] = index.FloatKey(x.F)
		}
	}
	return keys, nil
}
