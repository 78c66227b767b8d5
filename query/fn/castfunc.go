package fn

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// castFunctions are the casts that can be written as a call: date(x), text(x).
var castFunctions = []struct{ name, from string }{
	{"date", "timestamp"}, {"date", "timestamptz"}, {"date", "text"}, {"time", "timestamp"}, {"time", "timestamptz"},
	{"timestamp", "date"}, {"timestamp", "timestamptz"}, {"timestamptz", "date"}, {"timestamptz", "timestamp"},
	{"int2", "int4"}, {"int2", "int8"}, {"int2", "float8"}, {"int2", "numeric"},
	{"int4", "int2"}, {"int4", "int8"}, {"int4", "float4"}, {"int4", "float8"}, {"int4", "numeric"}, {"int4", "bool"},
	{"int8", "int2"}, {"int8", "int4"}, {"int8", "float4"}, {"int8", "float8"}, {"int8", "numeric"}, {"int8", "oid"},
	{"float4", "float8"}, {"float4", "numeric"}, {"float4", "int4"}, {"float4", "int8"},
	{"float8", "float4"}, {"float8", "numeric"}, {"float8", "int4"}, {"float8", "int8"},
	{"numeric", "int4"}, {"numeric", "int8"}, {"numeric", "float4"}, {"numeric", "float8"},
	{"text", "bool"}, {"text", "name"}, {"text", "char"}, {"name", "text"}, {"bool", "int4"}, {"oid", "int8"},
	{"interval", "time"}, {"jsonb", "json"},
}

// registerCastFuncs makes the functions that are casts.
func registerCastFuncs(r *registry) {
	for _, c := range castFunctions {
		to := mustType(c.name)
		r.vec(c.name+"("+c.from+") "+c.name+" stable", castEval(to))
	}
}

func castEval(to schema.Type) evalFunc {
	return func(ctx *Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
		v := *args[0]
		v.N = n
		return Cast(ctx, &v, to, sel, out)
	}
}
