package session

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// Options opens a session.
type Options struct {
	User     string
	Database string
	Remote   string
	// Params are settings given at login; unknown ones are ignored with the
	// connection kept, as drivers send what other servers know.
	Params  map[string]string
	Dialect fn.Dialect
	// DefaultLimit bounds statements without LIMIT; 0 means no bound.
	DefaultLimit int64
}

// Session is the state of one client: settings, transaction, prepared
// statements. It is used by one goroutine; only cancellation comes from others.
type Session struct {
	eng      *Engine
	opt      Options
	pid      int32
	secret   uint32
	opened   time.Time
	settings *settings
	tx       txState
	stored   map[string]*Prepared
	changed  map[string]bool // reported settings that changed since last asked
	running  atomic.Pointer[runningQuery]
	// partial is what the client was told last: whether its latest answer was
	// incomplete.
	partial bool
}

// Key returns the process id and secret that a CancelRequest must carry.
func (s *Session) Key() (pid int32, secret uint32) { return s.pid, s.secret }

// User returns the name of the user that logged in.
func (s *Session) User() string { return s.opt.User }

// Close ends the session and cancels what it runs.
func (s *Session) Close() {
	if q := s.running.Load(); q != nil {
		q.cancel(errSessionClosed)
	}
	s.eng.forget(s)
}

// applyLogin takes over the settings of the startup message: known names by
// name, `options` as command line switches.
func (s *Session) applyLogin(params map[string]string) error {
	for name, value := range params {
		switch strings.ToLower(name) {
		case "user", "database", "replication":
			continue
		case "options":
			if err := s.applySwitches(value); err != nil {
				return err
			}
			continue
		}
		if err := s.applyParam(name, value); err != nil {
			return err
		}
	}
	s.settings.base["session_authorization"] = s.opt.User
	if s.opt.Dialect == fn.Pinot {
		s.settings.base["dialect"] = "pinot"
	}
	for k, v := range s.settings.values {
		s.settings.base[k] = v
	}
	clear(s.settings.values)
	return nil
}

func (s *Session) applyParam(name, value string) error {
	err := s.settings.set(name, value, "client")
	if code := sqlerr.Code(err); err != nil && (code == sqlerr.UndefinedObject || code == sqlerr.CannotChangeParam) {
		return nil
	}
	return err
}

// applySwitches reads "-c name=value" and "--name=value" pairs; a backslash
// keeps the next character from separating.
func (s *Session) applySwitches(text string) error {
	words := splitSwitches(text)
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "-c" && i+1 < len(words):
			i++
			w = words[i]
		case strings.HasPrefix(w, "-c"):
			w = w[2:]
		case strings.HasPrefix(w, "--"):
			w = strings.ReplaceAll(w[2:], "-", "_")
		default:
			return sqlerr.New(sqlerr.InvalidParameter, "invalid command-line argument for server process: %s", w)
		}
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return sqlerr.New(sqlerr.InvalidParameter, "-c %s requires a value", w)
		}
		if err := s.settings.set(strings.TrimSpace(name), value, "client"); err != nil {
			return err
		}
	}
	return nil
}

func splitSwitches(text string) []string {
	var words []string
	var cur strings.Builder
	in := false
	for i := 0; i < len(text); i++ {
		switch ch := text[i]; {
		case ch == '\\' && i+1 < len(text):
			i++
			cur.WriteByte(text[i])
			in = true
		case ch == ' ' || ch == '\t' || ch == '\n':
			if in {
				words = append(words, cur.String())
				cur.Reset()
				in = false
			}
		default:
			cur.WriteByte(ch)
			in = true
		}
	}
	if in {
		words = append(words, cur.String())
	}
	return words
}

// ParamStatus is the value of a setting that clients are told about.
type ParamStatus struct{ Name, Value string }

// ReportedParams returns all settings that clients are told at login.
func (s *Session) ReportedParams() []ParamStatus {
	var out []ParamStatus
	for i := range settingList {
		if d := &settingList[i]; d.report {
			v, _ := s.settings.get(d.name)
			out = append(out, ParamStatus{d.name, v})
		}
	}
	return out
}

// set changes a setting and notes that reported ones changed.
func (s *Session) set(name, value string) error {
	if err := s.settings.set(name, value, "session"); err != nil {
		return err
	}
	s.noteChange(name)
	return nil
}

func (s *Session) noteChange(name string) {
	if d := settingByName[canonicalSetting(name)]; d != nil && d.report {
		s.changed[d.name] = true
	}
}

// takeChanges returns the reported settings that changed since the last call.
func (s *Session) takeChanges() []ParamStatus {
	if len(s.changed) == 0 {
		return nil
	}
	var out []ParamStatus
	for _, name := range slices.Sorted(maps.Keys(s.changed)) {
		v, _ := s.settings.get(name)
		out = append(out, ParamStatus{name, v})
	}
	clear(s.changed)
	return out
}

// dialect returns the dialect in force.
func (s *Session) dialect() fn.Dialect {
	if v, _ := s.settings.get("dialect"); v == "pinot" {
		return fn.Pinot
	}
	return fn.Postgres
}

// FnContext returns the context in which expressions of a statement that
// begins now are evaluated.
func (s *Session) FnContext(ctx context.Context) *fn.Context {
	zone, _ := s.settings.get("timezone")
	if zone == "UTC" {
		zone = ""
	}
	return &fn.Context{
		Context: ctx, NowMicros: s.tx.now(s.eng.now), Zone: zone,
		Dialect: s.dialect(), User: s.opt.User, Session: s.funcs(),
	}
}

// searchPath returns the schemas of the search path, "$user" left out.
func (s *Session) searchPath() []string {
	v, _ := s.settings.get("search_path")
	var out []string
	for _, p := range strings.Split(v, ",") {
		p = strings.Trim(strings.TrimSpace(p), `"'`)
		if p != "" && p != "$user" {
			out = append(out, p)
		}
	}
	return out
}

// MemoryLimit is the memory that one statement may use on each node, in bytes; 0
// means no bound.
func (s *Session) MemoryLimit() int64 { return s.settings.bytes("memory_limit") }
