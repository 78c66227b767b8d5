package plan

import (
	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/query/fn"
	"github.com/alluviumdb/alluvium/query/sql"
)

// Options say how a statement is planned.
type Options struct {
	Catalog Catalog
	Dialect fn.Dialect
	// SearchPath lists the schemas in which unqualified names are looked up.
	// The catalog decides; it is part of what a cached plan depends on.
	SearchPath []string
	// ParamTypes are the declared parameter types. One without a type
	// (schema.TypeInvalid or TypeUnknown) or beyond the end is inferred.
	ParamTypes []schema.Type
	// DefaultLimit is the LIMIT of a query without one; 0 means none.
	DefaultLimit int64
}

// Query is a planned statement. It is immutable and safe for concurrent use:
// Bind copies what it changes.
type Query struct {
	// Root may still hold parameters and functions of the statement's time or
	// session; Bind makes it ready to run.
	Root       Node
	Columns    []OutCol
	ParamTypes []schema.Type

	dynamic bool // Bind has something to substitute or fold
}

// Prepare resolves and types a SELECT, VALUES or TABLE statement (or the one
// that EXPLAIN is about) and makes its plan.
func Prepare(ctx *fn.Context, stmt *sql.Statement, opt Options) (*Query, error) {
	return prepare(ctx, stmt, opt)
}

// Bind substitutes parameters and folds what is constant for one execution:
// the statement's time, the session. params must have a value per parameter,
// of the types of ParamTypes.
func (q *Query) Bind(ctx *fn.Context, params []column.Value) (Node, error) {
	return q.bind(ctx, params)
}
