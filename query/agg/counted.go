package agg

import (
	"math"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// counted collects how often each value occurs per group: what aggregations
// over ordered values need, exact under any split of the rows and as large as
// the distinct values. Values that are equal and look different (1.0 and 1.00)
// are kept as the first one looks.
//
// The state is one bytes column: the header, the uvarint number of values, and
// the values in ascending order, each with its uvarint count. Values of up to
// 64 bits are words whose unsigned order is theirs, written as the uvarint
// difference from the word before; others are written by appendValue.
type counted struct {
	spec *Spec
	// finish appends a group's result; the values are in ascending order, or
	// descending when the spec says so.
	finish func(dst *column.Vector, vals ranking) error
	// selects tells that finish asks for single rows only.
	selects bool
	st      []tally
	bytes   int64
	buf     []uint64 // words of a chunk
	// wide numbers values of more than 64 bits; their words are the numbers.
	wide *internTable
}

// tally is the counted words of one group: sorted ones, and new ones that were
// not folded in yet.
type tally struct {
	words   []uint64
	counts  []int64
	pending []uint64
	// full are further pending words, once it turned out that counting does not
	// save much, so that words are kept as they come.
	full  [][]uint64
	loose bool
}

// ranking is the values of a group in order. Where loose is not nil it has them
// in any order, to be selected from.
type ranking struct {
	value  func(word uint64) column.Value
	words  []uint64
	counts []int64
	n      int64
	loose  [][]uint64
	desc   bool // of loose
}

// internTable numbers values by their key bytes.
type internTable struct {
	ids  *kernel.KeyTable
	vals *column.Vector
	key  []byte
}

const (
	signBit = 1 << 63
	// minPending is the number of words from which they are counted, maxDistinct
	// the share of distinct ones up to which that goes on.
	minPending  = 4096
	maxDistinct = 0.5
	// fullWords is the number of words in a part of tally.full.
	fullWords = 1 << 14
	// maxCount bounds the counts that a state may hold, so that sums of them
	// do not overflow.
	maxCount = math.MaxInt64 >> 16
)

func newCounted(s *Spec, finish func(*column.Vector, ranking) error) *counted {
	a := &counted{spec: s, finish: finish}
	switch s.Args[0].Kind() {
	case schema.KindBool, schema.KindInt32, schema.KindInt64, schema.KindFloat32, schema.KindFloat64:
	default:
		a.wide = &internTable{ids: kernel.NewKeyTable(), vals: column.New(s.Args[0], 0)}
	}
	return a
}

// newRanked is newCounted for a finish that asks for single rows only.
func newRanked(s *Spec, finish func(*column.Vector, ranking) error) *counted {
	a := newCounted(s, finish)
	a.selects = a.wide == nil
	return a
}

func (t *internTable) id(v *column.Vector, i int) uint64 {
	t.key = kernel.AppendKey(t.key[:0], v, i)
	id, isNew := t.ids.Find(t.key)
	if isNew {
		t.vals.AppendFrom(v, i)
	}
	return uint64(id)
}

func (a *counted) Grow(n int) { a.st = extend(a.st, n) }

func (a *counted) Bytes() int64 {
	b := a.bytes + int64(cap(a.st))*72
	if a.wide != nil {
		b += a.wide.ids.Bytes() + a.wide.vals.MemoryBytes()
	}
	return b
}

func (a *counted) Update(groups []uint32, n int, args []*column.Vector) error {
	v := args[0]
	if v.Const {
		v = v.Flatten()
	}
	switch v.Kind() {
	case schema.KindInt32:
		countWords(a, groups, v, v.Int32s[:n], func(x int32) uint64 { return orderInt(int64(x)) })
	case schema.KindInt64:
		countWords(a, groups, v, v.Int64s[:n], orderInt)
	case schema.KindFloat32:
		countWords(a, groups, v, v.Float32s[:n], func(x float32) uint64 { return orderFloat(float64(x)) })
	case schema.KindFloat64:
		countWords(a, groups, v, v.Float64s[:n], orderFloat)
	case schema.KindBool:
		countWords(a, groups, v, v.Bools[:n], orderBool)
	default:
		for i := range n {
			if !v.IsNull(i) {
				a.add(group(groups, i), a.wide.id(v, i))
			}
		}
	}
	return nil
}

func countWords[T any](a *counted, groups []uint32, v *column.Vector, vals []T, word func(T) uint64) {
	if cap(a.buf) < len(vals) {
		a.buf = make([]uint64, len(vals))
	}
	words := a.buf[:len(vals)]
	for i, x := range vals {
		words[i] = word(x)
	}
	if !v.HasNulls() {
		a.addAll(groups, words)
		return
	}
	for i, w := range words {
		if !v.IsNull(i) {
			a.add(group(groups, i), w)
		}
	}
}

// addAll adds a word per row.
func (a *counted) addAll(groups []uint32, words []uint64) {
	if groups == nil {
		for len(words) > 0 {
			t := &a.st[0]
			if len(t.pending) == cap(t.pending) {
				a.makeRoom(t)
			}
			n := min(cap(t.pending)-len(t.pending), len(words))
			t.pending = append(t.pending, words[:n]...)
			words = words[n:]
		}
		return
	}
	st := a.st
	groups = groups[:len(words)]
	for i, w := range words {
		t := &st[groups[i]]
		k := len(t.pending)
		if k == cap(t.pending) {
			a.makeRoom(t)
			k = len(t.pending)
		}
		t.pending = t.pending[:k+1]
		t.pending[k] = w
	}
}

func orderInt(x int64) uint64 { return uint64(x) ^ signBit }

func orderBool(b bool) uint64 {
	if b {
		return orderInt(1)
	}
	return orderInt(0)
}

// orderFloat orders floats as PostgreSQL does: one zero, and one NaN above all.
func orderFloat(f float64) uint64 {
	bits := uint64(kernel.FloatKey(f))
	if bits&signBit != 0 {
		return ^bits
	}
	return bits | signBit
}

// orderedValue is the value of a word.
func (a *counted) orderedValue(w uint64) column.Value {
	t := a.spec.Args[0]
	switch {
	case a.wide != nil:
		return a.wide.vals.Value(int(w))
	case !isFloat(t):
		return column.IntValue(t, int64(w^signBit))
	case w&signBit != 0:
		return column.FloatValue(t, math.Float64frombits(w&^signBit))
	}
	return column.FloatValue(t, math.Float64frombits(^w))
}

func (a *counted) add(g uint32, w uint64) {
	t := &a.st[g]
	if len(t.pending) == cap(t.pending) {
		a.makeRoom(t)
	}
	t.pending = append(t.pending, w)
}

// makeRoom folds the pending words in when they are as many as the others, so
// that a group holds a small multiple of its distinct values, unless nearly all
// are distinct.
func (a *counted) makeRoom(t *tally) {
	before := t.size()
	if n := len(t.pending); n >= max(minPending, len(t.words)) && !t.loose {
		had := len(t.words)
		t.fold()
		t.loose = a.selects && float64(len(t.words)-had) > maxDistinct*float64(n)
	}
	switch {
	case t.loose && cap(t.pending) > 0 && len(t.pending) == cap(t.pending):
		t.full = append(t.full, t.pending)
		t.pending = make([]uint64, 0, fullWords)
	case len(t.pending) == cap(t.pending):
		t.pending = slices.Grow(t.pending, max(4, len(t.pending)))
	}
	a.bytes += t.size() - before
}

func (t *tally) size() int64 {
	n := cap(t.words) + cap(t.counts) + cap(t.pending)
	for _, part := range t.full {
		n += cap(part)
	}
	return int64(n) * 8
}

// fold counts the pending words.
func (t *tally) fold() {
	for _, part := range t.full {
		t.pending = append(t.pending, part...)
	}
	t.full = nil
	if len(t.pending) == 0 {
		return
	}
	slices.Sort(t.pending)
	words := t.pending[:0]
	var counts []int64
	for _, w := range t.pending {
		if k := len(words); k > 0 && words[k-1] == w {
			counts[k-1]++
			continue
		}
		words, counts = append(words, w), append(counts, 1)
	}
	t.mergeRuns(words, counts)
	t.pending = t.pending[:0]
}

// mergeRuns adds counted words in ascending order.
func (t *tally) mergeRuns(words []uint64, counts []int64) {
	outW := make([]uint64, 0, len(t.words)+len(words))
	outC := make([]int64, 0, len(t.words)+len(words))
	i, j := 0, 0
	for i < len(t.words) || j < len(words) {
		switch {
		case j == len(words) || i < len(t.words) && t.words[i] < words[j]:
			outW, outC = append(outW, t.words[i]), append(outC, t.counts[i])
			i++
		case i == len(t.words) || words[j] < t.words[i]:
			outW, outC = append(outW, words[j]), append(outC, counts[j])
			j++
		default:
			outW, outC = append(outW, words[j]), append(outC, t.counts[i]+counts[j])
			i, j = i+1, j+1
		}
	}
	t.words, t.counts = outW, outC
}

// selection returns the values of a group in any order.
func (a *counted) selection(g int) ranking {
	t := &a.st[g]
	for i, w := range t.words {
		for range t.counts[i] {
			t.pending = append(t.pending, w)
		}
	}
	t.words, t.counts = nil, nil
	r := ranking{value: a.orderedValue, loose: append(slices.Clip(t.full), t.pending)}
	for _, part := range r.loose {
		r.n += int64(len(part))
	}
	return r
}

// rank returns the values of a group in ascending order.
func (a *counted) rank(g int) ranking {
	t := &a.st[g]
	if t.loose {
		var rows int64
		for _, c := range t.counts {
			rows += c
		}
		if rows <= int64(len(t.pending)+len(t.full)*fullWords) { // nearly all are distinct
			return a.selection(g)
		}
	}
	return a.counts(g)
}

// counts returns the values of a group, counted, in ascending order.
func (a *counted) counts(g int) ranking {
	t := &a.st[g]
	t.fold()
	r := ranking{value: a.orderedValue, words: t.words, counts: t.counts}
	if a.wide != nil {
		r.words, r.counts = sortRuns(t.words, t.counts, func(x, y uint64) int {
			return kernel.CompareRows(a.wide.vals, int(x), a.wide.vals, int(y))
		})
	}
	for _, c := range r.counts {
		r.n += c
	}
	return r
}

// sortRuns returns counted words in another order.
func sortRuns(words []uint64, counts []int64, compare func(x, y uint64) int) ([]uint64, []int64) {
	order := make([]int, len(words))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return compare(words[x], words[y]) })
	outW, outC := make([]uint64, len(words)), make([]int64, len(words))
	for i, k := range order {
		outW[i], outC[i] = words[k], counts[k]
	}
	return outW, outC
}

