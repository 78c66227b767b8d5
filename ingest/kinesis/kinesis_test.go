package kinesis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/goleak"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/ingest/kinesis/kinesisfake"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bed is a Kinesis stand-in with one stream, and a source over it.
type bed struct {
	t      testing.TB
	ctx    context.Context
	fake   *kinesisfake.Server
	stream string
	client *kinesis.Client
	events *recorder
	clock  *clock
	src    *Source
}

// startMillis is when the clock of a bed begins.
const startMillis = 1_700_000_000_000

// clock is a clock that stands unless it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newBed(t testing.TB, shards int) *bed {
	t.Helper()
	fake, err := kinesisfake.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fake.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	b := &bed{t: t, ctx: ctx, fake: fake, stream: "events", events: &recorder{}, clock: &clock{now: time.UnixMilli(startMillis)}}
	fake.SetClock(b.clock.Now)
	b.src, _, err = Open(ctx, &schema.StreamConfig{Kind: "kinesis", Topic: b.stream, Properties: map[string]string{
		"region": "us-east-1", "endpoint": fake.URL(), "accessKey": "k", "secretKey": "s",
	}}, b.events)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.src.Close() })
	b.src.now = b.clock.Now
	b.src.interval = time.Millisecond
	b.client = b.src.client
	b.create(shards)
	return b
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) create(shards int) {
	b.t.Helper()
	_, err := b.client.CreateStream(b.ctx, &kinesis.CreateStreamInput{StreamName: &b.stream, ShardCount: aws.Int32(int32(shards))})
	b.must(err)
}

// put adds records named first..first+n-1 to the shard of the lowest hash keys,
// one each second, and returns their sequence numbers.
func (b *bed) put(first, n int) []string {
	b.t.Helper()
	var seqs []string
	for i := range n {
		b.clock.advance(time.Second)
		out, err := b.client.PutRecord(b.ctx, &kinesis.PutRecordInput{StreamName: &b.stream, Data: []byte(strconv.Itoa(first + i)),
			PartitionKey: aws.String("k" + strconv.Itoa(first+i)), ExplicitHashKey: aws.String("0")})
		b.must(err)
		seqs = append(seqs, *out.SequenceNumber)
	}
	return seqs
}

// trim lets a day pass, and the first n records that were put with it.
func (b *bed) trim(n int) {
	b.clock.advance(25 * time.Hour)
	b.fake.Trim(b.stream, time.UnixMilli(startMillis).Add(time.Duration(n)*time.Second+time.Millisecond))
}

func (b *bed) open(partition uint32, from ingest.Offset) ingest.Reader {
	b.t.Helper()
	r, err := b.src.Open(b.ctx, partition, from)
	b.must(err)
	b.t.Cleanup(func() { r.Close() })
	return r
}

func (b *bed) at(text string) ingest.Offset {
	b.t.Helper()
	o, err := b.src.ParseOffset(text)
	b.must(err)
	return o
}

// read fetches until n records came.
func (b *bed) read(r ingest.Reader, n int) (values []string, last *ingest.RawBatch) {
	b.t.Helper()
	for len(values) < n {
		batch, err := r.Fetch(b.ctx)
		if err != nil {
			b.t.Fatalf("after %d of %d records: %v", len(values), n, err)
		}
		for i, rec := range batch.Records {
			values = append(values, string(rec.Value))
			if o := batch.Offset(i); o >= batch.Next {
				b.t.Errorf("record %s is not before %s", b.src.FormatOffset(o), b.src.FormatOffset(batch.Next))
			}
		}
		last = batch
	}
	return values, last
}

// lost expects the next fetch to find records missing, and returns the error.
func (b *bed) lost(r ingest.Reader) *ingest.OutOfRangeError {
	b.t.Helper()
	batch, err := r.Fetch(b.ctx)
	var out *ingest.OutOfRangeError
	if !errors.As(err, &out) {
		b.t.Fatalf("got %v, %v", batch, err)
	}
	if out.Earliest <= out.Wanted || out.Missing != -1 {
		b.t.Errorf("wanted %s, earliest %s, missing %d", b.src.FormatOffset(out.Wanted), b.src.FormatOffset(out.Earliest), out.Missing)
	}
	return out
}

// recorder keeps what a source reported.
type recorder struct {
	mu                  sync.Mutex
	retries, throttled  int
	partitionsChangedTo []int
}

func (r *recorder) FetchRetry(uint32, int, error) { r.mu.Lock(); r.retries++; r.mu.Unlock() }

func (r *recorder) Throttled(uint32) { r.mu.Lock(); r.throttled++; r.mu.Unlock() }

func (r *recorder) retryCount() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.retries
}

func (r *recorder) PartitionsChanged(n int) {
	r.mu.Lock()
	r.partitionsChangedTo = append(r.partitionsChangedTo, n)
	r.mu.Unlock()
}

func numbers(first, n int) []string {
	var out []string
	for i := range n {
		out = append(out, strconv.Itoa(first+i))
	}
	return out
}

