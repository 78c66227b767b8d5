package build

import (
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
	"github.com/alluviumdb/alluvium/segment/format"
	"github.com/alluviumdb/alluvium/segment/index"
)

// ranges writes the range index of a column, unless the documents of each value
// are known already: one value, or sorted runs.
func (e *encoded) ranges(d *data, p *plan) {
	enc := e.entry.Meta.Encoding
	if !p.ranges || enc == segment.EncodingConst || enc == segment.EncodingSortedRuns {
		return
	}
	keys := d.rangeKeys()
	if keys == nil {
		return
	}
	e.buffer(format.RoleRange, index.AppendRange(nil, keys, d.isNull()))
}

// hasRangeKey reports whether values of a kind have a range key of their own,
// without a dictionary.
func hasRangeKey(k schema.Kind) bool {
	switch k {
	case schema.KindInt32, schema.KindInt64, schema.KindFloat32, schema.KindFloat64:
		return true
	}
	return false
}

// rangeKeys returns the key of each row by which a range index orders it, nil
// for a form without.
func (d *data) rangeKeys() []int64 {
	switch {
	case d.dict != nil:
		return keysOf(d.ids, func(id uint32) int64 { return int64(id) })
	case d.values == nil:
		return nil
	}
	v := d.values
	switch v.Kind() {
	case schema.KindInt32:
		return keysOf(v.Int32s[:d.n], func(x int32) int64 { return int64(x) })
	case schema.KindInt64:
		return v.Int64s[:d.n]
	case schema.KindFloat32:
		return keysOf(v.Float32s[:d.n], func(x float32) int64 { return index.FloatKey(float64(x)) })
	case schema.KindFloat64:
		return keysOf(v.Float64s[:d.n], index.FloatKey)
	}
	return nil
}

func keysOf[T any](v []T, key func(T) int64) []int64 {
	keys := make([]int64, len(v))
	for i, x := range v {
		keys[i] = key(x)
	}
	return keys
}
