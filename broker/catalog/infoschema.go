package catalog

import (
	"strconv"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

func catalogNameRows(c *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "catalog_name")
	r.add(c.src.Database())
	return r.done(nil)
}

func schemataRows(c *Catalog, _ *snapshot, d *relDef) *column.Batch {
	owner, _ := c.RoleName(oidOwner)
	r := newRowset(d, "schema_name")
	for _, s := range schemas {
		r.add(s.name)
	}
	return r.done(map[string]any{"catalog_name": c.src.Database(), "schema_owner": owner})
}

// eachRelation calls f for the virtual relations and the tables.
func eachRelation(s *snapshot, f func(schemaName, name string, view bool)) {
	for _, v := range relDefs() {
		f(v.schema, v.name, v.kind == "v")
	}
	for _, e := range s.entries {
		f("public", e.name, false)
	}
}

func infoTablesRows(c *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "table_schema", "table_name", "table_type")
	eachRelation(s, func(schemaName, name string, view bool) {
		typ := "BASE TABLE"
		if view {
			typ = "VIEW"
		}
		r.add(schemaName, name, typ)
	})
	return r.done(map[string]any{"table_catalog": c.src.Database(), "is_insertable_into": "NO", "is_typed": "NO"})
}

func infoViewsRows(c *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "table_schema", "table_name")
	eachRelation(s, func(schemaName, name string, view bool) {
		if view {
			r.add(schemaName, name)
		}
	})
	return r.done(map[string]any{
		"table_catalog": c.src.Database(), "check_option": "NONE", "is_updatable": "NO", "is_insertable_into": "NO",
		"is_trigger_updatable": "NO", "is_trigger_deletable": "NO", "is_trigger_insertable_into": "NO",
	})
}

func infoColumnsRows(c *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "table_schema", "table_name", "column_name", "ordinal_position", "is_nullable", "data_type",
		"character_maximum_length", "character_octet_length", "numeric_precision", "numeric_precision_radix",
		"numeric_scale", "datetime_precision", "udt_name", "dtd_identifier")
	add := func(schemaName, table, name string, t schema.Type, num int, required bool) {
		nullable := "YES"
		if required {
			nullable = "NO"
		}
		x := facetsOf(t)
		r.add(schemaName, table, name, num, nullable, dataType(t), x.length, x.octets, x.precision, x.radix, x.scale,
			x.timePrecision, fn.InternalName(t), itoa(num))
	}
	for _, v := range relDefs() {
		for i, col := range v.cols {
			add(v.schema, v.name, col.Name, col.Type, i+1, false)
		}
	}
	for _, e := range s.entries {
		for i := range e.table.Schema.Fields {
			f := &e.table.Schema.Fields[i]
			add("public", e.name, f.Name, f.Type, i+1, notNull(e, f))
		}
	}
	db := c.src.Database()
	return r.done(map[string]any{
		"table_catalog": db, "udt_catalog": db, "udt_schema": "pg_catalog", "is_self_referencing": "NO",
		"is_identity": "NO", "identity_cycle": "NO", "is_generated": "NEVER", "is_updatable": "NO",
	})
}

// dataType is the name of a type as information_schema shows it.
func dataType(t schema.Type) string {
	switch {
	case t.List:
		return "ARRAY"
	case t.ID == schema.TypeInt2Vector || t.ID == schema.TypeOIDVector:
		return "ARRAY"
	}
	t.Length, t.Precision, t.Scale = 0, 0, 0
	return t.String()
}

// facets are the limits of a type; nil where it has none.
type facets struct {
	length, octets, precision, radix, scale, timePrecision any
}

func facetsOf(t schema.Type) facets {
	var x facets
	if t.List {
		return x
	}
	switch t.ID {
	case schema.TypeInt16:
		x.precision, x.radix, x.scale = 16, 2, 0
	case schema.TypeInt32:
		x.precision, x.radix, x.scale = 32, 2, 0
	case schema.TypeInt64:
		x.precision, x.radix, x.scale = 64, 2, 0
	case schema.TypeFloat32:
		x.precision, x.radix = 24, 2
	case schema.TypeFloat64:
		x.precision, x.radix = 53, 2
	case schema.TypeNumeric:
		x.radix = 10
		if t.Precision > 0 {
			x.precision, x.scale = int(t.Precision), int(t.Scale)
		}
	case schema.TypeVarchar, schema.TypeChar:
		x.octets = 1 << 30
		if t.Length > 0 {
			x.length, x.octets = t.Length, t.Length*4
		}
	case schema.TypeText, schema.TypeSymbol:
		x.octets = 1 << 30
	case schema.TypeDate:
		x.timePrecision = 0
	case schema.TypeTime, schema.TypeTimestamp, schema.TypeTimestampTZ, schema.TypeInterval:
		x.timePrecision = 6
	}
	return x
}

func tableConstraintRows(c *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "constraint_name", "table_name")
	for _, e := range s.entries {
		if e.keyed() {
			r.add(indexName(e), e.name)
		}
	}
	db := c.src.Database()
	return r.done(map[string]any{
		"constraint_catalog": db, "constraint_schema": "public", "table_catalog": db, "table_schema": "public",
		"constraint_type": "PRIMARY KEY", "is_deferrable": "NO", "initially_deferred": "NO", "enforced": "YES",
	})
}

// eachKeyColumn calls f for the columns of primary keys.
func eachKeyColumn(s *snapshot, f func(e *entry, name string, n int)) {
	for _, e := range s.entries {
		for i, k := range e.table.Schema.PrimaryKey {
			f(e, k, i+1)
		}
	}
}

func keyColumnRows(c *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "constraint_name", "table_name", "column_name", "ordinal_position")
	eachKeyColumn(s, func(e *entry, name string, n int) { r.add(indexName(e), e.name, name, n) })
	db := c.src.Database()
	return r.done(map[string]any{
		"constraint_catalog": db, "constraint_schema": "public", "table_catalog": db, "table_schema": "public",
	})
}

func constraintColumnRows(c *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "constraint_name", "table_name", "column_name")
	eachKeyColumn(s, func(e *entry, name string, _ int) { r.add(indexName(e), e.name, name) })
	db := c.src.Database()
	return r.done(map[string]any{
		"constraint_catalog": db, "constraint_schema": "public", "table_catalog": db, "table_schema": "public",
	})
}

func characterSetRows(c *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "character_set_name")
	r.add("UTF8")
	return r.done(map[string]any{
		"character_repertoire": "UCS", "form_of_use": "UTF8", "default_collate_catalog": c.src.Database(),
		"default_collate_schema": "pg_catalog", "default_collate_name": "default",
	})
}

// privilegeRows are the rows that say that everybody may read.
func privilegeRows(c *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "table_schema", "table_name")
	eachRelation(s, func(schemaName, name string, _ bool) { r.add(schemaName, name) })
	owner, _ := c.RoleName(oidOwner)
	return r.done(map[string]any{
		"grantor": owner, "grantee": "PUBLIC", "table_catalog": c.src.Database(), "privilege_type": "SELECT",
		"is_grantable": "NO", "with_hierarchy": "YES",
	})
}

func itoa(n int) string { return strconv.Itoa(n) }
