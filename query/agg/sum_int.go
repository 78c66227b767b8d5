package agg

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// intSum adds whole numbers, also numerics stored as scaled int64. The sum of
// a group is kept in 64 bits beside its count, in one cache line; what
// overflows is moved to a 128-bit part, so that no sum is ever wrong.
type intSum struct {
	spec  *Spec
	avg   bool
	scale uint8 // of the argument's values
	st    []kernel.SumCount
	// bound is at least the absolute value of every 64-bit sum.
	bound uint64
	// spill holds what left the 64-bit sums.
	spill map[uint32]column.Int128
}

func newIntSum(s *Spec, avg bool) *intSum {
	a := &intSum{spec: s, avg: avg}
	if t := s.Args[0]; t.ID == schema.TypeNumeric {
		a.scale = t.Scale
	}
	return a
}

func (a *intSum) Grow(n int)   { a.st = extend(a.st, n) }
func (a *intSum) Bytes() int64 { return int64(cap(a.st))*16 + int64(len(a.spill))*48 }

func (a *intSum) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	if v.Const && v.IsNull(0) {
		return nil
	}
	v = flat(v)
	var nulls column.Bitmap
	if v.HasNulls() {
		nulls = v.Nulls
	}
	if v.Kind() == schema.KindInt32 {
		a.update32(groups, v.Int32s[:n], nulls)
	} else {
		a.update64(groups, v.Int64s[:n], nulls)
	}
	return nil
}

func (a *intSum) update32(groups []uint32, vals []int32, nulls column.Bitmap) {
	switch {
	case groups == nil && nulls == nil:
		a.add(0, column.Int128From(kernel.SumInt32(vals)), len(vals))
	case groups == nil:
		sum, n := kernel.SumInt32Except(vals, nulls)
		a.add(0, column.Int128From(sum), n)
	case nulls == nil:
		// A group has fewer than 2^32 rows here, which 63 bits hold.
		a.bound = math.MaxInt64
		kernel.SumGroupsInt32(a.st, groups[:len(vals)], vals)
	default:
		for i, v := range vals {
			if !nulls.Get(i) {
				a.add(groups[i], column.Int128From(int64(v)), 1)
			}
		}
	}
}

func (a *intSum) update64(groups []uint32, vals []int64, nulls column.Bitmap) {
	switch {
	case groups == nil && nulls == nil:
		a.add(0, kernel.SumInt64(vals), len(vals))
	case groups == nil:
		sum, n := kernel.SumInt64Except(vals, nulls)
		a.add(0, sum, n)
	case nulls == nil && a.fit(vals):
		kernel.AddGroupsInt64(a.st, groups[:len(vals)], vals)
	case nulls == nil:
		a.bound = math.MaxInt64
		for i := 0; i < len(vals); {
			i += kernel.SumGroupsInt64(a.st, groups[i:len(vals)], vals[i:])
			if i < len(vals) {
				a.add(groups[i], column.Int128From(vals[i]), 1)
				i++
			}
		}
	default:
		for i, v := range vals {
			if !nulls.Get(i) {
				a.add(groups[i], column.Int128From(v), 1)
			}
		}
	}
}

// AddShifted implements ShiftedSum.
func (a *intSum) AddShifted(other Accumulator, n int, x int64) {
	o := other.(*intSum)
	for g := range n {
		count := o.st[g].Count
		if count == 0 {
			continue
		}
		hi, lo := bits.Mul64(uint64(count), magnitude(x))
		shift := column.Int128{Hi: int64(hi), Lo: lo}
		if x < 0 {
			shift = shift.Neg()
		}
		a.add(uint32(g), o.total(g).Add(shift), int(count))
	}
}

// Rows implements RowSource.
func (a *intSum) Rows(rows []uint32) {
	for g := range rows {
		rows[g] = uint32(a.st[g].Count)
	}
}

