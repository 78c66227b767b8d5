package immutable

import (
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/jsonmatch"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// lazyJSON is a JSON index that is checked at its first use.
type lazyJSON struct {
	once sync.Once
	x    segment.JSONIndex
}

var _ segment.JSONIndexed = (*Column)(nil)

// JSON implements segment.JSONIndexed. The index is checked at the first call;
// when it is corrupt its Match returns the error.
func (c *Column) JSON() segment.JSONIndex {
	c.json.once.Do(func() {
		if b := c.entry.Buffer(format.RoleJSON); b != nil {
			c.json.x = c.openJSON(b)
		}
	})
	return c.json.x
}

func (c *Column) openJSON(b *format.Buffer) segment.JSONIndex {
	raw, err := c.seg.bytes(b)
	if err == nil {
		var x *index.JSON
		if x, err = index.OpenJSON(raw, c.rows); err == nil {
			return x
		}
	}
	return brokenJSON{err}
}

// checkJSON reads the whole index.
func (c *Column) checkJSON() error {
	switch x := c.JSON().(type) {
	case *index.JSON:
		return x.Check()
	case brokenJSON:
		return x.err
	}
	return nil
}

// brokenJSON stands for a corrupt JSON index.
type brokenJSON struct{ err error }

func (b brokenJSON) Match(*jsonmatch.Cond) (*roaring.Bitmap, bool, bool, error) {
	return nil, false, true, b.err
}
func (b brokenJSON) Terms(*jsonmatch.Cond) int { return 0 }
