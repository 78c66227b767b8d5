package catalog

import (
	_ "embed" // for the types
	"strconv"
	"strings"
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
)

// typeList has a line per type: object id, name, length, by value, kind,
// category, preferred, delimiter, element, array, alignment, storage, collation,
// then object id and name of its input, output, receive, send, modifier-in,
// modifier-out and subscript functions.
//
//go:embed data/types.txt
var typeList string

// pgType is a line of typeList.
type pgType struct {
	f []string
}

func (t pgType) num(i int) int64 {
	n, _ := strconv.ParseInt(t.f[i], 10, 64) // the list is part of the program
	return n
}

// Positions in a line of typeList.
const (
	typeOID = iota
	typeName
	typeLen
	typeByVal
	typeKind
	typeCategory
	typePreferred
	typeDelim
	typeElem
	typeArray
	typeAlign
	typeStorage
	typeCollation
	typeFuncs // pairs of object id and name
)

var pgTypes = sync.OnceValue(func() []pgType {
	var out []pgType
	for line := range strings.Lines(typeList) {
		out = append(out, pgType{strings.Fields(line)})
	}
	return out
})

func typeRows(_ *Catalog, _ *snapshot, d *relDef) *column.Batch {
	r := newRowset(d, "oid", "typname", "typlen", "typbyval", "typtype", "typcategory", "typispreferred", "typdelim",
		"typelem", "typarray", "typalign", "typstorage", "typcollation", "typinput", "typoutput", "typreceive", "typsend",
		"typmodin", "typmodout", "typsubscript")
	for _, t := range pgTypes() {
		f := func(k int) int64 { return t.num(typeFuncs + 2*k) }
		r.add(t.num(typeOID), t.f[typeName], t.num(typeLen), t.f[typeByVal] == "t", t.f[typeKind], t.f[typeCategory],
			t.f[typePreferred] == "t", t.f[typeDelim], t.num(typeElem), t.num(typeArray), t.f[typeAlign], t.f[typeStorage],
			t.num(typeCollation), f(0), f(1), f(2), f(3), f(4), f(5), f(6))
	}
	return r.done(map[string]any{
		"typnamespace": oidPgCatalog, "typowner": oidOwner, "typisdefined": true, "typrelid": 0, "typanalyze": 0,
		"typnotnull": false, "typbasetype": 0, "typtypmod": -1, "typndims": 0,
	})
}
