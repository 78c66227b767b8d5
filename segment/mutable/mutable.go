// Package mutable holds the consuming segment: rows are appended by one writer
// and read at once by any number of readers. It knows columns, blocks and
// dictionaries; it knows nothing of streams, decoders, files or queries.
//
// # How one writer and many readers share memory
//
// Rows fill blocks of segment.BlockRows. A full block is closed: it is packed,
// gets its postings and bounds, and never changes again. Only the open block
// is written, and only at rows that no reader can see: Commit stores one
// pointer to a state that says how many rows are published and where they lie.
// A reader loads the pointer and touches no row at or beyond that count, so
// that readers take no lock and writers never wait. Three rules make it safe:
//
//   - Arrays are append-only. When one is too small a larger one takes its
//     place; readers of the old one keep it (the garbage collector frees it).
//   - What shares a word with unpublished rows (null bitmaps, hash slots of
//     dictionaries) is read and written atomically.
//   - A part, dictionary view or state is immutable once a state points to it.
package mutable

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/invariants"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// Errors of Append and Commit, checked with errors.Is.
var (
	// ErrSealed is returned when rows are added or published after Seal.
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

// maxRows bounds the document ids of a segment.
const maxRows = 1 << 31

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

// Stats is the state of a segment as of the last commit.
type Stats struct {
	Rows                             uint32
	Records, Rejected                uint64
	NextOffset                       string
	MaxEventMicros, MaxArrivalMicros int64 // 0 until known
	// Bytes is the memory held, PackedBytes the estimated size of the sealed
	// segment; both include rows not yet published.
	Bytes, PackedBytes int64
	Sealed             bool
}

// Segment is a consuming segment. Append, Commit and Seal belong to one
// goroutine; all other methods are safe for concurrent use.
type Segment struct {
	cfg    Config
	cols   []*columnWriter
	rows   uint32 // appended, published or not
	marks  []segment.SeqMark
	errors []segment.RowError
	// scratch holds the ids of one block of the column at work.
	scratch []uint32

	state       atomic.Pointer[state]
	sealed      atomic.Bool
	bytes       atomic.Int64
	packedBytes atomic.Int64
}

// New returns an empty consuming segment. It refuses a table whose sealed
// segments could not be built (segment.ErrUnsupported, naming the column).
func New(cfg Config) (*Segment, error) {
	if cfg.Table == nil || cfg.Table.Schema == nil {
		return nil, errors.New("consuming segment needs a table with a schema")
	}
	s := &Segment{cfg: cfg}
	if s.cfg.TimeColumn == 0 {
		s.cfg.TimeColumn = timeColumn(cfg.Table)
	}
	for i := range cfg.Table.Schema.Fields {
		f := &cfg.Table.Schema.Fields[i]
		w, err := newColumnWriter(f, storageOf(cfg.Table, f))
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", f.Name, err)
		}
		s.cols = append(s.cols, w)
	}
	s.marks = []segment.SeqMark{{Offset: cfg.StartOffset, Seq: cfg.FirstSeq}}
	s.account()
	s.state.Store(s.publish(&state{next: cfg.StartOffset}, Commit{NextOffset: cfg.StartOffset}))
	return s, nil
}

// timeColumn returns the id of the time column that the table's config names.
func timeColumn(t *schema.Table) uint32 {
	if t.Config == nil || t.Config.TimeColumn == "" {
		return 0
	}
	if i := t.Schema.Index(t.Config.TimeColumn); i >= 0 {
		return t.Schema.Fields[i].ID
	}
	return 0
}

// storage says how a column is to be kept.
type storage struct {
	dictionary   bool // always, whatever its cardinality
	noDictionary bool
	inverted     bool
	sorted       bool   // only sealed segments are sorted
	codec        string // and compressed
}

func storageOf(t *schema.Table, f *schema.Field) storage {
	if t.Config == nil {
		return storage{}
	}
	ix := &t.Config.Indexing
	return storage{
		dictionary:   slices.Contains(ix.Dictionary, f.Name) || f.Type.ID == schema.TypeSymbol,
		noDictionary: slices.Contains(ix.NoDictionary, f.Name),
		inverted:     slices.Contains(ix.Inverted, f.Name),
		sorted:       ix.SortedColumn == f.Name,
		codec:        ix.Compression[f.Name],
	}
}

// Append adds rows, whose columns are in the order of the schema's fields.
// They are not visible before Commit. The batch is copied. After an error
// nothing of it was appended.
func (s *Segment) Append(rows *column.Batch) error {
	if s.sealed.Load() {
		return ErrSealed
	}
	if err := s.check(rows); err != nil {
		return err
	}
	s.growScratch(rows.N)
	for from := 0; from < rows.N; {
		at := int(s.rows % segment.BlockRows)
		n := min(rows.N-from, segment.BlockRows-at)
		for i, w := range s.cols {
			w.append(rows.Cols[i], from, n, at, s.scratch)
		}
		s.rows += uint32(n)
		from += n
		if at+n == segment.BlockRows {
			for _, w := range s.cols {
				w.closeBlock(s.scratch)
			}
		}
	}
	s.account()
	return nil
}

