package catalog

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// Catalog resolves names and makes the rows of the catalogs. It is safe for
// concurrent use. Rows that follow from the tables alone are made once per
// version of the table set; rows of what runs are made for each query.
type Catalog struct {
	src     Source
	virtual map[string]map[string]*plan.Virtual // by schema and name
	defs    map[uint32]*relDef
	current atomic.Pointer[snapshot]
}

var _ plan.Catalog = (*Catalog)(nil)

// New returns a catalog over a source.
func New(src Source) *Catalog {
	c := &Catalog{src: src, virtual: map[string]map[string]*plan.Virtual{}, defs: map[uint32]*relDef{}}
	for _, d := range relDefs() {
		if c.virtual[d.schema] == nil {
			c.virtual[d.schema] = map[string]*plan.Virtual{}
		}
		c.virtual[d.schema][d.name] = c.virtualOf(d)
		c.defs[d.oid] = d
	}
	return c
}

func (c *Catalog) virtualOf(d *relDef) *plan.Virtual {
	return &plan.Virtual{
		Schema: d.schema, Name: d.name, OID: d.oid, Cols: d.cols,
		Scan: func(ctx *fn.Context, _ []int) (*column.Batch, error) { return c.scan(ctx, d) },
	}
}

// scan makes or finds the rows of a virtual relation.
func (c *Catalog) scan(ctx *fn.Context, d *relDef) (*column.Batch, error) {
	key := d.schema + "." + d.name
	if live := liveRelations[key]; live != nil {
		return live(c, ctx, d)
	}
	build := tableRelations[key]
	if build == nil {
		return empty(d), nil
	}
	s := c.snapshot()
	return s.cached(d, func() *column.Batch { return build(c, s, d) }), nil
}

// snapshot returns the catalog of the current tables.
func (c *Catalog) snapshot() *snapshot {
	tables, version := c.src.Tables()
	if s := c.current.Load(); s != nil && s.version == version {
		return s
	}
	s := newSnapshot(tables, version)
	c.current.Store(s)
	return s
}

// Version changes whenever a name may resolve differently.
func (c *Catalog) Version() uint64 {
	_, v := c.src.Tables()
	return v
}

// Relation implements plan.Catalog. An unqualified name is looked up in
// pg_catalog, then in public.
func (c *Catalog) Relation(_ context.Context, schemaName, name string, quoted bool) (*plan.Relation, error) {
	if schemaName == "" || strings.EqualFold(schemaName, "pg_catalog") {
		if v := c.virtual["pg_catalog"][foldName(name, quoted)]; v != nil {
			return &plan.Relation{OID: v.OID, Virtual: v}, nil
		}
	}
	if schemaName == "" || strings.EqualFold(schemaName, "public") {
		if e, t := c.snapshot().find(name, quoted); e != nil {
			return &plan.Relation{Table: t, OID: e.oid}, nil
		}
		return nil, nil
	}
	if v := c.virtual[strings.ToLower(schemaName)][foldName(name, quoted)]; v != nil {
		return &plan.Relation{OID: v.OID, Virtual: v}, nil
	}
	return nil, nil
}

func foldName(name string, quoted bool) string {
	if quoted {
		return name
	}
	return strings.ToLower(name)
}

// RelationNames implements plan.Catalog: the tables, and the relations of the
// system schema with their schema.
func (c *Catalog) RelationNames() []string {
	var out []string
	for _, e := range c.snapshot().entries {
		out = append(out, e.name)
	}
	for name := range c.virtual["system"] {
		out = append(out, "system."+name)
	}
	return out
}
