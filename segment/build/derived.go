package build

import (
	"slices"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/segment"
)

// truncated writes the hidden columns with the times of d, in their final
// order, truncated to the granularities that the plan asks for.
func (b *builder) truncated(d *data, p *plan) error {
	for _, g := range p.granularities {
		id, ok := segment.TruncatedColumnID(p.field.ID, g)
		if !ok {
			return segment.Unsupportedf("timestamp index of column %q with the id %d", p.field.Name, p.field.ID)
		}
		f := schema.Field{ID: id, Name: segment.TruncatedColumnName(p.field.Name, g), Type: p.field.Type}
		if err := b.add(d.truncate(g), &plan{field: &f, dict: true}); err != nil {
			return err
		}
	}
	return nil
}

// truncate returns the times of d truncated to a granularity. d stays as it is.
func (d *data) truncate(g schema.Granularity) *data {
	out := *d
	out.manyValues = false
	if d.nulls != nil {
		out.nulls = d.nulls.Clone()
	}
	switch {
	case d.allNull:
	case d.dict != nil:
		out.dict, out.ids = truncateAll(d.dict, g), slices.Clone(d.ids)
	default:
		out.values = truncateAll(d.values, g)
	}
	return &out
}

func truncateAll(v *column.Vector, g schema.Granularity) *column.Vector {
	out := &column.Vector{Type: v.Type, N: v.N, Int64s: make([]int64, v.N)}
	for i, x := range v.Int64s[:v.N] {
		out.Int64s[i] = g.Truncate(x)
	}
	return out
}
