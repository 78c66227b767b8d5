package fn

import (
	"math"
	"math/bits"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/kernel"
)

var (
	errDivZero       = sqlerr.New(sqlerr.DivisionByZero, "division by zero")
	errFloatOverflow = sqlerr.New(sqlerr.NumericOutOfRange, "value out of range: overflow")
	errFloatUnder    = sqlerr.New(sqlerr.NumericOutOfRange, "value out of range: underflow")
	errNumericRange  = sqlerr.New(sqlerr.NumericOutOfRange, "value overflows numeric format")
)

// arith holds one binary operator over each number type.
type arith struct {
	name  string
	int32 func(x, y int64) (int64, error) // also int2: checked against the type's bounds
	int64 func(x, y int64) (int64, error)
	float func(x, y float64) (float64, error)
	dec   func(x, y column.Decimal) (column.Decimal, error)
}

func registerArith(r *registry) {
	registerFastArith(r)
	ops := []arith{
		{name: "/", int32: divInt, int64: divInt, float: divFloat, dec: divDecimal},
		{name: "%", int32: modInt, int64: modInt, dec: modDecimal},
	}
	for _, op := range ops {
		op.register(r)
	}
	r.base["mod"] = r.base["%"]
	registerUnary(r)
	registerBits(r)
}

// register makes the overloads of an operator and its mixed signatures.
func (a arith) register(r *registry) {
	same := map[schema.Type]*Func{}
	same[schema.Int16] = r.row(a.name+"(int2,int2) int2", func(c *call, i int) error {
		x, err := a.int32(int64(c.i32(0, i)), int64(c.i32(1, i)))
		if err == nil && x != int64(int16(x)) {
			err = errIntRange(schema.Int16)
		}
		c.putI32(int32(x))
		return err
	})
	same[schema.Int32] = r.row(a.name+"(int4,int4) int4", func(c *call, i int) error {
		x, err := a.int32(int64(c.i32(0, i)), int64(c.i32(1, i)))
		if err == nil && x != int64(int32(x)) {
			err = errIntRange(schema.Int32)
		}
		c.putI32(int32(x))
		return err
	})
	same[schema.Int64] = r.row(a.name+"(int8,int8) int8", func(c *call, i int) error {
		x, err := a.int64(c.i64(0, i), c.i64(1, i))
		c.putI64(x)
		return err
	})
	same[schema.Numeric] = r.row(a.name+"(numeric,numeric) numeric", func(c *call, i int) error {
		x, err := a.dec(c.dec(0, i), c.dec(1, i))
		c.putDec(x)
		return err
	})
	if a.float != nil {
		a.registerFloats(r, same)
	}
	registerCrossPairs(r, same)
}

func (a arith) registerFloats(r *registry, same map[schema.Type]*Func) {
	same[schema.Float32] = r.row(a.name+"(float4,float4) float4", func(c *call, i int) error {
		x, err := a.float(float64(c.f32(0, i)), float64(c.f32(1, i)))
		if err == nil && math.IsInf(float64(float32(x)), 0) && !math.IsInf(x, 0) {
			err = errFloatOverflow
		}
		c.putF32(float32(x))
		return err
	})
	same[schema.Float64] = r.row(a.name+"(float8,float8) float8", func(c *call, i int) error {
		x, err := a.float(c.f64(0, i), c.f64(1, i))
		c.putF64(x)
		return err
	})
}

func registerCrossPairs(r *registry, same map[schema.Type]*Func) {
	for _, p := range crossPairs {
		if f := same[p[2]]; f != nil {
			r.also(f, p[0], p[1])
		}
	}
}

func divInt(x, y int64) (int64, error) {
	switch {
	case y == 0:
		return 0, errDivZero
	case y == -1 && x == math.MinInt64:
		return 0, errIntRange(schema.Int64)
	}
	return x / y, nil
}

func modInt(x, y int64) (int64, error) {
	switch y {
	case 0:
		return 0, errDivZero
	case -1:
		return 0, nil
	}
	return x % y, nil
}

func divFloat(x, y float64) (float64, error) {
	if y == 0 && !math.IsNaN(x) {
		return 0, errDivZero
	}
	return checkFloat(x/y, x, y, x == 0 || math.IsInf(y, 0))
}

// checkFloat raises overflow where finite operands gave an infinity, and
// underflow where they gave a zero that is none.
func checkFloat(z, x, y float64, zeroOK bool) (float64, error) {
	if math.IsInf(z, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return 0, errFloatOverflow
	}
	if z == 0 && !zeroOK {
		return 0, errFloatUnder
	}
	return z, nil
}

func divDecimal(x, y column.Decimal) (column.Decimal, error) {
	if y.Coef == (column.Int128{}) && !y.IsNaN() && !x.IsNaN() {
		return column.Decimal{}, errDivZero
	}
	return numericResult(kernel.DivDecimal(x, y))
}

func modDecimal(x, y column.Decimal) (column.Decimal, error) {
	if x.IsNaN() || y.IsNaN() {
		return column.Decimal{Scale: column.DecimalNaN}, nil
	}
	if y.Coef == (column.Int128{}) {
		return column.Decimal{}, errDivZero
	}
	scale := max(x.Scale, y.Scale)
	a, b := kernel.ScaledBig(x, int(scale)), kernel.ScaledBig(y, int(scale))
	coef, err := column.Int128FromBig(a.Rem(a, b))
	return numericResult(column.Decimal{Coef: coef, Scale: scale}, err)
}

// numericResult turns an overflow of 38 digits into its SQL error.
func numericResult(d column.Decimal, err error) (column.Decimal, error) {
	if err != nil {
		return column.Decimal{}, errNumericRange
	}
	return d, nil
}

