// Package kinesisfake is a stand-in for Amazon Kinesis Data Streams in the
// process of a test: streams, shards, resharding and reads over Amazon's JSON
// protocol, with the faults of the real service on demand. It knows nothing of
// this project's sources; it keeps everything in memory and checks no
// credentials.
package kinesisfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is a fake Kinesis endpoint on loopback. Its methods are safe for
// concurrent use.
type Server struct {
	http *http.Server
	url  string
	done chan struct{}

	mu         sync.Mutex
	now        func() time.Time
	streams    map[string]*stream
	faults     map[string][]string // error codes of the next calls, by operation
	calls      map[string]int
	generation int  // iterators of earlier generations have expired
	pageSize   int  // shards on one page of ListShards, 0 for all
	limited    bool // five reads a second and shard
	delay      time.Duration
}

// Start starts a server on a free port.
func Start() (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		url: "http://" + l.Addr().String(), done: make(chan struct{}), now: time.Now,
		streams: map[string]*stream{}, faults: map[string][]string{}, calls: map[string]int{},
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // ends with Close
	}()
	return s, nil
}

// Close ends the server and its connections.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	return err
}

// URL returns the endpoint's address.
func (s *Server) URL() string { return s.url }

// SetClock replaces the clock that gives arrival times and ages.
func (s *Server) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// SetPageSize bounds the shards that one ListShards returns.
func (s *Server) SetPageSize(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pageSize = n
}

// LimitReads makes a shard refuse more than five reads a second, as Amazon's do.
func (s *Server) LimitReads() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limited = true
}

// SetDelay makes every call take at least d.
func (s *Server) SetDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Fail lets the next n calls of an operation ("GetRecords") fail with an error
// code ("ProvisionedThroughputExceededException").
func (s *Server) Fail(operation string, n int, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.faults[operation] = append(s.faults[operation], code)
	}
}

// Calls returns how often an operation was called, refused calls included.
func (s *Server) Calls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operation]
}

// ExpireIterators makes all iterators given out so far useless.
func (s *Server) ExpireIterators() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
}

// Trim drops the records of a stream that arrived before a time.
func (s *Server) Trim(stream string, before time.Time) {
	s.each(stream, func(sh *shard) { sh.trim(before) })
}

// ReadEmpty lets the next n reads of each shard find nothing although there is
// something, as reads over a sparse shard do.
func (s *Server) ReadEmpty(stream string, n int) {
	s.each(stream, func(sh *shard) { sh.pretendEmpty = n })
}

func (s *Server) each(stream string, f func(*shard)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.streams[stream]; st != nil {
		for _, sh := range st.shards {
			f(sh)
		}
	}
}

// Forget drops a closed shard, as retention does in the end.
func (s *Server) Forget(stream, shardID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[stream]
	for i, sh := range st.shards {
		if sh.id() == shardID && sh.last != 0 {
			st.shards = append(st.shards[:i:i], st.shards[i+1:]...)
			return
		}
	}
}

// apiError is an answer in Amazon's error form.
type apiError struct{ code, message string }

func (e *apiError) Error() string { return e.code + ": " + e.message }

func refuse(code, format string, args ...any) error {
	return &apiError{code, fmt.Sprintf(format, args...)}
}

// maxBody bounds a request: 500 records of 1 MiB would be more than Amazon takes.
const maxBody = 64 << 20

// ServeHTTP answers one call; the operation stands in the X-Amz-Target header.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	delay := s.delay
	s.mu.Unlock()
	time.Sleep(delay)
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "Kinesis_20131202.")
	var body json.RawMessage
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body)
	var out any
	if err == nil {
		out, err = s.call(operation, body)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil {
		var known *apiError
		if !errors.As(err, &known) {
			known = &apiError{"SerializationException", err.Error()}
		}
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]string{"__type": known.code, "message": known.message}
	}
	if out == nil {
		return
	}
	_ = json.NewEncoder(w).Encode(out) // the client sees a short answer
}

func (s *Server) call(operation string, body json.RawMessage) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[operation]++
	if codes := s.faults[operation]; len(codes) > 0 {
		s.faults[operation] = codes[1:]
		return nil, refuse(codes[0], "injected")
	}
	f, ok := operations[operation]
	if !ok {
		return nil, refuse("UnknownOperationException", "operation %q", operation)
	}
	return f(s, body)
}
