package plan

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/sql"
)

func prepare(ctx *fn.Context, stmt *sql.Statement, opt Options) (*Query, error) {
	node := stmt.Node
	if e := node.GetExplainStmt(); e != nil {
		node = e.Query
	}
	sel := node.GetSelectStmt()
	if sel == nil {
		return nil, sqlerr.Unsupported("planning of a statement other than a query").At(stmt.Offset)
	}
	c := *ctx
	c.Dialect = opt.Dialect
	b := &binder{ctx: &c, opt: opt, stmt: stmt, literals: map[*Const]int{}, sizes: map[Expr]int{}}
	q, err := b.query(sel, nil)
	if err != nil {
		return nil, err
	}
	if err := b.finish(q); err != nil {
		return nil, err
	}
	return b.plan(q)
}

// finish settles what is still open once the whole statement is bound.
func (b *binder) finish(q *query) error {
	if err := b.settleQuery(q, -1); err != nil {
		return err
	}
	for _, c := range q.cols {
		if c.record != nil {
			return sqlerr.Unsupported("a row value as a result column")
		}
	}
	for i, t := range b.params {
		if t.ID == schema.TypeUnknown {
			return sqlerr.New(sqlerr.IndeterminateDatatype, "could not determine data type of parameter $%d", i+1)
		}
	}
	if b.opt.DefaultLimit > 0 && q.limit == nil {
		q.limit = &Const{Value: column.IntValue(schema.Int64, b.opt.DefaultLimit)}
	}
	return nil
}

func (b *binder) plan(q *query) (*Query, error) {
	simplify(b.ctx, q)
	p := &planner{ctx: b.ctx, dialect: b.opt.Dialect, uses: countUses(q), ctes: map[*cteDef]*outerLink{}, subqueries: map[subqueryKey]*Subquery{}}
	root, err := p.query(q, nil)
	if err != nil {
		return nil, err
	}
	f := finisher{z: normalizer{ctx: b.ctx, dialect: b.opt.Dialect}}
	if root, err = f.node(root); err != nil {
		return nil, err
	}
	return &Query{
		Root: root, Columns: root.Columns(), ParamTypes: b.params,
		dynamic: isDynamic(root, map[*CTE]bool{}),
	}, nil
}

// isDynamic reports whether a plan has parameters, or expressions that are
// constant only within one execution.
func isDynamic(n Node, seen map[*CTE]bool) bool {
	for _, e := range nodeExprs(n) {
		if contains(e, func(x Expr) bool {
			switch x := x.(type) {
			case *Param:
				return true
			case *Call:
				return (x.Fn.Volatility == fn.Stable || x.Fn.NeedsSession) && foldsAtBind(x)
			case *Cast:
				return foldsAtBind(x)
			case *Subquery:
				return isDynamic(x.Plan, seen)
			}
			return false
		}) {
			return true
		}
	}
	for _, i := range n.Inputs() {
		if isDynamic(i, seen) {
			return true
		}
	}
	if s, ok := n.(*CTEScan); ok && !seen[s.CTE] {
		seen[s.CTE] = true
		return isDynamic(s.CTE, seen)
	}
	return false
}
