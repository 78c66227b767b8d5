package kernel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// AppendGrowth bounds the bytes that appending more elements of a size to a
// slice allocates: 0 while they fit, else the new array. The old one lives on
// until the elements are copied.
func AppendGrowth(length, capacity, more int, size int64) int64 {
	if length+more <= capacity {
		return 0
	}
	grown := capacity + capacity/4 + 192
	if capacity < 256 {
		grown = 2 * capacity
	}
	return size * int64(max(grown, length+more))
}

// VectorGrowth bounds the bytes that appending rows to a vector allocates, if
// values of variable length are as long as those that it has.
func VectorGrowth(v *column.Vector, rows int) int64 {
	n := AppendGrowth(len(v.Bools), cap(v.Bools), more(len(v.Bools), rows), 1) +
		AppendGrowth(len(v.Int32s), cap(v.Int32s), more(len(v.Int32s), rows), 4) +
		AppendGrowth(len(v.Float32s), cap(v.Float32s), more(len(v.Float32s), rows), 4) +
		AppendGrowth(len(v.Offsets), cap(v.Offsets), more(len(v.Offsets), rows), 4) +
		AppendGrowth(len(v.Int64s), cap(v.Int64s), more(len(v.Int64s), rows), 8) +
		AppendGrowth(len(v.Float64s), cap(v.Float64s), more(len(v.Float64s), rows), 8) +
		AppendGrowth(len(v.Decimals), cap(v.Decimals), more(len(v.Decimals), rows), 24) +
		AppendGrowth(len(v.Intervals), cap(v.Intervals), more(len(v.Intervals), rows), 16) +
		AppendGrowth(len(v.Data), cap(v.Data), perRow(len(v.Data), v.N, rows), 1)
	if v.Elems != nil {
		n += VectorGrowth(v.Elems, perRow(v.Elems.N, v.N, rows))
	}
	return n
}

// more is the number of rows for an array that is used, else 0.
func more(used, rows int) int {
	if used == 0 {
		return 0
	}
	return rows
}

// perRow is the part of rows more rows, when n rows have so much.
func perRow(have, n, rows int) int {
	if n == 0 {
		return 0
	}
	return (have/n + 1) * rows
}

// tableGrowth bounds the bytes that a hash table of a size allocates for more
// keys when three quarters of its places may be used.
func tableGrowth(keys, size, more int, width int64) int64 {
	grown := max(size, 16)
	for (keys+more)*4 >= grown*3 {
		grown *= 2
	}
	if grown == size {
		return 0
	}
	return int64(grown) * width
}

// Growth bounds the bytes that adding so many keys allocates, if they are as
// long as those that it has.
func (t *KeyTable) Growth(keys int) int64 {
	n := len(t.ends)
	return tableGrowth(n, len(t.slots), keys, 4) +
		AppendGrowth(n, cap(t.hashes), keys, 4) +
		AppendGrowth(n, cap(t.ends), keys, 8) +
		AppendGrowth(len(t.data), cap(t.data), perRow(len(t.data), n, keys), 1)
}

// Growth bounds the bytes that adding so many pairs allocates.
func (s *PairSet) Growth(pairs int) int64 {
	if s.blocks != nil {
		return tableGrowth(s.used, len(s.blocks), pairs, pairBlockBytes)
	}
	return tableGrowth(s.n, len(s.groups), pairs, pairBytes)
}

// ValueBytes is what a value takes in a vector; of variable ones the least.
func ValueBytes(t schema.Type) int64 {
	switch t.Kind() {
	case schema.KindBool:
		return 1
	case schema.KindInt64, schema.KindFloat64:
		return 8
	case schema.KindDecimal:
		return 24
	case schema.KindInterval:
		return 16
	}
	return 4
}

// IsVariable reports whether values differ in size.
func IsVariable(t schema.Type) bool {
	return t.Kind() == schema.KindBytes || t.Kind() == schema.KindList
}
