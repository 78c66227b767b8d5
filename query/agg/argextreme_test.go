package agg

import (
	"errors"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

func TestArgExtremes(t *testing.T) {
	f := func(x, by *column.Vector, least, greatest string) {
		t.Helper()
		for name, want := range map[string]string{"arg_min": least, "arg_max": greatest} {
			if got := final(t, resolve(t, name, false, fn.Postgres, x.Type, by.Type), x, by); got != want {
				t.Errorf("%s(%s, %s) = %s, want %s", name, x.Type, by.Type, got, want)
			}
		}
	}
	f(vec(schema.Text, "a", "bb", "c"), vec(schema.Timestamp, 5, 2, 9), "bb", "c")
	f(vec(schema.Text, "long", "x", nil), vec(schema.Int32, 1, 2, 3), "long", "x")
	f(vec(schema.Int32, 1, 2, 3), vec(schema.Float64, nil, -1.5, 2), "2", "3")
	f(vec(schema.Int32, 7, 9, 8), vec(schema.Int32, 1, 1, 1), "7", "9")
	f(vec(schema.Int32, 7, 9, 8), vec(schema.Numeric, "10", "9.5", "11"), "9", "8")
	f(vec(schema.Int32, nil), vec(schema.Int32, 1), "NULL", "NULL")
}

func TestWithTime(t *testing.T) {
	x, at := vec(schema.Int64, 10, 20, 30), vec(schema.Int64, 2, 1, 3)
	f := func(name, want string) {
		t.Helper()
		s, _, err := Resolve(name, []schema.Type{x.Type, at.Type}, false, fn.Pinot)
		if err != nil {
			t.Fatal(err)
		}
		if got := final(t, withParams(t, s, column.TextValue("long")), x, at); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
		if err := s.SetParams([]column.Value{column.TextValue("STRING")}); sqlerr.Code(err) != "0A000" {
			t.Errorf("as another type: %v", err)
		}
		if err := s.SetParams(nil); sqlerr.Code(err) != sqlerr.UndefinedFunction {
			t.Errorf("without a type: %v", err)
		}
	}
	f("FIRSTWITHTIME", "20")
	f("LASTWITHTIME", "30")
	if _, _, err := Resolve("lastwithtime", []schema.Type{x.Type, at.Type}, false, fn.Postgres); err == nil {
		t.Error("in PostgreSQL's dialect")
	}
}

func TestArgRefusesHalfRow(t *testing.T) {
	acc := resolve(t, "arg_min", false, fn.Postgres, schema.Int32, schema.Int32).New()
	acc.Grow(1)
	if err := acc.Merge(nil, 1, []*column.Vector{vec(schema.Int32, 1), vec(schema.Int32, nil)}); !errors.Is(err, ErrCorruptState) {
		t.Error(err)
	}
}
