// Package httpapi serves Pinot's broker interface over HTTP: POST and GET
// /query/sql with Pinot's response shape, listing and cancelling of queries.
// It turns requests into sessions of broker/session.
package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/query/fn"
)

// Config configures a Handler.
type Config struct {
	Engine   *session.Engine
	BrokerID string
	Database string
	// User returns the authenticated user of a request.
	User   func(*http.Request) string
	Logger *slog.Logger
	// MaxBodyBytes bounds a request; 0 means 16 MiB.
	MaxBodyBytes int64
	// DefaultLimit is the LIMIT of statements without one; 0 means Pinot's 10.
	DefaultLimit int64
	// MaxRows bounds the rows of one JSON answer, which is built in memory; 0
	// means 1,000,000.
	MaxRows int64
}

// Handler serves the query endpoints.
type Handler struct {
	cfg Config
	mux *http.ServeMux
}

// New returns a handler.
func New(cfg Config) *Handler {
	if cfg.MaxBodyBytes == 0 {
		cfg.MaxBodyBytes = 16 << 20
	}
	if cfg.DefaultLimit == 0 {
		cfg.DefaultLimit = 10
	}
	if cfg.MaxRows == 0 {
		cfg.MaxRows = 1_000_000
	}
	h := &Handler{cfg: cfg, mux: http.NewServeMux()}
	for _, path := range []string{"/query/sql", "/query"} {
		h.mux.HandleFunc("POST "+path, h.post)
		h.mux.HandleFunc("GET "+path, h.get)
	}
	h.mux.HandleFunc("GET /queries", h.list)
	h.mux.HandleFunc("DELETE /query/{id}", h.cancel)
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// request is the body of POST /query/sql.
type request struct {
	SQL          string          `json:"sql"`
	Trace        flexibleBool    `json:"trace"`
	QueryOptions json.RawMessage `json:"queryOptions"`
}

// flexibleBool reads true, "true", false and "false", since Pinot's clients
// send both forms.
type flexibleBool bool

// UnmarshalJSON implements json.Unmarshaler.
func (b *flexibleBool) UnmarshalJSON(raw []byte) error {
	v, err := strconv.ParseBool(strings.Trim(string(raw), `"`))
	*b = flexibleBool(v)
	return err
}

func (h *Handler) get(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	sql := q.Get("sql")
	if sql == "" {
		httpError(w, http.StatusBadRequest, "parameter sql is missing")
		return
	}
	opts, _ := json.Marshal(q.Get("queryOptions"))
	h.run(w, r, request{SQL: sql, Trace: q.Get("trace") == "true", QueryOptions: opts})
}

func (h *Handler) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.cfg.MaxBodyBytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		httpError(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("body is larger than %d bytes", large.Limit))
		return
	case err != nil:
		httpError(w, http.StatusBadRequest, "reading the body: "+err.Error())
		return
	}
	var req request
	if err := json.Unmarshal(body, &req); err != nil {
		h.write(w, failure(errorJSONParsing, "body is not the JSON of a query: "+err.Error()))
		return
	}
	if strings.TrimSpace(req.SQL) == "" {
		h.write(w, failure(errorJSONParsing, `field "sql" is missing or empty`))
		return
	}
	h.run(w, r, req)
}

// run executes the statements of a request. Pinot answers 200 for failed
// queries too: errors stand in "exceptions".
func (h *Handler) run(w http.ResponseWriter, r *http.Request, req request) {
	start := time.Now()
	resp, err := h.execute(r.Context(), r, req)
	if err != nil {
		resp = failed(err)
	}
	resp.TimeUsedMs = time.Since(start).Milliseconds()
	resp.BrokerID = h.cfg.BrokerID
	h.write(w, resp)
}

// failed is the response to a request that failed.
func failed(err error) *response {
	var oe *optionError
	if errors.As(err, &oe) {
		return failure(errorQueryValidation, oe.Error())
	}
	return failure(pinotCode(err), errorText(err))
}

func (h *Handler) execute(ctx context.Context, r *http.Request, req request) (*response, error) {
	opts, err := parseOptions(req.QueryOptions)
	if err != nil {
		return nil, err
	}
	s, err := h.cfg.Engine.Open(session.Options{
		User: h.cfg.User(r), Database: h.cfg.Database, Remote: r.RemoteAddr,
		Dialect: fn.Pinot, DefaultLimit: h.cfg.DefaultLimit,
		Params: map[string]string{"application_name": r.UserAgent()},
	})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var a applied
	if err := a.apply(s, opts); err != nil {
		return nil, err
	}
	if req.Trace {
		a.warn("trace has no effect; EXPLAIN ANALYZE tells what a statement did")
	}
	resp, err := h.statements(ctx, s, &a, req.SQL)
	if err != nil {
		resp = failed(withCaret(err, req.SQL))
	}
	resp.Warnings, resp.ClientRequestID = a.warnings, a.clientID
	return resp, nil
}

// statements runs a text; the answer is that of the last statement.
func (h *Handler) statements(ctx context.Context, s *session.Session, a *applied, sql string) (*response, error) {
	stmts, err := s.Parse(sql)
	if err != nil {
		return nil, err
	}
	if len(stmts) == 0 {
		return failure(errorSQLParsing, "the statement is empty"), nil
	}
	var resp *response
	for i := range stmts {
		if resp, err = h.statement(ctx, s, a, &stmts[i]); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

func (h *Handler) statement(ctx context.Context, s *session.Session, a *applied, stmt *session.Statement) (*response, error) {
	if err := a.apply(s, stmt.Options); err != nil {
		return nil, err
	}
	p, err := s.Prepare(ctx, stmt, nil)
	if err != nil {
		return nil, err
	}
	res, err := s.Execute(ctx, p, nil, session.ExecuteOptions{})
	if err != nil {
		return nil, err
	}
	defer res.Close()
	resp := newResponse(res.QueryID())
	if err := resp.addRows(res, h.cfg.MaxRows, s.MemoryLimit()); err != nil {
		return nil, err
	}
	resp.addStats(res.Stats())
	return resp, nil
}

// list answers with the running statements by id, as Pinot's broker does.
// system.queries tells more.
func (h *Handler) list(w http.ResponseWriter, _ *http.Request) {
	out := map[string]string{}
	for _, q := range h.cfg.Engine.Running() {
		out[q.ID] = q.SQL
	}
	writeJSON(w, http.StatusOK, out)
}

func (h *Handler) cancel(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !h.cfg.Engine.Cancel(id) {
		httpError(w, http.StatusNotFound, "no running query "+strconv.Quote(id))
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "Cancelled query: " + id})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(v)
}

func httpError(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, map[string]any{"code": status, "error": text})
}
