package fn

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// call gives a row function typed access to its arguments and its result. The
// accessors read row i of argument k; a Const argument has one row.
type call struct {
	ctx  *Context
	args []*column.Vector
	out  *column.Vector
	// memo keeps what a function derived from constant arguments (a compiled
	// pattern, a parsed format) for the rest of the batch.
	memo any
}

// rowFunc computes row i: it must append exactly one value to c.out.
type rowFunc func(c *call, i int) error

// rowwise makes a vectorised evaluation of a row function. Rows that are not
// selected, or that have a NULL argument of a strict function, get a filler.
func rowwise(fn *Func, f rowFunc) evalFunc {
	return func(ctx *Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error {
		out.Reset(resultType(fn, args))
		c := call{ctx: ctx, args: args, out: out}
		if n > 1 && fn.Volatility != Volatile && allConst(args) {
			return evalConst(fn, f, &c, n, sel)
		}
		for i := range n {
			if dead(fn, args, sel, i) {
				c.filler()
				continue
			}
			if err := f(&c, i); err != nil {
				return err
			}
		}
		return nil
	}
}

// evalConst computes one row and makes the result Const.
func evalConst(fn *Func, f rowFunc, c *call, n int, sel column.Bitmap) error {
	if (sel != nil && !sel.Any()) || (!fn.NullCall && anyNull(c.args, 0)) {
		c.null()
	} else if err := f(c, 0); err != nil {
		return err
	}
	c.out.N, c.out.Const = n, true
	return nil
}

func resultType(fn *Func, args []*column.Vector) schema.Type {
	if fn.RetType == nil {
		return fn.Ret
	}
	types := make([]schema.Type, len(args))
	for i, a := range args {
		types[i] = a.Type
	}
	return fn.RetType(types)
}

func allConst(args []*column.Vector) bool {
	for _, a := range args {
		if !a.Const {
			return false
		}
	}
	return true
}

func dead(fn *Func, args []*column.Vector, sel column.Bitmap, i int) bool {
	return (sel != nil && !sel.Get(i)) || (!fn.NullCall && anyNull(args, i))
}

func anyNull(args []*column.Vector, i int) bool {
	for _, a := range args {
		if len(a.Nulls) > 0 && a.IsNull(i) {
			return true
		}
	}
	return false
}

// live reports whether an error at row i counts: the row is selected and no
// argument is NULL.
func live(args []*column.Vector, sel column.Bitmap, i int) bool {
	return (sel == nil || sel.Get(i)) && !anyNull(args, i)
}

// filler appends a value that nobody reads.
func (c *call) filler() { c.out.AppendNull() }

// null appends NULL.
func (c *call) null() error {
	c.out.AppendNull()
	return nil
}

func at(v *column.Vector, i int) int {
	if v.Const {
		return 0
	}
	return i
}

func (c *call) isNull(k, i int) bool  { return c.args[k].IsNull(i) }
func (c *call) bool(k, i int) bool    { v := c.args[k]; return v.Bools[at(v, i)] }
func (c *call) f32(k, i int) float32  { v := c.args[k]; return v.Float32s[at(v, i)] }
func (c *call) f64(k, i int) float64  { v := c.args[k]; return v.Float64s[at(v, i)] }
func (c *call) i64(k, i int) int64    { v := c.args[k]; return v.Int64s[at(v, i)] }
func (c *call) i32(k, i int) int32    { v := c.args[k]; return v.Int32s[at(v, i)] }
func (c *call) bytes(k, i int) []byte { return c.args[k].Bytes(i) }
func (c *call) str(k, i int) string   { return string(c.args[k].Bytes(i)) }
func (c *call) dec(k, i int) column.Decimal {
	v := c.args[k]
	return v.Decimals[at(v, i)]
}
func (c *call) iv(k, i int) column.Interval {
	v := c.args[k]
	return v.Intervals[at(v, i)]
}

// list returns the elements of a list argument.
func (c *call) list(k, i int) *column.Vector {
	v := c.args[k]
	i = at(v, i)
	return v.Elems.Slice(int(v.Offsets[i]), int(v.Offsets[i+1]))
}

// constArgs reports whether arguments k… are all constant, so that what is
// derived from them may be kept in c.memo.
func (c *call) constArgs(ks ...int) bool {
	for _, k := range ks {
		if k < len(c.args) && !c.args[k].Const {
			return false
		}
	}
	return true
}

func (c *call) putBool(b bool) error {
	c.out.Bools = append(c.out.Bools, b)
	c.out.N++
	return nil
}

func (c *call) putI32(x int32) error {
	c.out.Int32s = append(c.out.Int32s, x)
	c.out.N++
	return nil
}

func (c *call) putI64(x int64) error {
	c.out.Int64s = append(c.out.Int64s, x)
	c.out.N++
	return nil
}

func (c *call) putF32(x float32) error {
	c.out.Float32s = append(c.out.Float32s, x)
	c.out.N++
	return nil
}

func (c *call) putF64(x float64) error {
	c.out.Float64s = append(c.out.Float64s, x)
	c.out.N++
	return nil
}

func (c *call) putDec(x column.Decimal) error {
	c.out.Decimals = append(c.out.Decimals, x)
	c.out.N++
	return nil
}

func (c *call) putIv(x column.Interval) error {
	c.out.Intervals = append(c.out.Intervals, x)
	c.out.N++
	return nil
}

func (c *call) putBytes(b []byte) error {
	c.out.AppendBytes(b)
	return nil
}

func (c *call) putStr(s string) error {
	c.out.AppendString(s)
	return nil
}

// endRow closes a text row that was appended to c.out.Data directly.
func (c *call) endRow() error {
	c.out.Offsets = append(c.out.Offsets, uint32(len(c.out.Data)))
	c.out.N++
	return nil
}

// memoize returns what make derives from constant arguments ks, computed once
// per batch when they are constant and per row otherwise.
func memoize[T any](c *call, build func() (T, error), ks ...int) (T, error) {
	if m, ok := c.memo.(T); ok {
		return m, nil
	}
	m, err := build()
	if err == nil && c.constArgs(ks...) {
		c.memo = m
	}
	return m, err
}
