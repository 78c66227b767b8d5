package objstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// stores returns one store of each kind.
func stores(t *testing.T) map[string]Store {
	t.Helper()
	ctx := context.Background()
	backend := s3mem.New()
	if err := backend.CreateBucket("deep"); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(srv.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "k")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	s3, err := Open(ctx, "s3://deep/a/prefix", Options{S3Endpoint: srv.URL, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := Open(ctx, "file://"+filepath.Join(t.TempDir(), "deep"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s3.Close() })
	return map[string]Store{"s3": s3, "file": dir}
}

func TestStores(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) { testStore(t, s) })
	}
}

func testStore(t *testing.T, s Store) {
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	put := func(key, text string) error { return s.Put(ctx, key, strings.NewReader(text), int64(len(text))) }
	must(put("t/a.seg", "hello world"))
	must(put("t/b.seg", "b"))
	must(put("u/c.seg", "c"))

	r, err := s.Get(ctx, "t/a.seg")
	must(err)
	all, err := io.ReadAll(r)
	must(errors.Join(err, r.Close()))
	if string(all) != "hello world" {
		t.Errorf("got %q", all)
	}
	part := make([]byte, 5)
	must(s.GetRange(ctx, "t/a.seg", 6, part))
	if string(part) != "world" {
		t.Errorf("range %q", part)
	}
	info, err := s.Head(ctx, "t/a.seg")
	must(err)
	if info.Bytes != 11 {
		t.Errorf("size %d", info.Bytes)
	}
	var keys []string
	must(s.List(ctx, "t/", func(i Info) error { keys = append(keys, i.Key); return nil }))
	if fmt.Sprint(keys) != "[t/a.seg t/b.seg]" {
		t.Errorf("listed %v", keys)
	}
	if err := s.PutIfAbsent(ctx, "t/b.seg", strings.NewReader("x"), 1); !errors.Is(err, ErrExists) {
		t.Errorf("PutIfAbsent over an object: %v", err)
	}
	must(s.PutIfAbsent(ctx, "t/new.seg", strings.NewReader("x"), 1))
	must(s.Delete(ctx, "t/b.seg"))
	must(s.Delete(ctx, "t/b.seg"))
	if _, err := s.Get(ctx, "t/b.seg"); !errors.Is(err, ErrNotFound) {
		t.Errorf("get of a deleted object: %v", err)
	}
	if _, err := s.Head(ctx, "none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("head of nothing: %v", err)
	}
	if err := s.Put(ctx, "t/short", bytes.NewReader([]byte("abc")), 5); !errors.Is(err, ErrSize) {
		t.Errorf("short object: %v", err)
	}
	if _, err := s.Get(ctx, "t/short"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a refused object is there: %v", err)
	}
	if err := s.GetRange(ctx, "t/a.seg", 8, part); !errors.Is(err, ErrRange) {
		t.Errorf("range over the end: %v", err)
	}
	if err := s.GetRange(ctx, "t/a.seg", 50, part); !errors.Is(err, ErrRange) {
		t.Errorf("range behind the end: %v", err)
	}
	testRace(t, s)
	key, err := s.Key(s.URI("t/a.seg"))
	must(err)
	if key != "t/a.seg" {
		t.Errorf("key %q", key)
	}
	if _, err := s.Key("s3://other/x"); err == nil {
		t.Error("a foreign address was taken")
	}
	for _, bad := range []string{"", "/x", "a/../b", "a//b", ".", ".tmp/x"} {
		if err := put(bad, "x"); err == nil {
			t.Errorf("key %q was taken", bad)
		}
	}
}

