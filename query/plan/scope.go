package plan

import (
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/sql"
)

// scope is what names mean at one level of a query.
type scope struct {
	parent *scope // the enclosing query
	items  []*nsItem
	ctes   []*cteDef
	// pending are relations of this FROM that exist but may not be seen here;
	// they make for a better error.
	pending []*nsItem
}

// nsItem is a name of FROM with its columns: a relation, or the result of a
// join.
type nsItem struct {
	name   string
	schema string // of a table, for qualified names
	rel    *relation
	cols   []nsCol // of a join; rel is nil
	// relVisible tells that name.column works, colsVisible that the bare
	// column does.
	relVisible, colsVisible bool
}

// nsCol is a column of a join.
type nsCol struct {
	name string
	expr Expr
}

func (it *nsItem) find(id sql.Ident, loc int) (Expr, match) {
	if it.rel != nil {
		c, m := it.rel.find(id)
		if m == noMatch || m == doubleMatch {
			return nil, m
		}
		return it.rel.ref(c, loc), m
	}
	i, m := findName(len(it.cols), func(i int) (string, bool) { return it.cols[i].name, true }, id)
	if m == noMatch || m == doubleMatch {
		return nil, m
	}
	return atLocation(it.cols[i].expr, loc), m
}

// atLocation gives a column reference another position.
func atLocation(e Expr, loc int) Expr {
	if v, ok := e.(*colVar); ok {
		c := *v
		c.loc = loc
		return &c
	}
	return e
}

// columns lists all columns in the order of *.
func (it *nsItem) columns(loc int) []nsCol {
	if it.rel == nil {
		return it.cols
	}
	var out []nsCol
	for _, c := range it.rel.visible() {
		out = append(out, nsCol{it.rel.cols[c].name, it.rel.ref(c, loc)})
	}
	return out
}

func (it *nsItem) names() []string {
	if it.rel != nil {
		return it.rel.names()
	}
	out := make([]string, len(it.cols))
	for i, c := range it.cols {
		out[i] = c.name
	}
	return out
}

// item finds a name of FROM.
func (s *scope) item(schemaName string, id sql.Ident) (*nsItem, match) {
	i, m := findName(len(s.items), func(i int) (string, bool) {
		it := s.items[i]
		return it.name, it.relVisible && it.name != "" && (schemaName == "" || it.schema == schemaName)
	}, id)
	if m == noMatch {
		return nil, m
	}
	return s.items[i], m
}

// column finds a bare column at one level.
func (s *scope) column(id sql.Ident, loc int) (Expr, match) {
	var found Expr
	best := noMatch
	for _, it := range s.items {
		if !it.colsVisible {
			continue
		}
		e, m := it.find(id, loc)
		switch {
		case m == noMatch || m < best:
		case m == doubleMatch || m == best:
			best = doubleMatch
		default:
			found, best = e, m
		}
	}
	return found, best
}

// lookupColumn resolves a bare column name through all levels.
func (s *scope) lookupColumn(id sql.Ident, loc int) (Expr, error) {
	for sc := s; sc != nil; sc = sc.parent {
		switch e, m := sc.column(id, loc); m {
		case noMatch:
		case doubleMatch:
			return nil, sqlerr.New(sqlerr.AmbiguousColumn, "column reference %q is ambiguous", id.Name).At(loc)
		default:
			return e, nil
		}
	}
	return nil, nil
}

// lookupItem resolves a table name through all levels.
func (s *scope) lookupItem(schemaName string, id sql.Ident, loc int) (*nsItem, error) {
	for sc := s; sc != nil; sc = sc.parent {
		switch it, m := sc.item(schemaName, id); m {
		case noMatch:
		case doubleMatch:
			return nil, sqlerr.New(sqlerr.AmbiguousAlias, "table reference %q is ambiguous", id.Name).At(loc)
		default:
			return it, nil
		}
	}
	return nil, nil
}

// lookupCTE finds a common table expression.
func (s *scope) lookupCTE(name string) *cteDef {
	for sc := s; sc != nil; sc = sc.parent {
		for i := len(sc.ctes) - 1; i >= 0; i-- {
			if sc.ctes[i].name == name {
				return sc.ctes[i]
			}
		}
	}
	return nil
}

// undefinedColumn is the error for a bare name that nothing matches.
func (s *scope) undefinedColumn(id sql.Ident, loc int) error {
	name := id.Name
	if !id.Quoted {
		name = lower(name)
	}
	e := sqlerr.New(sqlerr.UndefinedColumn, "column %q does not exist", name).At(loc)
	var names []string
	for sc := s; sc != nil; sc = sc.parent {
		for _, it := range sc.items {
			names = append(names, it.names()...)
		}
	}
	if near, ok := sqlerr.Nearest(id.Name, names); ok {
		return e.WithHint("Did you mean %q?", near)
	}
	return e
}

// undefinedIn is the error for a qualified name whose table is known.
func undefinedIn(it *nsItem, id sql.Ident, loc int) error {
	name := id.Name
	if !id.Quoted {
		name = lower(name)
	}
	e := sqlerr.New(sqlerr.UndefinedColumn, "column %s.%s does not exist", it.name, name).At(loc)
	if near, ok := sqlerr.Nearest(id.Name, it.names()); ok {
		return e.WithHint("Did you mean \"%s.%s\"?", it.name, near)
	}
	return e
}

// missingFrom is the error for a table name that is not in FROM.
func (s *scope) missingFrom(id sql.Ident, loc int) error {
	for sc := s; sc != nil; sc = sc.parent {
		for _, it := range sc.pending {
			if it.name == id.Name {
				return sqlerr.New(sqlerr.UndefinedTable, "invalid reference to FROM-clause entry for table %q", id.Name).At(loc).
					WithHint("There is an entry for table %q, but it cannot be referenced from this part of the query.", id.Name)
			}
		}
	}
	e := sqlerr.New(sqlerr.UndefinedTable, "missing FROM-clause entry for table %q", id.Name).At(loc)
	var names []string
	for sc := s; sc != nil; sc = sc.parent {
		for _, it := range sc.items {
			if it.relVisible && it.name != "" {
				names = append(names, it.name)
			}
		}
	}
	if near, ok := sqlerr.Nearest(id.Name, names); ok {
		return e.WithHint("Did you mean %q?", near)
	}
	return e
}
