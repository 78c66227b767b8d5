package catalog

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/internal/schema"
)

func TestRelation(t *testing.T) {
	src := newFakeSource()
	s := src.tables[0].Schema
	src.tables = append(src.tables,
		&schema.Table{ID: 3, Name: "hybrid", Type: schema.Offline, Schema: s, Config: &schema.TableConfig{}},
		&schema.Table{ID: 4, Name: "hybrid", Type: schema.Realtime, Schema: s, Config: &schema.TableConfig{}})
	c := New(src)
	f := func(schemaName, name string, quoted bool, want string) {
		t.Helper()
		r, err := c.Relation(context.Background(), schemaName, name, quoted)
		got := "none"
		switch {
		case err != nil:
			got = err.Error()
		case r != nil && r.Virtual != nil:
			got = r.Virtual.Schema + "." + r.Virtual.Name
		case r != nil:
			got = fmt.Sprintf("%s %d", r.Table.NameWithType(), r.OID)
		}
		if got != want {
			t.Errorf("%s.%s quoted %v: %s, want %s", schemaName, name, quoted, got, want)
		}
	}
	f("", "events", false, "events_REALTIME 16392")
	f("", "EVENTS", false, "events_REALTIME 16392")
	f("", "EVENTS", true, "none")
	f("public", "events", true, "events_REALTIME 16392")
	f("PUBLIC", "events", false, "events_REALTIME 16392")
	f("", "weblog", false, "WebLog_OFFLINE 16400")
	f("", "WebLog", true, "WebLog_OFFLINE 16400")
	f("", "weblog", true, "none")
	f("", "events_REALTIME", false, "events_REALTIME 16392")
	f("", "events_realtime", false, "events_REALTIME 16392")
	f("", "events_OFFLINE", false, "none")
	f("", "hybrid", false, "hybrid_REALTIME 16408")
	f("", "hybrid_OFFLINE", false, "hybrid_OFFLINE 16408")
	f("", "hybrid_OFFLINE", true, "hybrid_OFFLINE 16408")
	f("", "pg_class", false, "pg_catalog.pg_class")
	f("", "PG_CLASS", false, "pg_catalog.pg_class")
	f("pg_catalog", "pg_class", true, "pg_catalog.pg_class")
	f("INFORMATION_SCHEMA", "Tables", false, "information_schema.tables")
	f("", "tables", false, "none")
	f("system", "segments", false, "system.segments")
	f("nosuch", "events", false, "none")
	f("pg_catalog", "events", false, "none")
}

func TestRegclass(t *testing.T) {
	c := New(newFakeSource())
	f := func(name string, want uint32) {
		t.Helper()
		got, ok := c.LookupRegclass([]string{"public"}, name)
		if ok != (want != 0) || got != want {
			t.Errorf("%s: %d %v, want %d", name, got, ok, want)
		}
	}
	f("events", 16392)
	f("public.events", 16392)
	f(`"WebLog"`, 16400)
	f(`public."WebLog"`, 16400)
	f(`"weblog"`, 0)
	f("events_pkey", 16393)
	f("pg_class", 1259)
	f("pg_catalog.pg_type", 1247)
	f("nosuch", 0)
	f("system.tables", c.virtual["system"]["tables"].OID)
	f("a.b.c", 0)
	for oid, want := range map[uint32]string{16392: "events", 16400: `"WebLog"`, 1259: "pg_class", 16393: "events_pkey", 16394: "", 5: ""} {
		if got, ok := c.RegclassName(oid); got != want || ok != (want != "") {
			t.Errorf("name of %d: %q, want %q", oid, got, want)
		}
	}
}

// TestVersion checks that rows are kept for a version of the table set and
// made anew for another.
func TestVersion(t *testing.T) {
	src := newFakeSource()
	c := New(src)
	count := func() string { return mustQuery(t, c, "select count(*) from pg_class where relnamespace = 2200")[0] }
	if got := count(); got != "3" {
		t.Errorf("%s relations", got)
	}
	before := c.snapshot()
	src.tables = src.tables[:1]
	if c.snapshot() != before {
		t.Error("the snapshot changed without its version")
	}
	src.version++
	if got := count(); got != "2" {
		t.Errorf("%s relations after a drop", got)
	}
}

// TestEveryRelation reads all relations with all their columns.
func TestEveryRelation(t *testing.T) {
	c := New(newFakeSource())
	for _, d := range relDefs() {
		if _, err := query(c, "select * from "+d.schema+"."+d.name); err != nil {
			t.Errorf("%s.%s: %v", d.schema, d.name, err)
		}
	}
}

func TestRelDefs(t *testing.T) {
	seen := map[uint32]string{}
	for _, d := range relDefs() {
		if other := seen[d.oid]; other != "" {
			t.Errorf("%s and %s have the object id %d", other, d.name, d.oid)
		}
		seen[d.oid] = d.name
		if d.oid >= firstUserOID {
			t.Errorf("%s has the object id %d of a table", d.name, d.oid)
		}
	}
	for key := range tableRelations {
		if !exists(key) {
			t.Errorf("rows for %s, which does not exist", key)
		}
	}
	for key := range liveRelations {
		if !exists(key) {
			t.Errorf("rows for %s, which does not exist", key)
		}
	}
}

