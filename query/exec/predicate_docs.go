package exec

import (
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// predDocs is TRUE for the documents that an index of whole values (JSON, text,
// geo) found.
type predDocs struct {
	docs   *roaring.Bitmap
	method string // the index, for the trace
	src    plan.Expr
	neg    bool
}

// found is the answer of an index to a condition.
type found struct {
	docs *roaring.Bitmap
	// exact tells that the condition is TRUE for all of docs; otherwise it
	// needs a look at each.
	exact bool
	// maybe are further documents of which only the condition tells, whether
	// exact or not; nil for none.
	maybe  *roaring.Bitmap
	method string
}

// finders ask the indexes of a column; nil when an index does not exist, cannot
// tell, or costs more than evaluating the condition.
var finders = []func(sp *segPlan, ctx *fn.Context, col int, e plan.Expr) (*found, error){
	findJSONMatch, findJSONValue, findTextMatch, findElements, findGeo,
}

// indexPredicate makes the predicate of a condition over one column that an
// index answers, nil if none does.
func (sp *segPlan) indexPredicate(ctx *fn.Context, e plan.Expr, neg bool, x *leafExpr) (predicate, error) {
	col := x.cols[0]
	c := sp.cols[col]
	if c.col == nil || c.cast {
		return nil, nil
	}
	for _, find := range finders {
		f, err := find(sp, ctx, col, e)
		if err != nil {
			return nil, fmt.Errorf("segment %s, column %s: %w", sp.meta.Name, c.meta.Name, err)
		}
		if f != nil && (f.exact || !neg) {
			return sp.foundPredicate(f, c, e, neg, x), nil
		}
	}
	return nil, nil
}

func (sp *segPlan) foundPredicate(f *found, c *segCol, e plan.Expr, neg bool, x *leafExpr) predicate {
	if neg {
		if f.maybe != nil {
			f.docs.Or(f.maybe)
		}
		f.docs.Flip(0, uint64(sp.docs))
		if c.hasNulls() {
			f.docs.AndNot(c.col.Nulls())
		}
	}
	var out predOr
	if !f.docs.IsEmpty() {
		out = append(out, f.part(f.docs, f.exact, e, neg, x))
	}
	if f.maybe != nil && !f.maybe.IsEmpty() {
		out = append(out, f.part(f.maybe, false, e, neg, x))
	}
	switch len(out) {
	case 0:
		return predConst(false)
	case 1:
		return out[0]
	}
	return out
}

// part is the predicate of some of the documents found.
func (f *found) part(docs *roaring.Bitmap, exact bool, e plan.Expr, neg bool, x *leafExpr) predicate {
	p := &predDocs{docs: docs, method: f.method, src: e, neg: neg}
	if exact {
		return p
	}
	return predAnd{p, &predExpr{x: x, src: e, neg: neg}}
}

func (sp *segPlan) docsShare(p *predDocs) float64 {
	return float64(p.docs.GetCardinality()) / max(float64(sp.docs), 1)
}

// docsNode applies a predDocs.
type docsNode struct {
	bitmapNode
	pred *predDocs
}

func (b *filterBuilder) buildDocs(p *predDocs) filterNode {
	return &docsNode{*newBitmapNode(nil, b.sp.docsShare(p), p.docs, b.sp), p}
}

func (x *docsNode) trace(sp *segPlan, dst []FilterStats) []FilterStats {
	return append(dst, FilterStats{sp.describe(x.pred.src, x.pred.neg), x.pred.method, x.share})
}

// columnCall returns the constant second argument of a call f(column, constant)
// of the column.
func columnCall(e plan.Expr, name string, col int) (arg column.Value, ok bool) {
	call, isCall := e.(*plan.Call)
	if !isCall || call.Fn.Name != name || len(call.Args) != 2 {
		return arg, false
	}
	ref, isRef := call.Args[0].(*plan.ColRef)
	k, isConst := call.Args[1].(*plan.Const)
	if !isRef || !isConst || ref.Index != col || k.Value.Null {
		return arg, false
	}
	return k.Value, true
}
