package segment

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/geo"
)

// GeoIndexed is a Column that may have a geo index.
type GeoIndexed interface {
	// Geo returns the index, nil when there is none.
	Geo() GeoIndex
}

// GeoIndex finds documents by where their points are. It is safe for concurrent
// use.
type GeoIndex interface {
	// Match returns the documents whose point is in the region, and those of
	// which only the values tell; no other document has a point in it. The
	// bitmaps belong to the caller. ok is false, and nothing is returned, when
	// the index holds no points of the region's kind or would have to read the
	// documents of more than limit cells.
	Match(r *geo.Region, limit int) (sure, maybe *roaring.Bitmap, ok bool, err error)
}
