package agg

import (
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

func f64(f float64) column.Value { return column.FloatValue(schema.Float64, f) }

func f64s(vals ...any) column.Value {
	return column.Value{Type: schema.Float64.AsList(), List: vec(schema.Float64, vals...)}
}

// The expected texts are PostgreSQL's.
func TestPercentiles(t *testing.T) {
	f := func(name string, v *column.Vector, want string, params ...column.Value) {
		t.Helper()
		s, castTo, err := Resolve(name, []schema.Type{v.Type}, false, fn.Postgres)
		if err != nil {
			t.Fatal(err)
		}
		if castTo[0] != v.Type {
			t.Fatalf("%s wants %s", name, castTo[0])
		}
		if err := s.SetParams(params); err != nil {
			t.Fatal(err)
		}
		if got := final(t, s, v); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	desc := column.BoolValue(true)
	four := vec(schema.Float64, 3, 1, nil, 4, 2)
	f("percentile_cont", four, "3.8499999999999996", f64(0.95))
	f("percentile_cont", four, "{1.75,NULL,2.5}", f64s(0.25, nil, 0.5))
	f("percentile_cont", four, "NULL", column.NullValue(schema.Float64))
	f("percentile_cont", vec(schema.Float64, 0.1, 0.2, 0.7), "0.12000000000000001", f64(0.1))
	f("percentile_cont", vec(schema.Float64, 1, 2, 4), "3", f64(0.25), desc)
	f("percentile_cont", vec(schema.Float64, nil), "NULL", f64(0.5))
	f("percentile_cont", vec(schema.Float64, 1, math.NaN()), "NaN", f64(1))
	f("percentile_cont", vec(schema.Float64, -1.5, math.Inf(-1), 7), "-1.5", f64(0.5))
	f("percentile_disc", vec(schema.Text, "a", "c", "b", "d"), "b", f64(0.5))
	f("percentile_disc", vec(schema.Text, "a", "c", "b", "d"), "{a,d}", f64s(0.0, 1.0))
	f("percentile_disc", vec(schema.Int32, 1, 2), "1", f64(0))
	f("percentile_disc", vec(schema.Int32, 1, -2, 9), "9", f64(0), desc)
	f("percentile_disc", vec(schema.Numeric, "10", "9.5", "-1"), "9.5", f64(0.5))
	f("mode", vec(schema.Int32, 3, 2, 2, 3, 1), "2")
	f("mode", vec(schema.Int32, 3, 2, 2, 3, 1), "3", desc)
	f("mode", vec(schema.Text, "b", nil, nil, "a", "b"), "b")
	f("mode", vec(schema.Bool, nil), "NULL")
}

func TestPinotPercentile(t *testing.T) {
	f := func(p int, want string) {
		t.Helper()
		s := withParams(t, resolve(t, "PERCENTILE", false, fn.Pinot, schema.Float64), column.IntValue(schema.Int32, int64(p)))
		if got := final(t, s, vec(schema.Float64, 10, 20, 30, 40)); got != want {
			t.Errorf("percentile %d is %s, want %s", p, got, want)
		}
	}
	f(0, "10")
	f(50, "30")
	f(99, "40")
	f(100, "40")
	if _, _, err := Resolve("percentile", []schema.Type{schema.Int32}, false, fn.Postgres); sqlerr.Code(err) != sqlerr.UndefinedFunction {
		t.Errorf("in PostgreSQL's dialect: %v", err)
	}
}

func TestPercentileParams(t *testing.T) {
	f := func(name, code string, params ...column.Value) {
		t.Helper()
		s, _, err := Resolve(name, []schema.Type{schema.Int32}, false, fn.Postgres)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetParams(params); sqlerr.Code(err) != code {
			t.Errorf("%s%v: %v", name, params, err)
		}
	}
	f("percentile_cont", sqlerr.NumericOutOfRange, f64(1.5))
	f("percentile_cont", sqlerr.NumericOutOfRange, f64(math.NaN()))
	f("percentile_disc", sqlerr.NumericOutOfRange, f64s(0.5, -1.0))
	f("percentile_disc", sqlerr.UndefinedFunction)
	f("percentile_disc", sqlerr.UndefinedFunction, f64(0), f64(1))
	f("percentile_disc", sqlerr.UndefinedFunction, column.TextValue("x"))
	f("mode", sqlerr.UndefinedFunction, f64(0))
	f("sum", sqlerr.UndefinedFunction, f64(0))
	if !OrderedSet("MODE") || OrderedSet("sum") || ConstArgs("Percentile", 2) != 1 || ConstArgs("mode", 1) != 0 || ConstArgs("sum", 2) != 0 {
		t.Error("OrderedSet or ConstArgs")
	}
}

func stateHex(t *testing.T, s *Spec, args ...*column.Vector) string {
	t.Helper()
	acc := s.New()
	acc.Grow(1)
	if err := acc.Update(nil, args[0].N, args); err != nil {
		t.Fatal(err)
	}
	dst := column.New(schema.Bytea, 1)
	if err := acc.State(0, 1, []*column.Vector{dst}); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(dst.Bytes(0))
}

func TestCountedStateBytes(t *testing.T) {
	f := func(v *column.Vector, want string) {
		t.Helper()
		if got := stateHex(t, resolve(t, "mode", false, fn.Postgres, v.Type), v); got != want {
			t.Errorf("%s: %s, want %s", v.Type, got, want)
		}
	}
	f(vec(schema.Int32, nil), "12000100")
	f(vec(schema.Int32, 3, 1, 3), "120001"+"02"+"8180808080808080800101"+"0202")
	f(vec(schema.Text, "b", "a", "b"), "120001"+"02"+"016101"+"016202")
	f(vec(schema.Float64, 0), "120001"+"01"+"80808080808080808001"+"01")
}

func TestCountedCorruptStates(t *testing.T) {
	f := func(typ schema.Type, b string) {
		t.Helper()
		acc := resolve(t, "mode", false, fn.Postgres, typ).New()
		acc.Grow(1)
		if err := acc.Merge(nil, 1, []*column.Vector{vec(schema.Bytea, b)}); !errors.Is(err, ErrCorruptState) {
			t.Errorf("%q: %v", b, err)
		}
	}
	h := "\x12\x00\x01"
	f(schema.Int32, h)
	f(schema.Int32, "\x11\x00\x01\x00")
	f(schema.Int32, h+"\x00\x00")
	f(schema.Int32, h+"\x01\x01\x01") // beyond int32
	f(schema.Int64, h+"\x01\x01\x00") // no rows of a value
	f(schema.Int64, h+"\x02\x01\x01\x00\x01")
	f(schema.Text, h+"\x02\x01a\x01\x01a\x01")
	f(schema.Text, h+"\x01\x05a\x01")
}

func FuzzMergeCounted(f *testing.F) {
	f.Add([]byte("\x12\x00\x01\x01\x81\x80\x80\x80\x80\x80\x80\x80\x80\x01\x01"), uint8(0))
	f.Add([]byte("\x12\x00\x01\x02\x01a\x01\x01b\x02"), uint8(1))
	types := []schema.Type{schema.Int32, schema.Text, schema.Numeric, schema.Interval, schema.Float64, schema.Float32, schema.Bool}
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		fuzzMerge(t, resolve(t, "mode", false, fn.Postgres, types[int(which)%len(types)]), b)
	})
}

