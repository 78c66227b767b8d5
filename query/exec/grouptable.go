package exec

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// tableKind says how a group table finds the group of a row.
type tableKind uint8

const (
	// tableSingle: no keys, all rows are group 0.
	tableSingle tableKind = iota
	// tableDense: an array over all combinations of codes (mixed radix).
	tableDense
	// tableSlots: the same with so many rows that every combination is made a
	// group beforehand, whose number is its place; those of no row are left out
	// in the end.
	tableSlots
	// tableDirect: one lazy key; its code is the place in an array that grows.
	tableDirect
	// tablePacked: a hash table on the codes packed into one word.
	tablePacked
	// tableWide: a hash table on one word per key and one of NULL marks.
	tableWide
)

func (k tableKind) String() string {
	return [...]string{"aggregate", "dense group-by", "dense group-by", "direct group-by", "hash group-by", "wide hash group-by"}[k]
}

// maxDense bounds the slots of a dense table.
const maxDense = 1 << 20

// tablePlan is the layout of the group tables of all workers.
type tablePlan struct {
	kind    tableKind
	keys    []*groupKey
	size    int      // tableDense: number of slots
	strides []uint64 // tableDense
	// rowsFrom is the aggregation that counts the rows of tableSlots, -1 for the
	// table itself.
	rowsFrom int
	shifts   []uint // tablePacked
}

// The bounds of tableSlots: its size, and the rows per slot from which on most
// are taken to be used.
const (
	maxSlots    = 1 << 17
	rowsPerSlot = 4
)

// planTable chooses the layout for keys and about rows rows.
func planTable(keys []*groupKey, rows float64) *tablePlan {
	p := &tablePlan{keys: keys, rowsFrom: -1}
	switch {
	case len(keys) == 0:
	case p.planDense(rows):
		p.kind = tableDense
		if p.size <= maxSlots && rows >= rowsPerSlot*float64(p.size) {
			p.kind = tableSlots
		}
	case len(keys) == 1 && keys[0].kind == keyLazy:
		p.kind = tableDirect
	case p.planPacked():
		p.kind = tablePacked
	default:
		p.kind = tableWide
	}
	return p
}

func (p *tablePlan) planDense(rows float64) bool {
	size := 1
	for _, k := range p.keys {
		if k.kind != keyShared {
			return false
		}
		p.strides = append(p.strides, uint64(size))
		size *= k.dict.size()
		if size > maxDense || size > 1<<14 && float64(size) > 8*rows {
			return false
		}
	}
	p.size = size
	return true
}

// planPacked fits the codes into 64 bits. A single 64-bit key fits too: its
// NULL group is kept apart.
func (p *tablePlan) planPacked() bool {
	if len(p.keys) == 1 {
		p.shifts = []uint{0}
		return true
	}
	at := 0
	for _, k := range p.keys {
		p.shifts = append(p.shifts, uint(at))
		at += k.bits()
	}
	return at <= 64
}

// groupTable numbers the groups that one worker meets.
type groupTable struct {
	p    *tablePlan
	keys []*keyReader
	n    int // groups
	gids []uint32
	// frozen tells that no group is made any more; n stands for all others.
	frozen bool
	// codes[k][g] is the code of key k in group g; nulls[g] has bit k set when
	// a 64-bit key is NULL.
	codes [][]uint64
	nulls []uint64

	rows     []uint32 // slots: rows per group
	slots    []uint32 // dense, direct: 1 + group, 0 for none
	index    []uint32 // dense: scratch
	hash     wordTable
	wide     wideTable
	nullSlot uint32 // packed with one 64-bit key: 1 + the group of NULL
	row      []uint64
	packed   []uint64    // scratch
	steps    []denseStep // dense: how each key adds to the index
}

// denseStep turns the dictionary ids of one key in the open segment into its
// part of the index: by a table of its codes with the stride multiplied in, or
// without looking anything up where codes ascend with the ids.
type denseStep struct {
	table  []uint32
	linear bool
	stride uint32
}

