// Package node puts roles into processes: one role each, or all in one. It
// owns listeners, the order in which things start and end, and the HTTP
// surfaces that every role shares; the roles know nothing of it.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/obs"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Config holds the settings of all roles; each takes what concerns it. Every
// field is a flag of the command line.
type Config struct {
	DataDir string
	// Listen addresses.
	ControllerAddr, ControllerGRPCAddr, RaftAddr string
	BrokerAddr, PGAddr                           string
	ServerAddr, ServerHTTPAddr                   string
	// Advertise is the host name that others reach this process by; "" means
	// the host of the listen address.
	Advertise string
	// Controllers are gRPC addresses, for processes without a controller.
	Controllers []string
	// Peers are the voters of a new cluster: id=raft address=grpc address.
	Peers      []string
	DeepStore  string
	S3Endpoint string
	Tags       []string
	// Secret is the cluster secret; without one all roles bind to loopback.
	Secret        string
	AdminPassword string
	Demo          bool
	DemoStream    DemoStream
	// TLSCert and TLSKey are PEM files for the PostgreSQL listener; RequireTLS
	// refuses plain text from other hosts.
	TLSCert, TLSKey string
	RequireTLS      bool
	// MaxConsumingBytes bounds the memory of consuming segments; 0 means the
	// server's default.
	MaxConsumingBytes int64
	Workers           int
	ResultCacheBytes  int64
	// DrainTime bounds how long SIGTERM waits for running statements.
	DrainTime time.Duration
	// Flags are the settings in force, for /debug/flags.
	Flags  map[string]string
	Logger *slog.Logger
}

// DemoStream says where the demo's events come from.
type DemoStream struct {
	Kind     string // kafka (embedded) or kinesis
	Endpoint string // kinesis
	Rate     int    // events per second
}

// Node is a process: roles that are started and stopped together.
type Node struct {
	cfg      Config
	log      *slog.Logger
	registry *prometheus.Registry
	started  time.Time
	// standalone tells that all roles share this process and its data folder.
	standalone bool

	mu      sync.Mutex
	closers []func(context.Context) // run in reverse order
	healths map[string]obs.Health
	addrs   map[string]string
	failed  chan error
}

func newNode(cfg Config) *Node {
	return &Node{cfg: cfg, log: cfg.Logger, registry: obs.NewRegistry(), started: time.Now(),
		healths: map[string]obs.Health{}, addrs: map[string]string{}, failed: make(chan error, 8)}
}

// onClose adds a step of Close; steps run in reverse order.
func (n *Node) onClose(f func(context.Context)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closers = append(n.closers, f)
}

// Close drains and stops everything, last started first.
func (n *Node) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.DrainTime)
	defer cancel()
	n.mu.Lock()
	steps := n.closers
	n.closers = nil
	n.mu.Unlock()
	for i := len(steps) - 1; i >= 0; i-- {
		steps[i](ctx)
	}
}

// Wait returns when ctx ends (nil) or a listener failed.
func (n *Node) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.failed:
		return err
	}
}

// listen opens a TCP listener; without a cluster secret only loopback
// addresses are allowed, as roles trust each other.
func (n *Node) listen(name, addr string, trusted bool) (net.Listener, error) {
	if trusted && n.cfg.Secret == "" {
		if err := mustBeLoopback(name, addr); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", name, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs[name] = l.Addr().String()
	return l, nil
}

// Addr returns the address that a listener, named by its flag, has.
func (n *Node) Addr(flag string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.addrs[flag]
}

func mustBeLoopback(name, addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("--%s: %w", name, err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--%s %s: without a cluster secret roles listen on loopback only; set ALLUVIUM_CLUSTER_SECRET", name, addr)
}

// serveHTTP serves a role's handler beside the operational endpoints.
func (n *Node) serveHTTP(l net.Listener, h http.Handler, health obs.Health) {
	mux := http.NewServeMux()
	obs.Register(mux, obs.Options{Gatherer: n.registry, Health: health, Flags: n.cfg.Flags})
	mux.Handle("/", h)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 6 * time.Minute,
		ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelDebug)}
	n.onClose(func(ctx context.Context) {
		if srv.Shutdown(ctx) != nil {
			srv.Close()
		}
	})
	go func() {
		if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			n.failed <- err
		}
	}()
}

// serveGRPC serves a role's gRPC services.
func (n *Node) serveGRPC(l net.Listener, register func(*grpc.Server)) {
	g := grpc.NewServer(api.ServerOptions(n.cfg.Secret)...)
	register(g)
	n.onClose(func(ctx context.Context) {
		done := make(chan struct{})
		go func() {
			g.GracefulStop()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(time.Second):
			g.Stop() // watches never end by themselves
			<-done
		}
	})
	go func() {
		if err := g.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			n.failed <- err
		}
	}()
}

// registerer returns the metrics registry.
func (n *Node) registerer() prometheus.Registerer { return n.registry }

// advertise returns the address that others use for a listener.
func (n *Node) advertise(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return net.JoinHostPort(n.host(l), port)
}

func (n *Node) host(l net.Listener) string {
	if n.cfg.Advertise != "" {
		return n.cfg.Advertise
	}
	host, _, _ := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			return name
		}
	}
	return host
}

// instance describes a role to the cluster, with Pinot's form of id.
func (n *Node) instance(role pb.Role, prefix string, main net.Listener) *pb.Instance {
	host := n.host(main)
	_, portText, _ := net.SplitHostPort(main.Addr().String())
	port, _ := strconv.ParseUint(portText, 10, 16)
	tags := n.cfg.Tags
	if len(tags) == 0 {
		tags = []string{schema.DefaultTenant}
	}
	return &pb.Instance{
		Id: fmt.Sprintf("%s_%s_%d", prefix, host, port), Role: role, Host: host, Port: uint32(port), Tags: tags,
		ProtocolVersion: api.ProtocolVersion, Build: obs.BuildVersion(), JoinedMicros: time.Now().UnixMicro(),
	}
}

// lockDataDir refuses to share a data folder with another process.
func (n *Node) lockDataDir() error {
	if err := os.MkdirAll(n.cfg.DataDir, 0o750); err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(n.cfg.DataDir, "LOCK"), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	if err := flock(f); err != nil {
		f.Close()
		return fmt.Errorf("--data-dir %s is in use by another process: %w", n.cfg.DataDir, err)
	}
	n.onClose(func(context.Context) { f.Close() })
	return nil
}

// Health is the health of the whole process: every role's components under its
// name.
func (n *Node) Health() (map[string]string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	all, ready := map[string]string{}, true
	for role, h := range n.healths {
		components, ok := h()
		ready = ready && ok
		for k, v := range components {
			all[role+": "+k] = v
		}
	}
	return all, ready
}

func (n *Node) addHealth(role string, h obs.Health) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.healths[role] = h
}
