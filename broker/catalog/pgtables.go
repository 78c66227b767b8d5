package catalog

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// tableRelations make the rows of the relations that follow from the tables
// alone. A relation that is neither here nor in liveRelations is empty.
var tableRelations = map[string]func(*Catalog, *snapshot, *relDef) *column.Batch{
	"pg_catalog.pg_type":        typeRows,
	"pg_catalog.pg_proc":        procRows,
	"pg_catalog.pg_operator":    operatorRows,
	"pg_catalog.pg_cast":        castRows,
	"pg_catalog.pg_namespace":   namespaceRows,
	"pg_catalog.pg_class":       classRows,
	"pg_catalog.pg_attribute":   attributeRows,
	"pg_catalog.pg_index":       indexRows,
	"pg_catalog.pg_constraint":  constraintRows,
	"pg_catalog.pg_description": descriptionRows,
	"pg_catalog.pg_am":          amRows,
	"pg_catalog.pg_language":    languageRows,
	"pg_catalog.pg_collation":   collationRows,
	"pg_catalog.pg_tablespace":  tablespaceRows,
	"pg_catalog.pg_database":    databaseRows,
	"pg_catalog.pg_tables":      pgTablesRows,
	"pg_catalog.pg_indexes":     pgIndexesRows,
	"pg_catalog.pg_views":       pgViewsRows,

	"information_schema.information_schema_catalog_name": catalogNameRows,
	"information_schema.schemata":                        schemataRows,
	"information_schema.tables":                          infoTablesRows,
	"information_schema.columns":                         infoColumnsRows,
	"information_schema.views":                           infoViewsRows,
	"information_schema.table_constraints":               tableConstraintRows,
	"information_schema.key_column_usage":                keyColumnRows,
	"information_schema.constraint_column_usage":         constraintColumnRows,
	"information_schema.character_sets":                  characterSetRows,
	"information_schema.table_privileges":                privilegeRows,
}

func namespaceRows(_ *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "nspname")
	for _, s := range schemas {
		r.add(s.oid, s.name)
	}
	return r.done(map[string]any{"nspowner": oidOwner})
}

// classRow describes a row of pg_class.
type classRow struct {
	oid, namespace, am uint32
	name, kind         string
	columns            int
	hasIndex           bool
}

func classRows(_ *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "relname", "relnamespace", "relam", "relfilenode", "relkind", "relnatts", "relhasindex", "relreplident")
	add := func(c classRow) {
		filenode, identity := c.oid, "n"
		if c.kind == "v" {
			filenode = 0
		}
		if c.oid >= firstUserOID && c.kind == "r" {
			identity = "d"
		}
		r.add(c.oid, c.name, c.namespace, c.am, filenode, c.kind, c.columns, c.hasIndex, identity)
	}
	for _, v := range relDefs() {
		ns, _ := schemaOID(v.schema)
		am := uint32(0)
		if v.kind == "r" {
			am = oidHeap
		}
		add(classRow{oid: v.oid, namespace: ns, am: am, name: v.name, kind: v.kind, columns: len(v.cols)})
	}
	for _, e := range s.entries {
		add(classRow{oid: e.oid, namespace: oidPublic, am: oidHeap, name: e.name, kind: "r",
			columns: len(e.table.Schema.Fields), hasIndex: e.keyed()})
		if e.keyed() {
			add(classRow{oid: e.indexOID(), namespace: oidPublic, am: oidHash, name: indexName(e), kind: "i",
				columns: len(e.table.Schema.PrimaryKey)})
		}
	}
	return r.done(map[string]any{
		"reltype": 0, "reloftype": 0, "relowner": oidOwner, "reltablespace": 0, "relpages": 0, "reltuples": -1.0,
		"relallvisible": 0, "reltoastrelid": 0, "relisshared": false, "relpersistence": "p", "relchecks": 0,
		"relhasrules": false, "relhastriggers": false, "relhassubclass": false, "relrowsecurity": false,
		"relforcerowsecurity": false, "relispopulated": true, "relispartition": false, "relrewrite": 0,
		"relfrozenxid": 0, "relminmxid": 0,
	})
}

func attributeRows(_ *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "attrelid", "attname", "atttypid", "attlen", "attnum", "attndims", "atttypmod", "attbyval",
		"attalign", "attstorage", "attnotnull", "attcollation")
	add := func(rel uint32, name string, t schema.Type, num int, notNull bool) {
		p := physicalOf(t)
		r.add(rel, name, t.OID(), p.length, num, p.dims, t.Typmod(), p.byVal, p.align, p.storage, notNull, p.collation)
	}
	for _, v := range relDefs() {
		for i, c := range v.cols {
			add(v.oid, c.Name, c.Type, i+1, false)
		}
	}
	for _, e := range s.entries {
		for i := range e.table.Schema.Fields {
			f := &e.table.Schema.Fields[i]
			add(e.oid, f.Name, f.Type, i+1, notNull(e, f))
		}
		if e.keyed() {
			for i, k := range e.keyColumns() {
				f := &e.table.Schema.Fields[k-1]
				add(e.indexOID(), f.Name, f.Type, i+1, false)
			}
		}
	}
	return r.done(map[string]any{
		"attstattarget": -1, "attcacheoff": -1, "attcompression": "", "atthasdef": false, "atthasmissing": false,
		"attidentity": "", "attgenerated": "", "attisdropped": false, "attislocal": true, "attinhcount": 0,
	})
}

