package fn

import (
	"math"
	"math/big"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// arithOp is an operator that is computed for a whole vector at once: errors
// are looked for afterwards, only where the loop saw a reason.
type arithOp uint8

const (
	opAdd arithOp = iota
	opSub
	opMul
)

func registerFastArith(r *registry) {
	for _, op := range []struct {
		name string
		op   arithOp
		dec  func(x, y column.Decimal) (column.Decimal, error)
	}{{"+", opAdd, addDecimal}, {"-", opSub, subDecimal}, {"*", opMul, mulDecimal}} {
		n := op.name
		same := map[schema.Type]*Func{
			schema.Int16:   r.vec(n+"(int2,int2) int2", intArith(op.op, math.MinInt16, math.MaxInt16)),
			schema.Int32:   r.vec(n+"(int4,int4) int4", intArith(op.op, math.MinInt32, math.MaxInt32)),
			schema.Int64:   r.vec(n+"(int8,int8) int8", int64Arith(op.op)),
			schema.Float32: r.vec(n+"(float4,float4) float4", float32Arith(op.op)),
			schema.Float64: r.vec(n+"(float8,float8) float8", float64Arith(op.op)),
		}
		r.row(n+"(numeric,numeric) numeric", func(c *call, i int) error {
			x, err := op.dec(c.dec(0, i), c.dec(1, i))
			c.putDec(x)
			return err
		})
		registerCrossPairs(r, same)
	}
}

// step is 0 for a Const vector and 1 otherwise, so that i*step is its row.
func step(v *column.Vector) int {
	if v.Const {
		return 0
	}
	return 1
}

// intArith computes in int64 and checks the bounds of the narrower type.
func intArith(op arithOp, lo, hi int64) evalFunc {
	t := schema.Int32
	if hi == math.MaxInt16 {
		t = schema.Int16
	}
	return func(_ *Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
		out.Reset(t)
		out.Resize(n)
		a, b, sa, sb := args[0].Int32s, args[1].Int32s, step(args[0]), step(args[1])
		dst := out.Int32s
		bad := false
		switch op {
		case opAdd:
			for i := range dst {
				x := int64(a[i*sa]) + int64(b[i*sb])
				dst[i] = int32(x)
				bad = bad || x < lo || x > hi
			}
		case opSub:
			for i := range dst {
				x := int64(a[i*sa]) - int64(b[i*sb])
				dst[i] = int32(x)
				bad = bad || x < lo || x > hi
			}
		case opMul:
			for i := range dst {
				x := int64(a[i*sa]) * int64(b[i*sb])
				dst[i] = int32(x)
				bad = bad || x < lo || x > hi
			}
		}
		if !bad {
			return nil
		}
		return firstLive(args, sel, n, errIntRange(t), func(i int) bool {
			x := op.apply(int64(a[i*sa]), int64(b[i*sb]))
			return x < lo || x > hi
		})
	}
}

// apply computes with wrapping.
func (op arithOp) apply(x, y int64) int64 {
	switch op {
	case opAdd:
		return x + y
	case opSub:
		return x - y
	}
	return x * y
}

// overflows reports whether the exact result leaves int64.
func (op arithOp) overflows(x, y int64) bool {
	switch op {
	case opAdd:
		s := x + y
		return (x^s)&(y^s) < 0
	case opSub:
		s := x - y
		return (x^y)&(x^s) < 0
	}
	return mulOverflows(x, y)
}

// firstLive returns err if a live row is bad.
func firstLive(args []*column.Vector, sel column.Bitmap, n int, err error, bad func(i int) bool) error {
	for i := range n {
		if live(args, sel, i) && bad(i) {
			return err
		}
	}
	return nil
}

func int64Arith(op arithOp) evalFunc {
	loop := map[arithOp]func(dst, a, b []int64) bool{
		opAdd: kernel.AddInt64, opSub: kernel.SubInt64, opMul: kernel.MulInt64,
	}[op]
	return func(_ *Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
		out.Reset(schema.Int64)
		out.Resize(n)
		if !loop(out.Int64s, int64Operand(args[0]), int64Operand(args[1])) {
			return nil
		}
		a, b, sa, sb := args[0].Int64s, args[1].Int64s, step(args[0]), step(args[1])
		return firstLive(args, sel, n, errIntRange(schema.Int64), func(i int) bool {
			return op.overflows(a[i*sa], b[i*sb])
		})
	}
}

// int64Operand returns the values of v, one that stands for all if v is Const.
func int64Operand(v *column.Vector) []int64 {
	if v.Const {
		return v.Int64s[:1]
	}
	return v.Int64s
}

func float64Arith(op arithOp) evalFunc {
	return func(_ *Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
		out.Reset(schema.Float64)
		out.Resize(n)
		a, b, sa, sb := args[0].Float64s, args[1].Float64s, step(args[0]), step(args[1])
		floatLoop(op, a, b, sa, sb, out.Float64s)
		return checkFloats(op, args, a, b, sa, sb, sel, out.Float64s)
	}
}

func float32Arith(op arithOp) evalFunc {
	return func(_ *Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
		out.Reset(schema.Float32)
		out.Resize(n)
		a, b, sa, sb := args[0].Float32s, args[1].Float32s, step(args[0]), step(args[1])
		floatLoop(op, a, b, sa, sb, out.Float32s)
		return checkFloats(op, args, a, b, sa, sb, sel, out.Float32s)
	}
}

func floatLoop[T float32 | float64](op arithOp, a, b []T, sa, sb int, dst []T) {
	switch op {
	case opAdd:
		for i := range dst {
			dst[i] = a[i*sa] + b[i*sb]
		}
	case opSub:
		for i := range dst {
			dst[i] = a[i*sa] - b[i*sb]
		}
	case opMul:
		for i := range dst {
			dst[i] = a[i*sa] * b[i*sb]
		}
	}
}

// checkFloats looks for overflow and underflow as PostgreSQL does: a result
// that is infinite or zero where the operands do not say so.
func checkFloats[T float32 | float64](op arithOp, args []*column.Vector, a, b []T, sa, sb int, sel column.Bitmap, dst []T) error {
	for i, z := range dst {
		if z-z == 0 && (z != 0 || op != opMul) {
			continue
		}
		x, y := float64(a[i*sa]), float64(b[i*sb])
		if !live(args, sel, i) {
			continue
		}
		if _, err := checkFloat(float64(z), x, y, op != opMul || x == 0 || y == 0); err != nil {
			return err
		}
	}
	return nil
}

// roundHalfAway divides a by b rounding half away from zero.
func roundHalfAway(a, b *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	if r.Lsh(r.Abs(r), 1).CmpAbs(b) >= 0 {
		q.Add(q, big.NewInt(int64(a.Sign()*b.Sign())))
	}
	return q
}
