package agg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

func TestHashKeyWord(t *testing.T) {
	f := func(w uint64) {
		t.Helper()
		key := binary.LittleEndian.AppendUint64([]byte{1}, w)
		if got, want := hashKeyWord(w), xxhash.Sum64(key); got != want {
			t.Errorf("%x: %x, want %x", w, got, want)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		f(r.Uint64())
	}
	f(0)
	f(math.MaxUint64)
}

// TestHasherKinds compares the hashes of every kind, with and without NULLs,
// with those of the key bytes.
func TestHasherKinds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range allSpecs(t) {
		if s.ID != idTheta {
			continue
		}
		v := randomVector(r, s.Args[0], 100)
		groups := make([]uint32, 100)
		for i := range groups {
			groups[i] = uint32(i)
		}
		var a, b hasher
		hashes, rows := a.hash(groups, 100, v)
		k := 0
		for i := range 100 {
			if v.IsNull(i) {
				continue
			}
			if hashes[k] != b.one(v, i) || rows[k] != uint32(i) {
				t.Fatalf("%s: row %d", s.Args[0], i)
			}
			k++
		}
		if k != len(hashes) {
			t.Fatalf("%s: %d hashes, want %d", s.Args[0], len(hashes), k)
		}
	}
}

// distinctOf returns a sketch's estimate for values 0..n-1, in parts that are
// merged by state.
func distinctOf(t *testing.T, s *Spec, n, parts int) int64 {
	t.Helper()
	acc := s.New()
	acc.Grow(1)
	for p := range parts {
		v := column.New(schema.Int64, 0)
		for i := p * n / parts / 2; i < (p+1)*n/parts; i++ { // parts overlap
			v.Append(column.IntValue(schema.Int64, int64(i)*7919))
		}
		part := s.New()
		part.Grow(1)
		if err := part.Update(nil, v.N, []*column.Vector{v}); err != nil {
			t.Fatal(err)
		}
		mergeInto(t, s, acc, part, 1)
	}
	out := column.New(schema.Int64, 1)
	if err := acc.Final(0, 1, out); err != nil {
		t.Fatal(err)
	}
	return out.Int64s[0]
}

// TestDistinctSketchError allows four standard errors, and demands that the
// split of the rows changes nothing.
func TestDistinctSketchError(t *testing.T) {
	f := func(name string, param, n int, sigma float64) {
		t.Helper()
		s := withParams(t, resolve(t, name, false, fn.Pinot, schema.Int64), column.IntValue(schema.Int32, int64(param)))
		got := distinctOf(t, s, n, 1)
		if off := math.Abs(float64(got)-float64(n)) / max(1, float64(n)); off > 4*sigma {
			t.Errorf("%s(%d) of %d values: %d", name, param, n, got)
		}
		if split := distinctOf(t, s, n, 4); split != got {
			t.Errorf("%s(%d) of %d values: %d, split %d", name, param, n, got, split)
		}
	}
	for _, n := range []int{0, 1, 2, 50, 700, 5000, 40_000, 300_000} {
		for _, lgK := range []int{4, 10, 12} {
			f("distinctcountcpcsketch", lgK, n, 0.7/math.Sqrt(math.Ldexp(1, lgK)))
		}
		for _, k := range []int{16, 1000, 4096} {
			f("distinctcountthetasketch", k, n, 1/math.Sqrt(float64(k)))
		}
	}
}

func TestThetaIsExactForFew(t *testing.T) {
	s := resolve(t, "distinctcountthetasketch", false, fn.Postgres, schema.Int64)
	for _, n := range []int{0, 1, 100, 4096} {
		if got := distinctOf(t, s, n, 3); got != int64(n) {
			t.Errorf("%d values: %d", n, got)
		}
	}
}

