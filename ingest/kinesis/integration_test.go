//go:build integration

package kinesis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// realBed makes a stream at the endpoint that ALLUVIUM_TEST_KINESIS names.
func realBed(t *testing.T, shards int32) *bed {
	t.Helper()
	endpoint := os.Getenv("ALLUVIUM_TEST_KINESIS")
	if endpoint == "" {
		t.Fatal("ALLUVIUM_TEST_KINESIS is not set; scripts/kinesis-local.sh starts a stand-in")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	b := &bed{t: t, ctx: ctx, events: &recorder{}, clock: &clock{}, stream: fmt.Sprintf("test-%d", time.Now().UnixNano())}
	src, _, err := Open(ctx, &schema.StreamConfig{Kind: "kinesis", Topic: b.stream, Properties: map[string]string{
		"region": "us-east-1", "endpoint": endpoint, "accessKey": "k", "secretKey": "s",
	}}, b.events)
	b.must(err)
	b.src, b.client = src, src.client
	t.Cleanup(func() { src.Close() })
	b.create(int(shards))
	b.settle()
	t.Cleanup(func() {
		if _, err := b.client.DeleteStream(b.ctx, &kinesis.DeleteStreamInput{StreamName: &b.stream}); err != nil {
			t.Error(err)
		}
	})
	return b
}

// settle waits until the stream can be changed and written to.
func (b *bed) settle() {
	b.t.Helper()
	for {
		out, err := b.client.DescribeStreamSummary(b.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &b.stream})
		b.must(err)
		if out.StreamDescriptionSummary.StreamStatus == types.StreamStatusActive {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestRealReadAndResume(t *testing.T) {
	b := realBed(t, 1)
	seqs := b.put(0, 10)
	b.src.limit = 4
	r := b.open(0, trimHorizon)
	values, last := b.read(r, 4)
	expect(t, "values", values, numbers(0, 4))

	// A new reader finds the record it stands behind, and goes on.
	values, _ = b.read(b.open(0, last.Next), 6)
	expect(t, "resumed", values, numbers(4, 6))
	values, _ = b.read(b.open(0, b.at(seqs[7])), 3)
	expect(t, "at a sequence number", values, numbers(7, 3))
	values, _ = b.read(b.open(0, b.at(seqs[7]+"+")), 2)
	expect(t, "after a sequence number", values, numbers(8, 2))
}

func TestRealTimestamps(t *testing.T) {
	b := realBed(t, 1)
	b.put(0, 2)
	time.Sleep(1100 * time.Millisecond)
	from, err := b.src.Resolve(b.ctx, 0, ingest.Start{Kind: ingest.StartLatest})
	b.must(err)
	time.Sleep(1100 * time.Millisecond)
	b.put(2, 2)
	values, _ := b.read(b.open(0, from), 2)
	expect(t, "values", values, numbers(2, 2))
}

func TestRealResharding(t *testing.T) {
	b := realBed(t, 1)
	b.put(0, 3)
	_, err := b.client.SplitShard(b.ctx, &kinesis.SplitShardInput{StreamName: &b.stream, ShardToSplit: aws.String("shardId-000000000000"),
		NewStartingHashKey: aws.String("170141183460469231731687303715884105728")})
	b.must(err)
	b.settle()
	b.put(3, 2)
	parts := b.partitions()
	if len(parts) != 3 || !parts[0].Closed || parts[1].Closed || fmt.Sprint(parts[1].Parents) != "[0]" || fmt.Sprint(parts[2].Parents) != "[0]" {
		t.Errorf("after the split: %v", parts)
	}
	r := b.open(0, trimHorizon)
	values, _ := b.read(r, 3)
	expect(t, "parent", values, numbers(0, 3))
	if _, err := r.Fetch(b.ctx); !errors.Is(err, ingest.ErrEndOfPartition) {
		t.Errorf("end of the parent: %v", err)
	}
	values, _ = b.read(b.open(1, trimHorizon), 2)
	expect(t, "child", values, numbers(3, 2))
}

func TestRealRetention(t *testing.T) {
	b := realBed(t, 2)
	ms, err := b.src.RetentionMillis(b.ctx)
	b.must(err)
	expect(t, "retention", ms, 24*time.Hour.Milliseconds())
	expect(t, "shards", len(b.partitions()), 2)
}
