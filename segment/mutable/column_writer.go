package mutable

import (
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// columnWriter takes the values of one column. Every block is encoded in one
// way, decided when it begins: dictionary ids as long as values repeat, raw
// values where they do not. It belongs to the segment's writer.
type columnWriter struct {
	columnInfo
	storage storage

	dict     dictWriter // nil when the column never had one
	raw      rawWriter  // of the current block if it is raw
	sizeThen int        // of the dictionary when the block began

	ids16 []uint16 // the open block's ids, in one of the two
	ids32 []uint32

	// chains index the rows of blocks that have too many ids for postings, nil
	// until there is such a block.
	chains *chains

	nulls     []uint64 // of the open block, nil until a row is NULL
	nullsOpen int
	nullCount uint32 // in all blocks

	closed       []*part
	closedBytes  int64 // held by closed blocks
	closedPacked int64 // their size in a sealed segment
	open         *part // reader of the open block, nil when it must be made anew
}

// columnInfo is what a column is, for writer and readers.
type columnInfo struct {
	id       uint32
	name     string
	typ      schema.Type
	inverted bool
}

// columnState is a column as of one commit.
type columnState struct {
	*columnInfo
	closed []*part
	open   *part
	// dict is the dictionary of ids in any block; only if pure do all blocks
	// have ids.
	dict   *dictView
	pure   bool
	nulls  uint32
	zone   *zone   // of the open block if it holds raw numbers
	chains *chains // nil while all closed blocks have postings
}

// newColumnWriter refuses what the build of the sealed segment would refuse,
// so that no segment consumes rows that can never be sealed. An inverted index
// of floats, decimals or lists is accepted but exists only in the sealed segment:
// consuming ones keep these kinds raw and are scanned.
func newColumnWriter(f *schema.Field, st storage) (*columnWriter, error) {
	kind := f.Type.Kind()
	noDictionary := st.noDictionary || f.Type.Elem().Kind() == schema.KindInterval
	switch {
	case st.inverted && noDictionary:
		return nil, segment.Unsupportedf("inverted index of a column without a dictionary")
	case st.dictionary && noDictionary && kind != schema.KindBool:
		return nil, segment.Unsupportedf("dictionary of a column of type %s or without dictionary", f.Type)
	case st.sorted && kind == schema.KindList:
		return nil, segment.Unsupportedf("sorting by a multi-value column")
	}
	if st.codec != "" {
		if _, err := encoding.ParseCodec(st.codec); err != nil {
			return nil, err
		}
	}
	w := &columnWriter{columnInfo: columnInfo{id: f.ID, name: f.Name, typ: f.Type}, storage: st}
	if w.wantsDictionary() {
		w.dict = newDict(f.Type)
	}
	if w.dict == nil {
		w.raw = newRaw(f.Type)
		if w.raw == nil {
			return nil, fmt.Errorf("type %s cannot be stored", f.Type)
		}
	}
	w.inverted = st.inverted && w.dict != nil
	return w, nil
}

// wantsDictionary tells whether the first block gets ids. Numbers of high
// cardinality turn out by themselves; JSON documents and bytes hardly repeat.
func (w *columnWriter) wantsDictionary() bool {
	switch {
	case w.storage.dictionary || w.storage.inverted:
		return true
	case w.storage.noDictionary:
		return false
	}
	return w.typ.ID != schema.TypeJSON && w.typ.ID != schema.TypeJSONB && w.typ.ID != schema.TypeBytea
}

// newDict returns a dictionary for a type, nil for kinds that are always kept
// raw: floats and decimals, whose equal values need not be the same bits, and
// lists and intervals.
func newDict(t schema.Type) dictWriter {
	switch t.Kind() {
	case schema.KindBool:
		return &boolDict{typ: t}
	case schema.KindInt32:
		return newIntDict(t, int32Slot)
	case schema.KindInt64:
		return newIntDict(t, int64Slot)
	case schema.KindBytes:
		return newBytesDict(t)
	}
	return nil
}

func int32Slot(v *column.Vector) *[]int32 { return &v.Int32s }
func int64Slot(v *column.Vector) *[]int64 { return &v.Int64s }

func newRaw(t schema.Type) rawWriter {
	switch t.Kind() {
	case schema.KindBool:
		return newFixedWriter(1, func(v *column.Vector) *[]bool { return &v.Bools })
	case schema.KindInt32:
		return newIntWriter(4, int32Slot)
	case schema.KindInt64:
		return newIntWriter(8, int64Slot)
	case schema.KindFloat32:
		return newFloatWriter(4, func(v *column.Vector) *[]float32 { return &v.Float32s })
	case schema.KindFloat64:
		return newFloatWriter(8, func(v *column.Vector) *[]float64 { return &v.Float64s })
	case schema.KindDecimal:
		return newFixedWriter(24, func(v *column.Vector) *[]column.Decimal { return &v.Decimals })
	case schema.KindInterval:
		return newFixedWriter(16, func(v *column.Vector) *[]column.Interval { return &v.Intervals })
	case schema.KindBytes:
		return newBytesWriter()
	case schema.KindList:
		return &listWriter{typ: t}
	}
	return nil
}

// check refuses a vector that append could not take.
func (w *columnWriter) check(v *column.Vector, rows int) error {
	switch {
	case v == nil || v.N != rows:
		return fmt.Errorf("%w: vector without %d rows", ErrBatch, rows)
	case v.Kind() != w.typ.Kind() || v.Const:
		return fmt.Errorf("%w: %s vector (constant: %t) for type %s", ErrBatch, v.Kind(), v.Const, w.typ)
	case v.Kind() == schema.KindList && v.Elems.Kind() != w.typ.Elem().Kind():
		return fmt.Errorf("%w: list of %s for type %s", ErrBatch, v.Elems.Kind(), w.typ)
	case v.Kind() != schema.KindBytes || rows == 0:
		return nil
	}
	size := int(v.Offsets[rows] - v.Offsets[0])
	if d, ok := w.dict.(*bytesDict); ok && !d.fits(size) {
		return fmt.Errorf("%w: more than %d bytes of dictionary", ErrFull, uint32(math.MaxUint32))
	}
	if r, ok := w.raw.(*bytesWriter); ok && !r.fits(size) {
		return fmt.Errorf("%w: more than %d bytes in one block", ErrFull, uint32(math.MaxUint32))
	}
	return nil
}

// append adds rows [from, from+n) of v as rows at, at+1, … of the open block.
// scratch has room for n ids.
func (w *columnWriter) append(v *column.Vector, from, n, at int, scratch []uint32) {
	if v.HasNulls() {
		w.appendNulls(v, from, n, at)
	}
	if w.raw != nil {
		w.raw.append(v, from, n)
		return
	}
	ids := scratch[:n]
	w.dict.encode(v, from, ids)
	w.appendIDs(ids)
	if w.chains != nil {
		w.chain(ids, at)
	}
}

func (w *columnWriter) appendNulls(v *column.Vector, from, n, at int) {
	for i := range n {
		if !v.Nulls.Get(from + i) {
			continue
		}
		if w.nulls == nil {
			w.nulls = make([]uint64, nullWords)
			w.open = nil
		}
		row := at + i
		word := &w.nulls[row>>6]
		atomic.StoreUint64(word, *word|1<<(uint(row)&63))
		w.nullsOpen++
	}
}

// appendIDs stores ids with two bytes each while the dictionary allows it.
func (w *columnWriter) appendIDs(ids []uint32) {
	n := len(ids)
	if w.ids32 == nil && w.dict.size() <= 1<<16 {
		if cap(w.ids16)-len(w.ids16) < n {
			w.ids16 = grow(w.ids16, n, segment.BlockRows)
			w.open = nil
		}
		at := len(w.ids16)
		w.ids16 = w.ids16[:at+n]
		for i, id := range ids {
			w.ids16[at+i] = uint16(id)
		}
		return
	}
	if w.ids32 == nil || cap(w.ids32)-len(w.ids32) < n {
		w.growWide(n)
	}
	w.ids32 = append(w.ids32, ids...)
}

// chain adds the ids of rows at, at+1, … of the open block to the chains.
func (w *columnWriter) chain(ids []uint32, at int) {
	first := uint32(len(w.closed)*segment.BlockRows + at)
	w.chains.add(first, ids, &part{nulls: w.nulls}, w.dict.size())
}

// growWide makes room for n more ids of four bytes, to which it moves those of
// two bytes.
func (w *columnWriter) growWide(n int) {
	if w.ids32 == nil {
		w.ids32 = make([]uint32, len(w.ids16), max(cap(w.ids16), initialRows))
		openIDs16(w.ids16).Read(0, w.ids32)
		w.ids16 = nil
	}
	w.ids32 = grow(w.ids32, n, segment.BlockRows)
	w.open = nil
}

// closeBlock packs the full block and begins the next. scratch has room for
// the ids of a block.
func (w *columnWriter) closeBlock(scratch []uint32) {
	p := &part{nulls: w.nulls, closed: true}
	var held, packed int64
	if w.raw != nil {
		p.zone = w.raw.zone()
		p.vals, held = w.raw.close()
		packed = held
	} else {
		held, packed = w.closeIDs(p, scratch[:segment.BlockRows])
	}
	if p.nulls != nil {
		held += nullWords * 8
		packed += min(nullWords*8, int64(w.nullsOpen)*2)
	}
	w.closedBytes += held
	w.closedPacked += packed
	w.closed = append(w.closed, p)
	w.nullCount += uint32(w.nullsOpen)
	w.nulls, w.nullsOpen, w.open = nil, 0, nil
	w.chooseEncoding(p)
}

// closeIDs packs the ids of the block into p.
func (w *columnWriter) closeIDs(p *part, ids []uint32) (held, packed int64) {
	wide := w.ids32 != nil
	if wide {
		copy(ids, w.ids32)
	} else {
		openIDs16(w.ids16).Read(0, ids)
	}
	p.lo, p.hi = idBounds(ids)
	if w.inverted && w.chains == nil {
		if p.post = buildPostings(ids, w.nulls, p.lo, p.hi); p.post != nil {
			held = p.post.bytes()
		} else {
			w.chains = newChains(uint32(len(w.closed) * segment.BlockRows))
			w.chain(ids, 0)
		}
	}
	packedIDs, size := packIDs(ids, p.lo, p.hi)
	p.ids = packedIDs
	w.ids16, w.ids32 = nil, nil
	if wide {
		w.ids32 = make([]uint32, 0, segment.BlockRows)
	} else {
		w.ids16 = make([]uint16, 0, segment.BlockRows)
	}
	return held + size, held + size
}

func idBounds(ids []uint32) (lo, hi uint32) {
	lo = math.MaxUint32
	for _, id := range ids {
		lo, hi = min(lo, id), max(hi, id)
	}
	return lo, hi
}

// maxDictBytes is the size of a dictionary of bytes beyond which it is not
// worth having.
const maxDictBytes = 256 << 20

// chooseEncoding decides how the next block is kept: raw as soon as more than
// half of the values of a block were new to the dictionary. Columns with an
// inverted index or a forced dictionary keep it.
func (w *columnWriter) chooseEncoding(last *part) {
	if w.raw != nil {
		return
	}
	fresh := w.dict.size() - w.sizeThen
	w.sizeThen = w.dict.size()
	given := segment.BlockRows - int(last.countNulls(segment.BlockRows))
	if w.storage.dictionary || w.inverted {
		return
	}
	if 2*fresh <= given && w.dict.packedBytes() <= maxDictBytes {
		return
	}
	w.raw = newRaw(w.typ)
	w.ids16, w.ids32 = nil, nil
}

// state returns the column as of now. The part of the open block is made anew
// only when an array was replaced since.
func (w *columnWriter) state() columnState {
	if w.open == nil || w.raw != nil && w.open.vals != w.raw.values() {
		w.open = &part{nulls: w.nulls}
		switch {
		case w.raw != nil:
			w.open.vals = w.raw.values()
		case w.ids32 != nil:
			w.open.ids = openIDs32(w.ids32[:cap(w.ids32)])
		default:
			w.open.ids = openIDs16(w.ids16[:cap(w.ids16)])
		}
	}
	st := columnState{
		columnInfo: &w.columnInfo, closed: w.closed, open: w.open,
		pure: w.raw == nil, nulls: w.nullCount + uint32(w.nullsOpen), chains: w.chains,
	}
	if w.dict != nil {
		st.dict = w.dict.view()
	}
	if w.raw != nil {
		st.zone = w.raw.zone()
	}
	return st
}

// partBytes is about the memory of a closed part's headers.
const partBytes = 256

// heldBytes is the memory of the column.
func (w *columnWriter) heldBytes() int64 {
	n := w.closedBytes + int64(len(w.closed))*partBytes + int64(cap(w.ids16))*2 + int64(cap(w.ids32))*4
	n += int64(cap(w.nulls))*8 + int64(cap(w.closed))*8 + w.chains.bytes()
	if w.dict != nil {
		n += w.dict.heldBytes()
	}
	if w.raw != nil {
		n += w.raw.heldBytes()
	}
	return n
}

// packedSize estimates the column's size in a sealed segment; open is the
// number of rows in the open block.
func (w *columnWriter) packedSize(open int) int64 {
	n := w.closedPacked + min(nullWords*8, int64(w.nullsOpen)*2)
	if w.dict != nil {
		n += w.dict.packedBytes()
	}
	if w.raw != nil {
		return n + w.raw.packedBytes()
	}
	width := max(1, bits.Len(uint(w.dict.size())))
	if w.inverted {
		n += int64(open) * 2
	}
	return n + int64(encoding.PackedBytes(open, uint(width)))
}
