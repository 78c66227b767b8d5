package exec

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/plan"
)

// answerFromMetadata takes count, min and max of segments in which all rows
// pass from what the segment knows about itself.
func (op *aggregate) answerFromMetadata() error {
	for _, sp := range op.q.segs {
		if sp.filter != nil || sp.tree != nil || sp.none || sp.meta.Consuming || len(op.calls) == 0 {
			continue
		}
		states, ok := op.knownStates(sp)
		if !ok {
			continue
		}
		if op.known == nil {
			op.openKnown()
		}
		for i, acc := range op.known {
			if err := acc.Merge([]uint32{0}, 1, states[i]); err != nil {
				return err
			}
		}
		sp.answered = true
	}
	return nil
}

// knownFromMetadata reports whether the segment's metadata answers the leaf.
func (op *aggregate) knownFromMetadata(sp *segPlan) bool {
	if sp.pred != nil || len(op.keys) > 0 || len(op.calls) == 0 {
		return false
	}
	_, ok := op.knownStates(sp)
	return ok
}

func (op *aggregate) openKnown() {
	for i := range op.calls {
		acc := op.calls[i].call.Spec.New()
		acc.Grow(1)
		op.known = append(op.known, acc)
	}
}

// knownStates returns the states of all aggregations over a whole segment, if
// they are known.
func (op *aggregate) knownStates(sp *segPlan) ([][]*column.Vector, bool) {
	var out [][]*column.Vector
	for i := range op.calls {
		v, ok := sp.knownState(op.calls[i].call)
		if !ok {
			return nil, false
		}
		out = append(out, []*column.Vector{column.NewConst(v, 1).Flatten()})
	}
	return out, true
}

// knownState returns the one state of an aggregation over a whole segment.
func (sp *segPlan) knownState(call *plan.AggCall) (column.Value, bool) {
	if call.Filter != nil || call.Spec.Distinct {
		return column.Value{}, false
	}
	if call.Spec.Name == "count" && len(call.Args) == 0 {
		return column.IntValue(schema.Int64, int64(sp.docs)), true
	}
	if len(call.Args) != 1 {
		return column.Value{}, false
	}
	ref, ok := call.Args[0].(*plan.ColRef)
	if !ok || sp.cols[ref.Index].seq || sp.cols[ref.Index].cast {
		return column.Value{}, false
	}
	c := sp.cols[ref.Index]
	switch call.Spec.Name {
	case "count":
		return column.IntValue(schema.Int64, int64(sp.docs)-sp.nullCount(c)), true
	case "min":
		return c.extreme(call.Spec, false)
	case "max":
		return c.extreme(call.Spec, true)
	}
	return column.Value{}, false
}

func (sp *segPlan) nullCount(c *segCol) int64 {
	switch {
	case c.konst != nil && c.konst.IsNull(0):
		return int64(sp.docs)
	case c.konst != nil || !c.hasNulls():
		return 0
	}
	return int64(c.col.Nulls().GetCardinality())
}

// extreme returns the least or the greatest value of the column: the first or
// last of a sorted dictionary, or the bounds of whole numbers, which are exact.
func (c *segCol) extreme(spec *agg.Spec, greatest bool) (column.Value, bool) {
	switch {
	case c.konst != nil:
		return c.konst.Value(0), true
	case c.isDict() && c.ordered && c.vals.N > 0:
		v := c.vals.Value(0)
		if greatest {
			v = c.vals.Value(c.vals.N - 1)
		}
		v.Type = spec.Args[0]
		return v, true
	case c.isDict() || !c.meta.HasRange:
		return column.Value{}, false
	}
	if k := c.typ.Kind(); k != schema.KindInt32 && k != schema.KindInt64 {
		return column.Value{}, false
	}
	v := c.meta.Min
	if greatest {
		v = c.meta.Max
	}
	v.Type = spec.Args[0]
	return v, true
}
