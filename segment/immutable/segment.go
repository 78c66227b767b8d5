// Package immutable opens segment files and reads them through the interfaces
// of package segment. It trusts no byte: whatever a file holds, the outcome is
// the data that was written or an error of class segment.ErrCorrupt.
package immutable

import (
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
)

// Options of Open.
type Options struct {
	// VerifyAll checks all buffers at open instead of each column's at its
	// first use.
	VerifyAll bool
}

// Segment is an open segment file.
type Segment struct{ segment.Segment }

// Open maps the file at path and verifies its footer.
func Open(fsys vfs.FS, path string, opt Options) (*Segment, error) {
	return nil, segment.Unsupportedf("opening %s", path)
}
