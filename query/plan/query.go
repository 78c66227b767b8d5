package plan

import "github.com/alluviumdb/alluvium/internal/schema"

// query is a bound query: a SELECT, VALUES or set operation with what stands
// around it. It is changed in place while it is rewritten, then planned.
type query struct {
	body          body
	cols          []queryCol
	order         []setKey // of a set operation or VALUES; a SELECT has its own
	limit, offset Expr
	ctes          []*cteDef
}

// queryCol is an output column. A record column has its fields in hidden
// columns from record.first on.
type queryCol struct {
	name   string
	typ    schema.Type
	hidden bool
	record *recordInfo
}

// setKey is an ORDER BY item by output column.
type setKey struct {
	col              int
	desc, nullsFirst bool
}

// body is the inner part of a query.
type body interface{ isBody() }

// selectBody is a SELECT.
type selectBody struct {
	from    *fromGroup
	grouped bool // GROUP BY, HAVING or an aggregation
	groupBy []Expr
	sets    [][]int // grouping sets over groupBy, nil for plain grouping
	having  Expr
	targets []target
	unique  bool   // DISTINCT
	on      []Expr // DISTINCT ON
	order   []SortKey
}

// target is an output expression.
type target struct {
	name   string
	expr   Expr
	hidden bool
}

// valuesBody is VALUES.
type valuesBody struct{ rows [][]Expr }

// setBody is UNION, INTERSECT or EXCEPT.
type setBody struct {
	kind        SetOpKind
	all         bool
	left, right *query
}

func (*selectBody) isBody() {}
func (*valuesBody) isBody() {}
func (*setBody) isBody()    {}

// cteDef is a common table expression.
type cteDef struct {
	name         string
	cols         []queryCol
	query        *query // the base of a recursive one
	step         *query
	recursive    bool
	all          bool
	materialized bool // MATERIALIZED was written
	refs         int
	node         *CTE       // once planned
	link         *outerLink // the surroundings in which it was planned
}

// fromItem is a part of FROM.
type fromItem interface{ isFrom() }

// relItem is one relation.
type relItem struct{ rel *relation }

// joinItem is a join that is written as one.
type joinItem struct {
	kind        JoinKind
	left, right fromItem
	on          []Expr
}

// fromGroup is an inner product of items with conditions on it.
type fromGroup struct {
	items []fromItem
	where []Expr
}

func (*relItem) isFrom()   {}
func (*joinItem) isFrom()  {}
func (*fromGroup) isFrom() {}

// visibleCols returns the columns that are not hidden.
func (q *query) visibleCols() []queryCol {
	for i, c := range q.cols {
		if c.hidden {
			return q.cols[:i]
		}
	}
	return q.cols
}
