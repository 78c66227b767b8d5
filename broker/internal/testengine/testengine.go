// Package testengine gives the tests of the broker's front ends an engine over
// a few tables in memory: the real catalog, planner and operators, with the
// leaves run in place. It knows no server and no network.
package testengine

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/alluviumdb/alluvium/broker/catalog"
	"github.com/alluviumdb/alluvium/broker/session"
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/query/exec"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/startree"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
	"github.com/alluviumdb/alluvium/segment/mutable"
)

// Database is the name of the database.
const Database = "alluvium"

// Stuck is the name of a table whose leaves wait for the end of the statement.
const Stuck = "stuck"

// Cluster is a set of tables. It is safe for concurrent use.
type Cluster struct {
	exec *exec.Engine

	mu      sync.Mutex // guards the fields below
	version uint64
	tables  []*schema.Table
	segs    map[uint32]*mutable.Segment
	sealed  map[uint32][]segment.Segment
	missing []string
}

var _ catalog.Source = (*Cluster)(nil)

// New returns a cluster with the tables events (Events), numbers (n from 0 to
// 9,999) and stuck.
func New(tb testing.TB) *Cluster {
	tb.Helper()
	c := &Cluster{exec: exec.New(exec.Config{Workers: -1, ResultCacheTime: -1}), version: 1, segs: map[uint32]*mutable.Segment{}, sealed: map[uint32][]segment.Segment{}}
	c.Put(tb, "events", Events(), EventRows()...)
	numbers := make([][]string, 10_000)
	for i := range numbers {
		numbers[i] = []string{fmt.Sprint(i)}
	}
	c.Put(tb, "numbers", []schema.Field{{ID: 1, Name: "n", Type: schema.Int64}}, numbers...)
	c.Put(tb, Stuck, []schema.Field{{ID: 1, Name: "n", Type: schema.Int64}}, []string{"1"})
	return c
}

// Null stands for NULL in the rows given to Put.
const Null = "\x00"

// Put makes a table, or makes it anew, with rows in PostgreSQL's text form.
func (c *Cluster) Put(tb testing.TB, name string, fields []schema.Field, rows ...[]string) {
	tb.Helper()
	c.PutParts(tb, name, schema.TableConfig{}, fields, rows)
}

// PutParts is Put with a configuration and several segments: all but the last
// are sealed, the last one is consuming.
func (c *Cluster) PutParts(tb testing.TB, name string, cfg schema.TableConfig, fields []schema.Field, parts ...[][]string) {
	tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	t := &schema.Table{
		ID: uint32(c.version), Version: uint32(c.version), Name: name, Type: schema.Realtime, Config: &cfg,
		Schema: &schema.Schema{Name: name, Fields: fields},
	}
	var seg *mutable.Segment
	for i, rows := range parts {
		var err error
		seg, err = mutable.New(mutable.Config{Name: fmt.Sprintf("%s__0__%d", name, i), Table: t})
		if err == nil {
			err = fill(seg, fields, rows)
		}
		if err != nil {
			tb.Fatal(err)
		}
		if i < len(parts)-1 {
			c.sealed[t.ID] = append(c.sealed[t.ID], seal(tb, t, seg))
		}
	}
	c.tables = slices.DeleteFunc(slices.Clone(c.tables), func(x *schema.Table) bool { return x.Name == name })
	c.tables = append(c.tables, t)
	c.segs[t.ID] = seg
}

// seal returns the rows of a segment as a sealed one, which is closed at the
// end of the test.
func seal(tb testing.TB, t *schema.Table, seg *mutable.Segment) segment.Segment {
	tb.Helper()
	view, fsys := seg.Snapshot(), vfs.NewMem()
	defer view.Release()
	name := view.Metadata().Name
	if _, err := build.Segment(context.Background(), fsys, name, view, build.Config{Table: t, StarTrees: startree.Compiler{}}); err != nil {
		tb.Fatal(err)
	}
	sealed, err := immutable.Open(fsys, name, immutable.Options{VerifyAll: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(sealed.Release)
	return sealed
}

func fill(seg *mutable.Segment, fields []schema.Field, rows [][]string) error {
	b := &column.Batch{N: len(rows)}
	for k, f := range fields {
		v := column.New(f.Type, len(rows))
		for _, row := range rows {
			if row[k] == Null {
				v.AppendNull()
				continue
			}
			x, err := fn.ParseText(&fn.Context{Context: context.Background()}, []byte(row[k]), f.Type)
			if err != nil {
				return fmt.Errorf("column %s: %w", f.Name, err)
			}
			v.Append(x)
		}
		b.Cols = append(b.Cols, v)
	}
	if err := seg.Append(b); err != nil {
		return err
	}
	return seg.Commit(mutable.Commit{})
}

// Miss makes every later leaf lack segments: an error, or a partial result
// where that is allowed.
func (c *Cluster) Miss(segments ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missing = segments
}

// Engine returns an engine over the cluster. Catalog, NewRunner and a missing
// Logger are filled in.
func (c *Cluster) Engine(cfg session.Config) *session.Engine {
	cfg.Catalog, cfg.NewRunner = catalog.New(c), c.newRunner
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return session.New(cfg)
}

func (c *Cluster) snapshot(id uint32) ([]segment.Segment, []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append(slices.Clone(c.sealed[id]), c.segs[id].Snapshot()), c.missing
}
