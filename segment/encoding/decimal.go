package encoding

import (
	"encoding/binary"

	"github.com/alluviumdb/alluvium/internal/column"
)

// DecimalBytes is the size of one decimal: 16 bytes coefficient, and one byte
// scale in a second array.
const DecimalBytes = 17

// IntervalBytes is the size of one interval: months, days (int32), µs (int64).
const IntervalBytes = 16

// Decimals decodes n decimals: n coefficients of 16 bytes, low word first,
// then n scales. buf has n·DecimalBytes bytes.
func Decimals(buf []byte, n int) []column.Decimal {
	out := make([]column.Decimal, n)
	for i := range out {
		out[i] = DecimalAt(buf, n, i)
	}
	return out
}

// DecimalAt decodes decimal i of n.
func DecimalAt(buf []byte, n, i int) column.Decimal {
	b := buf[16*i : 16*i+16]
	return column.Decimal{
		Coef: column.Int128{
			Lo: binary.LittleEndian.Uint64(b),
			Hi: int64(binary.LittleEndian.Uint64(b[8:])),
		},
		Scale: buf[16*n+i],
	}
}

// AppendDecimals appends decimals.
func AppendDecimals(dst []byte, v []column.Decimal) []byte {
	for _, d := range v {
		dst = binary.LittleEndian.AppendUint64(dst, d.Coef.Lo)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(d.Coef.Hi))
	}
	for _, d := range v {
		dst = append(dst, d.Scale)
	}
	return dst
}

// IntervalAt decodes interval i.
func IntervalAt(buf []byte, i int) column.Interval {
	b := buf[IntervalBytes*i : IntervalBytes*i+IntervalBytes]
	return column.Interval{
		Months: int32(binary.LittleEndian.Uint32(b)),
		Days:   int32(binary.LittleEndian.Uint32(b[4:])),
		Micros: int64(binary.LittleEndian.Uint64(b[8:])),
	}
}

// AppendIntervals appends intervals.
func AppendIntervals(dst []byte, v []column.Interval) []byte {
	for _, iv := range v {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(iv.Months))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(iv.Days))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(iv.Micros))
	}
	return dst
}