func newGroupTable(p *tablePlan, r *reader) *groupTable {
	t := &groupTable{p: p, codes: make([][]uint64, len(p.keys))}
	for _, k := range p.keys {
		t.keys = append(t.keys, newKeyReader(k, r))
	}
	switch p.kind {
	case tableSingle:
		t.n = 1
		return t
	case tableSlots:
		t.steps = make([]denseStep, len(p.keys))
		t.index, t.rows = r.buf.uint32s(chunkRows), r.buf.uint32s(p.size)
		clear(t.rows)
		t.n = p.size
		return t
	case tableDense:
		t.steps = make([]denseStep, len(p.keys))
		t.slots, t.index = r.buf.uint32s(p.size), r.buf.uint32s(chunkRows)
		clear(t.slots)
	case tablePacked:
		t.hash.init()
		t.packed = r.buf.uint64s(chunkRows)
	case tableWide:
		t.wide.init(len(p.keys) + 1)
	}
	t.gids = r.buf.uint32s(chunkRows)
	t.row = make([]uint64, len(p.keys)+1)
	return t
}

func (t *groupTable) bytes() int64 {
	n := int64(cap(t.slots)+cap(t.rows))*4 + int64(cap(t.nulls))*8 + t.hash.bytes() + t.wide.bytes()
	for i, k := range t.keys {
		n += int64(cap(t.codes[i])) * 8
		if k.k.kind == keyLazy {
			n += k.dict.bytes() + int64(cap(k.table))*4
		}
	}
	return n
}

// open turns to another segment.
func (t *groupTable) open(sp *segPlan) {
	for i, k := range t.keys {
		k.open(sp)
		if t.steps != nil {
			t.steps[i].open(k, uint32(t.p.strides[i]))
		}
	}
}

func (s *denseStep) open(k *keyReader, stride uint32) {
	s.stride, s.linear = stride, k.ascends()
	if s.linear {
		return
	}
	if stride == 1 {
		s.table = k.table
		return
	}
	s.table = make([]uint32, 0, len(k.table))
	for _, c := range k.table {
		s.table = append(s.table, c*stride)
	}
}

// apply puts the parts of the ids into the index, or adds them to it.
func (s *denseStep) apply(index, ids []uint32, first bool) {
	switch {
	case s.linear && first:
		kernel.SetScaled(index, ids, s.stride, s.stride)
	case s.linear:
		kernel.AddScaled(index, ids, s.stride, s.stride)
	case first:
		kernel.SetTable(index, ids, s.table)
	default:
		kernel.AddTable(index, ids, s.table)
	}
}

// groups returns the group of each row of the chunk, nil for a single group.
func (t *groupTable) groups(c *chunk) ([]uint32, error) {
	switch t.p.kind {
	case tableSingle:
		return nil, nil
	case tableSlots:
		index := t.denseIndex(c)
		if t.p.rowsFrom < 0 {
			kernel.CountRows(t.rows, index)
		}
		return index, nil
	case tableDense:
		t.denseGroups(c)
		return t.gids[:c.n], nil
	}
	for _, k := range t.keys {
		if err := k.read(c); err != nil {
			return nil, err
		}
	}
	t.find(c.n)
	return t.gids[:c.n], nil
}

// denseIndex returns the place of each row among all combinations.
func (t *groupTable) denseIndex(c *chunk) []uint32 {
	index := t.index[:c.n]
	for i, k := range t.keys {
		if k.isConst() {
			addAll(index, t.steps[i].table[0], i == 0)
			continue
		}
		t.steps[i].apply(index, k.r.ids(k.k.expr, c), i == 0)
	}
	return index
}

func (t *groupTable) denseGroups(c *chunk) {
	index, gids := t.denseIndex(c), t.gids[:c.n]
	for i, at := range index {
		g := t.slots[at]
		if g == 0 {
			g = t.addDense(at)
		}
		gids[i] = g - 1
	}
}

func addAll(index []uint32, x uint32, first bool) {
	for i := range index {
		if first {
			index[i] = x
		} else {
			index[i] += x
		}
	}
}

// addDense makes the group of a slot and returns its number plus one.
func (t *groupTable) addDense(at uint32) uint32 {
	rest := uint64(at)
	for i := len(t.keys) - 1; i >= 0; i-- {
		t.row[i] = rest / t.p.strides[i]
		rest %= t.p.strides[i]
	}
	t.slots[at] = t.add(t.row, 0) + 1
	return t.slots[at]
}

// add makes a new group.
func (t *groupTable) add(row []uint64, nulls uint64) uint32 {
	for i := range t.codes {
		t.codes[i] = push(t.codes[i], row[i])
	}
	t.nulls = push(t.nulls, nulls)
	t.n++
	return uint32(t.n - 1)
}

