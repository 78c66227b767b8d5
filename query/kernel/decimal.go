package kernel

import (
	"math/big"
	"math/bits"

	"github.com/alluviumdb/alluvium/internal/column"
)

// minSigDigits is the number of significant digits that a quotient has at
// least, as in PostgreSQL.
const minSigDigits = 16

var decimalNaN = column.Decimal{Scale: column.DecimalNaN}

// Pow10 returns 10^n; n below zero gives 1.
func Pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, 0))), nil)
}

// ScaledBig returns d × 10^scale for a scale not below d's own.
func ScaledBig(d column.Decimal, scale int) *big.Int {
	b := d.Coef.Big()
	if n := scale - int(d.Scale); n > 0 {
		b.Mul(b, Pow10(n))
	}
	return b
}

// AddDecimal adds numerics; the result has the larger scale.
func AddDecimal(a, b column.Decimal) (column.Decimal, error) {
	switch {
	case a.IsNaN() || b.IsNaN():
		return decimalNaN, nil
	case a.Scale == b.Scale && small(a.Coef) && small(b.Coef):
		return column.Decimal{Coef: a.Coef.Add(b.Coef), Scale: a.Scale}, nil
	}
	scale := max(int(a.Scale), int(b.Scale))
	x := ScaledBig(a, scale)
	return fromBig(x.Add(x, ScaledBig(b, scale)), scale)
}

// small reports whether |x| < 2^124, so that sums stay below 38 digits.
func small(x column.Int128) bool {
	h := x.Hi ^ x.Hi>>63
	return h < 1<<60
}

// MulDecimal multiplies numerics; the scales add up.
func MulDecimal(a, b column.Decimal) (column.Decimal, error) {
	if a.IsNaN() || b.IsNaN() {
		return decimalNaN, nil
	}
	if a.Coef.IsInt64() && b.Coef.IsInt64() {
		return column.Decimal{Coef: mul64(int64(a.Coef.Lo), int64(b.Coef.Lo)), Scale: a.Scale + b.Scale}, nil
	}
	x := a.Coef.Big()
	return fromBig(x.Mul(x, b.Coef.Big()), int(a.Scale)+int(b.Scale))
}

func mul64(a, b int64) column.Int128 {
	neg := (a < 0) != (b < 0)
	hi, lo := bits.Mul64(abs64(a), abs64(b))
	p := column.Int128{Hi: int64(hi), Lo: lo}
	if neg {
		p = p.Neg()
	}
	return p
}

