package mutable

import (
	"math"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// Column reads one column of a view: the blocks that were closed by then and
// the published rows of the open one.
type Column struct {
	st   *columnState
	rows uint32
	dict *dictView // nil unless every block has ids

	onceMeta, onceNulls, onceZones sync.Once

	meta  segment.ColumnMeta
	nulls *roaring.Bitmap
	zones *segment.Zones
}

var _ segment.Column = (*Column)(nil)

func newColumn(st *columnState, rows uint32) *Column {
	c := &Column{st: st, rows: rows}
	if st.pure {
		c.dict = st.dict
	}
	return c
}

// blocks returns the number of blocks with rows.
func (c *Column) blocks() int { return int((c.rows + segment.BlockRows - 1) / segment.BlockRows) }

// part returns block k.
func (c *Column) part(k int) *part {
	if k < len(c.st.closed) {
		return c.st.closed[k]
	}
	return c.st.open
}

// rowsOf returns the number of the view's rows in block k.
func (c *Column) rowsOf(k int) int {
	return min(segment.BlockRows, int(c.rows)-k*segment.BlockRows)
}

// span is a range of rows within one block; at is the distance of its first
// row from the beginning of the range that was asked for.
type span struct {
	part *part
	from int
	n    int
	at   int
}

// next returns the first span of [from+at, from+n).
func (c *Column) next(from uint32, at, n int) span {
	doc := int(from) + at
	row := doc % segment.BlockRows
	return span{c.part(doc / segment.BlockRows), row, min(n-at, segment.BlockRows-row), at}
}

// Dictionary implements segment.Column.
func (c *Column) Dictionary() segment.Dictionary {
	if c.dict == nil {
		return nil
	}
	return c.dict
}

// ReadIDs implements segment.Column.
func (c *Column) ReadIDs(from uint32, dst []uint32) {
	for at := 0; at < len(dst); {
		s := c.next(from, at, len(dst))
		s.part.ids.Read(uint32(s.from), dst[at:at+s.n])
		at += s.n
	}
}

// GatherIDs implements segment.Column.
func (c *Column) GatherIDs(docs []uint32, dst []uint32) {
	c.gather(docs, func(p *part, rows []uint32, at int) {
		p.ids.Gather(rows, dst[at:at+len(rows)])
	})
}

// gatherRows is the number of rows that gather hands on at once.
const gatherRows = 512

// gather calls f for runs of documents within one block, given as rows of the
// block; at is the index of the first in docs.
func (c *Column) gather(docs []uint32, f func(p *part, rows []uint32, at int)) {
	var rows [gatherRows]uint32
	for at := 0; at < len(docs); {
		k := docs[at] / segment.BlockRows
		base := k * segment.BlockRows
		n := 0
		for n < gatherRows && at+n < len(docs) && docs[at+n]-base < segment.BlockRows {
			rows[n] = docs[at+n] - base
			n++
		}
		f(c.part(int(k)), rows[:n], at)
		at += n
	}
}

// MatchIDs implements segment.Column.
func (c *Column) MatchIDs(from uint32, n int, set segment.IDSet, dst column.Bitmap) {
	c.eachSpan(from, n, dst, func(s span, out column.Bitmap) bool {
		if s.part.closed && set.Bits == nil && (set.Lo > s.part.hi || set.Hi < s.part.lo) {
			clearPrefix(out, s.n)
			return true
		}
		s.part.ids.Match(uint32(s.from), s.n, set, out)
		return true
	})
}

// eachSpan lets f fill the bits of every span of a range. A span that does not
// begin at a word of dst is filled elsewhere and moved. It stops when f
// returns false.
func (c *Column) eachSpan(from uint32, n int, dst column.Bitmap, f func(s span, out column.Bitmap) bool) bool {
	for at := 0; at < n; {
		s := c.next(from, at, n)
		if at&63 == 0 {
			if !f(s, dst[at>>6:]) {
				return false
			}
		} else {
			out := make(column.Bitmap, column.Words(s.n))
			if !f(s, out) {
				return false
			}
			moveBits(dst, at, out, s.n)
		}
		at += s.n
	}
	return true
}

// moveBits writes the first n bits of src to bits at, at+1, … of dst.
func moveBits(dst column.Bitmap, at int, src column.Bitmap, n int) {
	sh := uint(at) & 63
	for i := 0; i < n; i += 64 {
		mask := prefixMask(n - i)
		word := src[i>>6] & mask
		k := (at + i) >> 6
		dst[k] = dst[k]&^(mask<<sh) | word<<sh
		if rest := mask >> (64 - sh); rest != 0 {
			dst[k+1] = dst[k+1]&^rest | word>>(64-sh)
		}
	}
}

// MatchRange implements segment.Column.
func (c *Column) MatchRange(from uint32, n int, r segment.ValueRange, dst column.Bitmap) (bool, error) {
	switch c.st.typ.Kind() {
	case schema.KindInt32, schema.KindInt64, schema.KindFloat32, schema.KindFloat64:
	default:
		return false, nil
	}
	var set segment.IDSet // made when a block needs it
	return c.eachSpan(from, n, dst, func(s span, out column.Bitmap) bool {
		if s.part.ids != nil {
			if set.Bits == nil {
				set = c.idsInRange(r)
			}
			s.part.ids.Match(uint32(s.from), s.n, set, out)
			return true
		}
		return s.part.vals.match(uint32(s.from), s.n, r, out)
	}), nil
}

// idsInRange returns the ids whose value lies in r, for blocks with ids of a
// column of integers that also has raw ones.
func (c *Column) idsInRange(r segment.ValueRange) segment.IDSet {
	v := c.st.dict.values
	set := segment.IDSet{Bits: column.NewBitmap(v.N + 1)}
	for id := range v.N {
		if x := v.Value(id).I; r.LoInt <= x && x <= r.HiInt {
			set.Bits.Set(id)
		}
	}
	return set
}

// Read implements segment.Column.
func (c *Column) Read(from uint32, n int, dst *column.Vector) error {
	dst.Reset(c.st.typ)
	var ids [gatherRows]uint32
	for at := 0; at < n; {
		s := c.next(from, at, n)
		if s.part.ids == nil {
			s.part.vals.read(s.from, s.n, dst)
		} else {
			s.n = min(s.n, len(ids))
			s.part.ids.Read(uint32(s.from), ids[:s.n])
			c.st.dict.appendValues(dst, ids[:s.n])
		}
		s.part.setNulls(s.from, s.n, dst, at)
		at += s.n
	}
	padNulls(dst)
	return nil
}

// padNulls lets a null bitmap cover all rows.
func padNulls(v *column.Vector) {
	for len(v.Nulls) > 0 && len(v.Nulls) < column.Words(v.N) {
		v.Nulls = append(v.Nulls, 0)
	}
}

// Gather implements segment.Column.
func (c *Column) Gather(docs []uint32, dst *column.Vector) error {
	dst.Reset(c.st.typ)
	var ids [gatherRows]uint32
	c.gather(docs, func(p *part, rows []uint32, at int) {
		if p.ids == nil {
			p.vals.gather(rows, 0, dst)
		} else {
			p.ids.Gather(rows, ids[:len(rows)])
			c.st.dict.appendValues(dst, ids[:len(rows)])
		}
		if p.nulls == nil {
			return
		}
		for i, row := range rows {
			if p.isNull(int(row)) {
				dst.SetNull(at + i)
			}
		}
	})
	padNulls(dst)
	return nil
}

// Nulls implements segment.Column.
func (c *Column) Nulls() *roaring.Bitmap {
	c.onceNulls.Do(func() { c.nulls = c.collectNulls() })
	return c.nulls
}

func (c *Column) collectNulls() *roaring.Bitmap {
	var b containerBuilder
	words := make([]uint64, nullWords)
	for k := range c.blocks() {
		p, n := c.part(k), c.rowsOf(k)
		count := p.countNulls(n)
		if count == 0 {
			continue
		}
		clear(words)
		for w := range column.Words(n) {
			words[w] = p.nullWord(w) & prefixMask(n-w<<6)
		}
		b.addWords(uint16(k), words, int(count))
	}
	if b.keys == nil {
		return nil
	}
	bm := roaring.New()
	if _, err := bm.FromBuffer(b.bytes()); err != nil {
		panic("mutable: null bitmap does not read back: " + err.Error()) // our own bytes
	}
	return bm
}

// Zones implements segment.Column.
func (c *Column) Zones() *segment.Zones {
	c.onceZones.Do(func() { c.zones = c.collectZones() })
	return c.zones
}

// collectZones gathers the bounds of the blocks, nil if one has none.
func (c *Column) collectZones() *segment.Zones {
	z := &segment.Zones{}
	floats := c.st.typ.Kind() == schema.KindFloat32 || c.st.typ.Kind() == schema.KindFloat64
	for k := range c.blocks() {
		p := c.part(k)
		b := c.zone(p)
		switch {
		case b == nil:
			return nil
		case floats:
			z.MinFloat, z.MaxFloat = append(z.MinFloat, b.minFloat), append(z.MaxFloat, b.maxFloat)
		default:
			z.MinInt, z.MaxInt = append(z.MinInt, b.minInt), append(z.MaxInt, b.maxInt)
		}
	}
	if c.blocks() == 0 {
		return nil
	}
	return z
}

// zone returns the bounds of a block, nil when there are none.
func (c *Column) zone(p *part) *zone {
	if p == c.st.open {
		return c.st.zone
	}
	return p.zone
}

// Inverted implements segment.Column.
func (c *Column) Inverted() segment.InvertedIndex {
	if c.dict == nil || !c.st.inverted {
		return nil
	}
	return inverted{c}
}

// Ranges implements segment.Column: a consuming segment is not sorted.
func (c *Column) Ranges() segment.SortedIndex { return nil }

// Meta implements segment.Column.
func (c *Column) Meta() *segment.ColumnMeta {
	c.onceMeta.Do(c.describe)
	return &c.meta
}

func (c *Column) describe() {
	m := &c.meta
	*m = segment.ColumnMeta{
		ID: c.st.id, Name: c.st.name, Type: c.st.typ, Encoding: segment.EncodingRaw, Nulls: c.st.nulls,
	}
	if c.dict != nil {
		m.Encoding, m.Cardinality = segment.EncodingDict, uint32(c.dict.values.N)
		if c.st.inverted {
			m.Indexes = []string{"inverted"}
		}
	}
	c.describeRange(m)
}

// describeRange sets the bounds: of the dictionary and of raw blocks of
// numbers. Raw blocks of other kinds have no known bounds.
func (c *Column) describeRange(m *segment.ColumnMeta) {
	if d := c.st.dict; d != nil && d.values.N > 0 {
		widen(m, d.values.Value(int(d.min)))
		widen(m, d.values.Value(int(d.max)))
	}
	for k := range c.blocks() {
		p := c.part(k)
		if p.vals == nil {
			continue
		}
		z := c.zone(p)
		if z == nil {
			m.HasRange, m.Min, m.Max = false, column.Value{}, column.Value{}
			return
		}
		widenByZone(m, z)
	}
}

// widenByZone widens the bounds by those of a block; one of NULLs has none.
func widenByZone(m *segment.ColumnMeta, z *zone) {
	switch m.Type.Kind() {
	case schema.KindInt32, schema.KindInt64:
		if z.minInt <= z.maxInt {
			widen(m, column.IntValue(m.Type, z.minInt))
			widen(m, column.IntValue(m.Type, z.maxInt))
		}
	default:
		if z.minFloat <= z.maxFloat || math.IsNaN(z.maxFloat) {
			widen(m, column.FloatValue(m.Type, z.minFloat))
			widen(m, column.FloatValue(m.Type, z.maxFloat))
		}
	}
}

// widen lets the bounds include a value.
func widen(m *segment.ColumnMeta, v column.Value) {
	if !m.HasRange {
		m.HasRange, m.Min, m.Max = true, v, v
		return
	}
	if segment.Compare(v, m.Min) < 0 {
		m.Min = v
	}
	if segment.Compare(v, m.Max) > 0 {
		m.Max = v
	}
}
