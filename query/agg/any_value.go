package agg

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// anyValueDef is any_value(x): some value of the group that is not NULL. State:
// the value, NULL for none.
var anyValueDef = definition{
	id:              idAnyValue,
	names:           []string{"any_value"},
	bind:            one(func(t schema.Type) bool { return t.Kind() != schema.KindInvalid }),
	ignoresDistinct: true,
	result:          argType,
	states:          func(s *Spec) []schema.Type { return s.Args },
	open:            func(s *Spec) Accumulator { return &anyValue{spec: s, vals: column.New(s.Args[0], 0)} },
}

// anyValue keeps the first value of each group.
type anyValue struct {
	spec *Spec
	at   []uint32 // 1 + the row in vals, 0 for none
	vals *column.Vector
}

func (a *anyValue) Grow(n int)   { a.at = extend(a.at, n) }
func (a *anyValue) Bytes() int64 { return int64(cap(a.at))*4 + a.vals.MemoryBytes() }

func (a *anyValue) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	for i := range n {
		g := group(groups, i)
		if a.at[g] != 0 || v.IsNull(i) {
			continue
		}
		a.vals.AppendFrom(v, i)
		a.at[g] = uint32(a.vals.N)
		if groups == nil {
			break
		}
	}
	return nil
}

func (a *anyValue) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	return a.Update(groups, n, states)
}

func (a *anyValue) State(from, to int, dst []*column.Vector) error {
	return a.Final(from, to, dst[0])
}

func (a *anyValue) Final(from, to int, dst *column.Vector) error {
	for _, at := range a.at[from:to] {
		if at == 0 {
			dst.AppendNull()
			continue
		}
		dst.AppendFrom(a.vals, int(at-1))
	}
	return nil
}
