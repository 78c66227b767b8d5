package agg

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

func resolve(t testing.TB, name string, distinct bool, d fn.Dialect, args ...schema.Type) *Spec {
	t.Helper()
	s, _, err := Resolve(name, args, distinct, d)
	if err != nil {
		t.Fatal(err)
	}
	return withParams(t, s)
}

// withParams gives a spec some parameters that its aggregation takes.
func withParams(t testing.TB, s *Spec, params ...column.Value) *Spec {
	t.Helper()
	if len(params) == 0 {
		params = testParams[s.ID]
	}
	if err := s.SetParams(params); err != nil {
		t.Fatal(err)
	}
	return s
}

var testParams = map[ID][]column.Value{
	idPercentileCont: {column.FloatValue(schema.Float64, 0.3)},
	idPercentileDisc: {column.FloatValue(schema.Float64, 0.7)},
	idHistogram: {
		column.FloatValue(schema.Float64, 0), column.FloatValue(schema.Float64, 2), column.IntValue(schema.Int32, 4),
	},
	idPercentile:        {column.IntValue(schema.Int32, 95)},
	idApproxPercentile:  {column.FloatValue(schema.Float64, 0.5)},
	idPercentileTDigest: {column.IntValue(schema.Int32, 95), column.IntValue(schema.Int32, 200)},
	idPercentileKLL:     {column.IntValue(schema.Int32, 95)},
	idPercentileEst:     {column.IntValue(schema.Int32, 95)},
}

