package agg

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// distinct makes any aggregation one over distinct values: it collects the set
// of values per group and folds them into the inner aggregation at the end.
// Its state is one bytes column: the header of every encoded state, the uvarint
// number of values, and the values (appendValue; for several arguments the
// tuple, each with a NULL byte before it). Kinds of up to 64 bits have a shorter
// one (distinct_state.go).
//
// The sets of all groups are one hash table of (group, word) pairs. A word is
// the value itself for kinds of up to 64 bits, otherwise the number of the
// value in an intern table.
type distinct struct {
	spec  *Spec
	inner Spec
	pairs kernel.PairSet
	n     []uint32 // values per group
	// intern numbers the values of wide kinds and tuples by their key bytes;
	// vals holds them, one vector per argument.
	intern *kernel.KeyTable
	vals   []*column.Vector
	key    []byte
}

func newDistinct(s *Spec) *distinct {
	a := &distinct{spec: s, inner: *s}
	a.inner.Distinct = false
	if !a.word() {
		a.intern = kernel.NewKeyTable()
		for _, t := range s.Args {
			a.vals = append(a.vals, column.New(t, 0))
		}
	}
	return a
}

// word reports whether values are their own words.
func (a *distinct) word() bool {
	if len(a.spec.Args) != 1 {
		return false
	}
	switch a.spec.Args[0].Kind() {
	case schema.KindBool, schema.KindInt32, schema.KindInt64, schema.KindFloat32, schema.KindFloat64:
		return true
	}
	return false
}

func (a *distinct) Grow(n int) { a.n = extend(a.n, n) }

func (a *distinct) Bytes() int64 {
	b := a.pairs.Bytes() + int64(cap(a.n))*4
	if a.intern != nil {
		b += a.intern.Bytes()
	}
	for _, v := range a.vals {
		b += v.MemoryBytes()
	}
	return b
}

// Update adds values. NULLs of the first argument are skipped, except by
// array_agg, which keeps one.
func (a *distinct) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	if !a.word() || a.keepsNull() {
		a.updateWide(groups, n, args)
		return nil
	}
	if v.Const {
		v, n = v.Flatten(), min(n, v.N)
	}
	a.updateWords(groups, n, v)
	return nil
}

// updateWords adds values that are their own words, with one loop per kind.
func (a *distinct) updateWords(groups []uint32, n int, v *column.Vector) {
	var nulls column.Bitmap
	if v.HasNulls() {
		nulls = v.Nulls
	}
	switch v.Kind() {
	case schema.KindInt32:
		addWords(a, groups, v.Int32s[:n], nulls, func(x int32) uint64 { return uint64(int64(x)) })
	case schema.KindInt64:
		addWords(a, groups, v.Int64s[:n], nulls, func(x int64) uint64 { return uint64(x) })
	case schema.KindFloat32:
		addWords(a, groups, v.Float32s[:n], nulls, func(x float32) uint64 { return uint64(kernel.FloatKey(float64(x))) })
	case schema.KindFloat64:
		addWords(a, groups, v.Float64s[:n], nulls, func(x float64) uint64 { return uint64(kernel.FloatKey(x)) })
	default:
		addWords(a, groups, v.Bools[:n], nulls, func(x bool) uint64 {
			if x {
				return 1
			}
			return 0
		})
	}
}

func addWords[T any](a *distinct, groups []uint32, vals []T, nulls column.Bitmap, word func(T) uint64) {
	for i, x := range vals {
		if nulls == nil || !nulls.Get(i) {
			a.add(group(groups, i), word(x))
		}
	}
}

func (a *distinct) keepsNull() bool { return a.spec.ID == idArrayAgg }

func (a *distinct) add(g uint32, w uint64) {
	if a.pairs.Insert(g, w) {
		a.n[g]++
	}
}

func (a *distinct) updateWide(groups []uint32, n int, args []*column.Vector) {
	a.ensureIntern()
	for i := range n {
		if args[0].IsNull(i) && !a.keepsNull() {
			continue
		}
		a.add(group(groups, i), uint64(a.internRow(args, i)))
	}
}

// ensureIntern lets array_agg of a narrow kind, which must tell NULL from
// every value, use the intern table.
func (a *distinct) ensureIntern() {
	if a.intern == nil {
		a.intern = kernel.NewKeyTable()
		a.vals = []*column.Vector{column.New(a.spec.Args[0], 0)}
	}
}

// internRow returns the number of a tuple of values.
func (a *distinct) internRow(args []*column.Vector, i int) uint32 {
	a.key = a.key[:0]
	for _, v := range args {
		a.key = kernel.AppendKey(a.key, v, i)
	}
	id, isNew := a.intern.Find(a.key)
	if !isNew {
		return id
	}
	for k, v := range args {
		a.vals[k].AppendFrom(v, i)
	}
	return id
}

// members lists the words of groups from..to-1 in the order of the groups.
func (a *distinct) members(from, to int) (words []uint64, starts []int) {
	starts = make([]int, to-from+1)
	for g := from; g < to; g++ {
		starts[g-from+1] = starts[g-from] + int(a.n[g])
	}
	words = make([]uint64, starts[to-from])
	next := slices.Clone(starts)
	a.pairs.Each(func(g uint32, w uint64) {
		if int(g) >= from && int(g) < to {
			words[next[int(g)-from]] = w
			next[int(g)-from]++
		}
	})
	return words, starts
}

