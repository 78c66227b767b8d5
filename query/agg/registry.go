package agg

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// The ids of the aggregations. Numbers are never reused.
const (
	idCount      ID = 1
	idSum        ID = 2
	idMin        ID = 3
	idMax        ID = 4
	idAvg        ID = 5
	idBoolAnd    ID = 6
	idBoolOr     ID = 7
	idStddevSamp ID = 8
	idStddevPop  ID = 9
	idVarSamp    ID = 10
	idVarPop     ID = 11
	idArrayAgg   ID = 12
	idStringAgg  ID = 13
	idAnyValue   ID = 14

	idPercentileCont ID = 15
	idPercentileDisc ID = 16
	idPercentile     ID = 17
	idMode           ID = 18

	idCovarPop      ID = 19
	idCovarSamp     ID = 20
	idCorr          ID = 21
	idRegrSlope     ID = 22
	idRegrIntercept ID = 23
	idRegrR2        ID = 24
	idRegrCount     ID = 25
	idRegrAvgX      ID = 26
	idRegrAvgY      ID = 27
	idRegrSXX       ID = 28
	idRegrSYY       ID = 29
	idRegrSXY       ID = 30

	idFirstWithTime ID = 31
	idLastWithTime  ID = 32
	idArgMin        ID = 33
	idArgMax        ID = 34
	idHLL           ID = 35
	idHistogram     ID = 36

	idApproxPercentile  ID = 37
	idPercentileTDigest ID = 38
	idPercentileKLL     ID = 39
	idPercentileEst     ID = 40
	idTheta             ID = 41
	idCPC               ID = 42
)

// definition is one aggregation: how it is called, its types and its
// accumulator. A new aggregation is a file with a definition and a line in
// definitions.
type definition struct {
	id    ID
	names []string // the first is canonical
	// bind returns the types to which the arguments must be cast; ok is false
	// when the aggregation does not take them.
	bind func(args []schema.Type, d fn.Dialect) (castTo []schema.Type, ok bool)
	// ignoresDistinct tells that repeated values never change the result.
	ignoresDistinct bool
	result          func(s *Spec) schema.Type
	states          func(s *Spec) []schema.Type
	open            func(s *Spec) Accumulator
	// orderedSet marks an aggregation that is called WITHIN GROUP.
	orderedSet bool
	// withinGroup marks one that may be called WITHIN GROUP.
	withinGroup bool
	// rowArgs is the number of arguments per row before constant ones, 0 when
	// no argument is constant.
	rowArgs int
	// paramTypes are the types of constant arguments that have none of their
	// own, as parameters of a statement.
	paramTypes []schema.Type
	// params converts and checks constant arguments; nil takes none.
	params func(s *Spec, params []column.Value) ([]column.Value, error)
}

var definitions = []*definition{
	&countDef, &sumDef, &minDef, &maxDef, &avgDef, &boolAndDef, &boolOrDef,
	&stddevSampDef, &stddevPopDef, &varSampDef, &varPopDef,
	&arrayAggDef, &stringAggDef, &anyValueDef,
	&percentileContDef, &percentileDiscDef, &percentileDef100, &modeDef,
	&covarPopDef, &covarSampDef, &corrDef, &regrSlopeDef, &regrInterceptDef, &regrR2Def,
	&regrCountDef, &regrAvgXDef, &regrAvgYDef, &regrSXXDef, &regrSYYDef, &regrSXYDef,
	&firstWithTimeDef, &lastWithTimeDef, &argMinDef, &argMaxDef, &hllDef, &histogramDef,
	&approxPercentileDef, &percentileTDigestDef, &percentileKLLDef, &percentileEstDef, &thetaDef, &cpcDef,
}

// distinctCounts are Pinot's names of count(DISTINCT x), which is exact under
// all of them.
var distinctCounts = []string{"distinctcount", "distinctcountbitmap", "segmentpartitioneddistinctcount"}

// unsupported are aggregations of Pinot that are refused by name: those that
// give the bytes of Pinot's own sketches.
var unsupported = []string{
	"distinctcountrawhll", "distinctcounthllplus", "distinctcountrawhllplus", "distinctcountrawthetasketch",
	"distinctcountrawcpcsketch", "distinctcountull", "distinctcountrawull", "distinctcounttuplesketch",
	"distinctcountrawintegersumtuplesketch", "distinctcountsmarthll", "distinctcountoffheap", "fasthll", "idset",
	"percentilerawest", "percentilerawtdigest", "percentilesmarttdigest", "percentilerawkll",
}

func byName(name string) *definition {
	for _, d := range definitions {
		if slices.Contains(d.names, name) {
			return d
		}
	}
	return nil
}

func byID(id ID) *definition {
	for _, d := range definitions {
		if d.id == id {
			return d
		}
	}
	return nil
}

// Exists reports whether there is an aggregation of that name, in any case.
func Exists(name string) bool {
	name = strings.ToLower(name)
	return slices.Contains(distinctCounts, name) || slices.Contains(unsupported, name) || byName(name) != nil
}

// Names returns the names of all aggregations, sorted.
func Names() []string {
	out := slices.Clone(distinctCounts)
	for _, d := range definitions {
		out = append(out, d.names...)
	}
	slices.Sort(out)
	return out
}

