package mutable

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// boolDict is the dictionary of a boolean column: at most two values.
type boolDict struct {
	typ  schema.Type
	vals []bool
	last *dictView
}

func (d *boolDict) encode(v *column.Vector, from int, ids []uint32) {
	for i := range ids {
		ids[i] = 0
		if !v.Nulls.Get(from + i) {
			ids[i] = d.id(v.Bools[from+i])
		}
	}
}

func (d *boolDict) id(x bool) uint32 {
	for id, v := range d.vals {
		if v == x {
			return uint32(id)
		}
	}
	d.vals = append(d.vals, x)
	return uint32(len(d.vals) - 1)
}

func (d *boolDict) size() int { return len(d.vals) }

func (d *boolDict) view() *dictView {
	n := len(d.vals)
	if d.last == nil || d.last.values.N != n {
		d.last = &dictView{values: &column.Vector{Type: d.typ, N: n, Bools: d.vals[:n:n]}}
		for id, v := range d.vals {
			if v {
				d.last.max = uint32(id)
			} else {
				d.last.min = uint32(id)
			}
		}
		if n == 1 {
			d.last.min, d.last.max = 0, 0
		}
	}
	return d.last
}

func (d *boolDict) heldBytes() int64   { return int64(cap(d.vals)) }
func (d *boolDict) packedBytes() int64 { return int64(len(d.vals)) }