// values returns the values of words as argument vectors.
func (a *distinct) values(words []uint64) []*column.Vector {
	out := make([]*column.Vector, len(a.spec.Args))
	if a.intern == nil {
		out[0] = wordVector(a.spec.Args[0], words)
		return out
	}
	for k, t := range a.spec.Args {
		out[k] = column.New(t, len(words))
		for _, w := range words {
			out[k].AppendFrom(a.vals[k], int(w))
		}
	}
	return out
}

// wordVector turns words back into values.
func wordVector(t schema.Type, words []uint64) *column.Vector {
	v := column.New(t, len(words))
	switch t.Kind() {
	case schema.KindInt32:
		for _, w := range words {
			v.Int32s = append(v.Int32s, int32(w))
		}
	case schema.KindInt64:
		for _, w := range words {
			v.Int64s = append(v.Int64s, int64(w))
		}
	default:
		for _, w := range words {
			v.Append(wordValue(t, w))
		}
	}
	v.N = len(words)
	return v
}

// wordValue is the inverse of kernel.WordKey.
func wordValue(t schema.Type, w uint64) column.Value {
	if isFloat(t) {
		return column.FloatValue(t, kernel.FloatOfKey(int64(w)))
	}
	return column.IntValue(t, int64(w))
}

func (a *distinct) State(from, to int, dst []*column.Vector) error {
	words, starts := a.members(from, to)
	var buf []byte
	if a.word() && !a.keepsNull() {
		for g := range to - from {
			buf = a.appendWordSet(buf[:0], words[starts[g]:starts[g+1]])
			dst[0].AppendBytes(buf)
		}
		return nil
	}
	vals := a.values(words)
	for g := range to - from {
		buf = appendHeader(buf[:0], a.spec.ID)
		buf = binary.AppendUvarint(buf, uint64(starts[g+1]-starts[g]))
		for i := starts[g]; i < starts[g+1]; i++ {
			buf = appendTuple(buf, vals, i)
		}
		dst[0].AppendBytes(buf)
	}
	return nil
}

func appendTuple(dst []byte, vals []*column.Vector, i int) []byte {
	for _, v := range vals {
		if v.IsNull(i) {
			dst = append(dst, 1)
			continue
		}
		dst = appendValue(append(dst, 0), v, i)
	}
	return dst
}

func (a *distinct) Merge(groups []uint32, n int, states []*column.Vector) error {
	if err := a.spec.checkStates(groups, n, states); err != nil {
		return err
	}
	args := make([]*column.Vector, len(a.spec.Args))
	for i := range n {
		if states[0].IsNull(i) {
			return ErrCorruptState
		}
		if b := states[0].Bytes(i); isWordSet(b) {
			if err := a.mergeWordSet(group(groups, i), b); err != nil {
				return err
			}
			continue
		}
		if err := a.decode(states[0].Bytes(i), args); err != nil {
			return err
		}
		one := make([]uint32, args[0].N)
		for j := range one {
			one[j] = group(groups, i)
		}
		if err := a.Update(one, len(one), args); err != nil {
			return err
		}
	}
	return nil
}

// decode reads an encoded set into args.
func (a *distinct) decode(b []byte, args []*column.Vector) error {
	b, err := readHeader(b, a.spec.ID)
	if err != nil {
		return err
	}
	d := decoder{b: b}
	n := d.count()
	for k, t := range a.spec.Args {
		args[k] = column.New(t, n)
	}
	for range n {
		for _, v := range args {
			if d.take(1)[0] != 0 && !d.failed {
				v.AppendNull()
				continue
			}
			d.value(v)
		}
		if d.failed {
			break
		}
	}
	if len(d.b) > 0 {
		d.failed = true
	}
	return d.err("set of distinct values")
}

func (a *distinct) Final(from, to int, dst *column.Vector) error {
	if a.spec.ID == idCount {
		a.finalCount(from, to, dst)
		return nil
	}
	words, starts := a.members(from, to)
	vals := a.values(words)
	acc := a.inner.New()
	acc.Grow(to - from)
	groups := make([]uint32, len(words))
	for g := range to - from {
		for i := starts[g]; i < starts[g+1]; i++ {
			groups[i] = uint32(g)
		}
	}
	if a.spec.OrderSensitive() {
		vals = sorted(vals, groups)
	}
	if err := acc.Update(groups, len(words), vals); err != nil {
		return err
	}
	return acc.Final(0, to-from, dst)
}

func (a *distinct) finalCount(from, to int, dst *column.Vector) {
	for _, n := range a.n[from:to] {
		dst.Append(column.IntValue(dst.Type, int64(n)))
	}
}

// sorted returns the values of each group in ascending order, NULLs last, as
// PostgreSQL gives them.
func sorted(vals []*column.Vector, groups []uint32) []*column.Vector {
	order := make([]int, len(groups))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int {
		if c := cmp.Compare(groups[x], groups[y]); c != 0 {
			return c
		}
		for _, v := range vals {
			if c := kernel.CompareRows(v, x, v, y); c != 0 {
				return c
			}
		}
		return 0
	})
	out := make([]*column.Vector, len(vals))
	for k, v := range vals {
		out[k] = column.New(v.Type, v.N)
		for _, i := range order {
			out[k].AppendFrom(v, i)
		}
	}
	return out
}
