package plan

import (
	"fmt"
	"strconv"
	"strings"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// typeName resolves a type name of a cast.
func (b *binder) typeName(tn *pg.TypeName) (schema.Type, error) {
	loc := int(tn.Location)
	parts := names(tn.Names)
	if len(parts) == 0 || tn.PctType || tn.Setof {
		return schema.Type{}, sqlerr.Unsupported("this kind of type name").At(loc)
	}
	name := parts[len(parts)-1]
	if len(parts) > 1 && parts[0] != "pg_catalog" && parts[0] != "information_schema" {
		return schema.Type{}, sqlerr.New(sqlerr.UndefinedObject, "type %q does not exist", strings.Join(parts, ".")).At(loc)
	}
	if name == "char" {
		name = `"char"`
	}
	mods, err := b.typeModifiers(tn, name)
	if err != nil {
		return schema.Type{}, err
	}
	t, ok := fn.ParseTypeName(name + mods)
	if !ok && b.pinot() {
		t, ok = pinotTypes[name]
	}
	if !ok {
		e := sqlerr.New(sqlerr.UndefinedObject, "type %q does not exist", strings.Join(parts, ".")).At(loc)
		if near, ok := sqlerr.Nearest(name, typeNames); ok {
			return t, e.WithHint("Did you mean %q?", near)
		}
		return t, e
	}
	if len(tn.ArrayBounds) > 0 {
		t = t.AsList()
	}
	return t, nil
}

// typeNames are what a misspelt type may have meant.
var typeNames = []string{
	"bigint", "boolean", "bytea", "date", "double", "integer", "interval", "json", "jsonb", "numeric",
	"real", "smallint", "text", "time", "timestamp", "timestamptz", "uuid", "varchar", "int4", "int8", "float8",
}

// pinotTypes are Pinot's names of types that PostgreSQL does not have.
var pinotTypes = map[string]schema.Type{
	"long": schema.Int64, "double": schema.Float64, "string": schema.Text, "bytes": schema.Bytea,
	"big_decimal": schema.Numeric,
}

// typeModifiers returns "(p,s)" for the types where modifiers matter.
func (b *binder) typeModifiers(tn *pg.TypeName, name string) (string, error) {
	if len(tn.Typmods) == 0 || name == "interval" {
		return "", nil
	}
	nums := make([]string, len(tn.Typmods))
	for i, m := range tn.Typmods {
		c := m.GetAConst().GetIval()
		if c == nil {
			return "", sqlerr.New(sqlerr.SyntaxError, "type modifiers must be simple constants").At(int(tn.Location))
		}
		nums[i] = strconv.Itoa(int(c.Ival))
	}
	if strings.HasPrefix(name, "time") {
		if nums[0] == "6" {
			return "", nil
		}
		return "", sqlerr.Unsupported(fmt.Sprintf("the precision of %s(%s)", name, nums[0])).At(int(tn.Location))
	}
	return "(" + strings.Join(nums, ",") + ")", nil
}

// intervalUnits names the single fields that INTERVAL '…' FIELD may have, by
// PostgreSQL's bit masks.
var intervalUnits = map[int32]string{4: "years", 2: "months", 8: "days", 1024: "hours", 2048: "minutes", 4096: "seconds"}

// intervalText gives the text of INTERVAL '1' DAY its unit.
func intervalText(tn *pg.TypeName, text string) (string, error) {
	const full = 0x7fff
	if len(tn.Typmods) == 0 {
		return text, nil
	}
	mask := tn.Typmods[0].GetAConst().GetIval().GetIval()
	if mask == full {
		return text, nil
	}
	unit, ok := intervalUnits[mask]
	if !ok {
		return "", sqlerr.Unsupported("an interval of several fields").At(int(tn.Location))
	}
	if _, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
		return text + " " + unit, nil
	}
	return text, nil
}