// fuzzMerge merges a state that may be corrupt; an accepted one must come out
// the same again.
func fuzzMerge(t *testing.T, s *Spec, b []byte) {
	t.Helper()
	acc, again := s.New(), s.New()
	acc.Grow(1)
	again.Grow(1)
	in := column.New(schema.Bytea, 1)
	in.AppendBytes(b)
	if err := acc.Merge([]uint32{0}, 1, []*column.Vector{in}); err != nil {
		if !errors.Is(err, ErrCorruptState) {
			t.Fatal(err)
		}
		return
	}
	if err := acc.Final(0, 1, column.New(s.ResultType(), 1)); err != nil {
		t.Fatal(err)
	}
	out := column.New(schema.Bytea, 1)
	if err := acc.State(0, 1, []*column.Vector{out}); err != nil {
		t.Fatal(err)
	}
	if err := again.Merge(nil, 1, []*column.Vector{out}); err != nil {
		t.Fatalf("its own state %x of %x: %v", out.Bytes(0), b, err)
	}
}

// TestPercentileOfManyValues demands the same of values that are kept as they
// come, counted, and merged from parts, as of sorted ones.
func TestPercentileOfManyValues(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	fill := map[string]func() int64{
		"distinct": func() int64 { return int64(r.Uint64()) >> 12 },
		"few":      func() int64 { return r.Int64N(50) - 25 },
		"mixed":    func() int64 { return r.Int64N(1<<r.UintN(40) + 1) },
	}
	for name, value := range fill {
		vals := make([]int64, 50_000)
		for i := range vals {
			vals[i] = value()
		}
		sorted := slices.Sorted(slices.Values(vals))
		for _, p := range []float64{0, 0.25, 0.333, 0.95, 1} {
			for _, desc := range []bool{false, true} {
				at := p * float64(len(vals)-1)
				if desc {
					at = (1 - p) * float64(len(vals)-1)
				}
				lo, hi := float64(sorted[int(math.Floor(at))]), float64(sorted[int(math.Ceil(at))])
				want := lo + (at-math.Floor(at))*(hi-lo)
				if got := percentileInParts(t, vals, p, desc); math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
					t.Errorf("%s: percentile %v (descending %v) is %v, want %v", name, p, desc, got, want)
				}
			}
		}
	}
}

// percentileInParts folds values in three accumulators, one of which is merged
// by its states and one absorbed.
func percentileInParts(t *testing.T, vals []int64, p float64, desc bool) float64 {
	t.Helper()
	params := []column.Value{column.FloatValue(schema.Float64, p)}
	if desc {
		params = append(params, column.BoolValue(true))
	}
	s := withParams(t, resolve(t, "percentile_cont", false, fn.Postgres, schema.Int64), params...)
	accs := []Accumulator{s.New(), s.New(), s.New()}
	for i, acc := range accs {
		acc.Grow(1)
		part := vals[i*len(vals)/3 : (i+1)*len(vals)/3]
		for len(part) > 0 {
			n := min(len(part), 4096)
			v := &column.Vector{Type: schema.Int64, N: n, Int64s: part[:n]}
			if err := acc.Update(nil, n, []*column.Vector{v}); err != nil {
				t.Fatal(err)
			}
			part = part[n:]
		}
	}
	state := column.New(schema.Bytea, 1)
	if err := accs[1].State(0, 1, []*column.Vector{state}); err != nil {
		t.Fatal(err)
	}
	if err := accs[0].Merge(nil, 1, []*column.Vector{state}); err != nil {
		t.Fatal(err)
	}
	if err := accs[0].(Absorber).Absorb([]uint32{0}, accs[2]); err != nil {
		t.Fatal(err)
	}
	out := column.New(schema.Float64, 1)
	if err := accs[0].Final(0, 1, out); err != nil {
		t.Fatal(err)
	}
	return out.Float64s[0]
}