// reversed is the ranking in descending order.
func (r ranking) reversed() ranking {
	if r.loose != nil {
		r.desc = !r.desc
		return r
	}
	r.words, r.counts = slices.Clone(r.words), slices.Clone(r.counts)
	slices.Reverse(r.words)
	slices.Reverse(r.counts)
	return r
}

// at returns the value of a row, counted from 0.
func (r ranking) at(row int64) column.Value {
	if r.loose != nil {
		if r.desc {
			row = r.n - 1 - row
		}
		return r.value(kernel.SelectUint64(r.loose, int(row)))
	}
	for i, c := range r.counts {
		if row < c {
			return r.value(r.words[i])
		}
		row -= c
	}
	return r.value(r.words[len(r.words)-1])
}

// number is at for numbers.
func (r ranking) number(row int64) float64 { return numberOf(r.at(row)) }

// around returns the numbers of row lo and of row hi, which is the same or the
// next.
func (r ranking) around(lo, hi int64) (float64, float64) {
	switch {
	case lo == hi:
		x := r.number(lo)
		return x, x
	case r.loose == nil:
		return r.number(lo), r.number(hi)
	case r.desc:
		r.desc = false
		y, x := r.around(r.n-1-hi, r.n-1-lo)
		return x, y
	}
	x := kernel.SelectUint64(r.loose, int(lo))
	y := kernel.NextUint64(r.loose, x, int(hi))
	return numberOf(r.value(x)), numberOf(r.value(y))
}

func numberOf(v column.Value) float64 {
	if v.Type.IsInteger() {
		return float64(v.I)
	}
	return v.F
}

func (a *counted) Final(from, to int, dst *column.Vector) error {
	for g := from; g < to; g++ {
		r := a.rank(g)
		if r.n == 0 {
			dst.AppendNull()
			continue
		}
		if a.spec.descending() {
			r = r.reversed()
		}
		if err := a.finish(dst, r); err != nil {
			return err
		}
	}
	return nil
}

// FinalWork implements SlowFinal: Final touches one group only.
func (a *counted) FinalWork() int64 { return a.bytes }

// descending reports whether WITHIN GROUP asks for descending order, which the
// last parameter says.
func (s *Spec) descending() bool {
	n := len(s.Params)
	return n > 0 && s.Params[n-1].Type == schema.Bool
}