// TestCPCEstimate inverts the expected number of bits.
func TestCPCEstimate(t *testing.T) {
	for _, lgK := range []int{4, 11, 16} {
		for n := 1.0; n < 1e12; n *= 3 {
			want, _ := expectedCoupons(n, lgK)
			if got, _ := expectedCoupons(cpcEstimate(int(want), lgK), lgK); math.Abs(got-math.Trunc(want)) > 1e-3 && want >= 1 {
				t.Errorf("lgK %d, %v values: %v bits, want %v", lgK, n, got, math.Trunc(want))
			}
		}
		if full := cpcEstimate(cpcColumns(lgK)<<lgK, lgK); math.IsInf(full, 0) || full != full {
			t.Errorf("lgK %d, all bits: %v", lgK, full)
		}
	}
}

// distributions are shapes of values.
var distributions = map[string]func(r *rand.Rand, i int) float64{
	"uniform":   func(r *rand.Rand, _ int) float64 { return r.Float64() },
	"normal":    func(r *rand.Rand, _ int) float64 { return r.NormFloat64() },
	"lognormal": func(r *rand.Rand, _ int) float64 { return math.Exp(3 * r.NormFloat64()) },
	"ascending": func(_ *rand.Rand, i int) float64 { return float64(i) },
	"descend":   func(_ *rand.Rand, i int) float64 { return -float64(i) },
	"few":       func(r *rand.Rand, _ int) float64 { return float64(r.IntN(5)) },
	"repeating": func(_ *rand.Rand, i int) float64 { return float64(i % 1000) },
	"zipf":      func(r *rand.Rand, _ int) float64 { return math.Floor(1 / (1e-4 + r.Float64())) },
	"extremes":  func(r *rand.Rand, i int) float64 { return r.NormFloat64() * math.MaxFloat64 / 10 },
}

// rankError is how far a fraction is from the ranks that a value has among
// sorted ones.
func rankError(sorted []float64, x, p float64) float64 {
	below, _ := slices.BinarySearch(sorted, x)
	above, _ := slices.BinarySearchFunc(sorted, x, func(e, x float64) int {
		if e <= x {
			return -1
		}
		return 1
	})
	n := float64(len(sorted))
	return max(0, float64(below)/n-p, p-float64(above)/n)
}

// TestQuantileSketchError checks rank errors of whole input and of parts that
// are merged.
func TestQuantileSketchError(t *testing.T) {
	const n = 60_000
	check := func(name, shape string, limit, worst float64, vals, sorted []float64) {
		t.Helper()
		for _, parts := range []int{1, 7} {
			for _, p := range []float64{0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.95, 0.999, 1} {
				s := withParams(t, resolve(t, name, false, fn.Postgres, schema.Float64), f64(p*limit))
				x := floatResult(t, s, vals, parts)
				if off := rankError(sorted, x, p); off > worst || (p == 0 || p == 1) && off > 0 {
					t.Errorf("%s of %s at %v, %d parts: %v is off by %v", name, shape, p, parts, x, off)
				}
			}
		}
	}
	for shape, gen := range distributions {
		r := rand.New(rand.NewPCG(7, 8))
		vals := make([]float64, n)
		for i := range vals {
			vals[i] = gen(r, i)
		}
		sorted := slices.Sorted(slices.Values(vals))
		check("percentiletdigest", shape, 100, 0.01, vals, sorted)
		check("percentilekll", shape, 100, 0.025, vals, sorted)
	}
}

func floatResult(t *testing.T, s *Spec, vals []float64, parts int) float64 {
	t.Helper()
	acc := s.New()
	acc.Grow(1)
	for p := range parts {
		part := s.New()
		part.Grow(1)
		chunk := vals[p*len(vals)/parts : (p+1)*len(vals)/parts]
		v := &column.Vector{Type: schema.Float64, N: len(chunk), Float64s: chunk}
		if err := part.Update(nil, v.N, []*column.Vector{v}); err != nil {
			t.Fatal(err)
		}
		if p%2 == 0 {
			mergeInto(t, s, acc, part, 1)
		} else {
			absorbInto(t, s, acc, part, 1)
		}
	}
	out := column.New(schema.Float64, 1)
	if err := acc.Final(0, 1, out); err != nil {
		t.Fatal(err)
	}
	return out.Float64s[0]
}

