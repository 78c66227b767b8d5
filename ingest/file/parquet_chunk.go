package file

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/alluviumdb/alluvium/internal/column"
)

// maxPageValues bounds the values of one page, so that a few bad bytes cannot
// ask for all memory.
const maxPageValues = 1 << 26

// byteStreamSplit is the one encoding that the library has no name for.
const byteStreamSplit parquet.Encoding = 9

// chunkReader decodes the pages of one column of one row group. Its memory is
// reused for other columns.
type chunkReader struct {
	p     *ParquetFile
	field int
	col   *parquetColumn
	conv  converter

	group    int
	row      int64 // the row group's row that the next page begins with
	from, to int64
	emit     func(*column.Encoded) error

	dict       *column.Vector // converted; nil without a dictionary page
	dictFaults []fault
	pages      file.PageReader

	native column.Vector // values of the page at hand
	ids    []uint32
	defs   []uint32
	reps   []uint32
	list   listState
}

func (p *ParquetFile) chunkReader(field int) (*chunkReader, error) {
	r, _ := p.states.Get().(*chunkReader)
	if r == nil {
		r = &chunkReader{p: p}
	}
	r.field, r.col = field, &p.cols[field]
	return r, r.conv.init(&r.col.leaf, &p.schema.Fields[field], p.opt)
}

func (r *chunkReader) read(ctx context.Context, group int, from, to int64, f func(*column.Encoded) error) error {
	r.group, r.row, r.from, r.to, r.emit = group, 0, from, to, f
	r.dict, r.dictFaults = nil, nil
	r.list.reset()
	err := guard(func() error { return r.openPages(ctx) })
	for err == nil && r.row < to {
		if err = ctx.Err(); err == nil {
			err = r.nextPage()
		}
	}
	if err == nil && r.col.list {
		err = r.emitLists()
	}
	r.emit, r.pages, r.dict = nil, nil, nil
	return err
}

// openPages reads the bytes of the column chunk.
func (r *chunkReader) openPages(ctx context.Context) error {
	md, err := r.p.pf.MetaData().RowGroup(r.group).ColumnChunk(r.col.index)
	if err != nil {
		return corrupt(err)
	}
	start, size := md.DataPageOffset(), md.TotalCompressedSize()
	if md.HasDictionaryPage() && md.DictionaryPageOffset() > 0 {
		start = min(start, md.DictionaryPageOffset())
	}
	if start < 0 || size < 0 || start > r.p.in.Bytes || size > r.p.in.Bytes-start {
		return errPage("column chunk of %d bytes at %d in a file of %d", size, start, r.p.in.Bytes)
	}
	if !r.col.list && md.NumValues() != r.p.groups[r.group] {
		return errPage("column chunk of %d values in a row group of %d rows", md.NumValues(), r.p.groups[r.group])
	}
	at := &blobReader{ctx: ctx, blob: r.p.blob}
	r.pages, err = newPageReader(at, start, size, md.NumValues(), md.Compression())
	return err
}

// nextPage decodes one page.
func (r *chunkReader) nextPage() error {
	var page file.Page
	err := guard(func() error {
		if r.pages.Next() {
			page = r.pages.Page()
			return nil
		}
		if err := r.pages.Err(); err != nil {
			return corrupt(err)
		}
		if r.col.list && r.rowsRead() == r.p.groups[r.group] {
			r.endList()
			return nil
		}
		return errPage("column chunk ends after %d of %d rows", r.rowsRead(), r.p.groups[r.group])
	})
	if err != nil || page == nil {
		return err
	}
	n := int(page.NumValues())
	if n < 0 || n > maxPageValues {
		return fmt.Errorf("%w: page of %d values", ErrUnsupported, n)
	}
	switch pg := page.(type) {
	case *file.DictionaryPage:
		return r.readDictionary(pg, n)
	case *file.DataPageV1:
		values, err := r.levelsV1(pg, n)
		if err != nil {
			return err
		}
		return r.data(values, parquet.Encoding(pg.Encoding()), n)
	case *file.DataPageV2:
		values, err := r.levelsV2(pg, n)
		if err != nil {
			return err
		}
		return r.data(values, parquet.Encoding(pg.Encoding()), n)
	}
	return nil // other pages are no data
}

func (r *chunkReader) rowsRead() int64 {
	if r.col.list {
		return int64(r.list.rows)
	}
	return r.row
}

func (r *chunkReader) readDictionary(pg *file.DictionaryPage, n int) error {
	if r.dict != nil {
		return errPage("a second dictionary")
	}
	native := column.New(nativeType(r.col.physical), 0)
	if err := appendPlain(native, pg.Data(), n, r.col.physical, r.col.length); err != nil {
		return err
	}
	var err error
	r.dict, r.dictFaults, err = r.conv.convert(native)
	return err
}

