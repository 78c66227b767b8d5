// Package session is what a client talks to once the protocol is out of the
// way: settings, transactions, prepared statements, and the execution of
// statements by planner, scatter and operators. pgwire and httpapi are its two
// front ends; it knows neither of them.
package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/query/exec/rel"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// Catalog resolves names for the planner and answers the catalog functions of
// SQL for a session.
type Catalog interface {
	plan.Catalog
	fn.Describer
	// Version changes whenever a name may resolve differently; it keys cached
	// plans.
	Version() uint64
	LookupRegclass(searchPath []string, name string) (oid uint32, ok bool)
	RegclassName(oid uint32) (name string, ok bool)
	LookupRegtype(name string) (oid uint32, ok bool)
	LookupRegproc(name string) (oid uint32, ok bool)
	RegprocName(oid uint32) (name string, ok bool)
	LookupRegnamespace(name string) (oid uint32, ok bool)
	RegnamespaceName(oid uint32) (name string, ok bool)
	TableVisible(searchPath []string, oid uint32) bool
	RoleName(oid uint32) (string, bool)
}

// LeafOptions are the limits of one query on the servers.
type LeafOptions struct {
	QueryID      string
	User         string
	AllowPartial bool
	MemoryLimit  int64
	Trace        bool
	// Settings are the session settings that change results, for servers.
	Settings map[string]string
}

// LeafRunner runs the leaves of one query on servers and adds up what they did.
type LeafRunner interface {
	rel.Leaves
	Stats() LeafStats
}

// LeafStats is what the leaves of a query cost, over all servers.
type LeafStats struct {
	exec.Stats
	ServersQueried   int
	ServersResponded int
	// PrunedByBroker counts segments that no fragment was sent for.
	PrunedByBroker int
	// Missing names segments or servers left out under allow_partial.
	Missing []string
	// Leaves holds the lines of EXPLAIN ANALYZE, per leaf.
	Leaves map[*plan.Leaf][]string
}

// Config configures an Engine.
type Config struct {
	Catalog Catalog
	// NewRunner begins a query on the servers.
	NewRunner func(LeafOptions) LeafRunner
	// MaxStatementTime bounds every statement, whatever the client asks; 0
	// means 10 minutes.
	MaxStatementTime time.Duration
	// PlanCacheSize is the number of cached plans; 0 means 1,024.
	PlanCacheSize int
	Now           func() time.Time // nil means time.Now
	Logger        *slog.Logger
	Registerer    prometheus.Registerer
}

// Engine opens sessions and keeps what they share: the plan cache and the list
// of running queries. It is safe for concurrent use.
type Engine struct {
	cfg     Config
	now     func() time.Time
	plans   *planCache
	texts   *textCache
	metrics *metrics
	nextPID atomic.Int32
	nextID  atomic.Uint64

	mu       sync.Mutex // guards the maps
	sessions map[int32]*Session
	queries  map[string]*runningQuery
}

// New returns an engine.
func New(cfg Config) *Engine {
	if cfg.MaxStatementTime == 0 {
		cfg.MaxStatementTime = 10 * time.Minute
	}
	if cfg.PlanCacheSize == 0 {
		cfg.PlanCacheSize = 1024
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	e := &Engine{
		cfg: cfg, now: cfg.Now, plans: newRecent[planKey, *plan.Query](cfg.PlanCacheSize),
		texts: newRecent[textKey, []Statement](min(cfg.PlanCacheSize, maxTexts)), metrics: newMetrics(cfg.Registerer),
		sessions: map[int32]*Session{}, queries: map[string]*runningQuery{},
	}
	e.nextPID.Store(1000)
	return e
}

// Open begins a session.
func (e *Engine) Open(o Options) (*Session, error) {
	var b [4]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	s := &Session{
		eng: e, opt: o, pid: e.nextPID.Add(1), secret: binary.BigEndian.Uint32(b[:]), opened: e.now(),
		settings: newSettings(), stored: map[string]*Prepared{}, changed: map[string]bool{},
	}
	if err := s.applyLogin(o.Params); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions[s.pid] = s
	return s, nil
}

func (e *Engine) forget(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sessions, s.pid)
}

var (
	errSessionClosed = sqlerr.New(sqlerr.QueryCanceled, "canceling statement because its session ends")
	errCanceled      = sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request")
	errTimeout       = sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout")
)

// runningQuery is a statement in execution.
type runningQuery struct {
	id      string
	session *Session
	app     string
	text    string
	start   time.Time
	cancel  context.CancelCauseFunc
}

// RunningQuery describes a statement in execution.
type RunningQuery struct {
	ID       string
	PID      int32
	User     string
	Database string
	Remote   string
	App      string
	SQL      string
	Start    time.Time
}

func (e *Engine) begin(q *runningQuery) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queries[q.id] = q
	q.session.running.Store(q)
}

