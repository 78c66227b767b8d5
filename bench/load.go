package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/alluviumdb/alluvium/bench/data"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// load makes the table of a dataset and fills it, into at least as many
// segments as the dataset has files, and returns when all rows are sealed.
func (s *store) loadDataset(ctx context.Context, d *dataset) error {
	broker, stop, err := streamFor(ctx, "")
	if err != nil {
		return err
	}
	defer stop()
	if err := createTopic(ctx, broker, d.Schema.Name, 2); err != nil {
		return err
	}
	sc, err := data.PinotSchema(d.Schema)
	if err != nil {
		return err
	}
	if err := s.post(ctx, "/schemas", sc); err != nil {
		return err
	}
	table, err := streamTable(d.Config, broker, d.Schema.Name, d.Rows/datasetFiles+1, "20s")
	if err != nil {
		return err
	}
	if err := s.post(ctx, "/tables", table); err != nil {
		return err
	}
	if err := produce(ctx, broker, d.Schema, d.New(d.Rows)); err != nil {
		return err
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := waitCount(ctx, conn, d.Schema.Name, d.Rows); err != nil {
		return err
	}
	return s.waitSealed(ctx, d.Schema.Name)
}

// streamTable makes a REALTIME config that reads a Kafka topic out of one for an
// OFFLINE table.
func streamTable(offline []byte, broker, topic string, flushRows int, flushTime string) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(offline, &doc); err != nil {
		return nil, err
	}
	doc["tableType"] = "REALTIME"
	index, ok := doc["tableIndexConfig"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the table config has no tableIndexConfig")
	}
	index["streamConfigs"] = map[string]string{
		"streamType": "kafka", "stream.kafka.topic.name": topic, "stream.kafka.broker.list": broker,
		"stream.kafka.decoder.class.name":               "json",
		"stream.kafka.consumer.prop.auto.offset.reset":  "smallest",
		"realtime.segment.flush.threshold.rows":         fmt.Sprint(flushRows),
		"realtime.segment.flush.threshold.segment.size": "4G",
		"realtime.segment.flush.threshold.time":         flushTime,
	}
	return json.Marshal(doc)
}

// produce sends all rows as JSON records.
func produce(ctx context.Context, broker string, s *schema.Schema, src data.Source) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(s.Name),
		kgo.MaxBufferedRecords(50_000), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return err
	}
	defer cl.Close()
	var failed atomic.Pointer[error]
	var b column.Batch
	for src.Next(4096, &b) {
		for i := range b.N {
			cl.Produce(ctx, &kgo.Record{Value: data.AppendJSON(nil, s, &b, i)}, func(_ *kgo.Record, err error) {
				if err != nil {
					failed.Store(&err)
				}
			})
		}
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// waitSealed waits until all rows of a table are in sealed segments.
func (s *store) waitSealed(ctx context.Context, table string) error {
	var doc struct {
		Segments []struct {
			Status   string
			Replicas []struct{ Rows int64 }
		}
	}
	for ctx.Err() == nil {
		if err := s.get(ctx, "/v1/tables/"+table+"/segments", &doc); err != nil {
			return err
		}
		open := 0
		for _, g := range doc.Segments {
			held := len(g.Replicas) > 0 && g.Replicas[0].Rows > 0
			if g.Status == "ENDED" || g.Status == "COMMITTED" || g.Status == "CONSUMING" && held {
				open++
			}
		}
		if open == 0 {
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return ctx.Err()
}
