package agg

import (
	"encoding/binary"
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// histogramDef is histogram(x, lower, upper, bins): how many values lie in each
// of as many bins of equal width. A bin holds its lower bound, the last one its
// upper bound too; values outside and NaN are not counted. State: one bytes
// column with the header and a uvarint count per bin.
var histogramDef = definition{
	id:         idHistogram,
	names:      []string{"histogram"},
	bind:       bindHistogram,
	rowArgs:    1,
	paramTypes: []schema.Type{schema.Float64, schema.Float64, schema.Int32},
	params:     histogramParams,
	result:     fixed(schema.Float64.AsList()),
	states:     fixedStates(schema.Bytea),
	open: func(s *Spec) Accumulator {
		return &histogram{spec: s, lower: s.Params[0].F, upper: s.Params[1].F, bins: int(s.Params[2].I)}
	},
}

// maxBins bounds the memory of a group.
const maxBins = 10_000

func bindHistogram(args []schema.Type, _ fn.Dialect) ([]schema.Type, bool) {
	return []schema.Type{schema.Float64}, len(args) == 1 && args[0].IsNumeric()
}

func histogramParams(s *Spec, params []column.Value) ([]column.Value, error) {
	if len(params) != 3 {
		return nil, badParams(s)
	}
	var f [3]float64
	for i, p := range params {
		x, ok := floatOf(p)
		if !ok {
			return nil, badParams(s)
		}
		f[i] = x
	}
	width := f[1] - f[0]
	switch {
	case !(width > 0) || math.IsInf(width, 0):
		return nil, sqlerr.New(sqlerr.InvalidParameter, "the bounds of histogram are not finite and ascending")
	case f[2] != math.Trunc(f[2]) || !(f[2] >= 1 && f[2] <= maxBins):
		return nil, sqlerr.New(sqlerr.InvalidParameter, "the number of bins of histogram is a whole number from 1 to %d", maxBins)
	}
	return []column.Value{
		column.FloatValue(schema.Float64, f[0]), column.FloatValue(schema.Float64, f[1]), column.IntValue(schema.Int32, int64(f[2])),
	}, nil
}

// histogram holds bins counts per group.
type histogram struct {
	spec         *Spec
	lower, upper float64
	bins         int
	counts       []int64
}

func (a *histogram) Grow(n int)   { a.counts = extend(a.counts, n*a.bins) }
func (a *histogram) Bytes() int64 { return int64(cap(a.counts)) * 8 }

func (a *histogram) Update(groups []uint32, n int, args []*column.Vector) error {
	v := flat(args[0])
	nulls := v.HasNulls()
	scale := float64(a.bins) / (a.upper - a.lower)
	for i, x := range v.Float64s[:n] {
		if nulls && v.IsNull(i) || !(x >= a.lower && x <= a.upper) {
			continue
		}
		bin := min(int((x-a.lower)*scale), a.bins-1)
		a.counts[int(group(groups, i))*a.bins+bin]++
	}
	return nil
}

// of returns the bins of a group.
func (a *histogram) of(g int) []int64 { return a.counts[g*a.bins : (g+1)*a.bins] }

func (a *histogram) State(from, to int, dst []*column.Vector) error {
	var buf []byte
	for g := from; g < to; g++ {
		buf = appendHeader(buf[:0], a.spec.ID)
		for _, c := range a.of(g) {
			buf = binary.AppendUvarint(buf, uint64(c))
		}
		dst[0].AppendBytes(buf)
	}
	return nil
}

func (a *histogram) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	for i := range n {
		if states[0].IsNull(i) {
			return ErrCorruptState
		}
		b, err := readHeader(states[0].Bytes(i), a.spec.ID)
		if err != nil {
			return err
		}
		d := decoder{b: b}
		for bin := range a.bins {
			c := d.uvarint()
			d.failed = d.failed || c > maxCount
			a.counts[int(group(groups, i))*a.bins+bin] += int64(c)
		}
		d.failed = d.failed || len(d.b) > 0
		if err := d.err("histogram"); err != nil {
			return err
		}
	}
	return nil
}

func (a *histogram) Final(from, to int, dst *column.Vector) error {
	for g := from; g < to; g++ {
		list := column.New(schema.Float64, a.bins)
		for _, c := range a.of(g) {
			appendFloat(list, float64(c), 1)
		}
		dst.Append(column.Value{Type: dst.Type, List: list})
	}
	return nil
}
