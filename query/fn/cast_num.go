package fn

import (
	"math"
	"math/big"
	"strconv"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/kernel"
)

func errIntRange(t schema.Type) error {
	return sqlerr.New(sqlerr.NumericOutOfRange, "%s out of range", plain(t))
}

// numericConversion picks the loop between two number types by their kinds.
func numericConversion(from, to schema.Type) converter {
	switch to.Kind() {
	case schema.KindInt32:
		return toInt32Conversion(from, to)
	case schema.KindInt64:
		if to.ID == schema.TypeNumeric {
			return castToScaled
		}
		return toInt64Conversion(from)
	case schema.KindFloat64:
		return toFloat64Conversion(from)
	case schema.KindFloat32:
		return castToFloat32
	}
	return castToDecimal
}

func toInt32Conversion(from, to schema.Type) converter {
	lo, hi := int64(math.MinInt32), int64(math.MaxInt32)
	if to.ID == schema.TypeInt16 {
		lo, hi = math.MinInt16, math.MaxInt16
	}
	return func(c *castArgs) error {
		if from.Kind() == schema.KindInt32 && (from.ID == schema.TypeInt16 || to.ID == schema.TypeInt32) {
			c.out.Int32s = append(c.out.Int32s, c.v.Int32s[:c.v.N]...)
			c.out.N = c.v.N
			return nil
		}
		return c.each(func(i int) error {
			x, err := wholeAt(c.v, i, to)
			if err == nil && (x < lo || x > hi) {
				err = errIntRange(to)
			}
			c.out.Int32s = append(c.out.Int32s, int32(x))
			c.out.N++
			return err
		})
	}
}

func toInt64Conversion(from schema.Type) converter {
	if from.Kind() == schema.KindInt32 {
		return func(c *castArgs) error {
			c.out.Resize(c.v.N)
			kernel.WidenInt32(c.out.Int64s, c.v.Int32s[:c.v.N])
			return nil
		}
	}
	return func(c *castArgs) error {
		if from.ID == schema.TypeInt64 {
			c.out.Int64s = append(c.out.Int64s, c.v.Int64s[:c.v.N]...)
			c.out.N = c.v.N
			return nil
		}
		return c.each(func(i int) error {
			x, err := wholeAt(c.v, i, c.to)
			c.out.Int64s = append(c.out.Int64s, x)
			c.out.N++
			return err
		})
	}
}

// wholeAt rounds row i to a whole number: floats half to even, numerics half
// away from zero.
func wholeAt(v *column.Vector, i int, to schema.Type) (int64, error) {
	switch v.Kind() {
	case schema.KindInt32:
		return int64(v.Int32s[i]), nil
	case schema.KindInt64:
		if v.Type.ID != schema.TypeNumeric {
			return v.Int64s[i], nil
		}
	case schema.KindFloat32:
		return roundFloat(float64(v.Float32s[i]), to)
	case schema.KindFloat64:
		return roundFloat(v.Float64s[i], to)
	}
	return decimalToInt(decimalAt(v, i), to)
}

func roundFloat(f float64, to schema.Type) (int64, error) {
	f = math.RoundToEven(f)
	if !(f >= -9223372036854775808 && f < 9223372036854775808) {
		return 0, errIntRange(to)
	}
	return int64(f), nil
}

func decimalToInt(d column.Decimal, to schema.Type) (int64, error) {
	if d.IsNaN() {
		return 0, sqlerr.New(sqlerr.FeatureNotSupported, "cannot convert NaN to %s", plain(to))
	}
	d, err := d.Rescale(0)
	if err != nil || !d.Coef.IsInt64() {
		return 0, errIntRange(to)
	}
	return int64(d.Coef.Lo), nil
}

func toFloat64Conversion(from schema.Type) converter {
	return func(c *castArgs) error {
		c.out.Resize(c.v.N)
		dst := c.out.Float64s
		switch {
		case from.Kind() == schema.KindInt32:
			convertSlice(dst, c.v.Int32s)
		case from.Kind() == schema.KindInt64 && from.ID != schema.TypeNumeric:
			convertSlice(dst, c.v.Int64s)
		case from.Kind() == schema.KindFloat32:
			convertSlice(dst, c.v.Float32s)
		case from.Kind() == schema.KindFloat64:
			copy(dst, c.v.Float64s)
		default:
			for i := range dst {
				dst[i] = decimalToFloat(decimalAt(c.v, i))
			}
		}
		return nil
	}
}

func convertSlice[D float32 | float64, S int32 | int64 | float32 | float64](dst []D, src []S) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = D(src[i])
	}
}

func castToFloat32(c *castArgs) error {
	return c.each(func(i int) error {
		f := floatAt(c.v, i)
		x := float32(f)
		if math.IsInf(float64(x), 0) && !math.IsInf(f, 0) {
			return sqlerr.New(sqlerr.NumericOutOfRange, "value out of range: overflow")
		}
		c.out.Float32s = append(c.out.Float32s, x)
		c.out.N++
		return nil
	})
}

