package immutable

import (
	"math"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
)

// values reads a column without a dictionary. dst was reset to the column's
// type; NULLs are set by the caller.
type values interface {
	read(from uint32, n int, dst *column.Vector) error
	gather(docs []uint32, dst *column.Vector) error
	// match returns false when the form has no fast way.
	match(from uint32, n int, r segment.ValueRange, dst column.Bitmap) bool
}

// openValues opens the forward data of a column without a dictionary.
func (c *Column) openValues() error {
	kind := c.meta.Type.Kind()
	if kind == schema.KindList {
		return c.openList()
	}
	raw, err := c.seg.required(c.entry, format.RoleForward)
	if err != nil {
		return err
	}
	switch kind {
	case schema.KindInt32:
		c.vals, err = openInts(c, raw, int32Slice)
	case schema.KindInt64:
		c.vals, err = openInts(c, raw, int64Slice)
	case schema.KindFloat32:
		c.vals, err = openFloats(c, raw, float32Slice)
	case schema.KindFloat64:
		c.vals, err = openFloats(c, raw, float64Slice)
	case schema.KindDecimal:
		c.vals, err = c.openDecimals(raw)
	case schema.KindInterval:
		c.vals, err = c.openIntervals(raw)
	case schema.KindBytes:
		c.vals, err = c.openChunked(raw)
	default:
		err = segment.Unsupportedf("encoding %d of %v", c.meta.Encoding, c.meta.Type)
	}
	return err
}

func (c *Column) wrongEncoding() error {
	return segment.Corruptf("encoding %d of %v", c.meta.Encoding, c.meta.Type)
}

// openInts returns the reader for the column's encoding. It returns the
// interface and nil separately, because a nil reader must not become a
// non-nil interface.
func openInts[T int32 | int64](c *Column, raw []byte, slice func(*column.Vector) []T) (values, error) {
	var f encoding.Fixed[T]
	var err error
	switch c.meta.Encoding {
	case segment.EncodingRaw:
		f, err = encoding.NewRaw[T](raw, int(c.rows))
	case segment.EncodingFOR:
		f, err = encoding.NewFOR[T](raw, int(c.rows))
	case segment.EncodingDelta:
		f, err = encoding.NewDelta[T](raw, int(c.rows))
	case segment.EncodingRLE:
		f, err = encoding.NewRLE(raw, int(c.rows), func(b []byte, runs int) (encoding.Fixed[T], error) {
			return encoding.NewFOR[T](b, runs)
		})
	default:
		err = c.wrongEncoding()
	}
	if err != nil {
		return nil, err
	}
	return &fixedValues[T]{f: f, slice: slice, bounds: intBounds[T]}, nil
}

func openFloats[T float32 | float64](c *Column, raw []byte, slice func(*column.Vector) []T) (values, error) {
	var f encoding.Fixed[T]
	var err error
	switch c.meta.Encoding {
	case segment.EncodingRaw:
		f, err = encoding.NewRaw[T](raw, int(c.rows))
	case segment.EncodingALP:
		f, err = encoding.NewALP[T](raw, int(c.rows))
	default:
		err = c.wrongEncoding()
	}
	if err != nil {
		return nil, err
	}
	return &fixedValues[T]{f: f, slice: slice, bounds: floatBounds[T]}, nil
}

func int32Slice(v *column.Vector) []int32     { return v.Int32s }
func int64Slice(v *column.Vector) []int64     { return v.Int64s }
func float32Slice(v *column.Vector) []float32 { return v.Float32s }
func float64Slice(v *column.Vector) []float64 { return v.Float64s }

// fixedValues reads numbers.
type fixedValues[T encoding.Number] struct {
	f      encoding.Fixed[T]
	slice  func(*column.Vector) []T
	bounds func(segment.ValueRange) (lo, hi T, empty bool)
}

func (x *fixedValues[T]) read(from uint32, n int, dst *column.Vector) error {
	dst.Resize(n)
	x.f.Read(from, x.slice(dst))
	return nil
}

func (x *fixedValues[T]) gather(docs []uint32, dst *column.Vector) error {
	dst.Resize(len(docs))
	x.f.Gather(docs, x.slice(dst))
	return nil
}

func (x *fixedValues[T]) match(from uint32, n int, r segment.ValueRange, dst column.Bitmap) bool {
	lo, hi, empty := x.bounds(r)
	if empty { // an inverted range that no value of T lies in
		lo, hi = 1, 0
	}
	x.f.Match(from, n, lo, hi, dst)
	return true
}

// intBounds narrows a range to the values of T.
func intBounds[T int32 | int64](r segment.ValueRange) (lo, hi T, empty bool) {
	least, most := int64(math.MinInt64), int64(math.MaxInt64)
	if _, narrow := any(lo).(int32); narrow {
		least, most = math.MinInt32, math.MaxInt32
	}
	a, b := max(r.LoInt, least), min(r.HiInt, most)
	return T(a), T(b), a > b
}

// floatBounds narrows a range to the values of T: for float32 the bounds are
// the outermost float32 values inside of it.
func floatBounds[T float32 | float64](r segment.ValueRange) (lo, hi T, empty bool) {
	lo, hi = T(r.LoFloat), T(r.HiFloat)
	if _, narrow := any(lo).(float32); narrow {
		if float64(lo) < r.LoFloat {
			lo = T(math.Nextafter32(float32(lo), float32(math.Inf(1))))
		}
		if float64(hi) > r.HiFloat {
			hi = T(math.Nextafter32(float32(hi), float32(math.Inf(-1))))
		}
	}
	return lo, hi, segment.CompareFloat(lo, hi) > 0
}

// nullValues is a column without any value.
type nullValues struct{}

func (nullValues) read(_ uint32, n int, dst *column.Vector) error {
	if k := dst.Kind(); k == schema.KindBytes || k == schema.KindList {
		for range n {
			dst.Offsets = append(dst.Offsets, 0)
		}
		dst.N = n
		return nil
	}
	dst.Resize(n)
	clearRows(dst)
	return nil
}

func clearRows(v *column.Vector) {
	clear(v.Bools)
	clear(v.Int32s)
	clear(v.Int64s)
	clear(v.Float32s)
	clear(v.Float64s)
	clear(v.Decimals)
	clear(v.Intervals)
}

func (x nullValues) gather(docs []uint32, dst *column.Vector) error {
	return x.read(0, len(docs), dst)
}

func (nullValues) match(_ uint32, n int, _ segment.ValueRange, dst column.Bitmap) bool {
	for i := range n {
		dst.Clear(i)
	}
	return true
}

// chunkedValues reads compressed variable-length values.
type chunkedValues struct{ c *encoding.Chunked }

func (c *Column) openChunked(raw []byte) (values, error) {
	if c.meta.Encoding != segment.EncodingChunked {
		return nil, c.wrongEncoding()
	}
	x, err := encoding.NewChunked(raw, int(c.rows))
	if err != nil {
		return nil, err
	}
	return chunkedValues{x}, nil
}

func (x chunkedValues) read(from uint32, n int, dst *column.Vector) error {
	return x.c.Read(from, n, dst)
}

func (x chunkedValues) gather(docs []uint32, dst *column.Vector) error {
	return x.c.Gather(docs, dst)
}

func (chunkedValues) match(uint32, int, segment.ValueRange, column.Bitmap) bool { return false }
