package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// pinotTypes are the data types of a field spec: Pinot's, then ours.
var pinotTypes = []struct {
	name string
	typ  Type
}{
	{"INT", Int32},
	{"LONG", Int64},
	{"FLOAT", Float32},
	{"DOUBLE", Float64},
	{"BIG_DECIMAL", Numeric},
	{"BOOLEAN", Bool},
	{"TIMESTAMP", Timestamp},
	{"STRING", Text},
	{"JSON", JSON},
	{"BYTES", Bytea},
	{"UUID", UUID},
	{"SMALLINT", Int16},
	{"DATE", Date},
	{"TIME", Time},
	{"TIMESTAMPTZ", TimestampTZ},
	{"NUMERIC", Numeric},
	{"VARCHAR", Varchar},
	{"SYMBOL", Symbol},
}

// MaxPrecision is the largest NUMERIC precision.
const MaxPrecision = 38

// parseDataType reads the dataType of a field spec.
func parseDataType(text string) (Type, error) {
	name, args, hasArgs := strings.Cut(strings.ToUpper(strings.TrimSpace(text)), "(")
	name = strings.TrimSpace(name)
	var typ Type
	var names []string
	for _, p := range pinotTypes {
		if p.name == name {
			typ = p.typ
		}
		names = append(names, p.name)
	}
	if typ.ID == TypeInvalid {
		if near, ok := nearest(name, names); ok {
			return typ, fmt.Errorf("unknown type %q, did you mean %s?", text, near)
		}
		return typ, fmt.Errorf("unknown type %q; the types are %s", text, strings.Join(names, ", "))
	}
	if !hasArgs {
		return typ, nil
	}
	return withModifiers(typ, name, text, args)
}

func withModifiers(typ Type, name, text, args string) (Type, error) {
	args, closed := strings.CutSuffix(strings.TrimSpace(args), ")")
	if !closed {
		return typ, fmt.Errorf("type %q has no closing parenthesis", text)
	}
	var nums []int
	for _, a := range strings.Split(args, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(a))
		if err != nil || n < 0 {
			return typ, fmt.Errorf("type %q: %q is not a number", text, strings.TrimSpace(a))
		}
		nums = append(nums, n)
	}
	switch {
	case name == "NUMERIC" && len(nums) <= 2:
		return numericType(text, nums)
	case name == "VARCHAR" && len(nums) == 1 && nums[0] >= 1 && nums[0] <= 10_485_760:
		typ.Length = int32(nums[0])
		return typ, nil
	case name == "VARCHAR":
		return typ, fmt.Errorf("type %q: the length must be one number between 1 and 10485760", text)
	}
	return typ, fmt.Errorf("type %q takes no modifiers", text)
}

func numericType(text string, nums []int) (Type, error) {
	typ, scale := Numeric, 0
	if len(nums) == 2 {
		scale = nums[1]
	}
	if nums[0] < 1 || nums[0] > MaxPrecision || scale > nums[0] {
		return typ, fmt.Errorf("type %q: the precision must be between 1 and %d, the scale at most the precision", text, MaxPrecision)
	}
	typ.Precision, typ.Scale = uint8(nums[0]), uint8(scale)
	return typ, nil
}

// dataTypeName is the reverse of parseDataType for a type or the elements of
// a list type.
func dataTypeName(t Type) string {
	switch {
	case t.ID == TypeNumeric && t.Precision > 0:
		return fmt.Sprintf("NUMERIC(%d,%d)", t.Precision, t.Scale)
	case t.ID == TypeVarchar && t.Length > 0:
		return fmt.Sprintf("VARCHAR(%d)", t.Length)
	}
	for _, p := range pinotTypes {
		if p.typ.ID == t.ID {
			return p.name
		}
	}
	return t.info().pinot
}
