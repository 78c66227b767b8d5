package fn

import (
	"slices"
	"strings"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
)

// Resolve picks the overload of a function or operator for argument types, by
// PostgreSQL's rules: an exact match first, then what implicit casts reach,
// where untyped literals take the other side's type. castTo is the type that
// each argument must be cast to; it equals the argument's own type where the
// function can read it as it is.
func Resolve(name string, args []schema.Type, d Dialect) (f *Func, castTo []schema.Type, err error) {
	name = canonicalName(name)
	all := std().lookup(name, d)
	if all == nil {
		return nil, nil, undefined(name, args, d)
	}
	cands := candidates(all, args)
	if len(cands) == 0 && len(args) == 1 && name == "-" {
		return nil, nil, undefined(name, args, d)
	}
	c, err := choose(name, cands, args)
	if err != nil {
		return nil, nil, err
	}
	if c == nil {
		return nil, nil, undefined(name, args, d)
	}
	castTo, ok := c.bind(args)
	if !ok {
		return nil, nil, undefined(name, args, d)
	}
	return c.fn, castTo, nil
}

func canonicalName(name string) string {
	name = strings.ToLower(name)
	if rest, ok := strings.CutPrefix(name, "pg_catalog."); ok {
		return rest
	}
	if rest, ok := strings.CutPrefix(name, "information_schema."); ok {
		return rest
	}
	return name
}

func isOperator(name string) bool {
	return name != "" && strings.IndexByte("+-*/%^=<>~!@#&|?`", name[0]) >= 0
}

// candidate is an overload stretched to the number of arguments.
type candidate struct {
	overload
	params []schema.Type // what each argument is matched against
}

// candidates returns the overloads that could take the arguments by implicit
// casts.
func candidates(all []overload, args []schema.Type) []candidate {
	var out []candidate
	for _, o := range all {
		params, ok := stretch(o, len(args))
		if !ok {
			continue
		}
		c := candidate{overload: o, params: params}
		if c.accepts(args) {
			out = append(out, c)
		}
	}
	return out
}

func stretch(o overload, n int) ([]schema.Type, bool) {
	if !o.fn.Variadic {
		return o.args, len(o.args) == n
	}
	fixed := len(o.args) - 1
	if n < fixed {
		return nil, false
	}
	params := slices.Clone(o.args[:fixed])
	for len(params) < n {
		params = append(params, o.args[fixed])
	}
	return params, true
}

func (c *candidate) accepts(args []schema.Type) bool {
	for i, p := range c.params {
		if isPseudo(p) {
			list := args[i].Kind() == schema.KindList
			if p == anyArray && !list && args[i].ID != schema.TypeUnknown || p == anyNonArray && list {
				return false
			}
			continue
		}
		if !CanCast(args[i], p, false) {
			return false
		}
	}
	_, ok := c.elementType(args)
	return ok
}

// elementType finds the type that anyElement stands for.
func (c *candidate) elementType(args []schema.Type) (schema.Type, bool) {
	var types []schema.Type
	for i, p := range c.params {
		switch {
		case p == anyElement:
			types = append(types, args[i])
		case p == anyArray && args[i].ID != schema.TypeUnknown:
			types = append(types, args[i].Elem())
		}
	}
	if len(types) == 0 {
		return schema.Text, true
	}
	return CommonType(types)
}

// bind returns the types that the arguments are cast to.
func (c *candidate) bind(args []schema.Type) ([]schema.Type, bool) {
	elem, ok := c.elementType(args)
	if !ok {
		return nil, false
	}
	target, ok := stretch(overload{args: c.fn.Args, fn: c.fn}, len(args))
	if !ok {
		return nil, false
	}
	out := make([]schema.Type, len(args))
	for i, p := range target {
		out[i] = bindOne(p, args[i], elem)
	}
	return out, true
}

func bindOne(p, arg, elem schema.Type) schema.Type {
	switch {
	case p == anyType || p == anyNonArray:
		if arg.ID == schema.TypeUnknown {
			return schema.Text
		}
		return arg
	case p == anyElement:
		if sameStorage(arg, elem) {
			return arg
		}
		return elem
	case p == anyArray:
		if arg.ID != schema.TypeUnknown && sameStorage(arg.Elem(), elem) {
			return arg
		}
		return elem.AsList()
	case sameStorage(arg, p) && arg.ID != schema.TypeUnknown:
		return arg
	}
	return p
}

// choose applies PostgreSQL's tie-breaking rules; nil means no candidate.
func choose(name string, cands []candidate, args []schema.Type) (*candidate, error) {
	types := make([]schema.Type, len(args))
	for i, a := range args {
		types[i] = plain(a)
	}
	if c := exactMatch(name, cands, types); c != nil {
		return c, nil
	}
	for _, rule := range []func([]candidate, []schema.Type) []candidate{
		mostExact, mostPreferred, byUnknownCategory, byKnownType,
	} {
		if len(cands) <= 1 {
			break
		}
		if kept := rule(cands, types); len(kept) > 0 {
			cands = kept
		}
	}
	switch len(cands) {
	case 0:
		return nil, nil
	case 1:
		return &cands[0], nil
	}
	return nil, sqlerr.New(sqlerr.AmbiguousFunction, "%s is not unique", signature(name, args)).
		WithHint("Could not choose a best candidate %s. You might need to add explicit type casts.", noun(name))
}

