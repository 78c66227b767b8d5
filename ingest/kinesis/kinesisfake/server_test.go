package kinesisfake

import (
	"context"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect starts a server with a stream, and Amazon's client for it.
func connect(t *testing.T, shards int32) (*Server, *kinesis.Client) {
	t.Helper()
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		s.Close()
		transport.CloseIdleConnections()
	})
	cl := kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.URL()), Retryer: aws.NopRetryer{}, HTTPClient: transport,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
	if _, err := cl.CreateStream(context.Background(), &kinesis.CreateStreamInput{StreamName: name, ShardCount: &shards}); err != nil {
		t.Fatal(err)
	}
	return s, cl
}

var name = aws.String("s")

func TestDescribe(t *testing.T) {
	ctx := context.Background()
	s, cl := connect(t, 5)
	if err := kinesis.NewStreamExistsWaiter(cl).Wait(ctx, &kinesis.DescribeStreamInput{StreamName: name}, time.Second); err != nil {
		t.Error(err)
	}
	sum, err := cl.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: name})
	if err != nil {
		t.Fatal(err)
	}
	if d := sum.StreamDescriptionSummary; *d.OpenShardCount != 5 || *d.RetentionPeriodHours != 24 {
		t.Errorf("%+v", d)
	}
	s.SetPageSize(2)
	in, seen := &kinesis.ListShardsInput{StreamName: name}, 0
	for in != nil {
		page, err := cl.ListShards(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(page.Shards)
		if in = nil; page.NextToken != nil {
			in = &kinesis.ListShardsInput{NextToken: page.NextToken}
		}
	}
	if seen != 5 || s.Calls("ListShards") != 3 {
		t.Errorf("%d shards on %d pages", seen, s.Calls("ListShards"))
	}
}

func TestPutAndRead(t *testing.T) {
	ctx := context.Background()
	_, cl := connect(t, 2)
	entries := make([]types.PutRecordsRequestEntry, 3)
	for i := range entries {
		entries[i] = types.PutRecordsRequestEntry{Data: []byte{byte(i)}, PartitionKey: aws.String("a")}
	}
	out, err := cl.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: name, Records: entries})
	if err != nil {
		t.Fatal(err)
	}
	seq, ok := new(big.Int).SetString(*out.Records[2].SequenceNumber, 10)
	if !ok || seq.BitLen() != 186 || len(seq.String()) != 56 {
		t.Errorf("sequence number %s of %d bits", seq, seq.BitLen())
	}
	it, err := cl.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: name, ShardId: out.Records[0].ShardId,
		ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: out.Records[1].SequenceNumber})
	if err != nil {
		t.Fatal(err)
	}
	read, err := cl.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Records) != 2 || read.Records[0].Data[0] != 1 || *read.Records[1].SequenceNumber != seq.String() ||
		read.NextShardIterator == nil || *read.MillisBehindLatest != 0 {
		t.Errorf("%+v", read)
	}
}

// TestRefusals names the error code of each refusal as Amazon's client sees it.
func TestRefusals(t *testing.T) {
	ctx := context.Background()
	s, cl := connect(t, 1)
	shard := aws.String("shardId-000000000000")
	f := func(want string, err error) {
		t.Helper()
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	iterator := func(in kinesis.GetShardIteratorInput) (*string, error) {
		in.StreamName = name
		if in.ShardId == nil {
			in.ShardId = shard
		}
		out, err := cl.GetShardIterator(ctx, &in)
		if err != nil {
			return nil, err
		}
		return out.ShardIterator, nil
	}
	read := func(it *string) error {
		_, err := cl.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it})
		return err
	}
	_, err := cl.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: name})
	f("ResourceInUseException", err)
	_, err = cl.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String("none")})
	f("ResourceNotFoundException", err)
	_, err = iterator(kinesis.GetShardIteratorInput{ShardId: aws.String("shardId-000000000009"), ShardIteratorType: "LATEST"})
	f("ResourceNotFoundException", err)
	_, err = iterator(kinesis.GetShardIteratorInput{ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: aws.String("12")})
	f("InvalidArgumentException", err)
	_, err = iterator(kinesis.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP", Timestamp: aws.Time(time.Now().Add(time.Hour))})
	f("InvalidArgumentException", err)
	f("InvalidArgumentException", read(aws.String("nonsense")))
	_, err = cl.MergeShards(ctx, &kinesis.MergeShardsInput{StreamName: name, ShardToMerge: shard, AdjacentShardToMerge: shard})
	f("InvalidArgumentException", err)
	_, err = cl.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: name, ShardToSplit: shard, NewStartingHashKey: aws.String("0")})
	f("InvalidArgumentException", err)

	it, err := iterator(kinesis.GetShardIteratorInput{ShardIteratorType: "TRIM_HORIZON"})
	if err != nil {
		t.Fatal(err)
	}
	s.Fail("GetRecords", 1, "KMSThrottlingException")
	f("KMSThrottlingException", read(it))
	s.LimitReads()
	for range 5 {
		if err := read(it); err != nil {
			t.Fatal(err)
		}
	}
	f("ProvisionedThroughputExceededException", read(it))
	s.ExpireIterators()
	f("ExpiredIteratorException", read(it))

	resp, err := http.Post(s.URL(), "application/x-amz-json-1.1", strings.NewReader("{"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("half a request: %s", resp.Status)
	}
}
