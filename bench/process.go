// Package bench measures the store from outside: it starts real processes of
// the binary, feeds them by a stream, asks them over the wire, and writes the
// figures as Markdown. Peers run in the same session on the same data.
package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const password = "bench"

// store is a standalone process under test.
type store struct {
	cmd       *exec.Cmd
	args      []string
	dir       string
	http, pg  string
	broker    string // HTTP, for queries
	startedIn time.Duration
}

// startStore starts the running binary as `standalone` in an empty folder and
// waits until it is ready.
func startStore(ctx context.Context, extra ...string) (*store, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "alluvium-bench-")
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(7)
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, http: ports[0], pg: ports[1], broker: ports[2]}
	s.args = append([]string{"standalone", "--data-dir", filepath.Join(dir, "data"),
		"--controller-addr", ports[0], "--pg-addr", ports[1], "--broker-addr", ports[2],
		"--controller-grpc-addr", ports[3], "--raft-addr", ports[4], "--server-addr", ports[5],
		"--server-http-addr", ports[6], "--log-level", "warn"}, extra...)
	if err := s.launch(ctx, exe); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// launch starts the process and waits until it is ready.
func (s *store) launch(ctx context.Context, exe string) error {
	s.cmd = exec.Command(exe, s.args...)
	s.cmd.Env = append(os.Environ(), "ALLUVIUM_ADMIN_PASSWORD="+password)
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	start := time.Now()
	if err := s.cmd.Start(); err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		raw, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w\n%s", err, raw)
	}
	s.startedIn = time.Since(start)
	return nil
}

// restart ends the process and starts it again over its data.
func (s *store) restart(ctx context.Context) error {
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
	return s.launch(ctx, s.cmd.Path)
}

func freePorts(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		out = append(out, l.Addr().String())
	}
	return out, nil
}

func (s *store) ready(ctx context.Context) error {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		res, err := http.Get("http://" + s.http + "/health")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("the store was not ready within 30 s")
}

// stop ends the process and deletes its data.
func (s *store) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Signal(syscall.SIGTERM)
		s.cmd.Wait()
	}
	os.RemoveAll(s.dir)
}

func (s *store) post(ctx context.Context, path string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.http+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth("admin", password)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if raw, _ := io.ReadAll(res.Body); res.StatusCode >= 300 {
		return fmt.Errorf("POST %s: %d %s", path, res.StatusCode, raw)
	}
	return nil
}

func (s *store) get(ctx context.Context, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+s.http+path, nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth("admin", password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return fmt.Errorf("GET %s: %s", path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(out)
}

func (s *store) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, "postgres://admin:"+password+"@"+s.pg+"/alluvium?sslmode=disable")
}

// cpuSeconds returns the processor time that a process has used so far.
func cpuSeconds(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The command's name may hold spaces; fields are counted after it.
	f := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	user, err1 := strconv.ParseFloat(f[11], 64)
	sys, err2 := strconv.ParseFloat(f[12], 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("unreadable /proc/%d/stat", pid)
	}
	return (user + sys) / 100, nil
}