// notNull reports whether a column never holds NULL.
func notNull(e *entry, f *schema.Field) bool {
	if f.NotNull {
		return true
	}
	for _, k := range e.table.Schema.PrimaryKey {
		if k == f.Name {
			return true
		}
	}
	return false
}

// physical is what pg_attribute says of a type beside its id.
type physical struct {
	length, dims   int
	byVal          bool
	align, storage string
	collation      int64
}

// physicals caches physicalOf for the few types that exist.
var physicals = func() map[uint32]physical {
	m := map[uint32]physical{}
	for _, t := range pgTypes() {
		p := physical{length: int(t.num(typeLen)), byVal: t.f[typeByVal] == "t", align: t.f[typeAlign],
			storage: t.f[typeStorage], collation: t.num(typeCollation)}
		if t.f[typeCategory] == "A" && t.f[typeLen] == "-1" && t.f[typeName][0] == '_' {
			p.dims = 1
		}
		m[uint32(t.num(typeOID))] = p
	}
	return m
}()

func physicalOf(t schema.Type) physical { return physicals[t.OID()] }

func indexRows(_ *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "indexrelid", "indrelid", "indnatts", "indnkeyatts", "indkey", "indcollation", "indclass", "indoption")
	for _, e := range s.entries {
		if !e.keyed() {
			continue
		}
		key := e.keyColumns()
		zeros, options := make([]uint32, len(key)), make([]int16, len(key))
		r.add(e.indexOID(), e.oid, len(key), len(key), key, zeros, zeros, options)
	}
	return r.done(map[string]any{
		"indisunique": true, "indnullsnotdistinct": false, "indisprimary": true, "indisexclusion": false,
		"indimmediate": true, "indisclustered": false, "indisvalid": true, "indcheckxmin": false, "indisready": true,
		"indislive": true, "indisreplident": false,
	})
}

func constraintRows(_ *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "conname", "conrelid", "conindid", "conkey")
	for _, e := range s.entries {
		if e.keyed() {
			r.add(e.constraintOID(), indexName(e), e.oid, e.indexOID(), e.keyColumns())
		}
	}
	return r.done(map[string]any{
		"connamespace": oidPublic, "contype": "p", "condeferrable": false, "condeferred": false, "convalidated": true,
		"contypid": 0, "conparentid": 0, "confrelid": 0, "confupdtype": " ", "confdeltype": " ", "confmatchtype": " ",
		"conislocal": true, "coninhcount": 0, "connoinherit": true,
	})
}

func descriptionRows(_ *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "objoid", "objsubid", "description")
	for _, e := range s.entries {
		for i := range e.table.Schema.Fields {
			if comment := e.table.Schema.Fields[i].Comment; comment != "" {
				r.add(e.oid, i+1, comment)
			}
		}
	}
	return r.done(map[string]any{"classoid": oidPgClass})
}

func amRows(_ *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "amname", "amtype")
	r.add(oidHeap, "heap", "t")
	r.add(oidBtree, "btree", "i")
	r.add(oidHash, "hash", "i")
	return r.done(map[string]any{"amhandler": 0})
}

func languageRows(_ *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "lanname", "lanpltrusted")
	r.add(12, "internal", false)
	r.add(14, "sql", true)
	return r.done(map[string]any{"lanowner": oidOwner, "lanispl": false, "lanplcallfoid": 0, "laninline": 0, "lanvalidator": 0})
}

func collationRows(_ *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "collname", "collprovider", "collcollate", "collctype")
	r.add(100, "default", "d", nil, nil)
	r.add(950, "C", "c", "C", "C")
	r.add(951, "POSIX", "c", "POSIX", "POSIX")
	return r.done(map[string]any{"collnamespace": oidPgCatalog, "collowner": oidOwner, "collisdeterministic": true, "collencoding": -1})
}

func tablespaceRows(_ *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "spcname")
	r.add(1663, "pg_default")
	r.add(1664, "pg_global")
	return r.done(map[string]any{"spcowner": oidOwner})
}

func databaseRows(c *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "datname")
	r.add(oidDatabase, c.src.Database())
	return r.done(map[string]any{
		"datdba": oidOwner, "encoding": 6, "datlocprovider": "c", "datistemplate": false, "datallowconn": true,
		"datconnlimit": -1, "datfrozenxid": 0, "datminmxid": 0, "dattablespace": 1663, "datcollate": "C", "datctype": "C",
	})
}

func pgTablesRows(c *Catalog, s *snapshot, d *relDef) *column.Batch {
	owner, _ := c.RoleName(oidOwner)
	r := newRowset(d, "schemaname", "tablename", "hasindexes")
	for _, v := range relDefs() {
		if v.kind == "r" {
			r.add(v.schema, v.name, false)
		}
	}
	for _, e := range s.entries {
		r.add("public", e.name, e.keyed())
	}
	return r.done(map[string]any{"tableowner": owner, "hasrules": false, "hastriggers": false, "rowsecurity": false})
}

func pgIndexesRows(c *Catalog, s *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "tablename", "indexname", "indexdef")
	for _, e := range s.entries {
		if def, ok := c.IndexDef(e.indexOID(), 0); ok && e.keyed() {
			r.add(e.name, indexName(e), def)
		}
	}
	return r.done(map[string]any{"schemaname": "public"})
}

func pgViewsRows(c *Catalog, _ *snapshot, d *relDef) *column.Batch {
	owner, _ := c.RoleName(oidOwner)
	r := newRowset(d, "schemaname", "viewname")
	for _, v := range relDefs() {
		if v.kind == "v" {
			r.add(v.schema, v.name)
		}
	}
	return r.done(map[string]any{"viewowner": owner, "definition": ""})
}
