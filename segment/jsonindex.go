package segment

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/jsonmatch"
)

// JSONIndexed is a Column that may have a JSON index.
type JSONIndexed interface {
	// JSON returns the index, nil when there is none.
	JSON() JSONIndex
}

// JSONIndex finds documents by the paths and scalars of their JSON values. It
// is safe for concurrent use.
type JSONIndex interface {
	// Match returns the documents that may fulfil the condition: all of those
	// that do, and if exact no others. covered is false when the index leaves
	// out one of the condition's paths and so cannot tell. The bitmap belongs
	// to the caller.
	Match(c *jsonmatch.Cond) (docs *roaring.Bitmap, exact, covered bool, err error)
	// Terms returns how many distinct values Match has to look at.
	Terms(c *jsonmatch.Cond) int
}

// JSONOptions limit what a JSON index holds. Conditions on what it leaves out
// are answered from the documents.
type JSONOptions struct {
	// MaxLevels is the number of steps that an indexed path may have; 0 means
	// any number.
	MaxLevels int
	// ExcludeArrays leaves out everything in arrays.
	ExcludeArrays bool
	// Include are the keys (jsonmatch.Path.Key) of the only paths to index, with
	// all below them; empty means all. Exclude are those of paths to leave out.
	Include, Exclude []string
	// ExcludeFields leaves out members of these names wherever they are.
	ExcludeFields []string
}
