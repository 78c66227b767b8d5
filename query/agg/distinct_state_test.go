package agg

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

func TestWordSetBytes(t *testing.T) {
	s := resolve(t, "count", true, fn.Postgres, schema.Int64)
	if got, want := stateHex(t, s, vec(schema.Int64, 10, 7, 7, 9, 8)), "01000204"+"01"+"0700000000000000"+"01"+"0f00000000000000"; got != want {
		t.Errorf("close together: %s, want %s", got, want)
	}
	if got, want := stateHex(t, s, vec(schema.Int64, nil)), "01000200"+"00"; got != want {
		t.Errorf("empty: %s, want %s", got, want)
	}
}

// TestWordSetRoundTrip merges sets of several spans.
func TestWordSetRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	for _, typ := range []schema.Type{schema.Int32, schema.Int64, schema.Float32, schema.Float64, schema.Bool} {
		for _, span := range []int64{1, 100, 5000, math.MaxInt32} {
			v := column.New(typ, 2000)
			for range 2000 {
				x := r.Int64N(span) - span/2
				v.Append(column.Value{Type: typ, I: x, F: float64(x) / 8})
			}
			if typ == schema.Bool {
				v = vec(typ, true, false, true)
			}
			s := resolve(t, "count", true, fn.Postgres, typ)
			part, whole := s.New(), s.New()
			part.Grow(1)
			whole.Grow(1)
			if err := part.Update(nil, v.N, []*column.Vector{v}); err != nil {
				t.Fatal(err)
			}
			mergeInto(t, s, whole, part, 1)
			mergeInto(t, s, whole, part, 1)
			if got, want := results(t, s, whole, 1), results(t, s, part, 1); !slices.Equal(got, want) {
				t.Errorf("%s within %d: %v, want %v", typ, span, got, want)
			}
		}
	}
}

func TestWordSetVersion1(t *testing.T) {
	s := resolve(t, "count", true, fn.Postgres, schema.Int32)
	if err := mergeBytes(s, []byte("\x01\x00\x01\x01\x00\x02\x01\x00\x00")); err != nil {
		t.Error(err)
	}
}

func TestWordSetCorrupt(t *testing.T) {
	f := func(typ schema.Type, name, b string) {
		t.Helper()
		if err := mergeBytes(resolve(t, name, true, fn.Postgres, typ), []byte(b)); !errors.Is(err, ErrCorruptState) {
			t.Errorf("%x: %v", b, err)
		}
	}
	const one = "\x01\x00\x00\x00\x00\x00\x00\x00"
	f(schema.Int64, "count", "\x01\x00\x02")
	f(schema.Int64, "count", "\x01\x00\x02\x02\x00"+one)
	f(schema.Int64, "count", "\x01\x00\x02\x01\x00"+one+"\x00")
	f(schema.Int64, "count", "\x01\x00\x02\x00\x02")
	f(schema.Int64, "count", "\x02\x00\x02\x01\x00"+one)
	f(schema.Int64, "count", "\x01\x00\x02\x02\x01"+one+"\x01"+one)
	f(schema.Int64, "count", "\x01\x00\x02\x01\x01"+one+"\x02"+one)
	f(schema.Float64, "count", "\x01\x00\x02\x01\x01"+one+"\x01"+one)
	f(schema.Int32, "count", "\x01\x00\x02\x01\x01\xff\xff\xff\xff\x00\x00\x00\x00\x01"+one)
	f(schema.Int64, "count", "\x01\x00\x02\x01\x01\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x02\x00\x00\x00\x00\x00\x00\x00")
	f(schema.Text, "count", "\x01\x00\x02\x01\x00"+one)
	f(schema.Int64, "array_agg", "\x0c\x00\x02\x01\x00"+one)
}