// fit reports whether vals can be added without a look at each sum: even if
// all belonged to one group it could not overflow.
func (a *intSum) fit(vals []int64) bool {
	if len(vals) == 0 {
		return true
	}
	lo, hi := kernel.MinMaxInt64(vals)
	over, most := bits.Mul64(max(magnitude(lo), magnitude(hi)), uint64(len(vals)))
	if over != 0 || most > math.MaxInt64 || a.bound > math.MaxInt64-most {
		return false
	}
	a.bound += most
	return true
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

// add adds x, the sum of n values, to a group.
func (a *intSum) add(g uint32, x column.Int128, n int) {
	a.bound = math.MaxInt64
	s := &a.st[g]
	s.Count += int64(n)
	if x.IsInt64() {
		v := int64(x.Lo)
		if t := s.Sum + v; (t^s.Sum)&(t^v) >= 0 {
			s.Sum = t
			return
		}
	}
	if a.spill == nil {
		a.spill = map[uint32]column.Int128{}
	}
	a.spill[g] = a.spill[g].AddInt64(s.Sum).Add(x)
	s.Sum = 0
}

// total returns the exact sum of a group.
func (a *intSum) total(g int) column.Int128 {
	t := column.Int128From(a.st[g].Sum)
	if a.spill != nil {
		t = t.Add(a.spill[uint32(g)])
	}
	return t
}

func (a *intSum) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	v := flat(states[0])
	for i := range n {
		if v.IsNull(i) {
			continue
		}
		count := 1
		if a.avg {
			if count = int(flat(states[1]).Int64s[i]); count <= 0 {
				return fmt.Errorf("%w: sum of %d values", ErrCorruptState, count)
			}
		}
		x, err := a.stateSum(v, i)
		if err != nil {
			return err
		}
		a.add(group(groups, i), x, count)
	}
	return nil
}

func (a *intSum) stateSum(v *column.Vector, i int) (column.Int128, error) {
	if v.Kind() == schema.KindInt64 {
		return column.Int128From(v.Int64s[i]), nil
	}
	d := v.Decimals[i]
	if d.Scale != a.scale {
		return column.Int128{}, fmt.Errorf("%w: scale %d, not %d", ErrCorruptState, d.Scale, a.scale)
	}
	return d.Coef, nil
}

func (a *intSum) State(from, to int, dst []*column.Vector) error {
	for g := from; g < to; g++ {
		if err := a.appendSum(g, dst[0]); err != nil {
			return err
		}
		if a.avg {
			dst[1].Int64s = append(dst[1].Int64s, a.st[g].Count)
			dst[1].N++
		}
	}
	return nil
}

// appendSum appends the sum as dst's kind holds it.
func (a *intSum) appendSum(g int, dst *column.Vector) error {
	if a.st[g].Count == 0 {
		dst.AppendNull()
		return nil
	}
	t := a.total(g)
	switch dst.Kind() {
	case schema.KindDecimal:
		dst.Decimals = append(dst.Decimals, column.Decimal{Coef: t, Scale: a.scale})
	case schema.KindFloat64:
		dst.Float64s = append(dst.Float64s, column.Decimal{Coef: t, Scale: a.scale}.Float64())
	default:
		if !t.IsInt64() {
			return sqlerr.New(sqlerr.NumericOutOfRange, "bigint out of range")
		}
		dst.Int64s = append(dst.Int64s, int64(t.Lo))
	}
	dst.N++
	return nil
}

func (a *intSum) Final(from, to int, dst *column.Vector) error {
	for g := from; g < to; g++ {
		var err error
		if a.avg {
			err = appendAvg(dst, column.Decimal{Coef: a.total(g), Scale: a.scale}, a.st[g].Count)
		} else {
			err = a.appendSum(g, dst)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// appendAvg appends sum / n as dst's kind holds it, NULL for no values.
func appendAvg(dst *column.Vector, sum column.Decimal, n int64) error {
	if n == 0 {
		dst.AppendNull()
		return nil
	}
	if dst.Kind() == schema.KindFloat64 {
		dst.Float64s = append(dst.Float64s, sum.Float64()/float64(n))
		dst.N++
		return nil
	}
	q, err := kernel.DivDecimal(sum, column.DecimalFromInt64(n, 0))
	if err != nil {
		return overflow(err)
	}
	dst.Decimals = append(dst.Decimals, q)
	dst.N++
	return nil
}

// overflow gives an overflow of a numeric its SQLSTATE.
func overflow(err error) error {
	if err == nil {
		return nil
	}
	return sqlerr.New(sqlerr.NumericOutOfRange, "%w", err)
}
