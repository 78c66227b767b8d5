package clustertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Ledger is what a producer knows to be in the stream: only acknowledged
// records count.
type Ledger struct {
	Records atomic.Int64
	Price   atomic.Int64
	mu      sync.Mutex
	// Next is the offset after the last acknowledged record, per partition.
	Next map[int32]int64
}

// CreateTopic creates a topic with a number of partitions.
func CreateTopic(t *testing.T, broker, topic string, partitions int32) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := kadm.NewClient(cl).CreateTopic(ctx, partitions, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
}

// Produce sends records of the web-transactions kind at a rate per second
// until ctx ends, and waits for every acknowledgement.
func Produce(ctx context.Context, broker, topic string, rate int, l *Ledger) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return err
	}
	defer cl.Close()
	var failed atomic.Value
	rng := rand.New(rand.NewPCG(1, 2))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; {
		for range rate / 50 {
			n++
			price := 10 + rng.Int64N(141)
			value := fmt.Appendf(nil, `{"userID":"%d","department":"d%d","price":%d,"seq":%d}`, n%100, n%7, price, n)
			cl.Produce(context.Background(), &kgo.Record{Value: value}, func(r *kgo.Record, err error) {
				if err != nil {
					failed.Store(err)
					return
				}
				l.add(r, price)
			})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	if err := cl.Flush(context.Background()); err != nil {
		return err
	}
	if err, ok := failed.Load().(error); ok {
		return err
	}
	return nil
}

func (l *Ledger) add(r *kgo.Record, price int64) {
	l.Records.Add(1)
	l.Price.Add(price)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Next == nil {
		l.Next = map[int32]int64{}
	}
	l.Next[r.Partition] = max(l.Next[r.Partition], r.Offset+1)
}
