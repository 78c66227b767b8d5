// Package ingest holds what streams and decoders agree on: offsets, raw record
// batches, the Source interface, and the Decoder that turns records into
// column vectors. It knows schemas and columns; it never imports segments.
package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
)

// Offset is a position in one partition: opaque bytes made by the source whose
// byte order is the stream's order. An offset names the next record to read,
// so ranges are half-open. The empty Offset means "not yet known".
type Offset string

// Partition describes one partition (Kafka) or shard (Kinesis) of a stream.
type Partition struct {
	ID   uint32
	Name string // as the source calls it: "3", "shardId-000000000003"
	// Parents must have been read to their end before this one is begun
	// (Kinesis resharding).
	Parents []uint32
	// Closed tells that no record will be added any more.
	Closed bool
}

// Record is one raw record. Its slices belong to the batch and are valid until
// the reader's next Fetch.
type Record struct {
	Key   []byte
	Value []byte
	// Timestamp is the stream's record timestamp, µs since 1970.
	Timestamp int64
}

// RawBatch is a run of consecutive records of one partition.
type RawBatch struct {
	Records []Record
	// Offset returns the offset of record i; it may allocate and is for error
	// reports and marks, not for hot loops.
	Offset func(i int) Offset
	// Next is the offset that follows the batch. It may be ahead even when
	// Records is empty (transaction markers, compaction).
	Next Offset
	// HighWatermark is the end of the partition when the batch was fetched,
	// empty if the source does not tell; Lag is the number of records (-1
	// unknown) and LagMillis the age of the position (-1 unknown) behind it.
	HighWatermark Offset
	Lag           int64
	LagMillis     int64
}

// StartKind says where a partition without an offset begins.
type StartKind uint8

// The start positions.
const (
	StartEarliest StartKind = iota
	StartLatest
	StartTimestamp
	StartExplicit
)

// Start is a start position.
type Start struct {
	Kind      StartKind
	Timestamp int64  // StartTimestamp: ms since 1970
	Offset    string // StartExplicit: as the source prints offsets; see Source.ParseOffset
}

// Errors of readers, checked with errors.Is.
var (
	// ErrEndOfPartition is returned by Fetch when the partition is closed and
	// read to its end (Kinesis shard end).
	ErrEndOfPartition = errors.New("end of partition")
	// ErrUnknownPartition is returned for a partition that the stream does not have.
	ErrUnknownPartition = errors.New("unknown partition")
)

// OutOfRangeError is returned by Fetch when the wanted offset is no longer (or
// not yet) in the stream.
type OutOfRangeError struct {
	Wanted, Earliest, Latest Offset
	// Missing is the number of lost records, -1 if unknown.
	Missing int64
}

func (e *OutOfRangeError) Error() string {
	if e.Missing < 0 {
		return "offset is out of the stream's range (the number of missing records is not known)"
	}
	return fmt.Sprintf("offset is out of the stream's range (%d records missing)", e.Missing)
}

// Source is a stream. It is safe for concurrent use and holds no consumer
// group: offsets belong to the store.
type Source interface {
	// Partitions lists the partitions of the stream as they are now.
	Partitions(ctx context.Context) ([]Partition, error)
	// Resolve turns a start position into an offset of a partition.
	Resolve(ctx context.Context, partition uint32, start Start) (Offset, error)
	// Bounds returns the earliest offset still held and the end of a partition.
	Bounds(ctx context.Context, partition uint32) (earliest, end Offset, err error)
	// Open begins to read a partition at an offset.
	Open(ctx context.Context, partition uint32, from Offset) (Reader, error)
	// FormatOffset prints an offset for people and APIs; ParseOffset reads it back.
	FormatOffset(o Offset) string
	ParseOffset(s string) (Offset, error)
	// Distance returns the number of offsets in [from, to), -1 if unknown.
	Distance(from, to Offset) int64
	// RetentionMillis returns how long the stream keeps records, -1 unknown.
	RetentionMillis(ctx context.Context) (int64, error)
	Close() error
}

// Reader reads one partition in order. It is used by one goroutine.
type Reader interface {
	// Fetch waits for records until ctx ends and returns a batch, which is
	// valid until the next Fetch. Transient faults are retried inside with
	// backoff and reported through the Events given to the source.
	Fetch(ctx context.Context) (*RawBatch, error)
	Close() error
}

// Events receives what a source does; all methods must be safe for concurrent
// use and must not block. A nil Events is allowed.
type Events interface {
	// FetchRetry is called when a fetch failed and is tried again after a pause.
	FetchRetry(partition uint32, attempt int, err error)
	// PartitionsChanged is called when the set of partitions was seen to change.
	PartitionsChanged(count int)
	// Throttled is called when the stream refused for its rate limit.
	Throttled(partition uint32)
}

// Decoded is the result of decoding a batch: columns in the order of the
// schema's fields, plus the rejected records.
type Decoded struct {
	Rows column.Batch
	// RecordRows[i] is the number of rows that record i gave (0 when rejected
	// or filtered). It is nil when every record gave exactly one row.
	RecordRows []uint32
	Rejected   []Rejected
}

// Rejected is a record that could not be turned into rows.
type Rejected struct {
	Record int    // index in the batch
	Reason string // names the field and what was wrong
}

// Decoder turns raw records into columns. It is a pure function of record
// bytes, stream metadata and schema, so that replicas agree. A Decoder is used
// by one goroutine; the result is valid until the next Decode.
type Decoder interface {
	Decode(records []Record, out *Decoded)
}
