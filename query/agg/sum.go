package agg

import (
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// sumDef is sum(x) over numbers and intervals. State: the sum, NULL for no
// rows; its type is the accumulator's (sumStateType).
var sumDef = definition{
	id:     idSum,
	names:  []string{"sum"},
	bind:   one(func(t schema.Type) bool { return t.IsNumeric() || t == schema.Interval }),
	result: sumResult,
	states: func(s *Spec) []schema.Type { return []schema.Type{sumStateType(s.Args[0])} },
	open:   func(s *Spec) Accumulator { return openSum(s, false) },
}

// avgDef is avg(x). States: the sum as for sum, and the int64 count of its
// values.
var avgDef = definition{
	id:     idAvg,
	names:  []string{"avg"},
	bind:   one(schema.Type.IsNumeric),
	result: avgResult,
	states: func(s *Spec) []schema.Type {
		return []schema.Type{sumStateType(s.Args[0]), schema.Int64}
	},
	open: func(s *Spec) Accumulator { return openSum(s, true) },
}

// sumStateType is the type in which values of t are added: int64 for what
// cannot overflow it in 2^32 rows, 128 bits for other whole and decimal
// numbers, float64 for floats.
func sumStateType(t schema.Type) schema.Type {
	switch t.Kind() {
	case schema.KindInt32:
		return schema.Int64
	case schema.KindInt64, schema.KindDecimal:
		return schema.Numeric
	case schema.KindInterval:
		return schema.Interval
	}
	return schema.Float64
}

func sumResult(s *Spec) schema.Type {
	t := s.Args[0]
	switch {
	case s.Dialect == fn.Pinot && t.IsNumeric() && t.ID != schema.TypeNumeric:
		return schema.Float64
	case t.Kind() == schema.KindInt32:
		return schema.Int64
	case t.Kind() == schema.KindInt64, t.Kind() == schema.KindDecimal:
		return schema.Numeric
	}
	return t
}

func avgResult(s *Spec) schema.Type {
	if s.Dialect == fn.Pinot || isFloat(s.Args[0]) {
		return schema.Float64
	}
	return schema.Numeric
}

func openSum(s *Spec, avg bool) Accumulator {
	switch s.Args[0].Kind() {
	case schema.KindInt32, schema.KindInt64:
		return newIntSum(s, avg)
	case schema.KindDecimal:
		return &decimalSum{spec: s, avg: avg}
	case schema.KindInterval:
		return &intervalSum{spec: s}
	}
	return &floatSum{spec: s, avg: avg}
}
