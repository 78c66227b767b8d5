package mutable

import (
	"math"

	"github.com/alluviumdb/alluvium/segment/encoding"
)

// bounds are the least and greatest number so far. NaN is counted apart.
type bounds[T encoding.Number] struct {
	min, max T
	any, nan bool
}

func (b *bounds[T]) add(x T) {
	switch {
	case x != x:
		b.nan = true
	case !b.any:
		b.min, b.max, b.any = x, x, true
	case x < b.min:
		b.min = x
	case x > b.max:
		b.max = x
	}
}

// zone holds the bounds of a block of numbers as segment.Zones words them:
// Min above Max when all rows are NULL, NaN above all.
type zone struct {
	minInt, maxInt     int64
	minFloat, maxFloat float64
}

func (b *bounds[T]) zone() *zone {
	z := &zone{}
	if !b.any {
		z.minInt, z.maxInt = math.MaxInt64, math.MinInt64
		z.minFloat, z.maxFloat = math.Inf(1), math.Inf(-1)
		if b.nan {
			z.minFloat, z.maxFloat = math.NaN(), math.NaN()
		}
		return z
	}
	z.minInt, z.maxInt = int64(b.min), int64(b.max)
	z.minFloat, z.maxFloat = float64(b.min), float64(b.max)
	if b.nan {
		z.maxFloat = math.NaN()
	}
	return z
}
