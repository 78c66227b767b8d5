package segment

import (
	"bytes"
	"cmp"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Compare orders two non-NULL values of the same kind as dictionaries, zone
// maps and Min/Max do: numbers by value with NaN above all, text by bytes,
// false before true, intervals by their length with a month of 30 days, lists
// element by element with NULL last.
func Compare(a, b column.Value) int {
	switch a.Type.Kind() {
	case schema.KindBool, schema.KindInt32, schema.KindInt64:
		return cmp.Compare(a.I, b.I)
	case schema.KindFloat32, schema.KindFloat64:
		return CompareFloat(a.F, b.F)
	case schema.KindDecimal:
		return a.D.Cmp(b.D)
	case schema.KindInterval:
		return intervalLength(a.Iv).Cmp(intervalLength(b.Iv))
	case schema.KindBytes:
		return bytes.Compare(a.B, b.B)
	case schema.KindList:
		return compareLists(a.List, b.List)
	}
	return 0
}

// CompareFloat orders floats with NaN equal to itself and above all numbers.
func CompareFloat[T float32 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	return boolInt(a != a) - boolInt(b != b)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// intervalLength returns the interval's length as whole days (Hi) and the µs
// beyond them (Lo), with days of 24 hours and months of 30 days, as PostgreSQL
// compares intervals.
func intervalLength(iv column.Interval) column.Int128 {
	const dayMicros = 86_400_000_000
	days := int64(iv.Months)*30 + int64(iv.Days)
	whole, rest := days+iv.Micros/dayMicros, iv.Micros%dayMicros
	if rest < 0 {
		whole, rest = whole-1, rest+dayMicros
	}
	return column.Int128{Hi: whole, Lo: uint64(rest)}
}

func compareLists(a, b *column.Vector) int {
	if a == nil || b == nil {
		return boolInt(a != nil && a.N > 0) - boolInt(b != nil && b.N > 0)
	}
	for i := range min(a.N, b.N) {
		x, y := a.Value(i), b.Value(i)
		if x.Null || y.Null {
			if c := boolInt(x.Null) - boolInt(y.Null); c != 0 {
				return c
			}
			continue
		}
		if c := Compare(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.N, b.N)
}
