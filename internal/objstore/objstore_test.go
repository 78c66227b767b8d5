package objstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

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
	key, err := s.Key(s.URI("t/a.seg"))
	must(err)
	if key != "t/a.seg" {
		t.Errorf("key %q", key)
	}
	if _, err := s.Key("s3://other/x"); err == nil {
		t.Error("a foreign address was taken")
	}
	for _, bad := range []string{"", "/x", "a/../b", "a//b", "."} {
		if err := put(bad, "x"); err == nil {
			t.Errorf("key %q was taken", bad)
		}
	}
}

func TestOpenRefusesOtherSchemes(t *testing.T) {
	for _, uri := range []string{"gs://x/y", "file://host/x", "s3:///x", "%%"} {
		if _, err := Open(context.Background(), uri, Options{}); err == nil {
			t.Errorf("%s was opened", uri)
		}
	}
}
