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

const (
	// pollInterval is the least time between two reads: a shard allows five a
	// second to all its readers together.
	pollInterval = 210 * time.Millisecond
	// callTimeout bounds one call, for connections that died silently.
	callTimeout = 30 * time.Second
	// idleSeconds is how often a reader at the end of a shard tells so.
	idleSeconds = 60
	// leastRetention is how long any stream keeps its records, and clockSlack
	// what its clock may differ from ours.
	leastRetention = 24 * time.Hour
	clockSlack     = 10 * time.Minute
)

// poller reads one shard, in one goroutine.
//
// Asked for a position whose records were trimmed, Kinesis silently begins at
// the oldest one still held, so a loss would stay unseen. The position therefore
// tells until when everything was read. If that is longer ago than the stream
// keeps records, the poller does not ask for what is behind the last record, but
// for that record itself, and expects it as the first answer: if another one
// comes, records may be missing, which is reported as out of range. This errs on
// the side of reporting: nobody can tell what an idle shard did not hold.
type poller struct {
	src       *Source
	partition uint32
	shard     string
	at        position
	iterator  *string
	ended     bool
	lastPoll  time.Time

	// check tells that the first answer of the iterator is to be verified: it
	// must begin with the record expected, which is dropped if skip is set;
	// with none expected, any record shows that others may be missing.
	check    bool
	expected string
	skip     bool

	told   uint32 // the end's time in the last batch without records
	behind bool   // the last batch was not at the shard's end
}

// poll makes one GetRecords, not more often than the shard allows. It returns
// nil without an error when there is nothing to tell.
func (p *poller) poll(ctx context.Context) (*ingest.RawBatch, error) {
	if wait := p.src.interval - time.Since(p.lastPoll); wait > 0 {
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if p.iterator == nil {
		if err := p.seek(ctx); err != nil {
			return nil, err
		}
	}
	p.lastPoll = time.Now()
	out, err := p.src.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: p.iterator, Limit: &p.src.limit})
	if err != nil {
		return nil, p.pollError(err)
	}
	return p.take(out)
}

// pollError gives up an iterator that is of no use any more: the next poll gets
// one from the position reached. An expired one is no fault.
func (p *poller) pollError(err error) error {
	var expired *types.ExpiredIteratorException
	var invalid *types.InvalidArgumentException
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &expired):
		p.iterator = nil
		return nil
	case errors.As(err, &invalid), errors.As(err, &missing):
		p.iterator = nil
	}
	return err
}

// seek gets an iterator at the position reached.
func (p *poller) seek(ctx context.Context) error {
	doubt, err := p.doubtful(ctx)
	if err != nil {
		return err
	}
	p.check, p.expected, p.skip = doubt, "", false
	in := &kinesis.GetShardIteratorInput{StreamName: &p.src.stream, ShardId: &p.shard}
	switch {
	case p.at.isHorizon():
		in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
	case p.at.isTime():
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, aws.Time(p.at.time())
	case p.at.sub > 0 && !doubt:
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, aws.String(p.at.seq.String())
	default:
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAtSequenceNumber, aws.String(p.at.seq.String())
		p.expected, p.skip = p.at.seq.String(), p.at.sub > 0
	}
	out, err := p.src.client.GetShardIterator(ctx, in)
	if err != nil {
		return p.seekError(ctx, err)
	}
	p.iterator = out.ShardIterator
	return nil
}

// doubtful tells whether records behind the position may have been trimmed: it
// was last known to be complete longer ago than the stream keeps records, or
// nothing is known of it.
func (p *poller) doubtful(ctx context.Context) (bool, error) {
	known := p.at.known()
	if known == 0 {
		return !p.at.isHorizon(), nil
	}
	age := p.src.now().Sub(time.Unix(known, 0)) + clockSlack
	if age < leastRetention {
		return false, nil
	}
	keep, err := p.src.RetentionMillis(ctx)
	return age.Milliseconds() > keep, err
}

// seekError tells a sequence number that the stream does not hold, or a shard
// that is gone, from passing faults.
func (p *poller) seekError(ctx context.Context, err error) error {
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return p.missing(ctx, err)
	}
	var invalid *types.InvalidArgumentException
	if !errors.As(err, &invalid) || p.at.isHorizon() || p.at.isTime() {
		return err
	}
	first, ferr := p.first(ctx)
	if ferr != nil || first.offset() <= p.at.offset() {
		return err
	}
	return p.outOfRange(first)
}

