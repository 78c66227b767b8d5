package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic = "events"

// bed is a broker in process with one topic, and a source over it.
type bed struct {
	t       testing.TB
	ctx     context.Context
	cluster *kfake.Cluster
	brokers []string
	topic   string
	client  *kgo.Client
	admin   *kadm.Client
	events  *recorder
	src     *Source
}

func newBed(t testing.TB, partitions int32, props map[string]string) *bed {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	b := openBed(t, c.ListenAddrs(), topic, props)
	b.cluster = c
	return b
}

// openBed opens a source and a test client over running brokers.
func openBed(t testing.TB, brokers []string, topic string, props map[string]string) *bed {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	b := &bed{t: t, ctx: ctx, brokers: brokers, topic: topic, events: &recorder{}}
	var err error
	b.client, err = kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.client.Close)
	b.admin = kadm.NewClient(b.client)
	b.src = b.open(props)
	return b
}

func (b *bed) open(props map[string]string) *Source {
	b.t.Helper()
	all := map[string]string{"stream.kafka.broker.list": b.brokers[0]}
	for k, v := range props {
		all[k] = v
	}
	src, warnings, err := Open(b.ctx, &schema.StreamConfig{Kind: "kafka", Topic: b.topic, Properties: all}, b.events)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(warnings) > 0 {
		b.t.Errorf("warnings: %v", warnings)
	}
	b.t.Cleanup(func() { src.Close() })
	return src
}

// produce appends records named first..first+n-1 to partition 0.
func (b *bed) produce(first, n int) {
	b.t.Helper()
	for i := range n {
		rec := &kgo.Record{Value: []byte(strconv.Itoa(first + i)), Timestamp: time.UnixMilli(int64(1000 * (first + i)))}
		if err := b.client.ProduceSync(b.ctx, rec).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bed) reader(from int64) ingest.Reader {
	b.t.Helper()
	r, err := b.src.Open(b.ctx, 0, encodeOffset(from))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { r.Close() })
	return r
}

// read fetches until n records came, and returns their values and the last
// batch's position.
func (b *bed) read(r ingest.Reader, n int) (values []string, next int64) {
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
		next = b.offset(batch.Next)
	}
	return values, next
}

func (b *bed) offset(o ingest.Offset) int64 {
	b.t.Helper()
	n, err := decodeOffset(o)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bed) trim(before int64) {
	b.t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: b.topic, At: before})
	if _, err := b.admin.DeleteRecords(b.ctx, offsets); err != nil {
		b.t.Fatal(err)
	}
}

// recorder keeps what a source reported.
type recorder struct {
	mu      sync.Mutex
	retries int
	changed []int
}

func (r *recorder) FetchRetry(uint32, int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retries++
}

func (r *recorder) PartitionsChanged(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed = append(r.changed, n)
}

func (*recorder) Throttled(uint32) {}

func (r *recorder) retryCount() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.retries
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
	b := newBed(t, 1, nil)
	b.produce(0, 50)
	r := b.reader(20)
	values, next := b.read(r, 30)
	expect(t, "values", values, numbers(20, 30))
	expect(t, "next", next, 50)
	b.produce(50, 3)
	values, next = b.read(r, 3)
	expect(t, "values", values, numbers(50, 3))
	expect(t, "next", next, 53)
}

func TestBatchTellsLagAndTimestamps(t *testing.T) {
	b := newBed(t, 1, nil)
	b.produce(1, 5)
	r := b.reader(0)
	batch, err := r.Fetch(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "timestamp", batch.Records[0].Timestamp, 1_000_000)
	expect(t, "high watermark", b.offset(batch.HighWatermark), 5)
	expect(t, "lag", batch.Lag, 5-b.offset(batch.Next))
	expect(t, "offset", b.offset(batch.Offset(0)), 0)
}

func TestResolve(t *testing.T) {
	b := newBed(t, 1, nil)
	b.produce(0, 10)
	b.trim(2)
	f := func(start ingest.Start, want int64) {
		t.Helper()
		o, err := b.src.Resolve(b.ctx, 0, start)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, fmt.Sprint(start), b.offset(o), want)
	}
	f(ingest.Start{Kind: ingest.StartEarliest}, 2)
	f(ingest.Start{Kind: ingest.StartLatest}, 10)
	f(ingest.Start{Kind: ingest.StartTimestamp, Timestamp: 4000}, 4)
	f(ingest.Start{Kind: ingest.StartTimestamp, Timestamp: 4001}, 5)
	f(ingest.Start{Kind: ingest.StartTimestamp, Timestamp: 99_000}, 10)
	f(ingest.Start{Kind: ingest.StartExplicit, Offset: "7"}, 7)

	if _, err := b.src.Resolve(b.ctx, 9, ingest.Start{}); !errors.Is(err, ingest.ErrUnknownPartition) {
		t.Errorf("partition 9: %v", err)
	}
	for _, bad := range []string{"", "x", "-1", "1.5"} {
		if _, err := b.src.ParseOffset(bad); err == nil {
			t.Errorf("offset %q was taken", bad)
		}
	}
}