// levelsV1 decodes the levels in front of the values and returns the latter.
func (r *chunkReader) levelsV1(pg *file.DataPageV1, n int) ([]byte, error) {
	b := pg.Data()
	var err error
	r.reps, r.defs = r.reps[:0], r.defs[:0]
	if r.col.list {
		if r.reps, b, err = prefixedLevels(r.reps, b, pg.RepetitionLevelEncoding(), 1, n); err != nil {
			return nil, err
		}
	}
	if r.col.maxDef > 0 {
		r.defs, b, err = prefixedLevels(r.defs, b, pg.DefinitionLevelEncoding(), r.col.maxDef, n)
	}
	return b, err
}

func prefixedLevels(dst []uint32, b []byte, enc parquet.Encoding, highest, n int) ([]uint32, []byte, error) {
	if enc != parquet.Encodings.RLE {
		return dst, nil, fmt.Errorf("%w: levels encoded as %v", ErrUnsupported, enc)
	}
	if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
		return dst, nil, errPage("levels end early")
	}
	size := binary.LittleEndian.Uint32(b)
	dst, err := readLevels(dst, b[4:4+size], highest, n)
	return dst, b[4+size:], err
}

func readLevels(dst []uint32, b []byte, highest, n int) ([]uint32, error) {
	width := 0
	for highest>>width > 0 {
		width++
	}
	dst, top, err := appendHybrid(dst, b, width, n)
	if err == nil && int(top) > highest {
		err = errPage("level %d above %d", top, highest)
	}
	return dst, err
}

func (r *chunkReader) levelsV2(pg *file.DataPageV2, n int) ([]byte, error) {
	b := pg.Data()
	rep, def := int(pg.RepetitionLevelByteLen()), int(pg.DefinitionLevelByteLen())
	if rep < 0 || def < 0 || rep > len(b) || def > len(b)-rep {
		return nil, errPage("levels end early")
	}
	var err error
	r.reps, r.defs = r.reps[:0], r.defs[:0]
	if r.col.list {
		if r.reps, err = readLevels(r.reps, b[:rep], 1, n); err != nil {
			return nil, err
		}
	}
	if r.col.maxDef > 0 {
		r.defs, err = readLevels(r.defs, b[rep:rep+def], r.col.maxDef, n)
	}
	return b[rep+def:], err
}

// data decodes the values of a page of n entries and passes them on.
func (r *chunkReader) data(b []byte, enc parquet.Encoding, n int) error {
	present := n
	if r.col.maxDef > 0 {
		present = 0
		for _, d := range r.defs {
			if int(d) == r.col.maxDef {
				present++
			}
		}
	}
	values, faults, byID, err := r.values(b, enc, present)
	if err != nil {
		return err
	}
	if r.col.list {
		return r.lists(values, faults, byID, n)
	}
	return r.flat(values, faults, byID, n, present)
}

// values decodes the present values of a page: ids into the dictionary (in
// r.ids, byID true) or values of their own, which are converted.
func (r *chunkReader) values(b []byte, enc parquet.Encoding, n int) (v *column.Vector, faults []fault, byID bool, err error) {
	if enc == parquet.Encodings.RLEDict || enc == parquet.Encodings.PlainDict {
		err = r.dictionaryIDs(b, n)
		return r.dict, r.dictFaults, true, err
	}
	native := &r.native
	native.Reset(nativeType(r.col.physical))
	switch enc {
	case parquet.Encodings.Plain:
		err = appendPlain(native, b, n, r.col.physical, r.col.length)
	case parquet.Encodings.RLE:
		err = r.runBools(native, b, n)
	case parquet.Encodings.DeltaBinaryPacked:
		err = appendDeltaInts(native, b, n)
	case parquet.Encodings.DeltaLengthByteArray:
		err = appendDeltaLengths(native, b, n)
	case parquet.Encodings.DeltaByteArray:
		err = appendDeltaStrings(native, b, n)
	case byteStreamSplit:
		err = appendSplit(native, b, n, r.col.physical, r.col.length)
	default:
		err = fmt.Errorf("%w: encoding %v", ErrUnsupported, enc)
	}
	if err != nil {
		return nil, nil, false, err
	}
	v, faults, err = r.conv.convert(native)
	return v, faults, false, err
}

