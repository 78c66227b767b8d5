// Package index holds the structures beside the forward data of a column:
// sorted dictionaries, inverted indexes and zone maps, each with the function
// that writes it. It knows encodings and column vectors; it does not know
// files, tables or queries.
package index

import (
	"bytes"
	"math"
	"sort"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
)

// Dictionary is a sorted dictionary: values ascend strictly with the id. Its
// buffer holds, by kind,
//
//	bool                 one byte each
//	int32, float32       4 bytes each
//	int64, float64       8 bytes each
//	decimal              n × 16 bytes coefficient (low word first), n × 1 byte scale
//	bytes                (n+1) × 4 bytes offsets from the first data byte, data
//
// All but bool and decimal are used in place.
type Dictionary struct {
	values   *column.Vector
	identity *segment.Identity
}

var _ segment.Dictionary = (*Dictionary)(nil)

// NewDictionary returns a dictionary over a vector of ascending values.
func NewDictionary(values *column.Vector) *Dictionary {
	return &Dictionary{values: values, identity: new(segment.Identity)}
}

// OpenDictionary returns the dictionary of n values of type t in buf. Fixed
// widths are checked for order; bytes only for their bounds, since that costs
// no touch of the data (CheckOrder does the rest).
func OpenDictionary(buf []byte, n int, t schema.Type) (*Dictionary, error) {
	v := &column.Vector{Type: t, N: n}
	want, ok := dictionaryBytes(t.Kind(), n)
	if !ok {
		return nil, segment.Unsupportedf("dictionary of %v", t.Kind())
	}
	if n < 1 || len(buf) < want || t.Kind() != schema.KindBytes && len(buf) != want {
		return nil, segment.Corruptf("dictionary of %d values in %d bytes", n, len(buf))
	}
	switch t.Kind() {
	case schema.KindBool:
		v.Bools = make([]bool, n)
		for i := range v.Bools {
			v.Bools[i] = buf[i] != 0
		}
	case schema.KindInt32:
		v.Int32s = encoding.View[int32](buf)
	case schema.KindInt64:
		v.Int64s = encoding.View[int64](buf)
	case schema.KindFloat32:
		v.Float32s = encoding.View[float32](buf)
	case schema.KindFloat64:
		v.Float64s = encoding.View[float64](buf)
	case schema.KindDecimal:
		v.Decimals = encoding.Decimals(buf, n)
	case schema.KindBytes:
		v.Offsets = encoding.View[uint32](buf[:want])
		v.Data = buf[want:]
		if !offsetsBound(v.Offsets, len(v.Data)) {
			return nil, segment.Corruptf("dictionary offsets")
		}
		return NewDictionary(v), nil
	}
	d := NewDictionary(v)
	return d, d.CheckOrder()
}

// dictionaryBytes returns the size of the fixed part for n values.
func dictionaryBytes(k schema.Kind, n int) (int, bool) {
	switch k {
	case schema.KindBool:
		return n, true
	case schema.KindInt32, schema.KindFloat32:
		return 4 * n, true
	case schema.KindInt64, schema.KindFloat64:
		return 8 * n, true
	case schema.KindDecimal:
		return encoding.DecimalBytes * n, true
	case schema.KindBytes:
		return 4 * (n + 1), true
	}
	return 0, false
}

// offsetsBound reports whether offsets begin at 0, do not descend and end at size.
func offsetsBound(offsets []uint32, size int) bool {
	prev := uint32(0)
	for _, o := range offsets {
		if o < prev {
			return false
		}
		prev = o
	}
	return offsets[0] == 0 && int(prev) == size
}

// CheckOrder returns ErrCorrupt unless the values ascend strictly.
func (d *Dictionary) CheckOrder() error {
	v := d.values
	ok := true
	switch v.Kind() {
	case schema.KindInt32:
		ok = ascends(v.Int32s)
	case schema.KindInt64:
		ok = ascends(v.Int64s)
	case schema.KindFloat32:
		ok = floatsAscend(v.Float32s)
	case schema.KindFloat64:
		ok = floatsAscend(v.Float64s)
	case schema.KindBytes:
		for i := 1; i < v.N && ok; i++ {
			ok = bytes.Compare(v.Bytes(i-1), v.Bytes(i)) < 0
		}
	default:
		for i := 1; i < v.N && ok; i++ {
			ok = segment.Compare(v.Value(i-1), v.Value(i)) < 0
		}
	}
	if !ok {
		return segment.Corruptf("dictionary values do not ascend")
	}
	return nil
}

