package session

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the engine's counters and latencies, registered together.
type metrics struct {
	queries  *prometheus.CounterVec   // by result
	phase    *prometheus.HistogramVec // by phase
	rows     prometheus.Counter
	planHits prometheus.Counter
	planMiss prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		queries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "alluvium_broker_queries_total", Help: "Statements by outcome (ok or the class of the SQLSTATE)."}, []string{"result"}),
		phase: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "alluvium_broker_query_phase_seconds", Help: "Time of the phases of a statement.",
			Buckets: prometheus.ExponentialBuckets(25e-6, 2, 20)}, []string{"phase"}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alluvium_broker_rows_returned_total", Help: "Rows sent to clients."}),
		planHits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alluvium_broker_plan_cache_hits_total", Help: "Statements whose plan was cached."}),
		planMiss: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alluvium_broker_plan_cache_misses_total", Help: "Statements that were planned."}),
	}
	if reg != nil {
		reg.MustRegister(m.queries, m.phase, m.rows, m.planHits, m.planMiss)
	}
	return m
}

func sortRunning(qs []RunningQuery) {
	slices.SortFunc(qs, func(a, b RunningQuery) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
}
