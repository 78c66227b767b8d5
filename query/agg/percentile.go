package agg

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// The exact percentiles over counted values. percentile_cont and
// percentile_disc take a fraction of 0 to 1 or an array of them; Pinot's
// percentile(x, p) takes 0 to 100.
var (
	percentileContDef = percentileDef(idPercentileCont, "percentile_cont", bindPercentileCont, contResult, percentileCont)
	percentileDiscDef = percentileDef(idPercentileDisc, "percentile_disc", one(isRanked), discResult, percentileDisc)
	percentileDef100  = definition{
		id:         idPercentile,
		names:      []string{"percentile"},
		bind:       bindPinotPercentile,
		rowArgs:    1,
		paramTypes: []schema.Type{schema.Float64},
		params:     percentParam,
		result:     fixed(schema.Float64),
		states:     fixedStates(schema.Bytea),
		open: func(s *Spec) Accumulator {
			return newRanked(s, func(dst *column.Vector, r ranking) error {
				p := s.Params[0].F
				row := min(int64(float64(r.n)*p/100), r.n-1)
				dst.Append(column.FloatValue(schema.Float64, r.number(row)))
				return nil
			})
		},
	}
)

func percentileDef(id ID, name string, bind func([]schema.Type, fn.Dialect) ([]schema.Type, bool),
	result func(*Spec) schema.Type, pick func(ranking, float64) column.Value,
) definition {
	return definition{
		id:         id,
		names:      []string{name},
		bind:       bind,
		orderedSet: true,
		rowArgs:    1,
		paramTypes: []schema.Type{schema.Float64},
		params:     fractionParams,
		result:     result,
		states:     fixedStates(schema.Bytea),
		open: func(s *Spec) Accumulator {
			return newRanked(s, func(dst *column.Vector, r ranking) error {
				dst.Append(pickAll(s, result(s), r, pick))
				return nil
			})
		},
	}
}

// discResult is the type of the values, contResult of numbers between them:
// arrays of these for an array of fractions.
func discResult(s *Spec) schema.Type { return perFraction(s, s.Args[0]) }

func contResult(s *Spec) schema.Type { return perFraction(s, schema.Float64) }

func perFraction(s *Spec, t schema.Type) schema.Type {
	t.List = len(s.Params) > 0 && s.Params[0].Type.List
	return t
}

// isRanked reports whether values of a type have an order.
func isRanked(t schema.Type) bool { return t == schema.Bool || isOrdered(t) }

func bindPercentileCont(args []schema.Type, _ fn.Dialect) ([]schema.Type, bool) {
	return numberTypes(args), len(args) == 1 && args[0].IsNumeric()
}

// numberTypes leaves whole numbers as they are, whose ranking is that of the
// floats that they stand for, and makes floats of the others.
func numberTypes(args []schema.Type) []schema.Type {
	if len(args) == 1 && args[0].IsInteger() {
		return args
	}
	return []schema.Type{schema.Float64}
}

// bindFloats takes numbers as floats.
func bindFloats(args []schema.Type, _ fn.Dialect) ([]schema.Type, bool) {
	return []schema.Type{schema.Float64}, len(args) == 1 && args[0].IsNumeric()
}

func bindPinotPercentile(args []schema.Type, d fn.Dialect) ([]schema.Type, bool) {
	return numberTypes(args), d == fn.Pinot && len(args) == 1 && args[0].IsNumeric()
}

func percentParam(s *Spec, params []column.Value) ([]column.Value, error) {
	if len(params) != 1 || params[0].Null {
		return nil, badParams(s)
	}
	p, err := fraction(s, params[0], 100)
	return []column.Value{p}, err
}

// fractionParams checks the fraction, or the array of fractions.
func fractionParams(s *Spec, params []column.Value) ([]column.Value, error) {
	rest, desc, ok := descParam(params, 1)
	if !ok {
		return nil, badParams(s)
	}
	p, err := fractions(s, rest[0], 1)
	if err != nil {
		return nil, err
	}
	out := []column.Value{p}
	if desc {
		out = append(out, column.BoolValue(true))
	}
	return out, nil
}

func fractions(s *Spec, v column.Value, limit float64) (column.Value, error) {
	if !v.Type.List {
		return fraction(s, v, limit)
	}
	out := column.Value{Type: schema.Float64.AsList(), Null: v.Null, List: column.New(schema.Float64, 0)}
	if v.Null || v.List == nil {
		return out, nil
	}
	for i := range v.List.N {
		f, err := fraction(s, v.List.Value(i), limit)
		if err != nil {
			return out, err
		}
		out.List.Append(f)
	}
	return out, nil
}

// pickAll is the result of one fraction, or of each of an array.
func pickAll(s *Spec, t schema.Type, r ranking, pick func(ranking, float64) column.Value) column.Value {
	p := s.Params[0]
	switch {
	case p.Null:
		return column.NullValue(t)
	case !p.Type.List:
		return pick(r, p.F)
	}
	list := column.New(t.Elem(), p.List.N)
	for i := range p.List.N {
		if p.List.IsNull(i) {
			list.AppendNull()
			continue
		}
		list.Append(pick(r, p.List.Float64s[i]))
	}
	return column.Value{Type: t, List: list}
}

// percentileDisc is the first value at or above which the fraction of rows
// lies.
func percentileDisc(r ranking, p float64) column.Value {
	return r.at(max(int64(math.Ceil(p*float64(r.n))), 1) - 1)
}

// percentileCont interpolates between the two values around the fraction.
func percentileCont(r ranking, p float64) column.Value {
	at := p * float64(r.n-1)
	lo, hi := r.around(int64(math.Floor(at)), int64(math.Ceil(at)))
	if lo == hi {
		return column.FloatValue(schema.Float64, lo)
	}
	return column.FloatValue(schema.Float64, lo+float64((at-math.Floor(at))*(hi-lo)))
}
