package plan

import (
	"errors"
	"strings"

	"github.com/alluviumdb/alluvium/internal/schema"
	"github.com/alluviumdb/alluvium/internal/sqlerr"
	"github.com/alluviumdb/alluvium/query/sql"
)

// relation is an entry of the range table: something in FROM that has columns.
// Exactly one of table, query, cte and call is set.
type relation struct {
	name string
	cols []relCol

	table   *Relation // a stored or virtual table
	query   *query    // a subquery
	cte     *cteDef
	call    *Call // a function; cols are its columns, and the ordinality
	ordinal bool
	// scalar tells that call returns one value, not rows.
	scalar bool

	// fields maps the fields of a stored table to cols, which hold only what
	// the statement names: a table may have thousands of columns.
	fields map[int]int
}

// relCol is a column of a relation.
type relCol struct {
	name string
	typ  schema.Type
	// source is the column of a table: a field of a stored one, a position in
	// a virtual one; -1 with pseudo set for a pseudo column.
	source int
	pseudo string
	// tableOID and attNum are what a client may learn of the column's origin.
	tableOID uint32
	attNum   int16
	// record describes a column that is a row of several values; they are the
	// relation's columns from first on.
	record *recordInfo
	hidden bool // not part of * and not found by name
}

// recordInfo says where the fields of a record column are.
type recordInfo struct {
	names []string
	first int
}

// pseudoColumns exist on every stored table without being in its schema.
var pseudoColumns = map[string]schema.Type{
	"_segment":   schema.Text,
	"_partition": schema.Int32,
	"_seq":       schema.Int64,
}

func newTableRelation(r *Relation, name string) *relation {
	rel := &relation{name: name, table: r}
	if r.Table != nil {
		rel.fields = map[int]int{}
		return rel
	}
	for i, c := range r.Virtual.Cols {
		rel.cols = append(rel.cols, relCol{name: c.Name, typ: c.Type, source: i, tableOID: c.TableOID, attNum: c.AttNum})
	}
	return rel
}

// field returns the column for a field of a stored table.
func (r *relation) field(i int) int {
	if c, ok := r.fields[i]; ok {
		return c
	}
	f := &r.table.Table.Schema.Fields[i]
	r.cols = append(r.cols, relCol{name: f.Name, typ: f.Type, source: i, tableOID: r.table.OID, attNum: int16(i + 1)})
	r.fields[i] = len(r.cols) - 1
	return len(r.cols) - 1
}

// pseudo returns the pseudo column of that name.
func (r *relation) pseudo(name string) (int, bool) {
	t, ok := pseudoColumns[name]
	if !ok {
		return 0, false
	}
	for i := range r.cols {
		if r.cols[i].pseudo == name {
			return i, true
		}
	}
	r.cols = append(r.cols, relCol{name: name, typ: t, source: -1, pseudo: name, hidden: true})
	return len(r.cols) - 1, true
}

// visible returns the columns that * stands for.
func (r *relation) visible() []int {
	var out []int
	if r.fields != nil {
		for i := range r.table.Table.Schema.Fields {
			out = append(out, r.field(i))
		}
		return out
	}
	for i := range r.cols {
		if !r.cols[i].hidden {
			out = append(out, i)
		}
	}
	return out
}

// match is the quality of a name's match.
type match uint8

const (
	noMatch     match = iota
	caseMatch         // differs by case only
	exactMatch        // exact, or lower case for an unquoted name
	doubleMatch       // ambiguous
)

// find looks up a column.
func (r *relation) find(id sql.Ident) (int, match) {
	if r.fields == nil {
		return findName(len(r.cols), func(i int) (string, bool) { return r.cols[i].name, !r.cols[i].hidden }, id)
	}
	i, err := r.table.Table.Schema.Lookup(id.Name, id.Quoted)
	switch {
	case errors.Is(err, schema.ErrAmbiguousName):
		return 0, doubleMatch
	case err == nil && i >= 0:
		m := caseMatch
		if n := r.table.Table.Schema.Fields[i].Name; n == id.Name || n == strings.ToLower(id.Name) {
			m = exactMatch
		}
		return r.field(i), m
	}
	if c, ok := r.pseudo(id.Name); ok {
		return c, exactMatch
	}
	return 0, noMatch
}

// findName looks for a name among n: exact (lower case for an unquoted one)
// first, then, unquoted, the only one that differs by case.
func findName(n int, at func(int) (name string, ok bool), id sql.Ident) (int, match) {
	want := id.Name
	if !id.Quoted {
		want = strings.ToLower(want)
	}
	found, best := 0, noMatch
	for i := range n {
		name, ok := at(i)
		if !ok {
			continue
		}
		m := noMatch
		switch {
		case name == want:
			m = exactMatch
		case !id.Quoted && strings.EqualFold(name, want):
			m = caseMatch
		}
		switch {
		case m == noMatch || m < best:
		case m == best || best == doubleMatch && m == exactMatch:
			best = doubleMatch
		default:
			found, best = i, m
		}
	}
	return found, best
}

// names lists the column names of a relation, for "did you mean".
func (r *relation) names() []string {
	var out []string
	if r.fields != nil {
		for i := range r.table.Table.Schema.Fields {
			out = append(out, r.table.Table.Schema.Fields[i].Name)
		}
		return out
	}
	for i := range r.cols {
		if !r.cols[i].hidden {
			out = append(out, r.cols[i].name)
		}
	}
	return out
}

// rename gives the visible columns of a relation the names of an alias list.
func (r *relation) rename(names []string) error {
	if len(names) == 0 {
		return nil
	}
	vis := r.visible()
	if len(names) > len(vis) {
		return sqlerr.New(sqlerr.InvalidColumnReference, "table %q has %d columns available but %d columns specified",
			r.name, len(vis), len(names))
	}
	for i, n := range names {
		r.cols[vis[i]].name = n
	}
	if r.fields != nil {
		// Names no longer follow the schema: from here on the columns decide.
		r.fields = nil
	}
	return nil
}

// ref is a reference to a column.
func (r *relation) ref(col, loc int) Expr {
	c := &r.cols[col]
	if c.record != nil {
		rec := &recordExpr{names: c.record.names}
		for i := range c.record.names {
			rec.fields = append(rec.fields, r.ref(c.record.first+i, loc))
		}
		return rec
	}
	return &colVar{rel: r, col: col, typ: c.typ, loc: loc}
}
