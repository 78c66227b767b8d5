package testengine

import "github.com/alluviumdb/alluvium/internal/schema"

// Events are the columns of the table events, one of about every type.
func Events() []schema.Field {
	types := []struct {
		name string
		typ  schema.Type
	}{
		{"id", schema.Int64}, {"ts", schema.Timestamp}, {"product", schema.Text},
		{"amount", schema.Type{ID: schema.TypeNumeric, Precision: 18, Scale: 2}}, {"qty", schema.Int32},
		{"price", schema.Float64}, {"ratio", schema.Float32}, {"ok", schema.Bool}, {"tags", schema.Text.AsList()},
		{"note", schema.Type{ID: schema.TypeVarchar, Length: 20}}, {"day", schema.Date}, {"at", schema.TimestampTZ},
		{"doc", schema.JSON}, {"raw", schema.Bytea}, {"uid", schema.UUID}, {"marks", schema.Int32.AsList()},
	}
	fields := make([]schema.Field, len(types))
	for i, t := range types {
		fields[i] = schema.Field{ID: uint32(i + 1), Name: t.name, Type: t.typ}
	}
	return fields
}

// EventRows are the rows of the table events: full, awkward, and all NULL.
func EventRows() [][]string {
	full := []string{"1", "2024-01-02 03:04:05.678", "shoes", "12.50", "3", "1.5", "0.25", "t", "{a,b}",
		"fine", "2024-01-02", "2024-01-02 03:04:05+00", `{"k":1}`, `\x00ff`, "00112233-4455-6677-8899-aabbccddeeff", "{1,2}"}
	odd := []string{"2", "1969-12-31 23:59:59.999999", `ünï"c\ode`, "-0.01", "-2147483648", "NaN", "Infinity", "f", `{"x y",NULL}`,
		"", "1960-02-29", "2024-07-01 12:00:00+02", `"<&>"`, `\x`, "ffffffff-ffff-ffff-ffff-ffffffffffff", "{}"}
	null := []string{"3"}
	for range Events()[1:] {
		null = append(null, Null)
	}
	return [][]string{full, odd, null}
}
