package build

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// pending is a buffer that has not been written yet.
type pending struct {
	role     format.Role
	required bool
	bytes    []byte
}

// encoded is a column ready to be written.
type encoded struct {
	entry   format.Column
	buffers []pending
	child   *encoded
}

func (e *encoded) buffer(role format.Role, b []byte) {
	// Indexes and zone maps can be ignored by a reader; everything else cannot.
	required := !role.Optional()
	e.buffers = append(e.buffers, pending{role: role, required: required, bytes: b})
}

const (
	// maxConst is the longest value that is kept in the directory.
	maxConst = 1024
	// maxBound is the length beyond which text bounds are truncated.
	maxBound = 256
)

// encode chooses the encoding of a column and applies it.
func encode(d *data, p *plan) (*encoded, error) {
	e := &encoded{entry: format.Column{Meta: &segment.ColumnMeta{Type: d.typ, Nulls: uint32(d.nullCount())}}}
	if d.allNull {
		e.entry.Meta.Encoding = segment.EncodingConst
		return e, nil
	}
	if d.nulls != nil {
		d.nulls.RunOptimize()
		b, err := encoding.AppendBitmap(nil, d.nulls)
		if err != nil {
			return nil, err
		}
		e.buffer(format.RoleNulls, b)
	}
	dict, err := useDictionary(d, p)
	if err != nil {
		return nil, err
	}
	if dict {
		err = e.dictionary(d, p)
	} else {
		err = e.raw(d, p)
	}
	if err != nil {
		return nil, err
	}
	return e, e.indexes(d, p)
}

// indexes writes the indexes that a column may have whatever its encoding is.
func (e *encoded) indexes(d *data, p *plan) error {
	e.bloom(d, p)
	e.ranges(d, p)
	if err := e.json(d, p); err != nil {
		return err
	}
	if err := e.text(d, p); err != nil {
		return err
	}
	return e.geo(d, p)
}

// useDictionary decides between the dictionary form and the values form and
// leaves d in that form, its dictionary sorted.
func useDictionary(d *data, p *plan) (bool, error) {
	if p.noDict {
		d.materialise()
		return false, nil
	}
	limit := p.cardinalityLimit(d.n)
	if d.manyValues || d.dict == nil && !d.buildDictionary(limit) {
		return false, nil
	}
	distinct := d.sortDictionary(p.dict)
	size, fits := index.DictionarySize(d.dict)
	switch {
	case p.dict && !fits:
		return false, segment.Unsupportedf("dictionary of more than 4 GiB for column %q", p.field.Name)
	case p.dict:
		return true, nil
	case !fits || !distinct || d.dict.N > limit:
		d.materialise()
		return false, nil
	}
	return dictionaryPays(d, p, size+d.idBytes())
}

// idBytes returns the size of the ids as they will be stored.
func (d *data) idBytes() int {
	_, size := d.idRuns()
	if runs := 4 * (d.dict.N + 1); runs < size && d.nulls == nil && slices.IsSorted(d.ids) {
		return runs
	}
	return size
}

const (
	// smallCardinality is the number of distinct values up to which dimensions
	// that repeat get a dictionary: ids of one byte make filters and groups cheap.
	smallCardinality = 256
	// shortText is the mean length in bytes up to which text always gets a
	// dictionary, so that single keys can be looked up.
	shortText = 64
)

// dictionaryPays compares the size of the dictionary form with that of the
// values form. A dictionary makes filters and groups cheap, so it may cost a
// little more; metrics are summed, so for them it must save half.
func dictionaryPays(d *data, p *plan, size int) (bool, error) {
	kind, metric := d.typ.Kind(), p.field.Role == schema.Metric && !p.sorted
	switch {
	case d.dict.N == 1:
		return true, nil
	case d.dict.N <= min(smallCardinality, d.n/4) && !metric:
		return true, nil
	case kind == schema.KindBytes && d.dict.N <= d.n/2:
		return true, nil
	case kind == schema.KindBytes && !isDocument(d.typ) && len(d.dict.Data) <= shortText*d.dict.N:
		return true, nil
	}
	rows := *d
	rows.materialise()
	raw, err := rawSize(&rows, p)
	if err != nil {
		return false, err
	}
	pays := false
	switch {
	case kind == schema.KindBytes && isDocument(d.typ):
		pays = size <= raw
	case kind == schema.KindBytes:
		pays = size < 2*raw
	case metric:
		pays = size <= raw/2
	default:
		pays = size <= raw+raw/8
	}
	if !pays {
		*d = rows
	}
	return pays, nil
}

// isDocument reports whether values of a type are read rather than compared.
func isDocument(t schema.Type) bool {
	return t.ID == schema.TypeJSON || t.ID == schema.TypeJSONB || t.ID == schema.TypeBytea
}

