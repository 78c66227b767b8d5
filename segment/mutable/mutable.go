// Package mutable holds the consuming segment: rows are appended by one writer
// and read at once by any number of readers. It knows columns, blocks and
// dictionaries; it knows nothing of streams, decoders, files or queries.
package mutable

import (
	"errors"
	"sync/atomic"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// Errors of Append and Commit, checked with errors.Is.
var (
	// ErrSealed is returned when rows are added after Seal.
	ErrSealed = errors.New("consuming segment is sealed")
	// ErrFull is returned when a batch would exceed what document ids or
	// offsets can address: seal the segment and go on in the next one. Nothing
	// of the batch was appended.
	ErrFull = errors.New("consuming segment is full")
	// ErrBatch is returned for a batch that does not fit the schema. Nothing
	// of it was appended.
	ErrBatch = errors.New("batch does not fit the segment's schema")
)

// MaxErrors is the number of refused records that a segment keeps; beyond it
// they are only counted.
const MaxErrors = 1000

// Config describes a consuming segment.
type Config struct {
	Name  string
	Table *schema.Table
	// Partition, FirstSeq and StartOffset are the row identity of the segment.
	Partition   uint32
	FirstSeq    uint64
	StartOffset string
	// CreatedMicros is chosen by the proposer of the segment.
	CreatedMicros int64
	// TimeColumn is the id of the table's time column. Zero means the one that
	// the table's config names, if any.
	TimeColumn uint32
}

// Commit says what a publication covers. All counts are of this commit alone.
type Commit struct {
	// NextOffset follows the last record that the rows were made from.
	NextOffset string
	// Records counts consumed stream records, Rejected those refused.
	Records, Rejected uint64
	// Errors describes refused records; the first MaxErrors of a segment are kept.
	Errors []segment.RowError
	// MaxEventMicros and MaxArrivalMicros are the latest event time and stream
	// timestamp in the commit, 0 if unknown; they give the freshness.
	MaxEventMicros, MaxArrivalMicros int64
}

// Segment is a consuming segment.
type Segment struct {
	cfg    Config
	sealed atomic.Bool
}

// New returns an empty consuming segment.
func New(cfg Config) (*Segment, error) { return &Segment{cfg: cfg}, nil }

// Append adds rows, whose columns are in the order of the schema's fields.
// They are not visible before Commit.
func (s *Segment) Append(rows *column.Batch) error { return ErrFull }

// Commit publishes all appended rows.
func (s *Segment) Commit(c Commit) error { return nil }

// Snapshot returns a view of the published rows.
func (s *Segment) Snapshot() segment.Segment { return nil }

// Seal ends the segment: no rows can be appended any more.
func (s *Segment) Seal() { s.sealed.Store(true) }

// Rows returns the number of published rows.
func (s *Segment) Rows() uint32 { return 0 }

// Bytes returns the memory that the segment holds.
func (s *Segment) Bytes() int64 { return 0 }

// PackedBytes estimates the size of the sealed segment without sort or compression.
func (s *Segment) PackedBytes() int64 { return 0 }
