package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/alluviumdb/alluvium/bench/data"
)

// loadDataset makes the table of a dataset, by the given config, and loads its
// files with `alluvium ingest` into as many segments as there are files. It
// returns when all rows are visible.
func (s *store) loadDataset(ctx context.Context, d *dataset, config []byte) (f loadFigures, err error) {
	sc, err := data.PinotSchema(d.Schema)
	if err != nil {
		return f, err
	}
	documents := map[string][]byte{"schema.json": sc, "table.json": config}
	for name, doc := range documents {
		if err := os.WriteFile(filepath.Join(s.dir, name), doc, 0o644); err != nil {
			return f, err
		}
	}
	args := append([]string{"ingest", "--controller", "http://" + s.http, "--table", d.Schema.Name, "--create",
		"--schema", filepath.Join(s.dir, "schema.json"), "--table-config", filepath.Join(s.dir, "table.json"),
		"--rows-per-segment", fmt.Sprint((d.Rows + datasetFiles - 1) / datasetFiles), "--temp-dir", s.dir}, d.Files...)
	cmd := exec.CommandContext(ctx, s.cmd.Path, args...)
	cmd.Env = append(os.Environ(), "ALLUVIUM_ADMIN_PASSWORD="+password)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	before, err := cpuSeconds(s.cmd.Process.Pid)
	if err != nil {
		return f, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return f, err
	}
	own, loader := startMeter(s.cmd.Process.Pid), startMeter(cmd.Process.Pid)
	err = cmd.Wait()
	f.Seconds = time.Since(start).Seconds()
	a, _ := own.stop()
	b, _ := loader.stop()
	f.PeakBytes = a + b
	if err != nil {
		return f, fmt.Errorf("alluvium ingest: %w\n%s", err, out.Bytes())
	}
	after, err := cpuSeconds(s.cmd.Process.Pid)
	if err != nil {
		return f, err
	}
	f.CPUSeconds = after - before + (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	f.Bytes, err = s.tableBytes(ctx, d.Schema.Name)
	return f, err
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