func TestBoundsAndRetention(t *testing.T) {
	b := newBed(t, 1, nil)
	b.produce(0, 10)
	b.trim(4)
	earliest, end, err := b.src.Bounds(b.ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "bounds", []int64{b.offset(earliest), b.offset(end)}, []int64{4, 10})
	expect(t, "distance", b.src.Distance(earliest, end), 6)
	ms, err := b.src.RetentionMillis(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "retention", ms, 7*24*time.Hour.Milliseconds())
}

func TestLostOffsetIsReportedNotReset(t *testing.T) {
	b := newBed(t, 1, nil)
	b.produce(0, 10)
	b.trim(6)
	_, err := b.reader(2).Fetch(b.ctx)
	var out *ingest.OutOfRangeError
	if !errors.As(err, &out) {
		t.Fatalf("got %v", err)
	}
	expect(t, "missing", out.Missing, 4)
	expect(t, "bounds", []int64{b.offset(out.Wanted), b.offset(out.Earliest), b.offset(out.Latest)}, []int64{2, 6, 10})
}

func TestOffsetLostWhileReading(t *testing.T) {
	b := newBed(t, 1, nil)
	b.produce(0, 10)
	r := b.reader(0)
	b.read(r, 10)
	r.Close()
	b.produce(10, 10)
	b.trim(15)
	_, err := b.reader(10).Fetch(b.ctx)
	var out *ingest.OutOfRangeError
	if !errors.As(err, &out) {
		t.Fatalf("got %v", err)
	}
	expect(t, "missing", out.Missing, 5)
}

func TestOffsetBeyondTheEnd(t *testing.T) {
	b := newBed(t, 1, nil)
	b.produce(0, 3)
	_, err := b.reader(100).Fetch(b.ctx)
	var out *ingest.OutOfRangeError
	if !errors.As(err, &out) {
		t.Fatalf("got %v", err)
	}
	if out.Earliest > out.Wanted || out.Latest >= out.Wanted || out.Missing != -1 {
		t.Errorf("%+v", out)
	}
}

func TestPartitionGrowthIsNoticed(t *testing.T) {
	b := newBed(t, 2, nil)
	list := func() int {
		t.Helper()
		parts, err := b.src.Partitions(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range parts {
			if p.ID != uint32(i) || p.Name != strconv.Itoa(i) || p.Closed {
				t.Errorf("partition %d: %+v", i, p)
			}
		}
		return len(parts)
	}
	expect(t, "partitions", list(), 2)
	if _, err := b.admin.CreatePartitions(b.ctx, 3, topic); err != nil {
		t.Fatal(err)
	}
	expect(t, "partitions", list(), 5)
	expect(t, "events", b.events.changed, []int{5})
}

func TestUnknownTopic(t *testing.T) {
	b := newBed(t, 1, nil)
	src, _, err := Open(b.ctx, &schema.StreamConfig{Topic: "none", Properties: map[string]string{"stream.kafka.broker.list": b.brokers[0]}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := src.Partitions(b.ctx); err == nil {
		t.Error("a topic that does not exist was listed")
	}
}

// transact produces n records in a transaction and commits or aborts it.
func (b *bed) transact(first, n int, end kgo.TransactionEndTry) {
	b.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.brokers...), kgo.DefaultProduceTopic(b.topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("tx-"+b.topic))
	if err != nil {
		b.t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		b.t.Fatal(err)
	}
	for i := range n {
		if err := cl.ProduceSync(b.ctx, &kgo.Record{Value: []byte(strconv.Itoa(first + i))}).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := cl.EndTransaction(b.ctx, end); err != nil {
		b.t.Fatal(err)
	}
}

func TestTransactions(t *testing.T) { testTransactions(newBed(t, 1, nil)) }

func testTransactions(b *bed) {
	b.produce(0, 2)                  // offsets 0, 1
	b.transact(2, 3, kgo.TryCommit)  // 2..4, marker 5
	b.transact(100, 4, kgo.TryAbort) // 6..9, marker 10
	b.produce(5, 1)                  // 11
	b.transact(200, 2, kgo.TryAbort) // 12, 13, marker 14: the end of the log
	r := b.reader(0)
	values, next := b.read(r, 6)
	expect(b.t, "values", values, numbers(0, 6))
	// The reader passes the aborted records and the markers behind them, or it
	// would seem to lag for ever.
	for next < 15 {
		batch, err := r.Fetch(b.ctx)
		if err != nil {
			b.t.Fatalf("at %d: %v", next, err)
		}
		if len(batch.Records) > 0 {
			b.t.Fatalf("aborted records were delivered: %q", batch.Records[0].Value)
		}
		next = b.offset(batch.Next)
		if next == 15 {
			expect(b.t, "lag", batch.Lag, 0)
		}
	}
}

func TestReadUncommitted(t *testing.T) {
	b := newBed(t, 1, map[string]string{"stream.kafka.isolation.level": "read_uncommitted"})
	b.transact(0, 3, kgo.TryAbort)
	values, _ := b.read(b.reader(0), 3)
	expect(t, "values", values, numbers(0, 3))
}

func TestCompressedTopics(t *testing.T) {
	for name, codec := range map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, 1, nil)
			cl, err := kgo.NewClient(kgo.SeedBrokers(b.brokers...), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(codec))
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			for i := range 200 {
				cl.Produce(b.ctx, kgo.StringRecord(strconv.Itoa(i)), nil)
			}
			if err := cl.Flush(b.ctx); err != nil {
				t.Fatal(err)
			}
			values, _ := b.read(b.reader(0), 200)
			expect(t, "values", values, numbers(0, 200))
		})
	}
}

