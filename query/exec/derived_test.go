package exec

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/query/reduce"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

var timeTypes = []schema.Type{schema.Timestamp, schema.TimestampTZ, schema.Int64}

// timeSegment builds rows of two years, with hidden columns of the granularities.
func timeSegment(tb testing.TB, n int, seed uint64, granularities ...schema.Granularity) segment.Segment {
	tb.Helper()
	s := &schema.Schema{Name: "t", Version: 1}
	cols := make([]*column.Vector, len(timeTypes))
	for c, t := range timeTypes {
		s.Fields = append(s.Fields, schema.Field{ID: uint32(c + 1), Name: fmt.Sprintf("c%d", c), Type: t})
		cols[c] = column.New(t, n)
	}
	r := rand.New(rand.NewPCG(seed, 1))
	begin := time.Date(1969, 6, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	for i := range n {
		us := begin + r.Int64N(2*366*86_400_000_000)
		switch {
		case i%50 == 7:
			cols[0].AppendNull()
		case i%50 == 9:
			cols[0].Append(column.IntValue(schema.Timestamp, math.MaxInt64))
		default:
			cols[0].Append(column.IntValue(schema.Timestamp, us))
		}
		cols[1].Append(column.IntValue(schema.TimestampTZ, us))
		cols[2].Append(column.IntValue(schema.Int64, int64(i)))
	}
	ix := schema.IndexingConfig{NoDictionary: []string{"c0", "c1"}}
	if len(granularities) > 0 {
		ix.Timestamps = map[string][]schema.Granularity{"c0": granularities, "c1": granularities}
	}
	fsys := vfs.NewMem()
	table := &schema.Table{Name: "t", Schema: s, Config: &schema.TableConfig{Indexing: ix}}
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

func timeRef(c int) *plan.ColRef {
	return &plan.ColRef{Index: c, Name: fmt.Sprintf("c%d", c), Typ: timeTypes[c]}
}

// trunc is date_trunc(unit, column, zone...).
func trunc(tb testing.TB, d fn.Dialect, name, unit string, c int, zone ...string) plan.Expr {
	tb.Helper()
	args := []plan.Expr{konst(column.TextValue(unit)), timeRef(c)}
	for _, z := range zone {
		args = append(args, konst(column.TextValue(z)))
	}
	var types []schema.Type
	for _, a := range args {
		types = append(types, a.Type())
	}
	f, _, err := fn.Resolve(name, types, d)
	if err != nil {
		tb.Fatal(err)
	}
	return call(f, args...)
}

// runTimes returns the rows, or groups, of a leaf in one zone as sorted text.
func runTimes(t *testing.T, leaf *plan.Leaf, zone string, segs ...segment.Segment) ([]string, Stats) {
	t.Helper()
	ctx := testContext()
	ctx.Zone = zone
	var out []*column.Batch
	stats, err := eager().RunLeaf(ctx, leaf, segs, Options{Trace: true}, func(b *column.Batch) error {
		out = append(out, b)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if leaf.Aggregate {
		m := reduce.NewMerger(len(leaf.GroupBy), groupTypes(leaf), leaf.Aggs)
		for _, b := range out {
			if err := m.Add(b); err != nil {
				t.Fatal(err)
			}
		}
		b, err := m.Finish()
		if err != nil {
			t.Fatal(err)
		}
		out = []*column.Batch{b}
	}
	return sorted(texts(batchRowsOf(out))), stats
}

func timeLeaf(tb testing.TB, filter plan.Expr, groupBy ...plan.Expr) *plan.Leaf {
	leaf := &plan.Leaf{Filter: filter, GroupBy: groupBy, Aggregate: len(groupBy) > 0, Limit: -1}
	for c, t := range timeTypes {
		leaf.Cols = append(leaf.Cols, plan.LeafCol{ID: uint32(c + 1), Name: fmt.Sprintf("c%d", c), Type: t})
	}
	if leaf.Aggregate {
		spec, _, err := agg.Resolve("count", nil, false, fn.Postgres)
		if err != nil {
			tb.Fatal(err)
		}
		leaf.Aggs = []plan.AggCall{{Spec: spec}}
	} else {
		leaf.Output = []plan.Expr{timeRef(2)}
	}
	return leaf
}

// TestTimestampIndexAnswers runs leaves over segments with and without hidden
// columns, in several zones, and looks for the column that was used.
func TestTimestampIndexAnswers(t *testing.T) {
	day, week, month := schema.GranularityDay, schema.GranularityWeek, schema.GranularityMonth
	all := timeSegment(t, 6000, 1, day, week, month)
	days := timeSegment(t, 6000, 1, day)
	none := timeSegment(t, 6000, 1)
	other := timeSegment(t, 3000, 2, week)
	f := func(what string, leaf *plan.Leaf, zone, used string) {
		t.Helper()
		want, _ := runTimes(t, leaf, zone, none, other)
		for _, seg := range []segment.Segment{all, days} {
			got, stats := runTimes(t, leaf, zone, seg, other)
			compareTexts(t, what, got, want)
			var filter []string
			for _, s := range stats.Segments[0].Filter {
				filter = append(filter, s.Predicate)
			}
			if text := strings.Join(filter, " "); leaf.Filter != nil && seg == all && (used != "") != strings.Contains(text, "$") ||
				seg == all && !strings.Contains(text, used) {
				t.Errorf("%s: filter %q does not use %q", what, text, used)
			}
		}
	}
	at := func(c int, month time.Month) *plan.Const {
		return konst(column.IntValue(timeTypes[c], time.Date(1970, month, 1, 0, 0, 0, 0, time.UTC).UnixMicro()))
	}
	after := func(e plan.Expr, c int) plan.Expr {
		g, _, err := fn.Resolve(">=", []schema.Type{timeTypes[c], timeTypes[c]}, fn.Postgres)
		if err != nil {
			t.Fatal(err)
		}
		return call(g, e, at(c, time.March))
	}
	for _, unit := range []string{"hour", "day", "week", "month", "quarter", "year", "DAY"} {
		for c := range 2 {
			for _, zone := range []string{"", "UTC", "Asia/Kathmandu", "America/New_York"} {
				e := trunc(t, fn.Postgres, "date_trunc", unit, c)
				used := "$"
				if unit == "hour" || c == 1 && len(zone) > 3 {
					used = ""
				}
				f(fmt.Sprintf("group by %s c%d %s", unit, c, zone), timeLeaf(t, nil, e), zone, "")
				f(fmt.Sprintf("filter %s c%d %s", unit, c, zone), timeLeaf(t, after(e, c)), zone, used)
			}
		}
	}
	f("zone named", timeLeaf(t, after(trunc(t, fn.Postgres, "date_trunc", "month", 1, "UTC"), 1)), "Asia/Tokyo", "$c1$MONTH")
	f("other zone named", timeLeaf(t, after(trunc(t, fn.Postgres, "date_trunc", "month", 1, "Asia/Tokyo"), 1)), "", "")
	f("quarters from months", timeLeaf(t, after(trunc(t, fn.Postgres, "date_trunc", "quarter", 0), 0)), "", "$c0$MONTH")
	f("Pinot", timeLeaf(t, nil, trunc(t, fn.Pinot, "datetrunc", "WEEK", 0), trunc(t, fn.Pinot, "datetrunc", "DAY", 0)), "", "")
	f("several", timeLeaf(t, &plan.Or{Args: []plan.Expr{after(trunc(t, fn.Postgres, "date_trunc", "year", 0), 0),
		&plan.IsNull{Arg: trunc(t, fn.Postgres, "date_trunc", "day", 0)}}}), "", "$c0$")
}

// BenchmarkTimestampIndex groups a million raw times by day.
func BenchmarkTimestampIndex(b *testing.B) {
	for _, g := range [][]schema.Granularity{nil, {schema.GranularityDay}} {
		b.Run(fmt.Sprint(g), func(b *testing.B) {
			seg := timeSegment(b, 1_000_000, 1, g...)
			leaf := timeLeaf(b, nil, trunc(b, fn.Postgres, "date_trunc", "day", 1))
			e, cpu := New(Config{Workers: -1}), cpuTime()
			for b.Loop() {
				if _, err := e.RunLeaf(testContext(), leaf, []segment.Segment{seg}, Options{}, func(*column.Batch) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/1e6/float64(b.N), "cpu-ms/op")
		})
	}
}