// testRace lets several writers claim one key.
func testRace(t *testing.T, s Store) {
	t.Helper()
	ctx := context.Background()
	const writers = 8
	errs := make(chan error, writers)
	for i := range writers {
		go func() { errs <- s.PutIfAbsent(ctx, "race/key", strings.NewReader(fmt.Sprint(i)), 1) }()
	}
	won := 0
	for range writers {
		switch err := <-errs; {
		case err == nil:
			won++
		case !errors.Is(err, ErrExists):
			t.Errorf("claim: %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d writers claimed one key", won)
	}
	if err := s.Delete(ctx, "race/key"); err != nil {
		t.Error(err)
	}
}

func TestFolderKeepsNothingUnfinished(t *testing.T) {
	root := t.TempDir()
	open := func() Store {
		t.Helper()
		s, err := Open(context.Background(), "file://"+root, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if err := s.Put(context.Background(), "a/b", strings.NewReader("abc"), 4); !errors.Is(err, ErrSize) {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(root, tempDir))
	if err != nil || len(left) > 0 {
		t.Errorf("a failed put left %v, %v", left, err)
	}

	// What a killed process left is removed when it is old, and never listed.
	old, young := filepath.Join(root, tempDir, "1-1"), filepath.Join(root, tempDir, "2-1")
	for _, file := range []string{old, young} {
		if err := os.WriteFile(file, []byte("part"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().Add(-tempLife - time.Hour)
	if err := os.Chtimes(old, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	s = open()
	if _, err := os.Stat(old); err == nil {
		t.Error("an old unfinished file was kept")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error("a young unfinished file was removed")
	}
	if err := s.List(context.Background(), "", func(i Info) error { return fmt.Errorf("%s is listed", i.Key) }); err != nil {
		t.Error(err)
	}
}

// faultyS3 answers the first n requests with a status, and then from a store.
func faultyS3(t *testing.T, n int32, status int, code string) Store {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("deep"); err != nil {
		t.Fatal(err)
	}
	inner, left := gofakes3.New(backend).Server(), atomic.Int32{}
	left.Store(n)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if left.Add(-1) >= 0 {
			w.WriteHeader(status)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>injected</Message></Error>", code)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "k")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	s, err := Open(context.Background(), "s3://deep", Options{S3Endpoint: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestS3Faults(t *testing.T) {
	put := func(s Store) error { return s.Put(context.Background(), "k", strings.NewReader("abc"), 3) }
	if err := put(faultyS3(t, 2, http.StatusServiceUnavailable, "SlowDown")); err != nil {
		t.Errorf("two faults were not retried: %v", err)
	}
	f := func(status int, code string, transient bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		err := faultyS3(t, 1000, status, code).Put(ctx, "k", strings.NewReader("abc"), 3)
		if err == nil || IsTransient(err) != transient {
			t.Errorf("%d %s: %v", status, code, err)
		}
	}
	f(http.StatusForbidden, "AccessDenied", false)
	f(http.StatusNotFound, "NoSuchBucket", false)
	f(http.StatusInternalServerError, "InternalError", true)
}

func TestIsTransient(t *testing.T) {
	f := func(err error, want bool) {
		t.Helper()
		if got := IsTransient(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
	f(nil, false)
	f(fmt.Errorf("x: %w", ErrNotFound), false)
	f(ErrExists, false)
	f(ErrRefused, false)
	f(context.Canceled, false)
	f(context.DeadlineExceeded, true)
	f(io.ErrUnexpectedEOF, true)
}

func TestHooks(t *testing.T) {
	ctx := context.Background()
	inner, err := Open(ctx, "file://"+t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var calls []string
	fault := errors.New("injected")
	s := WithHooks(inner, Hooks{
		Before: func(_ context.Context, op Op, key string) error {
			if key == "bad" {
				return fault
			}
			return nil
		},
		After: func(c Call) {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, fmt.Sprintf("%s %s %d %v", c.Op, c.Key, c.Bytes, c.Err))
		},
	})
	testStore(t, s)
	calls = nil
	if err := s.Put(ctx, "bad", strings.NewReader("x"), 1); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
	if _, err := inner.Head(ctx, "bad"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a failed put went through: %v", err)
	}
	if err := s.Put(ctx, "good", strings.NewReader("xyz"), 3); err != nil {
		t.Error(err)
	}
	if err := s.GetRange(ctx, "good", 1, make([]byte, 2)); err != nil {
		t.Error(err)
	}
	if got, want := fmt.Sprint(calls), "[put bad 0 injected put good 3 <nil> get_range good 2 <nil>]"; got != want {
		t.Errorf("calls %s, want %s", got, want)
	}
}

func TestOpenRefusesOtherSchemes(t *testing.T) {
	for _, uri := range []string{"gs://x/y", "file://host/x", "s3:///x", "%%"} {
		if _, err := Open(context.Background(), uri, Options{}); err == nil {
			t.Errorf("%s was opened", uri)
		}
	}
}
