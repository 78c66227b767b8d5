package exec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

// rangeTypes are the columns of the tables here.
var rangeTypes = []schema.Type{schema.Int64, schema.Float64, schema.Int32, schema.Text}

// rangeSegment builds n rows, c0 and c1 raw, c2 and c3 with a dictionary, with or
// without range indexes.
func rangeSegment(tb testing.TB, n int, indexed bool) segment.Segment {
	tb.Helper()
	s := &schema.Schema{Name: "t", Version: 1}
	cols := make([]*column.Vector, len(rangeTypes))
	ix := schema.IndexingConfig{NoDictionary: []string{"c0", "c1"}, Dictionary: []string{"c2", "c3"}}
	for c, t := range rangeTypes {
		name := fmt.Sprintf("c%d", c)
		s.Fields = append(s.Fields, schema.Field{ID: uint32(c + 1), Name: name, Type: t})
		cols[c] = column.New(t, n)
		if indexed {
			ix.Range = append(ix.Range, name)
		}
	}
	r := rand.New(rand.NewPCG(9, 9))
	for i := range n {
		x := r.IntN(1_000_000)
		cols[0].Append(column.IntValue(schema.Int64, int64(x)))
		cols[1].Append(column.FloatValue(schema.Float64, float64(x)/4))
		if i%10 == 0 {
			cols[2].AppendNull()
		} else {
			cols[2].Append(column.IntValue(schema.Int32, int64(x/10)))
		}
		cols[3].AppendString(fmt.Sprintf("%06d", x/20))
	}
	table := &schema.Table{Name: "t", Schema: s, Config: &schema.TableConfig{Indexing: ix}}
	fsys := vfs.NewMem()
	if _, err := build.FromBatches(context.Background(), fsys, "a", []*column.Batch{{N: n, Cols: cols}}, build.Config{Table: table}); err != nil {
		tb.Fatal(err)
	}
	seg, err := immutable.Open(fsys, "a", immutable.Options{VerifyAll: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(seg.Release)
	return seg
}

func rangeLeaf(filter plan.Expr) *plan.Leaf {
	leaf := &plan.Leaf{Filter: filter, Limit: -1}
	for c, t := range rangeTypes {
		leaf.Cols = append(leaf.Cols, plan.LeafCol{ID: uint32(c + 1), Name: fmt.Sprintf("c%d", c), Type: t})
	}
	leaf.Output = []plan.Expr{rangeRef(0), rangeRef(3)}
	return leaf
}

func rangeRef(c int) *plan.ColRef {
	return &plan.ColRef{Index: c, Name: fmt.Sprintf("c%d", c), Typ: rangeTypes[c]}
}

// between is lo <= column <= hi.
func between(c int, lo, hi column.Value) plan.Expr {
	t := rangeTypes[c]
	return &plan.And{Args: []plan.Expr{
		call(compareFunc(">=", t), rangeRef(c), konst(lo)), call(compareFunc("<=", t), rangeRef(c), konst(hi))}}
}

// TestRangeIndexAnswers compares segments with and without range indexes, and
// how rows were found: by the index where ranges are narrow, by a scan where
// they are wide.
func TestRangeIndexAnswers(t *testing.T) {
	const rows = 150_000
	with, without := rangeSegment(t, rows, true), rangeSegment(t, rows, false)
	long := func(x int64) column.Value { return column.IntValue(schema.Int64, x) }
	float := func(x float64) column.Value { return column.FloatValue(schema.Float64, x) }
	short := func(x int64) column.Value { return column.IntValue(schema.Int32, x) }
	f := func(filter plan.Expr, method string) {
		t.Helper()
		want, _, err := runLeaf(t, eager(), rangeLeaf(filter), []segment.Segment{without}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, stats, err := runLeaf(t, New(Config{Workers: -1}), rangeLeaf(filter), []segment.Segment{with}, Options{Trace: true})
		if err != nil {
			t.Fatal(err)
		}
		what := plan.ExprString(filter)
		compareTexts(t, what, sorted(texts(batchRowsOf(got))), sorted(texts(batchRowsOf(want))))
		var methods []string
		for _, m := range stats.Segments[0].Filter {
			methods = append(methods, m.Method)
		}
		if m := strings.Join(methods, ","); m != method {
			t.Errorf("%s: by %s, want %s", what, m, method)
		}
	}
	f(between(0, long(5000), long(6000)), "range index")
	f(between(0, long(5000), long(5000)), "range index")
	f(between(0, long(100), long(900_000)), "range scan")
	f(between(1, float(5000.25), float(5100)), "range index")
	f(between(1, float(-1), float(240_000)), "range scan")
	f(between(2, short(500), short(700)), "range index")
	f(between(2, short(500), short(90_000)), "id scan")
	f(between(3, column.TextValue("0010"), column.TextValue("0011")), "range index")
	f(&plan.And{Args: []plan.Expr{between(0, long(5000), long(9000)), between(1, float(1200), float(2000))}}, "range index,range index")
	f(&plan.Or{Args: []plan.Expr{between(0, long(5000), long(6000)), between(2, short(7), short(9))}}, "range index,range index")
	f(&plan.Or{Args: []plan.Expr{between(2, short(7), short(9)), &plan.IsNull{Arg: rangeRef(2)}}}, "range index")
}

// BenchmarkRange is a range over 3M raw rows with and without a range index.
func BenchmarkRange(b *testing.B) {
	for _, indexed := range []bool{true, false} {
		seg := rangeSegment(b, 3_000_000, indexed)
		for _, share := range []int64{100, 1000, 10_000, 100_000, 300_000} {
			for c, name := range []string{"int64", "float64", "dict"} {
				hi, lo := 400_000+share, int64(400_000)
				filter := between(c, column.IntValue(schema.Int64, lo), column.IntValue(schema.Int64, hi))
				if c == 1 {
					filter = between(c, column.FloatValue(schema.Float64, float64(lo)/4), column.FloatValue(schema.Float64, float64(hi)/4))
				}
				if c == 2 {
					filter = between(c, column.IntValue(schema.Int32, lo/10), column.IntValue(schema.Int32, hi/10))
				}
				leaf := rangeLeaf(filter)
				leaf.Output, leaf.Aggregate = nil, true
				b.Run(fmt.Sprintf("indexed=%v/%s/%.2f%%", indexed, name, float64(share)/1e4), func(b *testing.B) {
					e, cpu := New(Config{Workers: -1}), cpuTime()
					for b.Loop() {
						if _, err := e.RunLeaf(testContext(), leaf, []segment.Segment{seg}, Options{}, func(*column.Batch) error { return nil }); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/1e3/float64(b.N), "cpu-us/op")
				})
			}
		}
	}
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
