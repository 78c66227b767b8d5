package kernel

import (
	"bytes"
	"cmp"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// CompareRows orders row i of a and row j of b, which have the same kind, in
// SQL's ascending order: NULL is above all, NaN above all numbers.
func CompareRows(a *column.Vector, i int, b *column.Vector, j int) int {
	an, bn := a.IsNull(i), b.IsNull(j)
	if an || bn {
		return int(b2u(an)) - int(b2u(bn))
	}
	if a.Const {
		i = 0
	}
	if b.Const {
		j = 0
	}
	switch a.Kind() {
	case schema.KindBool:
		return int(b2u(a.Bools[i])) - int(b2u(b.Bools[j]))
	case schema.KindInt32:
		return cmp.Compare(a.Int32s[i], b.Int32s[j])
	case schema.KindInt64:
		return cmp.Compare(a.Int64s[i], b.Int64s[j])
	case schema.KindFloat32:
		return CompareFloats(float64(a.Float32s[i]), float64(b.Float32s[j]))
	case schema.KindFloat64:
		return CompareFloats(a.Float64s[i], b.Float64s[j])
	case schema.KindDecimal:
		return a.Decimals[i].Cmp(b.Decimals[j])
	case schema.KindInterval:
		return CompareIntervals(a.Intervals[i], b.Intervals[j])
	case schema.KindBytes:
		return bytes.Compare(a.Bytes(i), b.Bytes(j))
	}
	return compareLists(a, i, b, j)
}

// CompareFloats orders floats with NaN above all numbers and equal to itself.
func CompareFloats(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	return int(b2u(x != x)) - int(b2u(y != y))
}

func compareLists(a *column.Vector, i int, b *column.Vector, j int) int {
	x, xe := int(a.Offsets[i]), int(a.Offsets[i+1])
	y, ye := int(b.Offsets[j]), int(b.Offsets[j+1])
	for x < xe && y < ye {
		if c := CompareRows(a.Elems, x, b.Elems, y); c != 0 {
			return c
		}
		x++
		y++
	}
	return cmp.Compare(xe-x, ye-y)
}
