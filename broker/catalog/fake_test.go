package catalog

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/rel"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/sql"
)

// fakeSource is a cluster with a few tables.
type fakeSource struct {
	tables  []*schema.Table
	version uint64
}

var now = time.Date(2024, 6, 15, 12, 30, 45, 0, time.UTC)

func field(id uint32, name string, t schema.Type) schema.Field {
	return schema.Field{ID: id, Name: name, Type: t}
}

func newFakeSource() *fakeSource {
	events := &schema.Schema{Name: "events", PrimaryKey: []string{"id"}, Fields: []schema.Field{
		field(1, "id", schema.Int64), field(2, "ts", schema.Timestamp), field(3, "product", schema.Text),
		field(4, "amount", schema.Type{ID: schema.TypeNumeric, Precision: 18, Scale: 2}),
		field(5, "qty", schema.Int32), field(6, "tags", schema.Text.AsList()),
		field(7, "note", schema.Type{ID: schema.TypeVarchar, Length: 20}),
	}}
	events.Fields[2].Comment = "what was sold"
	events.Fields[4].NotNull = true
	mixed := &schema.Schema{Name: "WebLog", Fields: []schema.Field{
		field(1, "userId", schema.Int32), field(2, "at", schema.TimestampTZ), field(3, "body", schema.JSON),
	}}
	stream := &schema.StreamConfig{Kind: "kafka", Topic: "events"}
	return &fakeSource{version: 1, tables: []*schema.Table{
		{ID: 1, Version: 3, Name: "events", Type: schema.Realtime, Schema: events,
			Config: &schema.TableConfig{TimeColumn: "ts", Stream: stream, Retention: 48 * time.Hour}},
		{ID: 2, Version: 1, Name: "WebLog", Type: schema.Offline, Schema: mixed, Config: &schema.TableConfig{}},
	}}
}

func (f *fakeSource) Tables() ([]*schema.Table, uint64) { return f.tables, f.version }
func (f *fakeSource) Database() string                  { return "alluvium" }
func (f *fakeSource) Users() []User {
	return []User{{ID: 7, Name: "admin", Superuser: true}, {ID: 8, Name: "reader"}}
}
func (f *fakeSource) Instances() []Instance {
	return []Instance{{ID: "Server_127.0.0.1_8098", Role: "server", Host: "127.0.0.1", Port: 8098, GRPCPort: 8098, HTTPPort: 8097,
		Tags: []string{"DefaultTenant_REALTIME"}, State: "ALIVE", Started: now}}
}
func (f *fakeSource) Segments() []Segment {
	ok := []Replica{{Instance: "Server_127.0.0.1_8098", Desired: "ONLINE", Observed: "ONLINE"}}
	bad := []Replica{{Instance: "Server_127.0.0.1_8098", Desired: "CONSUMING", Observed: "ERROR", Error: "disk full"}}
	return []Segment{
		{Table: "events_REALTIME", Name: "events__0__0", State: "DURABLE", Rows: 1000, Bytes: 123456, MinTime: now.Add(-time.Hour),
			MaxTime: now, Start: "0", End: "1000", Created: now, URI: "file:///x", Replicas: ok},
		{Table: "events_REALTIME", Name: "events__0__1", State: "CONSUMING", Rows: 10, Bytes: 5000, Start: "1000", Created: now, Replicas: bad},
	}
}
func (f *fakeSource) Gaps() []Gap {
	return []Gap{{Table: "events_REALTIME", Partition: 1, From: "5", To: "9", Count: -1, At: now, Reason: "retention"}}
}
func (f *fakeSource) Queries() []Query {
	return []Query{{ID: "q1", PID: 1001, User: "admin", App: "psql", Client: "127.0.0.1:5000", Text: "select 1", Started: now}}
}
func (f *fakeSource) Settings() []Setting {
	return []Setting{
		{Name: "timezone", Default: "UTC", Type: "string", Description: "Zone of timestamptz.", Context: "user"},
		{Name: "server_version", Default: "15.0", Type: "string", Context: "internal"},
		{Name: "float_sum", Default: "fast", Type: "enum", Enum: []string{"exact", "fast"}, Context: "user"},
	}
}
func (f *fakeSource) Consumers(context.Context) ([]Consumer, error) {
	return []Consumer{{Table: "events_REALTIME", Instance: "Server_127.0.0.1_8098", Segment: "events__0__1", State: "CONSUMING",
		Offset: "1010", Latest: "1010", LagMillis: -1, Rows: 10}}, nil
}
func (f *fakeSource) IngestionErrors(context.Context) ([]IngestionError, error) {
	return []IngestionError{{Table: "events_REALTIME", Offset: "77", At: now, Reason: "bad JSON", Record: []byte("{")}}, nil
}

