package plan

import (
	"context"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/sql"
)

// testCatalog has the tables events, users and "MixedCase" and a part of
// pg_catalog.
type testCatalog struct{ rels map[string]*Relation }

func (c *testCatalog) Relation(_ context.Context, schemaName, name string, quoted bool) (*Relation, error) {
	if !quoted {
		if r := c.get(schemaName, strings.ToLower(name)); r != nil {
			return r, nil
		}
		for k, r := range c.rels {
			if strings.EqualFold(k, "public."+name) {
				return r, nil
			}
		}
		return nil, nil
	}
	return c.get(schemaName, name), nil
}

func (c *testCatalog) get(schemaName, name string) *Relation {
	if schemaName != "" {
		return c.rels[schemaName+"."+name]
	}
	for _, s := range []string{"pg_catalog", "public"} {
		if r := c.rels[s+"."+name]; r != nil {
			return r
		}
	}
	return nil
}

func (c *testCatalog) RelationNames() []string {
	var out []string
	for k := range c.rels {
		_, name, _ := strings.Cut(k, ".")
		out = append(out, name)
	}
	return out
}

func table(id uint32, name, timeColumn string, cols ...string) *Relation {
	s := &schema.Schema{Name: name, Version: 1}
	for i, c := range cols {
		n, t, _ := strings.Cut(c, " ")
		typ, ok := fn.ParseTypeName(t)
		if !ok {
			panic("type " + t)
		}
		s.Fields = append(s.Fields, schema.Field{ID: uint32(i + 1), Name: n, Type: typ})
	}
	return &Relation{OID: 16384 + id, Table: &schema.Table{
		ID: id, Version: 1, Name: name, Type: schema.Realtime, Schema: s,
		Config: &schema.TableConfig{TimeColumn: timeColumn},
	}}
}

func virtual(oid uint32, schemaName, name string, cols ...string) *Relation {
	v := &Virtual{Schema: schemaName, Name: name, OID: oid}
	for i, c := range cols {
		n, t, _ := strings.Cut(c, " ")
		typ, ok := fn.ParseTypeName(t)
		if !ok {
			panic("type " + t)
		}
		v.Cols = append(v.Cols, OutCol{Name: n, Type: typ, TableOID: oid, AttNum: int16(i + 1)})
	}
	return &Relation{OID: oid, Virtual: v}
}

func newTestCatalog() *testCatalog {
	c := &testCatalog{rels: map[string]*Relation{}}
	c.rels["public.events"] = table(1, "events", "ts",
		"id bigint", "ts timestamp", "at timestamptz", "country symbol", "product text", "price double precision",
		"amount numeric(10,2)", "qty integer", "small smallint", "ok boolean", "day date", "tags text[]", "data jsonb",
		"code character(3)", "uid uuid")
	c.rels["public.users"] = table(2, "users", "", "id bigint", "name text", "country text", "born date")
	c.rels["public.MixedCase"] = table(3, "MixedCase", "", "UserName text", "value integer")
	c.rels["pg_catalog.pg_class"] = virtual(1259, "pg_catalog", "pg_class",
		"oid oid", "relname name", "relnamespace oid", "reltype oid", "reloftype oid", "relowner oid", "relam oid",
		"reltablespace oid", "reltuples real", "reltoastrelid oid", "relhasindex boolean", "relpersistence \"char\"",
		"relkind \"char\"", "relchecks smallint", "relhasrules boolean", "relhastriggers boolean",
		"relrowsecurity boolean", "relforcerowsecurity boolean", "relreplident \"char\"", "relispartition boolean",
		"relpartbound text", "reloptions text[]", "relacl text[]")
	c.rels["pg_catalog.pg_namespace"] = virtual(2615, "pg_catalog", "pg_namespace", "oid oid", "nspname name", "nspowner oid", "nspacl text[]")
	c.rels["pg_catalog.pg_attribute"] = virtual(1249, "pg_catalog", "pg_attribute",
		"attrelid oid", "attname name", "atttypid oid", "attstattarget integer", "attlen smallint", "attnum smallint",
		"attndims integer", "atttypmod integer", "attnotnull boolean", "atthasdef boolean", "attidentity \"char\"",
		"attgenerated \"char\"", "attisdropped boolean", "attcollation oid", "attstorage \"char\"", "attcompression \"char\"",
		"attfdwoptions text[]")
	c.rels["pg_catalog.pg_type"] = virtual(1247, "pg_catalog", "pg_type",
		"oid oid", "typname name", "typnamespace oid", "typtype \"char\"", "typcategory \"char\"", "typrelid oid",
		"typelem oid", "typarray oid", "typbasetype oid", "typtypmod integer", "typcollation oid", "typinput regproc",
		"typreceive regproc", "typdelim \"char\"", "typnotnull boolean", "typdefault text")
	c.rels["pg_catalog.pg_index"] = virtual(2610, "pg_catalog", "pg_index",
		"indexrelid oid", "indrelid oid", "indnatts smallint", "indisunique boolean", "indisprimary boolean",
		"indisclustered boolean", "indisvalid boolean", "indisreplident boolean", "indkey int2vector", "indoption int2vector",
		"indexprs text", "indpred text")
	c.rels["pg_catalog.pg_constraint"] = virtual(2606, "pg_catalog", "pg_constraint",
		"oid oid", "conname name", "connamespace oid", "contype \"char\"", "condeferrable boolean", "condeferred boolean",
		"conrelid oid", "conindid oid", "conparentid oid", "confrelid oid", "conkey smallint[]", "confkey smallint[]")
	c.rels["pg_catalog.pg_attrdef"] = virtual(2604, "pg_catalog", "pg_attrdef", "oid oid", "adrelid oid", "adnum smallint", "adbin text")
	c.rels["pg_catalog.pg_collation"] = virtual(3456, "pg_catalog", "pg_collation", "oid oid", "collname name", "collnamespace oid")
	c.rels["pg_catalog.pg_am"] = virtual(2601, "pg_catalog", "pg_am", "oid oid", "amname name")
	c.rels["pg_catalog.pg_description"] = virtual(2609, "pg_catalog", "pg_description", "objoid oid", "classoid oid", "objsubid integer", "description text")
	c.rels["pg_catalog.pg_proc"] = virtual(1255, "pg_catalog", "pg_proc", "oid oid", "proname name", "pronamespace oid", "prorettype oid", "prosrc text")
	c.rels["pg_catalog.pg_enum"] = virtual(3501, "pg_catalog", "pg_enum", "oid oid", "enumtypid oid", "enumsortorder real", "enumlabel name")
	c.rels["pg_catalog.pg_range"] = virtual(3541, "pg_catalog", "pg_range", "rngtypid oid", "rngsubtype oid")
	return c
}

// testContext is a session in UTC at a fixed time.
func testContext() *fn.Context {
	return &fn.Context{Context: context.Background(), NowMicros: 1_700_000_000_000_000, Zone: "UTC"}
}

func prepareText(t testing.TB, text string, opt Options) (*Query, error) {
	t.Helper()
	if opt.Catalog == nil {
		opt.Catalog = newTestCatalog()
	}
	stmts, err := sql.Parse(text, opt.Dialect == fn.Pinot)
	if err != nil {
		return nil, err
	}
	if len(stmts) == 0 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "no statement")
	}
	return Prepare(testContext(), &stmts[0], opt)
}