func (e *Engine) end(q *runningQuery) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.queries, q.id)
	q.session.running.CompareAndSwap(q, nil)
}

// Running lists the statements in execution, oldest first.
func (e *Engine) Running() []RunningQuery {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]RunningQuery, 0, len(e.queries))
	for _, q := range e.queries {
		out = append(out, RunningQuery{
			ID: q.id, PID: q.session.pid, User: q.session.opt.User, Database: q.session.opt.Database,
			Remote: q.session.opt.Remote, App: q.app, SQL: q.text, Start: q.start,
		})
	}
	sortRunning(out)
	return out
}

// Cancel cancels a statement by its id; false means that it is not running.
func (e *Engine) Cancel(id string) bool {
	e.mu.Lock()
	q := e.queries[id]
	e.mu.Unlock()
	if q == nil {
		return false
	}
	q.cancel(errCanceled)
	return true
}

// CancelByKey carries out a CancelRequest: the statement that the session with
// that pid runs is cancelled if the secret matches.
func (e *Engine) CancelByKey(pid int32, secret uint32) bool {
	return e.cancelSession(pid, func(s *Session) bool { return s.secret == secret })
}

// CancelBackend cancels what a session runs (pg_cancel_backend).
func (e *Engine) CancelBackend(pid int32) bool {
	return e.cancelSession(pid, func(*Session) bool { return true })
}

func (e *Engine) cancelSession(pid int32, allowed func(*Session) bool) bool {
	e.mu.Lock()
	s := e.sessions[pid]
	e.mu.Unlock()
	if s == nil || !allowed(s) {
		return false
	}
	if q := s.running.Load(); q != nil {
		q.cancel(errCanceled)
	}
	return true
}

// sessionFuncs answers the questions of SQL functions about a session.
type sessionFuncs struct{ s *Session }

var (
	_ fn.Session   = sessionFuncs{}
	_ fn.Describer = sessionFuncs{}
)

func (s *Session) funcs() fn.Session { return sessionFuncs{s} }

func (f sessionFuncs) Database() string                   { return f.s.opt.Database }
func (f sessionFuncs) SearchPath() []string               { return f.s.searchPath() }
func (f sessionFuncs) Setting(name string) (string, bool) { return f.s.settings.get(name) }
func (f sessionFuncs) BackendPID() int32                  { return f.s.pid }
func (f sessionFuncs) CancelBackend(pid int32) bool       { return f.s.eng.CancelBackend(pid) }
func (f sessionFuncs) SetSetting(name, value string, local bool) error {
	return f.s.setFrom(name, value, local)
}
func (f sessionFuncs) LookupRegclass(name string) (uint32, bool) {
	return f.s.eng.cfg.Catalog.LookupRegclass(f.s.searchPath(), name)
}
func (f sessionFuncs) RegclassName(oid uint32) (string, bool) {
	return f.s.eng.cfg.Catalog.RegclassName(oid)
}
func (f sessionFuncs) LookupRegtype(name string) (uint32, bool) {
	return f.s.eng.cfg.Catalog.LookupRegtype(name)
}
func (f sessionFuncs) LookupRegproc(name string) (uint32, bool) {
	return f.s.eng.cfg.Catalog.LookupRegproc(name)
}
func (f sessionFuncs) RegprocName(oid uint32) (string, bool) {
	return f.s.eng.cfg.Catalog.RegprocName(oid)
}
func (f sessionFuncs) LookupRegnamespace(name string) (uint32, bool) {
	return f.s.eng.cfg.Catalog.LookupRegnamespace(name)
}
func (f sessionFuncs) RegnamespaceName(oid uint32) (string, bool) {
	return f.s.eng.cfg.Catalog.RegnamespaceName(oid)
}
func (f sessionFuncs) TableVisible(oid uint32) bool {
	return f.s.eng.cfg.Catalog.TableVisible(f.s.searchPath(), oid)
}
func (f sessionFuncs) RoleName(oid uint32) (string, bool) { return f.s.eng.cfg.Catalog.RoleName(oid) }
func (f sessionFuncs) IndexDef(oid uint32, n int) (string, bool) {
	return f.s.eng.cfg.Catalog.IndexDef(oid, n)
}
func (f sessionFuncs) ConstraintDef(oid uint32) (string, bool) {
	return f.s.eng.cfg.Catalog.ConstraintDef(oid)
}
func (f sessionFuncs) Description(oid uint32, sub int32) (string, bool) {
	return f.s.eng.cfg.Catalog.Description(oid, sub)
}
func (f sessionFuncs) RelationBytes(oid uint32) int64 {
	return f.s.eng.cfg.Catalog.RelationBytes(oid)
}
func (f sessionFuncs) DatabaseBytes() int64 { return f.s.eng.cfg.Catalog.DatabaseBytes() }
