package exec

import (
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// describe prints a condition for the trace.
func (sp *segPlan) describe(e plan.Expr, neg bool) string {
	return plan.ExprString(negated(e, neg))
}

// canMatch reports whether a segment may hold a row that passes the filter.
func (q *query) canMatch(m *segment.Metadata) bool {
	return plan.CanMatch(q.leaf, plan.MetadataRanges(m))
}
