package kernel

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// orderVectors are vectors of every kind of number and of text, with NULLs.
func orderVectors(r *rand.Rand, n int) []*column.Vector {
	numeric := func(scales uint8) *column.Vector {
		v := column.New(schema.Numeric, n)
		for range n {
			d := column.Decimal{Coef: column.Int128{Hi: r.Int64N(7) - 3, Lo: r.Uint64N(5) << 60}, Scale: 2 + uint8(r.UintN(uint(scales)))}
			if r.IntN(20) == 0 {
				d = column.Decimal{Scale: column.DecimalNaN}
			}
			v.Append(column.DecimalValue(d))
		}
		return v
	}
	floats := []float64{math.Inf(-1), -1.5, math.Copysign(0, -1), 0, 1e-300, 7, math.Inf(1), math.NaN()}
	out := []*column.Vector{numeric(1), numeric(3)}
	for _, t := range []schema.Type{schema.Int32, schema.Int64, schema.Float32, schema.Float64, schema.Text} {
		v := column.New(t, n)
		for range n {
			switch t.Kind() {
			case schema.KindInt32, schema.KindInt64:
				v.Append(column.IntValue(t, int64(int32(r.Uint32()))>>r.UintN(31)))
			case schema.KindBytes:
				v.Append(column.TextValue([]string{"", "a", "ab", "a\x00", "longer than eight", "longer than nine"}[r.IntN(6)]))
			default:
				v.Append(column.FloatValue(t, floats[r.IntN(len(floats))]))
			}
		}
		out = append(out, v)
	}
	for _, v := range out {
		for i := range n {
			if r.IntN(10) == 0 {
				v.SetNull(i)
			}
		}
	}
	return out
}

// TestOrderPrefixes demands that numbers never contradict the order keys.
func TestOrderPrefixes(t *testing.T) {
	const n = 120
	rows := make([]uint32, n)
	for i := range rows {
		rows[i] = uint32(i)
	}
	for _, v := range orderVectors(rand.New(rand.NewPCG(3, 4)), n) {
		for flags := range 4 {
			desc, nullsFirst := flags&1 != 0, flags&2 != 0
			got := OrderPrefixes(nil, v, rows, desc, nullsFirst)
			for i := range n {
				for j := range n {
					a, b := AppendOrderKey(nil, v, i, desc, nullsFirst), AppendOrderKey(nil, v, j, desc, nullsFirst)
					if bytes.Compare(a, b) < 0 && got[i] > got[j] {
						t.Fatalf("%s desc %v nulls first %v: rows %d and %d have %x and %x, keys %x and %x", v.Type, desc, nullsFirst, i, j, got[i], got[j], a, b)
					}
				}
			}
		}
	}
}
