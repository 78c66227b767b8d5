package exec

import (
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
	"github.com/alluviumdb/alluvium/segment"
)

const (
	costTextTerm = 150.0  // look at one word of an index
	costTextRow  = 1000.0 // cut one text into words
)

// findTextMatch answers TEXT_MATCH(column, query), unless more words would be
// looked at than it takes to read the texts of the rows that are left.
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
	if float64(x.Terms(q))*costTextTerm > sp.rowsHint*costTextRow {
		return nil, nil
	}
	docs, exact, err := x.Match(q)
	if err != nil {
		return nil, err
	}
	return &found{docs: docs, exact: exact, method: "text index"}, nil
}
