package exec

import (
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// TestOrderedSetsOverSegments merges the counted values of two segments, each
// with 0, NULL, 7 and twice 3, or three times x, y and z.
func TestOrderedSetsOverSegments(t *testing.T) {
	f := func(name string, typ schema.Type, arg plan.Expr, want string, params ...column.Value) {
		t.Helper()
		spec, _, err := agg.Resolve(name, []schema.Type{typ}, false, fn.Postgres)
		if err == nil {
			err = spec.SetParams(params)
		}
		if err != nil {
			t.Fatal(err)
		}
		leaf := &plan.Leaf{Cols: twoCols, Aggregate: true, Limit: -1, Aggs: []plan.AggCall{{Spec: spec, Args: []plan.Expr{arg}}}}
		segs := []segment.Segment{twoColSegment(true), twoColSegment(false)}
		if got := merged(t, New(Config{}), leaf, segs); got[0] != want {
			t.Errorf("%s: got %s, want %s", name, got[0], want)
		}
	}
	f("percentile_disc", refA.Type(), refA, "7", column.FloatValue(schema.Float64, 1))
	f("percentile_disc", refB.Type(), refB, `"y"`, column.FloatValue(schema.Float64, 0.8))
	f("mode", refB.Type(), refB, `"x"`)
	f("mode", refA.Type(), refA, "3")
}
