// Package servertest has a stream in memory whose faults a test scripts.
package servertest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/ingest"
)

// Stream is a stream in memory. Offsets are record numbers. It is safe for
// concurrent use and implements ingest.Source; Close does not end it.
type Stream struct {
	mu      sync.Mutex
	parts   map[uint32]*partition
	err     error // of every call while set
	changed chan struct{}
}

type partition struct {
	records [][]byte
	first   int // offset of the oldest record held
	closed  bool
	parents []uint32
}

var _ ingest.Source = (*Stream)(nil)

// NewStream returns a stream with partitions 0..n-1.
func NewStream(n int) *Stream {
	s := &Stream{parts: map[uint32]*partition{}, changed: make(chan struct{})}
	for i := range n {
		s.parts[uint32(i)] = &partition{}
	}
	return s
}

// update changes the stream and wakes readers.
func (s *Stream) update(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Add appends records to a partition.
func (s *Stream) Add(part uint32, records ...string) {
	s.update(func() {
		for _, r := range records {
			s.parts[part].records = append(s.parts[part].records, []byte(r))
		}
	})
}

// Replace changes a record that is in the stream already.
func (s *Stream) Replace(part uint32, i int, record string) {
	s.update(func() { s.parts[part].records[i] = []byte(record) })
}

// AddPartition adds a partition that begins when its parents ended.
func (s *Stream) AddPartition(part uint32, parents ...uint32) {
	s.update(func() { s.parts[part] = &partition{parents: parents} })
}

// ClosePartition lets a partition have no more records.
func (s *Stream) ClosePartition(part uint32) { s.update(func() { s.parts[part].closed = true }) }

// Trim drops the records before an offset, as retention does.
func (s *Stream) Trim(part uint32, before int) { s.update(func() { s.parts[part].first = before }) }

// Fail lets every call fail with err until it is called with nil.
func (s *Stream) Fail(err error) { s.update(func() { s.err = err }) }

func offset(n int) ingest.Offset {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	return ingest.Offset(b[:])
}

func number(o ingest.Offset) int { return int(binary.BigEndian.Uint64([]byte(o))) }

// Partitions implements ingest.Source.
func (s *Stream) Partitions(context.Context) ([]ingest.Partition, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []ingest.Partition
	for id, p := range s.parts {
		out = append(out, ingest.Partition{ID: id, Name: strconv.Itoa(int(id)), Parents: p.parents, Closed: p.closed})
	}
	return out, s.err
}

// Resolve implements ingest.Source.
func (s *Stream) Resolve(_ context.Context, part uint32, start ingest.Start) (ingest.Offset, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if start.Kind == ingest.StartLatest {
		return offset(len(s.parts[part].records)), s.err
	}
	return offset(s.parts[part].first), s.err
}

// Bounds implements ingest.Source.
func (s *Stream) Bounds(_ context.Context, part uint32) (earliest, end ingest.Offset, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return offset(s.parts[part].first), offset(len(s.parts[part].records)), s.err
}

// FormatOffset implements ingest.Source.
func (s *Stream) FormatOffset(o ingest.Offset) string { return strconv.Itoa(number(o)) }

// ParseOffset implements ingest.Source.
func (s *Stream) ParseOffset(text string) (ingest.Offset, error) {
	n, err := strconv.Atoi(text)
	return offset(n), err
}

// Distance implements ingest.Source.
func (s *Stream) Distance(from, to ingest.Offset) int64 { return int64(number(to) - number(from)) }

// RetentionMillis implements ingest.Source.
func (s *Stream) RetentionMillis(context.Context) (int64, error) { return 3_600_000, nil }

// Close implements ingest.Source.
func (s *Stream) Close() error { return nil }

// Open implements ingest.Source.
func (s *Stream) Open(_ context.Context, part uint32, from ingest.Offset) (ingest.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parts[part] == nil {
		return nil, fmt.Errorf("partition %d: %w", part, ingest.ErrUnknownPartition)
	}
	return &reader{s: s, part: part, next: number(from)}, s.err
}

type reader struct {
	s    *Stream
	part uint32
	next int
}

// maxBatch keeps batches small, so that thresholds are met closely.
const maxBatch = 50

var errNothing = errors.New("nothing new")

// Fetch implements ingest.Reader.
func (r *reader) Fetch(ctx context.Context) (*ingest.RawBatch, error) {
	for {
		b, wait, err := r.try()
		if !errors.Is(err, errNothing) {
			return b, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (r *reader) try() (*ingest.RawBatch, <-chan struct{}, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	p := r.s.parts[r.part]
	switch end := len(p.records); {
	case r.s.err != nil:
		return nil, nil, r.s.err
	case r.next < p.first:
		return nil, nil, &ingest.OutOfRangeError{Wanted: offset(r.next), Earliest: offset(p.first), Latest: offset(end), Missing: int64(p.first - r.next)}
	case r.next < end:
		return r.batch(p, min(end, r.next+maxBatch)), nil, nil
	case p.closed:
		return nil, nil, ingest.ErrEndOfPartition
	}
	return nil, r.s.changed, errNothing
}

func (r *reader) batch(p *partition, to int) *ingest.RawBatch {
	from := r.next
	b := &ingest.RawBatch{
		Next: offset(to), HighWatermark: offset(len(p.records)), Lag: int64(len(p.records) - to),
		Offset: func(i int) ingest.Offset { return offset(from + i) },
	}
	now := time.Now().UnixMicro()
	for _, v := range p.records[from:to] {
		b.Records = append(b.Records, ingest.Record{Value: v, Timestamp: now})
	}
	r.next = to
	return b
}

// Close implements ingest.Reader.
func (r *reader) Close() error { return nil }