// absorb finds the groups of another worker's table in this one, making those
// that are missing, and returns their numbers. reserve is asked before so many
// groups are made.
func (t *groupTable) absorb(o *groupTable, reserve func(groups int) error) ([]uint32, error) {
	out := make([]uint32, 0, o.n)
	switch t.p.kind {
	case tableSingle:
		return append(out, 0), nil
	case tableSlots:
		for g, n := range o.rows {
			t.rows[g] += n
			out = append(out, uint32(g))
		}
		return out, nil
	}
	maps := make([][]uint32, len(t.keys))
	for k := range t.keys {
		var err error
		if maps[k], err = t.keys[k].translate(o.keys[k], reserve); err != nil {
			return nil, err
		}
	}
	for from := 0; from < o.n; from += chunkRows {
		n := min(chunkRows, o.n-from)
		if err := reserve(n); err != nil {
			return nil, err
		}
		for k, kr := range t.keys {
			kr.take(o, from, n, k, maps[k])
		}
		t.find(n)
		out = append(out, t.gids[:n]...)
	}
	return out, nil
}

// translate returns the code in kr's dictionary of each code of another
// worker's, nil when codes mean the same to both.
func (kr *keyReader) translate(o *keyReader, reserve func(values int) error) ([]uint32, error) {
	if kr.k.kind != keyLazy {
		return nil, nil
	}
	out := make([]uint32, o.dict.size())
	for i := range o.dict.vals.N {
		if i%chunkRows == 0 {
			if err := reserve(min(chunkRows, o.dict.vals.N-i)); err != nil {
				return nil, err
			}
		}
		out[i+1] = kr.dict.code(o.dict.vals, i)
	}
	return out, nil
}

// groupCode returns the code of key k in a group, and whether it is NULL by a
// mark.
func (t *groupTable) groupCode(k, g int) (code uint64, null bool) {
	if t.p.kind == tableWide {
		row := t.wide.key(uint32(g))
		return row[k], row[len(t.keys)]>>(uint(k)&63)&1 != 0
	}
	return t.codes[k][g], t.nulls[g]>>(uint(k)&63)&1 != 0
}

// take sets the codes of key k of n groups of another table as if they had been
// read.
func (kr *keyReader) take(o *groupTable, from, n, k int, table []uint32) {
	kr.nulls = nil
	dst := kr.buffer(n)
	if kr.k.kind == keyWord {
		kr.nbuf = append(kr.nbuf[:0], make(column.Bitmap, column.Words(n))...)
		kr.nulls = kr.nbuf
	}
	for i := range dst {
		c, null := o.groupCode(k, from+i)
		if table != nil {
			c = uint64(table[c])
		}
		dst[i] = c
		if null && kr.nulls != nil { // marks of other kinds of keys are of a word key
			kr.nbuf.Set(i)
		}
	}
}

// appendKey appends key k of a group.
func (t *groupTable) appendKey(k, g int, dst *column.Vector) {
	kr := t.keys[k]
	switch t.p.kind {
	case tableSlots:
		next := t.p.size
		if k+1 < len(t.keys) {
			next = int(t.p.strides[k+1])
		}
		kr.appendValue(dst, uint64(g%next)/t.p.strides[k], false)
	case tableWide:
		row := t.wide.key(uint32(g))
		kr.appendValue(dst, row[k], row[len(t.keys)]>>(uint(k)&63)&1 != 0)
	default:
		kr.appendValue(dst, t.codes[k][g], t.nulls[g]>>(uint(k)&63)&1 != 0)
	}
}

// live returns the groups that have rows, ascending; nil means all.
func (t *groupTable) live() []uint32 {
	if t.p.kind != tableSlots {
		return nil
	}
	out := make([]uint32, 0, len(t.rows))
	for g, n := range t.rows {
		if n > 0 {
			out = append(out, uint32(g))
		}
	}
	if len(out) == t.n {
		return nil
	}
	return out
}

// onlyLive returns the groups of b, which are the table's from number from on,
// that have rows.
func (t *groupTable) onlyLive(b *column.Batch, from int) *column.Batch {
	if t.p.kind != tableSlots {
		return b
	}
	var rows []uint32
	for i, n := range t.rows[from : from+b.N] {
		if n > 0 {
			rows = append(rows, uint32(i))
		}
	}
	if len(rows) == b.N {
		return b
	}
	out := &column.Batch{N: len(rows)}
	for _, v := range b.Cols {
		dst := &column.Vector{}
		kernel.Gather(v, rows, dst)
		out.Cols = append(out.Cols, dst)
	}
	return out
}
