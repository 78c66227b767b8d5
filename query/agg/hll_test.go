package agg

import (
	"errors"
	"math"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// TestHLLError allows four standard errors.
func TestHLLError(t *testing.T) {
	f := func(n, precision int) {
		t.Helper()
		v := column.New(schema.Int64, n)
		for i := range n {
			v.Append(column.IntValue(schema.Int64, int64(i)*7919))
		}
		s := withParams(t, resolve(t, "DistinctCountHLL", false, fn.Pinot, schema.Int64), column.IntValue(schema.Int32, int64(precision)))
		acc := s.New()
		acc.Grow(1)
		if err := acc.Update(nil, n, []*column.Vector{v}); err != nil {
			t.Fatal(err)
		}
		out := column.New(schema.Int64, 1)
		if err := acc.Final(0, 1, out); err != nil {
			t.Fatal(err)
		}
		off := math.Abs(float64(out.Int64s[0])-float64(n)) / max(1, float64(n))
		if off > 4*1.04/math.Sqrt(math.Ldexp(1, precision)) {
			t.Errorf("%d values with precision %d: %d", n, precision, out.Int64s[0])
		}
	}
	for _, n := range []int{0, 1, 100, 2000, 20000, 200000} {
		for _, p := range []int{8, 12, 16} {
			f(n, p)
		}
	}
}

func TestHLLParams(t *testing.T) {
	s := resolve(t, "approx_count_distinct", false, fn.Postgres, schema.Text)
	for _, p := range []column.Value{column.IntValue(schema.Int32, 3), column.IntValue(schema.Int32, 17), f64(8.5), column.TextValue("x")} {
		if err := s.SetParams([]column.Value{p}); sqlerr.Code(err) != sqlerr.InvalidParameter {
			t.Errorf("%v: %v", p, err)
		}
	}
}

// The bytes depend on the hash, which all servers must share.
func TestHLLStateBytes(t *testing.T) {
	s := resolve(t, "approx_count_distinct", false, fn.Postgres, schema.Int32)
	if got, want := stateHex(t, s, vec(schema.Int32, nil)), "230001"+"0c"+"00"+"00"; got != want {
		t.Errorf("empty: %s, want %s", got, want)
	}
	if got, want := stateHex(t, s, vec(schema.Int32, 1, 2, 1)), "230001"+"0c"+"00"+"02"+"b30f06"+"9a0901"; got != want {
		t.Errorf("two: %s, want %s", got, want)
	}
}

func TestHLLCorruptStates(t *testing.T) {
	for _, b := range []string{
		"", "\x22\x00\x01\x0c\x00\x00", "\x23\x00\x01\x0b\x00\x00", "\x23\x00\x01\x0c\x02", "\x23\x00\x01\x0c\x01\x00",
		"\x23\x00\x01\x0c\x00\x00\x00", "\x23\x00\x01\x0c\x00\x01\x00\x01", "\x23\x00\x01\x0c\x00\x01\x01\x00",
		"\x23\x00\x01\x0c\x00\x01\x01\x36", "\x23\x00\x01\x0c\x00\x01\xff\xff\x7f\x01",
	} {
		acc := resolve(t, "approx_count_distinct", false, fn.Postgres, schema.Int32).New()
		acc.Grow(1)
		if err := acc.Merge(nil, 1, []*column.Vector{vec(schema.Bytea, b)}); !errors.Is(err, ErrCorruptState) {
			t.Errorf("%x: %v", b, err)
		}
	}
}

func FuzzMergeHLL(f *testing.F) {
	f.Add([]byte("\x23\x00\x01\x0c\x00\x01\x01\x05"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzMerge(t, resolve(t, "approx_count_distinct", false, fn.Postgres, schema.Int32), b)
	})
}
