package plan

import (
	"slices"

	pg "github.com/sqlc-dev/oliphant"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// codeTooManyArguments is the SQLSTATE of a call with too many arguments.
const codeTooManyArguments = "54023"

// maxGroupingArgs is the number of bits of GROUPING's result.
const maxGroupingArgs = 31

// groupingExpr is GROUPING(…) until GROUP BY is bound.
type groupingExpr struct {
	args []Expr
	loc  int
}

// setNumber is the number of the grouping set that a row belongs to.
type setNumber struct{}

func (*groupingExpr) Type() schema.Type { return schema.Int32 }
func (*groupingExpr) expr()             {}
func (setNumber) Type() schema.Type     { return schema.Int32 }
func (setNumber) expr()                 {}

// grouping binds GROUPING(…).
func (x *exprBinder) grouping(g *pg.GroupingFunc) (Expr, error) {
	loc := int(g.Location)
	switch {
	case x.inAgg:
		return nil, sqlerr.New(sqlerr.GroupingError, "aggregate function calls cannot contain GROUPING").At(loc)
	case !x.aggs || x.sel == nil:
		return nil, sqlerr.New(sqlerr.GroupingError, "grouping operations are not allowed in %s", x.clause).At(loc)
	case len(g.Args) > maxGroupingArgs:
		return nil, sqlerr.New(codeTooManyArguments, "GROUPING must have fewer than 32 arguments").At(loc)
	}
	args, err := x.exprs(g.Args)
	if err != nil {
		return nil, err
	}
	x.sel.hasGrouping = true
	return &groupingExpr{args: args, loc: loc}, nil
}

// settleGrouping computes GROUPING from the number of the row's grouping set.
func (sb *selectBinder) settleGrouping() error {
	if !sb.hasGrouping {
		return nil
	}
	b := sb.body
	var failed error
	settle := func(e Expr) Expr {
		return rewrite(e, func(x Expr) Expr {
			g, ok := x.(*groupingExpr)
			if !ok || failed != nil {
				return x
			}
			y, err := b.groupingValue(g)
			if failed = err; err != nil {
				return x
			}
			return y
		})
	}
	for i := range b.targets {
		b.targets[i].expr = settle(b.targets[i].expr)
	}
	for i := range b.order {
		b.order[i].Expr = settle(b.order[i].Expr)
	}
	b.on, _ = rewriteList(b.on, settle)
	if b.having != nil {
		b.having = settle(b.having)
	}
	return failed
}

// groupingValue is the value of GROUPING per grouping set: a bit per argument,
// the last one lowest, which is set when the set lacks the argument.
func (b *selectBody) groupingValue(g *groupingExpr) (Expr, error) {
	at := make([]int, len(g.args))
	for i, a := range g.args {
		at[i] = slices.IndexFunc(b.groupBy, func(e Expr) bool { return equal(e, a) })
		if at[i] < 0 {
			return nil, sqlerr.New(sqlerr.GroupingError, "arguments to GROUPING must be grouping expressions of the associated query level").At(g.loc)
		}
	}
	number := func(n int64) *Const { return &Const{Value: column.IntValue(schema.Int32, n)} }
	if b.sets == nil {
		return number(0), nil
	}
	sets := map[int64]*column.Vector{}
	var values []int64
	for i, set := range b.sets {
		v := int64(0)
		for _, k := range at {
			v <<= 1
			if !slices.Contains(set, k) {
				v |= 1
			}
		}
		if sets[v] == nil {
			sets[v] = column.New(schema.Int32, 1)
			values = append(values, v)
		}
		sets[v].Append(column.IntValue(schema.Int32, int64(i)))
	}
	last := len(values) - 1
	if last == 0 {
		return number(values[0]), nil
	}
	c := &Case{Typ: schema.Int32, Else: number(values[last])}
	for _, v := range values[:last] {
		c.Whens = append(c.Whens, When{Cond: &In{Arg: setNumber{}, List: sets[v]}, Then: number(v)})
	}
	return c, nil
}

// needsSetNumber reports whether anything after grouping asks for the number
// of the grouping set.
func (b *selectBody) needsSetNumber() bool {
	found := false
	note := func(e Expr) {
		found = found || contains(e, func(x Expr) bool { _, ok := x.(setNumber); return ok })
	}
	b.eachOutput(note)
	if b.having != nil {
		note(b.having)
	}
	return found
}
