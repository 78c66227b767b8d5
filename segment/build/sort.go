package build

import (
	"bytes"
	"slices"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// sortRows computes the order of rows by the sort column, NULLs last, stable.
func (b *builder) sortRows() error {
	for i := range b.plans {
		if !b.plans[i].sorted {
			continue
		}
		d, err := b.src.load(b.plans[i].field)
		if err != nil || d == nil || d.allNull {
			return err
		}
		b.perm = d.order()
	}
	return nil
}

// order returns the stable order of the rows by value, nil when they are in
// order already.
func (d *data) order() []uint32 {
	keys, groups := d.rankRows()
	sorted := true
	for i := 1; i < len(keys) && sorted; i++ {
		sorted = keys[i-1] <= keys[i]
	}
	if sorted {
		return nil
	}
	starts := make([]uint32, groups+1)
	for _, k := range keys {
		starts[k+1]++
	}
	for i := 1; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	perm := make([]uint32, len(keys))
	for i, k := range keys {
		perm[starts[k]] = uint32(i)
		starts[k]++
	}
	return perm
}

// rankRows returns for each row the rank of its value among the distinct
// values, NULLs having the last, and the number of ranks.
func (d *data) rankRows() (ranks []uint32, groups int) {
	if d.dict != nil {
		d.sortDictionary(true)
		ranks = slices.Clone(d.ids)
		groups = d.dict.N
	} else {
		ranks, groups = d.rankValues()
	}
	d.eachNull(func(i int) { ranks[i] = uint32(groups) })
	return ranks, groups + 1
}

// rankValues ranks rows of the values form.
func (d *data) rankValues() (ranks []uint32, groups int) {
	order := sortedOrder(d.values)
	ranks = make([]uint32, d.n)
	same := equalRows(d.values)
	for i, row := range order {
		if i > 0 && !same(order[i-1], row) {
			groups++
		}
		ranks[row] = uint32(groups)
	}
	return ranks, groups + 1
}

// equalRows returns the test whether two rows are equal.
func equalRows(v vector) func(a, b uint32) bool {
	switch v.Kind() {
	case schema.KindInt32:
		return func(a, b uint32) bool { return v.Int32s[a] == v.Int32s[b] }
	case schema.KindInt64:
		return func(a, b uint32) bool { return v.Int64s[a] == v.Int64s[b] }
	case schema.KindBytes:
		return func(a, b uint32) bool { return bytes.Equal(v.Bytes(int(a)), v.Bytes(int(b))) }
	}
	return func(a, b uint32) bool {
		return segment.Compare(v.Value(int(a)), v.Value(int(b))) == 0
	}
}
