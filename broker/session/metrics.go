package session

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// metrics are the engine's counters and latencies, registered together.
type metrics struct {
	queries  *prometheus.CounterVec // by result
	ok       prometheus.Counter     // of queries
	plan     prometheus.Observer    // a phase
	total    prometheus.Observer    // a phase
	rows     prometheus.Counter
	planHits prometheus.Counter
	planMiss prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		queries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "alluvium_broker_queries_total", Help: "Statements by outcome (ok or the class of the SQLSTATE)."}, []string{"result"}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alluvium_broker_rows_returned_total", Help: "Rows sent to clients."}),
		planHits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alluvium_broker_plan_cache_hits_total", Help: "Statements whose plan was cached."}),
		planMiss: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alluvium_broker_plan_cache_misses_total", Help: "Statements that were planned."}),
	}
	phase := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "alluvium_broker_query_phase_seconds", Help: "Time of the phases of a statement.",
		Buckets: prometheus.ExponentialBuckets(25e-6, 2, 20)}, []string{"phase"})
	m.ok, m.plan, m.total = m.queries.WithLabelValues("ok"), phase.WithLabelValues("plan"), phase.WithLabelValues("total")
	if reg != nil {
		reg.MustRegister(m.queries, phase, m.rows, m.planHits, m.planMiss)
	}
	return m
}

// failed counts a statement that failed.
func (m *metrics) failed(err error) {
	m.queries.WithLabelValues(sqlerr.Code(err)[:2]).Inc()
}

func sortRunning(qs []RunningQuery) {
	slices.SortFunc(qs, func(a, b RunningQuery) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
}
