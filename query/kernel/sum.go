package kernel

import (
	"github.com/alluviumdb/alluvium/internal/column"
)

// SumCount is the running sum and number of whole values of one group, side by
// side so that a row touches one cache line.
type SumCount struct{ Sum, Count int64 }

// FloatSumCount is SumCount for floats.
type FloatSumCount struct {
	Sum   float64
	Count int64
}

// The sums. SumInt32 is exact below 2^32 values; SumInt64 is always exact.
var (
	SumInt32   = sumInt32
	SumInt64   = sumInt64
	SumFloat64 = sumFloat64
	// SumInt32Except adds the values whose bit in nulls is clear and counts them.
	SumInt32Except = sumInt32Except
	// SumInt64Except does what SumInt32Except does, exactly.
	SumInt64Except = sumInt64Except
)

func sumInt32(v []int32) int64 {
	var a, b, c, d int64
	for ; len(v) >= 4; v = v[4:] {
		a += int64(v[0])
		b += int64(v[1])
		c += int64(v[2])
		d += int64(v[3])
	}
	for _, x := range v {
		a += int64(x)
	}
	return a + b + c + d
}

// sumInt64 adds the upper and the lower halves apart: neither sum can overflow
// within 2^31 values.
func sumInt64(v []int64) column.Int128 {
	var total column.Int128
	for len(v) > 0 {
		n := min(len(v), 1<<30)
		var hi int64
		var lo uint64
		for _, x := range v[:n] {
			hi += x >> 32
			lo += uint64(uint32(x))
		}
		total = total.Add(column.Int128{Hi: hi >> 32, Lo: uint64(hi) << 32}).Add(column.Int128{Lo: lo})
		v = v[n:]
	}
	return total
}

func sumFloat64(v []float64) float64 {
	var a, b, c, d float64
	for ; len(v) >= 4; v = v[4:] {
		a += v[0]
		b += v[1]
		c += v[2]
		d += v[3]
	}
	for _, x := range v {
		a += x
	}
	return (a + b) + (c + d)
}

func sumInt32Except(v []int32, nulls column.Bitmap) (sum int64, n int) {
	for i, x := range v {
		keep := int64(1 - word(nulls, i>>6)>>(uint(i)&63)&1)
		sum += int64(x) & -keep
		n += int(keep)
	}
	return sum, n
}

func sumInt64Except(v []int64, nulls column.Bitmap) (sum column.Int128, n int) {
	for i, x := range v {
		keep := int64(1 - word(nulls, i>>6)>>(uint(i)&63)&1)
		sum = sum.AddInt64(x & -keep)
		n += int(keep)
	}
	return sum, n
}

// CountGroups counts each row in its group.
func CountGroups(n []int64, groups []uint32) {
	for _, g := range groups {
		n[g]++
	}
}

// SumGroupsInt32 adds vals[i] to group groups[i]. The caller sees to it that no
// 64-bit sum can overflow.
func SumGroupsInt32(st []SumCount, groups []uint32, vals []int32) {
	groups = groups[:len(vals)]
	for i, v := range vals {
		s := &st[groups[i]]
		s.Sum += int64(v)
		s.Count++
	}
}

// AddGroupsInt64 is SumGroupsInt64 for a caller that sees to it that no sum
// can overflow.
func AddGroupsInt64(st []SumCount, groups []uint32, vals []int64) {
	groups = groups[:len(vals)]
	for i, v := range vals {
		s := &st[groups[i]]
		s.Sum += v
		s.Count++
	}
}

// SumGroupsInt64 adds vals[i] to group groups[i] and returns the number of rows
// done; it stops before a row that would overflow its sum.
func SumGroupsInt64(st []SumCount, groups []uint32, vals []int64) int {
	groups = groups[:len(vals)]
	for i, v := range vals {
		s := &st[groups[i]]
		t := s.Sum + v
		if (t^s.Sum)&(t^v) < 0 {
			return i
		}
		s.Sum = t
		s.Count++
	}
	return len(vals)
}

// SumGroupsFloat64 adds vals[i] to group groups[i].
func SumGroupsFloat64(st []FloatSumCount, groups []uint32, vals []float64) {
	groups = groups[:len(vals)]
	for i, v := range vals {
		s := &st[groups[i]]
		s.Sum += v
		s.Count++
	}
}

// MinMaxInt32 and MinMaxInt64 return the extremes of a non-empty slice.
var (
	MinMaxInt32 = minMax[int32]
	MinMaxInt64 = minMax[int64]
)

func minMax[T int32 | int64](v []T) (lo, hi T) {
	lo, hi = v[0], v[0]
	for _, x := range v[1:] {
		lo = min(lo, x)
		hi = max(hi, x)
	}
	return lo, hi
}

// CountRows adds one to rows[g] for each group g.
func CountRows(rows []uint32, groups []uint32) {
	for _, g := range groups {
		rows[g]++
	}
}
