package demo

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/alluviumdb/alluvium/ingest/kinesis/kinesisfake"
)

func TestPaceKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		sent := 0
		err := pace(ctx, 3000, func(n int) error {
			sent += n
			if sent == 15_000 {
				time.Sleep(500 * time.Millisecond) // what was missed is made up for
			}
			return nil
		})
		if err != nil || sent < 29_900 || sent > 30_000 {
			t.Errorf("%d events in 10 s: %v", sent, err)
		}
		boom := errors.New("boom")
		if err := pace(t.Context(), 1000, func(int) error { return boom }); !errors.Is(err, boom) {
			t.Errorf("got %v", err)
		}
	})
}

func TestPaceForgivesLongPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 61*time.Second)
		defer cancel()
		most := 0
		err := pace(ctx, 100, func(n int) error {
			if most == 0 {
				time.Sleep(time.Minute)
			}
			most = max(most, n)
			return nil
		})
		if err != nil || most > 100 {
			t.Errorf("%d events at once: %v", most, err)
		}
	})
}

func TestProduceReachesTheBroker(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	pctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- Produce(pctx, c.ListenAddrs(), "made", 1000) }()

	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("made"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for got := 0; got < 200 && ctx.Err() == nil; {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			got++
			if !json.Valid(r.Value) {
				t.Fatalf("%s is no JSON", r.Value)
			}
		})
	}
	stop()
	if err := <-done; err != nil || ctx.Err() != nil {
		t.Error(err, ctx.Err())
	}
}

func TestProduceKinesis(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "k")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	fake, err := kinesisfake.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	pctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- ProduceKinesis(pctx, fake.URL(), "us-east-1", "made", 1000) }()

	cl := kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(fake.URL()),
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
	for range 2 { // a fault is waited out
		before := fake.Calls("PutRecords")
		for fake.Calls("PutRecords") < before+5 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		fake.Fail("PutRecords", 1, "InvalidSignatureException")
	}
	stop()
	if err := <-done; err != nil || ctx.Err() != nil {
		t.Error(err, ctx.Err())
	}
	shards, err := cl.ListShards(context.Background(), &kinesis.ListShardsInput{StreamName: aws.String("made")})
	if err != nil || len(shards.Shards) != 2 {
		t.Errorf("%+v, %v", shards, err)
	}
}

func TestProduceKinesisRefused(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "k")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	fake, err := kinesisfake.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	fake.Fail("CreateStream", 1, "AccessDeniedException")
	if err := ProduceKinesis(context.Background(), fake.URL(), "us-east-1", "made", 10); err == nil {
		t.Error("a stream that cannot be made was no error")
	}
}
