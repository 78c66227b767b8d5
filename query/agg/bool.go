package agg

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// boolAndDef (also every) and boolOrDef. State: the boolean, NULL for no rows.
var (
	boolAndDef = boolDef(idBoolAnd, false, "bool_and", "every")
	boolOrDef  = boolDef(idBoolOr, true, "bool_or")
)

func boolDef(id ID, decides bool, names ...string) definition {
	return definition{
		id:              id,
		names:           names,
		bind:            one(func(t schema.Type) bool { return t == schema.Bool }),
		ignoresDistinct: true,
		result:          fixed(schema.Bool),
		states:          fixedStates(schema.Bool),
		open:            func(s *Spec) Accumulator { return &boolean{spec: s, decides: decides} },
	}
}

// boolean is bool_and or bool_or: the value `decides` settles a group.
type boolean struct {
	spec    *Spec
	decides bool
	st      []uint8 // 0 no rows, 1 undecided, 2 decided
}

func (a *boolean) Grow(n int)   { a.st = extend(a.st, n) }
func (a *boolean) Bytes() int64 { return int64(cap(a.st)) }

func (a *boolean) Update(groups []uint32, n int, args []*column.Vector) error {
	v := flat(args[0])
	for i, x := range v.Bools[:n] {
		if v.IsNull(i) {
			continue
		}
		st := uint8(1)
		if x == a.decides {
			st = 2
		}
		g := group(groups, i)
		a.st[g] = max(a.st[g], st)
	}
	return nil
}

func (a *boolean) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	return a.Update(groups, n, states)
}

func (a *boolean) State(from, to int, dst []*column.Vector) error {
	return a.Final(from, to, dst[0])
}

func (a *boolean) Final(from, to int, dst *column.Vector) error {
	for _, st := range a.st[from:to] {
		if st == 0 {
			dst.AppendNull()
			continue
		}
		dst.Bools = append(dst.Bools, (st == 2) == a.decides)
		dst.N++
	}
	return nil
}
