package exec

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/internal/testseg"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// manySegment has n rows of different numbers and texts from number first on.
func manySegment(name string, first, n int, dict bool) *testseg.Segment {
	a, b := column.New(schema.Int64, n), column.New(schema.Text, n)
	for i := range n {
		x := (first + i) * 1_000_003 % (1 << 40)
		a.Append(column.IntValue(schema.Int64, int64(x)))
		b.AppendString(fmt.Sprintf("text number %012d", x))
	}
	return testseg.New(name, n, testseg.Col{ID: 1, Name: "a", Vec: a}, testseg.Col{ID: 2, Name: "b", Vec: b, Dict: dict, Sorted: dict})
}

var (
	manyCols = []plan.LeafCol{{ID: 1, Name: "a", Type: schema.Int64}, {ID: 2, Name: "b", Type: schema.Text}}
	manyA    = &plan.ColRef{Index: 0, Name: "a", Typ: schema.Int64}
	manyB    = &plan.ColRef{Index: 1, Name: "b", Typ: schema.Text}
)

func distinctOf(c plan.AggCall) plan.AggCall {
	spec := *c.Spec
	spec.Distinct = true
	c.Spec = &spec
	return c
}

// hungryLeaf is a leaf that holds much memory.
type hungryLeaf struct {
	name string
	leaf plan.Leaf
	want *plan.Wanted
}

func hungryLeaves(t testing.TB) []hungryLeaf {
	all := &plan.Wanted{Limit: -1}
	count := aggOf(t, "count")
	separator := konst(column.TextValue(","))
	agg := func(name string, want *plan.Wanted, groupBy []plan.Expr, aggs ...plan.AggCall) hungryLeaf {
		return hungryLeaf{name, plan.Leaf{Cols: manyCols, Aggregate: true, Limit: -1, GroupBy: groupBy, Aggs: aggs}, want}
	}
	by := func(e ...plan.Expr) []plan.Expr { return e }
	return []hungryLeaf{
		agg("distinct text", all, nil, distinctOf(aggOf(t, "count", manyB))),
		agg("distinct numbers", all, nil, distinctOf(aggOf(t, "count", manyA))),
		agg("distinct states", nil, nil, distinctOf(aggOf(t, "count", manyB))),
		agg("distinct per group", all, by(manyB), distinctOf(aggOf(t, "count", manyA))),
		agg("text groups", all, by(manyB), count),
		agg("text groups, states", nil, by(manyB), count, aggOf(t, "max", manyB)),
		agg("number groups", all, by(manyA), count, aggOf(t, "sum", manyA)),
		agg("wide groups", all, by(manyA, manyB), count),
		agg("array_agg", all, nil, aggOf(t, "array_agg", manyB)),
		agg("string_agg", all, nil, aggOf(t, "string_agg", manyB, separator)),
		agg("mode", all, nil, aggOf(t, "mode", manyB)),
		agg("hll per group", all, by(manyA), aggOf(t, "distinctcounthll", manyB)),
		{"top-n", plan.Leaf{Cols: manyCols, Output: by(manyB), OrderBy: []plan.SortKey{{Expr: manyB}}, Limit: 1 << 20}, nil},
	}
}

func heapNow() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

// TestMemoryIsCounted compares what leaves count with what is really live when
// they emit, and demands that with a fraction of that as their limit they fail,
// having allocated little more.
func TestMemoryIsCounted(t *testing.T) {
	const rows = 60_000
	for _, dict := range []bool{false, true} {
		segs := []segment.Segment{manySegment("s1", 0, rows, dict), manySegment("s2", rows/2, rows, dict)}
		for _, h := range hungryLeaves(t) {
			name := fmt.Sprintf("%s, dictionary %v", h.name, dict)
			e := func() *Engine { return New(Config{Workers: 1, DomainBytes: -1, ResultCacheBytes: -1}) }
			before, live := heapNow(), int64(0)
			stats, err := e().RunLeaf(testContext(), &h.leaf, segs, Options{Wanted: h.want}, func(*column.Batch) error {
				if live == 0 {
					live = heapNow() - before
				}
				return nil
			})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			const constant = 6 << 20 // buffers of two workers and of the test
			if live > stats.PeakBytes*3/2+constant {
				t.Errorf("%s: %d kB are live, %d kB were counted", name, live>>10, stats.PeakBytes>>10)
			}
			if stats.PeakBytes < 256<<10 {
				continue
			}
			limit := stats.PeakBytes / 4
			start := allocated()
			_, err = e().RunLeaf(testContext(), &h.leaf, segs, Options{Wanted: h.want, MemoryLimit: limit}, func(*column.Batch) error { return nil })
			if sqlerr.Code(err) != sqlerr.OutOfMemory || !strings.Contains(err.Error(), byteSize(limit)) {
				t.Errorf("%s with a limit of %d kB: %v", name, limit>>10, err)
			}
			if got := allocated() - start; got > 4*limit+constant {
				t.Errorf("%s with a limit of %d kB allocated %d kB", name, limit>>10, got>>10)
			}
		}
	}
}

// TestQueryOverLimitFailsAlone runs leaves that pass their limit beside small
// ones, which all succeed.
func TestQueryOverLimitFailsAlone(t *testing.T) {
	segs := []segment.Segment{manySegment("s1", 0, 40_000, true), manySegment("s2", 20_000, 40_000, false)}
	e := New(Config{Workers: 2, DomainBytes: 1 << 20})
	small := &plan.Leaf{Cols: manyCols, Aggregate: true, Limit: -1, Aggs: []plan.AggCall{aggOf(t, "count"), aggOf(t, "sum", manyA)},
		Filter: call(compareFunc("<", schema.Int64), manyA, konst(column.IntValue(schema.Int64, 1<<38)))}
	run := func(leaf *plan.Leaf, opt Options) error {
		_, err := e.RunLeaf(&fn.Context{Context: t.Context()}, leaf, segs, opt, func(*column.Batch) error { return nil })
		return err
	}
	errs := make(chan error, 64)
	var wg sync.WaitGroup
	for _, h := range hungryLeaves(t) {
		wg.Go(func() {
			for range 3 {
				if err := run(&h.leaf, Options{Wanted: h.want, MemoryLimit: 64 << 10}); sqlerr.Code(err) != sqlerr.OutOfMemory && err != nil {
					errs <- fmt.Errorf("%s: %w", h.name, err)
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for range 20 {
				if err := run(small, Options{MemoryLimit: 1 << 20}); err != nil {
					errs <- err
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	if err := errors.Join(all...); err != nil {
		t.Error(err)
	}
}
