package catalog

import (
	_ "embed" // for the relations
	"fmt"
	"strings"
	"sync"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// relationList has a line per relation of pg_catalog and information_schema of
// PostgreSQL 15: schema, name, object id (0: none of its own), kind (r or v)
// and its columns as name:type.
//
//go:embed data/relations.txt
var relationList string

// systemList defines the relations of the system schema in the same form.
//
//go:embed data/system.txt
var systemList string

// Object ids of schemas and of what PostgreSQL fixes.
const (
	oidPgCatalog         = 11
	oidPgToast           = 99
	oidPublic            = 2200
	oidInformationSchema = 13000
	oidSystem            = 14000
	oidOwner             = 10
	oidHeap              = 2
	oidBtree             = 403
	oidHash              = 405
	oidDatabase          = 5
	oidPgClass           = 1259
	firstVirtualOID      = 13100 // of relations without one of PostgreSQL's
	firstUserOID         = 16384
)

// relDef is the definition of a virtual relation.
type relDef struct {
	schema string
	name   string
	oid    uint32
	kind   string // r or v
	cols   []plan.OutCol
	index  map[string]int // column by name
}

// relDefs reads the definitions, once.
var relDefs = sync.OnceValue(func() []*relDef {
	var out []*relDef
	next := uint32(firstVirtualOID)
	for line := range strings.Lines(relationList + systemList) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		out = append(out, parseRelDef(line, &next))
	}
	return out
})

// parseRelDef reads one line. The lists are part of the program and read by
// its tests, so a bad line is a bug.
func parseRelDef(line string, next *uint32) *relDef {
	f := strings.Fields(line)
	d := &relDef{schema: f[0], name: f[1], kind: f[3], index: map[string]int{}}
	if _, err := fmt.Sscan(f[2], &d.oid); err != nil {
		panic("catalog: bad relation line: " + line)
	}
	if d.oid == 0 {
		d.oid = *next
		*next++
	}
	for i, c := range f[4:] {
		name, typ, _ := strings.Cut(c, ":")
		d.index[name] = i
		d.cols = append(d.cols, plan.OutCol{Name: name, Type: columnType(typ), TableOID: d.oid, AttNum: int16(i + 1)})
	}
	return d
}

func columnType(name string) schema.Type {
	if name == "char" {
		return schema.Type{ID: schema.TypeInternalChar}
	}
	if name == "_char" {
		return schema.Type{ID: schema.TypeInternalChar}.AsList()
	}
	t, ok := fn.ParseTypeName(name)
	if !ok {
		panic("catalog: unknown column type " + name)
	}
	return t
}

// schemas are the schemas that exist, with their object ids.
var schemas = []struct {
	name string
	oid  uint32
}{
	{"pg_catalog", oidPgCatalog}, {"public", oidPublic}, {"information_schema", oidInformationSchema},
	{"system", oidSystem}, {"pg_toast", oidPgToast},
}

func schemaOID(name string) (uint32, bool) {
	for _, s := range schemas {
		if s.name == name {
			return s.oid, true
		}
	}
	return 0, false
}

func schemaName(oid uint32) (string, bool) {
	for _, s := range schemas {
		if s.oid == oid {
			return s.name, true
		}
	}
	return "", false
}
