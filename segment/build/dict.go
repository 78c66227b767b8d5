package build

import (
	"math"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

type vector = *column.Vector

// sortKey returns the function that gives a row's sort key and, for kinds of
// more than 64 bits, the comparison of two rows instead. Texts have none.
func sortKey(v vector) (key func(i int) uint64, compare func(a, b uint32) int) {
	const sign = 1 << 63
	switch v.Kind() {
	case schema.KindBool:
		return func(i int) uint64 {
			if v.Bools[i] {
				return 1
			}
			return 0
		}, nil
	case schema.KindInt32:
		return func(i int) uint64 { return uint64(int64(v.Int32s[i])) ^ sign }, nil
	case schema.KindInt64:
		return func(i int) uint64 { return uint64(v.Int64s[i]) ^ sign }, nil
	case schema.KindFloat32:
		return func(i int) uint64 { return floatKey(float64(v.Float32s[i])) }, nil
	case schema.KindFloat64:
		return func(i int) uint64 { return floatKey(v.Float64s[i]) }, nil
	}
	return func(int) uint64 { return 0 },
		func(a, b uint32) int { return segment.Compare(v.Value(int(a)), v.Value(int(b))) }
}

// floatKey maps floats to integers of the same order; NaN is the largest, and
// -0 is 0.
func floatKey(f float64) uint64 {
	switch {
	case f != f:
		return math.MaxUint64
	case f == 0:
		return 1 << 63
	}
	b := math.Float64bits(f)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

// sortedOrder returns the rows of v in order of their values, equal ones in
// order of position.
func sortedOrder(v vector) []uint32 {
	rows, tmp := make([]keyed, v.N), make([]keyed, v.N)
	for i := range rows {
		rows[i].row = uint32(i)
	}
	if v.Kind() == schema.KindBytes {
		sortTexts(v, rows, tmp, 0)
	} else {
		key, compare := sortKey(v)
		for i := range rows {
			rows[i].key = key(i)
		}
		sortByKey(rows, tmp)
		if compare != nil {
			slices.SortStableFunc(rows, func(a, b keyed) int { return compare(a.row, b.row) })
		}
	}
	order := make([]uint32, v.N)
	for i, r := range rows {
		order[i] = r.row
	}
	return order
}

// sortDictionary orders the dictionary and renumbers the ids. Values that
// compare equal share an id. Decimals of different scale do that too, but are
// shown differently: unless merge is set they make it return false and change
// nothing; with merge the form with the largest scale is kept.
func (d *data) sortDictionary(merge bool) bool {
	order, same := sortedOrder(d.dict), equalRows(d.dict)
	renumber := make([]uint32, d.dict.N)
	kept := make([]uint32, 0, d.dict.N)
	for i, old := range order {
		if i == 0 || !same(order[i-1], old) {
			kept = append(kept, old)
		} else if last := &kept[len(kept)-1]; d.dict.Kind() == schema.KindDecimal {
			if !merge {
				return false
			}
			if largerScale(d.dict, old, *last) {
				*last = old
			}
		}
		renumber[old] = uint32(len(kept) - 1)
	}
	d.dict = gatherRows(d.dict, kept)
	for i, id := range d.ids {
		d.ids[i] = renumber[id]
	}
	d.eachNull(func(i int) { d.ids[i] = 0 })
	return true
}

func largerScale(v vector, a, b uint32) bool {
	return v.Decimals[a].Scale > v.Decimals[b].Scale
}

// buildDictionary turns the values form into the dictionary form (in order of
// first occurrence) if there are at most limit distinct values.
func (d *data) buildDictionary(limit int) bool {
	e := newDictEncoder(d.typ)
	ids := make([]uint32, 0, d.n)
	nulls := d.nullBits()
	const step = 4096
	for from := 0; from < d.n; from += step {
		part := d.values.Slice(from, min(d.n, from+step))
		ids = e.encode(part, nulls, from, ids)
		if e.values.N > limit {
			return false
		}
	}
	d.dict, d.ids, d.values = e.values, ids, nil
	return true
}
