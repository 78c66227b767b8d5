package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/alluviumdb/alluvium/ingest"
)

// reader reads one partition with a client of its own, so that the fetch
// buffer of one partition never holds back another. The client holds at most
// one fetch that was not polled yet, so a reader's memory is about twice the
// fetch size.
//
// Control records (the ends of transactions) are asked for, and dropped here:
// they carry the position over aborted records and over themselves, without
// which a reader at the end of a transactional topic would seem to lag for ever.
type reader struct {
	src       *Source
	client    *kgo.Client
	partition int32
	next      int64
	records   []ingest.Record
	polled    []*kgo.Record
	batch     ingest.RawBatch
	// attempt counts the failures since the last records; the client reports
	// connections from its own goroutines.
	attempt atomic.Int64
}

var _ kgo.HookBrokerConnect = (*reader)(nil)

// Limits of one fetch. The broker answers as soon as there is a byte, so the
// wait only bounds idle requests.
const (
	fetchMaxWait = 500 * time.Millisecond
	// defaultFetchBytes is used where the stream sets no
	// max.partition.fetch.bytes.
	defaultFetchBytes = 8 << 20
	// maxRecords bounds a batch, and with it what one decode holds.
	maxRecords = 16384
	maxBackoff = 5 * time.Second
)

// Open begins to read a partition at an offset.
func (s *Source) Open(_ context.Context, partition uint32, from ingest.Offset) (ingest.Reader, error) {
	at, err := decodeOffset(from)
	if err != nil {
		return nil, err
	}
	r := &reader{src: s, partition: int32(partition), next: at}
	if err := r.connect(); err != nil {
		return nil, err
	}
	r.batch.Offset = func(i int) ingest.Offset { return encodeOffset(r.polled[i].Offset) }
	return r, nil
}

// connect makes a client that starts at r.next. An offset out of range is an
// error, never a silent reset.
func (r *reader) connect() error {
	opts := append([]kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
			r.src.topic: {r.partition: kgo.NoResetOffset().At(r.next)},
		}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMinBytes(1), kgo.FetchMaxWait(fetchMaxWait),
		kgo.FetchMaxBytes(r.src.fetchBytes), kgo.FetchMaxPartitionBytes(r.src.fetchBytes),
		kgo.KeepRetryableFetchErrors(), kgo.KeepControlRecords(), kgo.WithHooks(r),
	}, r.src.opts...)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	r.client = cl
	return nil
}

// Close ends the reader.
func (r *reader) Close() error {
	r.client.Close()
	return nil
}

// OnBrokerConnect implements kgo.HookBrokerConnect: the client goes on dialing
// by itself while no broker answers, which would otherwise stay unseen.
func (r *reader) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		r.report(err)
	}
}

func (r *reader) report(err error) (attempt int) {
	attempt = int(r.attempt.Add(1))
	if r.src.events != nil {
		r.src.events.FetchRetry(uint32(r.partition), attempt, err)
	}
	return attempt
}

// Fetch waits for records. It returns a batch without records where only the
// ends of transactions were passed.
func (r *reader) Fetch(ctx context.Context) (*ingest.RawBatch, error) {
	for {
		fetches := r.client.PollRecords(ctx, maxRecords)
		// Records come before errors and the end of ctx: what was polled is not
		// polled again, while an error that lasts comes again.
		if b := r.take(fetches); b != nil {
			r.attempt.Store(0)
			return b, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := fetchError(fetches); err != nil {
			if err := r.recover(ctx, err); err != nil {
				return nil, err
			}
		}
	}
}

func fetchError(fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		return e.Err
	}
	return nil
}

// recover decides what an error means: the offset is gone, or the brokers are
// away and the fetch is tried again after a pause, on a new client where the
// old one has given the partition up.
func (r *reader) recover(ctx context.Context, err error) error {
	if errors.Is(err, kerr.OffsetOutOfRange) {
		return r.outOfRange(ctx)
	}
	attempt := r.report(err)
	if err := pause(ctx, min(50*time.Millisecond<<min(attempt, 7), maxBackoff)); err != nil {
		return err
	}
	if kerr.IsRetriable(err) {
		return nil
	}
	r.client.Close()
	return r.connect()
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *reader) outOfRange(ctx context.Context) error {
	earliest, end, err := r.src.Bounds(ctx, uint32(r.partition))
	if err != nil {
		return r.recover(ctx, err)
	}
	e := &ingest.OutOfRangeError{Wanted: encodeOffset(r.next), Earliest: earliest, Latest: end, Missing: -1}
	if first, err := decodeOffset(earliest); err == nil && first > r.next {
		e.Missing = first - r.next
	}
	if last, err := decodeOffset(end); err == nil && e.Missing < 0 && r.next <= last {
		return r.reconnect(ctx) // within range again: the error was of a moment
	}
	return e
}

func (r *reader) reconnect(ctx context.Context) error {
	if err := pause(ctx, 100*time.Millisecond); err != nil {
		return err
	}
	r.client.Close()
	return r.connect()
}

// take turns fetched records into the batch, nil when the position did not
// move.
func (r *reader) take(fetches kgo.Fetches) *ingest.RawBatch {
	r.records, r.polled = r.records[:0], r.polled[:0]
	before, end := r.next, int64(-1)
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		end = max(end, r.src.endOf(&p.FetchPartition))
		r.takeRecords(p.Records)
	})
	if r.next == before {
		return nil
	}
	b := &r.batch
	b.Records, b.Next = r.records, encodeOffset(r.next)
	b.HighWatermark, b.Lag, b.LagMillis = "", -1, -1
	if end >= 0 {
		b.HighWatermark, b.Lag = encodeOffset(max(end, r.next)), max(end-r.next, 0)
	}
	switch {
	case b.Lag == 0:
		b.LagMillis = 0
	case len(r.polled) > 0:
		b.LagMillis = max(time.Since(r.polled[len(r.polled)-1].Timestamp).Milliseconds(), 0)
	}
	return b
}

func (r *reader) takeRecords(records []*kgo.Record) {
	for _, rec := range records {
		if rec.Offset < r.next {
			continue
		}
		r.next = rec.Offset + 1
		if rec.Attrs.IsControl() {
			continue
		}
		r.polled = append(r.polled, rec)
		r.records = append(r.records, ingest.Record{
			Key: rec.Key, Value: rec.Value, Timestamp: rec.Timestamp.UnixMicro(),
		})
	}
}