func ascends[T int32 | int64](v []T) bool {
	for i := 1; i < len(v); i++ {
		if v[i-1] >= v[i] {
			return false
		}
	}
	return true
}

func floatsAscend[T float32 | float64](v []T) bool {
	for i := 1; i < len(v); i++ {
		if segment.CompareFloat(v[i-1], v[i]) >= 0 {
			return false
		}
	}
	return true
}

// Len implements segment.Dictionary.
func (d *Dictionary) Len() int { return d.values.N }

// Identity implements segment.Dictionary.
func (d *Dictionary) Identity() *segment.Identity { return d.identity }

// Sorted implements segment.Dictionary.
func (d *Dictionary) Sorted() bool { return true }

// Values implements segment.Dictionary.
func (d *Dictionary) Values() *column.Vector { return d.values }

// Lookup implements segment.Dictionary.
func (d *Dictionary) Lookup(x column.Value) (uint32, bool) {
	i := d.LowerBound(x)
	if int(i) == d.values.N || segment.Compare(d.values.Value(int(i)), x) != 0 {
		return 0, false
	}
	return i, true
}

// LowerBound implements segment.Dictionary.
func (d *Dictionary) LowerBound(x column.Value) uint32 {
	v := d.values
	var at int
	switch v.Kind() {
	case schema.KindInt32:
		at = sort.Search(v.N, func(i int) bool { return int64(v.Int32s[i]) >= x.I })
	case schema.KindInt64:
		at = sort.Search(v.N, func(i int) bool { return v.Int64s[i] >= x.I })
	case schema.KindFloat32:
		at = sort.Search(v.N, func(i int) bool { return segment.CompareFloat(float64(v.Float32s[i]), x.F) >= 0 })
	case schema.KindFloat64:
		at = sort.Search(v.N, func(i int) bool { return segment.CompareFloat(v.Float64s[i], x.F) >= 0 })
	case schema.KindBytes:
		at = sort.Search(v.N, func(i int) bool { return bytes.Compare(v.Bytes(i), x.B) >= 0 })
	default:
		at = sort.Search(v.N, func(i int) bool { return segment.Compare(v.Value(i), x) >= 0 })
	}
	return uint32(at)
}

// DictionarySize returns the number of bytes that AppendDictionary would
// append; ok is false when the values do not fit one dictionary.
func DictionarySize(v *column.Vector) (size int, ok bool) {
	size, ok = dictionaryBytes(v.Kind(), v.N)
	if ok && v.Kind() == schema.KindBytes && v.N > 0 {
		data := int(v.Offsets[v.N] - v.Offsets[0])
		size, ok = size+data, data <= math.MaxUint32
	}
	return size, ok
}

// AppendDictionary appends a dictionary of ascending values without NULLs.
func AppendDictionary(dst []byte, v *column.Vector) []byte {
	switch v.Kind() {
	case schema.KindBool:
		for _, b := range v.Bools[:v.N] {
			x := byte(0)
			if b {
				x = 1
			}
			dst = append(dst, x)
		}
	case schema.KindInt32:
		dst = append(dst, encoding.Bytes(v.Int32s[:v.N])...)
	case schema.KindInt64:
		dst = append(dst, encoding.Bytes(v.Int64s[:v.N])...)
	case schema.KindFloat32:
		dst = append(dst, encoding.Bytes(v.Float32s[:v.N])...)
	case schema.KindFloat64:
		dst = append(dst, encoding.Bytes(v.Float64s[:v.N])...)
	case schema.KindDecimal:
		dst = encoding.AppendDecimals(dst, v.Decimals[:v.N])
	case schema.KindBytes:
		dst = appendTexts(dst, v)
	}
	return dst
}

func appendTexts(dst []byte, v *column.Vector) []byte {
	offsets := make([]uint32, v.N+1)
	for i := range offsets {
		offsets[i] = v.Offsets[i] - v.Offsets[0]
	}
	dst = append(dst, encoding.Bytes(offsets)...)
	return append(dst, v.Data[v.Offsets[0]:v.Offsets[v.N]]...)
}