// growScratch gives the scratch room for a batch and, once a block may close,
// for a block. Small segments get along with little.
func (s *Segment) growScratch(n int) {
	if uint64(s.rows%segment.BlockRows)+uint64(n) >= segment.BlockRows {
		n = segment.BlockRows
	}
	if cap(s.scratch) < n {
		s.scratch = make([]uint32, min(max(n, 2*cap(s.scratch)), segment.BlockRows))
	}
}

// check refuses a batch that would fail half way.
func (s *Segment) check(rows *column.Batch) error {
	if len(rows.Cols) != len(s.cols) {
		return fmt.Errorf("%w: %d columns instead of %d", ErrBatch, len(rows.Cols), len(s.cols))
	}
	if uint64(s.rows)+uint64(rows.N) > maxRows {
		return fmt.Errorf("%w: more than %d rows", ErrFull, maxRows)
	}
	for i, w := range s.cols {
		if err := w.check(rows.Cols[i], rows.N); err != nil {
			return fmt.Errorf("column %q: %w", w.name, err)
		}
	}
	return nil
}

// account brings Bytes and PackedBytes up to date.
func (s *Segment) account() {
	held, packed := int64(cap(s.scratch))*4, int64(0)
	open := int(s.rows % segment.BlockRows)
	for _, w := range s.cols {
		held += w.heldBytes()
		packed += w.packedSize(open)
	}
	s.bytes.Store(held)
	s.packedBytes.Store(packed)
}

// Commit publishes all appended rows together with what it says about them.
func (s *Segment) Commit(c Commit) error {
	if s.sealed.Load() {
		return ErrSealed
	}
	if n := min(len(c.Errors), MaxErrors-len(s.errors)); n > 0 {
		s.errors = append(s.errors, c.Errors[:n]...)
	}
	seq := s.cfg.FirstSeq + uint64(s.rows)
	if seq >= s.marks[len(s.marks)-1].Seq+segment.BlockRows {
		s.marks = append(s.marks, segment.SeqMark{Offset: c.NextOffset, Seq: seq})
	}
	s.state.Store(s.publish(s.state.Load(), c))
	return nil
}

// publish makes the state that follows prev.
func (s *Segment) publish(prev *state, c Commit) *state {
	st := &state{
		seg:        s,
		rows:       s.rows,
		next:       c.NextOffset,
		records:    prev.records + c.Records,
		rejected:   prev.rejected + c.Rejected,
		maxEvent:   max(prev.maxEvent, c.MaxEventMicros),
		maxArrival: max(prev.maxArrival, c.MaxArrivalMicros),
		marks:      s.marks,
		errors:     s.errors,
		cols:       make([]columnState, len(s.cols)),
		views:      make([]atomic.Pointer[Column], len(s.cols)),
	}
	for i, w := range s.cols {
		st.cols[i] = w.state()
	}
	return st
}

// Snapshot returns a view of the published rows. It takes no lock, never
// delays the writer, and stays as it is however long it is held.
func (s *Segment) Snapshot() segment.Segment { return newView(s.state.Load()) }

// Seal ends the segment: no rows can be appended or published any more. Rows
// that were appended but not published are dropped from what readers, and so
// the sealed file, will ever see.
func (s *Segment) Seal() {
	invariants.Check(!s.sealed.Load(), "segment %s sealed twice", s.cfg.Name)
	s.sealed.Store(true)
}

// Rows returns the number of published rows.
func (s *Segment) Rows() uint32 { return s.state.Load().rows }

// Bytes returns the memory that the segment holds, with arrays at their full
// capacity. Memory that only older views still hold is not counted.
func (s *Segment) Bytes() int64 { return s.bytes.Load() }

// PackedBytes estimates the size of the sealed segment without sort or
// compression.
func (s *Segment) PackedBytes() int64 { return s.packedBytes.Load() }

// Stats returns the state as of the last commit.
func (s *Segment) Stats() Stats {
	st := s.state.Load()
	return Stats{
		Rows: st.rows, Records: st.records, Rejected: st.rejected, NextOffset: st.next,
		MaxEventMicros: st.maxEvent, MaxArrivalMicros: st.maxArrival,
		Bytes: s.Bytes(), PackedBytes: s.PackedBytes(), Sealed: s.sealed.Load(),
	}
}

// Metadata describes the published rows. It is that of a fresh Snapshot.
func (s *Segment) Metadata() *segment.Metadata { return s.state.Load().metadata() }
