package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/internal/auth"
)

// Handler serves this server's HTTP surface:
//
//	GET /segments/{table id}/{name}   the sealed file of a segment, for peers
//	GET /debug/segments               the segments held, with their states
//	GET /debug/consumers              the consuming partitions
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /segments/{table}/{name}", s.trusted(s.serveSegment))
	mux.HandleFunc("GET /debug/segments", s.serveSegments)
	mux.HandleFunc("GET /debug/consumers", func(w http.ResponseWriter, _ *http.Request) {
		reports := []any{}
		for _, c := range s.tables.allConsumers() {
			reports = append(reports, c.describe())
		}
		writeJSON(w, reports)
	})
	return mux
}

// trusted lets only other roles in: those that know the cluster secret, or
// without one those on this host.
func (s *Server) trusted(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		ok := auth.SecretEqual(token, s.cfg.Secret)
		if s.cfg.Secret == "" {
			addr, err := netip.ParseAddrPort(r.RemoteAddr)
			ok = err == nil && addr.Addr().Unmap().IsLoopback()
		}
		if !ok {
			http.Error(w, "segments are for other roles of the cluster: the cluster secret is missing or wrong", http.StatusUnauthorized)
			return
		}
		h(w, r)
	})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func (s *Server) serveSegments(w http.ResponseWriter, _ *http.Request) {
	type row struct {
		Name      string `json:"name"`
		Table     string `json:"table"`
		Partition uint32 `json:"partition"`
		State     string `json:"state"`
		Rows      uint32 `json:"rows"`
		Bytes     uint64 `json:"bytes"`
		Error     string `json:"error,omitempty"`
	}
	rows := []row{}
	for _, h := range s.set.all() {
		info := h.snapshot()
		r := row{Name: info.Name, Table: info.Table, Partition: info.Partition, State: info.State, Bytes: info.Bytes}
		if info.Meta != nil {
			r.Rows = info.Meta.NumDocs
		}
		if info.Err != nil {
			r.Error = info.Err.Error()
		}
		rows = append(rows, r)
	}
	writeJSON(w, rows)
}

// serveSegment sends a sealed file. Only segments that are served here have
// one, so the path is made from a known segment and not from the request.
func (s *Server) serveSegment(w http.ResponseWriter, r *http.Request) {
	h := s.set.get(r.PathValue("name"))
	if h == nil || !h.hasFile() || strconv.Itoa(int(h.tableID)) != r.PathValue("table") {
		http.Error(w, "no such sealed segment on this server", http.StatusNotFound)
		return
	}
	f, err := s.cfg.FS.Open(s.path(h.tableID, h.name))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.ServeContent(w, r, filepath.Base(h.name)+".seg", time.Time{}, io.NewSectionReader(f, 0, size))
}

// Drain prepares for the end: it tells the controllers, stops consuming (rows
// that are not sealed stay queryable and are read again by the next start) and
// waits until no fragment runs or ctx ends. New fragments still run: the brokers
// are the ones that stop asking.
func (s *Server) Drain(ctx context.Context) {
	s.draining.Store(true)
	s.reportSoon()
	for _, c := range s.tables.allConsumers() {
		c.cancel()
	}
	for s.queries.running() > 0 && sleep(ctx, 10*time.Millisecond) {
	}
}

func (q *queryList) running() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.m)
}