// Resolve finds the aggregation for a call. count(*) has no arguments. castTo
// gives the type to which each argument must be cast; Spec.Args are those
// types. It fails with 42883 when there is none.
func Resolve(name string, args []schema.Type, distinct bool, d fn.Dialect) (spec *Spec, castTo []schema.Type, err error) {
	low := strings.ToLower(name)
	if slices.Contains(unsupported, low) {
		return nil, nil, sqlerr.Unsupported("the aggregation " + low)
	}
	if slices.Contains(distinctCounts, low) {
		low, distinct = "count", true
	}
	def := byName(low)
	if def == nil {
		return nil, nil, undefined(name, args)
	}
	castTo, ok := def.bind(args, d)
	if !ok {
		return nil, nil, undefined(name, args)
	}
	if distinct && len(args) == 0 {
		return nil, nil, sqlerr.New(sqlerr.SyntaxError, "DISTINCT needs an argument in %s", low)
	}
	spec = &Spec{ID: def.id, Name: def.names[0], Args: castTo, Dialect: d}
	spec.Distinct = distinct && !def.ignoresDistinct
	return spec, castTo, nil
}

func undefined(name string, args []schema.Type) error {
	types := make([]string, len(args))
	for i, t := range args {
		types[i] = t.String()
	}
	err := sqlerr.New(sqlerr.UndefinedFunction, "function %s(%s) does not exist", name, strings.Join(types, ", "))
	if near, ok := sqlerr.Nearest(name, Names()); ok && !Exists(name) {
		return err.WithHint("Did you mean %s?", near)
	}
	return err.WithHint("No aggregate function matches the given name and argument types. You might need to add explicit type casts.")
}

// ResultType returns the type of the aggregation's result.
func (s *Spec) ResultType() schema.Type {
	def := byID(s.ID)
	if def == nil {
		return schema.Type{}
	}
	if s.Distinct && s.ID == idCount && s.Dialect == fn.Pinot {
		return schema.Int32
	}
	return def.result(s)
}

// StateTypes returns the types of the state columns.
func (s *Spec) StateTypes() []schema.Type {
	def := byID(s.ID)
	switch {
	case def == nil:
		return nil
	case s.Distinct:
		return []schema.Type{schema.Bytea}
	}
	return def.states(s)
}

// New returns an empty accumulator.
func (s *Spec) New() Accumulator {
	if s.Distinct {
		return newDistinct(s)
	}
	return byID(s.ID).open(s)
}

// Validate reports whether the spec names an aggregation of this release with
// arguments that it takes. Specs that come from another process are validated
// before use.
func (s *Spec) Validate() error {
	def := byID(s.ID)
	if def == nil {
		return fmt.Errorf("agg: no aggregation %d (%q)", s.ID, s.Name)
	}
	castTo, ok := def.bind(s.Args, s.Dialect)
	if !ok || !slices.Equal(castTo, s.Args) {
		return fmt.Errorf("agg: %s does not take %v", s.Name, s.Args)
	}
	if s.Distinct && len(s.Args) == 0 {
		return fmt.Errorf("agg: %s(DISTINCT) without an argument", s.Name)
	}
	if def.params != nil {
		if _, err := def.params(s, s.Params); err != nil {
			return fmt.Errorf("agg: parameters of %s: %w", s.Name, err)
		}
	}
	return nil
}

// FloatSum reports whether the result depends on the order in which floats are
// added.
func (s *Spec) FloatSum() bool {
	switch s.ID {
	case idSum, idAvg, idStddevSamp, idStddevPop, idVarSamp, idVarPop:
		return isFloat(s.Args[0])
	}
	return s.ID >= idCovarPop && s.ID <= idRegrSXY && s.ID != idRegrCount
}

// DistinctInput reports whether it is enough to fold each distinct value of a
// group once: the aggregation is over DISTINCT values or repetition does not
// change it.
func (s *Spec) DistinctInput() bool {
	def := byID(s.ID)
	return s.Distinct || def != nil && def.ignoresDistinct
}

// OrderSensitive reports whether the result depends on the order of the rows.
func (s *Spec) OrderSensitive() bool { return s.ID == idArrayAgg || s.ID == idStringAgg }

func isFloat(t schema.Type) bool {
	return t.Kind() == schema.KindFloat32 || t.Kind() == schema.KindFloat64
}

// one is a bind for a single argument of an accepted type.
func one(accept func(schema.Type) bool) func([]schema.Type, fn.Dialect) ([]schema.Type, bool) {
	return func(args []schema.Type, _ fn.Dialect) ([]schema.Type, bool) {
		if len(args) != 1 {
			return nil, false
		}
		t := args[0]
		if t.ID == schema.TypeUnknown && !t.List {
			t = schema.Text
		}
		return []schema.Type{t}, accept(t)
	}
}

func fixed(t schema.Type) func(*Spec) schema.Type { return func(*Spec) schema.Type { return t } }

func fixedStates(t ...schema.Type) func(*Spec) []schema.Type {
	return func(*Spec) []schema.Type { return t }
}

func argType(s *Spec) schema.Type { return s.Args[0] }