func TestQuantileSketchResults(t *testing.T) {
	f := func(name string, v *column.Vector, want string, params ...column.Value) {
		t.Helper()
		s := withParams(t, resolve(t, name, false, fn.Pinot, v.Type), params...)
		if got := final(t, s, v); got != want {
			t.Errorf("%s%v = %s, want %s", name, params, got, want)
		}
	}
	four := vec(schema.Float64, 3, 1, nil, 4, 2)
	f("approx_percentile", four, "3.25", f64(0.75))
	f("approx_percentile", four, "1.75", f64(0.75), column.BoolValue(true))
	f("approx_percentile", four, "{1,NULL,4}", f64s(0.0, nil, 1.0), column.IntValue(schema.Int32, 50))
	f("approx_percentile", four, "NULL", column.NullValue(schema.Float64))
	f("percentiletdigest", four, "2.5", f64(50))
	f("percentilekll", four, "2", f64(50))
	f("percentileest", vec(schema.Float64, 2.75, 7), "2", f64(50))
	f("percentileest", vec(schema.Float64, math.Inf(1)), fmt.Sprint(int64(math.MaxInt64)), f64(50))
	wild := vec(schema.Float64, math.Inf(-1), 1.0, math.Inf(1), math.NaN())
	for i, want := range []string{"-Inf", "1", "+Inf", "NaN"} {
		f("approx_percentile", wild, want, f64(float64(i)/3))
		f("percentilekll", wild, want, f64(float64(i)*25+20))
	}
	for _, name := range []string{"percentilekll", "percentiletdigest", "approx_percentile", "percentileest"} {
		f(name, vec(schema.Float64, nil), "NULL", f64(1))
	}
}

func TestSketchParams(t *testing.T) {
	f := func(name, code string, params ...column.Value) {
		t.Helper()
		s, _, err := Resolve(name, []schema.Type{schema.Float64}, false, fn.Pinot)
		if err == nil {
			err = s.SetParams(params)
		}
		if got := sqlerr.Code(err); err == nil || got != code {
			t.Errorf("%s%v: %v", name, params, err)
		}
	}
	number := func(i int64) column.Value { return column.IntValue(schema.Int32, i) }
	f("approx_percentile", sqlerr.NumericOutOfRange, f64(1.5))
	f("approx_percentile", sqlerr.InvalidParameter, f64(1), number(1))
	f("approx_percentile", sqlerr.UndefinedFunction)
	f("percentiletdigest", sqlerr.NumericOutOfRange, number(101))
	f("percentiletdigest", sqlerr.UndefinedFunction, f64s(1, 2))
	f("percentilekll", sqlerr.InvalidParameter, number(50), number(7))
	f("percentilekll", sqlerr.UndefinedFunction, number(50), number(100), number(3))
	f("distinctcountcpcsketch", sqlerr.InvalidParameter, number(17))
	f("distinctcountthetasketch", sqlerr.InvalidParameter, number(1))
	f("distinctcountthetasketch", sqlerr.FeatureNotSupported, column.TextValue("samplingProbability=0.5"))
	f("distinctcountthetasketch", sqlerr.FeatureNotSupported, column.TextValue("nominalEntries=64"), column.TextValue("a = 1"))
	f("percentilerawtdigest", sqlerr.FeatureNotSupported)
	f("DistinctCountRawHLL", sqlerr.FeatureNotSupported)
	s := withParams(t, resolve(t, "distinctcountthetasketch", false, fn.Pinot, schema.Text), column.TextValue("nominalEntries = 64"))
	if s.Params[0].I != 64 || s.Validate() != nil {
		t.Errorf("nominalEntries: %v, %v", s.Params, s.Validate())
	}
}

