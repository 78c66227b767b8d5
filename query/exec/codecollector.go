package exec

import (
	"math"
	"math/bits"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// codeSpace gives values of an expression numbers that mean the same in all
// segments: 0 is NULL.
type codeSpace struct {
	size int // numbers, that of NULL included
	// dict and tables are those of a domain. Without one, whole numbers of a
	// known range are numbered from 1 on, beginning with base.
	dict   *keyDict
	tables map[*segPlan]*codeTable
	base   int64
	typ    schema.Type
}

// codeSpace returns the numbering of expression i, nil if there is none. build
// tells that it is worth making one.
func (q *query) codeSpace(i int, build bool) *codeSpace {
	if dict, tables := q.domain(i, build); dict != nil {
		return &codeSpace{size: dict.size(), dict: dict, tables: tables}
	}
	lo, hi, ok := q.intRange(i)
	if !ok || hi-lo >= maxCollectorBits || hi < lo {
		return nil
	}
	return &codeSpace{size: int(hi-lo) + 2, base: lo, typ: q.exprs[i].e.Type()}
}

// intRange bounds the values of expression i, which must be a column of whole
// numbers that every segment has bounds for.
func (q *query) intRange(i int) (lo, hi int64, ok bool) {
	lo, hi = math.MaxInt64, math.MinInt64
	if k := q.exprs[i].e.Type().Kind(); k != schema.KindInt32 && k != schema.KindInt64 {
		return lo, hi, false
	}
	for _, sp := range q.segs {
		if sp.none {
			continue
		}
		s := sp.exprs[i]
		if s.mode != exprCol || sp.cols[s.col].col == nil || sp.cols[s.col].cast || !sp.cols[s.col].meta.HasRange {
			return lo, hi, false
		}
		m := sp.cols[s.col].meta
		lo, hi = min(lo, m.Min.I), max(hi, m.Max.I)
	}
	return lo, hi, hi-lo >= 0
}

// value returns the whole number of a code other than 0.
func (s *codeSpace) value(code uint32) column.Value {
	return column.IntValue(s.typ, s.base+int64(code)-1)
}

// codeCollector is the set of (group, value) pairs that one worker meets in all
// segments, with numbers for values. So a value is folded once, not once per
// segment, and counting values folds none.
type codeCollector struct {
	*codeSpace
	// With a single group, ids has the ids met in the open segment; they are
	// few enough for the caches, and turned into codes when it is left.
	ids   column.Bitmap
	table []uint32
	// bits has bit group·width + code while that is small, else pairs is used.
	bits  column.Bitmap
	pairs kernel.PairSet
	mode  collectorMode
}

type collectorMode uint8

const (
	collectSingle collectorMode = iota
	collectBits
	collectPairs
)

// newCodeCollector returns a collector for the groups of p.
func newCodeCollector(buf *buffers, space *codeSpace, p *tablePlan) *codeCollector {
	c := &codeCollector{codeSpace: space, mode: collectPairs}
	switch {
	case p.kind == tableSingle:
		c.mode = collectSingle
		c.bits = buf.bitmap(c.size)
	case p.size > 0 && p.size*c.size <= maxCollectorBits:
		c.mode = collectBits
		c.bits = buf.bitmap(p.size * c.size)
	}
	return c
}

func (c *codeCollector) bytes() int64 {
	return int64(cap(c.bits)+cap(c.ids))*8 + c.pairs.Bytes()
}

// open turns to another segment.
func (c *codeCollector) open(buf *buffers, sp *segPlan) {
	if c.dict == nil {
		return
	}
	c.table = c.tables[sp].codes
	if c.mode != collectSingle {
		return
	}
	if n := column.Words(len(c.table)); n > cap(c.ids) {
		c.ids = buf.uint64s(n)
	}
	c.ids = c.ids[:column.Words(len(c.table))]
	clear(c.ids)
}

// leave folds in what is kept per segment.
func (c *codeCollector) leave() {
	if c.mode != collectSingle || c.dict == nil {
		return
	}
	for w, word := range c.ids {
		for ; word != 0; word &= word - 1 {
			code := c.table[w<<6+bits.TrailingZeros64(word)]
			c.bits[code>>6] |= 1 << (code & 63)
		}
	}
	clear(c.ids)
}

// add takes the ids of a chunk; that of NULL is the last of the table.
func (c *codeCollector) add(groups, ids []uint32) {
	switch c.mode {
	case collectSingle:
		kernel.SetBits(c.ids, ids)
	case collectBits:
		for i, id := range ids {
			at := int(groups[i])*c.size + int(c.table[id])
			c.bits[at>>6] |= 1 << (uint(at) & 63)
		}
	default:
		for i, id := range ids {
			c.pairs.Insert(groups[i], uint64(c.table[id]))
		}
	}
}

// addValues takes the values of a chunk of n rows where there is no domain.
func (c *codeCollector) addValues(groups []uint32, n int, v *column.Vector) {
	if v.HasNulls() || v.Const || c.mode == collectPairs {
		c.addSome(groups, n, v)
		return
	}
	width := c.size
	if c.mode == collectSingle {
		groups = nil
	}
	if v.Kind() == schema.KindInt32 {
		setValueBits(c.bits, groups, width, v.Int32s[:n], int32(c.base-1))
	} else {
		setValueBits(c.bits, groups, width, v.Int64s[:n], c.base-1)
	}
}

func setValueBits[T int32 | int64](b column.Bitmap, groups []uint32, width int, vals []T, before T) {
	if groups == nil {
		for _, x := range vals {
			at := uint(x - before)
			b[at>>6] |= 1 << (at & 63)
		}
		return
	}
	for i, x := range vals {
		at := uint(groups[i])*uint(width) + uint(x-before)
		b[at>>6] |= 1 << (at & 63)
	}
}

// addSome is addValues for chunks with NULLs and for pairs.
func (c *codeCollector) addSome(groups []uint32, n int, v *column.Vector) {
	for i := range n {
		if v.IsNull(i) {
			continue
		}
		g := uint32(0)
		if groups != nil && c.mode != collectSingle {
			g = groups[i]
		}
		c.set(g, uint32(v.Value(i).I-c.base+1))
	}
}

func (c *codeCollector) set(g, code uint32) {
	if c.mode == collectPairs {
		c.pairs.Insert(g, uint64(code))
		return
	}
	at := uint(g)*uint(c.size) + uint(code)
	c.bits[at>>6] |= 1 << (at & 63)
}

// absorb takes over the pairs of another worker, whose groups have the given
// numbers here.
func (c *codeCollector) absorb(o *codeCollector, groups []uint32) {
	if c.mode == collectSingle {
		kernel.Or(c.bits, o.bits)
		return
	}
	o.each(func(g, code uint32) { c.set(groups[g], code) })
}

// each calls f for all pairs of values that are not NULL.
func (c *codeCollector) each(f func(g, code uint32)) {
	if c.mode == collectPairs {
		c.pairs.Each(func(g uint32, code uint64) {
			if code != 0 {
				f(g, uint32(code))
			}
		})
		return
	}
	for i := kernel.FirstSet(c.bits, 0); i >= 0; i = kernel.FirstSet(c.bits, i+1) {
		if code := i % c.size; code != 0 {
			f(uint32(i/c.size), uint32(code))
		}
	}
}

// counts appends the number of values of groups 0..n-1 to dst.
func (c *codeCollector) counts(n int, dst *column.Vector) {
	counts := make([]int64, n)
	switch c.mode {
	case collectSingle:
		counts[0] = int64(kernel.CountRange(c.bits, 1, c.size))
	case collectBits:
		for g := range counts {
			counts[g] = int64(kernel.CountRange(c.bits, g*c.size+1, (g+1)*c.size))
		}
	default:
		c.each(func(g, _ uint32) { counts[g]++ })
	}
	for _, x := range counts {
		dst.Append(column.IntValue(dst.Type, x))
	}
}

// drain folds the values of all pairs into a.
func (c *codeCollector) drain(a *aggState) error {
	if c.dict == nil {
		return c.drainInts(a)
	}
	f := idFolder{ids: c.size - 1, vals: c.dict.vals, merged: c.dict.merged, a: a, pos: make([]uint32, 0, chunkRows), groups: make([]uint32, 0, chunkRows)}
	c.each(func(g, code uint32) { f.take(g, code-1) })
	return f.flush()
}

// drainInts is drain for numbers without a domain.
func (c *codeCollector) drainInts(a *aggState) (err error) {
	groups := make([]uint32, 0, chunkRows)
	vals := column.New(c.typ, chunkRows)
	flush := func() {
		if err == nil && vals.N > 0 {
			err = a.foldValues(groups, vals)
		}
		groups = groups[:0]
		vals.Reset(c.typ)
	}
	c.each(func(g, code uint32) {
		groups = append(groups, g)
		vals.Append(c.value(code))
		if vals.N == chunkRows {
			flush()
		}
	})
	flush()
	return err
}
