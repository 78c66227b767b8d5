package kinesis

import (
	"context"
	"errors"
	"fmt"
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
)

// reader polls one shard.
type reader struct {
	src       *Source
	partition uint32
	shard     string
	next      ingest.Offset
	iterator  *string
	lastPoll  time.Time
	ended     bool
	batch     ingest.RawBatch
	seqs      []string
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
	o, err := sequenceOffset(r.seqs[i], false)
	if err != nil {
		return r.next
	}
	return o
}

// Fetch waits for records. A batch without records is returned where time
// passed and the position is known to be at the end.
func (r *reader) Fetch(ctx context.Context) (*ingest.RawBatch, error) {
	for attempt := 0; ; {
		if r.ended {
			return nil, ingest.ErrEndOfPartition
		}
		b, err := r.poll(ctx)
		switch {
		case ctx.Err() != nil:
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
		if err := pause(ctx, min(minPause<<min(attempt, 7), maxPause)); err != nil {
			return nil, err
		}
	}
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
	if wait := pollInterval - time.Since(r.lastPoll); wait > 0 {
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
		var expired *types.ExpiredIteratorException
		if errors.As(err, &expired) {
			r.iterator = nil // a new one from the position reached
			return nil, nil
		}
		return nil, err
	}
	r.iterator = out.NextShardIterator
	r.ended = out.NextShardIterator == nil
	return r.take(out)
}

// seek gets an iterator at the position reached.
func (r *reader) seek(ctx context.Context) error {
	p, err := decodeOffset(r.next)
	if err != nil {
		return err
	}
	in := &kinesis.GetShardIteratorInput{StreamName: &r.src.stream, ShardId: &r.shard}
	switch {
	case p.isHorizon():
		in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
	case p.isTime():
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, aws.Time(p.time())
	case p.after:
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, aws.String(p.seq.String())
	default:
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAtSequenceNumber, aws.String(p.seq.String())
	}
	out, err := r.src.client.GetShardIterator(ctx, in)
	if err != nil {
		return r.seekError(ctx, p, err)
	}
	r.iterator = out.ShardIterator
	return nil
}

// seekError tells a sequence number that was trimmed, or a shard that is gone,
// from passing faults.
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
	return sequenceOffset(aws.ToString(out.Records[0].SequenceNumber), false)
}

// take turns records into the batch.
func (r *reader) take(out *kinesis.GetRecordsOutput) (*ingest.RawBatch, error) {
	behind := aws.ToInt64(out.MillisBehindLatest)
	if len(out.Records) == 0 {
		return nil, nil
	}
	b := &r.batch
	b.Records, r.seqs = b.Records[:0], r.seqs[:0]
	for i := range out.Records {
		rec := &out.Records[i]
		b.Records = append(b.Records, ingest.Record{
			Key: []byte(aws.ToString(rec.PartitionKey)), Value: rec.Data, Timestamp: aws.ToTime(rec.ApproximateArrivalTimestamp).UnixMicro(),
		})
		r.seqs = append(r.seqs, aws.ToString(rec.SequenceNumber))
	}
	next, err := sequenceOffset(r.seqs[len(r.seqs)-1], true)
	if err != nil {
		return nil, err
	}
	r.next = next
	b.Next, b.HighWatermark, b.Lag, b.LagMillis = next, "", -1, behind
	if behind == 0 {
		b.Lag = 0
	}
	return b, nil
}
