package exec

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/exec/internal/testseg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// orderDependent are aggregations whose results may differ a little, or in
// order, with the order of the rows.
var orderDependent = []string{
	"any_value", "array_agg", "string_agg", "approx_percentile", "percentiletdigest", "percentilekll", "percentileest",
}

// constantArgs are constant arguments that some aggregation takes.
var constantArgs = [][]column.Value{
	nil, {column.FloatValue(schema.Float64, 0.75)}, {column.TextValue("LONG")},
	{column.FloatValue(schema.Float64, -10), column.FloatValue(schema.Float64, 30), column.IntValue(schema.Int32, 7)},
}

// anyAggregation returns a random call of any aggregation whose result is the
// same for any order of the rows.
func (g *gen) anyAggregation() plan.AggCall {
	names := agg.Names()
	for {
		name := names[g.r.IntN(len(names))]
		if slices.Contains(orderDependent, name) {
			continue
		}
		types, args := g.arguments()
		dialect := fn.Postgres
		if g.chance(0.3) {
			dialect = fn.Pinot
		}
		spec, castTo, err := agg.Resolve(name, types, g.chance(0.3), dialect)
		if err != nil || !slices.Equal(castTo, types) || !g.setParams(spec) {
			continue
		}
		c := plan.AggCall{Spec: spec, Args: args}
		if g.chance(0.3) {
			c.Filter = g.condition(1)
		}
		return c
	}
}

func (g *gen) arguments() (types []schema.Type, args []plan.Expr) {
	for range 1 + g.r.IntN(2) {
		e := ref(g.r.IntN(len(tableTypes)))
		types, args = append(types, e.Typ), append(args, e)
	}
	return types, args
}

func (g *gen) setParams(s *agg.Spec) bool {
	for _, i := range g.r.Perm(len(constantArgs)) {
		if s.SetParams(constantArgs[i]) == nil {
			return true
		}
	}
	return false
}

// plainSegment is the rows as they are in one segment without dictionaries.
func plainSegment(rows [][]column.Value) segment.Segment {
	var cols []testseg.Col
	for c, t := range tableTypes {
		v := column.New(t, len(rows))
		for _, row := range rows {
			v.Append(row[c])
		}
		cols = append(cols, testseg.Col{ID: uint32(c + 1), Name: fmt.Sprintf("c%d", c), Vec: v})
	}
	return testseg.New("plain", len(rows), cols...)
}

// TestEveryAggregationMetamorphic compares all aggregations over segments of
// random encodings, in sequence and in parallel, with one plain segment.
func TestEveryAggregationMetamorphic(t *testing.T) {
	for seed := range *seeds {
		g := newGen(uint64(seed) + 9000)
		table := g.table(1 + g.r.IntN(3000))
		segs := g.segments(table, 1+g.r.IntN(4))
		plain := []segment.Segment{plainSegment(table)}
		for q := range 12 {
			leaf := &plan.Leaf{Cols: leafCols(), Filter: g.filter(), Aggregate: true, Limit: -1}
			for range g.r.IntN(3) {
				leaf.GroupBy = append(leaf.GroupBy, g.key())
			}
			for range 1 + g.r.IntN(4) {
				leaf.Aggs = append(leaf.Aggs, g.anyAggregation())
			}
			want := merged(t, New(Config{Workers: -1}), leaf, plain)
			what := fmt.Sprintf("seed %d query %d (%s)", seed, q, leafText(leaf))
			compareNear(t, what, merged(t, New(Config{Workers: -1}), leaf, segs), want)
			compareNear(t, what+" parallel", merged(t, eager(), leaf, segs), want)
		}
	}
}

// compareNear is compareTexts that lets floats differ in their last digits.
func compareNear(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) == len(want) {
		for i := range got {
			if nearRow(got[i], want[i]) {
				got[i] = want[i]
			}
		}
	}
	compareTexts(t, what, got, want)
}

func nearRow(got, want string) bool {
	if got == want {
		return true
	}
	x, y := strings.Split(got, " | "), strings.Split(want, " | ")
	return slices.EqualFunc(x, y, func(x, y string) bool {
		a, errA := strconv.ParseFloat(strings.TrimPrefix(x, floatMark), 64)
		b, errB := strconv.ParseFloat(strings.TrimPrefix(y, floatMark), 64)
		return x == y || errA == nil && errB == nil && math.Abs(a-b) <= 1e-7*max(1, math.Abs(a), math.Abs(b))
	})
}
