package agg

import (
	"math"
	"unsafe"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// The percentiles of a KLL sketch (Karnin, Lang and Liberty, 2016), which are
// values that occur: Pinot's PERCENTILEKLL(x, p [, K]), p from 0 to 100, K from
// 8 to 65535 and by default 200 (a rank error of 1.65 % with a probability of
// 99 %), and PERCENTILEEST(x, p), which gives a whole number.
//
// The state is one bytes column: the header, uvarint K, the uvarint number of
// values, and if there are any the least and the greatest (u64 words), the
// uvarint number of levels, and per level the uvarint number of items and the
// items in ascending order (u64 words). An item of level h stands for 2^h
// values. A word is an integer whose unsigned order is that of the floats, NaN
// above all.
var (
	percentileKLLDef = definition{
		id:         idPercentileKLL,
		names:      []string{"percentilekll"},
		bind:       bindFloats,
		rowArgs:    1,
		paramTypes: []schema.Type{schema.Float64, schema.Int32},
		params:     kllParams,
		result:     fixed(schema.Float64),
		states:     fixedStates(schema.Bytea),
		open:       openKLL,
	}
	percentileEstDef = definition{
		id:         idPercentileEst,
		names:      []string{"percentileest"},
		bind:       bindFloats,
		rowArgs:    1,
		paramTypes: []schema.Type{schema.Float64, schema.Int32},
		params:     kllParams,
		result:     fixed(schema.Int64),
		states:     fixedStates(schema.Bytea),
		open:       openKLL,
	}
)

const (
	kllK    = 200
	kllMinK = 8
	kllMaxK = 65535
)

// kllParams takes the percentile, then K.
func kllParams(s *Spec, params []column.Value) ([]column.Value, error) {
	if len(params) < 1 || len(params) > 2 || params[0].Null {
		return nil, badParams(s)
	}
	p, err := fraction(s, params[0], 100)
	if err != nil {
		return nil, err
	}
	size := column.IntValue(schema.Int32, kllK)
	if len(params) == 2 {
		if size, err = sizeParam(s, params[1], "K", kllMinK, kllMaxK); err != nil {
			return nil, err
		}
	}
	return []column.Value{p, size}, nil
}

func openKLL(s *Spec) Accumulator {
	a := &kll{}
	a.sketches = sketches[kllSketch, *kllSketch]{spec: s, size: int(s.Params[1].I), width: int64(unsafe.Sizeof(kllSketch{}))}
	return a
}

// kll is a sketch per group.
type kll struct {
	sketches[kllSketch, *kllSketch]
}

func (a *kll) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	if v.Const {
		v = v.Flatten()
	}
	nulls := v.HasNulls()
	for i, x := range v.Float64s[:n] {
		if nulls && v.IsNull(i) {
			continue
		}
		if g, w := group(groups, i), orderFloat(x); !a.st[g].add(w) {
			a.change(g, func(s *kllSketch) { s.makeRoom(w, a.size) })
		}
	}
	return nil
}

func (a *kll) Final(from, to int, dst *column.Vector) error {
	for g := from; g < to; g++ {
		s := &a.st[g]
		if s.n == 0 {
			dst.AppendNull()
			continue
		}
		f := floatOfOrder(s.quantile(a.spec.Params[0].F / 100))
		if dst.Kind() == schema.KindFloat64 {
			dst.Append(column.FloatValue(schema.Float64, f))
			continue
		}
		dst.Append(column.IntValue(schema.Int64, wholeOf(f)))
	}
	return nil
}

// wholeOf cuts a float to an integer as Java does: NaN is 0, and what lies
// outside becomes the nearest bound.
func wholeOf(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// floatOfOrder is the inverse of orderFloat.
func floatOfOrder(w uint64) float64 {
	if w&signBit != 0 {
		return math.Float64frombits(w &^ signBit)
	}
	return math.Float64frombits(^w)
}
