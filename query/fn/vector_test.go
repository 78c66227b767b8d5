package fn

import (
	"context"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/geo"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

func ints(t schema.Type, vals ...int64) *column.Vector {
	v := column.New(t, len(vals))
	for _, x := range vals {
		v.Append(column.IntValue(t, x))
	}
	return v
}

func floats(vals ...float64) *column.Vector {
	v := column.New(schema.Float64, len(vals))
	for _, x := range vals {
		v.Append(column.FloatValue(schema.Float64, x))
	}
	return v
}

func texts(vals ...string) *column.Vector {
	v := column.New(schema.Text, len(vals))
	for _, x := range vals {
		v.AppendString(x)
	}
	return v
}

func constant(x column.Value, n int) *column.Vector { return column.NewConst(x, n) }

// callFunc resolves and evaluates a function over vectors.
func callFunc(name string, sel column.Bitmap, args ...*column.Vector) (*column.Vector, error) {
	types := make([]schema.Type, len(args))
	for i, a := range args {
		types[i] = a.Type
	}
	f, castTo, err := Resolve(name, types, Postgres)
	if err != nil {
		return nil, err
	}
	ctx := &Context{Context: context.Background()}
	n := args[0].N
	cast := make([]*column.Vector, len(args))
	for i, a := range args {
		cast[i] = a
		if castTo[i] != a.Type {
			cast[i] = &column.Vector{}
			if err := Cast(ctx, a, castTo[i], nil, cast[i]); err != nil {
				return nil, err
			}
		}
	}
	out := &column.Vector{}
	return out, f.Eval(ctx, cast, n, sel, out)
}

func picked(n int, set ...int) column.Bitmap {
	b := column.NewBitmap(n)
	for _, i := range set {
		b.Set(i)
	}
	return b
}

// TestErrorsOnlyForSelectedRows checks that a row that nobody wants raises no
// error, nor one with a NULL argument.
func TestErrorsOnlyForSelectedRows(t *testing.T) {
	maxInt := int64(1<<63 - 1)
	f := func(name string, bad int, args ...*column.Vector) {
		t.Helper()
		n := args[0].N
		var others []int
		for i := range n {
			if i != bad {
				others = append(others, i)
			}
		}
		if _, err := callFunc(name, picked(n, others...), args...); err != nil {
			t.Errorf("%s without row %d: %v", name, bad, err)
		}
		if _, err := callFunc(name, picked(n, bad), args...); err == nil {
			t.Errorf("%s with row %d: no error", name, bad)
		}
		if _, err := callFunc(name, nil, args...); err == nil {
			t.Errorf("%s of all rows: no error", name)
		}
		if args[0].Const {
			return
		}
		null := *args[0]
		null.Nulls = nil
		null.SetNull(bad)
		args[0] = &null
		if _, err := callFunc(name, nil, args...); err != nil {
			t.Errorf("%s with row %d NULL: %v", name, bad, err)
		}
	}
	f("/", 1, ints(schema.Int64, 6, 6, 6), ints(schema.Int64, 1, 0, 2))
	f("%", 1, ints(schema.Int32, 6, 6, 6), ints(schema.Int32, 1, 0, 2))
	f("/", 2, floats(1, 2, 3), floats(1, 2, 0))
	f("+", 0, ints(schema.Int64, maxInt, 1), ints(schema.Int64, 1, 1))
	f("+", 1, ints(schema.Int32, 1, 1<<31-1), ints(schema.Int32, 1, 1))
	f("+", 1, ints(schema.Int16, 1, 1<<15-1), ints(schema.Int16, 1, 1))
	f("*", 1, ints(schema.Int64, 1, maxInt), ints(schema.Int64, 1, 3))
	f("-", 0, ints(schema.Int64, -maxInt-1, 0), ints(schema.Int64, 1, 1))
	f("*", 1, floats(1, 1e308), floats(1, 1e10))
	f("*", 1, floats(1, 1e-300), floats(1, 1e-300))
	f("sqrt", 1, floats(1, -1))
	f("ln", 0, floats(0, 1))
	f("abs", 1, ints(schema.Int32, 1, -1<<31))
	f("~", 1, texts("a", "b"), texts("a", "("))
	f("split_part", 1, texts("a", "b"), texts(",", ","), ints(schema.Int32, 1, 0))
	f("date_trunc", 1, texts("day", "nope"), ints(schema.Timestamp, 0, 0))
	f("to_date", 1, texts("2024-01-02", "x"), texts("YYYY-MM-DD", "YYYY"))
}

// TestConstArguments compares each function of constant arguments with the
// same over plain ones.
func TestConstArguments(t *testing.T) {
	f := func(name string, args ...*column.Vector) {
		t.Helper()
		want, err := callFunc(name, nil, args...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for mask := 1; mask < 1<<len(args); mask++ {
			mixed := make([]*column.Vector, len(args))
			for i, a := range args {
				mixed[i] = a
				if mask>>i&1 == 1 {
					mixed[i] = constant(a.Value(0), a.N)
				}
			}
			got, err := callFunc(name, nil, mixed...)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got.N != want.N {
				t.Errorf("%s: %d rows, want %d", name, got.N, want.N)
			}
			if a, b := FormatValue(nil, got.Value(0)), FormatValue(nil, want.Value(0)); a != b {
				t.Errorf("%s with constants %b: %s, want %s", name, mask, a, b)
			}
		}
	}
	f("+", ints(schema.Int64, 5, 6), ints(schema.Int64, 7, 8))
	f("-", ints(schema.Int32, 5, 6), ints(schema.Int32, 7, 8))
	f("*", floats(5, 6), floats(7, 8))
	f("/", ints(schema.Int64, 15, 6), ints(schema.Int64, 7, 8))
	for _, op := range []string{"=", "<>", "<", "<=", ">", ">="} {
		f(op, ints(schema.Int64, 5, 9), ints(schema.Int64, 7, 8))
		f(op, floats(5, 9), floats(7, 8))
		f(op, texts("a", "c"), texts("b", "b"))
	}
	f("date_trunc", texts("hour", "day"), ints(schema.Timestamp, 1_718_454_645_000_000, 5))
	f("lower", texts("ABC", "x"))
	f("substring", texts("hello", "x"), ints(schema.Int32, 2, 1), ints(schema.Int32, 3, 1))
	f("~~", texts("hello", "x"), texts("h%", "y"))
	f("round", floats(1.5, 2.5))
	f("extract", texts("hour", "day"), ints(schema.Timestamp, 1_718_454_645_000_000, 5))
}

// TestCastSelection checks that a cast looks only at selected rows.
func TestCastSelection(t *testing.T) {
	v := texts("1", "x", "3")
	out := &column.Vector{}
	if err := Cast(nil, v, schema.Int32, picked(3, 0, 2), out); err != nil {
		t.Fatal(err)
	}
	if out.N != 3 || out.Int32s[0] != 1 || out.Int32s[2] != 3 {
		t.Errorf("%+v", out)
	}
	if err := Cast(nil, v, schema.Int32, nil, out); sqlerr.Code(err) != sqlerr.InvalidText {
		t.Errorf("all rows: %v", err)
	}
	c := constant(column.TextValue("x"), 3)
	if err := Cast(nil, c, schema.Int32, picked(3), out); err != nil || out.N != 3 {
		t.Errorf("a constant that nobody wants: %v", err)
	}
	wide := ints(schema.Int64, 1, 1<<40)
	if err := Cast(nil, wide, schema.Int32, picked(2, 0), out); err != nil {
		t.Error(err)
	}
	if err := Cast(nil, wide, schema.Int32, nil, out); sqlerr.Code(err) != sqlerr.NumericOutOfRange {
		t.Errorf("out of range: %v", err)
	}
	scaled := schema.Type{ID: schema.TypeNumeric, Precision: 10, Scale: 2}
	if err := Cast(nil, floats(1.005, 2), scaled, nil, out); err != nil || out.Int64s[1] != 200 {
		t.Errorf("scaled: %v %v", out.Int64s, err)
	}
}

// TestNoAllocations guards the loops that dashboards run for each row.
func TestNoAllocations(t *testing.T) {
	n := 4096
	a, b, ts := column.New(schema.Int64, n), column.New(schema.Float64, n), column.New(schema.Timestamp, n)
	for i := range n {
		a.Append(column.IntValue(schema.Int64, int64(i)))
		b.Append(column.FloatValue(schema.Float64, float64(i)))
		ts.Append(column.IntValue(schema.Timestamp, int64(i)*usHour))
	}
	ctx := &Context{Context: context.Background()}
	f := func(name string, args ...*column.Vector) {
		t.Helper()
		types := make([]schema.Type, len(args))
		for i, v := range args {
			types[i] = v.Type
		}
		fn, _, err := Resolve(name, types, Postgres)
		if err != nil {
			t.Fatal(err)
		}
		out := &column.Vector{}
		allocs := testing.AllocsPerRun(20, func() {
			if err := fn.Eval(ctx, args, n, nil, out); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 3 {
			t.Errorf("%s: %v allocations for %d rows", name, allocs, n)
		}
	}
	f("+", a, a)
	f("*", b, b)
	f("<", a, constant(column.IntValue(schema.Int64, 7), n))
	f("date_trunc", constant(column.TextValue("day"), n), ts)
	f("extract", constant(column.TextValue("hour"), n), ts)
	f("floor", b)
	f("abs", a)
}

func benchmarkFunc(b *testing.B, name string, args ...*column.Vector) {
	types := make([]schema.Type, len(args))
	for i, v := range args {
		types[i] = v.Type
	}
	fn, _, err := Resolve(name, types, Postgres)
	if err != nil {
		b.Fatal(err)
	}
	ctx, out := &Context{Context: context.Background()}, &column.Vector{}
	b.SetBytes(int64(args[0].N))
	b.ReportAllocs()
	for b.Loop() {
		if err := fn.Eval(ctx, args, args[0].N, nil, out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFunctions(b *testing.B) {
	const n = 4096
	x, f, ts, s := column.New(schema.Int64, n), column.New(schema.Float64, n), column.New(schema.Timestamp, n), column.New(schema.Text, n)
	for i := range n {
		x.Append(column.IntValue(schema.Int64, int64(i)))
		f.Append(column.FloatValue(schema.Float64, float64(i)))
		ts.Append(column.IntValue(schema.Timestamp, int64(i)*usHour))
		s.AppendString("product-42")
	}
	seven := constant(column.IntValue(schema.Int64, 7), n)
	b.Run("add_int8", func(b *testing.B) { benchmarkFunc(b, "+", x, x) })
	b.Run("mul_float8", func(b *testing.B) { benchmarkFunc(b, "*", f, f) })
	b.Run("div_int8", func(b *testing.B) { benchmarkFunc(b, "/", x, seven) })
	b.Run("less_const", func(b *testing.B) { benchmarkFunc(b, "<", x, seven) })
	b.Run("date_trunc_hour", func(b *testing.B) { benchmarkFunc(b, "date_trunc", constant(column.TextValue("hour"), n), ts) })
	b.Run("date_trunc_month", func(b *testing.B) { benchmarkFunc(b, "date_trunc", constant(column.TextValue("month"), n), ts) })
	b.Run("extract_hour", func(b *testing.B) { benchmarkFunc(b, "extract", constant(column.TextValue("hour"), n), ts) })
	b.Run("like", func(b *testing.B) { benchmarkFunc(b, "~~", s, constant(column.TextValue("%42%"), n)) })
	b.Run("lower", func(b *testing.B) { benchmarkFunc(b, "lower", s) })
}

// TestTruncCursor compares the loop that remembers with the one that does not.
func TestTruncCursor(t *testing.T) {
	for _, zone := range []string{"UTC", "America/New_York", "Europe/Paris", "Asia/Kolkata", "America/Sao_Paulo", "Australia/Lord_Howe"} {
		loc, err := LoadZone(zone)
		if err != nil {
			t.Fatal(err)
		}
		for f := fieldMicro; f <= fieldMillennium; f++ {
			c := truncCursor{f: f, zone: zoneCursor{loc: loc}}
			for ts := int64(-2e15); ts < 2e15; ts += 3_333_333_333_333 {
				for _, x := range []int64{ts, ts + usHour, ts - 5*usDay} {
					if got, want := c.cut(x), truncZoned(f, x, loc); got != want {
						t.Fatalf("%s, field %d of %s: %s, want %s", zone, f, AppendTimestamp(nil, x), AppendTimestamp(nil, got), AppendTimestamp(nil, want))
					}
				}
			}
			if c.cut(tsInfinity) != tsInfinity {
				t.Error("infinity is cut")
			}
		}
	}
}

// BenchmarkDistance measures from a constant point to a column of points.
func BenchmarkDistance(b *testing.B) {
	const n = 4096
	points := column.New(schema.Bytea, n)
	for i := range n {
		points.AppendBytes(geo.AppendPoint(nil, float64(i%360)-180, float64(i%180)-90, true))
	}
	from := column.NewConst(column.BytesValue(schema.Bytea, geo.AppendPoint(nil, 13.4, 52.5, true)), n)
	f, _, err := Resolve("st_distance", []schema.Type{schema.Bytea, schema.Bytea}, Postgres)
	if err != nil {
		b.Fatal(err)
	}
	ctx := &Context{Context: context.Background()}
	out := &column.Vector{}
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Eval(ctx, []*column.Vector{points, from}, n, nil, out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}
