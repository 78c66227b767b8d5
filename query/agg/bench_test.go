package agg

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// benchRows is the number of rows of a block.
const benchRows = 8192

// benchVector is a block of about a thousand different values without NULLs.
func benchVector(t schema.Type) *column.Vector {
	r := rand.New(rand.NewPCG(21, 22))
	v := column.New(t, benchRows)
	for range benchRows {
		k := int64(r.IntN(1000))
		x := column.Value{Type: t, I: k, F: float64(k) / 4, D: column.DecimalFromInt64(k, 2), B: []byte(fmt.Sprintf("value %d", k))}
		if t == schema.Bool {
			x.I &= 1
		}
		v.Append(x)
	}
	return v
}

func benchGroups(n int) []uint32 {
	r := rand.New(rand.NewPCG(23, 24))
	out := make([]uint32, benchRows)
	for i := range out {
		out[i] = uint32(r.IntN(n))
	}
	return out
}

// benchSpecs is every aggregation once, over float64 or what it takes.
func benchSpecs(tb testing.TB) []*Spec {
	tb.Helper()
	var out []*Spec
	for _, d := range definitions {
		for _, typ := range []schema.Type{schema.Float64, schema.Bool, schema.Text} {
			s, _, err := Resolve(d.names[0], slices.Repeat([]schema.Type{typ}, max(1, d.rowArgs)), false, fn.Pinot)
			if err != nil {
				s, _, err = Resolve(d.names[0], []schema.Type{typ, typ}, false, fn.Pinot)
			}
			if err != nil {
				continue
			}
			if s.ID == idFirstWithTime || s.ID == idLastWithTime {
				s.Params = []column.Value{column.TextValue("DOUBLE")}
			} else {
				withParams(tb, s)
			}
			out = append(out, s)
			break
		}
	}
	distinct, _, err := Resolve("count", []schema.Type{schema.Int32}, true, fn.Postgres)
	if err != nil {
		tb.Fatal(err)
	}
	return append(out, distinct)
}

func benchName(s *Spec) string {
	if s.Distinct {
		return s.Name + "_distinct"
	}
	return s.Name
}

func benchArgs(s *Spec) []*column.Vector {
	var args []*column.Vector
	for _, t := range s.Args {
		args = append(args, benchVector(t))
	}
	return args
}

// growing are aggregations whose states grow with every row or take more room
// now and then.
var growing = []ID{
	idArrayAgg, idStringAgg, idPercentileCont, idPercentileDisc, idPercentile, idMode,
	idPercentileKLL, idPercentileEst, idApproxPercentile, idPercentileTDigest,
}

// TestSteadyUpdateDoesNotAllocate feeds a block again until the states hold all
// of it; then nothing may allocate.
func TestSteadyUpdateDoesNotAllocate(t *testing.T) {
	groups := benchGroups(64)
	for _, s := range benchSpecs(t) {
		if slices.Contains(growing, s.ID) {
			continue
		}
		args := benchArgs(s)
		for _, g := range [][]uint32{nil, groups} {
			acc := s.New()
			acc.Grow(64)
			f := func() {
				if err := acc.Update(g, benchRows, args); err != nil {
					t.Fatal(err)
				}
			}
			f()
			if n := testing.AllocsPerRun(5, f); n > 0 {
				t.Errorf("%s, grouped %v: allocates %v times", benchName(s), g != nil, n)
			}
		}
	}
}

// BenchmarkUpdate folds blocks into one group and into 1,024.
func BenchmarkUpdate(b *testing.B) {
	groups := benchGroups(1024)
	for _, s := range benchSpecs(b) {
		args := benchArgs(s)
		for _, way := range []struct {
			name   string
			groups []uint32
		}{{"one", nil}, {"grouped", groups}} {
			b.Run(benchName(s)+"/"+way.name, func(b *testing.B) {
				acc := s.New()
				acc.Grow(1024)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i%1000 == 999 { // states that keep rows stay small
						acc = s.New()
						acc.Grow(1024)
					}
					if err := acc.Update(way.groups, benchRows, args); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds()/1e6, "Mrows/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
