// Package segment holds the interfaces through which queries, servers and
// tools see segments: Segment, Column, Dictionary and the indexes, with the
// metadata that all of them share. segment/immutable and segment/mutable
// implement them; the query engine imports only this package, never those.
//
// Everything is read in blocks: a call fills a slice or a bitmap for many
// rows, so that no interface call is made per row.
package segment

import (
	"errors"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// BlockRows is the number of rows in one block: one roaring container, one
// zone-map entry, the unit that a consuming segment closes.
const BlockRows = 65536

// ErrCorrupt marks bytes that are not what their checksum or the format says.
// It is returned (wrapped, errors.Is) by open and read; the holder quarantines
// the segment, nothing panics.
var ErrCorrupt = errors.New("corrupt segment")

// ErrClosed is returned when a segment is used after its last Release.
var ErrClosed = errors.New("segment is closed")

// Segment is a fixed set of rows with document ids 0..NumDocs()-1. A consuming
// segment hands out such a view for the rows published at one moment, so the
// engine sees no difference.
//
// A Segment is safe for concurrent use. It stays valid until Release.
type Segment interface {
	// Metadata describes the segment; read-only. For a view of a consuming
	// segment the row count, ranges and per-column statistics are those of
	// the view.
	Metadata() *Metadata
	// NumDocs returns the number of rows.
	NumDocs() uint32
	// Column returns the column with that stable id. It returns (nil, nil)
	// for a column that the segment does not have (added later: all NULL),
	// and ErrCorrupt when the column's buffers fail their checksum, which is
	// verified at the first use of each column.
	Column(id uint32) (Column, error)
	// Retain keeps the segment's memory mapped until a matching Release. It
	// returns false if the segment was already closed.
	Retain() bool
	// Release undoes one Retain (or the opening).
	Release()
}

// Encoding says how a column's forward data is stored.
type Encoding uint8

// The encodings. The numbers are part of the segment format.
const (
	EncodingDict       Encoding = 1  // bit-packed dictionary ids
	EncodingSortedRuns Encoding = 2  // sorted dictionary column: one [start, end) per id
	EncodingRaw        Encoding = 3  // fixed-width values as they are
	EncodingFOR        Encoding = 4  // frame of reference per block + bit-packing
	EncodingDelta      Encoding = 5  // deltas + frame of reference
	EncodingChunked    Encoding = 6  // variable length, chunks compressed by a codec
	EncodingConst      Encoding = 7  // one value, or all NULL
	EncodingRLE        Encoding = 8  // one value per run of equal neighbours
	EncodingALP        Encoding = 9  // floats as scaled integers, with exceptions
	EncodingDerived    Encoding = 10 // dictionary ids that follow from another column's
)

// ColumnMeta describes one column of one segment.
type ColumnMeta struct {
	ID       uint32
	Name     string
	Type     schema.Type
	Encoding Encoding
	// Cardinality is the number of distinct non-NULL values; 0 means unknown
	// (raw columns).
	Cardinality uint32
	Nulls       uint32
	// Sorted tells that values do not descend with the document id and none is NULL.
	Sorted bool
	// Min and Max bound the non-NULL values; HasRange is false when there is
	// none or it is unknown.
	HasRange bool
	Min, Max column.Value
	// Truncated tells that Min or Max of long text or bytes is a bound and
	// need not be a value of the column.
	Truncated bool
	// Bytes is the size of all buffers of the column, Indexes their names.
	Bytes   uint64
	Indexes []string
}

// RowError is a record that ingestion refused.
type RowError struct {
	Partition uint32
	Offset    string // as the source prints it
	Time      int64  // µs, the stream's record timestamp
	Reason    string
	Sample    string // the first bytes of the record, escaped
}

// SeqMark maps a stream position to the row sequence number that follows it.
type SeqMark struct {
	Offset string // source-made ordered bytes
	Seq    uint64
}

// Metadata describes a segment. It is written to the footer of the file.
type Metadata struct {
	Name          string
	Table         string // raw table name
	TableID       uint32
	SchemaVersion uint32
	NumDocs       uint32
	// Partition, FirstSeq, StartOffset and EndOffset are the row identity of
	// streamed segments: rows FirstSeq.. of Partition, made from records in
	// [StartOffset, EndOffset). Offsets are ordered bytes made by the source.
	Streamed    bool
	Partition   uint32
	FirstSeq    uint64
	StartOffset string
	EndOffset   string
	SeqMarks    []SeqMark
	// Records counts consumed stream records, Rejected those refused; Errors
	// keeps the first of the refused.
	Records  uint64
	Rejected uint64
	Errors   []RowError
	// RowSum is an order-free 64-bit checksum: the wrapping sum of a hash of
	// every row (segment.RowHash), equal for all replicas and encodings.
	RowSum uint64
	// TimeColumn is the id of the table's time column, 0 for none; MinTime
	// and MaxTime bound it in µs since 1970 (a time column that is no
	// timestamp is bounded by its own numbers).
	TimeColumn       uint32
	HasTime          bool
	MinTime, MaxTime int64
	// CreatedMicros is when the consuming segment was opened, SealedMicros
	// when it ended: chosen by the proposer of the Raft entry, so that
	// builds are byte-deterministic.
	CreatedMicros, SealedMicros int64
	// Layout names the encodings and indexes that the build was asked for
	// (schema.Table.Layout); "" when it is not known.
	Layout string
	// Consuming marks a view of a consuming segment.
	Consuming bool
	Columns   []ColumnMeta
}

// Column returns the metadata of the column with that id, or nil.
func (m *Metadata) Column(id uint32) *ColumnMeta {
	for i := range m.Columns {
		if m.Columns[i].ID == id {
			return &m.Columns[i]
		}
	}
	return nil
}

// Column reads one column. Document ranges must lie within the segment; the
// caller owns every destination slice. Methods are safe for concurrent use.
type Column interface {
	Meta() *ColumnMeta
	// Dictionary returns the dictionary, or nil for a column without one.
	Dictionary() Dictionary
	// Nulls returns the documents whose value is NULL, nil when there is
	// none. Read-only. NULL documents have dictionary id 0 in ReadIDs.
	Nulls() *roaring.Bitmap

	// ReadIDs fills dst with the dictionary ids of documents from, from+1, …
	// Only for columns with a dictionary.
	ReadIDs(from uint32, dst []uint32)
	// GatherIDs fills dst[i] with the dictionary id of docs[i]; docs ascend.
	GatherIDs(docs []uint32, dst []uint32)
	// MatchIDs sets bit i of dst for every document from+i (i < n) whose
	// dictionary id is in set, and clears the other bits of the first n.
	// NULL documents are not excluded: the caller masks them with Nulls.
	MatchIDs(from uint32, n int, set IDSet, dst column.Bitmap)

	// Read fills dst (reset to the column's type) with n values from document
	// from on, NULLs included. It decodes through the dictionary where there
	// is one.
	Read(from uint32, n int, dst *column.Vector) error
	// Gather fills dst with the values of docs, which ascend.
	Gather(docs []uint32, dst *column.Vector) error
	// MatchRange does what MatchIDs does for a raw fixed-width column and a
	// range of values. It returns false when the column has no fast way (then
	// dst is untouched and the caller reads the values).
	MatchRange(from uint32, n int, r ValueRange, dst column.Bitmap) (bool, error)

	// Zones returns min and max per block of BlockRows documents, nil when
	// not known. For dictionary columns the bounds are ids when the
	// dictionary is sorted, otherwise nil is returned.
	Zones() *Zones
	// Inverted returns the inverted index, or nil.
	Inverted() InvertedIndex
	// Ranges returns the document range of each dictionary id of a sorted
	// column, or nil.
	Ranges() SortedIndex
}

// IDSet is a set of dictionary ids: either the range [Lo, Hi] (inclusive) when
// Bits is nil, or the ids whose bit is set in Bits.
type IDSet struct {
	Lo, Hi uint32
	Bits   column.Bitmap
}

// Contains reports whether id is in the set.
func (s *IDSet) Contains(id uint32) bool {
	if s.Bits != nil {
		return s.Bits.Get(int(id))
	}
	return s.Lo <= id && id <= s.Hi
}

// ValueRange is an inclusive range of a fixed-width kind: int32 and int64
// columns use the Int bounds, floats the Float bounds (NaN is above all
// numbers, as in PostgreSQL: a HiFloat of NaN includes all, a LoFloat of NaN
// only NaN).
type ValueRange struct {
	LoInt, HiInt     int64
	LoFloat, HiFloat float64
}

// Zones is a zone map: per block of BlockRows documents the smallest and
// largest value (Ids for dictionary columns). Floats use Float slices. NULLs
// do not count; a block of NULLs has Min above Max. A block that holds a NaN
// has Max = NaN, one of NaN only also Min = NaN, so that comparing with < and >
// never excludes or includes it wholly.
type Zones struct {
	MinInt, MaxInt     []int64
	MinFloat, MaxFloat []float64
}

// Dictionary maps ids 0..Len()-1 to distinct non-NULL values.
type Dictionary interface {
	Len() int
	// Sorted tells that values ascend with the id (immutable segments: always;
	// text in byte order). The ids of an unsorted dictionary are in order of
	// arrival.
	Sorted() bool
	// Values returns all values as one vector without NULLs, without copying
	// where the layout allows. Read-only, valid while the segment is retained.
	Values() *column.Vector
	// Lookup returns the id of a value of the column's kind.
	Lookup(v column.Value) (id uint32, ok bool)
	// LowerBound returns the smallest id whose value is >= v, Len() if none.
	// Only for sorted dictionaries.
	LowerBound(v column.Value) uint32
	// Identity tells dictionaries apart: of two with the same identity the one
	// of fewer values is the beginning of the other, so that what was derived
	// from an id stays true. It is nil where that is not known.
	Identity() *Identity
}

// Identity is known by its address. Holding one keeps nothing else alive.
type Identity struct{ _ byte }

// InvertedIndex holds the documents of each dictionary id.
type InvertedIndex interface {
	// Postings returns the documents with that id. The bitmap is read-only
	// and may share the segment's memory.
	Postings(id uint32) (*roaring.Bitmap, error)
	// SetDocs sets the bits of the documents with that id, and no other bit, in
	// dst, which has one for every document of the segment.
	SetDocs(id uint32, dst column.Bitmap) error
	// Count returns the number of documents with that id without decoding
	// them.
	Count(id uint32) uint32
}

// DocLister is an InvertedIndex that lists few documents without making a
// bitmap.
type DocLister interface {
	// AppendDocs appends the documents with that id, ascending, to dst. It
	// returns false, and dst as it was, when they are more than limit or not
	// cheaply listed: then Postings has them.
	AppendDocs(id uint32, limit int, dst []uint32) ([]uint32, bool, error)
}

// SortedIndex is the document range of each dictionary id of a sorted column.
type SortedIndex interface {
	// Range returns [start, end) of the documents whose id lies in [lo, hi].
	Range(lo, hi uint32) (start, end uint32)
}
