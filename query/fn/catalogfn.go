package fn

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Describer is what a Session may answer beyond its interface: the texts and
// sizes of catalog objects. A session that does not implement it knows none.
type Describer interface {
	// IndexDef returns the definition of an index; for column n > 0 the text
	// of that column.
	IndexDef(oid uint32, n int) (string, bool)
	// ConstraintDef returns the definition of a constraint.
	ConstraintDef(oid uint32) (string, bool)
	// Description returns the comment on an object; sub is a column number or 0.
	Description(oid uint32, sub int32) (string, bool)
	// RelationBytes returns the stored size of a relation.
	RelationBytes(oid uint32) int64
	// DatabaseBytes returns the stored size of all relations.
	DatabaseBytes() int64
}

func (c *call) describer() (Describer, bool) {
	if c.ctx == nil {
		return nil, false
	}
	d, ok := c.ctx.Session.(Describer)
	return d, ok
}

// registerCatalogInfo makes the functions about catalog objects.
func registerCatalogInfo(r *registry) {
	registerVisible(r)
	registerDefinitions(r)
	registerPrivileges(r)
	registerSizes(r)
	registerLookups(r)
	r.row("format_type(oid,int4) text stable null", func(c *call, i int) error {
		if c.isNull(0, i) {
			return c.null()
		}
		mod := int32(-1)
		if !c.isNull(1, i) {
			mod = c.i32(1, i)
		}
		if c.i64(0, i) == 0 {
			return c.putStr("-")
		}
		name, ok := FormatType(uint32(c.i64(0, i)), mod)
		if !ok {
			name = "???"
		}
		return c.putStr(name)
	})
	r.row("pg_get_userbyid(oid) name session", func(c *call, i int) error {
		return c.withSession(func(s Session) error {
			if name, ok := s.RoleName(uint32(c.i64(0, i))); ok {
				return c.putStr(name)
			}
			return c.putStr("unknown (OID=" + itoa(c.i64(0, i)) + ")")
		})
	})
	r.set("pg_timezone_names() setof (name text, abbrev text, utc_offset interval, is_dst bool) stable", timezoneNames)
	r.set("pg_partition_ancestors(regclass) setof (relid regclass)", partitionAncestors)
	r.set("pg_partition_tree(regclass) setof (relid regclass, parentrelid regclass, isleaf bool, level int4)", emptySet)
	r.set("pg_options_to_table(text[]) setof (option_name text, option_value text)", emptySet)
	r.set("aclexplode(text[]) setof (grantor oid, grantee oid, privilege_type text, is_grantable bool)", emptySet)
	r.set("pg_show_all_file_settings() setof (name text, setting text)", emptySet)
	for _, name := range []string{"pg_options_to_table", "aclexplode", "pg_partition_tree", "pg_show_all_file_settings"} {
		f := r.base[name][0].fn
		f.EvalSet = emptyOf(f.SetCols)
	}
}

// emptySet stands for a function whose columns are filled in by emptyOf.
func emptySet(*Context, []column.Value) (*column.Batch, error) { return &column.Batch{}, nil }

func emptyOf(cols []SetCol) setFunc {
	return func(*Context, []column.Value) (*column.Batch, error) {
		b := &column.Batch{}
		for _, c := range cols {
			b.Cols = append(b.Cols, column.New(c.Type, 0))
		}
		return b, nil
	}
}

func registerVisible(r *registry) {
	r.row("pg_table_is_visible(oid) bool session", func(c *call, i int) error {
		return c.withSession(func(s Session) error { return c.putBool(s.TableVisible(uint32(c.i64(0, i)))) })
	})
	for _, what := range []string{"type", "function", "operator", "opclass", "opfamily", "collation", "conversion",
		"ts_config", "ts_dict", "ts_parser", "ts_template", "statistics_obj"} {
		r.row("pg_"+what+"_is_visible(oid) bool stable", func(c *call, i int) error { return c.putBool(true) })
	}
	r.row("pg_relation_is_publishable(regclass) bool stable", func(c *call, i int) error { return c.putBool(false) })
	r.row("row_security_active(oid) bool stable", func(c *call, i int) error { return c.putBool(false) })
}