// rawSize returns the size of the values form.
func rawSize(d *data, p *plan) (int, error) {
	v := d.values
	switch d.typ.Kind() {
	case schema.KindInt32:
		return intSize(v.Int32s), nil
	case schema.KindInt64:
		return intSize(v.Int64s), nil
	case schema.KindFloat32:
		return floatSize(v.Float32s, d, p), nil
	case schema.KindFloat64:
		return floatSize(v.Float64s, d, p), nil
	case schema.KindDecimal:
		if ints, _, ok := scaledInts(d); ok {
			return encoding.SizeFOR(ints), nil
		}
		return encoding.DecimalBytes * d.n, nil
	case schema.KindBytes:
		b, err := encoding.AppendChunked(nil, v, p.codec)
		return len(b), err
	}
	return 0, nil
}

// intSize returns the size of whole numbers without a dictionary.
func intSize[T int32 | int64](v []T) int {
	size := min(encoding.SizeFOR(v), encoding.SizeDelta(v), encoding.SizeRaw(v))
	if runs := intRuns(v, size); runs != nil {
		size = runs.MapBytes() + encoding.SizeFOR(runs.Values)
	}
	return size
}

// dictionary encodes the dictionary form.
func (e *encoded) dictionary(d *data, p *plan) error {
	m := e.entry.Meta
	card := d.dict.N
	m.Cardinality = uint32(card)
	e.setRange(d.dict.Value(0), d.dict.Value(card-1))
	m.Sorted = d.nulls == nil && slices.IsSorted(d.ids)
	first := d.dict.Value(0)
	if card == 1 && !p.inverted && len(first.B) <= maxConst {
		m.Encoding = segment.EncodingConst
		first.B = slices.Clone(first.B)
		e.entry.Const = &first
		return nil
	}
	e.buffer(format.RoleDictionary, index.AppendDictionary(nil, d.dict))
	w := encoding.Width(card)
	if m.Sorted && 4*(card+1) <= encoding.PackedBytes(d.n, w) {
		m.Encoding = segment.EncodingSortedRuns
		e.buffer(format.RoleForward, encoding.AppendRuns(nil, d.ids, card))
		return nil // the runs are the index: an inverted one would repeat them
	}
	e.ids(d, p)
	if d.n > segment.BlockRows {
		e.buffer(format.RoleZones, index.AppendIntZones(nil, d.ids, d.isNull()))
	}
	if p.inverted {
		e.buffer(format.RoleInverted, index.AppendInverted(nil, d.ids, card, d.isNull()))
	}
	return nil
}

// raw encodes the values form.
func (e *encoded) raw(d *data, p *plan) error {
	m, v := e.entry.Meta, d.values
	e.valueRange(d)
	switch d.typ.Kind() {
	case schema.KindInt32:
		encodeInts(e, v.Int32s, d, p)
	case schema.KindInt64:
		encodeInts(e, v.Int64s, d, p)
	case schema.KindFloat32:
		encodeFloats(e, v.Float32s, d, p)
	case schema.KindFloat64:
		encodeFloats(e, v.Float64s, d, p)
	case schema.KindDecimal:
		e.decimals(d)
	case schema.KindInterval:
		m.Encoding = segment.EncodingRaw
		e.buffer(format.RoleForward, encoding.AppendIntervals(nil, v.Intervals[:d.n]))
	case schema.KindBytes:
		m.Encoding = segment.EncodingChunked
		b, err := encoding.AppendChunked(nil, v, p.codec)
		if err != nil {
			return err
		}
		e.buffer(format.RoleForward, b)
	case schema.KindList:
		return e.list(d, p)
	default:
		return fmt.Errorf("build: cannot store %v", d.typ)
	}
	return nil
}

// encodeInts chooses between plain values, frame of reference and deltas.
func encodeInts[T int32 | int64](e *encoded, v []T, d *data, p *plan) {
	m := e.entry.Meta
	m.Sorted = d.nulls == nil && slices.IsSorted(v)
	if d.n > segment.BlockRows {
		e.buffer(format.RoleZones, index.AppendIntZones(nil, v, d.isNull()))
	}
	v = fillNulls(v, d.nullBits())
	plain := encoding.SizeRaw(v)
	frame, delta := encoding.SizeFOR(v), encoding.SizeDelta(v)
	if p.hasCodec && p.codec == encoding.CodecNone {
		m.Encoding = segment.EncodingRaw
		e.buffer(format.RoleForward, encoding.AppendRaw(nil, v))
		return
	}
	if runs := intRuns(v, min(plain, frame, delta)); runs != nil {
		m.Encoding = segment.EncodingRLE
		e.buffer(format.RoleForward, encoding.AppendFOR(runs.AppendMap(nil), runs.Values))
		return
	}
	switch {
	case plain <= frame && plain <= delta:
		m.Encoding = segment.EncodingRaw
		e.buffer(format.RoleForward, encoding.AppendRaw(nil, v))
	case delta < frame-frame/4: // a single value costs decoding its block
		m.Encoding = segment.EncodingDelta
		e.buffer(format.RoleForward, encoding.AppendDelta(nil, v))
	default:
		m.Encoding = segment.EncodingFOR
		e.buffer(format.RoleForward, encoding.AppendFOR(nil, v))
	}
}

