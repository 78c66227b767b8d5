package fn

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/alluviumdb/alluvium/internal/column"
	"github.com/alluviumdb/alluvium/internal/schema"
)

// Pseudo types stand in Func.Args for "any type" and for types that must
// agree. They never occur as the type of a value.
var (
	// anyType takes each argument as it is.
	anyType = schema.Type{ID: schema.TypeInvalid, Length: 1}
	// anyNonArray takes each argument that is no array.
	anyNonArray = schema.Type{ID: schema.TypeInvalid, Length: 3}
	// anyElement and anyArray must agree on one element type, the common type
	// of all of them.
	anyElement = schema.Type{ID: schema.TypeInvalid, Length: 2}
	anyArray   = schema.Type{ID: schema.TypeInvalid, Length: 2, List: true}
)

func isPseudo(t schema.Type) bool { return t.ID == schema.TypeInvalid }

// typeNames maps PostgreSQL's internal type names to types; signatures are
// written with them.
var typeNames = map[string]schema.Type{
	"bool": schema.Bool, "int2": schema.Int16, "int4": schema.Int32, "int8": schema.Int64,
	"float4": schema.Float32, "float8": schema.Float64, "numeric": schema.Numeric,
	"date": schema.Date, "time": schema.Time, "timestamp": schema.Timestamp,
	"timestamptz": schema.TimestampTZ, "interval": schema.Interval,
	"text": schema.Text, "varchar": schema.Varchar, "bpchar": {ID: schema.TypeChar},
	"name": schema.Name, "char": {ID: schema.TypeInternalChar}, "json": schema.JSON,
	"jsonb": schema.JSONB, "bytea": schema.Bytea, "uuid": schema.UUID, "oid": schema.OID,
	"regclass": {ID: schema.TypeRegclass}, "regtype": {ID: schema.TypeRegtype},
	"regproc": {ID: schema.TypeRegproc}, "regnamespace": {ID: schema.TypeRegnamespace},
	"int2vector": {ID: schema.TypeInt2Vector}, "oidvector": {ID: schema.TypeOIDVector},
	"void": {ID: schema.TypeVoid}, "record": {ID: schema.TypeRecord}, "unknown": schema.Unknown,
	"any": anyType, "anynonarray": anyNonArray, "anyelement": anyElement, "anyarray": anyArray,
}

// evalFunc is the type of Func.Eval.
type evalFunc = func(ctx *Context, args []*column.Vector, n int, sel column.Bitmap, out *column.Vector) error

// setFunc is the type of Func.EvalSet.
type setFunc = func(ctx *Context, args []column.Value) (*column.Batch, error)

// overload is a signature that leads to a function. The signature may differ
// from the function's own argument types, to which the arguments are then
// cast: int4 + int8 is int8 + int8 after a cast, and takes part in resolution
// as its own candidate, as in PostgreSQL.
type overload struct {
	args []schema.Type
	fn   *Func
}

// registry holds all overloads by name; pinot holds those that replace them
// in the Pinot dialect.
type registry struct {
	base, pinot map[string][]overload
}

var std = sync.OnceValue(func() *registry {
	r := &registry{base: map[string][]overload{}, pinot: map[string][]overload{}}
	for _, family := range []func(*registry){
		registerCompare, registerArith, registerNumericMath, registerMath, registerText,
		registerTextMore, registerLike, registerRegexp, registerFormat, registerCastFuncs,
		registerDateTime, registerDateArith, registerDateMake, registerToChar, registerConditional,
		registerArray, registerJSON, registerJSONMatch, registerTextMatch, registerGeo, registerSets, registerSession, registerCatalogInfo, registerPinot,
	} {
		family(r)
	}
	return r
})

// lookup returns the overloads of a name in a dialect.
func (r *registry) lookup(name string, d Dialect) []overload {
	if d == Pinot {
		if o := r.pinot[name]; o != nil {
			return o
		}
	}
	return r.base[name]
}

// Exists reports whether a function or operator of that name exists in any dialect.
func Exists(name string) bool {
	r := std()
	name = strings.ToLower(name)
	return r.base[name] != nil || r.pinot[name] != nil
}

