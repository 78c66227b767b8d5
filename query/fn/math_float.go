package fn

import (
	"math"
	"math/rand/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

var (
	errLogNegative = sqlerr.New("2201E", "cannot take logarithm of a negative number")
	errLogZero     = sqlerr.New("2201E", "cannot take logarithm of zero")
	errSqrt        = sqlerr.New("2201F", "cannot take square root of a negative number")
	errDomain      = sqlerr.New(sqlerr.NumericOutOfRange, "input is out of range")
	errPowZero     = sqlerr.New("2201F", "zero raised to a negative power is undefined")
	errPowComplex  = sqlerr.New("2201F", "a negative number raised to a non-integer power yields a complex result")
)

// registerMath makes the functions over float8.
func registerMath(r *registry) {
	registerAbs(r)
	plainFuncs := map[string]func(float64) float64{
		"floor": math.Floor, "ceil": math.Ceil, "ceiling": math.Ceil, "round": math.RoundToEven, "trunc": math.Trunc,
		"cbrt": math.Cbrt, "atan": math.Atan, "tanh": math.Tanh, "asinh": math.Asinh,
		"degrees": func(x float64) float64 { return x * (180 / math.Pi) },
		"radians": func(x float64) float64 { return x * (math.Pi / 180) },
		"sign": func(x float64) float64 {
			switch {
			case x > 0:
				return 1
			case x < 0:
				return -1
			}
			return x
		},
	}
	for name, f := range plainFuncs {
		r.vec(name+"(float8) float8", mapFloat(f))
	}
	checked := map[string]func(float64) (float64, error){
		"sqrt": func(x float64) (float64, error) { return math.Sqrt(x), errIf(x < 0, errSqrt) },
		"exp":  func(x float64) (float64, error) { return checkFloat(math.Exp(x), x, x, math.IsInf(x, -1)) },
		"ln":   logFunc(math.Log), "log": logFunc(math.Log10), "log10": logFunc(math.Log10),
		"sin": trig(math.Sin), "cos": trig(math.Cos), "tan": trig(math.Tan),
		"cot":   func(x float64) (float64, error) { return 1 / math.Tan(x), errIf(math.IsInf(x, 0), errDomain) },
		"asin":  func(x float64) (float64, error) { return math.Asin(x), errIf(x < -1 || x > 1, errDomain) },
		"acos":  func(x float64) (float64, error) { return math.Acos(x), errIf(x < -1 || x > 1, errDomain) },
		"sinh":  func(x float64) (float64, error) { return math.Sinh(x), nil },
		"cosh":  func(x float64) (float64, error) { return math.Cosh(x), nil },
		"acosh": func(x float64) (float64, error) { return math.Acosh(x), errIf(x < 1, errDomain) },
		"atanh": func(x float64) (float64, error) { return math.Atanh(x), errIf(x < -1 || x > 1, errDomain) },
	}
	for name, f := range checked {
		r.row(name+"(float8) float8", func(c *call, i int) error {
			y, err := f(c.f64(0, i))
			c.putF64(y)
			return err
		})
	}
	registerMath2(r)
	registerIntegerMath(r)
}

func errIf(bad bool, err error) error {
	if bad {
		return err
	}
	return nil
}

func trig(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) { return f(x), errIf(math.IsInf(x, 0), errDomain) }
}

func logFunc(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		switch {
		case x == 0:
			return 0, errLogZero
		case x < 0:
			return 0, errLogNegative
		}
		return f(x), nil
	}
}

// mapFloat is a loop over a function that cannot fail.
func mapFloat(f func(float64) float64) evalFunc {
	return func(_ *Context, args []*column.Vector, n int, _ column.Bitmap, out *column.Vector) error {
		out.Reset(schema.Float64)
		out.Resize(n)
		src, s := args[0].Float64s, step(args[0])
		for i := range out.Float64s {
			out.Float64s[i] = f(src[i*s])
		}
		return nil
	}
}

