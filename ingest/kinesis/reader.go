package kinesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/alluviumdb/alluvium/ingest"
)

// Timing of polls. A shard allows five reads a second to all its readers
// together.
const (
	pollInterval = 210 * time.Millisecond
	minPause     = 100 * time.Millisecond
	maxPause     = 10 * time.Second
	// sureWindow is how long after it was at the end of a shard a reader is
	// sure that nothing behind its position was trimmed: Kinesis keeps records
	// for a day at least.
	sureWindow = 12 * time.Hour
)

// reader polls one shard.
//
// Asked for a record that was trimmed, Kinesis silently begins at the oldest
// one still held, so a loss would stay unseen. The reader therefore never asks
// for what is behind a record, but for the record itself, and expects it as the
// first answer: if another one comes, it and perhaps some behind it are gone,
// which is reported as out of range. This errs on the side of reporting: a shard
// that was idle for longer than its retention lost nothing, but nobody can tell.
type reader struct {
	src       *Source
	partition uint32
	shard     string
	next      ingest.Offset
	iterator  *string
	// expected is the sequence number that the iterator's first record must
	// have, "" for any; skip tells that the record was read before.
	expected string
	skip     bool
	// atEnd is when the reader was last known to have read everything.
	atEnd    time.Time
	lastPoll time.Time
	ended    bool
	batch    ingest.RawBatch
	seqs     []string
}

// Open begins to read a shard at an offset.
func (s *Source) Open(_ context.Context, partition uint32, from ingest.Offset) (ingest.Reader, error) {
	if _, err := decodeOffset(from); err != nil {
		return nil, err
	}
	r := &reader{src: s, partition: partition, shard: s.shardID(partition), next: from}
	r.batch.Offset = r.offset
	return r, nil
}

// Close ends the reader.
func (r *reader) Close() error { return nil }

// offset returns the offset of a record of the last batch.
func (r *reader) offset(i int) ingest.Offset {
	o, err := sequenceOffset(r.seqs[i], 0)
	if err != nil {
		return r.next
	}
	return o
}

// Fetch waits for records.
func (r *reader) Fetch(ctx context.Context) (*ingest.RawBatch, error) {
	for attempt := 0; ; {
		if r.ended {
			return nil, ingest.ErrEndOfPartition
		}
		b, err := r.poll(ctx)
		switch {
		case ctx.Err() != nil && b == nil:
			return nil, ctx.Err()
		case err == nil && b != nil:
			return b, nil
		case err == nil:
			attempt = 0
			continue
		case isFinal(err):
			return nil, err
		}
		attempt++
		r.report(attempt, err)
		if err := pause(ctx, backoff(attempt)); err != nil {
			return nil, err
		}
	}
}

// backoff doubles from try to try, and scatters, so that the shards of a stream
// do not come back together.
func backoff(attempt int) time.Duration {
	d := min(minPause<<min(attempt-1, 8), maxPause)
	return d*3/4 + rand.N(d/2)
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

// isFinal tells errors that waiting does not mend.
func isFinal(err error) bool {
	var gone *ingest.OutOfRangeError
	return errors.As(err, &gone) || errors.Is(err, ingest.ErrUnknownPartition)
}

func (r *reader) report(attempt int, err error) {
	if r.src.events == nil {
		return
	}
	if isThrottle(err) {
		r.src.events.Throttled(r.partition)
		return
	}
	r.src.events.FetchRetry(r.partition, attempt, err)
}

// poll makes one GetRecords, not more often than the shard allows. It returns
// nil without an error when there was nothing.
func (r *reader) poll(ctx context.Context) (*ingest.RawBatch, error) {
	if wait := r.src.interval - time.Since(r.lastPoll); wait > 0 {
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
	}
	if r.iterator == nil {
		if err := r.seek(ctx); err != nil {
			return nil, err
		}
	}
	r.lastPoll = time.Now()
	out, err := r.src.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: r.iterator, Limit: &r.src.limit})
	if err != nil {
		return nil, r.pollError(err)
	}
	return r.take(out)
}

// pollError gives up an iterator that is of no use any more: the next poll gets
// one from the position reached. An expired one is no fault.
func (r *reader) pollError(err error) error {
	var expired *types.ExpiredIteratorException
	var invalid *types.InvalidArgumentException
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &expired):
		r.iterator = nil
		return nil
	case errors.As(err, &invalid), errors.As(err, &missing):
		r.iterator = nil
	}
	return err
}

