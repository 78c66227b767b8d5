package rel

import (
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/plan"
)

// Run starts a plan, whose parameters are bound.
func Run(ctx *fn.Context, root plan.Node, env Env) (Rows, error) {
	return nil, sqlerr.Unsupported("execution")
}
