package catalog

import (
	"slices"
	"strings"

	"github.com/alluviumdb/alluvium/query/fn"
)

// LookupRegclass finds the object id of a relation by its SQL name, which may
// be qualified and quoted.
func (c *Catalog) LookupRegclass(searchPath []string, name string) (oid uint32, ok bool) {
	parts, ok := fn.SplitName(name)
	if !ok {
		return 0, false
	}
	quoted := strings.Contains(name, `"`)
	switch len(parts) {
	case 1:
		for _, s := range append([]string{"pg_catalog"}, searchPath...) {
			if oid, ok := c.lookupIn(s, parts[0], quoted); ok {
				return oid, true
			}
		}
		return c.lookupIn("public", parts[0], quoted)
	case 2:
		return c.lookupIn(parts[0], parts[1], quoted)
	}
	return 0, false
}

func (c *Catalog) lookupIn(schemaName, name string, quoted bool) (uint32, bool) {
	if schemaName != "public" {
		if v := c.virtual[schemaName][name]; v != nil {
			return v.OID, true
		}
		return 0, false
	}
	s := c.snapshot()
	if e, _ := s.find(name, quoted); e != nil {
		return e.oid, true
	}
	for _, e := range s.entries {
		if e.keyed() && indexName(e) == name {
			return e.indexOID(), true
		}
	}
	return 0, false
}

// indexName is the name of the index of a primary key.
func indexName(e *entry) string { return e.name + "_pkey" }

// RegclassName returns the SQL name of a relation, qualified unless it is
// visible.
func (c *Catalog) RegclassName(oid uint32) (name string, ok bool) {
	if d := c.defs[oid]; d != nil {
		if d.schema == "pg_catalog" {
			return fn.QuoteIdent(d.name), true
		}
		return fn.QuoteIdent(d.schema) + "." + fn.QuoteIdent(d.name), true
	}
	e := c.snapshot().byOID[oid]
	switch {
	case e == nil:
		return "", false
	case oid == e.oid:
		return fn.QuoteIdent(e.name), true
	case oid == e.indexOID():
		return fn.QuoteIdent(indexName(e)), true
	}
	return "", false
}

// LookupRegtype finds the object id of a type by its SQL name.
func (c *Catalog) LookupRegtype(name string) (oid uint32, ok bool) {
	t, ok := fn.ParseTypeName(strings.ReplaceAll(name, `"`, ""))
	return t.OID(), ok
}

// LookupRegproc finds the object id of a function.
func (c *Catalog) LookupRegproc(name string) (oid uint32, ok bool) {
	name = strings.TrimPrefix(strings.ToLower(name), "pg_catalog.")
	oid, ok = procs().byName[name]
	return oid, ok
}

// RegprocName returns the name of a function.
func (c *Catalog) RegprocName(oid uint32) (name string, ok bool) {
	name, ok = procs().byOID[oid]
	return name, ok
}

// LookupRegnamespace finds the object id of a schema.
func (c *Catalog) LookupRegnamespace(name string) (oid uint32, ok bool) {
	parts, ok := fn.SplitName(name)
	if !ok || len(parts) != 1 {
		return 0, false
	}
	return schemaOID(parts[0])
}

// RegnamespaceName returns the name of a schema.
func (c *Catalog) RegnamespaceName(oid uint32) (name string, ok bool) { return schemaName(oid) }

// TableVisible reports whether a relation is found without its schema.
func (c *Catalog) TableVisible(searchPath []string, oid uint32) bool {
	if d := c.defs[oid]; d != nil {
		return d.schema == "pg_catalog" || slices.Contains(searchPath, d.schema)
	}
	return c.snapshot().byOID[oid] != nil && (len(searchPath) == 0 || slices.Contains(searchPath, "public"))
}

// RoleName returns the name of a role.
func (c *Catalog) RoleName(oid uint32) (string, bool) {
	for _, r := range c.roles() {
		if r.oid == oid {
			return r.Name, true
		}
	}
	return "", false
}

// role is a user with its object id.
type role struct {
	User
	oid uint32
}

// roles lists the users; the first superuser owns everything and has the
// object id of PostgreSQL's bootstrap user.
func (c *Catalog) roles() []role {
	var out []role
	owner := false
	for _, u := range c.src.Users() {
		r := role{User: u, oid: 1<<31 | u.ID}
		if u.Superuser && !owner {
			owner, r.oid = true, oidOwner
		}
		out = append(out, r)
	}
	if !owner {
		out = append(out, role{User: User{Name: "admin", Superuser: true}, oid: oidOwner})
	}
	return out
}

// IndexDef returns the definition of an index; for column n > 0 its text.
func (c *Catalog) IndexDef(oid uint32, n int) (string, bool) {
	e := c.snapshot().byOID[oid]
	if e == nil || oid != e.indexOID() {
		return "", false
	}
	key := e.table.Schema.PrimaryKey
	if n > 0 {
		if n > len(key) {
			return "", false
		}
		return fn.QuoteIdent(key[n-1]), true
	}
	return "CREATE UNIQUE INDEX " + fn.QuoteIdent(indexName(e)) + " ON public." + fn.QuoteIdent(e.name) +
		" USING hash (" + identList(key) + ")", true
}

// ConstraintDef returns the definition of a constraint.
func (c *Catalog) ConstraintDef(oid uint32) (string, bool) {
	e := c.snapshot().byOID[oid]
	if e == nil || oid != e.constraintOID() {
		return "", false
	}
	return "PRIMARY KEY (" + identList(e.table.Schema.PrimaryKey) + ")", true
}

func identList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fn.QuoteIdent(n)
	}
	return strings.Join(quoted, ", ")
}

// Description returns the comment on a column (sub > 0) of a relation.
func (c *Catalog) Description(oid uint32, sub int32) (string, bool) {
	e := c.snapshot().byOID[oid]
	if e == nil || oid != e.oid || sub < 1 || int(sub) > len(e.table.Schema.Fields) {
		return "", false
	}
	comment := e.table.Schema.Fields[sub-1].Comment
	return comment, comment != ""
}

// RelationBytes returns the stored size of a table.
func (c *Catalog) RelationBytes(oid uint32) int64 {
	e := c.snapshot().byOID[oid]
	if e == nil || oid != e.oid {
		return 0
	}
	n := int64(0)
	for _, s := range c.src.Segments() {
		if s.visible() && rawName(s.Table) == e.name {
			n += s.Bytes
		}
	}
	return n
}

// DatabaseBytes returns the stored size of all tables.
func (c *Catalog) DatabaseBytes() int64 {
	n := int64(0)
	for _, s := range c.src.Segments() {
		if s.visible() {
			n += s.Bytes
		}
	}
	return n
}

// rawName cuts _REALTIME or _OFFLINE off.
func rawName(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, "_REALTIME"), "_OFFLINE")
}
