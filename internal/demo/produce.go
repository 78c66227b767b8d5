package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Fill produces n events into a topic as fast as it goes.
func Fill(ctx context.Context, brokers []string, topic string, n int) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic),
		kgo.MaxBufferedRecords(500_000), kgo.ProducerBatchMaxBytes(1<<20), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return err
	}
	defer cl.Close()
	f := failure{}
	g := NewGenerator(1)
	var events slab
	now := time.Now()
	for i := range n {
		if i%1024 == 0 {
			now = time.Now()
		}
		cl.Produce(ctx, &kgo.Record{Value: events.next(g, now)}, f.promise)
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	return f.get()
}

// slab holds the bytes of many events in one allocation, which is freed when
// the last of them was sent.
type slab struct{ free []byte }

const (
	slabBytes     = 64 << 10
	maxEventBytes = 512
)

func (s *slab) next(g *Generator, now time.Time) []byte {
	if cap(s.free) < maxEventBytes {
		s.free = make([]byte, 0, slabBytes)
	}
	event := g.AppendEvent(s.free, now)
	s.free = event[len(event):]
	return event[:len(event):len(event)]
}

// failure keeps the first error of asynchronous produces.
type failure struct {
	mu  sync.Mutex
	err error
}

func (f *failure) promise(_ *kgo.Record, err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *failure) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// tick is how often a paced producer sends its share.
const tick = 10 * time.Millisecond

// pace calls send(n) so that rate per second are sent, until ctx ends or send
// fails. What a late call missed is sent by the next, up to one second's worth.
func pace(ctx context.Context, rate int, send func(n int) error) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	start, sent := time.Now(), 0
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
		due := int(time.Since(start).Seconds() * float64(rate))
		n := min(due-sent, rate)
		sent = due
		if n <= 0 {
			continue
		}
		if err := send(n); err != nil {
			return err
		}
	}
}

// Produce sends events to a Kafka topic at a rate per second until ctx ends. A
// broker that is away is waited for.
func Produce(ctx context.Context, brokers []string, topic string, rate int) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(2*time.Millisecond),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := ensureTopic(ctx, cl, topic); err != nil {
		return err
	}
	g := NewGenerator(uint64(time.Now().UnixNano()))
	var events slab
	return pace(ctx, rate, func(n int) error {
		for range n {
			cl.TryProduce(ctx, &kgo.Record{Value: events.next(g, time.Now())}, nil)
		}
		return nil
	})
}

// ensureTopic makes a topic of two partitions if it is missing.
func ensureTopic(ctx context.Context, cl *kgo.Client, topic string) error {
	_, err := kadm.NewClient(cl).CreateTopic(ctx, partitions, 1, nil, topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) && ctx.Err() == nil {
		return fmt.Errorf("topic %s: %w", topic, err)
	}
	return nil
}

const (
	// kinesisBatch is the most records that one PutRecords takes.
	kinesisBatch = 500
	// kinesisPatience is how long an endpoint that is away is waited for.
	kinesisPatience = time.Minute
)

// ProduceKinesis sends events to a Kinesis stream, which it makes with two
// shards if it is missing, at a rate per second until ctx ends. Once events were
// sent, an endpoint that is away is waited for, but not for ever.
func ProduceKinesis(ctx context.Context, endpoint, region, stream string, rate int) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return fmt.Errorf("AWS configuration: %w", err)
	}
	cl := kinesis.NewFromConfig(cfg, func(o *kinesis.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	})
	if err := ensureStream(ctx, cl, stream); err != nil {
		return err
	}
	g := NewGenerator(uint64(time.Now().UnixNano()))
	sent := time.Now()
	err = pace(ctx, rate, func(n int) error {
		for ; n > 0; n -= kinesisBatch {
			err := putEvents(ctx, cl, stream, g, min(n, kinesisBatch))
			if err == nil {
				sent = time.Now()
				continue
			}
			if time.Since(sent) > kinesisPatience {
				return err
			}
			return pause(ctx, time.Second)
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
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

func ensureStream(ctx context.Context, cl *kinesis.Client, stream string) error {
	_, err := cl.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &stream, ShardCount: aws.Int32(2)})
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("stream %s: %w", stream, err)
	}
	return kinesis.NewStreamExistsWaiter(cl).Wait(ctx, &kinesis.DescribeStreamInput{StreamName: &stream}, time.Minute)
}

// putEvents sends n events; records that the stream refused for its rate are
// sent again.
func putEvents(ctx context.Context, cl *kinesis.Client, stream string, g *Generator, n int) error {
	entries := make([]types.PutRecordsRequestEntry, n)
	for i := range entries {
		entries[i] = types.PutRecordsRequestEntry{
			Data: g.AppendEvent(nil, time.Now()), PartitionKey: aws.String(fmt.Sprint(g.next())),
		}
	}
	for len(entries) > 0 {
		res, err := cl.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: &stream, Records: entries})
		if err != nil {
			return err
		}
		var again []types.PutRecordsRequestEntry
		for i, r := range res.Records {
			if r.ErrorCode != nil {
				again = append(again, entries[i])
			}
		}
		if entries = again; len(again) > 0 {
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}
