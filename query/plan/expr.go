package plan

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/agg"
	"github.com/alluviumdb/alluvium/query/fn"
)

// Expr is a typed scalar expression over the columns of one input. The set of
// implementations is closed: the types of this file.
type Expr interface {
	// Type is the type of the value.
	Type() schema.Type
	expr()
}

// ColRef is column Index of the input (for a Leaf: of Leaf.Columns).
type ColRef struct {
	Index int
	Name  string
	Typ   schema.Type
}

// Const is a constant.
type Const struct{ Value column.Value }

// Param is parameter $N (from 1), replaced by a Const before execution.
type Param struct {
	N   int
	Typ schema.Type
}

// Call is a function or operator applied to arguments that already have the
// types of its overload.
type Call struct {
	Fn   *fn.Func
	Args []Expr
	Typ  schema.Type
}

// Cast converts its argument to Typ.
type Cast struct {
	Arg Expr
	Typ schema.Type
}

// And is three-valued conjunction of its arguments (two or more).
type And struct{ Args []Expr }

// Or is three-valued disjunction.
type Or struct{ Args []Expr }

// Not is three-valued negation.
type Not struct{ Arg Expr }

// IsNull tests for NULL (never NULL itself); Negated is IS NOT NULL.
type IsNull struct {
	Arg     Expr
	Negated bool
}

// In tests membership in constants of the argument's kind; HasNull tells that
// the list also held NULL (so a miss is NULL).
type In struct {
	Arg     Expr
	List    *column.Vector // without NULLs, distinct
	HasNull bool
	Negated bool
}

// When is one branch of a Case.
type When struct{ Cond, Then Expr }

// Case is the searched CASE (the simple form is rewritten to it); branches are
// evaluated only for the rows that reach them. Else may be nil: NULL.
type Case struct {
	Whens []When
	Else  Expr
	Typ   schema.Type
}

// Array is ARRAY[…].
type Array struct {
	Elems []Expr
	Typ   schema.Type // list type
}

// OuterRef is column Index of the row of the enclosing query Depth levels up
// (1 = the next one). It occurs only inside the plan of a Subquery or a
// lateral join.
type OuterRef struct {
	Depth int
	Index int
	Typ   schema.Type
}

// SubqueryKind says how a subquery is used in an expression.
type SubqueryKind uint8

// The uses of a subquery.
const (
	SubqueryScalar SubqueryKind = iota // one value, 21000 for more rows
	SubqueryExists
	SubqueryAny   // Arg Op ANY (plan): Op compares Arg with column 0
	SubqueryAll   // Arg Op ALL (plan)
	SubqueryArray // ARRAY(plan)
)

// Subquery is a subquery inside an expression; it is evaluated by the broker.
type Subquery struct {
	Kind SubqueryKind
	Plan Node
	// Correlated tells that Plan holds OuterRefs and must run per row.
	Correlated bool
	Arg        Expr     // SubqueryAny, SubqueryAll
	Op         *fn.Func // boolean comparison of (Arg, column 0)
	Typ        schema.Type
}

// AggCall is an aggregation over rows of the input.
type AggCall struct {
	Spec   *agg.Spec
	Args   []Expr
	Filter Expr // FILTER (WHERE …), nil for none
	// Params are the constant arguments of a call whose Spec does not have all
	// of them yet; nil once they are bound.
	Params []Expr
	// OrderBy orders the input within the aggregate (array_agg, string_agg);
	// then the aggregation runs at the broker.
	OrderBy []SortKey
}

// SortKey is one ORDER BY item.
type SortKey struct {
	Expr       Expr
	Desc       bool
	NullsFirst bool
}

// Type implements Expr for each of the expression types.
func (e *ColRef) Type() schema.Type   { return e.Typ }
func (e *Const) Type() schema.Type    { return e.Value.Type }
func (e *Param) Type() schema.Type    { return e.Typ }
func (e *Call) Type() schema.Type     { return e.Typ }
func (e *Cast) Type() schema.Type     { return e.Typ }
func (e *And) Type() schema.Type      { return schema.Bool }
func (e *Or) Type() schema.Type       { return schema.Bool }
func (e *Not) Type() schema.Type      { return schema.Bool }
func (e *IsNull) Type() schema.Type   { return schema.Bool }
func (e *In) Type() schema.Type       { return schema.Bool }
func (e *Case) Type() schema.Type     { return e.Typ }
func (e *Array) Type() schema.Type    { return e.Typ }
func (e *OuterRef) Type() schema.Type { return e.Typ }
func (e *Subquery) Type() schema.Type { return e.Typ }

func (*ColRef) expr()   {}
func (*Const) expr()    {}
func (*Param) expr()    {}
func (*Call) expr()     {}
func (*Cast) expr()     {}
func (*And) expr()      {}
func (*Or) expr()       {}
func (*Not) expr()      {}
func (*IsNull) expr()   {}
func (*In) expr()       {}
func (*Case) expr()     {}
func (*Array) expr()    {}
func (*OuterRef) expr() {}
func (*Subquery) expr() {}
