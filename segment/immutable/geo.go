package immutable

import (
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/geo"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// lazyGeo is a geo index that is checked at its first use.
type lazyGeo struct {
	once sync.Once
	x    segment.GeoIndex
}

var _ segment.GeoIndexed = (*Column)(nil)

// Geo implements segment.GeoIndexed. The index is checked at the first call;
// when it is corrupt its Match returns the error.
func (c *Column) Geo() segment.GeoIndex {
	c.geo.once.Do(func() {
		if b := c.entry.Buffer(format.RoleGeo); b != nil {
			c.geo.x = c.openGeo(b)
		}
	})
	return c.geo.x
}

func (c *Column) openGeo(b *format.Buffer) segment.GeoIndex {
	raw, err := c.seg.bytes(b)
	if err == nil {
		var x *index.Geo
		if x, err = index.OpenGeo(raw, c.rows); err == nil {
			return x
		}
	}
	return brokenGeo{err}
}

// checkGeo reads the whole index.
func (c *Column) checkGeo() error {
	switch x := c.Geo().(type) {
	case *index.Geo:
		return x.Check()
	case brokenGeo:
		return x.err
	}
	return nil
}

// brokenGeo stands for a corrupt geo index.
type brokenGeo struct{ err error }

func (b brokenGeo) Match(*geo.Region, int) (sure, maybe *roaring.Bitmap, ok bool, err error) {
	return nil, nil, false, b.err
}