// seek gets an iterator at the position reached.
func (r *reader) seek(ctx context.Context) error {
	p, err := decodeOffset(r.next)
	if err != nil {
		return err
	}
	in := &kinesis.GetShardIteratorInput{StreamName: &r.src.stream, ShardId: &r.shard}
	r.expected, r.skip = "", false
	switch {
	case p.isHorizon():
		in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
	case p.isTime():
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, aws.Time(p.time())
	case p.sub == subLost, p.sub > 0 && time.Since(r.atEnd) < sureWindow:
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, aws.String(p.seq.String())
	default:
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAtSequenceNumber, aws.String(p.seq.String())
		r.expected, r.skip = p.seq.String(), p.sub > 0
	}
	out, err := r.src.client.GetShardIterator(ctx, in)
	if err != nil {
		return r.seekError(ctx, p, err)
	}
	r.iterator = out.ShardIterator
	return nil
}

// seekError tells a sequence number that the stream does not hold, or a shard
// that is gone, from passing faults.
func (r *reader) seekError(ctx context.Context, p position, err error) error {
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return fmt.Errorf("kinesis: shard %s: %w: %w", r.shard, ingest.ErrUnknownPartition, err)
	}
	var invalid *types.InvalidArgumentException
	if !errors.As(err, &invalid) || p.isHorizon() || p.isTime() {
		return err
	}
	earliest, ferr := r.firstOffset(ctx)
	if ferr != nil || earliest <= r.next {
		return err
	}
	return r.outOfRange(earliest)
}

// outOfRange tells that what lies between the position and earliest is not, or
// may not be, in the stream any more. Kinesis does not say how much that was.
func (r *reader) outOfRange(earliest ingest.Offset) error {
	return &ingest.OutOfRangeError{Wanted: r.next, Earliest: earliest, Latest: timestampOffset(r.src.now().UnixMilli()), Missing: -1}
}

// firstOffset returns the offset of the oldest record still held.
func (r *reader) firstOffset(ctx context.Context) (ingest.Offset, error) {
	it, err := r.src.client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: &r.src.stream, ShardId: &r.shard,
		ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		return "", err
	}
	out, err := r.src.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator, Limit: aws.Int32(1)})
	if err != nil {
		return "", err
	}
	if len(out.Records) == 0 {
		return "", errors.New("the shard holds no record")
	}
	return sequenceOffset(aws.ToString(out.Records[0].SequenceNumber), 0)
}

// take turns an answer into the batch, nil when it held nothing new.
func (r *reader) take(out *kinesis.GetRecordsOutput) (*ingest.RawBatch, error) {
	records, err := r.verify(out.Records, out.NextShardIterator == nil)
	if err != nil {
		return nil, err
	}
	r.iterator = out.NextShardIterator
	r.ended = out.NextShardIterator == nil
	behind := aws.ToInt64(out.MillisBehindLatest)
	if behind == 0 {
		r.atEnd = time.Now()
	}
	if len(records) == 0 {
		return nil, nil
	}
	next, err := sequenceOffset(aws.ToString(records[len(records)-1].SequenceNumber), 1)
	if err != nil {
		return nil, err
	}
	r.next = next
	b := &r.batch
	b.Records, r.seqs = b.Records[:0], r.seqs[:0]
	for i := range records {
		rec := &records[i]
		b.Records = append(b.Records, ingest.Record{
			Key: []byte(aws.ToString(rec.PartitionKey)), Value: rec.Data, Timestamp: aws.ToTime(rec.ApproximateArrivalTimestamp).UnixMicro(),
		})
		r.seqs = append(r.seqs, aws.ToString(rec.SequenceNumber))
	}
	b.Next, b.HighWatermark, b.Lag, b.LagMillis = next, "", -1, behind
	if behind == 0 {
		b.Lag = 0
	}
	return b, nil
}

// verify checks that the first records of an iterator begin with the one that
// it was made for, and drops that if it was read before. In a closed shard that
// has nothing left, the record was trimmed too.
func (r *reader) verify(records []types.Record, last bool) ([]types.Record, error) {
	if r.expected == "" || len(records) == 0 && !last {
		return records, nil
	}
	if len(records) == 0 {
		behind, err := sequenceOffset(r.expected, subLost)
		if err != nil {
			return nil, err
		}
		return nil, r.outOfRange(behind)
	}
	first := aws.ToString(records[0].SequenceNumber)
	if first != r.expected {
		earliest, err := sequenceOffset(first, 0)
		if err != nil {
			return nil, err
		}
		return nil, r.outOfRange(earliest)
	}
	r.expected = ""
	if r.skip {
		return records[1:], nil
	}
	return records, nil
}
