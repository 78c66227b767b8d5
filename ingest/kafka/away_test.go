package kafka

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/alluviumdb/alluvium/ingest"
)

// persistent starts a broker that keeps its records and its address over
// restarts.
func persistent(t *testing.T, dir string, port int) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir), kfake.SeedTopics(1, topic))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestBrokerAwayAndBack stops the broker under a reader at the end of the
// partition and starts it again: the reader goes on by itself, without a gap or
// a repeated record.
func TestBrokerAwayAndBack(t *testing.T) {
	dir := t.TempDir()
	c := persistent(t, dir, 0)
	_, text, err := net.SplitHostPort(c.ListenAddrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	b := openBed(t, c.ListenAddrs(), topic, nil)
	b.produce(0, 5)
	r := b.reader(0)
	values, _ := b.read(r, 5)
	expect(t, "before", values, numbers(0, 5))

	c.Close()
	got := make(chan *ingest.RawBatch, 1)
	failed := make(chan error, 1)
	go func() {
		batch, err := r.Fetch(b.ctx)
		failed <- err
		got <- batch
	}()
	for b.events.retryCount() == 0 && b.ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	c = persistent(t, dir, port)
	defer c.Close()
	b.produce(5, 5)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	values = nil
	for _, rec := range (<-got).Records {
		values = append(values, string(rec.Value))
	}
	more, next := b.read(r, 5-len(values))
	expect(t, "after", append(values, more...), numbers(5, 5))
	if len(more) > 0 {
		expect(t, "next", next, 10)
	}
}
