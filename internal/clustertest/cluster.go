// Package clustertest runs a cluster of real processes (scripts/cluster.sh)
// for tests: it starts and kills them, produces records with a ledger of what
// was acknowledged, and asks the cluster what it holds.
package clustertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Process is one process of the cluster as endpoints.json describes it.
type Process struct {
	Name      string            `json:"name"`
	Role      string            `json:"role"`
	Instance  string            `json:"instance"`
	PID       int               `json:"pid"`
	Addresses map[string]string `json:"addresses"`
}

// Cluster is a running cluster.
type Cluster struct {
	Root, Dir string
	Processes []Process `json:"processes"`
	Kafka     string    `json:"kafka"`
	S3        string    `json:"s3"`
	env       []string
}

// Password is the password of user admin.
const Password = "cluster-test"

// Up starts a cluster whose ports begin at base and stops it when the test
// ends. Its logs are printed when the test failed. env are settings of
// scripts/cluster.sh.
func Up(t *testing.T, base int, env ...string) *Cluster {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Root: root, Dir: filepath.Join(root, ".cluster-test-"+strconv.Itoa(base))}
	c.env = append(os.Environ(), "CLUSTER_DIR="+c.Dir, "CLUSTER_BASE="+strconv.Itoa(base),
		"ALLUVIUM_ADMIN_PASSWORD="+Password)
	c.env = append(c.env, env...)
	t.Cleanup(func() {
		if t.Failed() {
			c.printLogs(t)
		}
		c.script(t, "down")
	})
	c.script(t, "up")
	c.reload(t)
	return c
}

func (c *Cluster) script(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(c.Root, "scripts/cluster.sh"), args...)
	cmd.Env = c.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cluster.sh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (c *Cluster) reload(t *testing.T) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.Dir, "endpoints.json"))
	if err != nil {
		t.Fatal(err)
	}
	c.Processes = nil
	if err := json.Unmarshal(raw, c); err != nil {
		t.Fatal(err)
	}
}

func (c *Cluster) printLogs(t *testing.T) {
	for _, p := range c.Processes {
		raw, _ := os.ReadFile(filepath.Join(c.Dir, p.Name, "log"))
		if len(raw) > 6000 {
			raw = raw[len(raw)-6000:]
		}
		t.Logf("== %s\n%s", p.Name, raw)
	}
}

// Kill ends a process with SIGKILL.
func (c *Cluster) Kill(t *testing.T, name string) {
	t.Helper()
	p := c.process(t, name)
	if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
		t.Fatalf("kill %s (%d): %v", name, p.PID, err)
	}
}

// Start starts a killed process again and waits until it is ready.
func (c *Cluster) Start(t *testing.T, name string) {
	t.Helper()
	c.script(t, "start", name)
	c.reload(t)
}

func (c *Cluster) process(t *testing.T, name string) Process {
	t.Helper()
	for _, p := range c.Processes {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no process %s", name)
	return Process{}
}

// Role returns the processes of a role.
func (c *Cluster) Role(role string) []Process {
	var out []Process
	for _, p := range c.Processes {
		if p.Role == role {
			out = append(out, p)
		}
	}
	return out
}

// Call sends a request to the first controller that answers and decodes its
// JSON into out (nil for none).
func (c *Cluster) Call(ctx context.Context, method, path string, body []byte, out any) error {
	var last error
	for _, p := range c.Role("controller") {
		last = call(ctx, method, "http://"+p.Addresses["http"]+path, body, out)
		var refused *RefusedError
		if last == nil || asRefused(last, &refused) {
			return last
		}
	}
	return last
}

// RefusedError is an answer with an error status.
type RefusedError struct {
	Status int
	Body   string
}

func (e *RefusedError) Error() string { return fmt.Sprintf("HTTP %d: %s", e.Status, e.Body) }

func asRefused(err error, target **RefusedError) bool {
	r, ok := err.(*RefusedError)
	if ok {
		*target = r
	}
	return ok
}

func call(ctx context.Context, method, url string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth("admin", Password)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return &RefusedError{res.StatusCode, string(raw)}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// Query runs a statement on any broker that answers and scans its only row.
func (c *Cluster) Query(ctx context.Context, sql string, dst ...any) error {
	var last error
	for _, p := range c.Role("broker") {
		if last = queryOne(ctx, p.Addresses["pg"], sql, dst...); last == nil {
			return nil
		}
	}
	return last
}

func queryOne(ctx context.Context, addr, sql string, dst ...any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := connect(ctx, addr)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return conn.QueryRow(ctx, sql).Scan(dst...)
}

func connect(ctx context.Context, addr string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, "postgres://admin:"+Password+"@"+addr+"/alluvium?sslmode=disable")
}