func abs64(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

func fromBig(b *big.Int, scale int) (column.Decimal, error) {
	if scale >= column.DecimalNaN {
		return column.Decimal{}, column.ErrNumericOverflow
	}
	c, err := column.Int128FromBig(b)
	return column.Decimal{Coef: c, Scale: uint8(scale)}, err
}

// DivDecimal divides numerics with as many fraction digits as PostgreSQL
// shows: at least 16 significant ones and no fewer than either operand has.
// The divisor must not be zero. Digits that 38 cannot hold are rounded away.
func DivDecimal(a, b column.Decimal) (column.Decimal, error) {
	if a.IsNaN() || b.IsNaN() {
		return decimalNaN, nil
	}
	if q, ok := divSmall(a, b); ok {
		return q, nil
	}
	return DivBig(a.Coef.Big(), int(a.Scale), b.Coef.Big(), int(b.Scale))
}

// divSmall is the case in which everything fits 128 bits: a divisor without
// fraction, as in averages.
func divSmall(a, b column.Decimal) (column.Decimal, bool) {
	if b.Scale != 0 || !a.Coef.IsInt64() || !b.Coef.IsInt64() {
		return column.Decimal{}, false
	}
	x, y := abs64(int64(a.Coef.Lo)), abs64(int64(b.Coef.Lo))
	wa, fa := weightOfUint(x, int(a.Scale))
	wb, fb := weightOfUint(y, 0)
	scale := divScale(wa, fa, wb, fb, int(a.Scale), 0)
	up := scale - int(a.Scale)
	if up < 0 || up > 18 || y >= 1<<62 {
		return column.Decimal{}, false
	}
	hi, lo := bits.Mul64(x, pow10u(up))
	q1, r := bits.Div64(0, hi, y)
	q0, r := bits.Div64(r, lo, y)
	q := column.Int128{Hi: int64(q1), Lo: q0}
	if 2*r >= y {
		q = q.AddInt64(1)
	}
	if !small(q) {
		return column.Decimal{}, false
	}
	if (a.Coef.Hi < 0) != (b.Coef.Hi < 0) {
		q = q.Neg()
	}
	return column.Decimal{Coef: q, Scale: uint8(scale)}, true
}

func pow10u(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// DivBig divides a × 10^-aScale by b × 10^-bScale as DivDecimal does.
func DivBig(a *big.Int, aScale int, b *big.Int, bScale int) (column.Decimal, error) {
	wa, fa := weight(a, aScale)
	wb, fb := weight(b, bScale)
	scale := min(divScale(wa, fa, wb, fb, aScale, bScale), column.DecimalNaN-1)
	for {
		d, err := fromBig(quotient(a, aScale, b, bScale, scale), scale)
		if err == nil || scale == 0 {
			return d, err
		}
		scale--
	}
}

// quotient is the division rounded half away from zero at a scale.
func quotient(a *big.Int, aScale int, b *big.Int, bScale, scale int) *big.Int {
	num, den := new(big.Int).Set(a), new(big.Int).Set(b)
	if up := scale + bScale - aScale; up >= 0 {
		num.Mul(num, Pow10(up))
	} else {
		den.Mul(den, Pow10(-up))
	}
	q, r := new(big.Int).QuoRem(num, den, new(big.Int))
	if r.Lsh(r.Abs(r), 1).CmpAbs(den) >= 0 {
		q.Add(q, big.NewInt(int64(num.Sign()*den.Sign())))
	}
	return q
}

// divScale is PostgreSQL's rule for the number of fraction digits of a
// quotient. Weights count groups of four decimal digits before the point, less
// one; first is the leading group.
func divScale(wa, fa, wb, fb, aScale, bScale int) int {
	w := wa - wb
	if fa <= fb {
		w--
	}
	return max(minSigDigits-4*w, aScale, bScale, 0)
}

// weight returns the base-10,000 weight and leading digit of b × 10^-scale.
func weight(b *big.Int, scale int) (w, first int) {
	s := new(big.Int).Abs(b).String()
	if s == "0" {
		return 0, 0
	}
	return weightOfDigits(s, scale)
}

func weightOfUint(x uint64, scale int) (w, first int) {
	if x == 0 {
		return 0, 0
	}
	n := 0
	for y := x; y > 0; y /= 10 {
		n++
	}
	exp := n - 1 - scale // power of ten of the leading digit
	w = floorDiv(exp, 4)
	keep := exp - 4*w + 1 // digits in the leading group
	for ; n > keep; n-- {
		x /= 10
	}
	for ; n < keep; n++ {
		x *= 10
	}
	return w, int(x)
}

func weightOfDigits(s string, scale int) (w, first int) {
	exp := len(s) - 1 - scale
	w = floorDiv(exp, 4)
	for i := range exp - 4*w + 1 {
		d := 0
		if i < len(s) {
			d = int(s[i] - '0')
		}
		first = first*10 + d
	}
	return w, first
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// SqrtRatio returns the root of num × 10^-scale / den with the digits that
// DivDecimal would give the ratio.
func SqrtRatio(num *big.Int, scale int, den *big.Int) (column.Decimal, error) {
	ratio, err := DivBig(num, scale, den, 0)
	if err != nil {
		return ratio, err
	}
	out := int(ratio.Scale)
	x := quotient(num, scale, den, 0, 2*(out+1))
	r := new(big.Int).Sqrt(x)
	q, m := new(big.Int).QuoRem(r, big.NewInt(10), new(big.Int))
	if m.Int64() >= 5 {
		q.Add(q, big.NewInt(1))
	}
	return fromBig(q, out)
}
