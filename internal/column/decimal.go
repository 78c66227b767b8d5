package column

import (
	"errors"
	"math"
	"math/big"
	"math/bits"
	"strings"
)

// Int128 is a signed 128-bit integer in two's complement: Hi·2^64 + Lo.
type Int128 struct {
	Hi int64
	Lo uint64
}

// Int128From returns x as an Int128.
func Int128From(x int64) Int128 { return Int128{Hi: x >> 63, Lo: uint64(x)} }

// Add returns a+b, wrapping at 128 bits.
func (a Int128) Add(b Int128) Int128 {
	lo, c := bits.Add64(a.Lo, b.Lo, 0)
	return Int128{Hi: a.Hi + b.Hi + int64(c), Lo: lo}
}

// AddInt64 returns a+x.
func (a Int128) AddInt64(x int64) Int128 { return a.Add(Int128From(x)) }

// Neg returns -a.
func (a Int128) Neg() Int128 {
	lo, b := bits.Sub64(0, a.Lo, 0)
	return Int128{Hi: -a.Hi - int64(b), Lo: lo}
}

// Cmp compares a and b: -1, 0, 1.
func (a Int128) Cmp(b Int128) int {
	switch {
	case a.Hi < b.Hi:
		return -1
	case a.Hi > b.Hi:
		return 1
	case a.Lo < b.Lo:
		return -1
	case a.Lo > b.Lo:
		return 1
	}
	return 0
}

// IsInt64 reports whether a fits an int64.
func (a Int128) IsInt64() bool { return a.Hi == int64(a.Lo)>>63 }

// Float64 returns the nearest float64.
func (a Int128) Float64() float64 {
	if a.IsInt64() {
		return float64(int64(a.Lo))
	}
	f, _ := new(big.Float).SetInt(a.Big()).Float64()
	return f
}

// Big returns a as a big.Int.
func (a Int128) Big() *big.Int {
	b := new(big.Int).SetInt64(a.Hi)
	b.Lsh(b, 64)
	return b.Add(b, new(big.Int).SetUint64(a.Lo))
}

// ErrNumericOverflow is returned when a numeric does not fit 38 digits.
var ErrNumericOverflow = errors.New("numeric field overflow")

var maxCoef = new(big.Int).Sub(new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil), big.NewInt(1))

