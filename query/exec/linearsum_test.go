package exec

import (
	"errors"
	"math"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/internal/testseg"

	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

var errRange = errors.New("integer out of range")

// addInts is integer addition with the check of its range.
var addInts = testFunc("+", schema.Int32, []schema.Type{schema.Int32, schema.Int32}, func(a []column.Value) (column.Value, error) {
	x := a[0].I + a[1].I
	if x != int64(int32(x)) {
		return column.Value{}, errRange
	}
	return column.IntValue(schema.Int32, x), nil
})

func TestSumsOfAColumnPlusConstants(t *testing.T) {
	f := func(want string, vals *column.Vector, bases int, adds ...int64) {
		t.Helper()
		leaf := &plan.Leaf{Cols: twoCols, Aggregate: true, Limit: -1}
		for _, x := range adds {
			leaf.Aggs = append(leaf.Aggs, aggOf(t, "sum", call(addInts, refA, intConst(x))), aggOf(t, "avg", call(addInts, intConst(x), refA)))
		}
		seg := testseg.New("s", vals.N, testseg.Col{ID: 1, Name: "a", Vec: vals}, testseg.Col{ID: 2, Name: "b", Vec: textOf(vals.N)})
		q := newQuery(New(Config{}), testContext(), leaf, Options{})
		op := newAggregate(q)
		q.op = op
		if err := q.planSegments([]segment.Segment{seg}); err != nil {
			t.Fatal(err)
		}
		if err := op.prepare(q); err != nil {
			t.Fatal(err)
		}
		if len(op.bases) != bases {
			t.Errorf("%d columns are added up for others, want %d", len(op.bases), bases)
		}
		batches, _, err := runLeaf(t, eager(), leaf, []segment.Segment{seg}, Options{Wanted: &plan.Wanted{Limit: -1}})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = texts(batchRowsOf(batches))[0]
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f("9 | 3 | -9 | -3", intColumn(1, 2, -1, 3), 1, 1, -5)
	f("NULL | NULL | NULL | NULL", intColumn(-1, -1), 0, 1, 2)
	f("6 | 2", intColumn(1, 2, 3), 1, 0)
	f(errRange.Error(), intColumn(1, math.MaxInt32), 0, 1, 0)
}

func textOf(n int) *column.Vector {
	v := column.New(schema.Text, n)
	for range n {
		v.AppendString("x")
	}
	return v
}