func registerMath2(r *registry) {
	pow := func(c *call, i int) error {
		y, err := powFloat(c.f64(0, i), c.f64(1, i))
		c.putF64(y)
		return err
	}
	for _, name := range []string{"power", "pow", "^"} {
		r.row(name+"(float8,float8) float8", pow)
	}
	r.row("atan2(float8,float8) float8", func(c *call, i int) error { return c.putF64(math.Atan2(c.f64(0, i), c.f64(1, i))) })
	r.row("pi() float8", func(c *call, i int) error { return c.putF64(math.Pi) })
	r.row("random() float8 volatile", func(c *call, i int) error { return c.putF64(rand.Float64()) })
	r.row("width_bucket(float8,float8,float8,int4) int4", widthBucket)
	r.row("isnan(float8) bool", func(c *call, i int) error { return c.putBool(math.IsNaN(c.f64(0, i))) })
}

func powFloat(x, y float64) (float64, error) {
	switch {
	case x == 0 && y < 0:
		return 0, errPowZero
	case x < 0 && !math.IsInf(x, 0) && y != math.Trunc(y) && !math.IsInf(y, 0):
		return 0, errPowComplex
	}
	return checkFloat(math.Pow(x, y), x, y, x == 0 || math.IsInf(x, 0) || math.IsInf(y, 0))
}

func widthBucket(c *call, i int) error {
	x, lo, hi, n := c.f64(0, i), c.f64(1, i), c.f64(2, i), c.i32(3, i)
	switch {
	case n <= 0:
		return sqlerr.New("2201G", "count must be greater than zero")
	case math.IsNaN(x) || math.IsNaN(lo) || math.IsNaN(hi):
		return sqlerr.New("2201G", "operand, lower bound, and upper bound cannot be NaN")
	case lo == hi:
		return sqlerr.New("2201G", "lower bound cannot equal upper bound")
	}
	pos := (x - lo) / (hi - lo)
	switch {
	case pos < 0:
		return c.putI32(0)
	case pos >= 1:
		return c.putI32(n + 1)
	}
	return c.putI32(int32(pos*float64(n)) + 1)
}

func registerAbs(r *registry) {
	r.row("abs(int2) int2", func(c *call, i int) error {
		if c.i32(0, i) == math.MinInt16 {
			return errIntRange(schema.Int16)
		}
		return c.putI32(max(c.i32(0, i), -c.i32(0, i)))
	})
	r.row("abs(int4) int4", func(c *call, i int) error {
		if c.i32(0, i) == math.MinInt32 {
			return errIntRange(schema.Int32)
		}
		return c.putI32(max(c.i32(0, i), -c.i32(0, i)))
	})
	r.row("abs(int8) int8", func(c *call, i int) error {
		if c.i64(0, i) == math.MinInt64 {
			return errIntRange(schema.Int64)
		}
		return c.putI64(max(c.i64(0, i), -c.i64(0, i)))
	})
	r.row("abs(float4) float4", func(c *call, i int) error { return c.putF32(float32(math.Abs(float64(c.f32(0, i))))) })
	r.vec("abs(float8) float8", mapFloat(math.Abs))
	r.row("abs(numeric) numeric", func(c *call, i int) error {
		d := c.dec(0, i)
		if !d.IsNaN() && d.Coef.Hi < 0 {
			d.Coef = d.Coef.Neg()
		}
		return c.putDec(d)
	})
}

func registerIntegerMath(r *registry) {
	r.row("gcd(int8,int8) int8", func(c *call, i int) error {
		g := gcd(absU(c.i64(0, i)), absU(c.i64(1, i)))
		if g > math.MaxInt64 {
			return errIntRange(schema.Int64)
		}
		return c.putI64(int64(g))
	})
	r.row("lcm(int8,int8) int8", func(c *call, i int) error {
		x, y := absU(c.i64(0, i)), absU(c.i64(1, i))
		if x == 0 || y == 0 {
			return c.putI64(0)
		}
		q := x / gcd(x, y)
		if q > math.MaxInt64 || y > math.MaxInt64 || mulOverflows(int64(q), int64(y)) {
			return errIntRange(schema.Int64)
		}
		return c.putI64(int64(q * y))
	})
}

func gcd(x, y uint64) uint64 {
	for y != 0 {
		x, y = y, x%y
	}
	return x
}
