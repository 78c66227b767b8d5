package kernel

import (
	"math/bits"

	"github.com/alluviumdb/alluvium/internal/column"
)

// MicrosPerDay is the length of a day of an interval.
const MicrosPerDay = 86_400_000_000

// IntervalSpan returns the length of an interval as a 128-bit number of
// microseconds, with months of 30 days, as PostgreSQL compares intervals.
func IntervalSpan(iv column.Interval) (hi int64, lo uint64) {
	days := int64(iv.Months)*30 + int64(iv.Days)
	neg := days < 0
	u := uint64(days)
	if neg {
		u = -u
	}
	h, l := bits.Mul64(u, MicrosPerDay)
	span := column.Int128{Hi: int64(h), Lo: l}
	if neg {
		span = span.Neg()
	}
	span = span.AddInt64(iv.Micros)
	return span.Hi, span.Lo
}

// CompareIntervals orders intervals by their length.
func CompareIntervals(a, b column.Interval) int {
	ah, al := IntervalSpan(a)
	bh, bl := IntervalSpan(b)
	return column.Int128{Hi: ah, Lo: al}.Cmp(column.Int128{Hi: bh, Lo: bl})
}

// Canonical returns d without trailing fraction zeros, so that equal numerics
// are equal structs.
func Canonical(d column.Decimal) column.Decimal {
	if d.IsNaN() {
		return column.Decimal{Scale: column.DecimalNaN}
	}
	if d.Coef == (column.Int128{}) {
		return column.Decimal{}
	}
	for d.Scale > 0 {
		q, rem := quoRem10(d.Coef)
		if rem != 0 {
			break
		}
		d.Coef = q
		d.Scale--
	}
	return d
}

// quoRem10 divides by ten; rem is 0 exactly when a is divisible.
func quoRem10(a column.Int128) (q column.Int128, rem uint64) {
	neg := a.Hi < 0
	if neg {
		a = a.Neg()
	}
	hi, r := bits.Div64(0, uint64(a.Hi), 10)
	lo, rem := bits.Div64(r, a.Lo, 10)
	q = column.Int128{Hi: int64(hi), Lo: lo}
	if neg {
		q = q.Neg()
	}
	return q, rem
}