func expect(t testing.TB, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestReaderReadsInOrder(t *testing.T) {
	b := newBed(t, 1)
	b.put(0, 25)
	b.src.limit = 10
	r := b.open(0, trimHorizon)
	values, last := b.read(r, 25)
	expect(t, "values", values, numbers(0, 25))
	expect(t, "lag", []int64{last.Lag, last.LagMillis}, []int64{0, 0})
	b.put(25, 3)
	values, last = b.read(r, 3)
	expect(t, "values", values, numbers(25, 3))
	expect(t, "key", string(last.Records[len(last.Records)-1].Key), "k27")

	// A second reader goes on where the first stood.
	b.put(28, 2)
	values, _ = b.read(b.open(0, last.Next), 2)
	expect(t, "values", values, numbers(28, 2))
}

func TestBehindIsTold(t *testing.T) {
	b := newBed(t, 1)
	b.put(0, 2)
	b.clock.advance(90 * time.Second)
	b.src.limit = 1
	batch, err := b.open(0, trimHorizon).Fetch(b.ctx)
	b.must(err)
	expect(t, "lag", batch.Lag, -1)
	if batch.LagMillis < 90_000 || batch.LagMillis > 91_000 {
		t.Errorf("behind by %d ms", batch.LagMillis)
	}
	expect(t, "timestamp", batch.Records[0].Timestamp, (startMillis+1000)*1000)
}

func TestStartPositions(t *testing.T) {
	b := newBed(t, 1)
	seqs := b.put(0, 6)
	f := func(start ingest.Start, want ...string) {
		t.Helper()
		from, err := b.src.Resolve(b.ctx, 0, start)
		b.must(err)
		values, _ := b.read(b.open(0, from), len(want))
		expect(t, fmt.Sprint(start), values, want)
	}
	f(ingest.Start{Kind: ingest.StartEarliest}, numbers(0, 6)...)
	f(ingest.Start{Kind: ingest.StartTimestamp, Timestamp: startMillis + 4000}, "3", "4", "5")
	f(ingest.Start{Kind: ingest.StartTimestamp, Timestamp: startMillis + 4001}, "4", "5")
	f(ingest.Start{Kind: ingest.StartExplicit, Offset: seqs[3]}, "3", "4", "5")
	f(ingest.Start{Kind: ingest.StartExplicit, Offset: seqs[3] + "+"}, "4", "5")

	b.clock.advance(time.Second)
	latest, err := b.src.Resolve(b.ctx, 0, ingest.Start{Kind: ingest.StartLatest})
	b.must(err)
	b.put(6, 1)
	values, _ := b.read(b.open(0, latest), 1)
	expect(t, "latest", values, numbers(6, 1))
}

func TestThrottlingIsWaitedOut(t *testing.T) {
	b := newBed(t, 1)
	b.put(0, 3)
	b.fake.Fail("GetRecords", 1, "ProvisionedThroughputExceededException")
	b.fake.Fail("GetRecords", 1, "KMSThrottlingException")
	values, _ := b.read(b.open(0, trimHorizon), 3)
	expect(t, "values", values, numbers(0, 3))
	expect(t, "throttled", b.events.throttled, 2)
	expect(t, "retries", b.events.retries, 0)
}

func TestFaultsAreRetried(t *testing.T) {
	b := newBed(t, 1)
	b.put(0, 3)
	b.fake.Fail("GetShardIterator", 1, "InternalFailure")
	b.fake.Fail("GetRecords", 1, "InternalFailure")
	values, _ := b.read(b.open(0, trimHorizon), 3)
	expect(t, "values", values, numbers(0, 3))
	expect(t, "retries", b.events.retries, 2)
}

func TestImpatientFetchesGetRecords(t *testing.T) {
	b := newBed(t, 1)
	b.put(0, 3)
	b.fake.SetDelay(30 * time.Millisecond)
	r := b.open(0, trimHorizon)
	for {
		ctx, cancel := context.WithTimeout(b.ctx, 2*time.Millisecond)
		batch, err := r.Fetch(ctx)
		cancel()
		if err == nil {
			expect(t, "records", len(batch.Records), 3)
			break
		}
		b.must(b.ctx.Err())
	}
	if n := b.fake.Calls("GetShardIterator"); n != 1 {
		t.Errorf("%d iterators", n)
	}
}

func TestReadRateStaysBelowTheLimit(t *testing.T) {
	b := newBed(t, 1)
	b.fake.LimitReads()
	b.src.interval = pollInterval
	b.put(0, 1)
	r := b.open(0, trimHorizon)
	b.read(r, 1)
	ctx, cancel := context.WithTimeout(b.ctx, 2200*time.Millisecond)
	defer cancel()
	if _, err := r.Fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if n := b.events.throttled; n > 0 {
		t.Errorf("throttled %d times", n)
	}
	if n := b.fake.Calls("GetRecords"); n < 8 {
		t.Errorf("only %d reads in 2.2 s", n)
	}
}

func TestExpiredIteratorIsReplaced(t *testing.T) {
	b := newBed(t, 1)
	b.src.limit = 2
	b.put(0, 6)
	r := b.open(0, trimHorizon)
	b.read(r, 2)
	b.fake.ExpireIterators()
	values, _ := b.read(r, 4)
	expect(t, "values", values, numbers(2, 4))
	b.fake.ExpireIterators() // at the end
	b.put(6, 1)
	values, _ = b.read(r, 1)
	expect(t, "values", values, numbers(6, 1))
	expect(t, "retries", b.events.retries, 0)
}

func (b *bed) split(shard string) {
	b.t.Helper()
	// Half of the keys of a stream of one shard.
	_, err := b.client.SplitShard(b.ctx, &kinesis.SplitShardInput{StreamName: &b.stream, ShardToSplit: &shard,
		NewStartingHashKey: aws.String("170141183460469231731687303715884105728")})
	b.must(err)
}

func (b *bed) partitions() []ingest.Partition {
	b.t.Helper()
	parts, err := b.src.Partitions(b.ctx)
	b.must(err)
	return parts
}

func TestReshardingParentsBeforeChildren(t *testing.T) {
	b := newBed(t, 1)
	b.fake.SetPageSize(2)
	expect(t, "partitions", b.partitions(), "[{0 shardId-000000000000 [] false}]")
	b.put(0, 3)
	b.split("shardId-000000000000")
	b.put(3, 2)
	expect(t, "after the split", b.partitions(),
		"[{0 shardId-000000000000 [] true} {1 shardId-000000000001 [0] false} {2 shardId-000000000002 [0] false}]")
	_, err := b.client.MergeShards(b.ctx, &kinesis.MergeShardsInput{StreamName: &b.stream,
		ShardToMerge: aws.String("shardId-000000000001"), AdjacentShardToMerge: aws.String("shardId-000000000002")})
	b.must(err)
	b.put(5, 2)
	expect(t, "after the merge", b.partitions()[3], "{3 shardId-000000000003 [1 2] false}")
	expect(t, "events", b.events.partitionsChangedTo, []int{3, 4})

	f := func(partition uint32, want []string) {
		t.Helper()
		r := b.open(partition, trimHorizon)
		values, last := b.read(r, len(want))
		expect(t, "values", values, want)
		if partition == 3 {
			return // open
		}
		if _, err := r.Fetch(b.ctx); !errors.Is(err, ingest.ErrEndOfPartition) {
			t.Errorf("end of %d: %v", partition, err)
		}
		if last == nil {
			return
		}
		// The end is found again by a new reader.
		if _, err := b.open(partition, last.Next).Fetch(b.ctx); !errors.Is(err, ingest.ErrEndOfPartition) {
			t.Errorf("end of %d by a new reader: %v", partition, err)
		}
	}
	f(0, numbers(0, 3))
	f(1, numbers(3, 2))
	f(2, nil)
	f(3, numbers(5, 2))
}

func TestEmptyReadsOfASparseShard(t *testing.T) {
	b := newBed(t, 1)
	b.put(0, 5)
	b.src.limit = 2
	_, last := b.read(b.open(0, trimHorizon), 2)
	b.fake.ReadEmpty(b.stream, 3)
	values, _ := b.read(b.open(0, last.Next), 3)
	expect(t, "values", values, numbers(2, 3))
}

func TestUnknownShard(t *testing.T) {
	b := newBed(t, 1)
	if _, err := b.open(7, trimHorizon).Fetch(b.ctx); !errors.Is(err, ingest.ErrUnknownPartition) {
		t.Errorf("got %v", err)
	}
}

func TestRetention(t *testing.T) {
	b := newBed(t, 1)
	ms, err := b.src.RetentionMillis(b.ctx)
	b.must(err)
	expect(t, "retention", ms, 24*time.Hour.Milliseconds())
}

func TestOptionsRefuse(t *testing.T) {
	f := func(topic string, props map[string]string) {
		t.Helper()
		if _, _, err := readOptions(&schema.StreamConfig{Topic: topic, Properties: props}); err == nil {
			t.Errorf("%q %v was taken", topic, props)
		}
	}
	f("", nil)
	f("s", map[string]string{"accessKey": "k"})
	f("s", map[string]string{"stream.kinesis.maxRecordsToFetch": "0"})
	f("s", map[string]string{"iamRoleBasedAccessEnabled": "true"})
	f("s", map[string]string{"shardIteratorType": "AT_TIMESTAMP"})
	_, warnings, err := readOptions(&schema.StreamConfig{Topic: "s", Properties: map[string]string{"region": "x", "stream.kinesis.endpoint": "y", "shardIteratorType": "LATEST", "surprise": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "warnings", warnings, "[stream property surprise has no effect]")
}

func TestRegionIsNeeded(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	f := func(want bool, props map[string]string) {
		t.Helper()
		src, _, err := Open(context.Background(), &schema.StreamConfig{Topic: "s", Properties: props}, nil)
		if (err == nil) != want {
			t.Errorf("%v: %v", props, err)
		}
		if err == nil {
			src.Close()
		}
	}
	f(false, nil)
	f(true, map[string]string{"endpoint": "http://127.0.0.1:1"})
	f(true, map[string]string{"stream.kinesis.region": "eu-west-1"})
}
