package exec

import (
	"bytes"
	"math"
	"math/bits"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/kernel"
)

// keyKind says how a group key becomes a number.
type keyKind uint8

const (
	// keyShared: all segments have dictionaries, small enough to be merged
	// before the scan into one that all workers share, read-only.
	keyShared keyKind = iota
	// keyLazy: variable-length or wide values; each worker has a dictionary of
	// the values that it meets.
	keyLazy
	// keyNarrow: at most 32 bits; the code is the value plus one.
	keyNarrow
	// keyWord: 64 bits; the code is the value, NULL is told apart.
	keyWord
)

// groupKey is a GROUP BY expression.
type groupKey struct {
	expr int
	typ  schema.Type
	kind keyKind
	// keyShared: the dictionary, and per segment the code of each dictionary
	// id, with that of NULL rows last.
	dict   *keyDict
	tables map[*segPlan]*codeTable
}

// mergedValues bounds the dictionary values that are merged before each scan;
// more of them are kept numbered between queries.
const mergedValues = 1 << 12

// plan chooses the kind of the key.
func (k *groupKey) plan(q *query) {
	total, rows := 0, 0.0
	shared := true
	x := q.exprs[k.expr]
	for _, sp := range q.segs {
		rows += sp.rows()
		if sp.none {
			continue
		}
		v := sp.keyValues(q, k.expr, x)
		if v == nil {
			shared = false
			break
		}
		total += v.N
	}
	switch {
	case shared && q.e.forceMerges && k.shareDomain(q, true):
	case shared && total <= mergedValues:
		k.share(q)
	case shared && k.shareDomain(q, float64(total) <= 4*rows):
	case shared && total <= 16*mergedValues && float64(total) <= rows:
		k.share(q)
	case k.typ.Kind() == schema.KindBool || k.typ.Kind() == schema.KindInt32 || k.typ.Kind() == schema.KindFloat32:
		k.kind = keyNarrow
	case k.typ.Kind() == schema.KindInt64 || k.typ.Kind() == schema.KindFloat64:
		k.kind = keyWord
	default:
		k.kind = keyLazy
	}
}

// keyValues is dictValues with constants taken for dictionaries of one value.
func (sp *segPlan) keyValues(q *query, i int, x *leafExpr) *column.Vector {
	switch s := sp.exprs[i]; {
	case s.mode == exprCol && sp.cols[s.col].konst != nil:
		return sp.cols[s.col].konst
	case s.mode == exprConst:
		return s.values(q.ctx, sp, x)
	}
	return sp.dictValues(q.ctx, i, x)
}

// share merges the dictionaries of all segments.
func (k *groupKey) share(q *query) {
	k.kind, k.dict = keyShared, newKeyDict(k.typ)
	k.tables = map[*segPlan]*codeTable{}
	var last *column.Vector
	var lastTable *codeTable
	for _, sp := range q.segs {
		if sp.none {
			continue
		}
		v := sp.keyValues(q, k.expr, q.exprs[k.expr])
		switch {
		case last == nil && sp.distinctValues(k.expr):
			last, lastTable = v, newCodeTable(k.dict.borrow(v))
		case !sameDictionary(last, v):
			last, lastTable = v, newCodeTable(k.codes(v))
		}
		k.tables[sp] = lastTable
	}
}

// shareDomain takes the numbering that is kept between queries, which is
// extended if build is set. It reports whether there is one.
func (k *groupKey) shareDomain(q *query, build bool) bool {
	dict, tables := q.domain(k.expr, build)
	if dict == nil {
		return false
	}
	k.kind, k.dict = keyShared, dict
	k.tables = tables
	return true
}

// domain returns the numbering kept for expression i, which must be a column
// with a dictionary in every segment, and the codes per segment; nil if there
// is none.
func (q *query) domain(i int, build bool) (*keyDict, map[*segPlan]*codeTable) {
	var dicts []dictOf
	var key domainKey
	for _, sp := range q.segs {
		if sp.none {
			continue
		}
		s := sp.exprs[i]
		if s.mode != exprCol || !sp.cols[s.col].isDict() || sp.cols[s.col].cast {
			return nil, nil
		}
		c := sp.cols[s.col]
		key = domainKey{table: sp.meta.TableID, col: c.meta.ID, typ: c.typ}
		dicts = append(dicts, dictOf{identity: c.dict.Identity(), vals: c.vals, ordered: c.ordered})
	}
	if len(dicts) == 0 {
		return nil, nil
	}
	var dict *keyDict
	var found []*codeTable
	if !q.e.forceMerges || dicts[0].vals.Kind() != schema.KindBytes {
		dict, found = q.e.domains.share(key, dicts, build, q.canceled)
	}
	if dict == nil && build {
		dict, found = q.mergeDomain(key, dicts)
	}
	if dict == nil {
		return nil, nil
	}
	tables := make(map[*segPlan]*codeTable, len(dicts))
	for _, sp := range q.segs {
		if !sp.none {
			tables[sp], found = found[0], found[1:]
		}
	}
	return dict, tables
}

