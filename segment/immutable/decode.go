package immutable

import (
	"math"
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// idStep is the number of ids that are decoded at a time, few enough to stay
// in the first-level cache.
const idStep = 2048

var idPool = sync.Pool{New: func() any { return new([idStep]uint32) }}

// readDict reads values through the dictionary.
func (c *Column) readDict(from uint32, n int, dst *column.Vector) error {
	ids := idPool.Get().(*[idStep]uint32)
	defer idPool.Put(ids)
	prepare(dst, n)
	for at := 0; at < n; at += idStep {
		part := ids[:min(idStep, n-at)]
		c.ids.Read(from+uint32(at), part)
		if err := decodeIDs(c.dict.Values(), part, dst, at); err != nil {
			return err
		}
	}
	return nil
}

// gatherDict gathers values through the dictionary.
func (c *Column) gatherDict(docs []uint32, dst *column.Vector) error {
	ids := idPool.Get().(*[idStep]uint32)
	defer idPool.Put(ids)
	prepare(dst, len(docs))
	for at := 0; at < len(docs); at += idStep {
		part := ids[:min(idStep, len(docs)-at)]
		c.ids.Gather(docs[at:at+len(part)], part)
		if err := decodeIDs(c.dict.Values(), part, dst, at); err != nil {
			return err
		}
	}
	return nil
}

// prepare gives dst n rows if its kind has a fixed width; others are appended to.
func prepare(dst *column.Vector, n int) {
	if k := dst.Kind(); k != schema.KindBytes && k != schema.KindList {
		dst.Resize(n)
	}
}

// decodeIDs writes the values of ids to rows at, at+1, … of dst.
func decodeIDs(values *column.Vector, ids []uint32, dst *column.Vector, at int) error {
	switch dst.Kind() {
	case schema.KindBool:
		decode(values.Bools, ids, dst.Bools[at:])
	case schema.KindInt32:
		decode(values.Int32s, ids, dst.Int32s[at:])
	case schema.KindInt64:
		decode(values.Int64s, ids, dst.Int64s[at:])
	case schema.KindFloat32:
		decode(values.Float32s, ids, dst.Float32s[at:])
	case schema.KindFloat64:
		decode(values.Float64s, ids, dst.Float64s[at:])
	case schema.KindDecimal:
		decode(values.Decimals, ids, dst.Decimals[at:])
	case schema.KindBytes:
		return decodeBytes(values, ids, dst)
	default:
		return segment.Unsupportedf("dictionary of %v", dst.Kind())
	}
	return nil
}

func decode[T any](values []T, ids []uint32, dst []T) {
	dst = dst[:len(ids)]
	for i, id := range ids {
		dst[i] = values[id]
	}
}

func decodeBytes(values *column.Vector, ids []uint32, dst *column.Vector) error {
	size := uint64(len(dst.Data))
	for _, id := range ids {
		size += uint64(values.Offsets[id+1] - values.Offsets[id])
	}
	if size > math.MaxUint32 {
		return segment.Unsupportedf("more than 4 GiB of text in one block of rows")
	}
	for _, id := range ids {
		dst.Data = append(dst.Data, values.Data[values.Offsets[id]:values.Offsets[id+1]]...)
		dst.Offsets = append(dst.Offsets, uint32(len(dst.Data)))
	}
	dst.N += len(ids)
	return nil
}
