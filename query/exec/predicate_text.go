package exec

import (
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

// findTextMatch answers TEXT_MATCH(column, query).
func findTextMatch(sp *segPlan, _ *fn.Context, col int, e plan.Expr) (*found, error) {
	text, ok := columnCall(e, "text_match", col)
	if !ok {
		return nil, nil
	}
	c, ok := sp.cols[col].col.(segment.TextIndexed)
	if !ok {
		return nil, nil
	}
	x := c.Text()
	if x == nil {
		return nil, nil
	}
	q, err := fn.ParseTextMatch(string(text.B))
	if err != nil {
		return nil, err
	}
	docs, exact, err := x.Match(q)
	if err != nil {
		return nil, err
	}
	return &found{docs: docs, exact: exact, method: "text index"}, nil
}
