package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// errNotInstalled is returned for a peer whose Python package is missing.
var errNotInstalled = errors.New("is not installed")

// peerKind says how to run a peer.
type peerKind struct{ name, module, script string }

var peerKinds = []peerKind{
	{"DuckDB", "duckdb", "duckdb_peer.py"},
	{"ClickHouse", "chdb", "clickhouse_peer.py"},
}

// peer is another engine within a Python process, which is asked by lines of
// JSON.
type peer struct {
	kind peerKind
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	dir  string
}

var _ engine = (*peer)(nil)

// startPeer starts the process of a peer.
func startPeer(ctx context.Context, kind peerKind, o *Options) (*peer, error) {
	if err := exec.CommandContext(ctx, o.Python, "-c", "import "+kind.module).Run(); err != nil {
		return nil, fmt.Errorf("the Python package %s %w", kind.module, errNotInstalled)
	}
	dir, err := os.MkdirTemp(o.Scratch, "peer-")
	if err != nil {
		return nil, err
	}
	p := &peer{kind: kind, dir: dir}
	p.cmd = exec.CommandContext(ctx, o.Python, filepath.Join(o.Peers, kind.script))
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, p.cmd.Start()
}

func (p *peer) name() string { return p.kind.name }
func (p *peer) pid() int     { return p.cmd.Process.Pid }

func (p *peer) close() {
	p.in.Close()
	p.cmd.Wait()
	os.RemoveAll(p.dir)
}

// call sends a request and reads the answer into out.
func (p *peer) call(ctx context.Context, request map[string]any, out any) error {
	line, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%s: %w", p.name(), err)
	}
	raw, err := p.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%s ended: %w", p.name(), errors.Join(err, ctx.Err()))
	}
	var failed struct{ Error string }
	if err := json.Unmarshal(raw, &failed); err == nil && failed.Error != "" {
		return fmt.Errorf("%s: %s", p.name(), failed.Error)
	}
	return json.Unmarshal(raw, out)
}

// load implements engine.
func (p *peer) load(ctx context.Context, d *dataset) (f loadFigures, err error) {
	type col struct {
		Name string `json:"name"`
		Type string `json:"type"`
		Low  bool   `json:"low"`
	}
	var cols []col
	for _, c := range d.Schema.Fields {
		cols = append(cols, col{c.Name, peerType(c.Type), slices.Contains(d.LowCardinality, c.Name)})
	}
	meter := startMeter(p.pid())
	err = p.call(ctx, map[string]any{"op": "load", "table": d.Schema.Name, "files": d.Files, "columns": cols,
		"sorted_by": d.SortedBy, "threads": runtime.NumCPU(), "dir": p.dir}, &f)
	f.PeakBytes, _ = meter.stop()
	return f, err
}

// peerType names a type for the peers' runners.
func peerType(t schema.Type) string {
	switch t.ID {
	case schema.TypeInt16:
		return "int16"
	case schema.TypeInt32:
		return "int32"
	case schema.TypeInt64:
		return "int64"
	case schema.TypeDate:
		return "date"
	case schema.TypeTimestamp:
		return "timestamp"
	}
	return "text"
}

// words returns the query, or its checked form, as the peer wants it.
func (p *peer) words(q *query, check bool) string {
	switch {
	case p.kind.module == "chdb" && q.ClickHouse != "":
		return q.ClickHouse
	case check:
		return q.check()
	}
	return q.SQL
}

// run implements engine.
func (p *peer) run(ctx context.Context, q *query, runs int) ([]float64, error) {
	var out struct{ MS []float64 }
	err := p.call(ctx, map[string]any{"op": "run", "sql": p.words(q, false), "runs": runs}, &out)
	return out.MS, err
}

// rows implements engine.
func (p *peer) rows(ctx context.Context, q *query) ([][]*string, error) {
	var out struct{ Rows [][]*string }
	err := p.call(ctx, map[string]any{"op": "rows", "sql": p.words(q, true)}, &out)
	return out.Rows, err
}
