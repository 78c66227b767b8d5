// Package pgwire speaks the PostgreSQL frontend/backend protocol, version 3.0
// (PostgreSQL 15 documentation, chapter 55): startup, TLS, SCRAM-SHA-256,
// simple and extended queries, portals, cancellation. It turns messages into
// calls of a session and batches into rows; it knows nothing of plans beyond
// the descriptions of columns.
package pgwire

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alluviumdb/alluvium/broker/session"
)

// Config configures a Server.
type Config struct {
	Engine *session.Engine
	Users  Users
	// TLS is offered to clients that ask for it; nil means no TLS.
	TLS *tls.Config
	// RequireTLS refuses plain-text connections from other hosts.
	RequireTLS bool
	// TrustLoopback tells whether connections from this host need no password;
	// nil means that they do.
	TrustLoopback func() bool
	// Database is the one database name; others are refused with 3D000.
	Database string
	// MaxConnections bounds open connections; 0 means 1,000.
	MaxConnections int
	// MaxMessageBytes bounds one message body; 0 means 64 MiB.
	MaxMessageBytes int
	Logger          *slog.Logger
	Registerer      prometheus.Registerer
}

const (
	defaultMaxConnections  = 1000
	defaultMaxMessageBytes = 64 << 20
	// loginTimeout bounds everything before the first ReadyForQuery.
	loginTimeout = 60 * time.Second
	// farewellTime bounds the wait for a client to take the last message.
	farewellTime = time.Second
)

// ErrServerClosed is returned by Serve after Close.
var ErrServerClosed = errors.New("pgwire: server closed")

// Server accepts connections. One goroutine serves each.
type Server struct {
	cfg     Config
	metrics *metrics
	ctx     context.Context
	cancel  context.CancelCauseFunc
	wg      sync.WaitGroup

	mu        sync.Mutex // guards the fields below
	closed    bool
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
}

// New returns a server that is not yet listening.
func New(cfg Config) *Server {
	if cfg.MaxConnections == 0 {
		cfg.MaxConnections = defaultMaxConnections
	}
	if cfg.MaxMessageBytes == 0 {
		cfg.MaxMessageBytes = defaultMaxMessageBytes
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	return &Server{
		cfg: cfg, metrics: newMetrics(cfg.Registerer), ctx: ctx, cancel: cancel,
		listeners: map[net.Listener]struct{}{}, conns: map[*conn]struct{}{},
	}
}

// Serve accepts connections on l until Close; it always returns an error.
func (s *Server) Serve(l net.Listener) error {
	if !s.track(l) {
		l.Close()
		return ErrServerClosed
	}
	for pause := time.Duration(0); ; {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.start(nc)
		case s.isClosed():
			return ErrServerClosed
		case errors.Is(err, net.ErrClosed):
			return err
		default: // such as too many open files, which passes
			pause = min(max(2*pause, minAcceptPause), maxAcceptPause)
			s.cfg.Logger.Warn("a connection could not be accepted", "err", err, "pause", pause)
			time.Sleep(pause)
		}
	}
}

// Pauses after a failed Accept.
const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *Server) track(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) start(nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		nc.Close()
		return
	}
	c.refused = len(s.conns) >= s.cfg.MaxConnections
	s.conns[c] = struct{}{}
	s.metrics.connections.Inc()
	s.wg.Go(func() {
		defer s.forget(c)
		c.serve()
	})
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.metrics.connections.Dec()
}

// Drain stops accepting and asks idle connections to end; busy ones may finish
// what they do until ctx ends, then everything is closed.
func (s *Server) Drain(ctx context.Context) error {
	s.closeListeners()
	s.mu.Lock()
	for c := range s.conns {
		c.drain()
	}
	s.mu.Unlock()
	select {
	case <-s.ended():
	case <-ctx.Done():
	}
	return s.Close()
}

// ended returns a channel that is closed when no connection is left.
func (s *Server) ended() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	return done
}

// Close cancels what runs, tells the clients so, and waits for the connections'
// goroutines.
func (s *Server) Close() error {
	s.closeListeners()
	s.cancel(errShutdown)
	s.mu.Lock()
	for c := range s.conns {
		c.raw.SetReadDeadline(longPast)
		c.raw.SetWriteDeadline(time.Now().Add(farewellTime))
	}
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

func (s *Server) closeListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for l := range s.listeners {
		l.Close()
	}
	clear(s.listeners)
}

// metrics are the server's counters, registered together.
type metrics struct {
	connections    prometheus.Gauge
	authFailures   prometheus.Counter
	protocolErrors prometheus.Counter
	messages       prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "alluvium_broker_pg_connections_open", Help: "Open PostgreSQL connections."}),
		authFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alluvium_broker_pg_auth_failures_total", Help: "Refused PostgreSQL logins."}),
		protocolErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alluvium_broker_pg_protocol_errors_total", Help: "Connections ended for a malformed message."}),
		messages: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alluvium_broker_pg_messages_total", Help: "Messages received from PostgreSQL clients."}),
	}
	if reg != nil {
		reg.MustRegister(m.connections, m.authFailures, m.protocolErrors, m.messages)
	}
	return m
}
