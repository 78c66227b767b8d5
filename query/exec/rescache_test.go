package exec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/exec/internal/testseg"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// cachingEngine keeps results however cheap they were.
func cachingEngine(limit int64) *Engine {
	e := New(Config{Workers: 3, ResultCacheBytes: limit, ResultCacheTime: -1})
	e.inlineWork = 0
	return e
}

var cacheTable = &schema.Table{ID: 1, Version: 1, Name: "t", Type: schema.Offline}

// sealedSegment returns rows as a segment that never changes.
func sealedSegment(g *gen, name string, rows [][]column.Value) *testseg.Segment {
	var cols []testseg.Col
	for c, t := range tableTypes {
		v := column.New(t, len(rows))
		for _, row := range rows {
			v.Append(row[c])
		}
		cols = append(cols, testseg.Col{ID: uint32(c + 1), Name: fmt.Sprintf("c%d", c), Vec: v, Dict: c != colList && g.chance(0.5), Sorted: g.chance(0.5)})
	}
	return testseg.New(name, len(rows), cols...)
}

// sealedSegments returns n of them, of size rows each.
func sealedSegments(g *gen, n, size int) []segment.Segment {
	var out []segment.Segment
	for i := range n {
		out = append(out, sealedSegment(g, fmt.Sprintf("s%d", i), g.table(size)))
	}
	return out
}

// growing returns views of one consuming segment that grows, as segments that
// may change.
func growing(g *gen, rows [][]column.Value) []segment.Segment {
	var out []segment.Segment
	for _, n := range []int{len(rows) / 3, len(rows) / 2, len(rows)} {
		s := sealedSegment(g, fmt.Sprintf("tail%d", n), rows[:n])
		s.SetConsuming()
		out = append(out, s)
	}
	return out
}

// TestResultCacheMetamorphic asks the same leaf over segments that come, go and
// grow, with the cache and without.
func TestResultCacheMetamorphic(t *testing.T) {
	for seed := range *seeds {
		g := newGen(uint64(seed) + 12_000)
		segs := sealedSegments(g, 3, 40+g.r.IntN(500))
		segs = append(segs, g.segments(g.table(200+g.r.IntN(2000)), 2)...)
		tail := growing(g, g.table(300))
		steps := [][]segment.Segment{segs[:2], segs[:2], segs[:2], segs[:3], {segs[2], segs[0], segs[1]}}
		for _, view := range tail {
			steps = append(steps, []segment.Segment{segs[0], view, segs[1], segs[2]})
		}
		steps = append(steps, append(segs[1:5:5], tail[2]), append(segs[1:5:5], tail[2]), segs[1:5], segs, tail[:1])
		cache, plain := cachingEngine(0), New(Config{Workers: -1, ResultCacheBytes: -1})
		for q := range 8 {
			leaf := &plan.Leaf{Table: cacheTable, Cols: leafCols(), Filter: g.filter(), Aggregate: true, Limit: -1}
			for range g.r.IntN(4) {
				leaf.GroupBy = append(leaf.GroupBy, g.key())
			}
			for range g.r.IntN(3) {
				leaf.Aggs = append(leaf.Aggs, g.aggregation())
			}
			for range g.r.IntN(3) {
				leaf.Aggs = append(leaf.Aggs, g.anyAggregation())
			}
			for i, step := range steps {
				what := fmt.Sprintf("seed %d query %d step %d (%s)", seed, q, i, leafText(leaf))
				want := merged(t, plain, leaf, step)
				compareNear(t, what, merged(t, cache, leaf, step), want)
			}
		}
		if st := cache.ResultCacheStats(); st.Answers == 0 || st.Parts == 0 || st.Misses == 0 {
			t.Errorf("seed %d: %+v", seed, st)
		}
	}
}

// countLeaf counts rows by text; filters make leaves differ.
func countLeaf(t *testing.T, least int64) *plan.Leaf {
	return &plan.Leaf{
		Table: cacheTable, Cols: leafCols(), Aggregate: true, Limit: -1,
		Filter:  call(compareFunc(">=", schema.Int32), ref(colInt), konst(column.IntValue(schema.Int32, least))),
		GroupBy: []plan.Expr{ref(colText)},
		Aggs:    []plan.AggCall{aggOf(t, "count"), aggOf(t, "sum", ref(colLong))},
	}
}

func askCache(t *testing.T, e *Engine, leaf *plan.Leaf, segs []segment.Segment, opt Options) ([]string, Stats) {
	t.Helper()
	batches, st, err := runLeaf(t, e, leaf, segs, opt)
	if err != nil {
		t.Fatal(err)
	}
	out := texts(batchRowsOf(batches))
	slices.Sort(out)
	for _, b := range batches { // they are the receiver's
		for _, v := range b.Cols {
			clear(v.Int64s)
			clear(v.Data)
			clear(v.Offsets)
		}
	}
	return out, st
}

