package decode

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/alluviumdb/alluvium/internal/column"
)

// decimal is a number as written: ±mant × 10^exp. Numbers of more than 19
// digits do not fit; their readers fall back to wider arithmetic.
type decimal struct {
	mant uint64
	exp  int
	neg  bool
}

// maxExponent bounds what is read of an exponent, so that it cannot overflow.
const maxExponent = 100_000

// parseNumber splits a number. ok is false if b is no number, fits is false
// if it has too many digits. Beyond JSON's grammar it takes a plus sign,
// leading zeros and a missing digit beside the point, as numbers in strings do.
func parseNumber(b []byte) (d decimal, fits, ok bool) {
	i := 0
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		d.neg = b[0] == '-'
		i = 1
	}
	first, count := i, 0
	fits = true
	point := -1
	for ; i < len(b); i++ {
		c := b[i]
		if c == '.' && point < 0 {
			point = i
			continue
		}
		if !isDigit(c) {
			break
		}
		count++
		if d.mant > (math.MaxUint64-9)/10 {
			fits = false
			continue
		}
		d.mant = d.mant*10 + uint64(c-'0')
	}
	if count == 0 {
		return d, false, false
	}
	if point >= first {
		d.exp = point + 1 - i
	}
	if i == len(b) {
		return d, fits, true
	}
	if b[i]|0x20 != 'e' {
		return d, false, false
	}
	e, ok := parseExponent(b[i+1:])
	d.exp += e
	return d, fits, ok
}

func parseExponent(b []byte) (e int, ok bool) {
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, false
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		e = min(e*10+int(c-'0'), maxExponent)
	}
	if neg {
		e = -e
	}
	return e, true
}

var pow10u = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
	1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// scaleResult says how scaled went.
type scaleResult uint8

const (
	scaleExact scaleResult = iota
	scaleRounded
	scaleOverflow
)

// scaled returns d × unit × 10^shift as an int64, rounding half away from
// zero. unit is positive.
func (d decimal) scaled(unit uint64, shift int) (int64, scaleResult) {
	e := d.exp + shift
	hi, lo := bits.Mul64(d.mant, unit)
	res := scaleExact
	switch {
	case d.mant == 0:
	case e > 19 || e > 0 && hi != 0:
		return 0, scaleOverflow
	case e > 0:
		if hi, lo = bits.Mul64(lo, pow10u[e]); hi != 0 {
			return 0, scaleOverflow
		}
	case e < 0:
		hi, lo, res = divPow10(hi, lo, -e)
	}
	return signed(hi, lo, d.neg, res)
}

// divPow10 divides a 128-bit number by 10^n, rounding half away from zero.
func divPow10(hi, lo uint64, n int) (uint64, uint64, scaleResult) {
	res := scaleExact
	for n > 0 {
		step := min(n, 19)
		n -= step
		div := pow10u[step]
		var rem uint64
		qhi := hi / div
		lo, rem = bits.Div64(hi%div, lo, div)
		hi = qhi
		if rem != 0 {
			res = scaleRounded
		}
		// Only the last step's remainder decides the rounding: what earlier
		// steps cut off lies below one unit of it.
		if n == 0 && rem >= div-div/2 {
			var carry uint64
			lo, carry = bits.Add64(lo, 1, 0)
			hi += carry
		}
		if hi == 0 && lo == 0 && n > 0 {
			return 0, 0, res
		}
	}
	return hi, lo, res
}

func signed(hi, lo uint64, neg bool, res scaleResult) (int64, scaleResult) {
	switch {
	case hi != 0:
		return 0, scaleOverflow
	case neg && lo <= 1<<63:
		return -int64(lo), res
	case neg || lo > math.MaxInt64:
		return 0, scaleOverflow
	}
	return int64(lo), res
}

// integerFast reads a whole number of at most 18 digits that ends before a
// character which cannot go on with it.
func integerFast(b []byte, i int) (v int64, end int, ok bool) {
	neg := false
	if i < len(b) && b[i] == '-' {
		neg = true
		i++
	}
	start := i
	for i < len(b) && isDigit(b[i]) {
		v = v*10 + int64(b[i]-'0')
		i++
	}
	n := i - start
	if n == 0 || n > 18 || n > 1 && b[start] == '0' {
		return 0, i, false
	}
	if i < len(b) && (b[i] == '.' || b[i]|0x20 == 'e') {
		return 0, i, false
	}
	if neg {
		v = -v
	}
	return v, i, true
}

var pow10f = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// float64Of returns the nearest float64 of b, which parseNumber split into d.
// Up to 2^53 × 10^±22 both factors are exact, so that one operation rounds
// correctly.
func float64Of(b []byte, d decimal, fits bool) (float64, bool) {
	if !fits || d.mant > 1<<53 || d.exp > 22 || d.exp < -22 {
		f, err := strconv.ParseFloat(string(b), 64)
		return f, err == nil
	}
	f := float64(d.mant)
	if d.neg {
		f = -f
	}
	if d.exp < 0 {
		return f / pow10f[-d.exp], true
	}
	return f * pow10f[d.exp], true
}

// float32Of is float64Of for float32.
func float32Of(b []byte, d decimal, fits bool) (float32, bool) {
	if !fits || d.mant > 1<<24 || d.exp > 10 || d.exp < -10 {
		f, err := strconv.ParseFloat(string(b), 32)
		return float32(f), err == nil
	}
	f := float32(d.mant)
	if d.neg {
		f = -f
	}
	if d.exp < 0 {
		return f / float32(pow10f[-d.exp]), true
	}
	return f * float32(pow10f[d.exp]), true
}

// numericOf returns the exact value of b, which parseNumber split into d.
func numericOf(b []byte, d decimal, fits bool) (column.Decimal, error) {
	if !fits || d.mant > math.MaxInt64 || d.exp > 0 || d.exp < -254 {
		return column.ParseDecimal(string(b))
	}
	v := int64(d.mant)
	if d.neg {
		v = -v
	}
	return column.DecimalFromInt64(v, uint8(-d.exp)), nil
}
