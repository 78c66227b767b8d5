package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/alluviumdb/alluvium/api"
	"github.com/alluviumdb/alluvium/api/pb"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// loadClient speaks the part of the controllers' API that batch loads use. A
// call that no controller answers is made again, at the next of them in turn,
// for as long as patience lasts: every call is idempotent.
type loadClient struct {
	client
	bases    []string
	patience time.Duration
	waiting  func(error) // is told of every failed attempt
}

// newLoadClient splits the comma-separated URLs of c.
func newLoadClient(c *client) (*loadClient, error) {
	l := &loadClient{client: client{user: c.user, password: c.password}, patience: firstPatience, waiting: func(error) {}}
	for _, base := range strings.Split(c.base, ",") {
		u, err := url.Parse(strings.TrimSpace(base))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("--controller: %q is not a URL such as http://host:9000", base)
		}
		l.bases = append(l.bases, strings.TrimSuffix(u.String(), "/"))
	}
	return l, nil // without a timeout: an upload takes as long as it takes, calls end with their ctx
}

// firstPatience is the patience until a load was begun: a wrong address should
// not be waited for.
const firstPatience = 5 * time.Second

const (
	minLoadPause = 200 * time.Millisecond
	maxLoadPause = 5 * time.Second
)

// retry calls f until it succeeds, is refused, or patience ends.
func (l *loadClient) retry(ctx context.Context, f func() error) error {
	end := time.Now().Add(l.patience)
	for pause := minLoadPause; ; pause = min(2*pause, maxLoadPause) {
		err := f()
		switch {
		case err == nil || ctx.Err() != nil || !passing(err):
			return err
		case time.Now().After(end):
			return &unavailableError{err}
		}
		l.waiting(err)
		l.bases = append(l.bases[1:], l.bases[0])
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// passing tells whether an error may pass: no answer, or one that says so.
func passing(err error) bool {
	var refused *apiError
	if errors.As(err, &refused) {
		return refused.Status == http.StatusServiceUnavailable || refused.Status == http.StatusBadGateway
	}
	var none *url.Error
	var broken net.Error
	return errors.As(err, &none) || errors.As(err, &broken) || errors.Is(err, io.ErrUnexpectedEOF)
}

// unavailableError ends the attempts at a call: what it was for may still be done.
type unavailableError struct{ err error }

func (e *unavailableError) Error() string { return e.err.Error() }

func (e *unavailableError) Unwrap() error { return e.err }

// call makes a call with a body of JSON, nil for none.
func (l *loadClient) call(ctx context.Context, method, path string, body, out any) error {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	return l.retry(ctx, func() error {
		l.base = l.bases[0]
		return l.do(ctx, method, path, raw, out)
	})
}

func tablePath(table string) string { return "/v1/tables/" + url.PathEscape(table) }

// table returns the definition of a table, with its column ids.
func (l *loadClient) table(ctx context.Context, name string) (*schema.Table, error) {
	var raw json.RawMessage
	if err := l.call(ctx, "GET", tablePath(name)+"/definition", nil, &raw); err != nil {
		return nil, err
	}
	msg := &pb.Table{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, msg); err != nil {
		return nil, fmt.Errorf("definition of table %s: %w", name, err)
	}
	return api.DecodeTable(msg)
}

// createOffline creates a schema with its OFFLINE table and returns the
// warnings about them.
func (l *loadClient) createOffline(ctx context.Context, name string, schemaJSON, tableJSON json.RawMessage) ([]string, error) {
	var res change
	body := map[string]any{"tableName": name, "schema": schemaJSON, "offline": tableJSON}
	err := l.call(ctx, "POST", "/tableConfigs", body, &res)
	return res.Warnings, err
}

// loadRequest begins a load.
type loadRequest struct {
	Key  string `json:"key"`
	Mode string `json:"mode"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// loadState is a load as the controller shows it.
type loadState struct {
	ID       uint64 `json:"id"`
	Status   string `json:"status"`
	Segments uint64 `json:"segments"`
	Rows     uint64 `json:"rows"`
	Bytes    uint64 `json:"bytes"`
	Replaced uint64 `json:"replaced"`
	Version  uint32 `json:"tableVersion"` // when the load began
	Staged   []struct {
		Name string `json:"name"`
	} `json:"stagedSegments"`
}

func (l *loadClient) begin(ctx context.Context, table string, req loadRequest) (loadState, error) {
	var st loadState
	err := l.call(ctx, "POST", tablePath(table)+"/loads", req, &st)
	return st, err
}

func loadPath(table string, id uint64) string {
	return fmt.Sprintf("%s/loads/%d", tablePath(table), id)
}

// stage uploads the file of a segment.
func (l *loadClient) stage(ctx context.Context, table string, id uint64, name, path string, crc uint32) error {
	to := fmt.Sprintf("%s/segments/%s?crc=%08x", loadPath(table, id), url.PathEscape(name), crc)
	return l.retry(ctx, func() error { return l.put(ctx, l.bases[0]+to, path) })
}

func (l *loadClient) put(ctx context.Context, url, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, f)
	if err != nil {
		return err
	}
	req.ContentLength = st.Size()
	if l.password != "" {
		req.SetBasicAuth(l.user, l.password)
	}
	res, err := l.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		return &apiError{res.StatusCode, errorText(res.StatusCode, raw)}
	}
	return err
}

// commit makes the load visible. The controller waits for the servers a while
// for each call; patience bounds all of them.
func (l *loadClient) commit(ctx context.Context, table string, id uint64, segments int) (loadState, error) {
	var st loadState
	path := fmt.Sprintf("%s/commit?segments=%d&timeout=20s", loadPath(table, id), segments)
	err := l.call(ctx, "POST", path, nil, &st)
	return st, err
}

// abort drops the load. It is given a moment even when ctx has ended.
func (l *loadClient) abort(ctx context.Context, table string, id uint64, why error) error {
	const moment = 15 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), moment)
	defer cancel()
	const most = 300
	reason := why.Error()
	reason = reason[:min(len(reason), most)]
	return l.call(ctx, "DELETE", loadPath(table, id)+"?reason="+url.QueryEscape(strings.ToValidUTF8(reason, "")), nil, nil)
}
