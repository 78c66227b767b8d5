package exec

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/vfs"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/build"
	"github.com/alluviumdb/alluvium/segment/immutable"
)

// The benchmark's table has about two million names of 12 to 20 bytes in four
// segments, of which neighbours share a third.
const (
	namesPerSegment = 750_000
	namesApart      = 500_000
)

func nameOf(i int) []byte {
	h := uint64(i+1) * 0x9e3779b97f4a7c15
	return fmt.Appendf(nil, "%012x", h>>16)[:12:12]
}

var nameSegs = sync.OnceValues(func() ([]segment.Segment, error) {
	s := &schema.Schema{Name: "names", Version: 1, Fields: []schema.Field{
		{ID: 1, Name: "name", Type: schema.Text}, {ID: 2, Name: "amount", Type: schema.Int32}}}
	cfg := &schema.TableConfig{}
	cfg.Indexing.Inverted = []string{"name"}
	table := &schema.Table{ID: 1, Name: "names", Type: schema.Offline, Schema: s, Config: cfg}
	fsys := vfs.NewMem()
	var out []segment.Segment
	for seg := range 4 {
		path := fmt.Sprintf("names%d", seg)
		b, err := build.NewBuilder(build.Config{Table: table, Meta: &segment.Metadata{Name: path, Table: "names", TableID: 1}})
		if err != nil {
			return nil, err
		}
		batch := &column.Batch{N: namesPerSegment, Cols: []*column.Vector{column.New(schema.Text, 0), column.New(schema.Int32, 0)}}
		r := rand.New(rand.NewPCG(uint64(seg), 1))
		for _, i := range r.Perm(namesPerSegment) {
			i += seg * namesApart
			batch.Cols[0].AppendBytes(append(nameOf(i), "suffixes"[:i%9]...))
			batch.Cols[1].Append(column.IntValue(schema.Int32, int64(r.IntN(1000))))
		}
		if err := b.Add(batch); err != nil {
			return nil, err
		}
		if _, err := b.Write(testContext().Context, fsys, path); err != nil {
			return nil, err
		}
		opened, err := immutable.Open(fsys, path, immutable.Options{})
		if err != nil {
			return nil, err
		}
		out = append(out, opened)
	}
	return out, nil
})

// BenchmarkManyNames asks for the number of names and for the greatest groups by
// name: at first, without a numbering that is kept, and with one.
func BenchmarkManyNames(b *testing.B) {
	segs, err := nameSegs()
	if err != nil {
		b.Fatal(err)
	}
	name, amount := &plan.ColRef{Index: 0, Name: "name", Typ: schema.Text}, &plan.ColRef{Index: 1, Name: "amount", Typ: schema.Int32}
	cols := []plan.LeafCol{{ID: 1, Name: "name", Type: schema.Text}, {ID: 2, Name: "amount", Type: schema.Int32}}
	distinct := aggOf(b, "count", name)
	spec := *distinct.Spec
	spec.Distinct = true
	distinct.Spec = &spec
	count := &plan.Leaf{Cols: cols, Aggregate: true, Limit: -1, Aggs: []plan.AggCall{distinct}}
	sum := aggOf(b, "sum", amount)
	top := &plan.Leaf{Cols: cols, Aggregate: true, Limit: -1, GroupBy: []plan.Expr{name}, Aggs: []plan.AggCall{sum}}
	best := &plan.Wanted{Limit: 10, OrderBy: []plan.SortKey{{Expr: &plan.ColRef{Index: 1, Typ: sum.Spec.ResultType()}, Desc: true}}}
	f := func(what string, leaf *plan.Leaf, want *plan.Wanted, domainBytes int64, again bool) {
		b.Run(what, func(b *testing.B) {
			var peak int64
			e := New(Config{Workers: 1, DomainBytes: domainBytes, ResultCacheBytes: -1})
			run := func() {
				st, err := e.RunLeaf(testContext(), leaf, segs, Options{Wanted: want}, func(*column.Batch) error { return nil })
				if err != nil {
					b.Fatal(err)
				}
				peak = max(peak, st.PeakBytes)
			}
			if again {
				run()
			}
			cpu := cpuTime()
			for b.Loop() {
				if !again {
					e = New(Config{Workers: 1, DomainBytes: domainBytes, ResultCacheBytes: -1})
				}
				run()
			}
			b.ReportMetric(float64((cpuTime()-cpu).Milliseconds())/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(peak>>20), "peak-MB")
		})
	}
	all := &plan.Wanted{Limit: -1}
	for _, c := range []struct {
		name  string
		bytes int64
	}{{"none", -1}, {"small", 64 << 20}, {"large", 1 << 30}} {
		f("distinct/first/"+c.name, count, all, c.bytes, false)
		f("distinct/again/"+c.name, count, all, c.bytes, true)
		f("top/first/"+c.name, top, best, c.bytes, false)
		f("top/again/"+c.name, top, best, c.bytes, true)
	}
}