// show prints a value exactly, numerics with their digits.
func show(v column.Value) string {
	switch {
	case v.Null:
		return "NULL"
	case v.Type.Kind() == schema.KindDecimal:
		return v.D.String()
	case v.Type.Kind() == schema.KindBytes:
		return string(v.B)
	case v.Type.Kind() == schema.KindFloat32, v.Type.Kind() == schema.KindFloat64:
		return fmt.Sprint(v.F)
	case v.Type.Kind() == schema.KindInterval:
		return fmt.Sprint(v.Iv)
	case v.Type.Kind() == schema.KindList:
		var parts []string
		for i := range v.List.N {
			parts = append(parts, show(v.List.Value(i)))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return fmt.Sprint(v.I)
}

// vec returns a vector of values; nil is NULL.
func vec(t schema.Type, vals ...any) *column.Vector {
	v := column.New(t, len(vals))
	for _, x := range vals {
		val := column.Value{Type: t}
		switch x := x.(type) {
		case nil:
			val.Null = true
		case int:
			val.I, val.F = int64(x), float64(x)
		case int64:
			val.I = x
		case float64:
			val.F = x
		case bool:
			val = column.BoolValue(x)
		case string:
			val.B = []byte(x)
			if t.Kind() == schema.KindDecimal {
				val.D, _ = column.ParseDecimal(x)
			}
		case column.Interval:
			val.Iv = x
		}
		v.Append(val)
	}
	return v
}

func final(t testing.TB, s *Spec, args ...*column.Vector) string {
	t.Helper()
	acc := s.New()
	acc.Grow(1)
	n := 3
	if len(args) > 0 {
		n = args[0].N
	}
	if err := acc.Update(nil, n, args); err != nil {
		return err.Error()
	}
	out := column.New(s.ResultType(), 1)
	if err := acc.Final(0, 1, out); err != nil {
		return err.Error()
	}
	return show(out.Value(0))
}

// The expected texts are PostgreSQL's, digit by digit.
func TestPostgresResults(t *testing.T) {
	f := func(name string, v *column.Vector, wantType, want string) {
		t.Helper()
		s := resolve(t, name, false, fn.Postgres, v.Type)
		if got := s.ResultType().String(); got != wantType {
			t.Errorf("%s(%s) is %s, want %s", name, v.Type, got, wantType)
		}
		if got := final(t, s, v); got != want {
			t.Errorf("%s(%s) = %s, want %s", name, v.Type, got, want)
		}
	}
	money := schema.Type{ID: schema.TypeNumeric, Precision: 10, Scale: 2}
	f("count", vec(schema.Int32, 1, nil, 3), "bigint", "2")
	f("sum", vec(schema.Int16, 1, nil, 3), "bigint", "4")
	f("sum", vec(schema.Int32, math.MaxInt32, math.MaxInt32), "bigint", "4294967294")
	f("sum", vec(schema.Int64, int64(math.MaxInt64), int64(math.MaxInt64)), "numeric", "18446744073709551614")
	f("sum", vec(schema.Int64, int64(math.MinInt64), int64(math.MinInt64), 1), "numeric", "-18446744073709551615")
	f("sum", vec(schema.Int32, nil), "bigint", "NULL")
	f("sum", vec(money, 150, 25), "numeric", "1.75")
	f("sum", vec(schema.Numeric, "1.5", "0.125", nil), "numeric", "1.625")
	f("sum", vec(schema.Numeric, "1.5", "NaN"), "numeric", "NaN")
	f("sum", vec(schema.Numeric, strings.Repeat("9", 38), "1"), "numeric", "numeric field overflow")
	f("sum", vec(schema.Float32, 0.5, 0.25), "real", "0.75")
	f("sum", vec(schema.Float64, 0.5, math.NaN()), "double precision", "NaN")
	f("sum", vec(schema.Interval, column.Interval{Months: 1, Micros: 5}, column.Interval{Days: 2}), "interval", "{1 2 5}")
	f("avg", vec(schema.Int32, 1, 2), "numeric", "1.5000000000000000")
	f("avg", vec(schema.Int32, 1, 2, 2), "numeric", "1.6666666666666667")
	f("avg", vec(schema.Int64, 100, 200), "numeric", "150.0000000000000000")
	f("avg", vec(schema.Int32, 0), "numeric", "0.00000000000000000000")
	f("avg", vec(schema.Int32, 10000, 10001), "numeric", "10000.5000000000000000")
	f("avg", vec(schema.Int32, -1, -1, -2), "numeric", "-1.3333333333333333")
	f("avg", vec(schema.Int32, nil), "numeric", "NULL")
	f("avg", vec(money, 150, 25), "numeric", "0.87500000000000000000")
	f("avg", vec(schema.Float32, 1, 2), "double precision", "1.5")
	f("min", vec(schema.Float64, math.NaN(), 3, -2), "double precision", "-2")
	f("max", vec(schema.Float64, math.NaN(), 3, -2), "double precision", "NaN")
	f("min", vec(schema.Float64, math.NaN()), "double precision", "NaN")
	f("min", vec(schema.Text, "b", nil, "a"), "text", "a")
	f("max", vec(schema.Text, "", nil), "text", "")
	f("max", vec(schema.Numeric, "2.50", "10"), "numeric", "10")
	f("min", vec(schema.Interval, column.Interval{Days: 31}, column.Interval{Months: 1}), "interval", "{1 0 0}")
	f("max", vec(schema.Date, 5, 9), "date", "9")
	f("bool_and", vec(schema.Bool, true, nil, false), "boolean", "0")
	f("every", vec(schema.Bool, true, nil), "boolean", "1")
	f("bool_or", vec(schema.Bool, nil), "boolean", "NULL")
	f("variance", vec(schema.Int32, 1, 2, 3, 4), "numeric", "1.6666666666666667")
	f("var_pop", vec(schema.Int32, 1, 2, 3, 4), "numeric", "1.2500000000000000")
	f("stddev", vec(schema.Int32, 1, 2, 3, 4), "numeric", "1.2909944487358056")
	f("stddev_pop", vec(schema.Int32, 1, 2, 3, 4), "numeric", "1.1180339887498948")
	f("stddev", vec(schema.Int32, 1), "numeric", "NULL")
	f("var_pop", vec(schema.Int32, 7), "numeric", "0")
	f("stddev_samp", vec(schema.Float64, 1, 2, 3, 4), "double precision", "1.2909944487358056")
	f("array_agg", vec(schema.Int32, 3, nil, 1), "integer[]", "{3,NULL,1}")
	f("any_value", vec(schema.Text, nil, "a"), "text", "a")
}

func TestStringAgg(t *testing.T) {
	s := resolve(t, "string_agg", false, fn.Postgres, schema.Text, schema.Unknown)
	if got := final(t, s, vec(schema.Text, "a", nil, "b", "c"), vec(schema.Text, "1", "2", nil, "--")); got != "ab--c" {
		t.Errorf("got %s", got)
	}
	d := resolve(t, "string_agg", true, fn.Postgres, schema.Text, schema.Text)
	if got := final(t, d, vec(schema.Text, "b", "a", "b"), vec(schema.Text, ",", ",", ",")); got != "a,b" {
		t.Errorf("distinct: got %s", got)
	}
}

func TestDistinctResults(t *testing.T) {
	f := func(name string, v *column.Vector, want string) {
		t.Helper()
		if got := final(t, resolve(t, name, true, fn.Postgres, v.Type), v); got != want {
			t.Errorf("%s(DISTINCT %s) = %s, want %s", name, v.Type, got, want)
		}
	}
	f("count", vec(schema.Int32, 1, 1, nil, 2), "2")
	f("count", vec(schema.Float64, 0, math.Copysign(0, -1), math.NaN(), -math.NaN()), "2")
	f("count", vec(schema.Numeric, "1.0", "1.00", "2"), "2")
	f("count", vec(schema.Interval, column.Interval{Months: 1}, column.Interval{Days: 30}), "1")
	f("count", vec(schema.Text, "a", "b", "a", ""), "3")
	f("sum", vec(schema.Int64, 5, 5, 7), "12")
	f("avg", vec(schema.Int32, 1, 1, 2), "1.5000000000000000")
	f("array_agg", vec(schema.Int32, 3, 1, nil, 3, nil), "{1,3,NULL}")
	f("max", vec(schema.Text, "a", "a"), "a")
}

func TestPinotResults(t *testing.T) {
	f := func(name string, v *column.Vector, wantType, want string) {
		t.Helper()
		s := resolve(t, name, false, fn.Pinot, v.Type)
		if got := s.ResultType().PinotName(); got != wantType {
			t.Errorf("%s(%s) is %s, want %s", name, v.Type, got, wantType)
		}
		if got := final(t, s, v); got != want {
			t.Errorf("%s(%s) = %s, want %s", name, v.Type, got, want)
		}
	}
	f("COUNT", vec(schema.Int32, 1, 2), "LONG", "2")
	f("SUM", vec(schema.Int32, 1, 2), "DOUBLE", "3")
	f("sum", vec(schema.Int64, int64(math.MaxInt64), 1), "DOUBLE", "9.223372036854776e+18")
	f("avg", vec(schema.Int64, 1, 2), "DOUBLE", "1.5")
	f("min", vec(schema.Int32, 4, 2), "DOUBLE", "2")
	f("max", vec(schema.Float32, 4, 2), "DOUBLE", "4")
	f("max", vec(schema.Text, "a", "b"), "STRING", "b")
	f("distinctcount", vec(schema.Text, "a", "b", "a"), "INT", "2")
	f("stddev_pop", vec(schema.Int32, 1, 2, 3, 4), "DOUBLE", "1.118033988749895")
}

func TestResolveErrors(t *testing.T) {
	f := func(name string, distinct bool, code, hint string, args ...schema.Type) {
		t.Helper()
		_, _, err := Resolve(name, args, distinct, fn.Postgres)
		var e *sqlerr.Error
		if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Hint, hint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f("sum", false, sqlerr.UndefinedFunction, "type casts", schema.Text)
	f("summ", false, sqlerr.UndefinedFunction, "Did you mean sum", schema.Int32)
	f("min", false, sqlerr.UndefinedFunction, "", schema.Bool)
	f("avg", false, sqlerr.UndefinedFunction, "")
	f("count", true, sqlerr.SyntaxError, "")
	f("count", false, sqlerr.UndefinedFunction, "", schema.Int32, schema.Int32)
	if !Exists("SUM") || !Exists("DistinctCount") || Exists("lower") || len(Names()) < 15 {
		t.Error("Exists or Names")
	}
}

func TestValidate(t *testing.T) {
	f := func(s Spec, ok bool) {
		t.Helper()
		if err := s.Validate(); (err == nil) != ok {
			t.Errorf("%+v: %v", s, err)
		}
	}
	f(*resolve(t, "sum", false, fn.Postgres, schema.Int32), true)
	f(Spec{ID: 999, Name: "later"}, false)
	f(Spec{ID: idSum, Args: []schema.Type{schema.Text}}, false)
	f(Spec{ID: idSum}, false)
	f(Spec{ID: idCount, Distinct: true}, false)
	f(*resolve(t, "mode", false, fn.Postgres, schema.Text), true)
	f(Spec{ID: idPercentileCont, Args: []schema.Type{schema.Float64}}, false)
}

// allSpecs are aggregations of every accumulator and argument kind.
func allSpecs(t testing.TB) []*Spec {
	types := []schema.Type{
		schema.Bool, schema.Int16, schema.Int32, schema.Int64, schema.Float32, schema.Float64, schema.Text, schema.Interval,
		schema.Numeric, {ID: schema.TypeNumeric, Precision: 12, Scale: 3}, schema.Timestamp, schema.Int32.AsList(), schema.UUID,
	}
	out := []*Spec{resolve(t, "count", false, fn.Postgres), resolve(t, "string_agg", false, fn.Postgres, schema.Text, schema.Text),
		resolve(t, "string_agg", true, fn.Postgres, schema.Text, schema.Text)}
	for _, typ := range append(types, schema.Text) {
		for _, name := range []string{"arg_min", "arg_max"} {
			if typ.Kind() != schema.KindList {
				out = append(out, resolve(t, name, false, fn.Postgres, typ, schema.Int32), resolve(t, name, false, fn.Postgres, schema.Text, typ))
			}
		}
	}
	for _, d := range definitions {
		if d.id >= idCovarPop && d.id <= idRegrSXY {
			out = append(out, resolve(t, d.names[0], false, fn.Postgres, schema.Float64, schema.Int32),
				resolve(t, d.names[0], true, fn.Postgres, schema.Float64, schema.Float64))
		}
	}
	for _, name := range Names() {
		for _, typ := range types {
			for _, distinct := range []bool{false, true} {
				for _, d := range []fn.Dialect{fn.Postgres, fn.Pinot} {
					s, _, err := Resolve(name, []schema.Type{typ}, distinct, d)
					if err == nil && (typ != schema.Int64 || !strings.Contains(name, "var") && !strings.Contains(name, "stddev")) {
						out = append(out, withParams(t, s)) // the squares of the random int64 exceed 38 digits
					}
				}
			}
		}
	}
	return out
}

// randomVector returns n values of a type with some NULLs; floats are such
// that sums are exact in any order.
func randomVector(r *rand.Rand, t schema.Type, n int) *column.Vector {
	v := column.New(t, n)
	nulls := r.IntN(3) == 0
	for range n {
		x := column.Value{Type: t, Null: nulls && r.IntN(4) == 0}
		k := r.IntN(9)
		x.I, x.F = int64(k), float64(k)/4
		switch t.Kind() {
		case schema.KindBool:
			x.I &= 1
		case schema.KindInt64:
			if t.ID != schema.TypeNumeric {
				x.I = int64(k) << 60
			}
		case schema.KindBytes:
			x.B = []byte(strings.Repeat("x", k))
		case schema.KindDecimal:
			x.D = column.DecimalFromInt64(int64(k*10), uint8(k%3))
		case schema.KindInterval:
			x.Iv = column.Interval{Days: int32(k), Micros: int64(k)}
		case schema.KindList:
			x.List = column.New(t.Elem(), 0)
			for i := range k % 3 {
				x.List.Append(column.IntValue(t.Elem(), int64(i)))
			}
		}
		v.Append(x)
	}
	return v
}

// results returns the results of groups 0..n-1; the elements of arrays and of
// concatenations are in no order when rows were merged, so they are sorted.
func results(t *testing.T, s *Spec, acc Accumulator, n int) []string {
	t.Helper()
	out := column.New(s.ResultType(), n)
	if err := acc.Final(0, n, out); err != nil {
		t.Fatalf("%s%v: %v", s.Name, s.Args, err)
	}
	if out.N != n {
		t.Fatalf("%s: %d results, want %d", s.Name, out.N, n)
	}
	var texts []string
	for i := range n {
		texts = append(texts, show(out.Value(i)))
	}
	return texts
}

// TestSplitEqualsWhole feeds the same rows whole, by single groups, split over
// accumulators that are merged by state, and absorbed.
func TestSplitEqualsWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const groups, n = 5, 400
	for _, s := range allSpecs(t) {
		whole, split, absorbed := s.New(), s.New(), s.New()
		whole.Grow(groups)
		split.Grow(groups)
		absorbed.Grow(groups)
		for range 3 {
			var args []*column.Vector
			for _, typ := range s.Args {
				args = append(args, randomVector(r, typ, n))
			}
			gids := make([]uint32, n)
			for i := range gids {
				gids[i] = uint32(r.IntN(groups - 1)) // the last stays empty
			}
			part := s.New()
			part.Grow(groups)
			for _, acc := range []Accumulator{whole, part} {
				if err := acc.Update(gids, n, args); err != nil {
					t.Fatal(err)
				}
			}
			mergeInto(t, s, split, part, groups)
			absorbInto(t, s, absorbed, part, groups)
			checkSingle(t, s, gids, args)
		}
		want := results(t, s, whole, groups)
		for i, acc := range []Accumulator{split, absorbed} {
			if got := results(t, s, acc, groups); !near(got, want, s.FloatSum()) && !ranksDiffer(s) {
				t.Fatalf("%s%v distinct=%v way %d: got %v, want %v", s.Name, s.Args, s.Distinct, i, got, want)
			}
		}
		if whole.Bytes() <= 0 {
			t.Errorf("%s: holds %d bytes", s.Name, whole.Bytes())
		}
	}
}

// ranksDiffer reports whether the result may depend a little on how the rows
// were split.
func ranksDiffer(s *Spec) bool { return s.ID >= idApproxPercentile && s.ID <= idPercentileEst }

// near compares results; those of measures of floats may differ in the last
// digits.
func near(got, want []string, floats bool) bool {
	for i := range want {
		if got[i] == want[i] {
			continue
		}
		var x, y float64
		if _, err := fmt.Sscan(got[i]+" "+want[i], &x, &y); !floats || err != nil || math.Abs(x-y) > 1e-12*max(1, math.Abs(y)) {
			return false
		}
	}
	return true
}

func mergeInto(t *testing.T, s *Spec, dst, src Accumulator, groups int) {
	t.Helper()
	var states []*column.Vector
	for _, typ := range s.StateTypes() {
		states = append(states, column.New(typ, 0))
	}
	if err := src.State(0, groups, states); err != nil {
		t.Fatal(err)
	}
	ids := make([]uint32, groups)
	for i := range ids {
		ids[i] = uint32(i)
		for k, v := range states {
			if v.N != groups {
				t.Fatalf("%s: state %d has %d rows", s.Name, k, v.N)
			}
		}
	}
	if err := dst.Merge(ids, groups, states); err != nil {
		t.Fatalf("%s%v: %v", s.Name, s.Args, err)
	}
}

func absorbInto(t *testing.T, s *Spec, dst, src Accumulator, groups int) {
	t.Helper()
	a, ok := dst.(Absorber)
	if !ok {
		mergeInto(t, s, dst, src, groups)
		return
	}
	ids := make([]uint32, groups)
	for i := range ids {
		ids[i] = uint32(i)
	}
	if err := a.Absorb(ids, src); err != nil {
		t.Fatal(err)
	}
}

// checkSingle compares a nil groups with one that says zero for all rows.
func checkSingle(t *testing.T, s *Spec, gids []uint32, args []*column.Vector) {
	t.Helper()
	a, b := s.New(), s.New()
	a.Grow(1)
	b.Grow(1)
	if err := errors.Join(a.Update(nil, len(gids), args), b.Update(make([]uint32, len(gids)), len(gids), args)); err != nil {
		t.Fatal(err)
	}
	if x, y := results(t, s, a, 1), results(t, s, b, 1); !near(x, y, s.FloatSum()) {
		t.Fatalf("%s%v: without groups %v, with %v", s.Name, s.Args, x, y)
	}
}

// TestConstArguments feeds constant vectors.
func TestConstArguments(t *testing.T) {
	for _, s := range allSpecs(t) {
		var args, flat []*column.Vector
		r := rand.New(rand.NewPCG(3, 4))
		for _, typ := range s.Args {
			x := randomVector(r, typ, 1).Value(0)
			c := column.NewConst(x, 10)
			args, flat = append(args, c), append(flat, c.Flatten())
		}
		for _, groups := range [][]uint32{nil, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1}} {
			a, b := s.New(), s.New()
			a.Grow(2)
			b.Grow(2)
			if err := errors.Join(a.Update(groups, 10, args), b.Update(groups, 10, flat)); err != nil {
				t.Fatal(err)
			}
			if x, y := results(t, s, a, 2), results(t, s, b, 2); !near(x, y, false) {
				t.Errorf("%s%v: constant %v, flat %v", s.Name, s.Args, x, y)
			}
		}
	}
}

func TestDistinctStateBytes(t *testing.T) {
	f := func(v *column.Vector, want string) {
		t.Helper()
		s := resolve(t, "count", true, fn.Postgres, v.Type)
		acc := s.New()
		acc.Grow(1)
		if err := acc.Update(nil, v.N, []*column.Vector{v}); err != nil {
			t.Fatal(err)
		}
		dst := column.New(schema.Bytea, 1)
		if err := acc.State(0, 1, []*column.Vector{dst}); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(dst.Bytes(0)); got != want {
			t.Errorf("%s: %s, want %s", v.Type, got, want)
		}
	}
	f(vec(schema.Int32, 258), "01000201"+"00"+"02010000")
	f(vec(schema.Int64, -1), "01000201"+"00"+"ffffffffffffffff")
	f(vec(schema.Text, "ab"), "01000101"+"00"+"026162")
	f(vec(schema.Text, ""), "01000101"+"00"+"00")
	f(vec(schema.Bool, true), "01000201"+"00"+"01")
	f(vec(schema.Numeric, "1.5"), "01000101"+"00"+"01"+"0f00000000000000"+"0000000000000000")
	f(vec(schema.Float64, 1), "01000201"+"00"+"000000000000f03f")
	f(vec(schema.Interval, column.Interval{Months: 1, Days: 2, Micros: 3}), "01000101"+"00"+"01000000"+"02000000"+"0300000000000000")
	f(vec(schema.Text, nil), "01000100")
}

func TestCorruptStates(t *testing.T) {
	f := func(s *Spec, states ...*column.Vector) {
		t.Helper()
		acc := s.New()
		acc.Grow(1)
		if err := acc.Merge([]uint32{0}, 1, states); !errors.Is(err, ErrCorruptState) {
			t.Errorf("%s%v: %v", s.Name, s.Args, err)
		}
	}
	f(resolve(t, "count", false, fn.Postgres), vec(schema.Int64, -1))
	f(resolve(t, "count", false, fn.Postgres))
	f(resolve(t, "count", false, fn.Postgres), vec(schema.Text, "x"))
	f(resolve(t, "avg", false, fn.Postgres, schema.Int32), vec(schema.Int64, 5), vec(schema.Int64, 0))
	f(resolve(t, "sum", false, fn.Postgres, schema.Int64), vec(schema.Numeric, "1.5"))
	f(resolve(t, "string_agg", false, fn.Postgres, schema.Text, schema.Text), vec(schema.Text, "a"), vec(schema.Int64, 2))
	d := resolve(t, "count", true, fn.Postgres, schema.Int32)
	for _, b := range []string{"", "\x01\x00", "\x02\x00\x01\x00", "\x01\x00\x09\x00", "\x01\x00\x01\x05", "\x01\x00\x01\x01\x00\x01", "\x01\x00\x01\x00\x00"} {
		f(d, vec(schema.Bytea, b))
	}
}

func FuzzMergeDistinct(f *testing.F) {
	f.Add([]byte("\x01\x00\x01\x01\x00\x02\x01\x00\x00"), uint8(0))
	f.Add([]byte("\x01\x00\x01\x02\x00\x026162\x00\x00"), uint8(1))
	f.Add([]byte("\x01\x00\x02\x01\x01\x07\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00"), uint8(0))
	types := []schema.Type{schema.Int32, schema.Text, schema.Numeric, schema.Int32.AsList(), schema.Interval, schema.Float64, schema.Bool}
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		s, _, err := Resolve("count", []schema.Type{types[int(which)%len(types)]}, true, fn.Postgres)
		if err != nil {
			t.Fatal(err)
		}
		acc := s.New()
		acc.Grow(1)
		state := column.New(schema.Bytea, 1)
		state.AppendBytes(b)
		if err := acc.Merge([]uint32{0}, 1, []*column.Vector{state}); err != nil {
			if !errors.Is(err, ErrCorruptState) {
				t.Fatal(err)
			}
			return
		}
		if err := acc.Final(0, 1, column.New(s.ResultType(), 1)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestUpdateDoesNotAllocate(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	gids := make([]uint32, 1000)
	for i := range gids {
		gids[i] = uint32(r.IntN(16))
	}
	f := func(name string, typ schema.Type) {
		t.Helper()
		s := resolve(t, name, false, fn.Postgres, typ)
		acc := s.New()
		acc.Grow(16)
		args := []*column.Vector{randomVector(r, typ, 1000)}
		for _, groups := range [][]uint32{nil, gids} {
			if n := testing.AllocsPerRun(20, func() { _ = acc.Update(groups, 1000, args) }); n > 0 {
				t.Errorf("%s(%s) allocates %v times", name, typ, n)
			}
		}
	}
	for _, typ := range []schema.Type{schema.Int32, schema.Int64, schema.Float64} {
		if typ != schema.Int64 { // its sums overflow into the spill map here
			f("sum", typ)
			f("avg", typ)
		}
		f("count", typ)
		f("min", typ)
		f("max", typ)
	}
}
