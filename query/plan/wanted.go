package plan

import "github.com/alluviumdb/alluvium/query/fn"

// Wanted says which finished groups the operators above a MergeAgg still need.
// It is a permission: all groups may be given, and the operators above do all
// of their work anyway. Expressions refer to the columns of the MergeAgg.
type Wanted struct {
	// Having, when not nil, is true for all that are needed.
	Having Expr
	// Limit, when not negative, is how many of those are needed: the first by
	// OrderBy, any without it.
	OrderBy []SortKey
	Limit   int64
}

// wantAll asks for all groups.
func wantAll() Wanted { return Wanted{Limit: -1} }

// wantHaving tells a MergeAgg below a filter what the filter keeps.
func wantHaving(f *Filter, d fn.Dialect) {
	if m, ok := f.Input.(*MergeAgg); ok && m.GroupingSets == nil && leafSafe(f.Cond, d) {
		m.Wanted.Having = f.Cond
	}
}

// wantFirst tells a MergeAgg how many groups are needed in the order of keys,
// which refer to the columns of n.
func wantFirst(n Node, keys []SortKey, limit int64, d fn.Dialect) {
	var m *MergeAgg
	for m == nil {
		switch x := n.(type) {
		case *Project:
			if keys = keysBelow(keys, x.Exprs); keys == nil {
				return
			}
			n = x.Input
		case *Filter:
			if below, ok := x.Input.(*MergeAgg); !ok || below.Wanted.Having != x.Cond {
				return
			}
			n = x.Input
		case *MergeAgg:
			m = x
		default:
			return
		}
	}
	if m.GroupingSets != nil {
		return
	}
	for _, k := range keys {
		if !leafSafe(k.Expr, d) {
			return
		}
	}
	m.Wanted.OrderBy, m.Wanted.Limit = keys, limit
}

// keysBelow returns keys over the columns of a projection as keys over its
// input; nil where rows are multiplied or a key is not a column.
func keysBelow(keys []SortKey, exprs []Expr) []SortKey {
	for _, e := range exprs {
		if isSetCall(e) {
			return nil
		}
	}
	out := make([]SortKey, len(keys))
	for i, k := range keys {
		c, ok := k.Expr.(*ColRef)
		if !ok {
			return nil
		}
		out[i] = k
		out[i].Expr = exprs[c.Index]
	}
	return out
}

// AppendWanted appends the canonical form of what is wanted.
func AppendWanted(dst []byte, x *Wanted) ([]byte, error) {
	w := encoder{dst: dst}
	w.wanted(x)
	return w.dst, w.err
}

func (w *encoder) wanted(x *Wanted) {
	w.optional(x.Having)
	w.keys(x.OrderBy)
	w.varint(x.Limit)
}

// wanted reads what encoder.wanted wrote, over the columns that leaf l gives
// when its groups are finished.
func (d *decoder) wanted(l *Leaf) *Wanted {
	d.cols = FinishedColumns(l)
	return &Wanted{Having: d.optional(), OrderBy: d.keys(), Limit: d.varint()}
}

// FinishedColumns describes the finished groups of a leaf: its group columns,
// then one result per aggregation.
func FinishedColumns(l *Leaf) []LeafCol {
	var out []LeafCol
	for _, e := range l.GroupBy {
		out = append(out, LeafCol{Type: e.Type()})
	}
	for i := range l.Aggs {
		out = append(out, LeafCol{Type: l.Aggs[i].Spec.ResultType()})
	}
	return out
}
