package exec

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/exec/internal/testseg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// intColumn returns a vector of int32; -1 stands for NULL.
func intColumn(vals ...int32) *column.Vector {
	v := column.New(schema.Int32, len(vals))
	for _, x := range vals {
		if x == -1 {
			v.AppendNull()
			continue
		}
		v.Append(column.IntValue(schema.Int32, int64(x)))
	}
	return v
}

func textColumn(vals ...string) *column.Vector {
	v := column.New(schema.Text, len(vals))
	for _, s := range vals {
		v.AppendString(s)
	}
	return v
}

// twoCols are the leaf columns a (integer, id 1) and b (text, id 2).
var twoCols = []plan.LeafCol{{ID: 1, Name: "a", Type: schema.Int32}, {ID: 2, Name: "b", Type: schema.Text}}

var (
	refA = &plan.ColRef{Index: 0, Name: "a", Typ: schema.Int32}
	refB = &plan.ColRef{Index: 1, Name: "b", Typ: schema.Text}
)

func intConst(x int64) plan.Expr { return konst(column.IntValue(schema.Int32, x)) }

func aggOf(t testing.TB, name string, args ...plan.Expr) plan.AggCall {
	t.Helper()
	var types []schema.Type
	for _, a := range args {
		types = append(types, a.Type())
	}
	spec, _, err := agg.Resolve(name, types, false, fn.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	return plan.AggCall{Spec: spec, Args: args}
}

func twoColSegment(dict bool) *testseg.Segment {
	return testseg.New("s1", 5,
		testseg.Col{ID: 1, Name: "a", Vec: intColumn(3, 0, -1, 7, 3), Dict: dict, Sorted: true},
		testseg.Col{ID: 2, Name: "b", Vec: textColumn("x", "y", "x", "z", "x"), Dict: dict, Sorted: true, Inverted: true})
}

func TestMetadataAnswers(t *testing.T) {
	f := func(dict bool, call plan.AggCall, want string, answered bool) {
		t.Helper()
		leaf := &plan.Leaf{Cols: twoCols, Aggregate: true, Limit: -1, Aggs: []plan.AggCall{call}}
		_, stats, err := runLeaf(t, New(Config{}), leaf, []segment.Segment{twoColSegment(dict)}, Options{Trace: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := merged(t, New(Config{}), leaf, []segment.Segment{twoColSegment(dict), twoColSegment(!dict)}); got[0] != want {
			t.Errorf("%s: got %s, want %s", call.Spec.Name, got[0], want)
		}
		if got := stats.Segments[0].Method == "metadata"; got != answered {
			t.Errorf("%s: answered by %s", call.Spec.Name, stats.Segments[0].Method)
		}
	}
	f(true, aggOf(t, "count"), "10", true)
	f(true, aggOf(t, "count", refA), "8", true)
	f(true, aggOf(t, "min", refA), "0", true)
	f(false, aggOf(t, "max", refA), "7", true)
	f(true, aggOf(t, "max", refB), `"z"`, true)
	f(false, aggOf(t, "max", refB), `"z"`, false)
	f(true, aggOf(t, "sum", refA), "26", false)
	filtered := aggOf(t, "count")
	filtered.Filter = &plan.IsNull{Arg: refA}
	f(true, filtered, "2", false)
}

func TestEmptyInput(t *testing.T) {
	leaf := &plan.Leaf{Cols: twoCols, Aggregate: true, Limit: -1, Aggs: []plan.AggCall{aggOf(t, "count"), aggOf(t, "sum", refA)}}
	if got := merged(t, New(Config{}), leaf, nil); len(got) != 1 || got[0] != "0 | NULL" {
		t.Errorf("aggregates of nothing: %v", got)
	}
	leaf.GroupBy = []plan.Expr{refB}
	if got := merged(t, New(Config{}), leaf, nil); len(got) != 0 {
		t.Errorf("groups of nothing: %v", got)
	}
}

func TestPseudoColumns(t *testing.T) {
	cols := append([]plan.LeafCol{
		{Name: "_segment", Pseudo: "_segment", Type: schema.Text},
		{Name: "_partition", Pseudo: "_partition", Type: schema.Int32},
		{Name: "_seq", Pseudo: "_seq", Type: schema.Int64},
	}, twoCols...)
	leaf := &plan.Leaf{Cols: cols, Limit: -1}
	for i, c := range cols[:3] {
		leaf.Output = append(leaf.Output, &plan.ColRef{Index: i, Name: c.Name, Typ: c.Type})
	}
	leaf.Filter = call(compareFunc(">=", schema.Int64), leaf.Output[2], konst(column.IntValue(schema.Int64, 1003)))
	batches, _, err := runLeaf(t, New(Config{}), leaf, []segment.Segment{twoColSegment(true)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(texts(batchRowsOf(batches)), "; ")
	if want := `"s1" | 3 | 1003; "s1" | 3 | 1004`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	leaf.Cols[0].Pseudo = "_nothing"
	if _, _, err := runLeaf(t, New(Config{}), leaf, []segment.Segment{twoColSegment(true)}, Options{}); err == nil {
		t.Error("an unknown pseudo column was accepted")
	}
}

// bigSegment has n rows of distinct texts and numbers.
func bigSegment(n int) *testseg.Segment {
	a, b := column.New(schema.Int32, n), column.New(schema.Text, n)
	for i := range n {
		a.Append(column.IntValue(schema.Int32, int64(i)))
		b.AppendString("text number " + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26)))
	}
	return testseg.New("big", n, testseg.Col{ID: 1, Name: "a", Vec: a}, testseg.Col{ID: 2, Name: "b", Vec: b})
}

// TestTopOfManyBlocks wants the last rows first where few rows of each block
// pass.
func TestTopOfManyBlocks(t *testing.T) {
	n := 4 * segment.BlockRows
	a, b := column.New(schema.Int32, n), column.New(schema.Text, n)
	for i := range n {
		a.Append(column.IntValue(schema.Int32, int64(i/1000)))
		b.AppendString([]string{"rare", "often", "often", "often"}[min(i%500, 3)])
	}
	seg := testseg.New("s", n, testseg.Col{ID: 1, Name: "a", Vec: a, Dict: true, Sorted: true, Zones: true, Ranges: true},
		testseg.Col{ID: 2, Name: "b", Vec: b, Dict: true, Sorted: true, Inverted: true})
	for _, desc := range []bool{false, true} {
		leaf := &plan.Leaf{Cols: twoCols, Output: []plan.Expr{refA}, OrderBy: []plan.SortKey{{Expr: refA, Desc: desc}}, Limit: 3,
			Filter: call(compareFunc("=", schema.Text), refB, konst(column.TextValue("rare")))}
		batches, _, err := runLeaf(t, New(Config{}), leaf, []segment.Segment{seg}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"0", "0", "1"}
		if desc {
			want = []string{"262", "261", "261"}
		}
		compareTexts(t, "top", texts(batchRowsOf(batches)), want)
	}
}

func TestMemoryLimit(t *testing.T) {
	f := func(limit int64, want string) {
		t.Helper()
		leaf := &plan.Leaf{Cols: twoCols, Aggregate: true, Limit: -1, GroupBy: []plan.Expr{refA}, Aggs: []plan.AggCall{aggOf(t, "min", refB)}}
		_, _, err := runLeaf(t, New(Config{}), leaf, []segment.Segment{bigSegment(50_000)}, Options{MemoryLimit: limit})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || sqlerr.Code(err) != sqlerr.OutOfMemory) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	f(0, "")
	f(1<<30, "")
	f(1<<20, "limit of 1 MB")
	f(1000, "limit of 1000 bytes")
}

func TestCancellation(t *testing.T) {
	f := func(ctx context.Context, want string) {
		t.Helper()
		leaf := &plan.Leaf{Cols: twoCols, Aggregate: true, Limit: -1, GroupBy: []plan.Expr{refA}}
		_, err := New(Config{}).RunLeaf(&fn.Context{Context: ctx}, leaf, []segment.Segment{bigSegment(10)}, Options{}, func(*column.Batch) error { return nil })
		if sqlerr.Code(err) != sqlerr.QueryCanceled || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f(ctx, "user request")
	if err := canceled(&fn.Context{}); err != nil {
		t.Errorf("without a context: %v", err)
	}
	ctx, cancel = context.WithDeadline(context.Background(), time.Unix(1, 0))
	defer cancel()
	f(ctx, "statement timeout")
}

func TestErrorsOfRows(t *testing.T) {
	isZero := call(compareFunc("=", schema.Int32), call(modFunc, intConst(12), refA), intConst(0))
	notZero := call(compareFunc("<>", schema.Int32), refA, intConst(0))
	f := func(dict bool, leaf *plan.Leaf, want error) {
		t.Helper()
		leaf.Cols, leaf.Limit = twoCols, -1
		_, _, err := runLeaf(t, New(Config{}), leaf, []segment.Segment{twoColSegment(dict)}, Options{})
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	for _, dict := range []bool{true, false} {
		f(dict, &plan.Leaf{Filter: isZero, Output: []plan.Expr{refA}}, errDivision)
		f(dict, &plan.Leaf{Filter: &plan.And{Args: []plan.Expr{notZero, isZero}}, Output: []plan.Expr{refA}}, nil)
		f(dict, &plan.Leaf{Filter: notZero, Output: []plan.Expr{isZero}}, nil)
		f(dict, &plan.Leaf{Output: []plan.Expr{isZero}}, errDivision)
		guarded := &plan.Case{Typ: schema.Bool, Whens: []plan.When{{Cond: notZero, Then: isZero}}}
		f(dict, &plan.Leaf{Output: []plan.Expr{guarded}}, nil)
		sum := aggOf(t, "sum", call(modFunc, intConst(12), refA))
		f(dict, &plan.Leaf{Aggregate: true, Aggs: []plan.AggCall{sum}}, errDivision)
		sum.Filter = notZero
		f(dict, &plan.Leaf{Aggregate: true, Aggs: []plan.AggCall{sum}}, nil)
	}
}

func TestRefusals(t *testing.T) {
	f := func(leaf *plan.Leaf, opt Options, code, want string) {
		t.Helper()
		leaf.Cols, leaf.Limit = twoCols, -1
		_, _, err := runLeaf(t, New(Config{}), leaf, []segment.Segment{twoColSegment(true)}, opt)
		if sqlerr.Code(err) != code || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v (%s), want %s %s", err, sqlerr.Code(err), code, want)
		}
	}
	sum := aggOf(t, "sum", konst(column.FloatValue(schema.Float64, 1)))
	f(&plan.Leaf{Aggregate: true, Aggs: []plan.AggCall{sum}}, Options{Settings: map[string]string{"float_sum": "exact"}},
		sqlerr.FeatureNotSupported, "float_sum")
	ordered := aggOf(t, "count")
	ordered.OrderBy = []plan.SortKey{{Expr: refA}}
	f(&plan.Leaf{Aggregate: true, Aggs: []plan.AggCall{ordered}}, Options{}, sqlerr.FeatureNotSupported, "ORDER BY")
	f(&plan.Leaf{Output: []plan.Expr{&plan.Param{N: 1, Typ: schema.Int32}}}, Options{}, sqlerr.UndefinedParameter, "$1")
	panics := testFunc("panics", schema.Int32, []schema.Type{schema.Int32}, nil)
	f(&plan.Leaf{Output: []plan.Expr{call(panics, refA)}}, Options{}, sqlerr.InternalError, "internal error")
}

func TestEmitErrorEndsLeaf(t *testing.T) {
	want := errors.New("client has gone")
	leaf := &plan.Leaf{Cols: twoCols, Limit: -1, Output: []plan.Expr{refA}}
	_, err := eager().RunLeaf(testContext(), leaf, []segment.Segment{bigSegment(100_000)}, Options{}, func(*column.Batch) error { return want })
	if !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}

func TestStats(t *testing.T) {
	like := call(likeFunc, refB, konst(column.TextValue("x")))
	leaf := &plan.Leaf{Cols: twoCols, Limit: -1, Output: []plan.Expr{refA}, Filter: &plan.And{Args: []plan.Expr{
		like, call(compareFunc(">", schema.Int32), refA, intConst(1))}}}
	old := testseg.New("old", 3)
	view := twoColSegment(false)
	view.SetConsuming()
	_, s, err := runLeaf(t, New(Config{}), leaf, []segment.Segment{twoColSegment(true), old, view}, Options{Trace: true})
	if err != nil {
		t.Fatal(err)
	}
	want := Stats{DocsScanned: 4, TotalDocs: 13, SegmentsQueried: 3, SegmentsMatched: 2, ConsumingQueried: 1, ConsumingProcessed: 1, ConsumingMatched: 1}
	got := Stats{DocsScanned: s.DocsScanned, TotalDocs: s.TotalDocs, SegmentsQueried: s.SegmentsQueried, SegmentsMatched: s.SegmentsMatched,
		ConsumingQueried: s.ConsumingQueried, ConsumingProcessed: s.ConsumingProcessed, ConsumingMatched: s.ConsumingMatched}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if s.SegmentsProcessed+s.SegmentsPruned != 3 || len(s.Segments) != 3 {
		t.Errorf("%d processed, %d pruned, %d traced", s.SegmentsProcessed, s.SegmentsPruned, len(s.Segments))
	}
	for _, seg := range s.Segments {
		if seg.Name == "s1" && len(seg.Filter) != 2 {
			t.Errorf("trace of the filter: %+v", seg.Filter)
		}
	}
	checkStatsTravel(t, s)
}

// checkStatsTravel encodes, decodes and merges statistics.
func checkStatsTravel(t *testing.T, s Stats) {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back, sum Stats
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(s, back) {
		t.Errorf("decoded %+v of %+v: %v", back, s, err)
	}
	sum.Merge(&s)
	s.MinConsumingFreshnessMillis = 5
	sum.Merge(&s)
	if sum.DocsScanned != 2*s.DocsScanned || len(sum.Segments) != 2*len(s.Segments) || sum.MinConsumingFreshnessMillis != 5 {
		t.Errorf("merged %+v", sum)
	}
}

func TestManyWordKeys(t *testing.T) {
	n := 200
	v := column.New(schema.Int64, n)
	for i := range n {
		if i%3 == 0 {
			v.AppendNull()
			continue
		}
		v.Append(column.IntValue(schema.Int64, int64(i%7)<<40))
	}
	leaf := &plan.Leaf{Aggregate: true, Limit: -1, Aggs: []plan.AggCall{aggOf(t, "count")}}
	var cols []testseg.Col
	for i := range 70 {
		leaf.Cols = append(leaf.Cols, plan.LeafCol{ID: uint32(i + 1), Name: "k", Type: schema.Int64})
		leaf.GroupBy = append(leaf.GroupBy, &plan.ColRef{Index: i, Typ: schema.Int64})
		cols = append(cols, testseg.Col{ID: uint32(i + 1), Name: "k", Vec: v})
	}
	got := merged(t, eager(), leaf, []segment.Segment{testseg.New("s", n, cols...), testseg.New("s", n, cols...)})
	if len(got) != 8 {
		t.Errorf("%d groups, want 8", len(got))
	}
}
