package agg

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// arrayAggDef is array_agg(x): all values, NULLs included, in the order in
// which they come. State: the list so far, NULL for no rows.
var arrayAggDef = definition{
	id:    idArrayAgg,
	names: []string{"array_agg"},
	bind: one(func(t schema.Type) bool {
		return t.Kind() != schema.KindInvalid && t.Kind() != schema.KindList
	}),
	result: func(s *Spec) schema.Type { return s.Args[0].AsList() },
	states: func(s *Spec) []schema.Type { return []schema.Type{s.Args[0].AsList()} },
	open:   func(s *Spec) Accumulator { return &arrayAgg{spec: s, vals: column.New(s.Args[0], 0)} },
}

// arrayAgg keeps all values in one vector and a chain of rows per group.
type arrayAgg struct {
	spec        *Spec
	first, last []uint32 // per group: 1 + a row of vals, 0 for none
	next        []uint32 // per row of vals: 1 + the group's next row, 0 for the last
	vals        *column.Vector
}

func (a *arrayAgg) Grow(n int) {
	a.first = extend(a.first, n)
	a.last = extend(a.last, n)
}

func (a *arrayAgg) Bytes() int64 {
	return int64(cap(a.first)+cap(a.last)+cap(a.next))*4 + a.vals.MemoryBytes()
}

func (a *arrayAgg) Update(groups []uint32, n int, args []*column.Vector) error {
	for i := range n {
		a.add(group(groups, i), args[0], i)
	}
	return nil
}

func (a *arrayAgg) add(g uint32, v *column.Vector, i int) {
	a.vals.AppendFrom(v, i)
	a.next = append(a.next, 0)
	row := uint32(a.vals.N)
	if a.first[g] == 0 {
		a.first[g] = row
	} else {
		a.next[a.last[g]-1] = row
	}
	a.last[g] = row
}

func (a *arrayAgg) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	v := flat(states[0])
	if v.Elems == nil || v.Elems.Kind() != a.vals.Kind() {
		return ErrCorruptState
	}
	for i := range n {
		if v.IsNull(i) {
			continue
		}
		for j := v.Offsets[i]; j < v.Offsets[i+1]; j++ {
			a.add(group(groups, i), v.Elems, int(j))
		}
	}
	return nil
}

func (a *arrayAgg) State(from, to int, dst []*column.Vector) error {
	return a.Final(from, to, dst[0])
}

func (a *arrayAgg) Final(from, to int, dst *column.Vector) error {
	for _, row := range a.first[from:to] {
		if row == 0 {
			dst.AppendNull()
			continue
		}
		for ; row != 0; row = a.next[row-1] {
			dst.Elems.AppendFrom(a.vals, int(row-1))
		}
		dst.Offsets = append(dst.Offsets, uint32(dst.Elems.N))
		dst.N++
	}
	return nil
}
