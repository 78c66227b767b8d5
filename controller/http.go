package controller

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/controller/ui"
	"github.com/alluviumdb/alluvium/internal/auth"
)

// maxBodyBytes bounds the body of a request, maxSegmentBytes an uploaded
// segment: the deep store takes that much in one request.
const (
	maxBodyBytes    = 8 << 20
	maxSegmentBytes = 5 << 30
)

// route is one operation of the HTTP API. The OpenAPI document is made from
// the same list, so that no operation is missing there.
type route struct {
	method, path string
	// pattern is where the operation is mounted when that is not path.
	pattern string
	summary string
	// params are query parameters, name and description.
	params [][2]string
	// body tells that the operation takes a JSON body, file that it takes the
	// bytes of a segment file.
	body, file bool
	// public operations need no credentials.
	public bool
	// raw operations write their answer themselves; the others return a value
	// that becomes JSON.
	raw    http.HandlerFunc
	handle func(r *http.Request) (any, error)
}

// mutates tells whether an operation changes something and so needs an admin.
// Asking the cluster a question is no change, whatever its method.
func (rt *route) mutates() bool {
	return rt.method != http.MethodGet && rt.path != "/sql" && !strings.HasSuffix(rt.path, "/validate")
}

// httpAPI serves the routes.
type httpAPI struct {
	c   *Controller
	mux *http.ServeMux
}

func (c *Controller) newHandler() http.Handler {
	a := &httpAPI{c: c, mux: http.NewServeMux()}
	routes := c.routes()
	for i := range routes {
		a.add(&routes[i])
	}
	page := ui.Handler()
	a.mux.Handle("GET /{$}", page)
	a.mux.Handle("GET /ui/", page)
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, api.Errorf(http.StatusForbidden, "the request comes from another site"))
	}))
	return secureHeaders(protection.Handler(a))
}

// add mounts a route behind authentication and metrics.
func (a *httpAPI) add(rt *route) {
	var h http.Handler = rt.handler(a.c.log)
	if rt.mutates() {
		h = a.adminOnly(h)
	}
	if !rt.public {
		h = a.syncedOnly(auth.BasicFunc(h, a.c, a.c.open))
	}
	a.mux.Handle(rt.method+" "+cmp.Or(rt.pattern, rt.path), a.measured(rt.method+" "+rt.path, h))
}

// handler returns the route's handler with its body bounded.
func (rt *route) handler(log *slog.Logger) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxBodyBytes)
		if rt.file {
			limit = maxSegmentBytes
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		if rt.file {
			r.Body = &moving{ReadCloser: r.Body, conn: http.NewResponseController(w), pause: maxUploadPause}
		}
		if rt.raw != nil {
			rt.raw(w, r)
			return
		}
		v, err := rt.handle(r)
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, http.StatusOK, v, log)
	}
}

// syncedOnly puts requests off while this controller starts: what it does not
// know yet, users among it, is not known to be missing.
func (a *httpAPI) syncedOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.c.synced() {
			writeError(w, api.Errorf(http.StatusServiceUnavailable, "this controller is starting, or has not reached the others yet"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// adminOnly refuses users who are not administrators.
func (a *httpAPI) adminOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := auth.User(r.Context())
		if u := a.c.State().User(name); u == nil && !a.c.open() || u != nil && !u.Admin {
			writeError(w, api.Errorf(http.StatusForbidden, "user %q may not change anything", name))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// measured counts requests by route and status.
func (a *httpAPI) measured(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(rec, r)
		a.c.metrics.requests.WithLabelValues(name, strconv.Itoa(rec.status)).Inc()
		a.c.metrics.requestSeconds.WithLabelValues(name).Observe(time.Since(start).Seconds())
	})
}

// statusRecorder remembers the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch}

// ServeHTTP implements http.Handler. What no route matches is answered in JSON.
func (a *httpAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := a.mux.Handler(r); pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	var allowed []string
	for _, m := range methods {
		other := *r
		other.Method = m
		if _, pattern := a.mux.Handler(&other); pattern != "" {
			allowed = append(allowed, m)
		}
	}
	if len(allowed) == 0 {
		writeError(w, api.Errorf(http.StatusNotFound, "there is nothing at %s", r.URL.Path))
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeError(w, api.Errorf(http.StatusMethodNotAllowed, "%s is not allowed at %s; allowed are %s", r.Method, r.URL.Path, strings.Join(allowed, ", ")))
}

// secureHeaders sets what keeps a browser from running or embedding anything
// that is not ours.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
			"img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, status int, v any, log *slog.Logger) {
	var body []byte
	var err error
	if raw, ok := v.(json.RawMessage); ok {
		body = raw
	} else if body, err = json.Marshal(v); err != nil {
		log.Error("an answer cannot be encoded", "err", err)
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body) // an error means that the client is gone
}

func writeError(w http.ResponseWriter, err error) {
	var e *api.Error
	if !errors.As(err, &e) {
		e = &api.Error{Code: http.StatusInternalServerError, Message: err.Error()}
	}
	body, _ := json.Marshal(map[string]any{"code": e.Code, "error": e.Message}) // cannot fail for these types
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(e.Code)
	w.Write(body)
}

// readBody reads the whole body of a request.
func readBody(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, api.Errorf(http.StatusRequestEntityTooLarge, "the body is longer than %d bytes", tooLong.Limit)
	case err != nil:
		return nil, invalid("reading the body: %v", err)
	case len(b) == 0:
		return nil, invalid("the body is empty")
	}
	return b, nil
}

// boolParam reads a query parameter that is true or false.
func boolParam(r *http.Request, name string, def bool) (bool, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return def, nil
	}
	b, err := strconv.ParseBool(strings.ToLower(v))
	if err != nil {
		return def, invalid("parameter %s must be true or false, not %q", name, v)
	}
	return b, nil
}

func invalid(format string, args ...any) error {
	return api.Errorf(http.StatusBadRequest, format, args...)
}

func notFound(format string, args ...any) error {
	return api.Errorf(http.StatusNotFound, format, args...)
}

func conflict(format string, args ...any) error {
	return api.Errorf(http.StatusConflict, format, args...)
}

// notYet refuses an operation of Pinot's API that does not exist here yet.
func notYet(what string) func(*http.Request) (any, error) {
	return func(*http.Request) (any, error) {
		return nil, api.Errorf(http.StatusUnprocessableEntity, "%s is not supported yet", what)
	}
}

// change is the answer to an operation that changed something, in Pinot's
// shape plus warnings.
type change struct {
	Status       string         `json:"status"`
	Warnings     []string       `json:"warnings"`
	Unrecognized map[string]any `json:"unrecognizedProperties"`
}

func changed(status string, warnings []string) change {
	if warnings == nil {
		warnings = []string{}
	}
	return change{Status: status, Warnings: slices.Compact(warnings), Unrecognized: map[string]any{}}
}
