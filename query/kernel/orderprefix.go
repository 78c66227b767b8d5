package kernel

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// OrderPrefixes appends, for each of the given rows of v, a number that tells
// most of the order of AppendOrderKey: of two rows the one with the smaller
// number comes first, rows with the same number in some order.
func OrderPrefixes(dst []uint64, v *column.Vector, rows []uint32, desc, nullsFirst bool) []uint64 {
	if v.Const {
		return append(dst, make([]uint64, len(rows))...)
	}
	at := len(dst)
	dst = append(dst, make([]uint64, len(rows))...)
	out := dst[at:]
	if !numberPrefixes(out, v, rows) {
		keyPrefixes(out, v, rows, desc, nullsFirst)
		return dst
	}
	// Two bits for the place of NULL, the rest for the number.
	null := uint64(3) << 62
	if nullsFirst {
		null = 0
	}
	for i, x := range out {
		if desc {
			x = ^x
		}
		out[i] = 1<<62 | x>>2
		if v.Nulls.Get(int(rows[i])) {
			out[i] = null
		}
	}
	return dst
}

// numberPrefixes fills out with numbers in the order of the values, NULL aside;
// it returns false for kinds that are no numbers.
func numberPrefixes(out []uint64, v *column.Vector, rows []uint32) bool {
	switch v.Kind() {
	case schema.KindInt32:
		for i, r := range rows {
			out[i] = (uint64(uint32(v.Int32s[r])) ^ 1<<31) << 32
		}
	case schema.KindInt64:
		for i, r := range rows {
			out[i] = uint64(v.Int64s[r]) ^ 1<<63
		}
	case schema.KindFloat32:
		for i, r := range rows {
			out[i] = orderedFloat(float64(v.Float32s[r]))
		}
	case schema.KindFloat64:
		for i, r := range rows {
			out[i] = orderedFloat(v.Float64s[r])
		}
	case schema.KindDecimal:
		return decimalPrefixes(out, v, rows)
	default:
		return false
	}
	return true
}

// decimalPrefixes rounds to floats, which keeps the order of decimals of the
// same scale; it returns false if there are several.
func decimalPrefixes(out []uint64, v *column.Vector, rows []uint32) bool {
	scale := -1
	for i, r := range rows {
		d := &v.Decimals[r]
		switch {
		case v.Nulls.Get(int(r)):
			continue
		case d.IsNaN():
			out[i] = math.MaxUint64
			continue
		case scale >= 0 && scale != int(d.Scale):
			return false
		}
		scale = int(d.Scale)
		out[i] = orderedFloat(nearFloat(d.Coef))
	}
	return true
}

// nearFloat rounds, perhaps twice, but never against the order.
func nearFloat(x column.Int128) float64 {
	if x.IsInt64() {
		return float64(int64(x.Lo))
	}
	return float64(x.Hi)*(1<<64) + float64(x.Lo)
}

// keyPrefixes fills out from the first bytes of the order keys.
func keyPrefixes(out []uint64, v *column.Vector, rows []uint32, desc, nullsFirst bool) {
	var key []byte
	for i, r := range rows {
		key = AppendOrderKey(key[:0], v, int(r), desc, nullsFirst)
		var b [9]byte
		copy(b[:], key)
		x := uint64(0)
		for _, c := range b[1:] {
			x = x<<8 | uint64(c)
		}
		out[i] = uint64(b[0])<<62 | x>>2
	}
}