// fillNulls gives NULL rows the value before them, so that they widen no block.
func fillNulls[T encoding.Number](v []T, nulls column.Bitmap) []T {
	if nulls == nil {
		return v
	}
	out := slices.Clone(v)
	first := 0
	for nulls.Get(first) {
		first++ // not all rows are NULL
	}
	prev := v[first]
	for i := range out {
		if nulls.Get(i) {
			out[i] = prev
		}
		prev = out[i]
	}
	return out
}

// decimals stores decimals of one scale that fit as scaled integers.
func (e *encoded) decimals(d *data) {
	m := e.entry.Meta
	if ints, scale, ok := scaledInts(d); ok {
		m.Encoding = segment.EncodingFOR
		e.entry.DecimalScale, e.entry.HasDecimalScale = scale, true
		e.buffer(format.RoleForward, encoding.AppendFOR(nil, fillNulls(ints, d.nullBits())))
		return
	}
	m.Encoding = segment.EncodingRaw
	e.buffer(format.RoleForward, encoding.AppendDecimals(nil, d.values.Decimals[:d.n]))
}

// scaledInts returns the coefficients if all decimals have one scale and fit int64.
func scaledInts(d *data) (ints []int64, scale uint8, ok bool) {
	nulls := d.nullBits()
	ints, seen := make([]int64, d.n), false
	for i, x := range d.values.Decimals[:d.n] {
		if nulls.Get(i) {
			continue
		}
		if !x.Coef.IsInt64() || x.IsNaN() || seen && x.Scale != scale {
			return nil, 0, false
		}
		ints[i], scale, seen = int64(x.Coef.Lo), x.Scale, true
	}
	return ints, scale, seen
}

// elements returns the elements of all lists as a column.
func elements(v *column.Vector) (*data, error) {
	part := v.Elems.Slice(int(v.Offsets[0]), int(v.Offsets[v.N]))
	d := &data{typ: v.Type.Elem(), n: part.N, values: column.New(v.Type.Elem(), part.N)}
	d.addNulls(part, 0)
	err := appendRows(d.values, part)
	d.normalise()
	return d, err
}

// setRange sets Min and Max, truncated when they are long.
func (e *encoded) setRange(lo, hi column.Value) {
	m := e.entry.Meta
	lo, hi, cut, ok := segment.TruncateBounds(lo, hi, maxBound)
	if !ok {
		return
	}
	lo.B, hi.B = slices.Clone(lo.B), slices.Clone(hi.B)
	m.HasRange, m.Truncated, m.Min, m.Max = true, cut, lo, hi
}

// valueRange finds Min and Max of the values form.
func (e *encoded) valueRange(d *data) {
	if d.typ.Kind() == schema.KindList {
		return
	}
	nulls, v := d.nullBits(), d.values
	if k := d.typ.Kind(); nulls == nil && (k == schema.KindInt32 || k == schema.KindInt64) {
		lo, hi := int64(0), int64(0)
		if k == schema.KindInt32 {
			lo, hi = int64(slices.Min(v.Int32s)), int64(slices.Max(v.Int32s))
		} else {
			lo, hi = slices.Min(v.Int64s), slices.Max(v.Int64s)
		}
		e.setRange(column.Value{Type: v.Type, I: lo}, column.Value{Type: v.Type, I: hi})
		return
	}
	lo, hi := -1, -1
	for i := range d.n {
		if nulls.Get(i) {
			continue
		}
		if lo < 0 {
			lo, hi = i, i
			continue
		}
		if less(v, i, lo) {
			lo = i
		} else if less(v, hi, i) {
			hi = i
		}
	}
	if lo >= 0 {
		e.setRange(v.Value(lo), v.Value(hi))
	}
}

// less compares two rows.
func less(v *column.Vector, a, b int) bool {
	switch v.Kind() {
	case schema.KindInt32:
		return v.Int32s[a] < v.Int32s[b]
	case schema.KindInt64:
		return v.Int64s[a] < v.Int64s[b]
	case schema.KindBytes:
		return bytes.Compare(v.Bytes(a), v.Bytes(b)) < 0
	}
	return segment.Compare(v.Value(a), v.Value(b)) < 0
}
