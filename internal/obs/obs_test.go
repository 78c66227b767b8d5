package obs

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEndpoints(t *testing.T) {
	ready := true
	mux := http.NewServeMux()
	Register(mux, Options{
		Gatherer: NewRegistry(),
		Health: func() (map[string]string, bool) {
			return map[string]string{"deep store": map[bool]string{true: "ok", false: "unreachable"}[ready]}, ready
		},
		Flags: map[string]string{"pg-addr": "127.0.0.1:5433"},
	})
	f := func(path, accept string, wantStatus int, wantBody string) {
		t.Helper()
		req := httptest.NewRequest("GET", path, nil)
		req.Header.Set("Accept", accept)
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, req)
		if rec.Code != wantStatus || !strings.Contains(rec.Body.String(), wantBody) {
			t.Errorf("GET %s: %d %q, want %d with %q", path, rec.Code, rec.Body, wantStatus, wantBody)
		}
	}
	f("/health", "", 200, "OK")
	f("/health", "application/json", 200, `"deep store": "ok"`)
	f("/metrics", "", 200, "go_goroutines")
	f("/debug/flags", "", 200, "pg-addr")
	f("/debug/pprof/", "", 200, "goroutine")
	ready = false
	f("/health", "", 503, "unreachable")
	f("/health/liveness", "", 200, "OK")
}

func TestNewLoggerRefusesUnknownLevel(t *testing.T) {
	if _, err := NewLogger("loud", "text"); err == nil {
		t.Fatal("level loud was accepted")
	}
}