// floatAt reads row i of a number vector as a float64.
func floatAt(v *column.Vector, i int) float64 {
	switch v.Kind() {
	case schema.KindInt32:
		return float64(v.Int32s[i])
	case schema.KindFloat32:
		return float64(v.Float32s[i])
	case schema.KindFloat64:
		return v.Float64s[i]
	case schema.KindInt64:
		if v.Type.ID != schema.TypeNumeric {
			return float64(v.Int64s[i])
		}
	}
	return decimalToFloat(decimalAt(v, i))
}

// powersOfTen are the powers that a float64 holds exactly.
var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// decimalToFloat returns the nearest float64.
func decimalToFloat(d column.Decimal) float64 {
	if d.IsNaN() {
		return math.NaN()
	}
	if x := int64(d.Coef.Lo); d.Coef.IsInt64() && x > -1<<53 && x < 1<<53 && int(d.Scale) < len(powersOfTen) {
		return float64(x) / powersOfTen[d.Scale]
	}
	f, _ := strconv.ParseFloat(d.String(), 64) // a decimal always parses
	return f
}

// decimalAt reads row i of a number vector as a Decimal; floats are handled by
// floatToDecimal.
func decimalAt(v *column.Vector, i int) column.Decimal {
	switch v.Kind() {
	case schema.KindInt32:
		return column.DecimalFromInt64(int64(v.Int32s[i]), 0)
	case schema.KindInt64:
		if v.Type.ID == schema.TypeNumeric {
			return column.DecimalFromInt64(v.Int64s[i], v.Type.Scale)
		}
		return column.DecimalFromInt64(v.Int64s[i], 0)
	}
	return v.Decimals[i]
}

// anyToDecimal reads row i of any number vector.
func anyToDecimal(v *column.Vector, i int) (column.Decimal, error) {
	switch v.Kind() {
	case schema.KindFloat32:
		return floatToDecimal(float64(v.Float32s[i]), 6)
	case schema.KindFloat64:
		return floatToDecimal(v.Float64s[i], 15)
	}
	return decimalAt(v, i), nil
}

// floatToDecimal keeps the significant digits that the float type guarantees.
func floatToDecimal(f float64, digits int) (column.Decimal, error) {
	switch {
	case math.IsNaN(f):
		return column.Decimal{Scale: column.DecimalNaN}, nil
	case math.IsInf(f, 0):
		return column.Decimal{}, sqlerr.New(sqlerr.FeatureNotSupported, "cannot convert infinity to numeric")
	}
	d, err := column.ParseDecimal(strconv.FormatFloat(f, 'g', digits, 64))
	if err != nil {
		if math.Abs(f) < 1 {
			return column.Decimal{}, nil
		}
		return d, sqlerr.New(sqlerr.NumericOutOfRange, "value overflows numeric format")
	}
	return d, nil
}

func castToDecimal(c *castArgs) error {
	if c.to.Precision == 0 && c.v.Kind() <= schema.KindInt64 {
		c.out.Resize(c.v.N)
		for i := range c.out.Decimals {
			c.out.Decimals[i] = decimalAt(c.v, i)
		}
		return nil
	}
	return c.each(func(i int) error {
		d, err := anyToDecimal(c.v, i)
		if err != nil {
			return err
		}
		x, err := fitDecimal(d, c.to)
		if err != nil {
			return err
		}
		c.out.Decimals = append(c.out.Decimals, x.D)
		c.out.N++
		return nil
	})
}

// castToScaled makes NUMERIC(p<=18,s), stored as a scaled int64.
func castToScaled(c *castArgs) error {
	return c.each(func(i int) error {
		d, err := anyToDecimal(c.v, i)
		if err != nil {
			return err
		}
		x, err := fitDecimal(d, c.to)
		if err != nil {
			return err
		}
		c.out.Int64s = append(c.out.Int64s, x.I)
		c.out.N++
		return nil
	})
}

// fitDecimal rounds a number to NUMERIC(p,s) and checks that it fits; the
// value has the storage kind of t.
func fitDecimal(d column.Decimal, t schema.Type) (column.Value, error) {
	if t.Precision == 0 {
		return column.Value{Type: t, D: d}, nil
	}
	if d.IsNaN() {
		if t.Kind() == schema.KindInt64 {
			return column.Value{}, sqlerr.New(sqlerr.FeatureNotSupported, "%s cannot hold NaN", t)
		}
		return column.Value{Type: t, D: d}, nil
	}
	r, err := d.Rescale(t.Scale)
	if err != nil || r.Coef.Big().CmpAbs(bigPow10(int(t.Precision))) >= 0 {
		return column.Value{}, sqlerr.New(sqlerr.NumericOutOfRange, "numeric field overflow").WithDetail(
			"A field with precision %d, scale %d must round to an absolute value less than %s.",
			t.Precision, t.Scale, powerText(int(t.Precision)-int(t.Scale)))
	}
	if t.Kind() == schema.KindInt64 {
		return column.Value{Type: t, I: int64(r.Coef.Lo)}, nil
	}
	return column.Value{Type: t, D: r}, nil
}

func powerText(n int) string {
	if n == 0 {
		return "1"
	}
	return "10^" + strconv.Itoa(n)
}

func bigPow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