// dictSize is the number of values in the dictionaries of expression i.
func (q *query) dictSize(i int) float64 {
	n := 0.0
	for _, sp := range q.segs {
		if v := sp.dictValues(q.ctx, i, q.exprs[i]); v != nil {
			n += float64(v.N)
		}
	}
	return n
}

// distinctValues reports whether the values of expression i, which has a
// dictionary, are known to differ from each other as group keys.
func (sp *segPlan) distinctValues(i int) bool {
	s := sp.exprs[i]
	if s.mode != exprCol || !sp.cols[s.col].isDict() || sp.cols[s.col].cast {
		return false
	}
	switch v := sp.cols[s.col].vals; v.Kind() {
	case schema.KindBytes, schema.KindInt32, schema.KindInt64:
		return !v.Const && !v.HasNulls()
	}
	return false
}

// codes returns the code per row of a dictionary's values and, last, the one
// of NULL. For an expression computed per value the row of NULL is there
// already, and the further entry is never used.
func (k *groupKey) codes(v *column.Vector) []uint32 {
	n := v.N
	if v.Const {
		n = 1
	}
	out := make([]uint32, n+1)
	for i := range n {
		out[i] = k.dict.code(v, i)
	}
	return out
}

// sameDictionary reports whether two segments have the same dictionary of text
// or whole numbers, as they often do: then its codes need not be looked up
// again.
func sameDictionary(a, b *column.Vector) bool {
	if a == nil || a.Const || b.Const || a.N != b.N || a.HasNulls() || b.HasNulls() || a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case schema.KindInt32:
		return slices.Equal(a.Int32s[:a.N], b.Int32s[:b.N])
	case schema.KindInt64:
		return slices.Equal(a.Int64s[:a.N], b.Int64s[:b.N])
	case schema.KindBytes:
		return slices.Equal(a.Offsets[:a.N+1], b.Offsets[:b.N+1]) && bytes.Equal(a.Data, b.Data)
	}
	return false
}

// bits returns how many bits a code takes.
func (k *groupKey) bits() int {
	switch k.kind {
	case keyShared:
		return bits.Len(uint(k.dict.size() - 1))
	case keyLazy:
		return 32
	case keyNarrow:
		return 33
	}
	return 65
}

// keyReader gives one worker the codes of one key, chunk by chunk.
type keyReader struct {
	k    *groupKey
	r    *reader
	dict *keyDict // the shared one, or the worker's own for keyLazy
	// table maps dictionary ids of the open segment to codes; for keyLazy it is
	// filled as ids appear, unsetCode marking those that did not.
	table  []uint32
	ascend bool // as codeTable.ascends
	codes  []uint64
	nulls  column.Bitmap // keyWord: NULL rows of the chunk, nil for none
	nbuf   column.Bitmap
}

const unsetCode = math.MaxUint32

func newKeyReader(k *groupKey, r *reader) *keyReader {
	kr := &keyReader{k: k, r: r, dict: k.dict}
	if k.kind == keyLazy {
		kr.dict = newKeyDict(k.typ)
	}
	return kr
}

// open turns to another segment.
func (kr *keyReader) open(sp *segPlan) {
	switch kr.k.kind {
	case keyShared:
		t := kr.k.tables[sp]
		kr.table, kr.ascend = t.codes, t.ascends
	case keyLazy:
		kr.table = kr.lazyTable(sp)
	}
}

// ascends reports whether, in the open segment, the code of every id is one
// more than the id, and no row is NULL.
func (kr *keyReader) ascends() bool {
	if kr.isConst() || kr.r.sp.cols[kr.r.exprs[kr.k.expr].s.col].hasNulls() {
		return false
	}
	return kr.ascend
}

// lazyTable returns an unfilled table for a segment in which the key has a
// dictionary, nil for one in which it has none.
func (kr *keyReader) lazyTable(sp *segPlan) []uint32 {
	x := kr.r.exprs[kr.k.expr].x
	v := sp.dictValues(kr.r.ctx, kr.k.expr, x)
	if v == nil {
		return nil
	}
	n := sp.cols[sp.exprs[kr.k.expr].col].vals.N + 1
	t := slices.Grow(kr.table[:0], n)[:n]
	for i := range t {
		t[i] = unsetCode
	}
	return t
}

// isConst reports whether the key has one value in the open segment.
func (kr *keyReader) isConst() bool {
	s := kr.r.exprs[kr.k.expr].s
	return s.mode == exprConst || s.mode == exprCol && kr.r.sp.cols[s.col].konst != nil
}

