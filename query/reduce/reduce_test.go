package reduce

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

func ints(t schema.Type, vals ...int64) *column.Vector {
	v := column.New(t, 0)
	for _, x := range vals {
		v.Append(column.Value{Type: t, I: x, Null: x == -99})
	}
	return v
}

func texts(vals ...string) *column.Vector {
	v := column.New(schema.Text, 0)
	for _, s := range vals {
		if s == "-" {
			v.AppendNull()
			continue
		}
		v.AppendString(s)
	}
	return v
}

func show(b *column.Batch) string {
	var rows []string
	for i := range b.N {
		var row []string
		for _, v := range b.Cols {
			x := v.Value(i)
			switch {
			case x.Null:
				row = append(row, "-")
			case x.Type.Kind() == schema.KindBytes:
				row = append(row, string(x.B))
			case x.Type.Kind() == schema.KindDecimal:
				row = append(row, x.D.String())
			default:
				row = append(row, fmt.Sprint(x.I))
			}
		}
		rows = append(rows, strings.Join(row, ","))
	}
	return strings.Join(rows, " ")
}

func aggs(t *testing.T) []plan.AggCall {
	t.Helper()
	var out []plan.AggCall
	for _, name := range []string{"count", "avg"} {
		var args []schema.Type
		if name == "avg" {
			args = []schema.Type{schema.Int32}
		}
		s, _, err := agg.Resolve(name, args, false, fn.Postgres)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, plan.AggCall{Spec: s})
	}
	return out
}

func TestMerger(t *testing.T) {
	m := NewMerger(2, []schema.Type{schema.Text, schema.Int32}, aggs(t))
	batches := []*column.Batch{
		{N: 3, Cols: []*column.Vector{texts("a", "b", "-"), ints(schema.Int32, 1, 1, -99), ints(schema.Int64, 2, 1, 1), ints(schema.Int64, 10, 3, -99), ints(schema.Int64, 2, 1, 0)}},
		{N: 0},
		{N: 2, Cols: []*column.Vector{texts("-", "a"), ints(schema.Int32, -99, 1), ints(schema.Int64, 4, 1), ints(schema.Int64, 8, 5), ints(schema.Int64, 4, 1)}},
	}
	for _, b := range batches {
		if err := m.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	if m.Groups() != 3 || m.Bytes() <= 0 {
		t.Errorf("%d groups, %d bytes", m.Groups(), m.Bytes())
	}
	b, err := m.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(b), "a,1,3,5.0000000000000000 b,1,1,3.0000000000000000 -,-,5,2.0000000000000000"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMergerWithoutGroups(t *testing.T) {
	m := NewMerger(0, nil, aggs(t))
	if b, err := m.Finish(); err != nil || show(b) != "0,-" {
		t.Errorf("nothing merged: %s, %v", show(b), err)
	}
}

func TestMergerRefusesOtherColumns(t *testing.T) {
	f := func(b *column.Batch) {
		t.Helper()
		m := NewMerger(1, []schema.Type{schema.Text}, aggs(t))
		if err := m.Add(b); sqlerr.Code(err) != sqlerr.InternalError {
			t.Errorf("got %v", err)
		}
	}
	n := ints(schema.Int64, 1)
	f(&column.Batch{N: 1, Cols: []*column.Vector{texts("a")}})
	f(&column.Batch{N: 1, Cols: []*column.Vector{n, n, n, n}})
	f(&column.Batch{N: 1, Cols: []*column.Vector{texts("a"), texts("b"), n, n}})
}

func TestSortAndMergeSorted(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	keys := []SortKey{{Col: 0, Desc: true, NullsFirst: true}, {Col: 1}}
	for range 50 {
		var parts []*column.Batch
		for range r.IntN(4) {
			n := r.IntN(30)
			a, b := make([]int64, n), make([]string, n)
			for i := range n {
				a[i], b[i] = int64(r.IntN(5)), string(rune('a'+r.IntN(4)))
				if r.IntN(6) == 0 {
					a[i] = -99
				}
			}
			parts = append(parts, &column.Batch{N: n, Cols: []*column.Vector{ints(schema.Int32, a...), texts(b...)}})
		}
		limit := int64(r.IntN(40) - 5)
		all := Concat(parts)
		if all == nil {
			if MergeSorted(parts, keys, limit) != nil {
				t.Fatal("rows from nothing")
			}
			continue
		}
		rows := strings.Fields(show(all))
		slices.SortStableFunc(rows, compareText)
		if limit >= 0 {
			rows = rows[:min(len(rows), int(limit))]
		}
		want := strings.Join(rows, " ")
		for i := range parts {
			parts[i] = Sort(parts[i], keys, -1)
		}
		if got := show(MergeSorted(parts, keys, limit)); got != want {
			t.Fatalf("merged\n%s\nwant\n%s", got, want)
		}
		if got := show(Sort(all, keys, limit)); got != want {
			t.Fatalf("sorted\n%s\nwant\n%s", got, want)
		}
	}
}

// compareText orders "number,text": numbers descending with NULL first.
func compareText(x, y string) int {
	if x[0] != y[0] {
		if x[0] == '-' || y[0] != '-' && x[0] > y[0] {
			return -1
		}
		return 1
	}
	return strings.Compare(x[2:], y[2:])
}
