//go:build integration

package kafka

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/alluviumdb/alluvium/ingest"
)

// realBed makes a topic on the broker that ALLUVIUM_TEST_KAFKA names.
func realBed(t *testing.T, partitions int32, configs map[string]*string, props map[string]string) *bed {
	t.Helper()
	addr := os.Getenv("ALLUVIUM_TEST_KAFKA")
	if addr == "" {
		t.Fatal("ALLUVIUM_TEST_KAFKA is not set; scripts/kafka.sh starts a broker")
	}
	b := openBed(t, []string{addr}, fmt.Sprintf("test-%d", time.Now().UnixNano()), props)
	if _, err := b.admin.CreateTopic(b.ctx, partitions, 1, configs, b.topic); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.admin.DeleteTopics(b.ctx, b.topic) })
	return b
}

func TestRealTransactions(t *testing.T) { testTransactions(realBed(t, 1, nil, nil)) }

func TestRealPositions(t *testing.T) {
	b := realBed(t, 1, nil, nil)
	b.produce(0, 20)
	b.trim(5)
	f := func(start ingest.Start, want int64) {
		t.Helper()
		o, err := b.src.Resolve(b.ctx, 0, start)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, fmt.Sprint(start), b.offset(o), want)
	}
	f(ingest.Start{Kind: ingest.StartEarliest}, 5)
	f(ingest.Start{Kind: ingest.StartLatest}, 20)
	f(ingest.Start{Kind: ingest.StartTimestamp, Timestamp: 12_000}, 12)
	f(ingest.Start{Kind: ingest.StartTimestamp, Timestamp: 99_000}, 20)

	_, err := b.reader(2).Fetch(b.ctx)
	var out *ingest.OutOfRangeError
	if !errors.As(err, &out) {
		t.Fatalf("got %v", err)
	}
	expect(t, "missing", out.Missing, 3)
	values, _ := b.read(b.reader(b.offset(out.Earliest)), 15)
	expect(t, "values", values, numbers(5, 15))

	_, err = b.reader(1000).Fetch(b.ctx)
	if !errors.As(err, &out) || out.Latest >= out.Wanted {
		t.Errorf("beyond the end: %v", err)
	}
}

func TestRealGrowthAndRetention(t *testing.T) {
	keep := "3600000"
	b := realBed(t, 2, map[string]*string{"retention.ms": &keep}, nil)
	ms, err := b.src.RetentionMillis(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "retention", ms, keep)
	count := func(want int) {
		t.Helper()
		for b.ctx.Err() == nil { // brokers learn of a change a moment later
			parts, err := b.src.Partitions(b.ctx)
			if err == nil && len(parts) == want {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("never saw %d partitions", want)
	}
	count(2)
	if _, err := b.admin.CreatePartitions(b.ctx, 1, b.topic); err != nil {
		t.Fatal(err)
	}
	count(3)
}

func TestRealCompression(t *testing.T) {
	b := realBed(t, 1, nil, nil)
	n := 0
	for _, codec := range []kgo.CompressionCodec{
		kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		cl, err := kgo.NewClient(kgo.SeedBrokers(b.brokers...), kgo.DefaultProduceTopic(b.topic), kgo.ProducerBatchCompression(codec))
		if err != nil {
			t.Fatal(err)
		}
		for range 500 {
			cl.Produce(b.ctx, kgo.StringRecord(strconv.Itoa(n)), nil)
			n++
		}
		if err := cl.Flush(b.ctx); err != nil {
			t.Fatal(err)
		}
		cl.Close()
	}
	values, _ := b.read(b.reader(0), n)
	expect(t, "values", values, numbers(0, n))
}

// TestRealFreshness measures the time from the producer's acknowledgement to
// the return of Fetch.
func TestRealFreshness(t *testing.T) {
	b := realBed(t, 1, nil, nil)
	b.produce(0, 1)
	r := b.reader(0)
	b.read(r, 1)
	acked := make(chan time.Time, 1)
	var total time.Duration
	const rounds = 100
	for i := range rounds {
		go func() {
			b.client.Produce(b.ctx, &kgo.Record{Value: []byte(strconv.Itoa(i))}, func(*kgo.Record, error) { acked <- time.Now() })
		}()
		b.read(r, 1)
		seen := time.Now()
		total += max(seen.Sub(<-acked), 0)
	}
	t.Logf("%v from acknowledgement to fetch, on average", total/rounds)
	if total/rounds > 50*time.Millisecond {
		t.Errorf("%v from acknowledgement to fetch, on average", total/rounds)
	}
}
