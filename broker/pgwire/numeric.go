package pgwire

import (
	"encoding/binary"
	"math/big"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// The signs of numeric_send.
const (
	numericPos    = 0x0000
	numericNeg    = 0x4000
	numericNaN    = 0xC000
	numericPosInf = 0xD000
	numericNegInf = 0xF000
)

// appendBinaryNumeric writes base-10000 digits: count, weight of the first,
// sign, display scale, digits.
func appendBinaryNumeric(dst []byte, d column.Decimal) []byte {
	be := binary.BigEndian
	if d.IsNaN() {
		return append(dst, 0, 0, 0, 0, numericNaN>>8, 0, 0, 0)
	}
	digits, weight, neg := base10000(d)
	sign := uint16(numericPos)
	if neg {
		sign = numericNeg
	}
	dst = be.AppendUint16(dst, uint16(len(digits)))
	dst = be.AppendUint16(dst, uint16(weight))
	dst = be.AppendUint16(dst, sign)
	dst = be.AppendUint16(dst, uint16(d.Scale))
	for _, x := range digits {
		dst = be.AppendUint16(dst, x)
	}
	return dst
}

// base10000 splits a decimal into base-10000 digits, most significant first,
// without zeros at either end; weight is the power of 10000 of the first.
func base10000(d column.Decimal) (digits []uint16, weight int, neg bool) {
	c := d.Coef.Big()
	neg = c.Sign() < 0
	c.Abs(c)
	pad := (4 - int(d.Scale)%4) % 4
	c.Mul(c, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(pad)), nil))
	ten4, rem := big.NewInt(10000), new(big.Int)
	for c.Sign() > 0 {
		c.QuoRem(c, ten4, rem)
		digits = append(digits, uint16(rem.Uint64()))
	}
	weight = len(digits) - 1 - (int(d.Scale)+pad)/4
	low := 0
	for low < len(digits) && digits[low] == 0 {
		low++
	}
	digits = digits[low:]
	for i, j := 0, len(digits)-1; i < j; i, j = i+1, j-1 {
		digits[i], digits[j] = digits[j], digits[i]
	}
	if len(digits) == 0 {
		return nil, 0, false
	}
	return digits, weight, neg
}

// Bounds of a numeric parameter: beyond them no value fits a numeric here.
const (
	maxNumericDigits = 64
	maxNumericWeight = 20
	maxNumericScale  = 254
)

func decodeBinaryNumeric(b []byte, t schema.Type) (column.Value, error) {
	be := binary.BigEndian
	if len(b) < 8 {
		return column.Value{}, badBinary(t)
	}
	n, weight := int(be.Uint16(b)), int(int16(be.Uint16(b[2:])))
	sign, scale := be.Uint16(b[4:]), int(be.Uint16(b[6:]))
	switch sign {
	case numericPos, numericNeg:
	case numericNaN:
		return column.DecimalValue(column.Decimal{Scale: column.DecimalNaN}), nil
	case numericPosInf, numericNegInf:
		return column.Value{}, sqlerr.Unsupported("an infinite numeric")
	default:
		return column.Value{}, badBinary(t)
	}
	if len(b) != 8+2*n || n > maxNumericDigits || scale > maxNumericScale {
		return column.Value{}, badBinary(t)
	}
	if n > 0 && (weight > maxNumericWeight || weight < -maxNumericDigits) {
		return column.Value{}, sqlerr.New(sqlerr.NumericOutOfRange, "numeric field overflow")
	}
	c, err := fromBase10000(b[8:], t)
	if err != nil {
		return column.Value{}, err
	}
	rescale(c, 4*(weight-n+1)+scale)
	if sign == numericNeg {
		c.Neg(c)
	}
	coef, err := column.Int128FromBig(c)
	if err != nil {
		return column.Value{}, sqlerr.New(sqlerr.NumericOutOfRange, "%w", err)
	}
	return column.DecimalValue(column.Decimal{Coef: coef, Scale: uint8(scale)}), nil
}

// fromBase10000 reads digits, most significant first.
func fromBase10000(b []byte, t schema.Type) (*big.Int, error) {
	c, ten4 := new(big.Int), big.NewInt(10000)
	for ; len(b) >= 2; b = b[2:] {
		digit := binary.BigEndian.Uint16(b)
		if digit > 9999 {
			return nil, badBinary(t)
		}
		c.Mul(c, ten4)
		c.Add(c, big.NewInt(int64(digit)))
	}
	return c, nil
}

// rescale multiplies c by 10^exp, cutting digits off where exp is negative.
func rescale(c *big.Int, exp int) {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
	if exp >= 0 {
		c.Mul(c, ten)
	} else {
		c.Quo(c, ten)
	}
}
