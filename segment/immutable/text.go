package immutable

import (
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/fulltext"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// lazyText is a text index that is checked at its first use.
type lazyText struct {
	once sync.Once
	x    segment.TextIndex
}

var _ segment.TextIndexed = (*Column)(nil)

// Text implements segment.TextIndexed. The index is checked at the first call;
// when it is corrupt its Match returns the error.
func (c *Column) Text() segment.TextIndex {
	c.text.once.Do(func() {
		if b := c.entry.Buffer(format.RoleText); b != nil {
			c.text.x = c.openText(b)
		}
	})
	return c.text.x
}

func (c *Column) openText(b *format.Buffer) segment.TextIndex {
	raw, err := c.seg.bytes(b)
	if err == nil {
		var x *index.Text
		if x, err = index.OpenText(raw, c.rows); err == nil {
			return x
		}
	}
	return brokenText{err}
}

// checkText reads the whole index.
func (c *Column) checkText() error {
	switch x := c.Text().(type) {
	case *index.Text:
		return x.Check()
	case brokenText:
		return x.err
	}
	return nil
}

// brokenText stands for a corrupt text index.
type brokenText struct{ err error }

func (b brokenText) Terms(*fulltext.Query) int { return 0 }

func (b brokenText) Match(*fulltext.Query) (*roaring.Bitmap, bool, error) { return nil, false, b.err }
