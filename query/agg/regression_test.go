package agg

import (
	"errors"
	"math"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

var pairNames = []string{
	"corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept", "regr_r2",
	"regr_avgx", "regr_avgy", "regr_count", "regr_sxx", "regr_syy", "regr_sxy",
}

// The expected texts are PostgreSQL's.
func TestRegression(t *testing.T) {
	f := func(y, x *column.Vector, want ...string) {
		t.Helper()
		for i, name := range pairNames {
			s := resolve(t, name, false, fn.Postgres, schema.Float64, schema.Float64)
			if got := final(t, s, y, x); !near([]string{got}, want[i:i+1], true) {
				t.Errorf("%s = %s, want %s", name, got, want[i])
			}
		}
	}
	f(vec(schema.Float64, 1, 2, 4, nil, 5.5), vec(schema.Float64, 2, 3, 7, 3, 1),
		"0.05502267345158407", "0.21875", "0.2916666666666667", "0.04216867469879518", "2.9879518072289155",
		"0.003027494593759654", "3.25", "3.125", "4", "20.75", "12.1875", "0.875")
	f(vec(schema.Float64, 1), vec(schema.Float64, 2),
		"NULL", "0", "NULL", "NULL", "NULL", "NULL", "2", "1", "1", "0", "0", "0")
	f(vec(schema.Float64, 1, 1), vec(schema.Float64, 2, 4),
		"NULL", "0", "0", "0", "1", "1", "3", "1", "2", "2", "0", "0")
	f(vec(schema.Float64, 1, 5), vec(schema.Float64, 2, 2),
		"NULL", "0", "0", "NULL", "NULL", "NULL", "2", "3", "2", "0", "8", "0")
	f(vec(schema.Float64, 1, nil), vec(schema.Float64, nil, 2),
		"NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "0", "NULL", "NULL", "NULL")
	s := resolve(t, "covar_pop", false, fn.Postgres, schema.Float64, schema.Float64)
	if got := final(t, s, vec(schema.Float64, 1, math.NaN()), vec(schema.Float64, 2, 2)); got != "NaN" {
		t.Errorf("covar_pop with NaN is %s", got)
	}
}

func TestRegressionRefusesNegativeCount(t *testing.T) {
	s := resolve(t, "corr", false, fn.Postgres, schema.Float64, schema.Float64)
	acc := s.New()
	acc.Grow(1)
	states := []*column.Vector{vec(schema.Int64, -1)}
	for range 5 {
		states = append(states, vec(schema.Float64, 0))
	}
	if err := acc.Merge(nil, 1, states); !errors.Is(err, ErrCorruptState) {
		t.Error(err)
	}
}
