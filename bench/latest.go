package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/alluviumdb/alluvium/bench/data"
)

// LatestOptions configures Latest.
type LatestOptions struct {
	Rows, Keys int
	Clients    int
	Rate       int // records a second while queries run
	Length     time.Duration
	Docs       string
}

const (
	latestSchema = `{"schemaName":"readings","dimensionFieldSpecs":[{"name":"key","dataType":"LONG"}],
 "metricFieldSpecs":[{"name":"value","dataType":"LONG"}],
 "dateTimeFieldSpecs":[{"name":"at","dataType":"TIMESTAMP","format":"1:MILLISECONDS:EPOCH","granularity":"1:MILLISECONDS"}]}`
	latestTable = `{"tableName":"readings","tableType":"OFFLINE",
 "segmentsConfig":{"timeColumnName":"at","schemaName":"readings","replication":"1"},
 "tableIndexConfig":{"invertedIndexColumns":["key"]},"tenants":{},"metadata":{}}`
	latestQuery = `SELECT key, at, value FROM readings WHERE key = $1 ORDER BY at DESC LIMIT 1`
)

// latestSegments is the number of sealed segments that the backlog makes.
const latestSegments = 9

// Latest measures how fast clients find the last row of a key among many, which
// lie in sealed and consuming segments, while more are ingested.
func Latest(ctx context.Context, w io.Writer, o LatestOptions) error {
	broker, stop, err := streamFor(ctx, "")
	if err != nil {
		return err
	}
	defer stop()
	a, err := startAlluvium(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	feed, err := a.feedReadings(ctx, broker, o)
	if err != nil {
		return err
	}
	defer feed.cl.Close()
	live, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	before, start := feed.sent.Load(), time.Now()
	go func() { done <- feed.steady(live, o.Rate) }()
	r, err := runLoad(ctx, loadJob{Protocol: protoPrepared, Addr: a.pg, Clients: o.Clients, Warm: o.Length / 10, Length: o.Length,
		SQL: latestQuery, Keys: o.Keys, Settings: plainSettings})
	rate := float64(feed.sent.Load()-before) / time.Since(start).Seconds()
	cancel()
	if err == nil {
		err = <-done
	}
	if err != nil {
		return err
	}
	return writeLatest(ctx, w, a, o, r, rate)
}

func writeLatest(ctx context.Context, w io.Writer, a *alluvium, o LatestOptions, r loadResult, rate float64) error {
	sealed, consuming, err := a.countSegments(ctx, "readings")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s. %d rows of %d keys in %d sealed and %d consuming segments.\n\n", machine(), o.Rows, o.Keys, sealed, consuming)
	fmt.Fprintf(&b, "| clients | records/s meanwhile | QPS | p50 ms | p99 ms | max ms | errors |\n|---|---|---|---|---|---|---|\n")
	fmt.Fprintf(&b, "| %d | %.0f | %.0f | %.2f | %.2f | %.2f | %s |\n", o.Clients, rate, r.QPS, ms(r.P50), ms(r.P99), ms(r.Max), showErrors(r))
	if err := publish(w, o.Docs, "latest", b.Bytes()); err != nil {
		return err
	}
	if r.Errors > 0 {
		return fmt.Errorf("latest: %w (%d)", errFailed, r.Errors)
	}
	return nil
}

// countSegments counts the segments of a table by whether they are consuming.
func (s *store) countSegments(ctx context.Context, table string) (sealed, consuming int, err error) {
	var doc struct{ Segments []struct{ Status string } }
	if err := s.get(ctx, "/v1/tables/"+table+"/segments", &doc); err != nil {
		return 0, 0, err
	}
	for _, g := range doc.Segments {
		if g.Status == "CONSUMING" {
			consuming++
		} else {
			sealed++
		}
	}
	return sealed, consuming, nil
}

// readingFeed produces readings of random keys.
type readingFeed struct {
	cl   *kgo.Client
	keys int
	rng  data.Rand
	sent atomic.Int64
	// failed is the first error of a record.
	failed atomic.Pointer[error]
}

// feedReadings makes the table and waits until the backlog is visible.
func (a *alluvium) feedReadings(ctx context.Context, broker string, o LatestOptions) (*readingFeed, error) {
	if err := createTopic(ctx, broker, "readings", 2); err != nil {
		return nil, err
	}
	table, err := streamTable([]byte(latestTable), broker, "readings", o.Rows/latestSegments, "6h")
	if err != nil {
		return nil, err
	}
	if err := a.post(ctx, "/schemas", []byte(latestSchema)); err != nil {
		return nil, err
	}
	if err := a.post(ctx, "/tables", table); err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic("readings"),
		kgo.MaxBufferedRecords(200_000), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return nil, err
	}
	f := &readingFeed{cl: cl, keys: o.Keys, rng: 1}
	f.send(ctx, o.Rows)
	if err := f.flush(ctx); err != nil {
		return nil, err
	}
	return f, waitCount(ctx, a.conn, "readings", o.Rows)
}

func (f *readingFeed) send(ctx context.Context, n int) {
	for range n {
		at := 1_700_000_000_000 + f.sent.Add(1)
		value := fmt.Appendf(nil, `{"key":%d,"at":%d,"value":%d}`, 1+f.rng.Below(f.keys), at, f.rng.Below(1_000_000))
		f.cl.Produce(ctx, &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				f.failed.CompareAndSwap(nil, &err)
			}
		})
	}
}

func (f *readingFeed) flush(ctx context.Context) error {
	if err := f.cl.Flush(ctx); err != nil {
		return err
	}
	if err := f.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// steady sends records at a rate until ctx ends.
func (f *readingFeed) steady(ctx context.Context, rate int) error {
	const perSecond = 50
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		f.send(context.WithoutCancel(ctx), rate/perSecond)
		if err := f.flush(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
}