// exactMatch finds a candidate whose parameters equal the argument types; for
// a binary operator an unknown side is taken to be of the other's type.
func exactMatch(name string, cands []candidate, types []schema.Type) *candidate {
	want := types
	if isOperator(name) && len(types) == 2 {
		want = slices.Clone(types)
		for i := range want {
			if want[i].ID == schema.TypeUnknown {
				want[i] = types[1-i]
			}
		}
	}
	for i := range cands {
		if slices.EqualFunc(cands[i].params, want, matchesExactly) && !slices.Contains(want, schema.Unknown) {
			return &cands[i]
		}
	}
	return nil
}

// matchesExactly compares a parameter with an argument type; any array is one
// that anyArray stands for.
func matchesExactly(param, arg schema.Type) bool {
	return param == arg || param == anyArray && arg.List
}

// keepBest keeps the candidates with the highest score.
func keepBest(cands []candidate, score func(*candidate) int) []candidate {
	best := -1
	var out []candidate
	for i := range cands {
		switch s := score(&cands[i]); {
		case s > best:
			best, out = s, append(out[:0:0], cands[i])
		case s == best:
			out = append(out, cands[i])
		}
	}
	return out
}

func mostExact(cands []candidate, types []schema.Type) []candidate {
	return keepBest(cands, func(c *candidate) int {
		n := 0
		for i, p := range c.params {
			if p == types[i] || varcharAsText(types[i], p) {
				n++
			}
		}
		return n
	})
}

// varcharAsText treats varchar as text where a function takes text: PostgreSQL
// has no functions over varchar, it coerces without conversion.
func varcharAsText(arg, param schema.Type) bool {
	return arg == schema.Varchar && param == schema.Text
}

func mostPreferred(cands []candidate, types []schema.Type) []candidate {
	return keepBest(cands, func(c *candidate) int {
		n := 0
		for i, p := range c.params {
			if p == types[i] || types[i].ID != schema.TypeUnknown && Preferred(p) && categoryOf(p) == categoryOf(types[i]) {
				n++
			}
		}
		return n
	})
}

// byUnknownCategory settles the positions of untyped literals by the category
// that all candidates agree on there, text if any of them takes text.
func byUnknownCategory(cands []candidate, types []schema.Type) []candidate {
	for i, t := range types {
		if t.ID != schema.TypeUnknown {
			continue
		}
		cat, ok := agreedCategory(cands, i)
		if !ok {
			return cands
		}
		kept := filterCands(cands, func(c *candidate) bool { return categoryOf(c.params[i]) == cat })
		if len(kept) > 0 {
			cands = kept
		}
		if kept := filterCands(cands, func(c *candidate) bool { return Preferred(c.params[i]) }); len(kept) > 0 {
			cands = kept
		}
	}
	return cands
}

func agreedCategory(cands []candidate, i int) (category, bool) {
	cat := categoryOf(cands[0].params[i])
	same := true
	for k := range cands {
		switch categoryOf(cands[k].params[i]) {
		case catText:
			return catText, true
		case cat:
		default:
			same = false
		}
	}
	return cat, same
}

func byKnownType(cands []candidate, types []schema.Type) []candidate {
	var known schema.Type
	for _, t := range types {
		switch {
		case t.ID == schema.TypeUnknown:
		case known.ID == schema.TypeInvalid:
			known = t
		case known != t:
			return cands
		}
	}
	if known.ID == schema.TypeInvalid {
		return cands
	}
	return filterCands(cands, func(c *candidate) bool {
		for i, p := range c.params {
			if types[i].ID == schema.TypeUnknown && !isPseudo(p) && !CanCast(known, p, false) {
				return false
			}
		}
		return true
	})
}

func filterCands(cands []candidate, keep func(*candidate) bool) []candidate {
	var out []candidate
	for i := range cands {
		if keep(&cands[i]) {
			out = append(out, cands[i])
		}
	}
	return out
}

func noun(name string) string {
	if isOperator(name) {
		return "operator"
	}
	return "function"
}

// signature prints a call as PostgreSQL's messages do.
func signature(name string, args []schema.Type) string {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = plain(a).String()
	}
	switch {
	case !isOperator(name):
		return "function " + name + "(" + strings.Join(names, ", ") + ")"
	case len(args) == 2:
		return "operator is not unique: " + names[0] + " " + name + " " + names[1]
	}
	return "operator " + name + " " + strings.Join(names, ", ")
}

func undefined(name string, args []schema.Type, d Dialect) error {
	sig := signature(name, args)
	if isOperator(name) && len(args) == 2 {
		sig = "operator does not exist: " + plain(args[0]).String() + " " + name + " " + plain(args[1]).String()
		return sqlerr.New(sqlerr.UndefinedFunction, "%s", sig).
			WithHint("No operator matches the given name and argument types. You might need to add explicit type casts.")
	}
	e := sqlerr.New(sqlerr.UndefinedFunction, "%s does not exist", sig)
	if std().lookup(name, d) == nil {
		if near, ok := sqlerr.Nearest(name, functionNames()); ok {
			return e.WithHint("Did you mean %q?", near)
		}
	}
	return e.WithHint("No %s matches the given name and argument types. You might need to add explicit type casts.", noun(name))
}

func functionNames() []string {
	return slices.DeleteFunc(Names(), isOperator)
}
