package catalog

import (
	"cmp"
	"slices"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// liveRelations make the rows of relations that show what runs: they are made
// for each query.
var liveRelations = map[string]func(*Catalog, *fn.Context, *relDef) (*column.Batch, error){
	"pg_catalog.pg_roles":                 rolesRows,
	"pg_catalog.pg_user":                  userRows,
	"pg_catalog.pg_settings":              pgSettingsRows,
	"pg_catalog.pg_stat_activity":         activityRows,
	"pg_catalog.pg_stat_user_tables":      statTableRows,
	"pg_catalog.pg_stat_all_tables":       statTableRows,
	"information_schema.enabled_roles":    enabledRoleRows,
	"information_schema.applicable_roles": noRows,
	"system.tables":                       systemTables,
	"system.segments":                     systemSegments,
	"system.instances":                    systemInstances,
	"system.consumers":                    systemConsumers,
	"system.ingestion_errors":             systemErrors,
	"system.ingestion_gaps":               systemGaps,
	"system.queries":                      systemQueries,
	"system.settings":                     systemSettings,
}

func noRows(_ *Catalog, _ *fn.Context, d *relDef) (*column.Batch, error) { return empty(d), nil }

func rolesRows(c *Catalog, _ *fn.Context, d *relDef) (*column.Batch, error) {
	r := newRowset(d, "rolname", "rolsuper", "rolcreaterole", "rolcreatedb", "oid")
	for _, u := range c.roles() {
		r.add(u.Name, u.Superuser, u.Superuser, u.Superuser, u.oid)
	}
	return r.done(map[string]any{
		"rolinherit": true, "rolcanlogin": true, "rolreplication": false, "rolconnlimit": -1, "rolpassword": "********",
		"rolbypassrls": false,
	}), nil
}

func userRows(c *Catalog, _ *fn.Context, d *relDef) (*column.Batch, error) {
	r := newRowset(d, "usename", "usesysid", "usecreatedb", "usesuper")
	for _, u := range c.roles() {
		r.add(u.Name, u.oid, u.Superuser, u.Superuser)
	}
	return r.done(map[string]any{"userepl": false, "usebypassrls": false, "passwd": "********"}), nil
}

func enabledRoleRows(_ *Catalog, ctx *fn.Context, d *relDef) (*column.Batch, error) {
	r := newRowset(d, "role_name")
	r.add(ctx.User)
	return r.done(nil), nil
}

// settingValue is the session's value of a setting, its default without one.
func settingValue(ctx *fn.Context, s Setting) (value, source string) {
	value, source = s.Default, "default"
	if ctx.Session == nil {
		return value, source
	}
	if v, ok := ctx.Session.Setting(s.Name); ok && v != s.Default {
		return v, "session"
	}
	return value, source
}

func pgSettingsRows(c *Catalog, ctx *fn.Context, d *relDef) (*column.Batch, error) {
	r := newRowset(d, "name", "setting", "unit", "short_desc", "context", "vartype", "source", "enumvals", "boot_val", "reset_val")
	for _, s := range sortedSettings(c) {
		value, source := settingValue(ctx, s)
		r.add(s.Name, value, optional(s.Unit), s.Description, s.Context, s.Type, source, enumOf(s), s.Default, s.Default)
	}
	return r.done(map[string]any{"category": "Alluvium", "pending_restart": false}), nil
}

func sortedSettings(c *Catalog) []Setting {
	out := slices.Clone(c.src.Settings())
	slices.SortFunc(out, func(a, b Setting) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// optional is NULL for an empty text.
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func enumOf(s Setting) any {
	if len(s.Enum) == 0 {
		return nil
	}
	return s.Enum
}

func activityRows(c *Catalog, _ *fn.Context, d *relDef) (*column.Batch, error) {
	ids := map[string]uint32{}
	for _, u := range c.roles() {
		ids[u.Name] = u.oid
	}
	r := newRowset(d, "pid", "usesysid", "usename", "application_name", "client_addr", "query_start", "query")
	for _, q := range c.src.Queries() {
		r.add(q.PID, ids[q.User], q.User, q.App, optional(q.Client), q.Started, q.Text)
	}
	return r.done(map[string]any{
		"datid": oidDatabase, "datname": c.src.Database(), "state": "active", "backend_type": "client backend",
	}), nil
}

// tableStats are sums over the segments of a table.
type tableStats struct {
	segments, consuming, rows, bytes int64
}

// stats sums the segments up, by table name with type.
func (c *Catalog) stats() map[string]*tableStats {
	out := map[string]*tableStats{}
	for _, s := range c.src.Segments() {
		if !s.visible() {
			continue
		}
		t := out[s.Table]
		if t == nil {
			t = &tableStats{}
			out[s.Table] = t
		}
		t.segments++
		if s.State == "CONSUMING" {
			t.consuming++
		}
		t.rows += s.Rows
		t.bytes += s.Bytes
	}
	return out
}

func statTableRows(c *Catalog, _ *fn.Context, d *relDef) (*column.Batch, error) {
	stats := c.stats()
	r := newRowset(d, "relid", "relname", "n_live_tup", "n_tup_ins")
	for _, e := range c.snapshot().entries {
		rows := int64(0)
		for _, half := range []*schema.Table{e.realtime, e.offline} {
			if half != nil && stats[half.NameWithType()] != nil {
				rows += stats[half.NameWithType()].rows
			}
		}
		r.add(e.oid, e.name, rows, rows)
	}
	return r.done(map[string]any{
		"schemaname": "public", "seq_scan": 0, "seq_tup_read": 0, "idx_scan": 0, "idx_tup_fetch": 0, "n_tup_upd": 0,
		"n_tup_del": 0, "n_tup_hot_upd": 0, "n_dead_tup": 0, "n_mod_since_analyze": 0, "n_ins_since_vacuum": 0,
		"vacuum_count": 0, "autovacuum_count": 0, "analyze_count": 0, "autoanalyze_count": 0,
	}), nil
}

func systemTables(c *Catalog, _ *fn.Context, d *relDef) (*column.Batch, error) {
	stats := c.stats()
	r := newRowset(d, "table_name", "table_type", "table_id", "version", "columns", "segments", "consuming_segments",
		"rows", "bytes", "time_column", "retention", "replication", "broker_tenant", "server_tenant", "stream_kind",
		"stream_topic", "on_gap")
	tables, _ := c.src.Tables()
	for _, t := range tables {
		st := stats[t.NameWithType()]
		if st == nil {
			st = &tableStats{}
		}
		cfg := t.Config
		if cfg == nil {
			cfg = &schema.TableConfig{}
		}
		var kind, topic, gap any
		if cfg.Stream != nil {
			kind, topic, gap = cfg.Stream.Kind, cfg.Stream.Topic, string(cmp.Or(cfg.OnGap, schema.GapStop))
		}
		r.add(t.Name, string(t.Type), t.ID, t.Version, len(t.Schema.Fields), st.segments, st.consuming, st.rows, st.bytes,
			optional(cfg.TimeColumn), retentionOf(cfg.Retention), max(cfg.Replication, 1),
			cmp.Or(cfg.BrokerTenant, schema.DefaultTenant), cmp.Or(cfg.ServerTenant, schema.DefaultTenant), kind, topic, gap)
	}
	return r.done(nil), nil
}

// retentionOf is NULL for tables that keep everything.
func retentionOf(d time.Duration) any {
	if d == 0 {
		return nil
	}
	const day = 24 * time.Hour
	return column.Interval{Days: int32(d / day), Micros: (d % day).Microseconds()}
}

func systemSegments(c *Catalog, _ *fn.Context, d *relDef) (*column.Batch, error) {
	r := newRowset(d, "table_name", "segment_name", "partition", "state", "rows", "bytes", "min_time", "max_time",
		"start_offset", "end_offset", "created_at", "uri", "replicas", "online_replicas", "servers", "errors")
	for _, s := range c.src.Segments() {
		online := 0
		servers, errs := []string{}, []string{}
		for _, p := range s.Replicas {
			servers = append(servers, p.Instance)
			if p.Observed == p.Desired && p.Observed != "" {
				online++
			}
			if p.Error != "" {
				errs = append(errs, p.Instance+": "+p.Error)
			}
		}
		r.add(s.Table, s.Name, s.Partition, s.State, s.Rows, s.Bytes, s.MinTime, s.MaxTime, optional(s.Start),
			optional(s.End), s.Created, optional(s.URI), len(s.Replicas), online, servers, errs)
	}
	return r.done(nil), nil
}

func systemInstances(c *Catalog, _ *fn.Context, d *relDef) (*column.Batch, error) {
	r := newRowset(d, "instance_id", "role", "host", "port", "grpc_port", "http_port", "tags", "state", "version", "started_at", "seen_at")
	for _, i := range c.src.Instances() {
		r.add(i.ID, i.Role, i.Host, i.Port, i.GRPCPort, i.HTTPPort, i.Tags, i.State, optional(i.Version), i.Started, i.Seen)
	}
	return r.done(nil), nil
}

// unknown is NULL for a count that is not known.
func unknown(n int64) any {
	if n < 0 {
		return nil
	}
	return n
}

func systemConsumers(c *Catalog, ctx *fn.Context, d *relDef) (*column.Batch, error) {
	list, err := c.src.Consumers(ctx)
	if err != nil {
		return nil, err
	}
	r := newRowset(d, "table_name", "partition", "instance_id", "segment_name", "state", "offset_text", "latest_offset",
		"lag_rows", "lag_ms", "rows", "error")
	for _, x := range list {
		r.add(x.Table, x.Partition, x.Instance, optional(x.Segment), x.State, optional(x.Offset), optional(x.Latest),
			unknown(x.LagRows), unknown(x.LagMillis), x.Rows, optional(x.Error))
	}
	return r.done(nil), nil
}

func systemErrors(c *Catalog, ctx *fn.Context, d *relDef) (*column.Batch, error) {
	list, err := c.src.IngestionErrors(ctx)
	if err != nil {
		return nil, err
	}
	r := newRowset(d, "table_name", "partition", "offset_text", "occurred_at", "reason", "record")
	for _, x := range list {
		r.add(x.Table, x.Partition, optional(x.Offset), x.At, x.Reason, x.Record)
	}
	return r.done(nil), nil
}

func systemGaps(c *Catalog, _ *fn.Context, d *relDef) (*column.Batch, error) {
	r := newRowset(d, "table_name", "partition", "from_offset", "to_offset", "rows_lost", "recorded_at", "reason")
	for _, g := range c.src.Gaps() {
		r.add(g.Table, g.Partition, g.From, g.To, unknown(g.Count), g.At, optional(g.Reason))
	}
	return r.done(nil), nil
}

func systemQueries(c *Catalog, ctx *fn.Context, d *relDef) (*column.Batch, error) {
	r := newRowset(d, "query_id", "pid", "user_name", "application_name", "client_addr", "query", "started_at", "running_ms")
	for _, q := range c.src.Queries() {
		r.add(q.ID, q.PID, q.User, optional(q.App), optional(q.Client), q.Text, q.Started, (ctx.NowMicros-q.Started.UnixMicro())/1000)
	}
	return r.done(nil), nil
}

func systemSettings(c *Catalog, ctx *fn.Context, d *relDef) (*column.Batch, error) {
	r := newRowset(d, "name", "value", "default_value", "source", "unit", "type", "context", "description", "enum_values")
	for _, s := range sortedSettings(c) {
		value, source := settingValue(ctx, s)
		r.add(s.Name, value, s.Default, source, optional(s.Unit), s.Type, s.Context, optional(s.Description), enumOf(s))
	}
	return r.done(nil), nil
}
