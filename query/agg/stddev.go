package agg

import (
	"fmt"
	"math"
	"math/big"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// The four forms of spread. For floats the states are count (int64), sum and
// sum of squared deviations (float64); for exact numbers count, sum and sum of
// squares (numeric).
var (
	stddevSampDef = spreadDef(idStddevSamp, spread{root: true, sample: true}, "stddev_samp", "stddev")
	stddevPopDef  = spreadDef(idStddevPop, spread{root: true}, "stddev_pop")
	varSampDef    = spreadDef(idVarSamp, spread{sample: true}, "var_samp", "variance")
	varPopDef     = spreadDef(idVarPop, spread{}, "var_pop")
)

// spread says which measure is asked for: the root (standard deviation) or
// not, of a sample (n-1) or a population.
type spread struct{ root, sample bool }

func spreadDef(id ID, sp spread, names ...string) definition {
	return definition{
		id:    id,
		names: names,
		bind:  one(schema.Type.IsNumeric),
		result: func(s *Spec) schema.Type {
			if s.Dialect == fn.Pinot || isFloat(s.Args[0]) {
				return schema.Float64
			}
			return schema.Numeric
		},
		states: func(s *Spec) []schema.Type {
			if isFloat(s.Args[0]) {
				return []schema.Type{schema.Int64, schema.Float64, schema.Float64}
			}
			return []schema.Type{schema.Int64, schema.Numeric, schema.Numeric}
		},
		open: func(s *Spec) Accumulator {
			if isFloat(s.Args[0]) {
				return &floatSpread{spec: s, spread: sp}
			}
			return &exactSpread{spec: s, spread: sp}
		},
	}
}

// enough reports whether n values have that measure.
func (sp spread) enough(n int64) bool { return n > 1 || n == 1 && !sp.sample }

// moments are the running count, sum and sum of squared deviations from the
// mean (Youngs and Cramer), which stay accurate where a sum of squares would
// cancel.
type moments struct {
	n       int64
	sx, sxx float64
}

func (m *moments) add(x float64) {
	if m.n == 0 {
		*m = moments{n: 1, sx: x, sxx: x * 0} // NaN or infinity makes it NaN
		return
	}
	n := float64(m.n)
	m.sx += x
	m.n++
	d := x*(n+1) - m.sx
	m.sxx += d * d / (n * (n + 1))
}

func (m *moments) merge(o moments) {
	switch {
	case o.n == 0:
	case m.n == 0:
		*m = o
	default:
		n1, n2 := float64(m.n), float64(o.n)
		d := m.sx/n1 - o.sx/n2
		m.sxx += o.sxx + n1*n2*d*d/(n1+n2)
		m.sx += o.sx
		m.n += o.n
	}
}

func addMoments[T float32 | float64](st []moments, groups []uint32, v *column.Vector, vals []T) {
	nulls := v.HasNulls()
	for i, x := range vals {
		if !nulls || !v.IsNull(i) {
			st[group(groups, i)].add(float64(x))
		}
	}
}

// floatSpread measures floats.
type floatSpread struct {
	spread
	spec *Spec
	st   []moments
}

func (a *floatSpread) Grow(n int)   { a.st = extend(a.st, n) }
func (a *floatSpread) Bytes() int64 { return int64(cap(a.st)) * 24 }

func (a *floatSpread) Update(groups []uint32, n int, args []*column.Vector) error {
	v := flat(args[0])
	if v.Kind() == schema.KindFloat32 {
		addMoments(a.st, groups, v, v.Float32s[:n])
	} else {
		addMoments(a.st, groups, v, v.Float64s[:n])
	}
	return nil
}

func (a *floatSpread) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	count, sx, sxx := flat(states[0]), flat(states[1]), flat(states[2])
	for i := range n {
		if count.Int64s[i] < 0 {
			return fmt.Errorf("%w: count %d", ErrCorruptState, count.Int64s[i])
		}
		a.st[group(groups, i)].merge(moments{n: count.Int64s[i], sx: sx.Float64s[i], sxx: sxx.Float64s[i]})
	}
	return nil
}

func (a *floatSpread) State(from, to int, dst []*column.Vector) error {
	for _, m := range a.st[from:to] {
		dst[0].Int64s = append(dst[0].Int64s, m.n)
		dst[1].Float64s = append(dst[1].Float64s, m.sx)
		dst[2].Float64s = append(dst[2].Float64s, m.sxx)
	}
	for _, v := range dst {
		v.N += to - from
	}
	return nil
}

