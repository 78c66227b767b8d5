package agg

import (
	"strconv"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// OrderedSet reports whether the aggregation of that name is called WITHIN
// GROUP (ORDER BY …): its direct arguments are parameters.
func OrderedSet(name string) bool {
	def := byName(strings.ToLower(name))
	return def != nil && def.orderedSet
}

// WithinGroup reports whether the aggregation of that name may be called WITHIN
// GROUP (ORDER BY …).
func WithinGroup(name string) bool {
	def := byName(strings.ToLower(name))
	return def != nil && (def.orderedSet || def.withinGroup)
}

// ConstArgs returns how many of the last arguments of a call with n arguments
// are constants: parameters that are not evaluated per row.
func ConstArgs(name string, n int) int {
	def := byName(strings.ToLower(name))
	if def == nil || def.rowArgs == 0 || def.orderedSet {
		return 0
	}
	return max(0, n-def.rowArgs)
}

// ParamType is the type that constant argument i of an aggregation has when
// nothing else says it.
func ParamType(name string, i int) schema.Type {
	def := byName(strings.ToLower(name))
	if def == nil || i >= len(def.paramTypes) {
		return schema.Text
	}
	return def.paramTypes[i]
}

// SetParams gives the spec its parameters, converted to the types that the
// aggregation wants. It refuses those that the aggregation does not take.
func (s *Spec) SetParams(params []column.Value) error {
	def := byID(s.ID)
	s.Params = nil
	switch {
	case def != nil && def.params != nil:
		p, err := def.params(s, params)
		s.Params = p
		return err
	case len(params) > 0:
		return badParams(s)
	}
	return nil
}

// badParams is the error for parameters of a number or a type that the
// aggregation does not take.
func badParams(s *Spec) error {
	return sqlerr.New(sqlerr.UndefinedFunction, "%s does not take such constant arguments", s.Name)
}

// floatOf returns a constant as a float.
func floatOf(v column.Value) (float64, bool) {
	switch {
	case v.Null:
		return 0, false
	case isFloat(v.Type):
		return v.F, true
	case v.Type.ID == schema.TypeUnknown && !v.Type.List:
		f, err := strconv.ParseFloat(string(v.B), 64)
		return f, err == nil
	case v.Type.IsNumeric():
		return exactValue(v).Float64(), true
	}
	return 0, false
}

// fraction converts a constant to a float between 0 and limit. NULL stays
// NULL.
func fraction(s *Spec, v column.Value, limit float64) (column.Value, error) {
	if v.Null {
		return column.NullValue(schema.Float64), nil
	}
	f, ok := floatOf(v)
	if !ok {
		return v, badParams(s)
	}
	if !(f >= 0 && f <= limit) {
		return v, sqlerr.New(sqlerr.NumericOutOfRange, "percentile value %v is not between 0 and %v", f, limit)
	}
	return column.FloatValue(schema.Float64, f), nil
}

// descParam takes the last parameter of an ordered-set aggregation off, which
// is true for ORDER BY … DESC and absent otherwise.
func descParam(params []column.Value, want int) (rest []column.Value, desc, ok bool) {
	switch {
	case len(params) == want:
		return params, false, true
	case len(params) == want+1 && params[want].Type == schema.Bool && params[want].I == 1:
		return params[:want], true, true
	}
	return nil, false, false
}
