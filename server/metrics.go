package server

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alluviumdb/alluvium/query/exec"
)

// metrics are the server's counters and latencies, registered together. Every
// step of a row's and a query's life has a counter and a histogram.
type metrics struct {
	records, rows, rejected, retries *prometheus.CounterVec   // by table
	steps                            *prometheus.HistogramVec // by step
	stepErrors                       *prometheus.CounterVec   // by step
	freshness                        *prometheus.HistogramVec // by table
	lag, lossHorizon, memory         *prometheus.GaugeVec     // by table and partition
	sealed                           *prometheus.CounterVec   // by reason
	queries                          *prometheus.CounterVec   // by result
	queryTime                        prometheus.Observer      // of steps
	queriesOK                        prometheus.Counter       // of queries
	quarantined                      prometheus.Counter
	diskBytes                        prometheus.Gauge
	pendingUploads                   prometheus.Gauge
	memoryHeld                       prometheus.Gauge
	memoryWaits                      prometheus.Counter
}

// The steps of steps and stepErrors.
const (
	stepFetch   = "fetch"
	stepDecode  = "decode"
	stepAppend  = "append"
	stepSeal    = "seal"
	stepBuild   = "build"
	stepCommit  = "commit"
	stepUpload  = "upload"
	stepLoad    = "load"
	stepRebuild = "rebuild"
	stepReindex = "reindex"
	stepQuery   = "query"
	stepDelete  = "delete"
	stepOpen    = "open"
)

// forgetPartition drops the gauges of a partition that is not consumed here any
// more.
func (m *metrics) forgetPartition(table string, partition uint32) {
	part := strconv.Itoa(int(partition))
	for _, g := range []*prometheus.GaugeVec{m.lag, m.lossHorizon, m.memory} {
		g.DeleteLabelValues(table, part)
	}
}

// forgetTable drops all series of a table that is gone.
func (m *metrics) forgetTable(table string) {
	labels := prometheus.Labels{"table": table}
	for _, v := range []interface{ DeletePartialMatch(prometheus.Labels) int }{
		m.records, m.rows, m.rejected, m.retries, m.freshness, m.lag, m.lossHorizon, m.memory,
	} {
		v.DeletePartialMatch(labels)
	}
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "alluvium_server_" + name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "alluvium_server_" + name, Help: help}, labels)
	}
	m := &metrics{
		records:  counter("records_consumed_total", "Stream records read.", "table"),
		rows:     counter("rows_ingested_total", "Rows made visible.", "table"),
		rejected: counter("records_rejected_total", "Stream records refused.", "table", "partition"),
		retries:  counter("fetch_retries_total", "Fetches tried again after an error.", "table"),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "alluvium_server_step_seconds",
			Help: "Time of the steps of ingestion, sealing, loading and queries.", Buckets: prometheus.ExponentialBuckets(50e-6, 2.5, 16)}, []string{"step"}),
		stepErrors: counter("step_errors_total", "Failed steps.", "step"),
		freshness: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "alluvium_server_freshness_seconds",
			Help: "Age of a batch's newest record, by the stream's timestamp, when it became visible.", Buckets: prometheus.ExponentialBuckets(1e-3, 2, 20)}, []string{"table"}),
		lag:            gauge("consumer_lag_records", "Records behind the end of the partition, -1 unknown.", "table", "partition"),
		lossHorizon:    gauge("consumer_loss_horizon_seconds", "Time until unread records leave the stream, -1 unknown.", "table", "partition"),
		memory:         gauge("consuming_memory_bytes", "Memory of the consuming segment.", "table", "partition"),
		sealed:         counter("segments_sealed_total", "Consuming segments ended, by reason.", "reason"),
		queries:        counter("fragments_total", "Query fragments by result.", "result"),
		quarantined:    prometheus.NewCounter(prometheus.CounterOpts{Name: "alluvium_server_segments_quarantined_total", Help: "Segment files found corrupt and set aside."}),
		diskBytes:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "alluvium_server_segment_disk_bytes", Help: "Bytes of local segment files in use."}),
		pendingUploads: prometheus.NewGauge(prometheus.GaugeOpts{Name: "alluvium_server_uploads_pending", Help: "Sealed segments that the deep store does not hold yet."}),
		memoryHeld:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "alluvium_server_consuming_memory_total_bytes", Help: "Memory of all segments that are not yet built, consuming and ended."}),
		memoryWaits:    prometheus.NewCounter(prometheus.CounterOpts{Name: "alluvium_server_memory_waits_total", Help: "Pauses of consumers because of the memory limit."}),
	}
	m.queryTime, m.queriesOK = m.steps.WithLabelValues(stepQuery), m.queries.WithLabelValues("ok")
	if reg != nil {
		reg.MustRegister(m.records, m.rows, m.rejected, m.retries, m.steps, m.stepErrors, m.freshness, m.lag,
			m.lossHorizon, m.memory, m.sealed, m.queries, m.quarantined, m.diskBytes, m.pendingUploads, m.memoryHeld, m.memoryWaits)
	}
	return m
}

// registerResultCache exposes the figures of the engine's result cache.
func registerResultCache(reg prometheus.Registerer, e *exec.Engine) {
	if reg == nil {
		return
	}
	counter := func(name, help string, get func(*exec.ResultCacheStats) int64) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "alluvium_server_result_cache_" + name, Help: help},
			func() float64 { s := e.ResultCacheStats(); return float64(get(&s)) }))
	}
	counter("answers_total", "Leaves answered wholly from the result cache.", func(s *exec.ResultCacheStats) int64 { return s.Answers })
	counter("parts_total", "Leaves for which the result cache stood in for some segments.", func(s *exec.ResultCacheStats) int64 { return s.Parts })
	counter("misses_total", "Leaves of which the result cache knew nothing.", func(s *exec.ResultCacheStats) int64 { return s.Misses })
	counter("evictions_total", "Results dropped for want of room.", func(s *exec.ResultCacheStats) int64 { return s.Evictions })
	reg.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "alluvium_server_result_cache_bytes", Help: "Memory of the result cache."},
			func() float64 { return float64(e.ResultCacheStats().Bytes) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "alluvium_server_result_cache_entries", Help: "Results in the result cache."},
			func() float64 { return float64(e.ResultCacheStats().Entries) }))
}