func TestResultCacheKeepsOnSecondSight(t *testing.T) {
	g := newGen(1)
	segs := sealedSegments(g, 3, 1000)
	e, leaf := cachingEngine(0), countLeaf(t, 0)
	all := &plan.Wanted{Limit: -1}
	f := func(what string, segs []segment.Segment, opt Options, cached int64, entries int64) []string {
		t.Helper()
		opt.Trace = true
		rows, st := askCache(t, e, leaf, segs, opt)
		if st.SegmentsCached != cached || st.SegmentsQueried != int64(len(segs)) || len(st.Segments) != len(segs) {
			t.Errorf("%s: %d segments cached, want %d: %+v", what, st.SegmentsCached, cached, st)
		}
		n := int64(0)
		for i := range st.Segments {
			if st.Segments[i].Method == "cached" {
				n++
			}
		}
		if n != cached {
			t.Errorf("%s: %d segments traced as cached, want %d", what, n, cached)
		}
		if got := e.ResultCacheStats().Entries; got != entries {
			t.Errorf("%s: %d entries, want %d", what, got, entries)
		}
		return rows
	}
	first := f("first", segs[:2], Options{Wanted: all}, 0, 0)
	second := f("second", segs[:2], Options{Wanted: all}, 0, 1)
	third := f("third", segs[:2], Options{Wanted: all}, 2, 1)
	fourth := f("fourth", segs[:2], Options{Wanted: all}, 2, 1)
	for _, got := range [][]string{second, third, fourth} {
		compareTexts(t, "repeated", got, first)
	}
	f("another question", segs[:2], Options{Wanted: &plan.Wanted{Limit: 3}}, 0, 3)
	f("one more segment", segs, Options{Wanted: all}, 2, 4)
	f("the same", segs, Options{Wanted: all}, 3, 4)
	off := Options{Wanted: all, Settings: map[string]string{"result_cache": "off"}}
	f("off", segs, off, 0, 4)
	tail := growing(g, g.table(300))
	f("a consuming one", append(segs[:3:3], tail[0]), Options{Wanted: all}, 3, 4)
	f("that grew", append(segs[:3:3], tail[1]), Options{Wanted: all}, 3, 4)
}

// TestResultCacheSurvivesChange replaces segments one after another, as a
// background build of indexes does: what is kept of the others stays of use.
func TestResultCacheSurvivesChange(t *testing.T) {
	g := newGen(2)
	segs := sealedSegments(g, 6, 700)
	e, leaf := cachingEngine(0), countLeaf(t, 0)
	opt := Options{Wanted: &plan.Wanted{Limit: -1}}
	askCache(t, e, leaf, segs[:3], opt)
	askCache(t, e, leaf, segs[:3], opt)
	for _, step := range [][]segment.Segment{segs[1:4], segs[2:5]} {
		if _, st := askCache(t, e, leaf, step, opt); st.SegmentsCached != 0 {
			t.Errorf("%d segments known of a set that changed", st.SegmentsCached)
		}
	}
	if _, st := askCache(t, e, leaf, segs[3:6], opt); st.SegmentsCached != 2 {
		t.Errorf("%d segments known, want 2", st.SegmentsCached)
	}
}

func TestResultCacheIsBounded(t *testing.T) {
	g := newGen(3)
	segs := sealedSegments(g, 2, 250)
	e := cachingEngine(128 << 10)
	opt := Options{Wanted: &plan.Wanted{Limit: -1}}
	for i := range int64(200) {
		leaf := countLeaf(t, i-100)
		askCache(t, e, leaf, segs, opt)
		askCache(t, e, leaf, segs, opt)
		if st := e.ResultCacheStats(); st.Bytes > 128<<10 {
			t.Fatalf("%d bytes held", st.Bytes)
		}
	}
	st := e.ResultCacheStats()
	if st.Evictions == 0 || st.Entries == 0 {
		t.Errorf("%+v", st)
	}
	entries := int64(0)
	for _, l := range e.results.leaves {
		entries += int64(len(l.entries))
	}
	if entries != st.Entries {
		t.Errorf("%d entries in leaves, %d counted", entries, st.Entries)
	}

	large := countLeaf(t, -100)
	large.GroupBy = []plan.Expr{ref(colName), ref(colLong)}
	small := cachingEngine(64 << 10)
	for range 3 {
		askCache(t, small, large, segs, opt)
	}
	if st := small.ResultCacheStats(); st.Entries != 0 {
		t.Errorf("a large result was kept: %+v", st)
	}
}

