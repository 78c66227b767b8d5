package controller

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alluviumdb/alluvium/controller/raft"
)

// metrics are the controller's figures.
type metrics struct {
	node atomic.Pointer[raft.Node]

	applies           *prometheus.CounterVec
	applySeconds      *prometheus.HistogramVec
	requests          *prometheus.CounterVec
	requestSeconds    *prometheus.HistogramVec
	watchers          prometheus.Gauge
	conflicts         prometheus.Counter
	reassigned        prometheus.Counter
	expired           prometheus.Counter
	leadershipChanges prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, c *Controller) *metrics {
	m := &metrics{
		applies:        counterVec("applies_total", "Commands applied by this controller as leader.", "command", "code"),
		applySeconds:   histogramVec("apply_seconds", "Time from proposing a command to its being applied.", "command"),
		requests:       counterVec("http_requests_total", "HTTP requests.", "route", "code"),
		requestSeconds: histogramVec("http_request_seconds", "Time to answer an HTTP request.", "route"),
		watchers: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "alluvium", Subsystem: "controller",
			Name: "watch_clients", Help: "Clients that follow the state."}),
		conflicts:         counter("segment_conflicts_total", "Segments that replicas built differently."),
		reassigned:        counter("segments_reassigned_total", "Segments given to other servers because theirs was lost."),
		expired:           counter("segments_expired_total", "Segments dropped by retention."),
		leadershipChanges: counter("leadership_changes_total", "Times that this controller began or ceased to lead."),
	}
	reg.MustRegister(m.applies, m.applySeconds, m.requests, m.requestSeconds, m.watchers, m.conflicts,
		m.reassigned, m.expired, m.leadershipChanges)
	for name, f := range map[string]func() float64{
		"is_leader":           func() float64 { return boolFloat(c.leads()) },
		"state_index":         func() float64 { return float64(c.State().Index) },
		"tables":              func() float64 { return float64(c.State().NumTables()) },
		"segments":            func() float64 { return float64(c.State().NumSegments()) },
		"raft_term":           m.stat(func(s raft.Stats) uint64 { return s.Term }),
		"raft_commit_index":   m.stat(func(s raft.Stats) uint64 { return s.CommitIndex }),
		"raft_applied_index":  m.stat(func(s raft.Stats) uint64 { return s.AppliedIndex }),
		"raft_snapshot_index": m.stat(func(s raft.Stats) uint64 { return s.SnapshotIndex }),
	} {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "alluvium", Subsystem: "controller",
			Name: name, Help: "Current " + name + " of this controller."}, f))
	}
	return m
}

// attach lets the gauges read a node.
func (m *metrics) attach(n *raft.Node) { m.node.Store(n) }

func (m *metrics) stat(f func(raft.Stats) uint64) func() float64 {
	return func() float64 {
		if n := m.node.Load(); n != nil {
			return float64(f(n.Stats()))
		}
		return 0
	}
}

func (m *metrics) applied(kind string, code uint32, took time.Duration) {
	m.applies.WithLabelValues(kind, strconv.Itoa(int(code))).Inc()
	m.applySeconds.WithLabelValues(kind).Observe(took.Seconds())
}

func boolFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "alluvium", Subsystem: "controller", Name: name, Help: help})
}

func counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "alluvium", Subsystem: "controller", Name: name, Help: help}, labels)
}

func histogramVec(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "alluvium", Subsystem: "controller", Name: name, Help: help,
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15)}, labels)
}
