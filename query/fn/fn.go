// Package fn holds the scalar functions, operators and casts: one family per
// file, each overload a vectorised loop over column vectors. It resolves names
// and argument types to overloads; it knows nothing of plans or segments.
package fn

import (
	"context"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Dialect decides overloads and result types. It is carried by every plan.
type Dialect uint8

// The dialects.
const (
	Postgres Dialect = iota
	Pinot
)

func (d Dialect) String() string { return [...]string{"postgres", "pinot"}[d%2] }

// Volatility is PostgreSQL's: Immutable functions of constants are folded at
// plan time; Stable ones once per statement; Volatile ones never.
type Volatility uint8

// The volatilities.
const (
	Immutable Volatility = iota
	Stable
	Volatile
)

// Context is what an evaluation may ask of its surroundings. It travels with
// fragments to servers as plain values.
type Context struct {
	context.Context
	// NowMicros is the statement's time, µs UTC, the same on every server.
	NowMicros int64
	// Zone is the session's TimeZone, an IANA name; "" means UTC.
	Zone    string
	Dialect Dialect
	User    string
	Session Session // nil on servers
}

// Session answers what only a broker session knows. Functions that need it are
// evaluated at the broker.
type Session interface {
	Database() string
	SearchPath() []string
	Setting(name string) (string, bool)
	SetSetting(name, value string, local bool) error
	BackendPID() int32
	// Catalog look-ups for regclass, format_type, pg_table_is_visible, …:
	// implemented by broker/catalog.
	LookupRegclass(name string) (oid uint32, ok bool)
	RegclassName(oid uint32) (name string, ok bool)
	LookupRegtype(name string) (oid uint32, ok bool)
	LookupRegproc(name string) (oid uint32, ok bool)
	RegprocName(oid uint32) (name string, ok bool)
	LookupRegnamespace(name string) (oid uint32, ok bool)
	RegnamespaceName(oid uint32) (name string, ok bool)
	TableVisible(oid uint32) bool
	RoleName(oid uint32) (string, bool)
	CancelBackend(pid int32) bool
}

// Func is one overload of a function or operator ("+", "=", "~~" for LIKE, …).
type Func struct {
	Name string // canonical, lower case
	Args []schema.Type
	// Variadic tells that the last argument type may repeat (or be absent).
	Variadic   bool
	Ret        schema.Type
	Volatility Volatility
	// NullCall tells that the function wants to see NULL arguments itself;
	// otherwise the evaluator makes the result NULL where any argument is,
	// and Eval may compute anything there.
	NullCall bool
	// NeedsSession marks functions that only a broker can evaluate.
	NeedsSession bool
	// RetType, when not nil, computes the result type (modifiers, lists) from
	// the argument types instead of Ret.
	RetType func(args []schema.Type) schema.Type
	// Eval computes n rows into out, which it resets to its type. Arguments
	// may be Const vectors. sel is nil or marks the rows whose value is
	// wanted: an error (such as division by zero) may only be raised for
	// those. Nulls of strict functions are set by the caller afterwards.
	Eval func(ctx *Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error
	// Set marks a set-returning function: EvalSet is used instead of Eval and
	// gives, for one row of arguments, the rows that it returns.
	Set     bool
	SetCols []SetCol // names and types of the columns a set function returns
	EvalSet func(ctx *Context, args []column.Value) (*column.Batch, error)
}

// SetCol is a column of a set-returning function.
type SetCol struct {
	Name string
	Type schema.Type
}

// ResultType returns the result type for the given argument types.
func (f *Func) ResultType(args []schema.Type) schema.Type {
	if f.RetType != nil {
		return f.RetType(args)
	}
	return f.Ret
}

// The functions that the rest of the query engine calls (implemented in this package):
//
//	Resolve(name string, args []schema.Type, d Dialect) (f *Func, castTo []schema.Type, err error)
//	    picks the overload by PostgreSQL's rules (exact, then implicit casts,
//	    unknown literals take the other side's type); castTo gives the type each
//	    argument must be cast to. 42883 with a hint when there is none.
//	Exists(name string) bool; Names() []string
//	CanCast(from, to schema.Type, explicit bool) bool
//	Cast(ctx *Context, v *column.Vector, to schema.Type, sel column.Bitmap, out *column.Vector) error
//	CastValue(ctx *Context, v column.Value, to schema.Type) (column.Value, error)
//	CommonType(types []schema.Type) (schema.Type, bool)   // CASE, UNION, COALESCE, IN
//	CompareValues(a, b column.Value) int                  // same kind; NULLs not allowed
//	FormatText(dst []byte, ctx *Context, v *column.Vector, i int) []byte  // PostgreSQL text output
//	FormatValue(ctx *Context, v column.Value) string
//	ParseText(ctx *Context, s []byte, t schema.Type) (column.Value, error) // text input, 22P02 …
//	ParseTypeName(s string) (schema.Type, bool)           // "numeric(10,2)", "text[]", "int4"
//	TypeByOID(oid uint32) (schema.Type, bool); InternalName(t) string; AllTypes() []schema.Type
//
// Names of operators, and of syntax that PostgreSQL's parser turns into calls:
//
//	+ - * / % ^ || = <> != < <= > >= & | # << >> ~(bits, unary) -(unary) +(unary)
//	~~ !~~ ~~* !~~*         LIKE, ILIKE; ESCAPE is like_escape(pattern, escape)
//	~ !~ ~* !~*             regular expressions; SIMILAR TO is ~ similar_to_escape(pattern)
//	-> ->> #> #>> @> <@ && ?  json, jsonb and arrays
//	extract(field, value)   EXTRACT gives numeric; date_part gives float8
//	timezone(zone, value)   AT TIME ZONE
//	substring, overlay, position, btrim, ltrim, rtrim
//	coalesce, nullif, greatest, least
