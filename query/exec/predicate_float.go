package exec

import (
	"math"

	"github.com/alluviumdb/alluvium/query/kernel"
	"github.com/alluviumdb/alluvium/segment"
)

// floatRange is a range of a float column; -Inf is the lowest value and NaN
// the highest.
func floatRange(lo, hi float64) segment.ValueRange {
	return segment.ValueRange{LoFloat: lo, HiFloat: hi}
}

// floatRanges turns a comparison with a float column into ranges of values.
func floatRanges(c comparison, single bool) []segment.ValueRange {
	lowest, highest := math.Inf(-1), math.NaN()
	v := c.v.F
	below := func() []segment.ValueRange {
		p, ok := floatBefore(v, single)
		if !ok {
			return nil
		}
		return []segment.ValueRange{floatRange(lowest, p)}
	}
	above := func() []segment.ValueRange {
		n, ok := floatAfter(v, single)
		if !ok {
			return nil
		}
		return []segment.ValueRange{floatRange(n, highest)}
	}
	switch c.op {
	case "=":
		return []segment.ValueRange{floatRange(v, v)}
	case "<":
		return below()
	case ">":
		return above()
	case "<=":
		return []segment.ValueRange{floatRange(lowest, v)}
	case ">=":
		return []segment.ValueRange{floatRange(v, highest)}
	}
	return append(below(), above()...)
}

// floatBefore returns the largest value below v in SQL's order.
func floatBefore(v float64, single bool) (float64, bool) {
	switch {
	case math.IsNaN(v):
		return math.Inf(1), true
	case math.IsInf(v, -1):
		return 0, false
	case single:
		return float64(math.Nextafter32(float32(v), float32(math.Inf(-1)))), true
	}
	return math.Nextafter(v, math.Inf(-1)), true
}

// floatAfter returns the smallest value above v in SQL's order.
func floatAfter(v float64, single bool) (float64, bool) {
	switch {
	case math.IsNaN(v):
		return 0, false
	case math.IsInf(v, 1):
		return math.NaN(), true
	case single:
		return float64(math.Nextafter32(float32(v), float32(math.Inf(1)))), true
	}
	return math.Nextafter(v, math.Inf(1)), true
}

func maxFloat(a, b float64) float64 {
	if kernel.CompareFloats(a, b) >= 0 {
		return a
	}
	return b
}

func minFloat(a, b float64) float64 {
	if kernel.CompareFloats(a, b) <= 0 {
		return a
	}
	return b
}