// buffer returns codes with room for n rows; dense tables never need it.
func (kr *keyReader) buffer(n int) []uint64 {
	if kr.codes == nil {
		kr.codes = kr.r.buf.uint64s(chunkRows)
	}
	return kr.codes[:n]
}

// read fills codes (and nulls) for the chunk.
func (kr *keyReader) read(c *chunk) error {
	codes := kr.buffer(c.n)
	kr.nulls = nil
	if kr.k.kind == keyShared {
		kr.readShared(c, codes)
		return nil
	}
	if kr.k.kind == keyLazy && kr.table != nil {
		return kr.readLazy(c, codes)
	}
	v, err := kr.r.vec(kr.k.expr, c)
	if err != nil {
		return err
	}
	switch kr.k.kind {
	case keyLazy:
		kr.intern(v, codes)
	case keyNarrow:
		narrowCodes(v.Flatten(), codes)
	default:
		kr.wordCodes(v.Flatten(), codes)
	}
	return nil
}

func (kr *keyReader) readShared(c *chunk, codes []uint64) {
	if kr.isConst() {
		for i := range codes {
			codes[i] = uint64(kr.table[0])
		}
		return
	}
	for i, id := range kr.r.ids(kr.k.expr, c) {
		codes[i] = uint64(kr.table[id])
	}
}

func (kr *keyReader) readLazy(c *chunk, codes []uint64) error {
	for i, id := range kr.r.ids(kr.k.expr, c) {
		code := kr.table[id]
		if code == unsetCode {
			code = kr.fill(id)
		}
		codes[i] = uint64(code)
	}
	return nil
}

// fill looks up the code of a dictionary id at its first appearance.
func (kr *keyReader) fill(id uint32) uint32 {
	v := kr.r.sp.dictValues(kr.r.ctx, kr.k.expr, kr.r.exprs[kr.k.expr].x)
	code := uint32(0)
	if int(id) < v.N {
		code = kr.dict.code(v, int(id))
	}
	kr.table[id] = code
	return code
}

func (kr *keyReader) intern(v *column.Vector, codes []uint64) {
	if v.Const {
		code := uint64(kr.dict.code(v, 0))
		for i := range codes {
			codes[i] = code
		}
		return
	}
	for i := range codes {
		codes[i] = uint64(kr.dict.code(v, i))
	}
}

// narrowCodes makes codes of values of at most 32 bits.
func narrowCodes(v *column.Vector, codes []uint64) {
	switch v.Kind() {
	case schema.KindInt32:
		for i, x := range v.Int32s[:len(codes)] {
			codes[i] = uint64(uint32(x)) + 1
		}
	case schema.KindBool:
		for i, x := range v.Bools[:len(codes)] {
			codes[i] = 1
			if x {
				codes[i] = 2
			}
		}
	default:
		for i, x := range v.Float32s[:len(codes)] {
			switch {
			case x != x:
				x = float32(math.NaN())
			case x == 0:
				x = 0
			}
			codes[i] = uint64(math.Float32bits(x)) + 1
		}
	}
	if v.HasNulls() {
		for i := kernel.FirstSet(v.Nulls, 0); i >= 0; i = kernel.FirstSet(v.Nulls, i+1) {
			codes[i] = 0
		}
	}
}

// wordCodes makes codes of 64-bit values; NULL rows get 0 and their bit.
func (kr *keyReader) wordCodes(v *column.Vector, codes []uint64) {
	if v.Kind() == schema.KindInt64 {
		for i, x := range v.Int64s[:len(codes)] {
			codes[i] = uint64(x)
		}
	} else {
		for i, x := range v.Float64s[:len(codes)] {
			codes[i] = uint64(kernel.FloatKey(x))
		}
	}
	if !v.HasNulls() {
		return
	}
	kr.nbuf = append(kr.nbuf[:0], v.Nulls...)
	kr.nulls = kr.nbuf
	for i := kernel.FirstSet(kr.nulls, 0); i >= 0; i = kernel.FirstSet(kr.nulls, i+1) {
		codes[i] = 0
	}
}

// appendValue appends the value of a code to dst.
func (kr *keyReader) appendValue(dst *column.Vector, code uint64, null bool) {
	switch {
	case kr.k.kind <= keyLazy:
		kr.dict.appendValue(dst, uint32(code))
		return
	case null || kr.k.kind == keyNarrow && code == 0:
		dst.AppendNull()
		return
	}
	x := column.Value{Type: dst.Type}
	switch dst.Kind() {
	case schema.KindBool:
		x.I = int64(code - 1)
	case schema.KindInt32:
		x.I = int64(int32(uint32(code - 1)))
	case schema.KindFloat32:
		x.F = float64(math.Float32frombits(uint32(code - 1)))
	case schema.KindInt64:
		x.I = int64(code)
	default:
		x.F = kernel.FloatOfKey(int64(code))
	}
	dst.Append(x)
}
