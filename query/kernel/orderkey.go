package kernel

import (
	"encoding/binary"
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// AppendOrderKey appends bytes whose order (bytes.Compare) is the SQL order of
// the values: NULL before or after all others as asked, NaN above all numbers,
// descending by inverting. Keys of several columns may follow each other.
func AppendOrderKey(dst []byte, v *column.Vector, i int, desc, nullsFirst bool) []byte {
	if v.Const {
		i = 0
	}
	if v.Nulls.Get(i) {
		if nullsFirst {
			return append(dst, 0)
		}
		return append(dst, 2)
	}
	dst = append(dst, 1)
	at := len(dst)
	dst = appendOrdered(dst, v, i)
	if desc {
		for j := at; j < len(dst); j++ {
			dst[j] = ^dst[j]
		}
	}
	return dst
}

func appendOrdered(dst []byte, v *column.Vector, i int) []byte {
	be := binary.BigEndian
	switch v.Kind() {
	case schema.KindBool:
		return append(dst, byte(b2u(v.Bools[i])))
	case schema.KindInt32:
		return be.AppendUint32(dst, uint32(v.Int32s[i])^1<<31)
	case schema.KindInt64:
		return be.AppendUint64(dst, uint64(v.Int64s[i])^1<<63)
	case schema.KindFloat32:
		return be.AppendUint64(dst, orderedFloat(float64(v.Float32s[i])))
	case schema.KindFloat64:
		return be.AppendUint64(dst, orderedFloat(v.Float64s[i]))
	case schema.KindDecimal:
		return appendOrderedDecimal(dst, v.Decimals[i])
	case schema.KindInterval:
		hi, lo := IntervalSpan(v.Intervals[i])
		return be.AppendUint64(be.AppendUint64(dst, uint64(hi)^1<<63), lo)
	case schema.KindBytes:
		return appendOrderedBytes(dst, v.Bytes(i))
	case schema.KindList:
		for j := int(v.Offsets[i]); j < int(v.Offsets[i+1]); j++ {
			dst = AppendOrderKey(dst, v.Elems, j, false, false)
		}
		return append(dst, 0)
	}
	return dst
}

// orderedFloat maps floats to numbers in the same order; all NaN are one.
func orderedFloat(f float64) uint64 {
	switch {
	case f != f:
		return math.MaxUint64
	case f == 0:
		f = 0
	}
	b := math.Float64bits(f)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

// appendOrderedBytes ends the bytes with 0 1 and writes a zero byte as 0 255,
// so that a prefix comes before what it begins.
func appendOrderedBytes(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, c)
		if c == 0 {
			dst = append(dst, 255)
		}
	}
	return append(dst, 0, 1)
}

// appendOrderedDecimal writes a class byte (negative, zero, positive, NaN),
// the number of digits before the point and the digits without trailing
// zeros; negative numbers have all but the class inverted.
func appendOrderedDecimal(dst []byte, d column.Decimal) []byte {
	d = Canonical(d)
	switch {
	case d.IsNaN():
		return append(dst, 3)
	case d.Coef == (column.Int128{}):
		return append(dst, 1)
	}
	neg := d.Coef.Hi < 0
	c := d.Coef
	class := byte(2)
	if neg {
		c, class = c.Neg(), 0
	}
	digits := c.Big().String()
	exp := len(digits) - int(d.Scale)
	for len(digits) > 1 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	dst = append(dst, class)
	at := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, uint16(exp+1<<14))
	dst = append(append(dst, digits...), 0)
	if neg {
		for j := at; j < len(dst); j++ {
			dst[j] = ^dst[j]
		}
	}
	return dst
}
