package segment

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/fulltext"
)

// TextIndexed is a Column that may have a text index.
type TextIndexed interface {
	// Text returns the index, nil when there is none.
	Text() TextIndex
}

// TextIndex finds documents by the words of their texts. It is safe for
// concurrent use.
type TextIndex interface {
	// Match returns the documents that may match the query: all of those that
	// do, and if exact no others. The bitmap belongs to the caller.
	Match(q *fulltext.Query) (docs *roaring.Bitmap, exact bool, err error)
	// Terms returns how many words Match has to look at.
	Terms(q *fulltext.Query) int
}
