// Package load turns files into immutable segment files: it divides the rows
// of the inputs among segments, reads and builds them in parallel within
// bounded memory, and hands each finished segment to its caller. It knows
// ingest/file and segment/build; it does not know servers, deep stores or
// controllers, and publishes nothing.
//
// Which rows go into which segment, the segments' names and their bytes depend
// on the inputs and the Options alone, never on the number of workers, so a
// load that was interrupted can be resumed.
package load

import (
	"context"

	"github.com/alluviumdb/alluvium/ingest/file"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/segment"
)

// DefaultRowsPerSegment is the number of rows of a segment when nothing says
// otherwise.
const DefaultRowsPerSegment = 3_000_000

// Options configure Build.
type Options struct {
	// Table is the table to build for; its fields must have column ids. Its
	// Config decides sorting, encodings and indexes.
	Table *schema.Table
	// Dir is the folder for the segment files, which Build makes. Files are
	// the caller's from the moment they are emitted.
	Dir string
	// FS is the file system of Dir; nil means the operating system's.
	FS vfs.FS
	// RowsPerSegment bounds the rows of a segment; 0 means what the table
	// config says (RowsPerSegment), else DefaultRowsPerSegment.
	RowsPerSegment int
	// Load is part of the segments' names, so that two loads of the same inputs
	// never name two segments alike. It takes letters, digits and -.
	Load string
	// Workers is the number of segments under work at once; 0 means GOMAXPROCS.
	Workers int
	// File says how the inputs are read.
	File file.Options
	// Progress is called, never twice at once, whenever something moved on. It
	// must not block. Nil is allowed.
	Progress func(Progress)
	// Done tells that a segment of that name was finished by an earlier load
	// of the same inputs: it is neither built nor emitted again. It may be
	// called from several goroutines. Nil means that none is.
	Done func(segment string) bool
}

// Progress is how far a load has come.
type Progress struct {
	Rows              int64 // read; TotalRows is the number of all, 0 while it is unknown
	TotalRows         int64
	Bytes             int64 // of the inputs, of TotalBytes
	TotalBytes        int64
	Files, TotalFiles int // wholly read
	Segments          int // emitted or skipped; TotalSegments is 0 while it is unknown
	TotalSegments     int
}

// Built is a finished segment.
type Built struct {
	Name     string // of the segment; the file is Path
	Path     string
	Metadata *segment.Metadata
	CRC      uint32 // CRC32C of the file
	Bytes    int64  // size of the file
	// Inputs are the files that rows of the segment come from.
	Inputs []file.Input
}

// Summary says what a load did.
type Summary struct {
	Files        int
	Rows         int64 // in emitted segments
	InputBytes   int64
	Segments     int // emitted
	SegmentBytes int64
	Skipped      int // segments that Done named
	// Names are the names of all segments of the inputs in order, skipped ones
	// included: what has to be published together.
	Names []string
}

// Build builds the segments of the inputs. emit is called once for each, in no
// particular order, one call at a time; while it runs (an upload) the other
// workers go on. The first error ends the load: nothing that was emitted is
// taken back, so the caller publishes only after Build returned without one.
func Build(ctx context.Context, opt Options, inputs []file.Input, emit func(context.Context, Built) error) (Summary, error) {
	return run(ctx, opt, inputs, emit)
}