func (r *chunkReader) dictionaryIDs(b []byte, n int) error {
	if r.dict == nil {
		return errPage("dictionary ids without a dictionary")
	}
	r.ids = r.ids[:0]
	if n == 0 {
		return nil
	}
	if len(b) == 0 {
		return errPage("dictionary ids end early")
	}
	var top uint32
	var err error
	r.ids, top, err = appendHybrid(r.ids, b[1:], int(b[0]), n)
	if err == nil && int(top) >= r.dict.N {
		err = errPage("id %d in a dictionary of %d", top, r.dict.N)
	}
	return err
}

func (r *chunkReader) runBools(v *column.Vector, b []byte, n int) error {
	if r.col.physical != parquet.Types.Boolean || len(b) < 4 {
		return errPage("runs of %v", r.col.physical)
	}
	bits, _, err := appendHybrid(r.ids[:0], b[4:], 1, n)
	r.ids = bits
	for _, x := range bits {
		v.Bools = append(v.Bools, x != 0)
	}
	v.N += len(bits)
	return err
}

// flat passes on a page of single values, cut to the wanted rows.
func (r *chunkReader) flat(values *column.Vector, faults []fault, byID bool, n, present int) error {
	first := r.row
	if int64(n) > r.p.groups[r.group]-first {
		return errPage("more values than the row group's %d rows", r.p.groups[r.group])
	}
	r.row += int64(n)
	lo, hi := max(r.from-first, 0), min(r.to-first, int64(n))
	if lo >= hi {
		return nil
	}
	e := column.Encoded{N: n, Values: values}
	switch {
	case present < n:
		e.Nulls = r.spread(byID, n)
		e.IDs = r.ids
	case byID:
		e.IDs = r.ids
	}
	if e.Nulls != nil && r.conv.required != "" {
		if i := firstSet(e.Nulls, int(lo)); i < int(hi) {
			return r.refuse(int64(i)+first, r.conv.required)
		}
	}
	if err := r.checkFaults(&e, faults, int(lo), int(hi), first); err != nil {
		return err
	}
	return r.emit(cut(&e, int(lo), int(hi)))
}

// spread gives every row its id, NULL rows 0, and returns the NULL rows. Plain
// values are numbered in their order.
func (r *chunkReader) spread(byID bool, n int) column.Bitmap {
	nulls := column.NewBitmap(n)
	if !byID {
		r.ids = r.ids[:0]
		for i := range r.native.N {
			r.ids = append(r.ids, uint32(i))
		}
	}
	from := len(r.ids)
	r.ids = extend(r.ids, n-from)
	for i := n - 1; i >= 0; i-- {
		if int(r.defs[i]) == r.col.maxDef {
			from--
			r.ids[i] = r.ids[from]
		} else {
			r.ids[i] = 0
			nulls.Set(i)
		}
	}
	return nulls
}

func firstSet(b column.Bitmap, from int) int {
	for i := from; i < 64*len(b); i++ {
		if b.Get(i) {
			return i
		}
	}
	return 64 * len(b)
}

// cut returns rows lo…hi of a run.
func cut(e *column.Encoded, lo, hi int) *column.Encoded {
	if lo == 0 && hi == e.N {
		return e
	}
	out := column.Encoded{N: hi - lo, Values: e.Values}
	if e.IDs == nil {
		out.Values = e.Values.Slice(lo, hi)
		return &out
	}
	out.IDs = e.IDs[lo:hi]
	if e.Nulls != nil {
		out.Nulls = column.NewBitmap(hi - lo)
		for i := lo; i < hi; i++ {
			if e.Nulls.Get(i) {
				out.Nulls.Set(i - lo)
			}
		}
	}
	return &out
}

// checkFaults fails for the first row of lo…hi whose value could not be
// converted.
func (r *chunkReader) checkFaults(e *column.Encoded, faults []fault, lo, hi int, first int64) error {
	if len(faults) == 0 {
		return nil
	}
	reasons := map[uint32]string{}
	for _, f := range faults {
		reasons[uint32(f.at)] = f.reason
	}
	for i := lo; i < hi; i++ {
		id := uint32(i)
		if e.IDs != nil {
			id = e.IDs[i]
		}
		if reason, bad := reasons[id]; bad && !e.Nulls.Get(i) {
			return r.refuse(first+int64(i), reason)
		}
	}
	return nil
}

// refuse names a row of the row group, counted from 0, that does not fit.
func (r *chunkReader) refuse(row int64, reason string) error {
	for _, n := range r.p.groups[:r.group] {
		row += n
	}
	return &Error{
		Path: r.p.in.Path, Column: r.p.schema.Fields[r.field].Name, Row: row + 1,
		Err: fmt.Errorf("%w: %s", ErrMismatch, reason),
	}
}
