package rel

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/exec/eval"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// hooks computes the subqueries and outer references of expressions that
// belong to the plan sub (nil: the statement itself).
type hooks struct {
	q    *query
	sub  *subplan
	subs map[*plan.Subquery]*subquery
}

var _ eval.Hooks = (*hooks)(nil)

// OuterRef implements eval.Hooks.
func (h *hooks) OuterRef(ref *plan.OuterRef) (column.Value, error) {
	v, ok := h.sub.outerValue(ref.Depth, ref.Index)
	if !ok {
		return v, sqlerr.New(sqlerr.InternalError, "outer reference %d.%d without an enclosing row", ref.Depth, ref.Index)
	}
	return v, nil
}

// Subquery implements eval.Hooks.
func (h *hooks) Subquery(_ *fn.Context, sq *plan.Subquery, arg *column.Vector, in *column.Batch, sel column.Bitmap) (*column.Vector, error) {
	s, err := h.subquery(sq)
	if err != nil {
		return nil, err
	}
	if len(s.refs) == 0 {
		r, err := s.once()
		if err != nil {
			return nil, err
		}
		if arg == nil {
			return column.NewConst(r.value, in.N), nil
		}
		return s.quantifyAll(r, arg, in.N, sel)
	}
	out := column.New(sq.Typ, in.N)
	for i := range in.N {
		if sel != nil && !sel.Get(i) {
			out.AppendNull()
			continue
		}
		r, err := s.forRow(in, i)
		if err != nil {
			return nil, err
		}
		v := r.value
		if arg != nil {
			if v, err = s.quantify(r, arg.Value(i)); err != nil {
				return nil, err
			}
		}
		out.Append(v)
	}
	return out, nil
}

func (h *hooks) subquery(sq *plan.Subquery) (*subquery, error) {
	if s := h.subs[sq]; s != nil {
		return s, nil
	}
	s, err := newSubquery(h, sq)
	if err == nil {
		h.subs[sq] = s
	}
	return s, err
}

// settleLeaf returns the leaf with constants in the place of outer references
// and subqueries: servers know neither.
func (h *hooks) settleLeaf(n *plan.Leaf) (*plan.Leaf, error) {
	if !leafNeedsBroker(n) {
		return n, nil
	}
	var failed error
	settle := func(e plan.Expr) plan.Expr {
		v, ok, err := h.constant(e)
		if err != nil {
			failed = err
		}
		if !ok || err != nil {
			return e
		}
		return &plan.Const{Value: v}
	}
	out := mapLeaf(n, settle)
	return out, failed
}

// constant computes an expression that is the same for all rows of a leaf.
func (h *hooks) constant(e plan.Expr) (column.Value, bool, error) {
	switch e := e.(type) {
	case *plan.OuterRef:
		v, err := h.OuterRef(e)
		return v, true, err
	case *plan.Subquery:
		if e.Arg != nil {
			return column.Value{}, false, sqlerr.Unsupported("ANY or ALL of a subquery in a condition that servers evaluate")
		}
		v, err := h.Subquery(h.q.ctx, e, nil, &column.Batch{N: 1}, nil)
		if err != nil {
			return column.Value{}, false, err
		}
		return v.Value(0), true, nil
	}
	return column.Value{}, false, nil
}