func registerDefinitions(r *registry) {
	// Expressions of the catalog are stored as their text.
	expr := func(c *call, i int) error { return c.putBytes(c.bytes(0, i)) }
	r.row("pg_get_expr(text,oid) text stable", expr)
	r.row("pg_get_expr(text,oid,bool) text stable", expr)
	index := func(c *call, i int) error {
		n := 0
		if len(c.args) > 1 {
			n = int(c.i32(1, i))
		}
		if d, ok := c.describer(); ok {
			if s, ok := d.IndexDef(uint32(c.i64(0, i)), n); ok {
				return c.putStr(s)
			}
		}
		return c.null()
	}
	r.row("pg_get_indexdef(oid) text session", index)
	r.row("pg_get_indexdef(oid,int4,bool) text session", index)
	constraint := func(c *call, i int) error {
		if d, ok := c.describer(); ok {
			if s, ok := d.ConstraintDef(uint32(c.i64(0, i))); ok {
				return c.putStr(s)
			}
		}
		return c.null()
	}
	r.row("pg_get_constraintdef(oid) text session", constraint)
	r.row("pg_get_constraintdef(oid,bool) text session", constraint)
	describe := func(sub int) rowFunc {
		return func(c *call, i int) error {
			n := int32(0)
			if sub > 0 {
				n = c.i32(sub, i)
			}
			if d, ok := c.describer(); ok {
				if s, ok := d.Description(uint32(c.i64(0, i)), n); ok {
					return c.putStr(s)
				}
			}
			return c.null()
		}
	}
	r.row("obj_description(oid,name) text session", describe(0))
	r.row("obj_description(oid) text session", describe(0))
	r.row("col_description(oid,int4) text session", describe(1))
	registerNothing(r)
}

// registerNothing makes functions about objects that do not exist here: views,
// triggers, rules, functions of users, sequences.
func registerNothing(r *registry) {
	null := func(c *call, i int) error { return c.null() }
	for _, sig := range []string{
		"shobj_description(oid,name) text", "pg_get_viewdef(oid) text", "pg_get_viewdef(oid,bool) text",
		"pg_get_partkeydef(oid) text", "pg_get_partition_constraintdef(oid) text",
		"pg_get_statisticsobjdef(oid) text", "pg_get_statisticsobjdef_columns(oid) text",
		"pg_get_ruledef(oid) text", "pg_get_ruledef(oid,bool) text", "pg_get_triggerdef(oid) text",
		"pg_get_triggerdef(oid,bool) text", "pg_get_functiondef(oid) text", "pg_get_function_sqlbody(oid) text",
		"pg_get_function_arguments(oid) text", "pg_get_function_identity_arguments(oid) text",
		"pg_get_function_result(oid) text", "pg_get_serial_sequence(text,text) text",
		"pg_tablespace_location(oid) text", "pg_describe_object(oid,oid,int4) text",
		"pg_get_replica_identity_index(regclass) regclass", "pg_relation_filenode(regclass) oid",
	} {
		r.row(sig+" stable", null)
	}
	for _, sig := range []string{"pg_stat_get_numscans(oid) int8", "pg_stat_get_live_tuples(oid) int8", "pg_stat_get_dead_tuples(oid) int8"} {
		r.row(sig+" stable", func(c *call, i int) error { return c.putI64(0) })
	}
}

// registerPrivileges makes has_…_privilege: every user may read everything.
func registerPrivileges(r *registry) {
	for _, what := range []string{"table", "any_column", "schema", "database", "function", "sequence", "tablespace", "type", "language", "server", "foreign_data_wrapper"} {
		name := "has_" + what + "_privilege"
		for _, sig := range []string{"(text,text)", "(oid,text)", "(name,text,text)", "(name,oid,text)", "(oid,oid,text)"} {
			last := strings.Count(sig, ",")
			r.row(name+sig+" bool stable", func(c *call, i int) error { return c.putBool(readPrivilege(c.str(last, i))) })
		}
	}
	for _, sig := range []string{"(text,text,text)", "(oid,text,text)", "(oid,int2,text)", "(name,oid,int2,text)"} {
		last := strings.Count(sig, ",")
		r.row("has_column_privilege"+sig+" bool stable", func(c *call, i int) error { return c.putBool(readPrivilege(c.str(last, i))) })
	}
	yes := func(c *call, i int) error { return c.putBool(true) }
	for _, sig := range []string{"(name,text)", "(oid,text)", "(name,name,text)", "(name,oid,text)", "(oid,oid,text)"} {
		r.row("pg_has_role"+sig+" bool stable", yes)
	}
}