func TestFetchErrorsAreRetried(t *testing.T) {
	f := func(name string, fault error) {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, 1, nil)
			b.produce(0, 5)
			var left = 3
			b.cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
				b.cluster.KeepControl()
				if left == 0 {
					return nil, nil, false
				}
				left--
				return failFetch(req.(*kmsg.FetchRequest), fault), nil, true
			})
			values, _ := b.read(b.reader(0), 5)
			expect(t, "values", values, numbers(0, 5))
			if b.events.retryCount() == 0 {
				t.Error("no retry was reported")
			}
		})
	}
	f("retriable", kerr.NotLeaderForPartition)
	f("fatal for the client", kerr.TopicAuthorizationFailed)
}

// failFetch answers a fetch with an error for each partition.
func failFetch(req *kmsg.FetchRequest, fault error) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.FetchResponse)
	for _, rt := range req.Topics {
		st := kmsg.NewFetchResponseTopic()
		st.Topic, st.TopicID = rt.Topic, rt.TopicID
		for _, rp := range rt.Partitions {
			sp := kmsg.NewFetchResponseTopicPartition()
			sp.Partition = rp.Partition
			sp.ErrorCode = fault.(*kerr.Error).Code
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}

func TestFetchEndsWithItsContext(t *testing.T) {
	b := newBed(t, 1, nil)
	r := b.reader(0)
	ctx, cancel := context.WithTimeout(b.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := r.Fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	b.produce(0, 2)
	values, _ := b.read(r, 2)
	expect(t, "values", values, numbers(0, 2))
}

func TestBrokerAwayIsReported(t *testing.T) {
	b := newBed(t, 1, nil)
	src, _, err := Open(b.ctx, &schema.StreamConfig{Topic: topic, Properties: map[string]string{"stream.kafka.broker.list": "127.0.0.1:1"}}, b.events)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r, err := src.Open(b.ctx, 0, encodeOffset(0))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(b.ctx, 3*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil && b.events.retryCount() == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	if _, err := r.Fetch(ctx); ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
	<-done
	if b.events.retryCount() == 0 {
		t.Error("no retry was reported while no broker answers")
	}
}

func BenchmarkFetch(b *testing.B) {
	const n = 200_000
	bed := newBed(b, 1, nil)
	cl, err := kgo.NewClient(kgo.SeedBrokers(bed.brokers...), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchMaxBytes(1<<20),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	value := make([]byte, 188)
	for range n {
		cl.Produce(bed.ctx, &kgo.Record{Value: value}, nil)
	}
	if err := cl.Flush(bed.ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := bed.reader(0)
		for got := 0; got < n; {
			batch, err := r.Fetch(bed.ctx)
			if err != nil {
				b.Fatal(err)
			}
			got += len(batch.Records)
		}
		r.Close()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