// TestSegmentedLRU checks that entries in use outlive others, and the sums.
func TestSegmentedLRU(t *testing.T) {
	lru := segmentedLRU{limit: 1000}
	used := &cacheEntry{}
	used.size = 100
	lru.add(used)
	lru.touch(&used.lruNode)
	gone := 0
	r := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		e := &cacheEntry{}
		e.size = 50 + r.Int64N(100)
		for _, old := range lru.add(e) {
			if old == used || old == e {
				t.Fatal("evicted an entry in use, or the new one")
			}
			lru.remove(&old.lruNode)
			gone++
		}
		if lru.bytes > lru.limit || lru.fresh.bytes+lru.protected.bytes != lru.bytes {
			t.Fatalf("%d bytes, %d + %d in the lists", lru.bytes, lru.fresh.bytes, lru.protected.bytes)
		}
		if r.IntN(3) == 0 && lru.fresh.back != nil {
			lru.touch(&used.lruNode)
			lru.touch(lru.fresh.front)
			lru.touch(&used.lruNode)
		}
	}
	if gone+int(lru.entries) != 101 {
		t.Errorf("%d gone, %d left", gone, lru.entries)
	}
}

func TestResultCacheKeepsOnlyWhatHolds(t *testing.T) {
	f := func(where string, want bool) {
		t.Helper()
		leaf, wanted, err := leafOf("SELECT c_region, count(*) FROM lineorder_flat WHERE " + where + " GROUP BY 1 ORDER BY 2 LIMIT 3")
		if err != nil {
			t.Fatal(err)
		}
		if got := keepable(leaf, wanted); got != want {
			t.Errorf("%s: keepable %v", where, got)
		}
	}
	f("lo_quantity > 10", true)
	f("lo_orderyear > 1994 AND c_city LIKE 'UNITED%'", true)
	f("c_city::timestamptz < '2026-01-01'", false)
	f("c_city::date < '2026-01-01'", false)
	f("date(c_city) < '2026-01-01'", false)
	f("random() < 0.5", false)
	f("age(lo_orderdate::timestamp) > '1 day'", false)
	f("date_trunc('month', lo_orderdate::timestamptz) > '1994-01-01'", true)

	ctx, leaf := testContext(), countLeaf(t, 0)
	segs := sealedSegments(newGen(4), 1, 10)
	e := cachingEngine(0)
	key := func(change func(*Options)) string {
		opt := Options{Settings: map[string]string{}}
		change(&opt)
		var buf []byte
		return string(e.cachedRun(ctx, leaf, segs, opt, &buf).key)
	}
	base := key(func(*Options) {})
	if key(func(o *Options) { o.Settings["float_sum"] = "exact" }) == base {
		t.Error("float_sum is not in the key")
	}
	ctx.Zone = "Europe/Vienna"
	if key(func(*Options) {}) == base {
		t.Error("the zone is not in the key")
	}
	rows := &plan.Leaf{Table: cacheTable, Cols: leafCols(), Output: []plan.Expr{ref(colInt)}, Limit: -1}
	if keepable(rows, nil) {
		t.Error("rows without order are kept")
	}
}

// TestResultCacheRefuses checks that parts which do not help are given up, and
// tried again after a while.
func TestResultCacheRefuses(t *testing.T) {
	c := newResultCache(0, 0)
	f := func(what string, refused int) {
		t.Helper()
		if s, ok := c.seen(9); !ok || s.refused != refused {
			t.Errorf("%s: %+v %v", what, s, ok)
		}
	}
	run := sight{leaf: 9, took: time.Second}
	c.see(run)
	f("seen", 0)
	e := &cacheEntry{part: &statePart{}}
	if !c.put([]byte("key"), e) {
		t.Fatal("not kept")
	}
	c.refuse(9, e)
	f("refused", refusedRuns)
	if st := c.stats; c.lru.entries != 0 || len(c.leaves) != 0 {
		t.Errorf("the part is still there: %+v", st)
	}
	for range refusedRuns {
		c.see(run)
	}
	f("after a while", 0)
	c.see(sight{leaf: 9 + uint64(len(c.sights)), took: 1})
	if _, ok := c.seen(9); ok {
		t.Error("two leaves in one place")
	}
}

