package bench

import (
	"context"

	"github.com/alluviumdb/alluvium/bench/data"
)

// query is a query that several engines answer.
type query struct {
	Name, SQL string
	// Check is SQL with a total order; empty means that SQL has one.
	Check string
	// ClickHouse is SQL, and Check, in ClickHouse's words where they differ.
	ClickHouse string
}

func (q *query) check() string {
	if q.Check != "" {
		return q.Check
	}
	return q.SQL
}

// dataset is a generated table in files.
type dataset struct {
	data.Table
	Rows  int
	Files []string
	Bytes int64 // of the files
}

// loadFigures tells what loading a dataset cost an engine.
type loadFigures struct {
	Version string  `json:"version"`
	Seconds float64 `json:"seconds"`
	// MergeSeconds is the time of a merge of everything after the load, 0 for
	// engines that need none.
	MergeSeconds float64 `json:"merge_seconds"`
	// CPUSeconds and MergeCPUSeconds are the processor time of all processes
	// that load, and that of the merge.
	CPUSeconds      float64 `json:"cpu_seconds"`
	MergeCPUSeconds float64 `json:"merge_cpu_seconds"`
	Bytes           int64   `json:"bytes"`
	// PeakBytes is the largest resident size while loading.
	PeakBytes int64 `json:"peak_bytes"`
}

// block is the measurement of one query by one engine.
type block struct {
	Millis []float64 `json:"ms"`
	// CPUMillis is the processor time of one run in the engine's process.
	CPUMillis float64 `json:"cpu_ms"`
	// PeakBytes and AnonBytes are the largest resident size, and that without
	// pages of files, in an extra run.
	PeakBytes int64 `json:"peak_bytes"`
	AnonBytes int64 `json:"anon_bytes"`
}

// add joins the measurements of two blocks.
func (b *block) add(o block) {
	n, m := float64(len(b.Millis)), float64(len(o.Millis))
	if n+m > 0 {
		b.CPUMillis = (b.CPUMillis*n + o.CPUMillis*m) / (n + m)
	}
	b.Millis = append(b.Millis, o.Millis...)
	b.PeakBytes, b.AnonBytes = max(b.PeakBytes, o.PeakBytes), max(b.AnonBytes, o.AnonBytes)
}

// engine loads a dataset and answers queries on it. It is used by one
// goroutine.
type engine interface {
	name() string
	pid() int
	load(ctx context.Context, d *dataset) (loadFigures, error)
	// run runs a query some times and returns the time of each in ms.
	run(ctx context.Context, q *query, runs int) ([]float64, error)
	// rows answers the checked form of a query; NULL is nil.
	rows(ctx context.Context, q *query) ([][]*string, error)
	close()
}

// measure runs a query once under the eye of the memory meter, then runs times
// by the clock.
func measure(ctx context.Context, e engine, q *query, runs int) (b block, err error) {
	meter := startMeter(e.pid())
	_, err = e.run(ctx, q, 1)
	b.PeakBytes, b.AnonBytes = meter.stop()
	if err != nil {
		return b, err
	}
	before := cpuTime(e.pid())
	if b.Millis, err = e.run(ctx, q, runs); err != nil {
		return b, err
	}
	b.CPUMillis = ms(cpuTime(e.pid())-before) / float64(runs)
	return b, nil
}
