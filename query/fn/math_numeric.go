package fn

import (
	"math"
	"math/big"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// registerNumericMath makes the functions over numeric.
func registerNumericMath(r *registry) {
	unary := func(name string, f func(column.Decimal) (column.Decimal, error)) {
		r.row(name+"(numeric) numeric", func(c *call, i int) error {
			d := c.dec(0, i)
			if d.IsNaN() {
				return c.putDec(d)
			}
			d, err := f(d)
			c.putDec(d)
			return err
		})
	}
	unary("round", func(d column.Decimal) (column.Decimal, error) { return roundDecimal(d, 0) })
	unary("trunc", func(d column.Decimal) (column.Decimal, error) { return truncDecimal(d, 0) })
	unary("floor", func(d column.Decimal) (column.Decimal, error) { return floorDecimal(d, -1) })
	unary("ceil", func(d column.Decimal) (column.Decimal, error) { return floorDecimal(d, 1) })
	unary("ceiling", func(d column.Decimal) (column.Decimal, error) { return floorDecimal(d, 1) })
	unary("sign", func(d column.Decimal) (column.Decimal, error) {
		return column.DecimalFromInt64(int64(d.Coef.Big().Sign()), 0), nil
	})
	unary("sqrt", sqrtDecimal)
	unary("exp", expDecimal)
	unary("ln", lnDecimal)
	unary("log", log10Decimal)
	unary("log10", log10Decimal)
	unary("trim_scale", func(d column.Decimal) (column.Decimal, error) { return trimScale(d), nil })
	registerNumericMath2(r)
}

func registerNumericMath2(r *registry) {
	digits := func(name string, f func(column.Decimal, int) (column.Decimal, error)) {
		r.row(name+"(numeric,int4) numeric", func(c *call, i int) error {
			d := c.dec(0, i)
			if d.IsNaN() {
				return c.putDec(d)
			}
			d, err := f(d, int(c.i32(1, i)))
			c.putDec(d)
			return err
		})
	}
	digits("round", roundDecimal)
	digits("trunc", truncDecimal)
	for _, name := range []string{"power", "pow", "^"} {
		r.row(name+"(numeric,numeric) numeric", func(c *call, i int) error {
			d, err := powDecimal(c.dec(0, i), c.dec(1, i))
			c.putDec(d)
			return err
		})
	}
	r.row("log(numeric,numeric) numeric", func(c *call, i int) error {
		d, err := logBase(c.dec(0, i), c.dec(1, i))
		c.putDec(d)
		return err
	})
	r.row("div(numeric,numeric) numeric", func(c *call, i int) error {
		d, err := divDecimalWhole(c.dec(0, i), c.dec(1, i))
		c.putDec(d)
		return err
	})
	r.row("scale(numeric) int4", func(c *call, i int) error {
		if c.dec(0, i).IsNaN() {
			return c.null()
		}
		return c.putI32(int32(c.dec(0, i).Scale))
	})
	r.row("min_scale(numeric) int4", func(c *call, i int) error {
		if c.dec(0, i).IsNaN() {
			return c.null()
		}
		return c.putI32(int32(trimScale(c.dec(0, i)).Scale))
	})
	r.row("factorial(int8) numeric", factorial)
}

func factorial(c *call, i int) error {
	n := c.i64(0, i)
	if n < 0 {
		return sqlerr.New(sqlerr.NumericOutOfRange, "factorial of a negative number is undefined")
	}
	if n > 33 {
		return errNumericRange
	}
	coef, err := column.Int128FromBig(new(big.Int).MulRange(1, max(n, 1)))
	if err != nil {
		return errNumericRange
	}
	return c.putDec(column.Decimal{Coef: coef})
}

// roundDecimal rounds half away from zero; negative digits round before the point.
func roundDecimal(d column.Decimal, digits int) (column.Decimal, error) {
	return reScale(d, digits, roundHalfAway)
}

func truncDecimal(d column.Decimal, digits int) (column.Decimal, error) {
	return reScale(d, digits, func(a, b *big.Int) *big.Int { return new(big.Int).Quo(a, b) })
}

// reScale gives d the number of fraction digits; divide drops digits.
func reScale(d column.Decimal, digits int, divide func(a, b *big.Int) *big.Int) (column.Decimal, error) {
	digits = min(digits, column.DecimalNaN-1)
	if digits >= int(d.Scale) {
		out, err := d.Rescale(uint8(digits))
		if err != nil {
			return d, nil // the digits are zeros beyond what 38 can hold
		}
		return out, nil
	}
	drop := int(d.Scale) - digits
	if drop > 80 {
		return column.Decimal{Scale: uint8(max(digits, 0))}, nil
	}
	b := divide(d.Coef.Big(), bigPow10(drop))
	if digits < 0 {
		b.Mul(b, bigPow10(-digits))
	}
	c, err := column.Int128FromBig(b)
	return numericResult(column.Decimal{Coef: c, Scale: uint8(max(digits, 0))}, err)
}

// floorDecimal rounds towards the infinity of the sign of dir.
func floorDecimal(d column.Decimal, dir int) (column.Decimal, error) {
	p := bigPow10(int(d.Scale))
	q, rem := new(big.Int).QuoRem(d.Coef.Big(), p, new(big.Int))
	if rem.Sign() == dir {
		q.Add(q, big.NewInt(int64(dir)))
	}
	c, err := column.Int128FromBig(q)
	return numericResult(column.Decimal{Coef: c}, err)
}

func trimScale(d column.Decimal) column.Decimal {
	b := d.Coef.Big()
	ten, rem := big.NewInt(10), new(big.Int)
	for d.Scale > 0 {
		q, _ := new(big.Int).QuoRem(b, ten, rem)
		if rem.Sign() != 0 {
			break
		}
		b = q
		d.Scale--
	}
	c, err := column.Int128FromBig(b)
	if err == nil {
		d.Coef = c
	}
	return d
}

func divDecimalWhole(x, y column.Decimal) (column.Decimal, error) {
	if x.IsNaN() || y.IsNaN() {
		return column.Decimal{Scale: column.DecimalNaN}, nil
	}
	if y.Coef == (column.Int128{}) {
		return column.Decimal{}, errDivZero
	}
	scale := max(x.Scale, y.Scale)
	a, b := scaled(x, scale), scaled(y, scale)
	c, err := column.Int128FromBig(a.Quo(a, b))
	return numericResult(column.Decimal{Coef: c}, err)
}

func scaled(d column.Decimal, scale uint8) *big.Int {
	b := d.Coef.Big()
	return b.Mul(b, bigPow10(int(scale-d.Scale)))
}

// decWeight is the base-10,000 weight of the leading digit, as PostgreSQL
// counts it: 0 for 1 … 9999.
func decWeight(d column.Decimal) int {
	n := len(d.Coef.Big().Text(10))
	if d.Coef.Hi < 0 {
		n--
	}
	return int(floorDiv(int64(n-int(d.Scale)-1), 4))
}

// sqrtDecimal has at least 16 significant digits, as in PostgreSQL.
func sqrtDecimal(d column.Decimal) (column.Decimal, error) {
	if d.Coef.Hi < 0 {
		return d, errSqrt
	}
	scale := max(16-((decWeight(d)+1)*2-1), int(d.Scale), 0)
	if d.Coef == (column.Int128{}) {
		scale = max(int(d.Scale), 15)
	}
	b := d.Coef.Big()
	// One digit more than asked, then rounded: the root of d × 10^(2(scale+1)).
	b.Mul(b, bigPow10(2*(scale+1)-int(d.Scale)))
	b.Sqrt(b)
	c, err := column.Int128FromBig(roundHalfAway(b, big.NewInt(10)))
	return numericResult(column.Decimal{Coef: c, Scale: uint8(scale)}, err)
}

// floatPrec is the precision in bits of the transcendental functions.
const floatPrec = 320

func bigFloat(d column.Decimal) *big.Float {
	num := new(big.Float).SetPrec(floatPrec).SetInt(d.Coef.Big())
	return num.Quo(num, new(big.Float).SetPrec(floatPrec).SetInt(bigPow10(int(d.Scale))))
}

// fromBigFloat rounds to a scale; digits that 38 cannot hold are dropped from
// the fraction.
func fromBigFloat(f *big.Float, scale int) (column.Decimal, error) {
	scale = min(max(scale, 0), column.DecimalNaN-1)
	for {
		shifted := new(big.Float).SetPrec(floatPrec).SetInt(bigPow10(scale + 1))
		shifted.Mul(shifted, f)
		b, _ := shifted.Int(nil)
		c, err := column.Int128FromBig(roundHalfAway(b, big.NewInt(10)))
		if err == nil {
			return column.Decimal{Coef: c, Scale: uint8(scale)}, nil
		}
		if scale == 0 {
			return column.Decimal{}, errNumericRange
		}
		scale--
	}
}

func newFloat(x float64) *big.Float { return new(big.Float).SetPrec(floatPrec).SetFloat64(x) }

// bigExp is e^x by halving the argument below 2^-8 and Taylor's series.
func bigExp(x *big.Float) *big.Float {
	k := max(x.MantExp(nil)+8, 0)
	y := new(big.Float).SetPrec(floatPrec).SetMantExp(x, -k)
	sum, term := newFloat(1), newFloat(1)
	for n := 1; n < 200; n++ {
		term.Mul(term, y)
		term.Quo(term, newFloat(float64(n)))
		sum.Add(sum, term)
		if term.Sign() == 0 || term.MantExp(nil) < sum.MantExp(nil)-floatPrec {
			break
		}
	}
	for range k {
		sum.Mul(sum, sum)
	}
	return sum
}

// bigLn is the natural logarithm: Newton's method on e^y from a float64 start.
func bigLn(x *big.Float) *big.Float {
	mant := new(big.Float).SetPrec(floatPrec)
	exp := x.MantExp(mant)
	m, _ := mant.Float64()
	y := newFloat(math.Log(m))
	for range 3 {
		e := bigExp(y)
		num := new(big.Float).SetPrec(floatPrec).Sub(mant, e)
		den := new(big.Float).SetPrec(floatPrec).Add(mant, e)
		num.Mul(num, newFloat(2))
		y.Add(y, num.Quo(num, den))
	}
	return y.Add(y, new(big.Float).SetPrec(floatPrec).Mul(ln2(), newFloat(float64(exp))))
}

// ln2 is -ln(1/2) by Newton's method, as bigLn does for a mantissa.
func ln2() *big.Float {
	y := newFloat(math.Ln2)
	two := newFloat(2)
	for range 3 {
		e := bigExp(y)
		num := new(big.Float).SetPrec(floatPrec).Sub(two, e)
		den := new(big.Float).SetPrec(floatPrec).Add(two, e)
		num.Mul(num, two)
		y.Add(y, num.Quo(num, den))
	}
	return y
}

func expDecimal(d column.Decimal) (column.Decimal, error) {
	x := decimalToFloat(d)
	if x > 90 {
		return d, errNumericRange
	}
	scale := max(16-int(x*0.434294481903252), int(d.Scale), 0)
	return fromBigFloat(bigExp(bigFloat(d)), scale)
}

// logScale is the number of fraction digits of a logarithm near l: 16
// significant ones.
func logScale(l float64, least int) int {
	w := 0
	if l != 0 {
		w = int(math.Log10(math.Abs(l)))
	}
	return max(16-w, least, 0)
}

func checkLog(d column.Decimal) error {
	switch d.Coef.Big().Sign() {
	case 0:
		return errLogZero
	case -1:
		return errLogNegative
	}
	return nil
}

func lnDecimal(d column.Decimal) (column.Decimal, error) {
	if err := checkLog(d); err != nil {
		return d, err
	}
	return fromBigFloat(bigLn(bigFloat(d)), logScale(math.Log(decimalToFloat(d)), int(d.Scale)))
}

func log10Decimal(d column.Decimal) (column.Decimal, error) {
	return logBase(column.DecimalFromInt64(10, 0), d)
}

func logBase(base, d column.Decimal) (column.Decimal, error) {
	if base.IsNaN() || d.IsNaN() {
		return column.Decimal{Scale: column.DecimalNaN}, nil
	}
	if err := checkLog(base); err != nil {
		return d, err
	}
	if err := checkLog(d); err != nil {
		return d, err
	}
	den := bigLn(bigFloat(base))
	if den.Sign() == 0 {
		return d, errDivZero
	}
	l := math.Log(decimalToFloat(d)) / math.Log(decimalToFloat(base))
	q := new(big.Float).SetPrec(floatPrec).Quo(bigLn(bigFloat(d)), den)
	return fromBigFloat(q, logScale(l, max(int(d.Scale), int(base.Scale))))
}

func powDecimal(x, y column.Decimal) (column.Decimal, error) {
	if x.IsNaN() || y.IsNaN() {
		return column.Decimal{Scale: column.DecimalNaN}, nil
	}
	sx, sy := x.Coef.Big().Sign(), y.Coef.Big().Sign()
	whole := trimScale(y).Scale == 0
	least := max(int(x.Scale), int(y.Scale))
	switch {
	case sx == 0 && sy < 0:
		return x, errPowZero
	case sx < 0 && !whole:
		return x, errPowComplex
	case sy == 0:
		return fromBigFloat(newFloat(1), max(16, least))
	case sx == 0:
		return fromBigFloat(newFloat(0), max(16, least))
	}
	return powNonZero(x, y, sx, whole, least)
}

func powNonZero(x, y column.Decimal, sx int, whole bool, least int) (column.Decimal, error) {
	if sx < 0 {
		x.Coef = x.Coef.Neg()
	}
	l := decimalToFloat(y) * math.Log10(decimalToFloat(x))
	if l > 40 {
		return x, errNumericRange
	}
	if l < -300 {
		return fromBigFloat(newFloat(0), 254)
	}
	p := bigPower(x, y, whole)
	if odd := trimScale(y).Coef.Lo&1 == 1; sx < 0 && odd {
		p.Neg(p)
	}
	scale := max(16-int(l), least, 0)
	if whole {
		scale = max(16, least)
	}
	return fromBigFloat(p, scale)
}

// bigPower is x^y: by squaring for a small whole y, else by e^(y ln x).
func bigPower(x, y column.Decimal, whole bool) *big.Float {
	t := trimScale(y)
	if n := int64(t.Coef.Lo); whole && t.Coef.IsInt64() && n > -10000 && n < 10000 {
		p, b := newFloat(1), bigFloat(x)
		for e := absU(n); e > 0; e >>= 1 {
			if e&1 == 1 {
				p.Mul(p, b)
			}
			b.Mul(b, b)
		}
		if n < 0 {
			p.Quo(newFloat(1), p)
		}
		return p
	}
	l := bigLn(bigFloat(x))
	return bigExp(l.Mul(l, bigFloat(y)))
}