func mulDecimal(x, y column.Decimal) (column.Decimal, error) {
	d, err := kernel.MulDecimal(x, y)
	if err == nil && int(x.Scale)+int(y.Scale) < column.DecimalNaN || x.IsNaN() || y.IsNaN() {
		return d, err
	}
	return roundedProduct(x, y)
}

// roundedProduct is a product with more digits than 38: fraction digits that
// cannot be held are rounded away, never digits before the point.
func roundedProduct(x, y column.Decimal) (column.Decimal, error) {
	a := x.Coef.Big()
	a.Mul(a, y.Coef.Big())
	scale := int(x.Scale) + int(y.Scale)
	drop := max(len(a.String())-38, scale-column.DecimalNaN+1)
	if a.Sign() < 0 {
		drop = max(len(a.String())-39, scale-column.DecimalNaN+1)
	}
	if drop > scale {
		return column.Decimal{}, errNumericRange
	}
	a = roundHalfAway(a, bigPow10(drop))
	c, err := column.Int128FromBig(a)
	return numericResult(column.Decimal{Coef: c, Scale: uint8(scale - drop)}, err)
}

func subDecimal(x, y column.Decimal) (column.Decimal, error) {
	if !y.IsNaN() {
		y.Coef = y.Coef.Neg()
	}
	return numericResult(kernel.AddDecimal(x, y))
}

func addDecimal(x, y column.Decimal) (column.Decimal, error) {
	return numericResult(kernel.AddDecimal(x, y))
}

// registerUnary makes unary minus and plus.
func registerUnary(r *registry) {
	r.row("-(int2) int2", func(c *call, i int) error {
		if c.i32(0, i) == math.MinInt16 {
			return errIntRange(schema.Int16)
		}
		return c.putI32(-c.i32(0, i))
	})
	r.row("-(int4) int4", func(c *call, i int) error {
		if c.i32(0, i) == math.MinInt32 {
			return errIntRange(schema.Int32)
		}
		return c.putI32(-c.i32(0, i))
	})
	r.row("-(int8) int8", func(c *call, i int) error {
		if c.i64(0, i) == math.MinInt64 {
			return errIntRange(schema.Int64)
		}
		return c.putI64(-c.i64(0, i))
	})
	r.row("-(float4) float4", func(c *call, i int) error { return c.putF32(-c.f32(0, i)) })
	r.row("-(float8) float8", func(c *call, i int) error { return c.putF64(-c.f64(0, i)) })
	r.row("-(numeric) numeric", func(c *call, i int) error {
		d := c.dec(0, i)
		if !d.IsNaN() {
			d.Coef = d.Coef.Neg()
		}
		return c.putDec(d)
	})
	r.row("-(interval) interval", func(c *call, i int) error {
		iv, err := negInterval(c.iv(0, i))
		c.putIv(iv)
		return err
	})
	for _, t := range []string{"int2", "int4", "int8", "float4", "float8", "numeric"} {
		r.poly("+("+t+")", sameAsFirst, func(c *call, i int) error {
			c.out.AppendFrom(c.args[0], i)
			return nil
		})
	}
}

func sameAsFirst(args []schema.Type) schema.Type { return args[0] }

// registerBits makes the bit operators.
func registerBits(r *registry) {
	ops := []struct {
		name string
		f    func(x, y int64) int64
	}{
		{"&", func(x, y int64) int64 { return x & y }},
		{"|", func(x, y int64) int64 { return x | y }},
		{"#", func(x, y int64) int64 { return x ^ y }},
	}
	for _, op := range ops {
		for _, t := range []string{"int2", "int4"} {
			r.row(op.name+"("+t+","+t+") "+t, func(c *call, i int) error {
				return c.putI32(int32(op.f(int64(c.i32(0, i)), int64(c.i32(1, i)))))
			})
		}
		r.row(op.name+"(int8,int8) int8", func(c *call, i int) error {
			return c.putI64(op.f(c.i64(0, i), c.i64(1, i)))
		})
	}
	for _, t := range []string{"int2", "int4"} {
		r.row("~("+t+") "+t, func(c *call, i int) error { return c.putI32(^c.i32(0, i)) })
	}
	r.row("~(int8) int8", func(c *call, i int) error { return c.putI64(^c.i64(0, i)) })
	registerShifts(r)
}

func registerShifts(r *registry) {
	r.row("<<(int2,int4) int2", func(c *call, i int) error { return c.putI32(int32(int16(c.i32(0, i) << (c.i32(1, i) & 31)))) })
	r.row("<<(int4,int4) int4", func(c *call, i int) error { return c.putI32(c.i32(0, i) << (c.i32(1, i) & 31)) })
	r.row("<<(int8,int4) int8", func(c *call, i int) error { return c.putI64(c.i64(0, i) << (c.i32(1, i) & 63)) })
	r.row(">>(int2,int4) int2", func(c *call, i int) error { return c.putI32(c.i32(0, i) >> (c.i32(1, i) & 31)) })
	r.row(">>(int4,int4) int4", func(c *call, i int) error { return c.putI32(c.i32(0, i) >> (c.i32(1, i) & 31)) })
	r.row(">>(int8,int4) int8", func(c *call, i int) error { return c.putI64(c.i64(0, i) >> (c.i32(1, i) & 63)) })
}

// mulOverflows reports whether x*y leaves int64.
func mulOverflows(x, y int64) bool {
	hi, lo := bits.Mul64(absU(x), absU(y))
	neg := (x < 0) != (y < 0)
	return hi != 0 || lo > math.MaxInt64 && !(neg && lo == 1<<63)
}

func absU(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}
