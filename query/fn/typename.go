package fn

import (
	"strconv"
	"strings"
	"sync"

	"github.com/alluviumdb/alluvium/internal/schema"
)

// sqlTypeNames are the spellings of types in SQL beside PostgreSQL's internal names.
var sqlTypeNames = map[string]schema.Type{
	"boolean": schema.Bool, "smallint": schema.Int16, "int": schema.Int32, "integer": schema.Int32,
	"bigint": schema.Int64, "real": schema.Float32, "double precision": schema.Float64,
	"float": schema.Float64, "decimal": schema.Numeric, "dec": schema.Numeric,
	"character varying": schema.Varchar, "character": {ID: schema.TypeChar, Length: 1},
	"time without time zone": schema.Time, "timestamp without time zone": schema.Timestamp,
	"timestamp with time zone": schema.TimestampTZ, "string": schema.Text, "symbol": schema.Symbol,
	`"char"`: {ID: schema.TypeInternalChar}, "char": {ID: schema.TypeChar, Length: 1},
}

// typesByOID holds every type and array type by PostgreSQL's object id.
var typesByOID = sync.OnceValue(func() map[uint32]schema.Type {
	m := map[uint32]schema.Type{}
	for _, t := range AllTypes() {
		m[t.OID()] = t
		if a := t.ArrayOID(); a != 0 {
			m[a] = t.AsList()
		}
	}
	return m
})

// AllTypes returns each logical type that PostgreSQL clients can see, without
// modifiers and arrays.
func AllTypes() []schema.Type {
	var out []schema.Type
	for id := schema.TypeUnknown; id <= schema.TypeRecord; id++ {
		if id != schema.TypeSymbol {
			out = append(out, schema.Type{ID: id})
		}
	}
	return out
}

// InternalName returns PostgreSQL's internal name of a type (pg_type.typname):
// int4, bpchar, _text.
func InternalName(t schema.Type) string {
	t = plain(t)
	if t.List {
		return "_" + InternalName(t.Elem())
	}
	for name, typ := range typeNames {
		if typ == t {
			return name
		}
	}
	return t.String()
}

// TypeByOID returns the type with PostgreSQL's object id.
func TypeByOID(oid uint32) (schema.Type, bool) {
	t, ok := typesByOID()[oid]
	return t, ok
}

// ParseTypeName reads a SQL type name with modifiers and [], such as
// "numeric(10,2)", "text[]", "pg_catalog.int4" or "timestamp with time zone".
// Unquoted names are taken in any case.
func ParseTypeName(s string) (schema.Type, bool) {
	s = strings.Join(strings.Fields(strings.ToLower(s)), " ")
	s = strings.TrimPrefix(s, "pg_catalog.")
	list := false
	for strings.HasSuffix(s, "[]") {
		s, list = strings.TrimSpace(strings.TrimSuffix(s, "[]")), true
	}
	name, mods, ok := splitModifiers(s)
	if !ok {
		return schema.Type{}, false
	}
	t, ok := lookupTypeName(name)
	if !ok {
		return schema.Type{}, false
	}
	if t, ok = applyModifiers(t, mods); !ok {
		return schema.Type{}, false
	}
	if list {
		t = t.AsList()
	}
	return t, true
}

func lookupTypeName(name string) (schema.Type, bool) {
	if t, ok := sqlTypeNames[name]; ok {
		return t, true
	}
	if t, ok := typeNames[name]; ok && !isPseudo(t) {
		return t, true
	}
	if rest, ok := strings.CutPrefix(name, "_"); ok {
		if t, ok := typeNames[rest]; ok && !isPseudo(t) && t.ArrayOID() != 0 {
			return t.AsList(), true
		}
	}
	return schema.Type{}, false
}

// splitModifiers takes "(10,2)" out of a name: it may stand before "with time zone".
func splitModifiers(s string) (name string, mods []int, ok bool) {
	open := strings.IndexByte(s, '(')
	if open < 0 {
		return s, nil, true
	}
	end := strings.IndexByte(s, ')')
	if end < open {
		return "", nil, false
	}
	for _, m := range strings.Split(s[open+1:end], ",") {
		n, err := strconv.Atoi(strings.TrimSpace(m))
		if err != nil || n < 0 || n > 10485760 {
			return "", nil, false
		}
		mods = append(mods, n)
	}
	return strings.TrimSpace(strings.TrimSpace(s[:open]) + s[end+1:]), mods, true
}

func applyModifiers(t schema.Type, mods []int) (schema.Type, bool) {
	if len(mods) == 0 {
		return t, true
	}
	switch t.ID {
	case schema.TypeVarchar, schema.TypeChar:
		t.Length = int32(mods[0])
		return t, len(mods) == 1 && mods[0] > 0
	case schema.TypeNumeric:
		return numericType(t, mods)
	case schema.TypeTime, schema.TypeTimestamp, schema.TypeTimestampTZ, schema.TypeInterval, schema.TypeFloat64:
		return t, len(mods) == 1
	}
	return t, false
}

func numericType(t schema.Type, mods []int) (schema.Type, bool) {
	if len(mods) > 2 || mods[0] < 1 || mods[0] > 38 {
		return t, false
	}
	t.Precision = uint8(mods[0])
	if len(mods) == 2 {
		if mods[1] > mods[0] {
			return t, false
		}
		t.Scale = uint8(mods[1])
	}
	return t, true
}

// FormatType is PostgreSQL's format_type: the SQL name of a type by object id
// and modifier; typmod -1 means none.
func FormatType(oid uint32, typmod int32) (string, bool) {
	t, ok := TypeByOID(oid)
	if !ok {
		return "", false
	}
	return withTypmod(t, typmod).String(), true
}

func withTypmod(t schema.Type, typmod int32) schema.Type {
	if typmod < 4 {
		return t
	}
	switch t.ID {
	case schema.TypeVarchar, schema.TypeChar:
		t.Length = typmod - 4
	case schema.TypeNumeric:
		t.Precision, t.Scale = uint8((typmod-4)>>16), uint8((typmod-4)&0xffff)
	}
	return t
}
