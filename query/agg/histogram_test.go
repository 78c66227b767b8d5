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

func TestHistogram(t *testing.T) {
	s := resolve(t, "histogram", false, fn.Pinot, schema.Float64) // 4 bins from 0 to 2
	x := vec(schema.Float64, 0, 0.4, 0.5, 1.9, 2, 2.1, -0.1, nil, math.NaN())
	if got := final(t, s, x); got != "{2,1,0,2}" {
		t.Errorf("got %s", got)
	}
	if got, want := stateHex(t, s, x), "240001"+"02010002"; got != want {
		t.Errorf("state %s, want %s", got, want)
	}
	if got := final(t, s, vec(schema.Float64, nil)); got != "{0,0,0,0}" {
		t.Errorf("of nothing: %s", got)
	}
}

func TestHistogramParams(t *testing.T) {
	f := func(code string, params ...column.Value) {
		t.Helper()
		s := resolve(t, "histogram", false, fn.Postgres, schema.Float64)
		if err := s.SetParams(params); sqlerr.Code(err) != code {
			t.Errorf("%v: %v", params, err)
		}
	}
	f(sqlerr.UndefinedFunction, f64(0), f64(1))
	f(sqlerr.UndefinedFunction, f64(0), f64(1), column.TextValue("x"))
	f(sqlerr.InvalidParameter, f64(1), f64(1), f64(4))
	f(sqlerr.InvalidParameter, f64(0), f64(math.Inf(1)), f64(4))
	f(sqlerr.InvalidParameter, f64(0), f64(1), f64(0))
	f(sqlerr.InvalidParameter, f64(0), f64(1), f64(1.5))
	f(sqlerr.InvalidParameter, f64(0), f64(1), f64(1e9))
}

func TestHistogramCorruptStates(t *testing.T) {
	for _, b := range []string{"", "\x24\x00\x01", "\x24\x00\x01\x00\x00\x00", "\x24\x00\x01\x00\x00\x00\x00\x00", "\x24\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00"} {
		acc := resolve(t, "histogram", false, fn.Postgres, schema.Float64).New()
		acc.Grow(1)
		if err := acc.Merge(nil, 1, []*column.Vector{vec(schema.Bytea, b)}); !errors.Is(err, ErrCorruptState) {
			t.Errorf("%x: %v", b, err)
		}
	}
}

func FuzzMergeHistogram(f *testing.F) {
	f.Add([]byte("\x24\x00\x01\x02\x01\x00\x02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzMerge(t, resolve(t, "histogram", false, fn.Postgres, schema.Float64), b)
	})
}