// fakeSession is a session over a catalog, as the broker makes one.
type fakeSession struct{ c *Catalog }

var _ fn.Session = fakeSession{}
var _ fn.Describer = fakeSession{}

func (s fakeSession) Database() string     { return "alluvium" }
func (s fakeSession) SearchPath() []string { return []string{"public"} }
func (s fakeSession) Setting(name string) (string, bool) {
	v, ok := map[string]string{"search_path": "public", "timezone": "Europe/Paris", "server_version_num": "150000", "default_table_access_method": "heap"}[name]
	return v, ok
}
func (s fakeSession) SetSetting(string, string, bool) error { return nil }
func (s fakeSession) BackendPID() int32                     { return 1001 }
func (s fakeSession) CancelBackend(int32) bool              { return false }
func (s fakeSession) LookupRegclass(name string) (uint32, bool) {
	return s.c.LookupRegclass(s.SearchPath(), name)
}
func (s fakeSession) RegclassName(oid uint32) (string, bool)     { return s.c.RegclassName(oid) }
func (s fakeSession) LookupRegtype(name string) (uint32, bool)   { return s.c.LookupRegtype(name) }
func (s fakeSession) LookupRegproc(name string) (uint32, bool)   { return s.c.LookupRegproc(name) }
func (s fakeSession) RegprocName(oid uint32) (string, bool)      { return s.c.RegprocName(oid) }
func (s fakeSession) RegnamespaceName(oid uint32) (string, bool) { return s.c.RegnamespaceName(oid) }
func (s fakeSession) LookupRegnamespace(name string) (uint32, bool) {
	return s.c.LookupRegnamespace(name)
}
func (s fakeSession) TableVisible(oid uint32) bool {
	return s.c.TableVisible(s.SearchPath(), oid)
}
func (s fakeSession) RoleName(oid uint32) (string, bool)        { return s.c.RoleName(oid) }
func (s fakeSession) IndexDef(oid uint32, n int) (string, bool) { return s.c.IndexDef(oid, n) }
func (s fakeSession) ConstraintDef(oid uint32) (string, bool)   { return s.c.ConstraintDef(oid) }
func (s fakeSession) Description(oid uint32, sub int32) (string, bool) {
	return s.c.Description(oid, sub)
}
func (s fakeSession) RelationBytes(oid uint32) int64 { return s.c.RelationBytes(oid) }
func (s fakeSession) DatabaseBytes() int64           { return s.c.DatabaseBytes() }

// query runs a statement over the catalog and prints its rows, cells divided by |.
func query(c *Catalog, text string) ([]string, error) {
	ctx := &fn.Context{Context: context.Background(), NowMicros: now.UnixMicro(), User: "admin", Session: fakeSession{c}}
	stmts, err := sql.Parse(text, false)
	if err != nil {
		return nil, err
	}
	q, err := plan.Prepare(ctx, &stmts[0], plan.Options{Catalog: c, SearchPath: []string{"public"}})
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	root, err := q.Bind(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("bind: %w", err)
	}
	rows, err := rel.Run(ctx, root, rel.Env{})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for {
		b, err := rows.Next()
		if err != nil || b == nil {
			return out, err
		}
		for i := range b.N {
			cells := make([]string, len(b.Cols))
			for k, v := range b.Cols {
				cells[k] = string(fn.FormatText(nil, ctx, v, i))
			}
			out = append(out, strings.Join(cells, "|"))
		}
	}
}

func mustQuery(t *testing.T, c *Catalog, text string) []string {
	t.Helper()
	rows, err := query(c, text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return rows
}