// missing tells a shard that is gone from a stream that is, which may be made
// anew.
func (p *poller) missing(ctx context.Context, err error) error {
	shards, lerr := p.src.listShards(ctx)
	if lerr != nil {
		return err
	}
	for _, sh := range shards {
		if aws.ToString(sh.ShardId) == p.shard {
			return err
		}
	}
	return fmt.Errorf("kinesis: shard %s: %w: %w", p.shard, ingest.ErrUnknownPartition, err)
}

// first returns the position of the oldest record still held.
func (p *poller) first(ctx context.Context) (position, error) {
	it, err := p.src.client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: &p.src.stream, ShardId: &p.shard,
		ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		return position{}, err
	}
	out, err := p.src.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator, Limit: aws.Int32(1)})
	if err != nil {
		return position{}, err
	}
	if len(out.Records) == 0 {
		return position{}, errors.New("the shard holds no record")
	}
	return sequencePosition(aws.ToString(out.Records[0].SequenceNumber))
}

// outOfRange tells that what lies between the position and earliest is not, or
// may not be, in the stream any more. Kinesis does not say how much that was.
func (p *poller) outOfRange(earliest position) error {
	return &ingest.OutOfRangeError{
		Wanted: p.at.offset(), Earliest: earliest.offset(), Latest: timePosition(p.src.now().UnixMilli()).offset(), Missing: -1,
	}
}

// verify checks what came first from an iterator in doubt. In a closed shard
// that has nothing left, the expected record was trimmed too.
func (p *poller) verify(records []types.Record, last bool) ([]types.Record, error) {
	if !p.check || len(records) == 0 && !last {
		return records, nil
	}
	if len(records) == 0 {
		end := p.at
		end.seen = p.nowSeconds()
		return nil, p.outOfRange(end)
	}
	if first := aws.ToString(records[0].SequenceNumber); first != p.expected {
		earliest, err := sequencePosition(first)
		if err != nil {
			return nil, err
		}
		return nil, p.outOfRange(earliest)
	}
	p.check = false
	if p.skip {
		return records[1:], nil
	}
	return records, nil
}

func (p *poller) nowSeconds() uint32 { return uint32(p.src.now().Unix()) }

// take turns an answer into a batch, nil when there is nothing to tell.
func (p *poller) take(out *kinesis.GetRecordsOutput) (*ingest.RawBatch, error) {
	records, err := p.verify(out.Records, out.NextShardIterator == nil)
	if err != nil {
		return nil, err
	}
	p.iterator = out.NextShardIterator
	p.ended = out.NextShardIterator == nil
	behind := aws.ToInt64(out.MillisBehindLatest)
	if len(records) == 0 {
		return p.idle(behind), nil
	}
	last := &records[len(records)-1]
	at, err := sequencePosition(aws.ToString(last.SequenceNumber))
	if err != nil {
		return nil, err
	}
	at.sub, at.seen = 1, uint32(max(aws.ToTime(last.ApproximateArrivalTimestamp).Unix(), 0))
	p.at = at
	b := newBatch(records)
	p.finish(b, behind)
	return b, nil
}

// idle takes an answer without records. It returns a batch when the reader has
// just reached the shard's end, or has been there for some time.
func (p *poller) idle(behind int64) *ingest.RawBatch {
	if behind > 0 || p.check || p.ended {
		return nil
	}
	p.at.seen = max(p.at.seen, p.nowSeconds())
	if !p.behind && p.at.seen-p.told < idleSeconds {
		return nil
	}
	b := &ingest.RawBatch{}
	p.finish(b, behind)
	return b
}

func (p *poller) finish(b *ingest.RawBatch, behind int64) {
	b.Next, b.Lag, b.LagMillis = p.at.offset(), -1, behind
	if p.behind = behind > 0; !p.behind {
		b.Lag = 0
	}
	p.told = p.at.seen
}

func newBatch(records []types.Record) *ingest.RawBatch {
	b := &ingest.RawBatch{Records: make([]ingest.Record, len(records))}
	for i := range records {
		r := &records[i]
		b.Records[i] = ingest.Record{
			Key: []byte(aws.ToString(r.PartitionKey)), Value: r.Data, Timestamp: aws.ToTime(r.ApproximateArrivalTimestamp).UnixMicro(),
		}
	}
	b.Offset = func(i int) ingest.Offset {
		at, err := sequencePosition(aws.ToString(records[i].SequenceNumber))
		if err != nil {
			return ""
		}
		return at.offset()
	}
	return b
}
