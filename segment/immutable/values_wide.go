package immutable

import (
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/encoding"
	"github.com/alluviumdb/alluvium/segment/format"
)

// noMatch is embedded by forms without a fast range match.
type noMatch struct{}

func (noMatch) match(uint32, int, segment.ValueRange, column.Bitmap) bool { return false }

func (c *Column) openDecimals(raw []byte) (values, error) {
	if c.meta.Encoding == segment.EncodingFOR && c.entry.HasDecimalScale {
		f, err := encoding.NewFOR[int64](raw, int(c.rows))
		if err != nil {
			return nil, err
		}
		return &scaledDecimals{f: f, scale: c.entry.DecimalScale}, nil
	}
	if c.meta.Encoding != segment.EncodingRaw {
		return nil, c.wrongEncoding()
	}
	if len(raw) != encoding.DecimalBytes*int(c.rows) {
		return nil, segment.Corruptf("%d decimals in %d bytes", c.rows, len(raw))
	}
	return &rawDecimals{raw: raw, rows: int(c.rows)}, nil
}

// scaledDecimals reads decimals that are stored as integers of one scale.
type scaledDecimals struct {
	noMatch
	f     *encoding.FOR[int64]
	scale uint8
}

var intPool = sync.Pool{New: func() any { return new([idStep]int64) }}

func (x *scaledDecimals) read(from uint32, n int, dst *column.Vector) error {
	buf := intPool.Get().(*[idStep]int64)
	defer intPool.Put(buf)
	dst.Resize(n)
	for at := 0; at < n; at += idStep {
		part := buf[:min(idStep, n-at)]
		x.f.Read(from+uint32(at), part)
		x.expand(part, dst.Decimals[at:])
	}
	return nil
}

func (x *scaledDecimals) expand(ints []int64, dst []column.Decimal) {
	for i, v := range ints {
		dst[i] = column.DecimalFromInt64(v, x.scale)
	}
}

func (x *scaledDecimals) gather(docs []uint32, dst *column.Vector) error {
	buf := intPool.Get().(*[idStep]int64)
	defer intPool.Put(buf)
	dst.Resize(len(docs))
	for at := 0; at < len(docs); at += idStep {
		part := buf[:min(idStep, len(docs)-at)]
		x.f.Gather(docs[at:at+len(part)], part)
		x.expand(part, dst.Decimals[at:])
	}
	return nil
}

// rawDecimals reads decimals of any scale.
type rawDecimals struct {
	noMatch
	raw  []byte
	rows int
}

func (x *rawDecimals) read(from uint32, n int, dst *column.Vector) error {
	dst.Resize(n)
	for i := range dst.Decimals {
		dst.Decimals[i] = encoding.DecimalAt(x.raw, x.rows, int(from)+i)
	}
	return nil
}

func (x *rawDecimals) gather(docs []uint32, dst *column.Vector) error {
	dst.Resize(len(docs))
	for i, doc := range docs {
		dst.Decimals[i] = encoding.DecimalAt(x.raw, x.rows, int(doc))
	}
	return nil
}

// intervals reads intervals.
type intervals struct {
	noMatch
	raw []byte
}

func (c *Column) openIntervals(raw []byte) (values, error) {
	if c.meta.Encoding != segment.EncodingRaw || len(raw) != encoding.IntervalBytes*int(c.rows) {
		return nil, segment.Corruptf("%d intervals in %d bytes", c.rows, len(raw))
	}
	return &intervals{raw: raw}, nil
}

func (x *intervals) read(from uint32, n int, dst *column.Vector) error {
	dst.Resize(n)
	for i := range dst.Intervals {
		dst.Intervals[i] = encoding.IntervalAt(x.raw, int(from)+i)
	}
	return nil
}

func (x *intervals) gather(docs []uint32, dst *column.Vector) error {
	dst.Resize(len(docs))
	for i, doc := range docs {
		dst.Intervals[i] = encoding.IntervalAt(x.raw, int(doc))
	}
	return nil
}

// listValues reads lists: where each begins, and the elements as a column.
type listValues struct {
	noMatch
	starts *encoding.FOR[int64]
	child  *Column
}

func (c *Column) openList() error {
	if c.entry.Child == nil || c.meta.Encoding != segment.EncodingRaw ||
		c.entry.Child.Meta.Type != c.meta.Type.Elem() {
		return segment.Corruptf("list without its elements")
	}
	raw, err := c.seg.required(c.entry, format.RoleOffsets)
	if err != nil {
		return err
	}
	starts, err := encoding.NewFOR[int64](raw, int(c.rows)+1)
	if err != nil {
		return err
	}
	if !startsBound(starts, int(c.rows)+1, int64(c.entry.ChildRows)) {
		return segment.Corruptf("lists lie outside their elements")
	}
	child, err := c.seg.openColumn(c.entry.Child, c.entry.ChildRows)
	if err != nil {
		return err
	}
	c.vals = &listValues{starts: starts, child: child}
	return nil
}

// startsBound reports whether n starts begin at 0, do not descend and end at limit.
func startsBound(f *encoding.FOR[int64], n int, limit int64) bool {
	buf := intPool.Get().(*[idStep]int64)
	defer intPool.Put(buf)
	prev := int64(0)
	for at := 0; at < n; at += idStep {
		part := buf[:min(idStep, n-at)]
		f.Read(uint32(at), part)
		if at == 0 && part[0] != 0 {
			return false
		}
		for _, x := range part {
			if x < prev {
				return false
			}
			prev = x
		}
	}
	return prev == limit
}

func (x *listValues) read(from uint32, n int, dst *column.Vector) error {
	buf := intPool.Get().(*[idStep]int64)
	defer intPool.Put(buf)
	var first [1]int64
	x.starts.Read(from, first[:])
	end := first[0]
	for at := 0; at < n; at += idStep {
		part := buf[:min(idStep, n-at)]
		x.starts.Read(from+uint32(at)+1, part)
		for _, s := range part {
			dst.Offsets = append(dst.Offsets, uint32(s-first[0]))
		}
		end = part[len(part)-1]
	}
	dst.N = n
	return x.child.Read(uint32(first[0]), int(end-first[0]), dst.Elems)
}

func (x *listValues) gather(docs []uint32, dst *column.Vector) error {
	var elems column.Vector
	var at [2]int64
	for _, doc := range docs {
		x.starts.Read(doc, at[:])
		if err := x.child.Read(uint32(at[0]), int(at[1]-at[0]), &elems); err != nil {
			return err
		}
		for i := range elems.N {
			dst.Elems.AppendFrom(&elems, i)
		}
		dst.Offsets = append(dst.Offsets, uint32(dst.Elems.N))
		dst.N++
	}
	return nil
}