// Names returns the names of all functions and operators, sorted.
func Names() []string {
	r := std()
	var out []string
	for n := range r.base {
		out = append(out, n)
	}
	for n := range r.pinot {
		if r.base[n] == nil {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// Overloads returns the functions of the PostgreSQL dialect with that name,
// for the catalog.
func Overloads(name string) []*Func {
	var out []*Func
	for _, o := range std().base[name] {
		if !slices.Contains(out, o.fn) {
			out = append(out, o.fn)
		}
	}
	return out
}

// parseSig reads "name(type,type,type...) result flags…". Flags are stable,
// volatile, null (the function sees NULLs) and session. A result "setof (a
// type, b type)" declares a set-returning function.
func parseSig(sig string) *Func {
	open, end := strings.Index(sig, "("), strings.Index(sig, ")")
	f := &Func{Name: sig[:open]}
	if list := sig[open+1 : end]; list != "" {
		for _, a := range strings.Split(list, ",") {
			a, f.Variadic = strings.CutSuffix(a, "...")
			f.Args = append(f.Args, mustType(a))
		}
	}
	rest := strings.TrimSpace(sig[end+1:])
	if cols, ok := strings.CutPrefix(rest, "setof ("); ok {
		cols, rest, _ = strings.Cut(cols, ")")
		f.Set = true
		for _, c := range strings.Split(cols, ",") {
			name, typ, _ := strings.Cut(strings.TrimSpace(c), " ")
			f.SetCols = append(f.SetCols, SetCol{Name: name, Type: mustType(typ)})
		}
		f.Ret = f.SetCols[0].Type
		if len(f.SetCols) > 1 {
			f.Ret = schema.Type{ID: schema.TypeRecord}
		}
	}
	f.applyFlags(strings.Fields(rest))
	return f
}

func (f *Func) applyFlags(words []string) {
	for _, w := range words {
		switch w {
		case "stable":
			f.Volatility = Stable
		case "volatile":
			f.Volatility = Volatile
		case "null":
			f.NullCall = true
		case "session":
			f.NeedsSession = true
			f.Volatility = max(f.Volatility, Stable)
		default:
			f.Ret = mustType(w)
		}
	}
}

// mustType reads a type name of a signature. The signatures are constants of
// this package, read once at start and covered by its tests.
func mustType(name string) schema.Type {
	base, list := strings.CutSuffix(name, "[]")
	t, ok := typeNames[base]
	if !ok {
		panic(fmt.Sprintf("fn: unknown type %q in a signature", name))
	}
	if list {
		return t.AsList()
	}
	return t
}

// vec registers a vectorised overload.
func (r *registry) vec(sig string, eval evalFunc) *Func {
	f := parseSig(sig)
	f.Eval = eval
	return r.put(f)
}

// row registers an overload that is computed row by row.
func (r *registry) row(sig string, f rowFunc) *Func {
	fn := parseSig(sig)
	fn.Eval = rowwise(fn, f)
	return r.put(fn)
}

// poly registers an overload computed row by row whose result type follows
// from its argument types.
func (r *registry) poly(sig string, ret func([]schema.Type) schema.Type, f rowFunc) *Func {
	fn := parseSig(sig)
	fn.RetType = ret
	fn.Eval = rowwise(fn, f)
	return r.put(fn)
}

// set registers a set-returning overload.
func (r *registry) set(sig string, f setFunc) *Func {
	fn := parseSig(sig)
	fn.EvalSet = f
	return r.put(fn)
}

func (r *registry) put(f *Func) *Func {
	r.base[f.Name] = append(r.base[f.Name], overload{args: f.Args, fn: f})
	return f
}

// also registers another signature that leads to f by casts.
func (r *registry) also(f *Func, args ...schema.Type) {
	r.base[f.Name] = append(r.base[f.Name], overload{args: args, fn: f})
}

// alias gives all overloads of a name another name as well.
func (r *registry) alias(name string, others ...string) {
	for _, o := range others {
		r.base[o] = append(r.base[o], r.base[name]...)
	}
}

// inPinot gives an overload, or all of a base name, a name in the Pinot
// dialect, where it hides the base overloads of that name.
func (r *registry) inPinot(name string, fns ...*Func) {
	for _, f := range fns {
		r.pinot[name] = append(r.pinot[name], overload{args: f.Args, fn: f})
	}
}
