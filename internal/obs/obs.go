// Package obs is what every role shows about itself: metrics, health, profiles
// and flags, at the same paths on every HTTP listener. It knows no role.
package obs

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime/debug"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health reports the state of the components of a process: name to "ok" or
// what is wrong. ready tells whether it may take traffic.
type Health func() (components map[string]string, ready bool)

// Options configures Register.
type Options struct {
	Gatherer prometheus.Gatherer
	Health   Health
	// Flags are the settings in force, secrets left out.
	Flags map[string]string
}

// Register adds the operational endpoints to mux:
//
//	GET /metrics            Prometheus text format
//	GET /health, /health/readiness, /-/ready   200 when ready, else 503, with the components
//	GET /health/liveness, /-/healthy           200 as long as the process answers
//	GET /debug/flags        settings in force
//	GET /debug/pprof/…      profiles
func Register(mux *http.ServeMux, o Options) {
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	ready := readiness(o.Health)
	for _, p := range []string{"/health", "/health/readiness", "/-/ready"} {
		mux.Handle("GET "+p, ready)
	}
	for _, p := range []string{"/health/liveness", "/-/healthy"} {
		mux.HandleFunc("GET "+p, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("OK\n")) })
	}
	mux.HandleFunc("GET /debug/flags", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, o.Flags) })
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

// readiness answers in JSON to those who ask for it and with Pinot's plain
// "OK" to load balancers.
func readiness(h Health) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		components, ready := h()
		status := http.StatusOK
		if !ready {
			status = http.StatusServiceUnavailable
		}
		if ready && !strings.Contains(r.Header.Get("Accept"), "json") && r.URL.Query().Get("format") != "json" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Write([]byte("OK"))
			return
		}
		writeJSON(w, status, map[string]any{"ready": ready, "components": components})
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(v)
}

// NewRegistry returns a registry with the collectors of the process and the Go
// runtime.
func NewRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// NewLogger returns a structured logger to standard error. level is debug,
// info, warn or error; format is text or json.
func NewLogger(level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, err
	}
	opt := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, opt)), nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opt)), nil
}

// Version is the release, set by the linker; a build without it shows the
// module's version-control revision.
var Version = ""

// BuildVersion returns the version of this binary.
func BuildVersion() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "dev-" + s.Value[:12]
			}
		}
	}
	return "dev"
}
