package agg

import (
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// countDef is count(*) and count(x). State: one int64.
var countDef = definition{
	id:    idCount,
	names: []string{"count"},
	bind: func(args []schema.Type, _ fn.Dialect) ([]schema.Type, bool) {
		return args, len(args) <= 1
	},
	result: fixed(schema.Int64),
	states: fixedStates(schema.Int64),
	open:   func(s *Spec) Accumulator { return &count{spec: s} },
}

// count holds the number of non-NULL rows per group.
type count struct {
	spec *Spec
	n    []int64
}

func (a *count) Grow(n int)   { a.n = extend(a.n, n) }
func (a *count) Bytes() int64 { return int64(cap(a.n)) * 8 }

func (a *count) Update(groups []uint32, n int, args []*column.Vector) error {
	var nulls column.Bitmap
	if len(args) > 0 {
		v := args[0]
		if v.Const && v.IsNull(0) {
			return nil
		}
		if !v.Const && v.HasNulls() {
			nulls = v.Nulls
		}
	}
	switch {
	case groups == nil:
		a.n[0] += int64(n - kernel.CountRange(nulls, 0, n))
	case nulls == nil:
		kernel.CountGroups(a.n, groups[:n])
	default:
		for i, g := range groups[:n] {
			if !nulls.Get(i) {
				a.n[g]++
			}
		}
	}
	return nil
}

// AddRows implements RowCounter.
func (a *count) AddRows(rows []uint32) {
	for g, n := range rows {
		a.n[g] += int64(n)
	}
}

func (a *count) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	v := flat(states[0])
	for i := range n {
		if v.IsNull(i) || v.Int64s[i] < 0 {
			return fmt.Errorf("%w: count %d", ErrCorruptState, v.Int64s[i])
		}
		a.n[group(groups, i)] += v.Int64s[i]
	}
	return nil
}

func (a *count) State(from, to int, dst []*column.Vector) error {
	dst[0].Int64s = append(dst[0].Int64s, a.n[from:to]...)
	dst[0].N += to - from
	return nil
}

func (a *count) Final(from, to int, dst *column.Vector) error {
	return a.State(from, to, []*column.Vector{dst})
}