// TestSketchStateBytes holds the format of the states, including the hash.
func TestSketchStateBytes(t *testing.T) {
	f := func(name string, v *column.Vector, want string, params ...column.Value) {
		t.Helper()
		s := withParams(t, resolve(t, name, false, fn.Pinot, v.Type), params...)
		if got := stateHex(t, s, v); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	none, three := vec(schema.Float64, nil), vec(schema.Float64, 1, 2, math.Inf(1))
	f("approx_percentile", none, "25000164"+"000000"+"00")
	f("approx_percentile", three, "25000164"+"000100"+"02"+"000000000000f03f"+"0000000000000040"+
		"000000000000f03f01"+"000000000000004001")
	f("percentiletdigest", none, "260001c801"+"000000"+"00")
	f("percentilekll", none, "270001c801"+"00")
	f("percentilekll", vec(schema.Float64, 2, 1), "270001c801"+"02"+"000000000000f0bf"+"00000000000000c0"+"01"+"02"+
		"000000000000f0bf"+"00000000000000c0")
	f("percentileest", none, "280001c801"+"00")
	f("distinctcountthetasketch", none, "2900018020"+"ffffffffffffffff"+"00")
	f("distinctcountthetasketch", vec(schema.Int32, 1, 2, 1), "2900018020ffffffffffffffff0283a39cd390bf9d907babacf8f8a3cdbbd649")
	f("distinctcountcpcsketch", none, "2a00010c"+"00"+"00")
	f("distinctcountcpcsketch", vec(schema.Int32, 1, 2, 1), "2a00010c000286d907fbcc04")
	many := vec(schema.Int32, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	f("distinctcountcpcsketch", many, "2a00010401000000020101020009010000040200000100", column.IntValue(schema.Int32, 4))
}

var sketchNames = []string{
	"approx_percentile", "percentiletdigest", "percentilekll", "percentileest", "distinctcountthetasketch", "distinctcountcpcsketch",
}

// sketchStates are states of several sizes.
func sketchStates(t testing.TB, s *Spec) [][]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(9, 9))
	var out [][]byte
	for _, n := range []int{0, 1, 30, 5000} {
		v := column.New(s.Args[0], n)
		for range n {
			x := r.Float64()
			v.Append(column.Value{Type: s.Args[0], F: x, I: int64(x * 1e9)})
		}
		acc := s.New()
		acc.Grow(1)
		dst := column.New(schema.Bytea, 1)
		if err := errors.Join(acc.Update(nil, n, []*column.Vector{v}), acc.State(0, 1, []*column.Vector{dst})); err != nil {
			t.Fatal(err)
		}
		out = append(out, slices.Clone(dst.Bytes(0)))
	}
	return out
}

// TestSketchCorruptStates cuts states short and adds bytes to them.
func TestSketchCorruptStates(t *testing.T) {
	for _, name := range sketchNames {
		s := resolve(t, name, false, fn.Pinot, schema.Float64)
		for _, b := range sketchStates(t, s) {
			for cut := 0; cut < len(b); cut += 1 + len(b)/100 {
				if err := mergeBytes(s, b[:cut]); !errors.Is(err, ErrCorruptState) {
					t.Fatalf("%s cut to %d of %d bytes: %v", name, cut, len(b), err)
				}
			}
			if err := mergeBytes(s, append(b, 0)); !errors.Is(err, ErrCorruptState) {
				t.Fatalf("%s with a byte more: %v", name, err)
			}
		}
	}
}

func mergeBytes(s *Spec, b []byte) error {
	acc := s.New()
	acc.Grow(1)
	state := column.New(schema.Bytea, 1)
	state.AppendBytes(b)
	return acc.Merge(nil, 1, []*column.Vector{state})
}

func FuzzMergeSketch(f *testing.F) {
	for i, name := range sketchNames {
		for _, b := range sketchStates(f, resolve(f, name, false, fn.Pinot, schema.Float64)) {
			if len(b) < 2000 {
				f.Add(b, uint8(i))
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		fuzzMerge(t, resolve(t, sketchNames[int(which)%len(sketchNames)], false, fn.Pinot, schema.Float64), b)
	})
}