// readPrivilege reports whether one of the privileges of a list is for reading.
func readPrivilege(list string) bool {
	for _, p := range strings.Split(strings.ToLower(list), ",") {
		p = strings.TrimSuffix(strings.TrimSpace(p), " with grant option")
		if slices.Contains([]string{"select", "usage", "connect", "execute"}, p) {
			return true
		}
	}
	return false
}

func registerSizes(r *registry) {
	relation := func(c *call, i int) error {
		if d, ok := c.describer(); ok {
			return c.putI64(d.RelationBytes(uint32(c.i64(0, i))))
		}
		return c.putI64(0)
	}
	r.row("pg_relation_size(regclass) int8 session", relation)
	r.row("pg_relation_size(regclass,text) int8 session", relation)
	r.row("pg_total_relation_size(regclass) int8 session", relation)
	r.row("pg_table_size(regclass) int8 session", relation)
	r.row("pg_indexes_size(regclass) int8 session", func(c *call, i int) error { return c.putI64(0) })
	r.row("pg_tablespace_size(oid) int8 session", func(c *call, i int) error { return c.putI64(0) })
	database := func(c *call, i int) error {
		if d, ok := c.describer(); ok {
			return c.putI64(d.DatabaseBytes())
		}
		return c.putI64(0)
	}
	r.row("pg_database_size(name) int8 session", database)
	r.row("pg_database_size(oid) int8 session", database)
}

// registerLookups makes to_regclass and its like, which give NULL for what
// does not exist.
func registerLookups(r *registry) {
	for _, id := range []struct {
		name string
		id   schema.TypeID
	}{{"regclass", schema.TypeRegclass}, {"regtype", schema.TypeRegtype}, {"regproc", schema.TypeRegproc}, {"regnamespace", schema.TypeRegnamespace}} {
		r.row("to_"+id.name+"(text) "+id.name+" session", func(c *call, i int) error {
			oid, err := lookupReg(c.ctx, strings.TrimSpace(c.str(0, i)), id.id)
			if err != nil {
				if sqlerr.Code(err) == sqlerr.FeatureNotSupported {
					return err
				}
				return c.null()
			}
			return c.putI64(int64(oid))
		})
	}
}

func timezoneNames(ctx *Context, _ []column.Value) (*column.Batch, error) {
	name, abbrev := column.New(schema.Text, 0), column.New(schema.Text, 0)
	offset, dst := column.New(schema.Interval, 0), column.New(schema.Bool, 0)
	for _, zone := range []string{"UTC", "Europe/London", "Europe/Paris", "Europe/Berlin", "America/New_York",
		"America/Chicago", "America/Denver", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo", "Asia/Shanghai", "Australia/Sydney"} {
		loc, err := LoadZone(zone)
		if err != nil {
			continue
		}
		now := time.UnixMicro(ctx.NowMicros).In(loc)
		short, secs := now.Zone()
		name.AppendString(zone)
		abbrev.AppendString(short)
		offset.Append(column.Value{Type: schema.Interval, Iv: column.Interval{Micros: int64(secs) * usSecond}})
		dst.Append(column.BoolValue(now.IsDST()))
	}
	return &column.Batch{N: name.N, Cols: []*column.Vector{name, abbrev, offset, dst}}, nil
}

func partitionAncestors(_ *Context, args []column.Value) (*column.Batch, error) {
	out := column.New(schema.Type{ID: schema.TypeRegclass}, 1)
	if !args[0].Null {
		out.Append(column.IntValue(out.Type, args[0].I))
	}
	return oneColumn(out), nil
}