// Int128FromBig returns b as an Int128, or ErrNumericOverflow beyond 38 digits.
func Int128FromBig(b *big.Int) (Int128, error) {
	if b.CmpAbs(maxCoef) > 0 {
		return Int128{}, ErrNumericOverflow
	}
	m := new(big.Int).Set(b)
	if b.Sign() < 0 {
		m.Neg(m)
	}
	lo := new(big.Int).And(m, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	hi := new(big.Int).Rsh(m, 64).Uint64()
	v := Int128{Hi: int64(hi), Lo: lo}
	if b.Sign() < 0 {
		v = v.Neg()
	}
	return v, nil
}

// Decimal is a NUMERIC value Coef × 10^-Scale of at most 38 digits. NaN is
// the special value with Scale = DecimalNaN.
type Decimal struct {
	Coef  Int128
	Scale uint8
}

// DecimalNaN in Scale marks NUMERIC 'NaN'.
const DecimalNaN = 255

// IsNaN reports whether d is NaN.
func (d Decimal) IsNaN() bool { return d.Scale == DecimalNaN }

// DecimalFromInt64 returns x × 10^-scale.
func DecimalFromInt64(x int64, scale uint8) Decimal {
	return Decimal{Coef: Int128From(x), Scale: scale}
}

// Float64 returns the nearest float64.
func (d Decimal) Float64() float64 {
	if d.IsNaN() {
		return math.NaN()
	}
	return d.Coef.Float64() / math.Pow10(int(d.Scale))
}

// Cmp compares by value; NaN equals itself and is greater than all others, as
// in PostgreSQL.
func (d Decimal) Cmp(o Decimal) int {
	switch {
	case d.IsNaN() && o.IsNaN():
		return 0
	case d.IsNaN():
		return 1
	case o.IsNaN():
		return -1
	case d.Scale == o.Scale:
		return d.Coef.Cmp(o.Coef)
	}
	a, b := d.Coef.Big(), o.Coef.Big()
	if d.Scale < o.Scale {
		a.Mul(a, pow10(o.Scale-d.Scale))
	} else {
		b.Mul(b, pow10(d.Scale-o.Scale))
	}
	return a.Cmp(b)
}

func pow10(n uint8) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// String prints the value with exactly Scale fraction digits.
func (d Decimal) String() string {
	if d.IsNaN() {
		return "NaN"
	}
	s := d.Coef.Big().String()
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	if n := int(d.Scale); n > 0 {
		if len(s) <= n {
			s = strings.Repeat("0", n-len(s)+1) + s
		}
		s = s[:len(s)-n] + "." + s[len(s)-n:]
	}
	if neg {
		s = "-" + s
	}
	return s
}

// ErrNumericSyntax is returned by ParseDecimal for text that is no number.
var ErrNumericSyntax = errors.New("invalid input syntax for type numeric")

// ParseDecimal reads [+-]digits[.digits][e[+-]digits] or NaN.
func ParseDecimal(s string) (Decimal, error) {
	s = strings.TrimSpace(s)
	if strings.EqualFold(s, "nan") {
		return Decimal{Scale: DecimalNaN}, nil
	}
	mant, exp, err := splitExponent(s)
	if err != nil {
		return Decimal{}, err
	}
	intPart, frac, _ := strings.Cut(mant, ".")
	sign := ""
	if intPart != "" && (intPart[0] == '-' || intPart[0] == '+') {
		sign, intPart = intPart[:1], intPart[1:]
	}
	digits := intPart + frac
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return Decimal{}, ErrNumericSyntax
	}
	scale := len(frac) - exp
	if scale < 0 {
		if -scale > 400 {
			return Decimal{}, ErrNumericOverflow
		}
		digits += strings.Repeat("0", -scale)
		scale = 0
	}
	if scale > 254 || len(digits) > 1000 {
		return Decimal{}, ErrNumericOverflow
	}
	b, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return Decimal{}, ErrNumericSyntax
	}
	if sign == "-" {
		b.Neg(b)
	}
	c, err := Int128FromBig(b)
	return Decimal{Coef: c, Scale: uint8(scale)}, err
}

func splitExponent(s string) (mant string, exp int, err error) {
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s, 0, nil
	}
	e, neg := s[i+1:], false
	if e != "" && (e[0] == '-' || e[0] == '+') {
		neg, e = e[0] == '-', e[1:]
	}
	if e == "" || len(e) > 4 || strings.Trim(e, "0123456789") != "" {
		return "", 0, ErrNumericSyntax
	}
	for _, c := range e {
		exp = exp*10 + int(c-'0')
	}
	if neg {
		exp = -exp
	}
	return s[:i], exp, nil
}

// Rescale returns d with the given scale, rounding half away from zero as
// PostgreSQL does.
func (d Decimal) Rescale(scale uint8) (Decimal, error) {
	if d.IsNaN() || d.Scale == scale {
		return d, nil
	}
	b := d.Coef.Big()
	if scale > d.Scale {
		b.Mul(b, pow10(scale-d.Scale))
	} else {
		b = divRoundHalfAway(b, pow10(d.Scale-scale))
	}
	c, err := Int128FromBig(b)
	return Decimal{Coef: c, Scale: scale}, err
}

func divRoundHalfAway(a, b *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	if r.Lsh(r.Abs(r), 1).CmpAbs(b) >= 0 {
		if a.Sign()*b.Sign() < 0 {
			q.Sub(q, big.NewInt(1))
		} else {
			q.Add(q, big.NewInt(1))
		}
	}
	return q
}
