package plan

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/sql"
)

type relation struct{ cols []relCol }
type relCol struct{ name string }
type query struct{}
type opInfo struct{}

const subscriptName = "[]"

func builtin(string, []schema.Type, fn.Dialect) *fn.Func { return nil }

func prepare(*fn.Context, *sql.Statement, Options) (*Query, error) {
	return nil, sqlerr.Unsupported("planning")
}

func (q *Query) bind(*fn.Context, []column.Value) (Node, error) {
	return nil, sqlerr.Unsupported("planning")
}