func exists(key string) bool {
	for _, d := range relDefs() {
		if d.schema+"."+d.name == key {
			return true
		}
	}
	return false
}

func TestSystemTables(t *testing.T) {
	c := New(newFakeSource())
	f := func(text string, want ...string) {
		t.Helper()
		if got := strings.Join(mustQuery(t, c, text), "; "); got != strings.Join(want, "; ") {
			t.Errorf("%s\n got %s\nwant %s", text, got, strings.Join(want, "; "))
		}
	}
	f("select table_name, table_type, columns, segments, consuming_segments, rows, bytes, retention, stream_kind, on_gap from system.tables order by 1",
		"WebLog|OFFLINE|3|0|0|0|0|||", "events|REALTIME|7|2|1|1010|128456|2 days|kafka|stop")
	f("select segment_name, state, rows, online_replicas, replicas, errors from system.segments order by 1",
		"events__0__0|DURABLE|1000|1|1|{}", `events__0__1|CONSUMING|10|0|1|{"Server_127.0.0.1_8098: disk full"}`)
	f("select min_time, max_time, end_offset from system.segments where state = 'CONSUMING'", "||")
	f("select instance_id, role, tags from system.instances", "Server_127.0.0.1_8098|server|{DefaultTenant_REALTIME}")
	f("select partition, offset_text, lag_rows, lag_ms from system.consumers", "0|1010|0|")
	f("select offset_text, reason, record from system.ingestion_errors", `77|bad JSON|\x7b`)
	f("select from_offset, to_offset, rows_lost from system.ingestion_gaps", "5|9|")
	f("select query_id, pid, query, running_ms from system.queries", "q1|1001|select 1|0")
	f("select name, value, source from system.settings order by 1", "float_sum|fast|default", "server_version|15.0|default", "timezone|Europe/Paris|session")
	f("select setting, enumvals from pg_settings where name = 'float_sum'", "fast|{exact,fast}")
	f("select relname, n_live_tup from pg_stat_user_tables order by 1", "WebLog|0", "events|1010")
	f("select pid, usename, state from pg_stat_activity", "1001|admin|active")
	f("select rolname, rolsuper, oid from pg_roles order by 1", "admin|t|10", "reader|f|2147483656")
	f("select pg_size_pretty(pg_total_relation_size('events'))", "125 kB")
	f("select pg_get_userbyid(10), pg_get_userbyid(99)", "admin|unknown (OID=99)")
	f("select 'events'::regclass, 'events'::regclass::oid, 16400::regclass", `events|16392|"WebLog"`)
	f("select current_schemas(true), current_schema, current_database()", "{pg_catalog,public}|public|alluvium")
	f("select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable from information_schema.columns where table_name = 'events' and ordinal_position in (1, 4, 6, 7) order by ordinal_position",
		"id|bigint||64|0|NO", "amount|numeric||18|2|YES", "tags|ARRAY||||YES", "note|character varying|20|||YES")
	f("select typname from pg_type where typinput = 'array_in'::regproc and oid = 1009", "_text")
	f("select col_description('events'::regclass, 3), obj_description('events'::regclass, 'pg_class')", "what was sold|")
	if _, err := query(c, "select 'nosuch'::regclass"); err == nil || !strings.Contains(err.Error(), `relation "nosuch" does not exist`) {
		t.Error(err)
	}
}

// TestManyTables asks what clients ask of a catalog with 10,000 tables.
func TestManyTables(t *testing.T) {
	src := newFakeSource()
	for i := range 10_000 {
		t := *src.tables[0]
		t.ID, t.Name = uint32(i+10), fmt.Sprintf("table_%05d", i)
		src.tables = append(src.tables, &t)
	}
	c := New(src)
	statements := []string{
		`select c.oid, n.nspname, c.relname from pg_catalog.pg_class c left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
			where c.relname operator(pg_catalog.~) '^(table_00042)$' and pg_catalog.pg_table_is_visible(c.oid) order by 2, 3`,
		`select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
			(select pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) from pg_catalog.pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum and a.atthasdef)
			from pg_catalog.pg_attribute a where a.attrelid = '16800' and a.attnum > 0 order by a.attnum`,
		"select table_name from information_schema.tables where table_schema = 'public' and table_name = 'table_00042'",
	}
	for round := range 2 {
		for _, s := range statements {
			start := time.Now()
			if rows := mustQuery(t, c, s); len(rows) == 0 {
				t.Errorf("no rows: %s", s)
			}
			// The first round makes the rows; afterwards they are there.
			if d := time.Since(start); round > 0 && d > 500*time.Millisecond {
				t.Errorf("%v for %.60s", d, s)
			} else {
				t.Logf("round %d: %v for %.60s", round, d, s)
			}
		}
	}
}