// TestResultCacheWindow moves the bounds of a filter over segments in order of
// time.
func TestResultCacheWindow(t *testing.T) {
	g := newGen(8)
	rows := g.table(3000)
	for i, row := range rows {
		row[colTime] = column.IntValue(schema.Timestamp, int64(i))
	}
	var segs []segment.Segment
	for i := range 6 {
		segs = append(segs, sealedSegment(g, fmt.Sprintf("s%d", i), rows[i*500:(i+1)*500]))
	}
	segs[5].(*testseg.Segment).SetConsuming()
	e, plain := cachingEngine(0), New(Config{Workers: -1, ResultCacheBytes: -1})
	cached := int64(0)
	for i := range int64(12) {
		leaf := countLeaf(t, 0)
		leaf.Filter = &plan.And{Args: []plan.Expr{
			leaf.Filter,
			call(compareFunc(">=", schema.Timestamp), ref(colTime), konst(column.IntValue(schema.Timestamp, 300+80*i))),
			call(compareFunc("<=", schema.Timestamp), ref(colTime), konst(column.IntValue(schema.Timestamp, 2600+i))),
		}}
		opt := Options{Wanted: &plan.Wanted{Limit: -1}, Trace: true}
		want, _ := askCache(t, plain, leaf, segs, opt)
		got, st := askCache(t, e, leaf, segs, opt)
		compareTexts(t, fmt.Sprintf("window %d", i), got, want)
		if st.SegmentsQueried != 6 || len(st.Segments) != 6 {
			t.Errorf("window %d: %+v", i, st)
		}
		cached += st.SegmentsCached
	}
	if cached < 25 {
		t.Errorf("%d segments of 12 windows were known", cached)
	}
}

func TestResultCacheTopN(t *testing.T) {
	g := newGen(5)
	segs := sealedSegments(g, 3, 700)
	leaf := &plan.Leaf{Table: cacheTable, Cols: leafCols(), Output: []plan.Expr{ref(colLong), ref(colName)}, Limit: 20,
		OrderBy: []plan.SortKey{{Expr: ref(colLong)}, {Expr: ref(colName)}}}
	e := cachingEngine(0)
	want, _ := askCache(t, e, leaf, segs, Options{})
	for i := range 3 {
		got, st := askCache(t, e, leaf, segs, Options{})
		compareTexts(t, "top-n", got, want)
		if cached := st.SegmentsCached > 0; cached != (i > 0) {
			t.Errorf("run %d: %+v", i, st)
		}
	}
	segs[0].(*testseg.Segment).SetConsuming()
	if _, st := askCache(t, e, leaf, segs, Options{}); st.SegmentsCached > 0 {
		t.Errorf("answered over a consuming segment: %+v", st)
	}
}

// TestResultCacheForgetsFailures checks that neither errors of the receiver nor
// of the query leave anything behind.
func TestResultCacheForgetsFailures(t *testing.T) {
	g := newGen(6)
	segs := sealedSegments(g, 2, 1000)
	e, leaf := cachingEngine(0), countLeaf(t, 0)
	want, _ := askCache(t, e, leaf, segs, Options{})
	stop := fmt.Errorf("stop")
	for range 2 {
		_, err := e.RunLeaf(testContext(), leaf, segs, Options{Wanted: &plan.Wanted{Limit: -1}}, func(*column.Batch) error { return stop })
		if err != stop {
			t.Fatalf("error %v", err)
		}
	}
	if _, _, err := runLeaf(t, e, leaf, segs[:1], Options{MemoryLimit: 1}); err == nil {
		t.Fatal("no error")
	}
	got, _ := askCache(t, e, leaf, segs, Options{})
	compareTexts(t, "after failures", got, want)
}

// TestResultCacheConcurrently runs leaves over changing segments from several
// goroutines, with room for few of them.
func TestResultCacheConcurrently(t *testing.T) {
	g := newGen(7)
	segs := sealedSegments(g, 4, 500)
	e, plain := cachingEngine(256<<10), New(Config{Workers: -1, ResultCacheBytes: -1})
	want := map[[2]int][]string{}
	for l := range 6 {
		for n := 1; n <= len(segs); n++ {
			want[[2]int{l, n}], _ = askCache(t, plain, countLeaf(t, int64(l)), segs[:n], Options{Wanted: &plan.Wanted{Limit: -1}})
		}
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for range 60 {
				l, n := r.IntN(6), 1+r.IntN(len(segs))
				var batches []*column.Batch
				_, err := e.RunLeaf(testContext(), countLeaf(t, int64(l)), segs[:n], Options{Wanted: &plan.Wanted{Limit: -1}}, func(b *column.Batch) error {
					batches = append(batches, b)
					return nil
				})
				got := texts(batchRowsOf(batches))
				slices.Sort(got)
				if err != nil || !slices.Equal(got, want[[2]int{l, n}]) {
					t.Errorf("leaf %d over %d segments: %v, %v", l, n, got, err)
				}
			}
		})
	}
	wg.Wait()
}
