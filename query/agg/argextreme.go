package agg

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
)

// arg_min(x, by) and arg_max(x, by) are x of the row with the least or the
// greatest by; Pinot's FIRSTWITHTIME(x, time, 'type') and LASTWITHTIME are the
// same. Rows in which either is NULL are skipped. Of several such rows arg_min
// takes the least x and arg_max the greatest, so that the result doesn't depend
// on how the rows are split. States: x and by, NULL for no rows.
var (
	argMinDef        = argDef(idArgMin, "arg_min", -1)
	argMaxDef        = argDef(idArgMax, "arg_max", 1)
	firstWithTimeDef = withTimeDef(idFirstWithTime, "firstwithtime", -1)
	lastWithTimeDef  = withTimeDef(idLastWithTime, "lastwithtime", 1)
)

func argDef(id ID, name string, sign int) definition {
	return definition{
		id:              id,
		names:           []string{name},
		bind:            bindArg,
		ignoresDistinct: true,
		result:          argType,
		states:          func(s *Spec) []schema.Type { return s.Args },
		open:            func(s *Spec) Accumulator { return &argExtreme{spec: s, sign: sign} },
	}
}

// withTimeDef is Pinot's form, which names the type of x once more.
func withTimeDef(id ID, name string, sign int) definition {
	d := argDef(id, name, sign)
	d.rowArgs = 2
	d.params = typeParam
	d.bind = func(args []schema.Type, dialect fn.Dialect) ([]schema.Type, bool) {
		castTo, ok := bindArg(args, dialect)
		return castTo, ok && dialect == fn.Pinot
	}
	return d
}

func bindArg(args []schema.Type, _ fn.Dialect) ([]schema.Type, bool) {
	if len(args) != 2 {
		return nil, false
	}
	castTo := []schema.Type{args[0], args[1]}
	for i, t := range castTo {
		if t.ID == schema.TypeUnknown && !t.List {
			castTo[i] = schema.Text
		}
	}
	return castTo, isRanked(castTo[0]) && isRanked(castTo[1])
}

func typeParam(s *Spec, params []column.Value) ([]column.Value, error) {
	if len(params) != 1 || params[0].Null || params[0].Type.Kind() != schema.KindBytes {
		return nil, badParams(s)
	}
	if name := string(params[0].B); !strings.EqualFold(name, s.Args[0].PinotName()) {
		return nil, sqlerr.Unsupported(fmt.Sprintf("%s of %s as %s", s.Name, s.Args[0].PinotName(), name))
	}
	return []column.Value{column.TextValue(string(params[0].B))}, nil
}

// argExtreme keeps the best row per group.
type argExtreme struct {
	spec  *Spec
	sign  int
	st    []argRow
	bytes int64
	// best is the word of by per group, turned so that greater is better, for
	// kinds that have words; 0 for no rows.
	best  []uint64
	words []uint64
}

type argRow struct {
	seen  bool
	x, by column.Value
}

func (a *argExtreme) Grow(n int) {
	a.st = extend(a.st, n)
	a.best = extend(a.best, n)
}

func (a *argExtreme) Bytes() int64 { return int64(cap(a.st))*338 + int64(cap(a.words))*8 + a.bytes }

func (a *argExtreme) Update(groups []uint32, n int, args []*column.Vector) error {
	x, by := args[0], args[1]
	if by.Const {
		by = by.Flatten()
	}
	var ok bool
	if a.words, ok = orderWords(a.words, by, n); ok {
		a.updateWords(groups, n, x, by)
		return nil
	}
	for i := range n {
		if !x.IsNull(i) && !by.IsNull(i) {
			a.take(&a.st[group(groups, i)], x, i, by.Value(i))
		}
	}
	return nil
}

// take replaces the row when the new one is better.
func (a *argExtreme) take(r *argRow, x *column.Vector, i int, by column.Value) {
	if r.seen {
		c := compareValues(by, r.by) * a.sign
		if c < 0 || c == 0 && compareValues(x.Value(i), r.x)*a.sign <= 0 {
			return
		}
	}
	a.bytes -= int64(cap(r.x.B) + cap(r.by.B))
	r.x, r.by, r.seen = keep(r.x, x.Value(i)), keep(r.by, by), true
	a.bytes += int64(cap(r.x.B) + cap(r.by.B))
}

// keep returns a copy of x in the memory of old.
func keep(old, x column.Value) column.Value {
	if x.Type.Kind() == schema.KindBytes {
		x.B = append(old.B[:0], x.B...)
	}
	return x
}

// compareValues orders values of one kind that are not NULL.
func compareValues(x, y column.Value) int {
	switch x.Type.Kind() {
	case schema.KindBytes:
		return bytes.Compare(x.B, y.B)
	case schema.KindFloat32, schema.KindFloat64:
		return cmp.Compare(orderFloat(x.F), orderFloat(y.F))
	case schema.KindDecimal, schema.KindInterval:
		return compareWide(x, y)
	}
	return cmp.Compare(x.I, y.I)
}

func (a *argExtreme) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	for i := range n {
		if states[0].IsNull(i) != states[1].IsNull(i) {
			return fmt.Errorf("%w: half a row of %s", ErrCorruptState, a.spec.Name)
		}
	}
	return a.Update(groups, n, states)
}

func (a *argExtreme) State(from, to int, dst []*column.Vector) error {
	for g := from; g < to; g++ {
		r := &a.st[g]
		appendKept(dst[0], r.seen, r.x)
		appendKept(dst[1], r.seen, r.by)
	}
	return nil
}

func (a *argExtreme) Final(from, to int, dst *column.Vector) error {
	for g := from; g < to; g++ {
		appendKept(dst, a.st[g].seen, a.st[g].x)
	}
	return nil
}

func appendKept(dst *column.Vector, seen bool, x column.Value) {
	if !seen {
		dst.AppendNull()
		return
	}
	dst.Append(x)
}
