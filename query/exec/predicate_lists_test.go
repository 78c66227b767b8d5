package exec

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

var numbers = schema.Int32.AsList()

// quantifiedTest is constant op ANY (list) or ALL (list) over elements that are
// not NULL.
func quantifiedTest(op string, all bool) *fn.Func {
	name := plan.AnyPrefix + op
	if all {
		name = plan.AllPrefix + op
	}
	if compareFuncs[name] == nil {
		holds := compareOps[op]
		compareFuncs[name] = testFunc(name, schema.Bool, []schema.Type{schema.Int32, numbers}, func(a []column.Value) (column.Value, error) {
			for i := range a[1].List.N {
				if holds(naiveCompare(a[0], a[1].List.Value(i))) != all {
					return column.BoolValue(!all), nil
				}
			}
			return column.BoolValue(all), nil
		})
	}
	return compareFuncs[name]
}

func listTest(name string, holds func(list, of []int32) bool) *fn.Func {
	return testFunc(name, schema.Bool, []schema.Type{numbers, numbers}, func(a []column.Value) (column.Value, error) {
		return column.BoolValue(holds(a[0].List.Int32s, a[1].List.Int32s)), nil
	})
}

var (
	overlapFunc = listTest("&&", func(list, of []int32) bool {
		return slices.ContainsFunc(of, func(x int32) bool { return slices.Contains(list, x) })
	})
	containsFunc = listTest("@>", func(list, of []int32) bool {
		return !slices.ContainsFunc(of, func(x int32) bool { return !slices.Contains(list, x) })
	})
	betweenTest = testFunc(plan.AnyPrefix+"between", schema.Bool, []schema.Type{numbers, schema.Int32, schema.Int32}, func(a []column.Value) (column.Value, error) {
		return column.BoolValue(slices.ContainsFunc(a[0].List.Int32s, func(x int32) bool { return int64(x) >= a[1].I && int64(x) <= a[2].I })), nil
	})
	// oddFunc is a condition that no dictionary looks up.
	oddFunc = testFunc(plan.AnyPrefix+"of odd", schema.Bool, []schema.Type{numbers, schema.Int32}, func(a []column.Value) (column.Value, error) {
		return column.BoolValue(slices.ContainsFunc(a[0].List.Int32s, func(x int32) bool { return int64(x)%2 == a[1].I })), nil
	})
)

// listCondition returns a random condition on the elements of the lists.
func (g *gen) listCondition() plan.Expr {
	number := func() plan.Expr { return konst(column.IntValue(schema.Int32, int64(g.r.IntN(6)-1))) }
	switch g.r.IntN(6) {
	case 0:
		return call(overlapFunc, ref(colList), konst(g.value(colList, 0)))
	case 1:
		return call(containsFunc, ref(colList), konst(g.value(colList, 0)))
	case 2:
		return call(betweenTest, ref(colList), number(), number())
	case 3:
		return call(oddFunc, ref(colList), konst(column.IntValue(schema.Int32, 1)))
	case 4:
		return call(quantifiedTest(opNames[g.r.IntN(6)], true), number(), ref(colList))
	}
	return call(quantifiedTest(opNames[g.r.IntN(6)], false), number(), ref(colList))
}

func TestAppendLists(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		n, first := 1+rng.IntN(40), int64(rng.IntN(100))
		starts, hits := []int64{first}, column.NewBitmap(1000)
		var want []uint32
		for i := range n {
			at := starts[i]
			hit := false
			for range rng.IntN(4) {
				if rng.IntN(3) == 0 {
					hits.Set(int(at - first))
					hit = true
				}
				at++
			}
			starts = append(starts, at)
			if hit {
				want = append(want, uint32(7+i))
			}
		}
		if got := appendLists(nil, starts, hits, 7); !slices.Equal(got, want) {
			t.Fatalf("starts %v: %v, want %v", starts, got, want)
		}
	}
}
