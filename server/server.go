// Package server is the role that holds rows: it consumes stream partitions
// into consuming segments, seals, builds and uploads them, opens sealed ones,
// and runs query fragments over both. It composes segment, ingest and query;
// what is decided about the cluster is decided by the controller, whose state
// it follows.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/ingest"
	"github.com/alluviumdb/alluvium/internal/clusterview"
	"github.com/alluviumdb/alluvium/internal/objstore"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/query/exec"
)

// OpenSource opens the stream of a table.
type OpenSource func(ctx context.Context, cfg *schema.StreamConfig, ev ingest.Events) (ingest.Source, []string, error)

// Config configures a Server.
type Config struct {
	// Instance describes this server to the cluster.
	Instance *pb.Instance
	// DataDir holds segment files.
	DataDir    string
	FS         vfs.FS // nil means the operating system's
	Controller api.Controller
	DeepStore  objstore.Store
	OpenSource OpenSource
	// Secret is the cluster secret, by which other roles may download segments;
	// without one only those on this host may.
	Secret string
	// MaxConsumingBytes bounds the memory of segments that are not yet built:
	// beyond it the largest is sealed early, a quarter beyond it consumers wait.
	// 0 means 4 GiB.
	MaxConsumingBytes int64
	// DiscoveryInterval is how often partitions are listed; 0 means 10 s.
	DiscoveryInterval time.Duration
	// HeartbeatInterval is how often the controller hears of this server; 0
	// means 1 s.
	HeartbeatInterval time.Duration
	// Workers bounds the goroutines of queries; see exec.Config.
	Workers int
	// ResultCacheBytes bounds the memory for results over sealed segments; see
	// exec.Config.
	ResultCacheBytes int64
	Now              func() time.Time // nil means time.Now
	Logger           *slog.Logger
	Registerer       prometheus.Registerer
}

func (c *Config) setDefaults() {
	if c.FS == nil {
		c.FS = vfs.OS
	}
	if c.MaxConsumingBytes == 0 {
		c.MaxConsumingBytes = 4 << 30
	}
	if c.DiscoveryInterval == 0 {
		c.DiscoveryInterval = 10 * time.Second
	}
	if c.HeartbeatInterval == 0 {
		c.HeartbeatInterval = time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Validate reports all faults of the configuration at once.
func (c *Config) Validate() error {
	var errs []error
	for name, missing := range map[string]bool{
		"Instance": c.Instance == nil, "DataDir": c.DataDir == "", "Controller": c.Controller == nil,
		"DeepStore": c.DeepStore == nil, "OpenSource": c.OpenSource == nil, "Logger": c.Logger == nil,
	} {
		if missing {
			errs = append(errs, fmt.Errorf("server: %s is missing", name))
		}
	}
	return errors.Join(errs...)
}

// Server is one server instance.
//
// Ownership: reconcile (one goroutine) starts and stops everything else, by
// comparing the cluster's state with what is here. A segment is in the hands
// of at most one goroutine at a time: its consumer while it consumes, then at
// most one task (build, load, upload). Queries only read, through segmentSet.
type Server struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	view    *clusterview.View
	set     *segmentSet
	tables  *tableSet
	tasks   *taskSet
	engine  *exec.Engine
	queries *queryList
	memory  memory
	// draining tells that no segment is to be consumed any more.
	draining atomic.Bool

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	wake   chan struct{}
	// beatNow asks for a heartbeat at once.
	beatNow chan struct{}

	health healthBoard
	// The slots bound background work, so that it leaves the cores to queries
	// and consumers.
	buildSlots, loadSlots, uploadSlots, rebuildSlots, reindexSlots chan struct{}

	deletions deletions
	// These belong to Start and then to reconcile.
	clusterID string
	swept     time.Time
}

// New returns a server that does nothing until Start.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		cfg: cfg, log: cfg.Logger.With("instance", cfg.Instance.Id), metrics: newMetrics(cfg.Registerer),
		view: clusterview.New(cfg.Instance.Id, cfg.Logger), set: newSegmentSet(),
		tasks: newTaskSet(), engine: exec.New(exec.Config{Workers: cfg.Workers, ResultCacheBytes: cfg.ResultCacheBytes}), queries: newQueryList(),
		ctx: ctx, cancel: cancel, wake: make(chan struct{}, 1), beatNow: make(chan struct{}, 1),
		buildSlots: make(chan struct{}, 1), loadSlots: make(chan struct{}, 4), uploadSlots: make(chan struct{}, 2), rebuildSlots: make(chan struct{}, 1),
		reindexSlots: make(chan struct{}, 1),
	}
	registerResultCache(cfg.Registerer, s.engine)
	s.tables = newTableSet(s)
	s.memory.limit.Store(cfg.MaxConsumingBytes)
	s.health.set("controller", "not yet connected")
	return s, nil
}

// View returns the server's copy of the cluster state.
func (s *Server) View() *clusterview.View { return s.view }

// Start prepares the data folder and begins to follow the cluster. It returns
// at once; Health tells when the server is ready.
func (s *Server) Start() error {
	if err := s.cfg.FS.MkdirAll(s.segmentDir()); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := s.bindCluster(); err != nil {
		return err
	}
	s.view.OnDeleted(s.deletions.add)
	s.wg.Go(func() { s.view.Run(s.ctx, s.cfg.Controller) })
	s.wg.Go(s.heartbeats)
	s.wg.Go(s.reconcileLoop)
	return nil
}

func (s *Server) segmentDir() string { return filepath.Join(s.cfg.DataDir, "segments") }

// Close stops consumers and tasks, waits for them and releases all segments.
// Rows of consuming segments are read again from the stream at the next start.
func (s *Server) Close() error {
	s.cancel()
	s.wg.Wait()
	s.tables.close()
	s.set.close()
	return nil
}

// poke makes reconcile look again.
func (s *Server) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// sleep waits for d or the end of ctx; false means that ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// backoff doubles pauses from 50 ms to 5 s.
type backoff struct{ n int }

func (b *backoff) next() time.Duration {
	d := min(50*time.Millisecond<<min(b.n, 8), 5*time.Second)
	b.n++
	return d
}

func (b *backoff) reset() { b.n = 0 }

// healthBoard holds the state of components by name: "ok" or what is wrong.
type healthBoard struct {
	mu sync.Mutex
	m  map[string]string
}

func (h *healthBoard) set(name, state string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.m == nil {
		h.m = map[string]string{}
	}
	h.m[name] = state
}

func (h *healthBoard) drop(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.m, name)
}

func (h *healthBoard) copy() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[string]string, len(h.m))
	for k, v := range h.m {
		out[k] = v
	}
	return out
}

// Health returns the state of the server's components. It is ready when it has
// seen the cluster's state and every sealed segment that it should serve is
// there; a stream or deep store that is away does not take it out of service.
func (s *Server) Health() (components map[string]string, ready bool) {
	st := s.view.State()
	missing := s.missingSegments(st)
	return s.components(st, missing), st.Synced && missing == 0
}

// components describes the state of the server's components by name.
func (s *Server) components(st *clusterview.State, missing int) map[string]string {
	h := s.health.copy()
	h["segments"] = "ok"
	if missing > 0 {
		h["segments"] = fmt.Sprintf("%d not yet loaded", missing)
	}
	for name, err := range s.failures() {
		h["segments"] = fmt.Sprintf("%s: %v", name, err)
		break
	}
	if r := s.view.Refused(); r != "" {
		h["cluster"] = r
	}
	for _, t := range st.Tables {
		if t.Err != nil {
			h["table "+t.Name] = t.Err.Error()
		}
	}
	return h
}