func (a *floatSpread) Final(from, to int, dst *column.Vector) error {
	for _, m := range a.st[from:to] {
		if !a.enough(m.n) {
			dst.AppendNull()
			continue
		}
		appendFloat(dst, a.measure(m.sxx, float64(m.n)), 1)
	}
	return nil
}

func (sp spread) measure(sxx, n float64) float64 {
	if sp.sample {
		n--
	}
	if sp.root {
		return math.Sqrt(sxx / n)
	}
	return sxx / n
}

// exactSums are the count, sum and sum of squares of exact numbers.
type exactSums struct {
	n       int64
	sum, sq column.Decimal
}

// exactSpread measures whole and decimal numbers without rounding until the
// end. Sums of squares beyond 38 digits are an overflow.
type exactSpread struct {
	spread
	spec *Spec
	st   []exactSums
}

func (a *exactSpread) Grow(n int)   { a.st = extend(a.st, n) }
func (a *exactSpread) Bytes() int64 { return int64(cap(a.st)) * 72 }

func (a *exactSpread) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	for i := range n {
		if v.IsNull(i) {
			continue
		}
		d := exactValue(v.Value(i))
		sq, err := kernel.MulDecimal(d, d)
		if err != nil {
			return overflow(err)
		}
		if err := a.add(group(groups, i), exactSums{n: 1, sum: d, sq: sq}); err != nil {
			return err
		}
	}
	return nil
}

// exactValue returns a whole or decimal number as a Decimal.
func exactValue(x column.Value) column.Decimal {
	switch {
	case x.Type.Kind() == schema.KindDecimal:
		return x.D
	case x.Type.ID == schema.TypeNumeric:
		return column.DecimalFromInt64(x.I, x.Type.Scale)
	}
	return column.DecimalFromInt64(x.I, 0)
}

func (a *exactSpread) add(g uint32, o exactSums) error {
	s := &a.st[g]
	sum, err := kernel.AddDecimal(s.sum, o.sum)
	if err != nil {
		return overflow(err)
	}
	sq, err := kernel.AddDecimal(s.sq, o.sq)
	if err != nil {
		return overflow(err)
	}
	*s = exactSums{n: s.n + o.n, sum: sum, sq: sq}
	return nil
}

func (a *exactSpread) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	count, sum, sq := flat(states[0]), flat(states[1]), flat(states[2])
	for i := range n {
		if count.Int64s[i] < 0 {
			return fmt.Errorf("%w: count %d", ErrCorruptState, count.Int64s[i])
		}
		o := exactSums{n: count.Int64s[i], sum: sum.Decimals[i], sq: sq.Decimals[i]}
		if err := a.add(group(groups, i), o); err != nil {
			return err
		}
	}
	return nil
}

func (a *exactSpread) State(from, to int, dst []*column.Vector) error {
	for _, s := range a.st[from:to] {
		dst[0].Int64s = append(dst[0].Int64s, s.n)
		dst[1].Decimals = append(dst[1].Decimals, s.sum)
		dst[2].Decimals = append(dst[2].Decimals, s.sq)
	}
	for _, v := range dst {
		v.N += to - from
	}
	return nil
}

func (a *exactSpread) Final(from, to int, dst *column.Vector) error {
	for _, s := range a.st[from:to] {
		if !a.enough(s.n) {
			dst.AppendNull()
			continue
		}
		d, err := a.exactMeasure(s)
		if err != nil {
			return overflow(err)
		}
		if dst.Kind() == schema.KindFloat64 {
			appendFloat(dst, d.Float64(), 1)
			continue
		}
		dst.Append(column.DecimalValue(d))
	}
	return nil
}

// exactMeasure is (n·Σx² − (Σx)²) / (n·n or n·(n−1)), or its root, with
// PostgreSQL's number of digits.
func (sp spread) exactMeasure(s exactSums) (column.Decimal, error) {
	if s.sum.IsNaN() || s.sq.IsNaN() {
		return column.Decimal{Scale: column.DecimalNaN}, nil
	}
	n := big.NewInt(s.n)
	scale := max(2*int(s.sum.Scale), int(s.sq.Scale))
	num := new(big.Int).Mul(n, kernel.ScaledBig(s.sq, scale))
	sum := s.sum.Coef.Big()
	sq := new(big.Int).Mul(sum, sum)
	num.Sub(num, sq.Mul(sq, kernel.Pow10(scale-2*int(s.sum.Scale))))
	if num.Sign() <= 0 {
		return column.Decimal{}, nil
	}
	den := big.NewInt(s.n)
	if sp.sample {
		den.Sub(den, big.NewInt(1))
	}
	den.Mul(den, n)
	if sp.root {
		return kernel.SqrtRatio(num, scale, den)
	}
	return kernel.DivBig(num, scale, den, 0)
}
