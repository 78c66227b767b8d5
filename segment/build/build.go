// Package build writes immutable segment files from consuming segments, from
// other segments and from batches of rows. It knows encodings, indexes and the
// file format; it does not know streams, queries or clusters.
//
// A build is deterministic: the same rows in the same order with the same
// Config give the same bytes, whichever segment they were read from.
package build

import (
	"context"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
)

// Config says what to write.
type Config struct {
	// Table gives the columns (schema fields, by column id) and how they are
	// stored (IndexingConfig, with the sort column). Columns that the source
	// lacks become all NULL; columns that the schema lacks are dropped.
	Table *schema.Table
	// Meta is stamped on the segment: name, table, partition, FirstSeq,
	// offsets, SeqMarks, Records, Rejected, Errors, times. What the build
	// computes itself (NumDocs, RowSum, time range, columns, TimeColumn,
	// SchemaVersion, Consuming) is ignored. Segment uses the source's
	// metadata when Meta is nil.
	Meta *segment.Metadata
}

// Result describes a written segment.
type Result struct {
	Metadata *segment.Metadata
	CRC      uint32 // CRC32C of the whole file
	Bytes    uint64 // size of the file
}

// Segment writes the rows of src to path: to a temporary name first, synced,
// renamed, folder synced. Nothing is left behind when it fails. Rows are
// reordered (stably) when the table has a sort column.
func Segment(ctx context.Context, fsys vfs.FS, path string, src segment.Segment, cfg Config) (Result, error) {
	return Result{}, segment.Unsupportedf("building segments")
}
