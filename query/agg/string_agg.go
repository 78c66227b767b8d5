package agg

import (
	"fmt"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
)

// stringAggDef is string_agg(x, separator). States: the text so far with the
// separator of its first value before it, NULL for no values, and the int64
// length in bytes of that separator, which the result drops.
var stringAggDef = definition{
	id:     idStringAgg,
	names:  []string{"string_agg"},
	bind:   bindStringAgg,
	result: fixedByArg,
	states: func(s *Spec) []schema.Type { return []schema.Type{fixedByArg(s), schema.Int64} },
	open:   func(s *Spec) Accumulator { return &stringAgg{spec: s} },
}

func bindStringAgg(args []schema.Type, _ fn.Dialect) ([]schema.Type, bool) {
	if len(args) != 2 {
		return nil, false
	}
	if args[0] == schema.Bytea {
		return []schema.Type{schema.Bytea, schema.Bytea}, args[1] == schema.Bytea || args[1].ID == schema.TypeUnknown
	}
	return []schema.Type{schema.Text, schema.Text}, args[0].IsText() && args[1].IsText()
}

func fixedByArg(s *Spec) schema.Type { return s.Args[0] }

// stringAgg concatenates per group.
type stringAgg struct {
	spec  *Spec
	text  [][]byte // nil: no values
	sep   []int64  // length of the leading separator
	bytes int64
	// longest is the room of the longest text.
	longest int
}

func (a *stringAgg) Grow(n int) {
	a.text = extend(a.text, n)
	a.sep = extend(a.sep, n)
}

func (a *stringAgg) Bytes() int64 { return int64(cap(a.text))*32 + a.bytes }

func (a *stringAgg) Update(groups []uint32, n int, args []*column.Vector) error {
	v, sep := args[0], args[1]
	for i := range n {
		if v.IsNull(i) {
			continue
		}
		var s []byte
		if !sep.IsNull(i) {
			s = sep.Bytes(i)
		}
		a.add(group(groups, i), s, v.Bytes(i))
	}
	return nil
}

func (a *stringAgg) add(g uint32, sep, x []byte) {
	t := a.text[g]
	before := cap(t)
	if t == nil {
		t = make([]byte, 0, len(sep)+len(x)+16)
		a.sep[g] = int64(len(sep))
	}
	t = append(append(t, sep...), x...)
	a.bytes += int64(cap(t) - before)
	a.longest = max(a.longest, cap(t))
	a.text[g] = t
}

func (a *stringAgg) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	text, sep := states[0], flat(states[1])
	for i := range n {
		if text.IsNull(i) {
			continue
		}
		b, k := text.Bytes(i), sep.Int64s[i]
		if k < 0 || k > int64(len(b)) {
			return fmt.Errorf("%w: separator of %d bytes", ErrCorruptState, k)
		}
		a.add(group(groups, i), b[:k], b[k:])
	}
	return nil
}

func (a *stringAgg) State(from, to int, dst []*column.Vector) error {
	for g := from; g < to; g++ {
		if a.text[g] == nil {
			dst[0].AppendNull()
		} else {
			dst[0].AppendBytes(a.text[g])
		}
		dst[1].Int64s = append(dst[1].Int64s, a.sep[g])
		dst[1].N++
	}
	return nil
}

func (a *stringAgg) Final(from, to int, dst *column.Vector) error {
	for g := from; g < to; g++ {
		if a.text[g] == nil {
			dst.AppendNull()
			continue
		}
		dst.AppendBytes(a.text[g][a.sep[g]:])
	}
	return nil
}
