package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/alluviumdb/alluvium/internal/demo"
)

// IngestOptions configures Ingest.
type IngestOptions struct {
	Rows       int
	Partitions int
	// Kafka is the address of a broker; "" starts kfake in a process of its own.
	Kafka string
}

const ingestSchema = `{"schemaName":"bench_events",
 "dimensionFieldSpecs":[{"name":"userID","dataType":"STRING"},{"name":"productName","dataType":"STRING"},
  {"name":"color","dataType":"STRING"},{"name":"department","dataType":"STRING"},{"name":"product","dataType":"STRING"},
  {"name":"campaign","dataType":"STRING"}],
 "metricFieldSpecs":[{"name":"price","dataType":"INT"}],
 "dateTimeFieldSpecs":[{"name":"creationTimestamp","dataType":"TIMESTAMP","format":"1:MILLISECONDS:SIMPLE_DATE_FORMAT:yyyy-MM-dd hh:mm:ss","granularity":"1:SECONDS"}]}`

func ingestTable(broker, topic string) []byte {
	return fmt.Appendf(nil, `{"tableName":"bench_events","tableType":"REALTIME",
 "segmentsConfig":{"timeColumnName":"creationTimestamp","schemaName":"bench_events","replication":"1"},
 "tableIndexConfig":{"invertedIndexColumns":["department","campaign"],"streamConfigs":{"streamType":"kafka",
  "stream.kafka.topic.name":%q,"stream.kafka.broker.list":%q,"stream.kafka.decoder.class.name":"json",
  "stream.kafka.consumer.prop.auto.offset.reset":"smallest",
  "realtime.segment.flush.threshold.rows":"5000000","realtime.segment.flush.threshold.time":"6h"}},
 "tenants":{},"metadata":{}}`, topic, broker)
}

// Ingest fills a topic, then measures how fast a store that starts from
// nothing makes the backlog queryable: rows per second of wall time and per
// second of the store's processor time.
func Ingest(ctx context.Context, w io.Writer, o IngestOptions) error {
	broker, stop, err := streamFor(ctx, o.Kafka)
	if err != nil {
		return err
	}
	defer stop()
	topic := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	if err := createTopic(ctx, broker, topic, o.Partitions); err != nil {
		return err
	}
	if err := demo.Fill(ctx, []string{broker}, topic, o.Rows); err != nil {
		return err
	}
	s, err := startStore(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	idle := memory(s.cmd.Process.Pid).Now
	wall, cpu, err := s.drainBacklog(ctx, broker, topic, o.Rows)
	if err != nil {
		return err
	}
	peak := memory(s.cmd.Process.Pid).Peak
	fmt.Fprintf(w, "| rows | partitions | broker | wall s | rows/s | CPU s of the store | rows per CPU-second | idle MB | peak MB | ready ms |\n|---|---|---|---|---|---|---|---|---|---|\n")
	fmt.Fprintf(w, "| %d | %d | %s | %.2f | %.0f | %.2f | %.0f | %d | %d | %d |\n", o.Rows, o.Partitions, brokerName(o.Kafka),
		wall.Seconds(), float64(o.Rows)/wall.Seconds(), cpu, float64(o.Rows)/cpu, idle>>20, peak>>20, s.startedIn.Milliseconds())
	return nil
}

func brokerName(addr string) string {
	if addr == "" {
		return "kfake"
	}
	return "Apache Kafka"
}

// drainBacklog creates the table and waits until all rows are visible.
func (s *store) drainBacklog(ctx context.Context, broker, topic string, rows int) (time.Duration, float64, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close(ctx)
	if err := s.post(ctx, "/schemas", []byte(ingestSchema)); err != nil {
		return 0, 0, err
	}
	before, err := cpuSeconds(s.cmd.Process.Pid)
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := s.post(ctx, "/tables", ingestTable(broker, topic)); err != nil {
		return 0, 0, err
	}
	if err := waitCount(ctx, conn, "bench_events", rows); err != nil {
		return 0, 0, err
	}
	wall := time.Since(start)
	after, err := cpuSeconds(s.cmd.Process.Pid)
	return wall, after - before, err
}

func waitCount(ctx context.Context, conn *pgx.Conn, table string, rows int) error {
	for ctx.Err() == nil {
		var n int
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			return err
		}
		if n > rows {
			return fmt.Errorf("%s has %d rows, more than the %d produced", table, n, rows)
		}
		if n == rows {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ctx.Err()
}

func createTopic(ctx context.Context, broker, topic string, partitions int) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		return err
	}
	defer cl.Close()
	_, err = kadm.NewClient(cl).CreateTopic(ctx, int32(partitions), 1, nil, topic)
	return err
}

// FreshnessOptions configures Freshness.
type FreshnessOptions struct {
	Rate    int // records per second
	Seconds int
	Kafka   string
}

// Freshness produces records at a rate and measures, for one marked record in
// each batch, the time from the producer's acknowledgement until a query sees
// the row.
func Freshness(ctx context.Context, w io.Writer, o FreshnessOptions) error {
	broker, stop, err := streamFor(ctx, o.Kafka)
	if err != nil {
		return err
	}
	defer stop()
	topic := fmt.Sprintf("fresh-%d", time.Now().UnixNano())
	if err := createTopic(ctx, broker, topic, 2); err != nil {
		return err
	}
	s, err := startStore(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.post(ctx, "/schemas", []byte(ingestSchema)); err != nil {
		return err
	}
	if err := s.post(ctx, "/tables", ingestTable(broker, topic)); err != nil {
		return err
	}
	lags, err := s.probe(ctx, broker, topic, o)
	if err != nil {
		return err
	}
	slices.Sort(lags)
	fmt.Fprintf(w, "| rate rows/s | broker | probes | p50 ms | p90 ms | p99 ms | max ms |\n|---|---|---|---|---|---|---|\n")
	fmt.Fprintf(w, "| %d | %s | %d | %.2f | %.2f | %.2f | %.2f |\n", o.Rate, brokerName(o.Kafka), len(lags),
		ms(quantile(lags, 0.5)), ms(quantile(lags, 0.9)), ms(quantile(lags, 0.99)), ms(lags[len(lags)-1]))
	return nil
}

// probe sends background records and marked ones and polls for each mark.
func (s *store) probe(ctx context.Context, broker, topic string, o FreshnessOptions) ([]time.Duration, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	pctx, cancel := context.WithCancel(ctx)
	defer cancel()
	background := make(chan error, 1)
	go func() { background <- demo.Produce(pctx, []string{broker}, topic, o.Rate) }()
	time.Sleep(2 * time.Second) // the stream and the consumers are warm
	var lags []time.Duration
	for end := time.Now().Add(time.Duration(o.Seconds) * time.Second); time.Now().Before(end); {
		mark := fmt.Sprintf("mark-%d", len(lags))
		value := fmt.Appendf(nil, `{"userID":%q,"price":1,"creationTimestamp":"2026-01-01 01:00:00"}`, mark)
		if err := cl.ProduceSync(ctx, &kgo.Record{Value: value}).FirstErr(); err != nil {
			return nil, err
		}
		acked := time.Now()
		for n := 0; n == 0; {
			if err := conn.QueryRow(ctx, `SELECT count(*) FROM bench_events WHERE "userID" = $1`, mark).Scan(&n); err != nil {
				return nil, err
			}
			if n == 0 {
				time.Sleep(500 * time.Microsecond) // the probe must not take the cores from what it measures
			}
		}
		lags = append(lags, time.Since(acked))
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-background; err != nil && pctx.Err() == nil {
		return nil, err
	}
	return lags, nil
}
