package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"time"
)

// Handler serves this server's HTTP surface:
//
//	GET /segments/{table id}/{name}   the sealed file of a segment, for peers
//	GET /debug/segments               the segments held, with their states
//	GET /debug/consumers              the consuming partitions
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /segments/{table}/{name}", s.serveSegment)
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

// Drain waits until no fragment runs, or ctx ends. New ones still run: the
// brokers are the ones that stop asking.
func (s *Server) Drain(ctx context.Context) {
	for s.queries.running() > 0 && sleep(ctx, 10*time.Millisecond) {
	}
}

func (q *queryList) running() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.m)
}
